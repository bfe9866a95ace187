//! What changed between two models, or two revisions of one, tensor by tensor.
//!
//! Both sides are read once, in step, in blocks of [`BLOCK_ELEMENTS`] numbers; memory does not depend on the models.
//! Numbers are compared on blocking threads. A tensor whose bytes are the same bytes of the same file is not read at all.

mod names;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream};
use hub_types::{Oid, RepoId};
use hub_weights::{Dtype, Tensor};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::access::{RepoContent, find_readable};
use super::queries::Repo;
use super::reading;
use super::weight_files::{WeightFile, Weights, open_weights};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// How many numbers of each side are in hand at once.
const BLOCK_ELEMENTS: usize = 256 * 1024;
/// How many comparisons a process makes at once.
const AT_ONCE: usize = 4;
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(10);

/// The turns of comparisons on this node.
#[derive(Debug, Clone)]
pub struct DiffTurns(Arc<Semaphore>);

impl Default for DiffTurns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// What is to be compared, as it was asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The revision looked at; the default branch when missing.
    pub revision: Option<String>,
    /// The repository it is compared with; the same one when missing.
    pub base: Option<String>,
    /// The base's revision; the default branch, or in the same repository the commit before.
    pub base_revision: Option<String>,
    /// One safetensors file; those that hold the model when missing.
    pub file: Option<String>,
}

/// One side of a comparison.
#[derive(Debug)]
pub struct Side {
    /// The repository.
    pub repo: Repo,
    /// The revision as it was asked for.
    pub revision: String,
    /// The commit it means.
    pub commit: Oid,
    weights: Weights,
}

/// Two models about to be compared.
#[derive(Debug)]
pub struct Comparison {
    /// The model.
    pub side: Side,
    /// What it is compared with.
    pub base: Side,
    pairs: Vec<Pair>,
    next: usize,
    _turn: OwnedSemaphorePermit,
}

/// A name, and the places of its tensors in the lists of both sides.
#[derive(Debug)]
struct Pair {
    name: String,
    here: Option<usize>,
    base: Option<usize>,
}

/// What became of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All numbers are equal.
    Same,
    /// Some are not, or their type is another.
    Changed,
    /// Only this side has it.
    Added,
    /// Only the base has it.
    Removed,
    /// The sides have other shapes.
    Reshaped,
}

/// A line of the answer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TensorChange {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: State,
    /// Its shape; the base's when it was removed.
    pub shape: Vec<u64>,
    /// Its type of number; the base's when it was removed.
    pub dtype: String,
    /// The base's shape, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_shape: Option<Vec<u64>>,
    /// The base's type of number, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_dtype: Option<String>,
    /// The numbers, where there were some to compare.
    #[serde(flatten)]
    pub numbers: Option<Numbers>,
}

/// How far a tensor is from the base's.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// max |a − b|.
    pub max_delta: f64,
    /// ‖a − b‖ / ‖b‖; nothing when b is zero.
    pub relative_delta: Option<f64>,
    /// a · b / (‖a‖ ‖b‖); nothing when one is zero.
    pub cosine: Option<f64>,
    /// The share of numbers that differ, 0 to 1.
    pub changed_share: f64,
    /// The estimated rank of a − b, if it is small: see [`hub_weights::RankProbe`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
}

/// Opens both sides. The viewer must be allowed to download both.
///
/// # Errors
/// 404 for repositories the viewer may not know of, and unknown revisions; 403 for gated ones; 422 when a side has no
/// safetensors file; 503 when other comparisons take all turns.
pub async fn open(app: &App, content: &RepoContent, wanted: &Wanted) -> HubResult<Comparison> {
    let repo = &content.repo;
    let base_repo = match &wanted.base {
        Some(id) => base_of(app, content, id).await?,
        None => repo.clone(),
    };
    let revision = wanted.revision.clone().unwrap_or_else(|| repo.default_branch.clone());
    let commit = reading::resolve(app, repo, &revision).await?;
    let (base_revision, base_commit) = match &wanted.base_revision {
        Some(named) => (named.clone(), reading::resolve(app, &base_repo, named).await?),
        None if base_repo.pk == repo.pk => before(app, repo, commit).await?,
        None => (base_repo.default_branch.clone(), reading::resolve(app, &base_repo, &base_repo.default_branch).await?),
    };
    let turn = tokio::time::timeout(TURN, app.diffs.0.clone().acquire_owned()).await;
    let turn = turn.map_err(|error| HubError::unavailable("Other comparisons are running. Try again in a minute.", error))?;
    let side = open_side(app, repo.clone(), revision, commit, wanted.file.as_deref()).await?;
    let base = open_side(app, base_repo, base_revision, base_commit, wanted.file.as_deref()).await?;
    let pairs = pair(&side.weights, &base.weights);
    Ok(Comparison { side, base, pairs, next: 0, _turn: turn.map_err(HubError::internal)? })
}

async fn base_of(app: &App, content: &RepoContent, id: &str) -> HubResult<Repo> {
    let missing = || HubError::repo_not_found(content.viewer.is_anonymous());
    let id: RepoId = id.parse().map_err(|_| missing())?;
    let base = find_readable(app, &content.viewer, content.repo.repo_type, id.namespace(), id.name()).await?;
    Ok(base.into_content(app).await?.repo.clone())
}

/// The commit before.
async fn before(app: &App, repo: &Repo, commit: Oid) -> HubResult<(String, Oid)> {
    let info = reading::commit(app, repo, commit).await?;
    let parent = info.parents.first().copied();
    let parent =
        parent.ok_or_else(|| HubError::unprocessable("This is the first commit: name another one to compare it with."))?;
    Ok((parent.to_hex(), parent))
}

