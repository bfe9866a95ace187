//! What a repository was made from, by its bytes: for owners who want to know, and for moderators and those who run the hub, who
//! look for undeclared base models, copies, and licences that were lost on the way. See `docs/lineage.md`.
//!
//! - [`sketch`]: the job that takes samples of a model's weights.
//! - `shares`: files and chunks that other repositories have too.
//! - [`findings`]: the likely parents of all models of the hub, for moderators and those who run it.
//! - [`relatives_of`]: both together, and what they mean. Names only repositories whose files the viewer may download.

pub mod findings;
mod shares;
mod sketching;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use hub_weights::{Kinship, Similarity, Sketch};

use super::access::RepoRead;
use super::queries::lineage::{Declared, NewSketch, find_declared, find_sketch, list_near_models};
use super::queries::relations::list_old_ids;
use super::queries::{self, Repo};
use super::visibility::{Visibility, visible_to};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;

use shares::Shared;
pub use sketching::sketch;

/// In how many of 256 bits the digests of relatives may differ. Strangers differ in 128 ± 8, models whose samples
/// correlate by 0.5 in 85 ± 8.
const NEAR_BITS: i64 = 104;
/// How many models' samples are compared.
const MAX_NEAR: i64 = 60;
/// How many relatives are looked up, the closest first.
const MAX_RELATIVES: usize = 50;
/// From which share of the bytes on a repository without comparable weights is taken for a copy.
const COPY_SHARE: f64 = 0.99;
/// What everybody's repositories share: below this many bytes shared chunks say nothing.
const MIN_SHARED_BYTES: u64 = 64 * 1024;

/// How two repositories belong together, from the loosest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// Some bytes are the same.
    SharesFiles,
    /// Trained on.
    Finetune,
    /// The same weights as other numbers.
    Converted,
    /// The same weights, or nearly all bytes.
    Identical,
}

impl Relation {
    /// The word the API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SharesFiles => "shares_files",
            Self::Finetune => "finetune",
            Self::Converted => "converted",
            Self::Identical => "identical",
        }
    }
}

/// Another repository, and what speaks for its being a relative.
#[derive(Debug, Clone)]
pub struct Relative {
    /// The other repository.
    pub repo: Repo,
    /// What it is to this one.
    pub relation: Relation,
    /// Whether it had the bytes first: a source, not a child.
    pub is_source: bool,
    /// Since when it has them.
    pub since: DateTime<Utc>,
    /// Bytes of this repository that it has too.
    pub shared_bytes: u64,
    /// Their share of this repository's large files, 0 to 1.
    pub shared_share: f64,
    /// Paths of files that it has as they are.
    pub identical_files: BTreeSet<String>,
    /// What the samples of the weights say.
    pub similarity: Option<Similarity>,
    /// Whether the younger one's card names the older one as its base.
    pub declared: bool,
    /// Its licences.
    pub license: Vec<String>,
    /// Whether the licences of the two differ.
    pub license_conflict: bool,
}

/// What is known of where a repository comes from.
#[derive(Debug)]
pub struct Lineage {
    /// Whether its weights were sampled.
    pub sketched: bool,
    /// What its card says.
    pub declared: Declared,
    /// The size of its large files, in bytes.
    pub large_bytes: u64,
    /// Sources first, the closest first.
    pub relatives: Vec<Relative>,
}

impl Lineage {
    /// What it was most likely made from.
    pub fn parent(&self) -> Option<&Relative> {
        self.relatives.iter().find(|relative| relative.is_source && relative.relation > Relation::SharesFiles)
    }
}

/// What was found of one other repository.
#[derive(Debug, Default)]
struct Evidence {
    shared: Option<Shared>,
    similarity: Option<Similarity>,
    weights_since: Option<DateTime<Utc>>,
}

impl Evidence {
    fn shared_share(&self, total_bytes: u64) -> f64 {
        (self.shared.as_ref().map_or(0, |shared| shared.bytes) as f64 / total_bytes.max(1) as f64).min(1.0)
    }

    /// Since when the other repository and this one have what speaks for the relation: like is compared with like, so that an
    /// old file that has nothing to do with it makes nobody the elder.
    fn ages(&self, weights_since: Option<DateTime<Utc>>, total_bytes: u64) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let shared = self.shared.as_ref().and_then(|shared| shared.since.zip(shared.here_since));
        let weights = self.weights_since.zip(weights_since);
        if self.shared_share(total_bytes) >= 0.5 { shared.or(weights) } else { weights.or(shared) }
    }

    fn relation(&self, total_bytes: u64) -> Option<Relation> {
        let kinship = self.similarity.and_then(|similarity| similarity.kinship()).map(|kinship| match kinship {
            Kinship::Identical => Relation::Identical,
            Kinship::Converted => Relation::Converted,
            Kinship::Finetune => Relation::Finetune,
        });
        let is_copy = self.similarity.is_none() && self.shared_share(total_bytes) >= COPY_SHARE;
        let bytes = self.shared.as_ref().map_or(0, |shared| shared.bytes);
        let shares = match is_copy {
            true => Some(Relation::Identical),
            false => (bytes >= MIN_SHARED_BYTES).then_some(Relation::SharesFiles),
        };
        kinship.max(shares)
    }
}

/// Finds the relatives of a repository, as far as the viewer may download them.
///
/// # Errors
/// The database or the store does not answer.
pub async fn relatives_of(app: &App, read: &RepoRead) -> HubResult<Lineage> {
    find_relatives(app, &read.repo, &visible_to(&read.viewer), Some(&read.viewer)).await
}

