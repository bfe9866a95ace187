//! What is known to the search about one repository.

use std::collections::{BTreeMap, HashMap};

use hub_types::{RepoId, RepoType};
use serde::{Deserialize, Serialize};

/// The longest card text that is indexed, in bytes. What lies beyond it is not searched.
pub const MAX_CARD_BYTES: usize = 20_000;

/// A property by which lists are narrowed. A repository may have any number of values of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// `text-generation` and so on.
    Task,
    /// `transformers`, `diffusers`, `datasets`, …
    Library,
    /// ISO 639 codes, `multilingual`, `code`.
    Language,
    /// `apache-2.0` and so on.
    License,
    /// Ids of the datasets a model was trained on. Matched whatever the case, as repositories are.
    TrainedOn,
    /// What a model was made from: `finetune:org/name`, and `org/name` for whichever way. Matched whatever the case.
    BaseModel,
    /// How it was made: `original`, `finetune`, `adapter`, `merge`, `quantized`.
    Relation,
    /// `bf16`, `f32`, `q4_k_m`, …
    Precision,
    /// `gptq`, `awq`, `gguf`, …
    Quantization,
    /// `us`, `eu`.
    Region,
    /// `auto` or `manual`; nothing for a repository that is open to all.
    Gated,
    /// `warm`, `cold`, or the name of who serves it.
    Inference,
    /// Names of the benchmarks it has results for. Matched whatever the case: cards write them as they like.
    Evaluated,
    /// Programs that run it: `vllm`, `llama.cpp`, …
    App,
    /// `text`, `image`, …
    Modality,
    /// `parquet`, `json`, …
    Format,
    /// `10K<n<100K` and so on.
    SizeCategory,
    /// `gradio`, `docker`, `static`.
    Sdk,
    /// Of a Space: `running`, `sleeping`, …
    Status,
    /// Of a Space: `cpu-basic`, …
    Hardware,
    /// The owner. The index adds it by itself, and matches it whatever the case.
    Author,
    /// Any raw tag.
    Tag,
    /// Of a private repository: who sees it, if not everybody who belongs to the owner. Nobody narrows lists by it.
    Audience,
}

impl Facet {
    /// Every facet, in the order of their declaration.
    pub const EVERY: [Self; 23] = [
        Self::Task,
        Self::Library,
        Self::Language,
        Self::License,
        Self::TrainedOn,
        Self::BaseModel,
        Self::Relation,
        Self::Precision,
        Self::Quantization,
        Self::Region,
        Self::Gated,
        Self::Inference,
        Self::Evaluated,
        Self::App,
        Self::Modality,
        Self::Format,
        Self::SizeCategory,
        Self::Sdk,
        Self::Status,
        Self::Hardware,
        Self::Author,
        Self::Tag,
        Self::Audience,
    ];

    /// The name in settings, documents and URLs: `task`, `trained_on`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Library => "library",
            Self::Language => "language",
            Self::License => "license",
            Self::TrainedOn => "trained_on",
            Self::BaseModel => "base_model",
            Self::Relation => "relation",
            Self::Precision => "precision",
            Self::Quantization => "quantization",
            Self::Region => "region",
            Self::Gated => "gated",
            Self::Inference => "inference",
            Self::Evaluated => "evaluated",
            Self::App => "app",
            Self::Modality => "modality",
            Self::Format => "format",
            Self::SizeCategory => "size_category",
            Self::Sdk => "sdk",
            Self::Status => "status",
            Self::Hardware => "hardware",
            Self::Author => "author",
            Self::Tag => "tag",
            Self::Audience => "audience",
        }
    }

    /// Its place in [`Self::EVERY`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Under which text a value is looked up: names of owners, repositories and benchmarks are the same whatever their case.
    pub(crate) fn key(self, value: &str) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Audience | Self::Author | Self::BaseModel | Self::Evaluated | Self::TrainedOn => value.to_lowercase().into(),
            _ => value.into(),
        }
    }
}

/// The values of a document, by facet.
pub type FacetValues = BTreeMap<Facet, Vec<String>>;

/// Numbers that change by themselves, without a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// The score by which "trending" sorts.
    pub trending: f64,
    /// Downloads, of all time.
    pub downloads: u64,
    /// Likes.
    pub likes: u64,
}

/// How much use adds to a rank: one order of magnitude of downloads weighs 1.3, one of likes 0.6.
pub(crate) fn popularity(counters: &Counters) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm of it is all that is wanted")]
    let magnitude = |count: u64| (1.0 + count as f32).log10();
    1.3 * magnitude(counters.downloads) + 0.6 * magnitude(counters.likes)
}

/// One repository as the search knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepoDoc {
    /// The key in the database; a document replaces the one with the same key.
    pub pk: i64,
    /// Buckets are not searched: they are refused.
    #[serde(with = "as_text")]
    pub kind: RepoType,
    /// `namespace/name`, as typed.
    #[serde(with = "as_text")]
    pub id: RepoId,
    /// What the owner calls themselves.
    pub owner_name: String,
    /// Whether everybody may see it.
    pub public: bool,
    /// The card as plain text. Cut at [`MAX_CARD_BYTES`]. Not serialized: an index keeps it apart, because it is long.
    #[serde(skip)]
    pub card: String,
    /// Values to narrow lists by. The words of [`Facet::Tag`] are searched too.
    pub facets: FacetValues,
    /// Numbers that change often.
    pub counters: Counters,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds since 1970.
    pub updated: i64,
    /// Bytes of all files of the default branch.
    pub size_bytes: u64,
    /// How many parameters a model has.
    pub parameters: Option<u64>,
    /// How many rows a dataset has.
    pub rows: Option<u64>,
}

impl RepoDoc {
    /// The card text that is indexed.
    pub(crate) fn card_text(&self) -> &str {
        crate::text::cut(&self.card, MAX_CARD_BYTES)
    }

    /// Who sees a private document: those named in [`Facet::Audience`], or else those who belong to its owner.
    pub(crate) fn audience(&self) -> impl Iterator<Item = &str> {
        let named = self.facets.get(&Facet::Audience).filter(|values| !values.is_empty());
        let owner = named.is_none().then(|| self.id.namespace());
        named.into_iter().flatten().map(String::as_str).chain(owner).filter(|_| !self.public)
    }
}

/// One step of what happened, in the order of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The repository is now this.
    Upsert(Box<RepoDoc>),
    /// The repository with this key is gone. It is no error if it never was.
    Delete(i64),
}

/// Of several changes of a repository, only the last one counts.
pub(crate) fn last_of_each(changes: &[Change]) -> Vec<&Change> {
    let key = |change: &Change| match change {
        Change::Upsert(doc) => doc.pk,
        Change::Delete(pk) => *pk,
    };
    let last: HashMap<i64, usize> = changes.iter().enumerate().map(|(at, change)| (key(change), at)).collect();
    changes.iter().enumerate().filter(|(at, change)| last.get(&key(change)) == Some(at)).map(|(_, change)| change).collect()
}

/// How far an index has read the outbox: the sequence number of the last event in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i64);

/// Values that know how to be text, as text.
mod as_text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
