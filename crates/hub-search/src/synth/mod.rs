//! Invented repositories with a realistic spread of values, for measuring and trying out.
//!
//! The same seed and number always give the same repository. The spread is written down in `distributions.tsv`.

mod random;

use std::{collections::HashMap, sync::LazyLock};

use hub_types::{RepoId, RepoType};

use crate::{Counters, Facet, FacetValues, RepoDoc};
use random::{Random, Zipf};

/// 2026-11-01, in seconds since 1970: nothing invented is later.
const NOW: i64 = 1_793_491_200;
const FOUR_YEARS: u64 = 4 * 365 * 86_400;

static DISTRIBUTIONS: LazyLock<HashMap<&'static str, Choice>> = LazyLock::new(read_distributions);

/// Values to choose from, with weights that grow from one to the next.
#[derive(Default)]
struct Choice {
    values: Vec<&'static str>,
    up_to: Vec<f64>,
}

impl Choice {
    fn add(&mut self, value: &'static str, weight: f64) {
        self.values.push(value);
        self.up_to.push(self.up_to.last().unwrap_or(&0.0) + weight);
    }

    fn choose(&self, random: &mut Random) -> Option<&'static str> {
        let at = random.fraction() * self.up_to.last()?;
        let value = self.values.get(self.up_to.partition_point(|up_to| *up_to <= at))?;
        (*value != "-").then_some(*value)
    }
}

fn read_distributions() -> HashMap<&'static str, Choice> {
    let mut groups: HashMap<&'static str, Choice> = HashMap::new();
    for line in include_str!("distributions.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        if let (Some(group), Some(value), Some(weight)) = (columns.next(), columns.next(), columns.next()) {
            groups.entry(group).or_default().add(value, weight.parse().unwrap_or(0.0));
        }
    }
    groups
}

fn choose(group: &str, random: &mut Random) -> Option<&'static str> {
    DISTRIBUTIONS.get(group)?.choose(random)
}

/// Invents repositories.
pub struct Synth {
    seed: u64,
    owners: Zipf,
    bases: Zipf,
    datasets: Zipf,
    words: Zipf,
}

impl Synth {
    /// Everything follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            owners: Zipf::new(60_000, 20.0),
            bases: Zipf::new(4_000, 5.0),
            datasets: Zipf::new(3_000, 5.0),
            words: Zipf::new(40_000, 3.0),
        }
    }

    /// The `number`-th repository of a kind, whose key is `pk`.
    pub fn repo(&self, kind: RepoType, pk: i64, number: u64) -> RepoDoc {
        let mut random = Random::of(self.seed, kind as u64, number);
        let owner = owner_name(self.owners.draw(&mut random));
        let name = repo_name(kind, number, &mut random);
        let mut facets = FacetValues::new();
        match kind {
            RepoType::Model => self.describe_model(&mut facets, &mut random),
            RepoType::Dataset => describe_dataset(&mut facets, &mut random),
            RepoType::Space | RepoType::Bucket => describe_space(&mut facets, &mut random),
        }
        tag(&mut facets);
        let (counters, created, updated) = use_of(&mut random);
        let id = RepoId::new(&owner, &name).unwrap_or_else(|_| fallback_id(number));
        RepoDoc {
            pk,
            kind,
            owner_name: capitalised(&owner),
            public: random.below(100) > 0,
            card: self.card(&name, &facets, &mut random),
            parameters: if kind == RepoType::Model { parameters(&mut random) } else { None },
            rows: if kind == RepoType::Dataset { Some(random.heavy(0.5, 1e10)) } else { None },
            id,
            facets,
            counters,
            created,
            updated,
            size_bytes: random.heavy(0.25, 1e12),
        }
    }

    fn describe_model(&self, facets: &mut FacetValues, random: &mut Random) {
        put(facets, Facet::Task, choose("model-task", random));
        describe_card(facets, random);
        for (facet, group) in [
            (Facet::Library, "library"),
            (Facet::Precision, "precision"),
            (Facet::Quantization, "quantization"),
            (Facet::Inference, "inference"),
            (Facet::App, "app"),
            (Facet::Evaluated, "evaluated"),
        ] {
            put(facets, facet, choose(group, random));
        }
        if let Some(relation) = choose("relation", random) {
            put(facets, Facet::Relation, Some(relation));
            if relation != "original" {
                let base = self.bases.draw(random);
                let base = format!("{}/base-{base}", owner_name(base % 300));
                facets.entry(Facet::BaseModel).or_default().extend([format!("{relation}:{base}"), base]);
            }
        }
        if random.below(100) < 15 {
            let dataset = self.datasets.draw(random);
            facets.entry(Facet::TrainedOn).or_default().push(format!("{}/data-{dataset}", owner_name(dataset % 500)));
        }
    }

    fn card(&self, name: &str, facets: &FacetValues, random: &mut Random) -> String {
        let mut card = format!("{name} is a repository");
        for value in facets.get(&Facet::Task).into_iter().flatten() {
            card.push_str(" for ");
            card.push_str(&value.replace('-', " "));
        }
        card.push_str(". It was trained with the data and parameters below and this is how to use the model.\n");
        for at in 0..20 + random.below(240) {
            card.push_str(if at % 12 == 11 { ". " } else { " " });
            random::push_word(self.words.draw(random), &mut card);
        }
        card
    }
}