/// The same; without a viewer for the hub itself, which may look at everything.
async fn find_relatives(app: &App, repo: &Repo, visible: &Visibility, viewer: Option<&Viewer>) -> HubResult<Lineage> {
    let shares = shares::find(app, repo, visible).await?;
    let mut found: HashMap<i64, Evidence> = HashMap::new();
    for (repo_pk, shared) in shares.by_repo {
        found.entry(repo_pk).or_default().shared = Some(shared);
    }
    let weights_since = add_near_models(app, repo, visible, &mut found).await?;
    let declared = find_declared(&app.pool, repo.pk).await?;
    let mut close: Vec<_> =
        found.into_iter().filter_map(|(pk, evidence)| Some((evidence.relation(shares.total_bytes)?, pk, evidence))).collect();
    close.sort_by_key(|(relation, pk, evidence)| (Reverse(*relation), evidence.ages(weights_since, shares.total_bytes), *pk));
    let mut relatives = Vec::new();
    for (relation, pk, evidence) in close.into_iter().take(MAX_RELATIVES) {
        let Some(other) = downloadable(app, viewer, pk).await? else { continue };
        let about = find_declared(&app.pool, pk).await?;
        let old_ids = list_old_ids(&app.pool, &[repo.pk, pk]).await?;
        let ages = evidence.ages(weights_since, shares.total_bytes).unwrap_or((other.created_at, repo.created_at));
        let is_source = ages.0 < ages.1 || (ages.0 == ages.1 && other.pk < repo.pk);
        let shared_share = evidence.shared_share(shares.total_bytes);
        let shared = evidence.shared.unwrap_or_default();
        relatives.push(Relative {
            declared: if is_source { names(&declared, &other, &old_ids) } else { names(&about, repo, &old_ids) },
            license_conflict: licenses_differ(&declared.license, &about.license),
            license: about.license,
            repo: other,
            relation,
            is_source,
            since: ages.0,
            shared_bytes: shared.bytes,
            shared_share,
            identical_files: shared.identical,
            similarity: evidence.similarity,
        });
    }
    relatives.sort_by(closest_first);
    Ok(Lineage { sketched: weights_since.is_some(), declared, large_bytes: shares.total_bytes, relatives })
}

/// A repository whose files the viewer may download: the one permission check, for each.
async fn downloadable(app: &App, viewer: Option<&Viewer>, repo_pk: i64) -> HubResult<Option<Repo>> {
    let Some(repo) = queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(None) };
    let Some(viewer) = viewer else { return Ok(Some(repo)) };
    let Ok(read) = RepoRead::check(repo, viewer.clone()) else { return Ok(None) };
    Ok(read.barrier(app).await?.is_none().then_some(read.repo))
}

/// Compares the samples of the model with those of the nearest ones; gives since when it has its weights.
async fn add_near_models(
    app: &App,
    repo: &Repo,
    visible: &Visibility,
    found: &mut HashMap<i64, Evidence>,
) -> HubResult<Option<DateTime<Utc>>> {
    if repo.repo_type != RepoType::Model {
        return Ok(None);
    }
    let Some(row) = find_sketch(&app.pool, repo.pk).await? else { return Ok(None) };
    let Some(sketch) = Sketch::from_bytes(&row.sketch) else { return Ok(None) };
    let (sketch, (keys, digest, _)) = tokio::task::spawn_blocking(move || {
        let stored = sketching::stored(&sketch);
        (sketch, stored)
    })
    .await?;
    let of = NewSketch {
        repo_pk: repo.pk,
        weights_key: &row.weights_key,
        tensor_keys: &keys,
        digest: &digest,
        sketch: &row.sketch,
        weights_since: row.weights_since,
    };
    let near = list_near_models(&app.pool, visible, &of, NEAR_BITS, MAX_NEAR).await?;
    let mine = row.weights_since;
    let compared = tokio::task::spawn_blocking(move || {
        let compare = |other: &[u8], is_source: bool| {
            let other = Sketch::from_bytes(other)?;
            // How far training moved the weights is measured from where it began.
            if is_source { sketch.compare(&other) } else { other.compare(&sketch) }
        };
        let pairs = near.into_iter().map(|model| (compare(&model.sketch, model.weights_since <= mine), model));
        pairs.collect::<Vec<_>>()
    });
    for (similarity, model) in compared.await? {
        let evidence = found.entry(model.repo_pk).or_default();
        evidence.similarity = similarity;
        evidence.weights_since = Some(model.weights_since);
    }
    Ok(Some(mine))
}

/// Whether a card names a repository as its base, by its name or by one that it had before.
fn names(card: &Declared, base: &Repo, old_ids: &[(i64, String)]) -> bool {
    let old = old_ids.iter().filter(|(pk, _)| *pk == base.pk).map(|(_, id)| id.clone());
    let ids: Vec<String> = std::iter::once(base.id.to_string()).chain(old).collect();
    card.base_models.iter().any(|named| ids.iter().any(|id| named.eq_ignore_ascii_case(id)))
}

/// Whether what two cards say is not the same. A card that says nothing is no conflict with another that says nothing.
fn licenses_differ(one: &[String], other: &[String]) -> bool {
    let set = |list: &[String]| list.iter().map(|license| license.to_lowercase()).collect::<BTreeSet<_>>();
    set(one) != set(other)
}

/// Sources before children; then by relation, by how little the weights differ, by shared bytes, by age.
fn closest_first(a: &Relative, b: &Relative) -> std::cmp::Ordering {
    let order = |relative: &Relative| (Reverse(relative.is_source), Reverse(relative.relation));
    let moved = |relative: &Relative| relative.similarity.map_or(f64::INFINITY, |similarity| similarity.relative_delta);
    let by_moved = || moved(a).total_cmp(&moved(b));
    let by_bytes = || b.shared_bytes.cmp(&a.shared_bytes).then(a.since.cmp(&b.since));
    order(a).cmp(&order(b)).then_with(by_moved).then_with(by_bytes)
}