async fn open_side(app: &App, repo: Repo, revision: String, commit: Oid, file: Option<&str>) -> HubResult<Side> {
    let weights = open_weights(app, &repo, commit, file).await?.ok_or_else(|| {
        let what = file.map_or("safetensors file".to_owned(), |file| format!("file `{file}`"));
        HubError::unprocessable(format!("{} has no {what} at `{revision}`.", repo.id))
    })?;
    Ok(Side { repo, revision, commit, weights })
}

/// Pairs tensors by name, in the order in which people count layers.
fn pair(here: &Weights, base: &Weights) -> Vec<Pair> {
    let mut pairs: BTreeMap<names::Natural, Pair> = BTreeMap::new();
    let new = |name: &str| Pair { name: name.to_owned(), here: None, base: None };
    for (at, (_, tensor)) in here.tensors.iter().enumerate() {
        pairs.entry(names::Natural::of(&tensor.name)).or_insert_with(|| new(&tensor.name)).here = Some(at);
    }
    for (at, (_, tensor)) in base.tensors.iter().enumerate() {
        pairs.entry(names::Natural::of(&tensor.name)).or_insert_with(|| new(&tensor.name)).base = Some(at);
    }
    pairs.into_values().collect()
}

impl Side {
    fn tensor(&self, at: Option<usize>) -> Option<(&WeightFile, &Tensor)> {
        let (file, tensor) = self.weights.tensors.get(at?)?;
        Some((self.weights.files.get(*file)?, tensor))
    }
}

impl Comparison {
    /// How many tensors both sides have together.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether no side has a tensor.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Compares the next tensor; `None` after the last.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn next(&mut self, app: &App) -> HubResult<Option<TensorChange>> {
        let Some(pair) = self.pairs.get(self.next) else { return Ok(None) };
        self.next += 1;
        let change = match (self.side.tensor(pair.here), self.base.tensor(pair.base)) {
            (Some(here), Some(base)) => compare(app, here, base).await?,
            (Some((_, tensor)), None) => alone(tensor, State::Added),
            (None, Some((_, tensor))) => alone(tensor, State::Removed),
            (None, None) => return Err(HubError::internal(format!("the tensor {} is on no side", pair.name))),
        };
        Ok(Some(change))
    }

    /// The tensors one after the other, until `until`. Then, or after an error, it ends with what is missing untold.
    pub fn stream(self, app: App, until: Instant) -> impl Stream<Item = HubResult<Event>> + 'static {
        stream::unfold(Some((self, app, 0_usize)), move |state| async move {
            let (mut comparison, app, done) = state?;
            match tokio::time::timeout_at(until, comparison.next(&app)).await {
                Ok(Ok(Some(change))) => Some((Ok(Event::Tensor(change)), Some((comparison, app, done + 1)))),
                Ok(Ok(None)) => Some((Ok(Event::End { complete: true, tensors: done }), None)),
                Ok(Err(error)) => Some((Err(error), None)),
                Err(_) => Some((Ok(Event::End { complete: false, tensors: done }), None)),
            }
        })
    }
}

/// What a comparison tells.
#[derive(Debug)]
pub enum Event {
    /// Of one tensor.
    Tensor(TensorChange),
    /// That it is at its end.
    End {
        /// Whether all tensors were compared; `false` when time ran out.
        complete: bool,
        /// How many were.
        tensors: usize,
    },
}

fn alone(tensor: &Tensor, state: State) -> TensorChange {
    TensorChange {
        name: tensor.name.clone(),
        state,
        shape: tensor.shape.clone(),
        dtype: tensor.dtype.clone(),
        base_shape: None,
        base_dtype: None,
        numbers: None,
    }
}

const SAME: Numbers = Numbers { max_delta: 0.0, relative_delta: Some(0.0), cosine: Some(1.0), changed_share: 0.0, rank: None };

async fn compare(app: &App, here: (&WeightFile, &Tensor), base: (&WeightFile, &Tensor)) -> HubResult<TensorChange> {
    let (tensor, other) = (here.1, base.1);
    let mut change = TensorChange {
        base_shape: (other.shape != tensor.shape).then(|| other.shape.clone()),
        base_dtype: (other.dtype != tensor.dtype).then(|| other.dtype.clone()),
        ..alone(tensor, State::Reshaped)
    };
    if change.base_shape.is_some() {
        return Ok(change);
    }
    let same_bytes = here.0.content == base.0.content && tensor.bytes == other.bytes && change.base_dtype.is_none();
    if same_bytes {
        return Ok(TensorChange { state: State::Same, numbers: Some(SAME), ..change });
    }
    let dtypes = tensor.numbers().zip(other.numbers());
    // Numbers of an unknown type are compared as bytes, which can only tell whether they are equal.
    let (left, right) = dtypes.unwrap_or((Dtype::U8, Dtype::U8));
    let numbers = read::compare(app, (here.0, tensor, left), (base.0, other, right)).await?;
    let lengths_differ = dtypes.is_none() && tensor.bytes.end - tensor.bytes.start != other.bytes.end - other.bytes.start;
    let is_same = numbers.changed_share == 0.0 && change.base_dtype.is_none() && !lengths_differ;
    change.state = if is_same { State::Same } else { State::Changed };
    change.numbers = dtypes.is_some().then_some(numbers);
    Ok(change)
}
