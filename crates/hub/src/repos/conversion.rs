//! Weights in pickles become safetensors: a job reads a PyTorch checkpoint without unpickling it ([`hub_weights::checkpoint`]), writes the
//! same tensors as a safetensors file, reads that back and compares it, and opens a pull request in the name of who asked.
//!
//! A step of the job is one file, so that a model in parts goes on where it was after a restart. Nothing is seen of it before the
//! pull request, which is opened in the transaction that notes that the conversion is done.

mod files;
mod propose;
mod read;
mod write;

use std::time::Duration;

use hub_types::{RepoType, Sha256};
use serde::{Deserialize, Serialize};

use super::access::{RepoContent, RepoRead};
use super::discussions::{may_propose, participant};
use super::queries::conversions::{self, Conversion, NewConversion, State, Wish};
use super::queries::discussions::{Status, are_disabled};
use super::{queries, reading};
use crate::accounts::queries::{find_user, lock_user};
use crate::accounts::{Auth, Viewer};
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::jobs::Job;
use crate::objects;

pub use files::{is_candidate, target_of};

use self::files::Files;

/// How many conversions one may wait for, and ask for in a day.
const MAX_WAITING: i64 = 5;
const MAX_A_DAY: i64 = 50;
/// How long one file may take: other long jobs of the node wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(540);
/// How often it is begun anew because the hub was stopped, or the store or the database did not answer.
const MAX_TRIES: i32 = 6;

/// A file that is written, and what is told of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Part {
    /// The SHA-256 of what was read; of a file in git its blob.
    read: String,
    /// What was written.
    oid: Sha256,
    size: u64,
    tensors: usize,
    /// How many of them did not lie in order.
    reordered: usize,
    /// Names that are left out, with the names that are kept, and how many there are of them.
    aliases: Vec<(String, String)>,
    alias_count: usize,
    /// The same for what is no tensor.
    dropped: Vec<String>,
    dropped_count: usize,
}

impl Conversion {
    /// Whether its pull request can still be merged.
    pub fn is_open(&self) -> bool {
        matches!(self.pull, Some(Status::Open | Status::Draft))
    }

    /// How much of it is done, 0 to 100.
    pub fn percent(&self) -> i64 {
        self.done_bytes.saturating_mul(100).checked_div(self.total_bytes.max(1)).unwrap_or(0).clamp(0, 100)
    }
}

/// Asks for the conversion of a file of the default branch. Asked for twice, it is the same conversion, and the same pull request.
///
/// # Errors
/// As [`may_propose`]; 422 for what is no checkpoint by its name, 409 when the safetensors file is there, 429 for too many.
pub async fn ask(app: &App, read: RepoRead, path: &str, removes_source: bool) -> HubResult<Conversion> {
    let content = may_propose(app, read).await?;
    let user_pk = participant(&content)?;
    let repo = &content.repo;
    if repo.repo_type != RepoType::Model {
        return Err(HubError::unprocessable("Only weights of models are converted."));
    }
    if are_disabled(&app.pool, repo.pk).await? {
        return Err(HubError::forbidden(format!(
            "Pull requests of {} are turned off, and the converted file comes as one. Those who own it can turn them on in its settings.",
            repo.id
        )));
    }
    let commit = reading::resolve(app, repo, &repo.default_branch).await?;
    let files = Files::of(app, repo, commit, path).await?;
    for target in files.targets() {
        if reading::entry(app, repo, commit, target).await?.is_some() {
            return Err(HubError::conflict(format!("`{target}` is there already. Delete it first if it is to be made anew.")));
        }
    }
    let mut tx = app.begin().await?;
    lock_user(&mut tx, user_pk).await?;
    let found = conversions::find(&mut *tx, repo.pk, &files.path).await?;
    let is_same = |found: &Conversion| found.state == State::Waiting || (found.is_open() && found.source == files.identity);
    if let Some(found) = found.filter(is_same) {
        return Ok(found);
    }
    let (waiting, in_a_day) = conversions::count_asked(&mut tx, user_pk).await?;
    if waiting >= MAX_WAITING || in_a_day >= MAX_A_DAY {
        return Err(HubError::too_many_requests(
            "You asked for many conversions.",
            if waiting >= MAX_WAITING { 600 } else { 7200 },
        ));
    }
    let new = NewConversion {
        repo_pk: repo.pk,
        path: &files.path,
        user_pk,
        removes_source,
        commit,
        source: &files.identity,
        total_bytes: i64::try_from(files.work()).unwrap_or(i64::MAX),
    };
    // Where somebody else was quicker, it is theirs.
    if let Some(conversion_pk) = conversions::ask(&mut tx, &new).await? {
        Job::ConvertWeights { conversion_pk }.enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    let asked = conversions::find(&app.pool, repo.pk, &files.path).await?;
    asked.ok_or_else(|| HubError::internal("a conversion that was asked for is gone"))
}

/// The conversion of a file, if anybody asked for one: of a part of a model, the conversion of all of it.
///
/// # Errors
/// 503 when the database does not answer.
pub async fn find(app: &App, content: &RepoContent, path: &str) -> HubResult<Option<Conversion>> {
    if let Some(found) = conversions::find(&app.pool, content.repo.pk, path).await? {
        return Ok(Some(found));
    }
    match files::index_of(path) {
        Some(index) => Ok(conversions::find(&app.pool, content.repo.pk, &index).await?),
        None => Ok(None),
    }
}

/// What comes after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Part,
    Nothing,
}

