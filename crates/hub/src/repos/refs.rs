//! The commit point: the only place in the product where a ref moves.
//!
//! The objects are in the store already (harmless if nothing comes to point at them). One transaction then
//! compares and swaps the refs, registers the packs, writes the derived metadata, and appends the event and
//! the jobs. Either all of it is there afterwards, or none.
//!
//! That the large files are there which the new commits name was checked before, against [`Repo`] as it was then. If the
//! repository has lost any since (garbage collection took them, which nothing named yet), nothing moves. Nor does anything move in one that
//! moderators disabled since.

use hub_types::{Oid, RefName};
use serde_json::json;
use sqlx::PgConnection;

use super::access;
use super::changes;
use super::discussions::number_of_ref;
use super::metadata::HeadMetadata;
use super::queries::{self, Repo};
use super::repack;
use crate::accounts::audit;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::moderation::rules;
use crate::quotas;

/// The kind of a change that takes another one back.
pub const UNDO: &str = "undo";

/// One ref's move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The full name.
    pub name: RefName,
    /// Where it must point now; `None`: it must not exist.
    pub expected: Option<Oid>,
    /// Where it shall point; `None`: it goes.
    pub new: Option<Oid>,
}

/// A pack (and its index) that is in the object store.
#[derive(Debug, Clone)]
pub struct StoredPack {
    /// Its name: the SHA-1 of its content.
    pub hash: Oid,
    /// Part of its keys in the store.
    pub nonce: i64,
    /// Its size without the index.
    pub size_bytes: i64,
    /// How many objects it holds.
    pub object_count: i64,
}

/// Everything that changes with some refs.
#[derive(Debug)]
pub struct RefChange<'a> {
    /// The repository, as it was read before anything was checked.
    pub repo: &'a Repo,
    /// Who does it.
    pub actor_pk: Option<i64>,
    /// What it is, for the repository's history: `commit`, `push`, `create_branch`, …
    pub kind: &'static str,
    /// The moves: all or none.
    pub updates: Vec<RefUpdate>,
    /// The packs that hold the new objects.
    pub packs: Vec<StoredPack>,
    /// What is derived from the default branch, if it moves.
    pub metadata: Option<HeadMetadata>,
}

/// Why refs did not move.
#[derive(Debug)]
pub enum RefError {
    /// A ref is not where it was expected; `found` is where it is.
    Conflict {
        /// The ref.
        name: RefName,
        /// Where it points.
        found: Option<Oid>,
    },
    /// git cannot keep a ref beside one that is there: `a/b` beside `a`.
    Blocked {
        /// The ref.
        name: RefName,
        /// The one in its way.
        by: RefName,
    },
    /// The repository has lost large files since the change was prepared. Prepare it again.
    Outdated,
    /// Anything else.
    Hub(HubError),
}

impl From<sqlx::Error> for RefError {
    fn from(error: sqlx::Error) -> Self {
        Self::Hub(error.into())
    }
}

impl From<RefError> for HubError {
    fn from(error: RefError) -> Self {
        match error {
            RefError::Conflict { name, .. } => {
                Self::conflict(format!("`{name}` was changed by somebody else at the same time. Try again."))
            }
            RefError::Blocked { name, by } => Self::ref_blocked(&name, &by),
            RefError::Outdated => {
                Self::conflict("Unused large files of the repository were removed at the same time. Try again.")
            }
            RefError::Hub(error) => error,
        }
    }
}

/// Moves refs, in a transaction of its own.
///
/// # Errors
/// [`RefError::Conflict`] when a ref is not where it was expected, [`RefError::Blocked`] when another is in its way, [`RefError::Outdated`] when large files went: nothing
/// has changed then.
pub async fn apply_ref_updates(app: &App, change: RefChange<'_>) -> Result<(), RefError> {
    apply_replacing(app, change, &[]).await
}

