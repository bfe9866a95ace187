//! Taking a change back. That is itself a change, which can be taken back.

use hub_types::{Oid, RefName, RepoId};

use super::{Change, Openness, Options, What, queries, shown, thread_word};
use crate::accounts::{audit, sudo};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{RepoAdmin, RepoWrite};
use crate::repos::delete::delete_undoing;
use crate::repos::queries::{self as repo_queries, Repo};
use crate::repos::refs::{RefChange, RefError, RefUpdate, UNDO, apply_in, bring_packs};
use crate::repos::rename::move_undoing;
use crate::repos::settings::{Gating, SettingsChange, Undoes, update_settings_undoing};
use crate::repos::{discussions, gating, head, lfs_files, reading};

/// What came of it.
#[derive(Debug)]
pub struct Undone {
    /// The id of the repository now; `None`: it is deleted (again).
    pub id: Option<RepoId>,
    /// The branch or tag that was put back.
    pub name: Option<RefName>,
    /// What to tell.
    pub said: String,
}

/// Takes a change back. With `as_new`, a branch or tag is put beside what is there now, under a name of its own.
///
/// # Errors
/// 404 for an unknown change, 409 with the reason when it cannot be taken back (any more).
pub async fn undo(app: &App, admin: &RepoAdmin, change_pk: i64, as_new: bool) -> HubResult<Undone> {
    let row = queries::find(&app.pool, admin.repo.pk, change_pk).await?;
    let change = Change::of(app, row.ok_or_else(|| HubError::not_found("There is no such change."))?)?;
    check(&change)?;
    if is_grave(admin, &change.what) {
        sudo::check(app, &admin.viewer, &format!("{}/settings/history", admin.repo.path())).await?;
    }
    match &change.what {
        What::DeleteRef { name, old } => put_back(app, admin, &change, (name, None, *old), as_new).await,
        What::ReplaceRef { name, old, new } => put_back(app, admin, &change, (name, Some(*new), *old), as_new).await,
        What::RestoreRef { name, new } => take_away(app, admin, &change, name, *new).await,
        What::MoveRepo { from, to } => move_back(app, admin, &change, from, to).await,
        What::UpdateSettings { before, after } => set_back(app, admin, &change, before, after).await,
        What::UpdateOptions { before, after } => set_options_back(app, admin, &change, *before, *after).await,
        What::DeleteDiscussion { num, old, .. } => {
            discussions::restore(app, admin, *num, *old, change.pk).await?;
            let word = thread_word(old.is_some());
            Ok(still_there(admin, format!("{} #{num} is back, with what was said in it.", capitalised(word))))
        }
        What::RestoreDiscussion { num, is_pull_request } => {
            discussions::delete_undoing(app, admin, *num, Some(change.pk)).await?;
            Ok(still_there(admin, format!("{} #{num} is deleted again.", capitalised(thread_word(*is_pull_request)))))
        }
        What::DecideAccess(decided) => {
            let by = admin.viewer.require_user()?.pk;
            Ok(still_there(admin, gating::undo(app, &admin.repo, by, change.pk, decided).await?))
        }
        What::RestoreRepo { id } => {
            delete_undoing(app, admin, Some(change.pk)).await?;
            Ok(Undone { id: None, name: None, said: format!("{id} is deleted again.") })
        }
        What::DeleteRepo { .. } => Err(HubError::conflict("The repository is here: its deletion is undone.")),
    }
}

/// Takes a decision about a request for access back, for those who decide about them. Tells what came of it.
///
/// # Errors
/// 404 for a change of another kind, 409 with the reason when it cannot be taken back (any more).
pub async fn undo_decision(app: &App, write: &RepoWrite, change_pk: i64) -> HubResult<String> {
    let missing = || HubError::not_found("There is no such decision.");
    let change = Change::of(app, queries::find(&app.pool, write.repo.pk, change_pk).await?.ok_or_else(missing)?)?;
    let What::DecideAccess(decided) = &change.what else { return Err(missing()) };
    check(&change)?;
    gating::undo(app, &write.repo, write.viewer.require_user()?.pk, change.pk, decided).await
}