/// Does a step of a conversion: the body of [`Job::ConvertWeights`].
///
/// # Errors
/// The store or the database does not answer: the job is tried again.
pub async fn convert(app: &App, conversion_pk: i64) -> HubResult<()> {
    let Some(wish) = conversions::begin(&app.pool, conversion_pk).await? else { return Ok(()) };
    if wish.tries > MAX_TRIES {
        let problem = "The hub broke off several times while it did this. Ask again later; if it goes on like that, tell those who run the hub.";
        return Ok(conversions::mark_failed(&app.pool, conversion_pk, problem).await?);
    }
    match tokio::time::timeout(PATIENCE, Box::pin(step(app, &wish))).await {
        Ok(Ok(Next::Nothing)) => Ok(()),
        Ok(Ok(Next::Part)) => {
            Job::ConvertWeights { conversion_pk }.enqueue(&mut *app.pool.acquire().await?).await?;
            app.jobs.wake();
            Ok(())
        }
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable) => Err(error),
        // How much somebody holds is for those who may write.
        Ok(Err(error)) if error.kind() == ErrorKind::TooLarge => {
            let problem = "There is no room for the new file: its owner has reached the limit of what may be stored.";
            Ok(conversions::mark_failed(&app.pool, conversion_pk, problem).await?)
        }
        Ok(Err(error)) => Ok(conversions::mark_failed(&app.pool, conversion_pk, error.message()).await?),
        Err(_) => {
            let problem = format!(
                "A file takes longer than the {} minutes that the hub gives it. Convert it yourself, or save it in several parts first \
                 (`save_pretrained` with `max_shard_size`).",
                PATIENCE.as_secs() / 60
            );
            Ok(conversions::mark_failed(&app.pool, conversion_pk, &problem).await?)
        }
    }
}

/// Checks again that who asked may propose, writes the next file, and opens the pull request after the last.
async fn step(app: &App, wish: &Wish) -> HubResult<Next> {
    let content = right_of(app, wish).await?;
    let repo = &content.repo;
    let files = Files::of(app, repo, wish.commit, &wish.path).await?;
    let mut parts: Vec<Part> = serde_json::from_value(wish.parts.clone()).unwrap_or_default();
    parts.truncate(files.sources.len());
    // What nobody has committed for days may have been collected.
    let oids: Vec<Sha256> = parts.iter().map(|part| part.oid).collect();
    let held = objects::list_held(&app.pool, repo.pk, &oids).await?;
    let kept = parts.iter().take_while(|part| held.contains_key(&part.oid)).count();
    parts.truncate(kept);
    if let Some(source) = files.sources.get(parts.len()) {
        let done: u64 = files.sources.iter().take(parts.len()).map(|source| source.size.saturating_mul(2)).sum();
        parts.push(write::convert(app, repo, wish, source, done).await?);
        let told = serde_json::to_value(&parts).map_err(HubError::internal)?;
        conversions::note_parts(&mut *app.pool.acquire().await?, wish.conversion_pk, &told).await?;
        if parts.len() < files.sources.len() {
            return Ok(Next::Part);
        }
    }
    propose::propose(app, &content, wish, &files, &parts).await?;
    Ok(Next::Nothing)
}

/// The repository, for who asked, if they may still propose commits to it.
async fn right_of(app: &App, wish: &Wish) -> HubResult<RepoContent> {
    let gone = || HubError::forbidden("Who asked for this has no account any more.");
    let user = find_user(&app.pool, wish.user_pk).await?.filter(|user| user.deletes_at.is_none()).ok_or_else(gone)?;
    let repo = queries::find_repo_by_pk(&app.pool, wish.repo_pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
    // What a session of theirs may do; what they asked with was checked then.
    let viewer = Viewer { user: Some(user), auth: Auth::Password };
    may_propose(app, RepoRead::check(repo, viewer)?).await
}