/// The same for moves of which some are known to leave a history behind: the names of those refs whose new place does not
/// contain the one before. They can be undone for a time, as deletions can.
///
/// # Errors
/// As [`apply_ref_updates`].
pub async fn apply_replacing(app: &App, change: RefChange<'_>, replaced: &[RefName]) -> Result<(), RefError> {
    // What leaves a history behind is told in the audit log. Most moves spare asking who it was.
    let is_told = !replaced.is_empty() || change.updates.iter().any(|update| update.new.is_none());
    let packed = change.packs.iter().fold(0_u64, |sum, pack| sum.saturating_add(pack.size_bytes.unsigned_abs()));
    quotas::require_room_in_git(app, change.repo.pk, packed).await.map_err(RefError::Hub)?;
    let mut tx = if is_told { audit::begin(app).await? } else { app.begin().await? };
    let generation = apply_replacing_in(&mut tx, &change, replaced).await?;
    if change.metadata.is_some() {
        rules::ask_about_card(app, &mut tx, change.repo.pk, change.actor_pk).await?;
    }
    quotas::check_added_in_git(app, &mut tx, change.repo.pk, packed).await.map_err(RefError::Hub)?;
    tx.commit().await?;
    bring_packs(app, &change, generation).await;
    Ok(())
}

/// Brings the packs of a change that was committed to this node's disk. `generation` is what [`apply_in`] gave.
pub async fn bring_packs(app: &App, change: &RefChange<'_>, generation: Option<i64>) {
    if let Some(generation) = generation
        && let Err(error) = app.git.add_packs(change.repo.pk, generation, &change.packs).await
    {
        tracing::debug!(%error, "new packs are brought to this node when they are needed");
    }
}

/// Moves refs in a transaction that does more (creating a repository). Gives the generation of the repository's packs, if some
/// came.
///
/// # Errors
/// As [`apply_ref_updates`]; the caller must roll back.
pub async fn apply_in(conn: &mut PgConnection, change: &RefChange<'_>) -> Result<Option<i64>, RefError> {
    apply_replacing_in(conn, change, &[]).await
}

/// The same for moves of which some leave a history behind: see [`apply_replacing`]. What an undo moves, it notes itself.
///
/// # Errors
/// As [`apply_in`].
pub async fn apply_replacing_in(
    conn: &mut PgConnection,
    change: &RefChange<'_>,
    replaced: &[RefName],
) -> Result<Option<i64>, RefError> {
    let repo_pk = change.repo.pk;
    // Lock order: repository, then refs. A deleted repository takes no writes. Rows that only refer to the repository may come
    // meanwhile: whoever comments holds a discussion while a file comes to be the repository's, and a move of its ref waits for that.
    let locked = sqlx::query!(
        "select held_generation, disabled from repos where repo_pk = $1 and deleted_at is null for no key update",
        repo_pk
    );
    let Some(now) = locked.fetch_optional(&mut *conn).await? else {
        return Err(RefError::Hub(HubError::repo_not_found(false)));
    };
    // Moderators disabled it while the change was on its way. Who runs the hub changes one that was disabled before.
    if now.disabled && !change.repo.disabled {
        return Err(RefError::Hub(access::disabled(change.repo)));
    }
    if now.held_generation != change.repo.held_generation {
        return Err(RefError::Outdated);
    }
    for update in &change.updates {
        swap(conn, repo_pk, update).await?;
        note_in_pull(conn, change, update).await?;
    }
    if change.kind != UNDO {
        changes::note_moves(conn, repo_pk, change.actor_pk, &change.updates, replaced).await.map_err(RefError::Hub)?;
    }
    let new_packs = !change.packs.is_empty();
    if new_packs {
        queries::packs::add(conn, repo_pk, &change.packs).await?;
    }
    let generation = match &change.metadata {
        Some(metadata) => Some(super::metadata::keep(conn, repo_pk, metadata, new_packs).await?),
        None if new_packs => Some(queries::packs::next_generation(conn, repo_pk).await?),
        None => None,
    };
    let generation = generation.filter(|_| new_packs);
    if let Some(generation) = generation {
        repack::note_packs(conn, repo_pk, generation).await?;
    }
    let moves: Vec<_> = change
        .updates
        .iter()
        .map(|update| json!({ "ref": update.name.as_str(), "old": update.expected, "new": update.new }))
        .collect();
    queries::insert_ref_event(conn, repo_pk, change.actor_pk, kind_of(change), json!({ "refs": moves })).await?;
    Ok(generation)
}