/// Whether taking it back is something that a browser that was left open shall not do: deleting, moving, publishing.
fn is_grave(admin: &RepoAdmin, what: &What) -> bool {
    match what {
        What::RestoreRepo { .. } | What::MoveRepo { .. } => true,
        What::UpdateSettings { before, .. } => admin.repo.private && !before.private,
        _ => false,
    }
}

fn check(change: &Change) -> HubResult<()> {
    if let Some((_, by)) = &change.undone {
        let by = by.as_deref().unwrap_or("somebody whose account is gone");
        return Err(HubError::conflict(format!("This was undone already, by {by}.")));
    }
    if change.undo_until <= crate::clock::now() {
        let day = change.undo_until.format("%-d %B %Y");
        return Err(HubError::conflict(format!("This could be undone until {day}. What it needs may be gone since.")));
    }
    Ok(())
}

/// Puts a ref back to where it was, if it is where the change left it.
async fn put_back(
    app: &App,
    admin: &RepoAdmin,
    change: &Change,
    (name, left_at, old): (&str, Option<Oid>, Oid),
    as_new: bool,
) -> HubResult<Undone> {
    let _turn = app.writes.enter(admin.repo.pk).await;
    let repo = fresh(app, admin).await?;
    let name = RefName::new(name)?;
    let (target, expected) = match as_new {
        true => (free_name(app, &repo, &name, old).await?, None),
        false => (name.clone(), left_at),
    };
    // A tag may lead to what is no commit; then there is nothing to look through.
    let commit = reading::peel_all(app, &repo, vec![old]).await?.pop().flatten();
    let metadata = match commit {
        Some(commit) => {
            lfs_files::check_held(app, &repo, commit).await?;
            head::metadata_if_default(app, &repo, &target, commit).await?
        }
        None => None,
    };
    let actor_pk = admin.viewer.user.as_ref().map(|user| user.pk);
    let update = RefUpdate { name: target.clone(), expected, new: Some(old) };
    let moved = RefChange { repo: &repo, actor_pk, kind: UNDO, updates: vec![update], packs: Vec::new(), metadata };
    let mut tx = audit::begin(app).await?;
    // The ref first: nobody holds what comes after it while they wait for the repository.
    let generation = match apply_in(&mut tx, &moved).await {
        Err(error @ (RefError::Conflict { .. } | RefError::Blocked { .. })) if !as_new => {
            return Err(moved_on(error, &name, left_at));
        }
        other => other?,
    };
    let what = match expected {
        Some(left_at) => What::ReplaceRef { name: target.to_string(), old: left_at, new: old },
        None => What::RestoreRef { name: target.to_string(), new: old },
    };
    super::note(&mut tx, repo.pk, actor_pk, &what, Some(change.pk)).await?;
    tx.commit().await?;
    bring_packs(app, &moved, generation).await;
    let said = format!("{} is at {} again.", capitalised(&shown(target.as_str())), super::short(&old));
    Ok(Undone { id: Some(repo.id.clone()), name: Some(target), said })
}

/// Why a ref cannot be put back in its place, and what can be done instead.
fn moved_on(error: RefError, name: &RefName, left_at: Option<Oid>) -> HubError {
    let aside = aside_name(name);
    let offer = format!("Restore it under a name of its own, `{}`, instead.", short_name(&aside));
    let text = match (&error, left_at) {
        (RefError::Blocked { by, .. }, _) => {
            format!("{} is in the way: git cannot keep both. {offer}", capitalised(&shown(by.as_str())))
        }
        (_, None) => format!("There is {} again, at something else. {offer}", shown(name.as_str())),
        (_, Some(_)) => format!("{} has moved on since. {offer}", capitalised(&shown(name.as_str()))),
    };
    HubError::conflict(text).with("restoreAs", aside)
}

fn aside_name(name: &RefName) -> String {
    let (kind, short) = match (name.branch_name(), name.tag_name()) {
        (_, Some(tag)) => ("tags", tag),
        (branch, None) => ("heads", branch.unwrap_or_default()),
    };
    format!("refs/{kind}/restored/{short}-{}", crate::clock::now().format("%Y-%m-%d"))
}

fn short_name(full: &str) -> &str {
    full.strip_prefix("refs/heads/").or_else(|| full.strip_prefix("refs/tags/")).unwrap_or(full)
}

