//! Makes deliveries of what happened, for the webhooks that watch it.

use std::collections::{BTreeSet, HashMap};

use hub_types::{RepoId, RepoType};
use serde_json::Value;
use sqlx::PgConnection;

use super::queries::changes::{self, ChangeRow, DiscussionRow, EventRow};
use super::queries::deliveries;
use super::{operations, payload, right};
use crate::accounts::queries::list_users;
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::HubResult;
use crate::repos::Repo;
use crate::repos::queries::find_repo_or_deleted;

/// How many changes are taken at once.
const BATCH: i64 = 200;

/// Something that webhooks are told: `scope action`, the payload, and which repository it is about.
struct Event {
    repo: Repo,
    /// The owners by which it is watched: of a repository that moved, both.
    namespaces: Vec<i64>,
    scope: &'static str,
    action: &'static str,
    payload: Value,
}

impl Event {
    fn new(base: &str, repo: Repo, scope: &'static str, action: &'static str) -> Self {
        let payload = payload::of_repo(base, scope, action, &repo);
        Self { namespaces: vec![repo.namespace_pk], repo, scope, action, payload }
    }

    fn domain(&self) -> &'static str {
        if self.scope.starts_with("repo") { "repo" } else { "discussion" }
    }
}

/// Makes deliveries of the next that happened, and says whether there may be more. One node at a time does, so that webhooks hear of
/// things in order.
///
/// # Errors
/// The database does not answer; nothing is lost then.
pub(super) async fn hear(app: &App) -> HubResult<bool> {
    if !changes::is_waiting(&app.pool).await? {
        return Ok(false);
    }
    let mut tx = app.begin().await?;
    if !db::try_lock(&mut tx, LockKey::HearChanges).await? {
        return Ok(false);
    }
    let taken = changes::take(&mut tx, BATCH).await?;
    let mut heard = Vec::new();
    for change in &taken {
        if let Some(event) = read(app, &mut tx, change).await? {
            let told = list_told(&mut tx, &event).await?;
            if !told.is_empty() {
                heard.push((event, told));
            }
        }
    }
    let told: BTreeSet<i64> = heard.iter().flat_map(|(_, told)| told).copied().collect();
    let told: Vec<i64> = told.into_iter().collect();
    // All of them before the first gets something: event by event, they would be held in any order.
    deliveries::hold(&mut tx, &told).await?;
    for (event, told) in &heard {
        let name = format!("{} {}", event.scope, event.action);
        deliveries::insert(&mut tx, told, Some(event.repo.pk), &name, &event.payload).await?;
    }
    let behind = deliveries::list_behind(&mut tx, &told, operations::MAX_WAITING).await?;
    if !behind.is_empty() {
        operations::switch_off(&mut tx, &behind, "behind").await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(i64::try_from(taken.len()).is_ok_and(|count| count == BATCH))
}

/// The webhooks that watch and whose owner may see the repository.
async fn list_told(conn: &mut PgConnection, event: &Event) -> HubResult<Vec<i64>> {
    let listeners = changes::list_listeners(conn, event.repo.pk, &event.namespaces, event.domain()).await?;
    if listeners.is_empty() {
        return Ok(Vec::new());
    }
    let owners: BTreeSet<i64> = listeners.iter().map(|listener| listener.user_pk).collect();
    let owners = list_users(&mut *conn, &owners.into_iter().collect::<Vec<_>>()).await?;
    let may_hear: HashMap<i64, bool> = owners.iter().map(|user| (user.pk, right::may_hear(user, &event.repo))).collect();
    // The clients' receivers take no payload about a bucket: only who names one is told of it.
    let is_meant = |by_name: bool| event.repo.repo_type != RepoType::Bucket || by_name;
    let told = listeners.iter().filter(|row| is_meant(row.by_name) && may_hear.get(&row.user_pk) == Some(&true));
    Ok(told.map(|row| row.webhook_pk).collect())
}

/// Reads what happened; nothing when webhooks are not told of it, or when what it was about is gone for good.
async fn read(app: &App, conn: &mut PgConnection, change: &ChangeRow) -> HubResult<Option<Event>> {
    let base = app.config.base();
    let is_new = change.action == "create";
    match (change.kind.as_str(), &change.gone) {
        ("event", _) => match changes::find_event(conn, change.subject_pk).await? {
            Some(row) => read_event(&base, conn, row).await,
            None => Ok(None),
        },
        ("discussion", Some(gone)) => {
            let row = changes::read_gone_discussion(conn, gone).await?;
            read_discussion(&base, conn, row, "delete").await
        }
        ("discussion", None) => match changes::find_discussion(conn, change.subject_pk).await? {
            Some(row) => read_discussion(&base, conn, row, if is_new { "create" } else { "update" }).await,
            None => Ok(None),
        },
        _ => read_comment(&base, conn, change.subject_pk, is_new).await,
    }
}

async fn read_event(base: &str, conn: &mut PgConnection, row: EventRow) -> HubResult<Option<Event>> {
    let moved = payload::updated_refs(&row.payload);
    let (scope, action) = match row.kind.as_str() {
        "create_repo" | "duplicate_repo" | "restore_repo" => ("repo", "create"),
        "delete_repo" => ("repo", "delete"),
        "move_repo" => ("repo", "move"),
        "update_settings" => ("repo.config", "update"),
        "change_bucket" => ("repo.content", "update"),
        _ if !moved.is_empty() => ("repo.content", "update"),
        _ => return Ok(None),
    };
    let Some(repo) = find_repo_or_deleted(&mut *conn, row.repo_pk).await? else { return Ok(None) };
    let tags = changes::find_tags(conn, repo.pk).await?;
    let mut event = Event::new(base, repo, scope, action);
    payload::add_contents(&mut event.payload, &event.repo, &tags);
    match (scope, action) {
        ("repo.content", _) => event.payload["updatedRefs"] = Value::from(moved),
        ("repo.config", _) => event.payload["updatedConfig"] = payload::updated_config(&row.payload),
        (_, "move") => add_move(base, conn, &mut event, &row.payload).await?,
        _ => {}
    }
    Ok(Some(event))
}

async fn add_move(base: &str, conn: &mut PgConnection, event: &mut Event, row: &Value) -> HubResult<()> {
    let from = row.get("from").and_then(Value::as_str).and_then(|id| id.split_once('/'));
    let Some(from) = from.and_then(|(namespace, name)| RepoId::new(namespace, name).ok()) else { return Ok(()) };
    let former = changes::find_namespace(conn, from.namespace()).await?;
    payload::add_move(&mut event.payload, base, &event.repo, &from, former);
    event.namespaces.extend(former);
    Ok(())
}

async fn read_discussion(
    base: &str,
    conn: &mut PgConnection,
    row: DiscussionRow,
    action: &'static str,
) -> HubResult<Option<Event>> {
    let Some(repo) = find_repo_or_deleted(&mut *conn, row.repo_pk).await? else { return Ok(None) };
    let mut event = Event::new(base, repo, "discussion", action);
    payload::add_discussion(&mut event.payload, base, &event.repo, &row);
    if action == "create"
        && let Some(comment) = changes::find_first_comment(conn, row.discussion_pk).await?
    {
        payload::add_comment(&mut event.payload, base, &event.repo, row.num, &comment);
    }
    Ok(Some(event))
}

/// The comment that a discussion begins with is told with the discussion.
async fn read_comment(base: &str, conn: &mut PgConnection, event_pk: i64, is_new: bool) -> HubResult<Option<Event>> {
    let comment = changes::find_comment(conn, event_pk).await?.filter(|comment| !(is_new && comment.is_first));
    let Some(comment) = comment else { return Ok(None) };
    let Some(row) = changes::find_discussion(conn, comment.discussion_pk).await? else { return Ok(None) };
    let Some(repo) = find_repo_or_deleted(&mut *conn, row.repo_pk).await? else { return Ok(None) };
    let mut event = Event::new(base, repo, "discussion.comment", if is_new { "create" } else { "update" });
    payload::add_discussion(&mut event.payload, base, &event.repo, &row);
    payload::add_comment(&mut event.payload, base, &event.repo, row.num, &comment);
    Ok(Some(event))
}