fn describe_card(facets: &mut FacetValues, random: &mut Random) {
    for (facet, group) in
        [(Facet::License, "license"), (Facet::Language, "language"), (Facet::Region, "region"), (Facet::Gated, "gated")]
    {
        put(facets, facet, choose(group, random));
    }
    while random.below(100) < 12 {
        put(facets, Facet::Language, choose("language", random));
    }
}

fn describe_dataset(facets: &mut FacetValues, random: &mut Random) {
    describe_card(facets, random);
    for (facet, group) in [
        (Facet::Task, "dataset-task"),
        (Facet::Modality, "modality"),
        (Facet::Format, "format"),
        (Facet::SizeCategory, "size-category"),
    ] {
        put(facets, facet, choose(group, random));
    }
    put(facets, Facet::Library, Some("datasets"));
}

fn describe_space(facets: &mut FacetValues, random: &mut Random) {
    for (facet, group) in
        [(Facet::Sdk, "sdk"), (Facet::Status, "status"), (Facet::Hardware, "hardware"), (Facet::License, "license")]
    {
        put(facets, facet, choose(group, random));
    }
}

fn put(facets: &mut FacetValues, facet: Facet, value: Option<&str>) {
    if let Some(value) = value {
        let values = facets.entry(facet).or_default();
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
}

/// The raw tags, which say the same again, as cards do.
fn tag(facets: &mut FacetValues) {
    let mut tags = Vec::new();
    for (facet, values) in &*facets {
        for value in values {
            tags.push(match facet {
                Facet::License => format!("license:{value}"),
                Facet::TrainedOn => format!("dataset:{value}"),
                Facet::BaseModel => format!("base_model:{value}"),
                Facet::Region => format!("region:{value}"),
                _ => value.clone(),
            });
        }
    }
    facets.insert(Facet::Tag, tags);
}

fn use_of(random: &mut Random) -> (Counters, i64, i64) {
    let downloads = random.heavy(0.65, 3e8) - 1;
    #[expect(clippy::cast_precision_loss, reason = "an invented number")]
    let likes = (downloads as f64).sqrt() * random.fraction() / 1.5;
    let age = random.below(FOUR_YEARS);
    let since = random.below(age + 1);
    #[expect(clippy::cast_precision_loss, reason = "an invented number")]
    let trending = likes * (-(since as f64) / (30.0 * 86_400.0)).exp();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an invented number, small and not negative")]
    let likes = likes as u64;
    (Counters { trending, downloads, likes }, NOW - age.cast_signed(), NOW - since.cast_signed())
}

fn parameters(random: &mut Random) -> Option<u64> {
    let millions: f64 = choose("parameters-in-millions", random)?.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an invented number, not negative")]
    let parameters = (millions * 1e6 * (0.97 + random.fraction() * 0.06)) as u64;
    Some(parameters)
}

fn owner_name(number: u64) -> String {
    let mut name = String::new();
    random::push_word(number * 7 + 11, &mut name);
    if number.is_multiple_of(3) {
        name.push_str("-ai");
    }
    name
}

fn repo_name(kind: RepoType, number: u64, random: &mut Random) -> String {
    let mut name = choose("family", random).unwrap_or("model").to_owned();
    if random.below(2) == 0 {
        let size = ["1B", "3B", "7B", "8B", "13B", "70B", "small", "large", "v2", "v3"];
        name.push('-');
        name.push_str(size[random.below(size.len() as u64) as usize]);
    }
    for _ in 0..2 {
        if let Some(variant) = choose("variant", random) {
            name.push('-');
            name.push_str(variant);
        }
    }
    if random.below(2) == 0 {
        name.push('-');
        random::push_word(random.below(20_000), &mut name);
    }
    if kind == RepoType::Dataset {
        name.push_str("-dataset");
    }
    // Names of one owner differ.
    name.push_str(&format!("-{number:x}"));
    name
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(name.len().min(1));
    first.to_uppercase() + rest
}

#[expect(clippy::expect_used, reason = "letters and digits are a valid name")]
fn fallback_id(number: u64) -> RepoId {
    RepoId::new("synth", &format!("repo-{number}")).expect("a valid id")
}