/// `restored/<name>-<date>`; when that is taken, with the start of the commit's id.
async fn free_name(app: &App, repo: &Repo, name: &RefName, old: Oid) -> HubResult<RefName> {
    let first = RefName::new(&aside_name(name))?;
    if repo_queries::find_ref(&app.pool, repo.pk, &first).await?.is_none() {
        return Ok(first);
    }
    Ok(RefName::new(&format!("{first}-{}", super::short(&old)))?)
}

/// Deletes a ref that an undo made, if it is still where that put it.
async fn take_away(app: &App, admin: &RepoAdmin, change: &Change, name: &str, new: Oid) -> HubResult<Undone> {
    let _turn = app.writes.enter(admin.repo.pk).await;
    let repo = fresh(app, admin).await?;
    let name = RefName::new(name)?;
    if name == repo.default_ref()? {
        return Err(HubError::conflict(format!(
            "{} is the default branch, which cannot be deleted.",
            capitalised(&shown(name.as_str()))
        )));
    }
    let actor_pk = admin.viewer.user.as_ref().map(|user| user.pk);
    let update = RefUpdate { name: name.clone(), expected: Some(new), new: None };
    let moved = RefChange { repo: &repo, actor_pk, kind: UNDO, updates: vec![update], packs: Vec::new(), metadata: None };
    let mut tx = audit::begin(app).await?;
    match apply_in(&mut tx, &moved).await {
        Err(RefError::Conflict { .. }) => {
            let name = capitalised(&shown(name.as_str()));
            return Err(HubError::conflict(format!("{name} has moved on since. Delete it yourself if it shall go.")));
        }
        other => other?,
    };
    super::note(&mut tx, repo.pk, actor_pk, &What::DeleteRef { name: name.to_string(), old: new }, Some(change.pk)).await?;
    tx.commit().await?;
    Ok(Undone { id: Some(repo.id.clone()), said: format!("{} is gone again.", capitalised(&shown(name.as_str()))), name: None })
}

/// The repository as it is now, read before its refs.
async fn fresh(app: &App, admin: &RepoAdmin) -> HubResult<Repo> {
    repo_queries::find_repo_by_pk(&app.pool, admin.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))
}

async fn move_back(app: &App, admin: &RepoAdmin, change: &Change, from: &str, to: &str) -> HubResult<Undone> {
    let id = &admin.repo.id;
    if id.to_string() != to {
        return Err(HubError::conflict(format!("It was moved again since, and is {id} now. Undo the last move first.")));
    }
    let back: RepoId = from.parse()?;
    let id = move_undoing(app, admin, &back, Some(change.pk)).await?;
    Ok(Undone { said: format!("It is {id} again. The other address leads here."), id: Some(id), name: None })
}

async fn set_back(app: &App, admin: &RepoAdmin, change: &Change, before: &Openness, after: &Openness) -> HubResult<Undone> {
    let gating = match before.gated.as_deref() {
        None => Gating::Off,
        Some("auto") => Gating::Auto,
        Some(_) => Gating::Manual,
    };
    let wanted = SettingsChange {
        private: (before.private != after.private).then_some(before.private),
        gating: (before.gated != after.gated).then_some(gating),
        ..SettingsChange::default()
    };
    update_settings_undoing(app, admin, wanted, Some((change.pk, Undoes::Openness(after)))).await?;
    let words = super::openness_in_words(after, before);
    Ok(still_there(admin, format!("{words} again.")))
}

async fn set_options_back(app: &App, admin: &RepoAdmin, change: &Change, before: Options, after: Options) -> HubResult<Undone> {
    let wanted = SettingsChange {
        plain_http: before.plain_http,
        discussions_disabled: before.discussions_disabled,
        refuses_pickles: before.refuses_pickles,
        labelled: before.labelled,
        ..SettingsChange::default()
    };
    update_settings_undoing(app, admin, wanted, Some((change.pk, Undoes::Options(after)))).await?;
    if before.labelled.is_some() {
        app.search.wake();
    }
    Ok(still_there(admin, format!("{} again.", before.in_words())))
}

fn still_there(admin: &RepoAdmin, said: String) -> Undone {
    Undone { id: Some(admin.repo.id.clone()), name: None, said }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
