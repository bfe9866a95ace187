use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hub_cards::{Gate, GateField, GateKind, GateProblem, MAX_MARKDOWN_BYTES};
use hub_types::Oid;
use moka::future::Cache;
use serde_json::Value;

use super::require_gated;
use crate::app::App;
use crate::error::{Barrier, HubError, HubResult};
use crate::jobs::Job;
use crate::repos::queries::gating::{RequestStatus, delete_pending, insert_request};
use crate::repos::queries::{Repo, hold_repo};
use crate::repos::{RepoRead, reading};

/// The file whose metadata says what is asked.
const CARD_FILE: &str = "README.md";
/// How many bytes of gates are kept.
const MAX_KEPT_BYTES: u64 = 8 << 20;

/// Gates by the repository and the blob of its card: every view of the page needs one.
static GATES: LazyLock<Cache<(i64, Oid), Arc<Gate>>> = LazyLock::new(|| {
    Cache::builder()
        .weigher(|_, gate: &Arc<Gate>| u32::try_from(bytes_of(gate)).unwrap_or(u32::MAX))
        .max_capacity(MAX_KEPT_BYTES)
        .time_to_idle(Duration::from_secs(3600))
        .build()
});

/// About how much memory a gate takes.
fn bytes_of(gate: &Gate) -> usize {
    let texts: usize =
        [&gate.heading, &gate.description, &gate.prompt, &gate.button].into_iter().flatten().map(String::len).sum();
    let field = |field: &GateField| {
        let options = if let GateKind::Select(options) = &field.kind { options.as_slice() } else { &[] };
        100 + field.label.len() + options.iter().map(|option| 100 + option.value.len() + option.label.len()).sum::<usize>()
    };
    200 + texts + gate.fields.iter().map(field).sum::<usize>()
}

/// What came of asking.
#[derive(Debug)]
pub enum Asked {
    /// The files are open to who asked.
    LetIn,
    /// The owners decide, or have decided.
    Noted,
    /// Something is missing, and nothing was noted.
    Incomplete(Arc<Gate>, Vec<GateProblem>),
}

/// What the card of a repository's default branch asks.
///
/// # Errors
/// 503 when the object store does not answer.
pub async fn gate_of(app: &App, repo: &Repo) -> HubResult<Arc<Gate>> {
    let Some(head) = repo.head_oid else { return Ok(Arc::default()) };
    let Some(entry) = reading::entry(app, repo, head, CARD_FILE).await? else { return Ok(Arc::default()) };
    if entry.is_folder() || entry.lfs.is_some() || entry.size > MAX_MARKDOWN_BYTES as u64 {
        return Ok(Arc::default());
    }
    let key = (repo.pk, entry.oid);
    if let Some(gate) = GATES.get(&key).await {
        return Ok(gate);
    }
    let bytes = reading::blob(app, repo, entry.oid).await?;
    let read = move || std::str::from_utf8(&bytes).map(Gate::read).unwrap_or_default();
    let gate = Arc::new(tokio::task::spawn_blocking(read).await?);
    GATES.insert(key, Arc::clone(&gate)).await;
    Ok(gate)
}

/// Asks for the files of a gated repository: those of a `manual` one open when somebody accepts, of an `auto` one at once. Asking
/// again changes nothing. `given` are the answers by label, `address` is where the request comes from.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read, 400 when the repository is not gated, 404 when it is being deleted.
pub async fn ask<'a>(app: &App, read: &RepoRead, given: impl Fn(&str) -> Option<&'a str>, address: &str) -> HubResult<Asked> {
    let user_pk = read.viewer.require_person()?.pk;
    let repo = &read.repo;
    require_gated(repo)?;
    match read.barrier(app).await? {
        None => return Ok(Asked::LetIn),
        Some(Barrier::Pending | Barrier::Rejected(_)) => return Ok(Asked::Noted),
        Some(Barrier::NotAsked | Barrier::LoggedOut | Barrier::Token) => {}
    }
    let gate = gate_of(app, repo).await?;
    let answers = match gate.collect(given, address) {
        Ok(answers) => Value::Object(answers),
        Err(problems) => return Ok(Asked::Incomplete(gate, problems)),
    };
    let is_open = repo.gated.as_deref() == Some("auto");
    let status = if is_open { RequestStatus::Accepted } else { RequestStatus::Pending };
    let mut tx = app.begin().await?;
    if !hold_repo(&mut tx, repo.pk).await? {
        return Err(HubError::repo_not_found(false));
    }
    let is_new = insert_request(&mut tx, repo.pk, user_pk, status, &answers).await?;
    if is_new && !is_open {
        Job::AnnounceRequests { repo_pk: repo.pk }.enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(if is_new && is_open { Asked::LetIn } else { Asked::Noted })
}

/// Takes the viewer's own request back, if nobody has decided about it.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read, 404 when there is none.
pub async fn withdraw(app: &App, read: &RepoRead) -> HubResult<()> {
    let user_pk = read.viewer.require_actor()?.pk;
    let mut tx = app.begin().await?;
    let there_was = delete_pending(&mut tx, read.repo.pk, user_pk).await?;
    tx.commit().await?;
    if there_was { Ok(()) } else { Err(HubError::no_access_request()) }
}