/// What is only proposed is nothing that those hear of who follow the repository's owner.
fn kind_of(change: &RefChange<'_>) -> &'static str {
    let is_proposed = change.updates.iter().all(|update| number_of_ref(update.name.as_str()).is_some());
    match change.kind {
        "commit" | "push" if is_proposed => "propose",
        kind => kind,
    }
}

/// A pull request tells of the commits that come to it, and takes none when it is over, whatever it was when the change was
/// prepared. One that is just being opened has no row yet.
async fn note_in_pull(conn: &mut PgConnection, change: &RefChange<'_>, update: &RefUpdate) -> Result<(), RefError> {
    let moved = update.new.filter(|_| update.expected.is_some() && update.expected != update.new);
    let (Some(num), Some(new)) = (number_of_ref(update.name.as_str()), moved) else { return Ok(()) };
    let noted = queries::discussions::note_commits(conn, change.repo.pk, num, change.actor_pk, (update.expected, new)).await?;
    // A history that is rewritten, to take large files out of it, is rewritten everywhere.
    if !noted && matches!(change.kind, "commit" | "push") {
        return Err(RefError::Hub(HubError::conflict(format!("#{num} is over: open it again to add commits."))));
    }
    Ok(())
}

async fn swap(conn: &mut PgConnection, repo_pk: i64, update: &RefUpdate) -> Result<(), RefError> {
    let name = update.name.as_str();
    let done = match (update.expected, update.new) {
        (None, None) => return Ok(()),
        (None, Some(new)) => {
            let insert = sqlx::query!(
                // Beside `a`, git cannot keep `a/b`.
                "insert into refs (repo_pk, name, oid) select $1, $2, $3
                 where not exists (select from refs where repo_pk = $1
                     and (starts_with(name, $2 || '/') or starts_with($2, name || '/')))
                 on conflict do nothing",
                repo_pk,
                name,
                new as Oid
            );
            insert.execute(&mut *conn).await?.rows_affected()
        }
        (Some(expected), Some(new)) => {
            let update = sqlx::query!(
                "update refs set oid = $4, updated_at = now() where repo_pk = $1 and name = $2 and oid = $3",
                repo_pk,
                name,
                expected as Oid,
                new as Oid
            );
            update.execute(&mut *conn).await?.rows_affected()
        }
        (Some(expected), None) => {
            let delete =
                sqlx::query!("delete from refs where repo_pk = $1 and name = $2 and oid = $3", repo_pk, name, expected as Oid);
            delete.execute(&mut *conn).await?.rows_affected()
        }
    };
    if done == 1 {
        return Ok(());
    }
    let found = queries::find_ref(&mut *conn, repo_pk, &update.name).await?;
    if update.expected.is_none()
        && found.is_none()
        && let Some(by) = queries::named_refs::find_blocking(conn, repo_pk, &update.name).await?
    {
        return Err(RefError::Blocked { name: update.name.clone(), by });
    }
    Err(RefError::Conflict { name: update.name.clone(), found })
}

/// Finds the ref that must be where the caller saw it.
///
/// # Errors
/// 404 when there is none.
pub async fn get_ref(app: &App, repo: &Repo, name: &RefName, shown: &str) -> HubResult<Oid> {
    queries::find_ref(&app.pool, repo.pk, name).await?.ok_or_else(|| HubError::revision_not_found(shown))
}
