//! Duplicating a repository: the copy shares the original's packs and large files, so it costs a few rows.

use super::access;
use super::access::RepoContent;
use super::queries::{self, NewRepoRow, Repo};
use super::refs::{RefChange, RefUpdate, apply_in};
use crate::accounts::{audit, tokens};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::jobs::Job;
use crate::moderation::rules::{self, Deed};
use crate::objects;
use crate::quotas;
use crate::recalls;
use hub_types::{RepoId, RepoType};

/// Makes a copy of a repository the viewer may read, with its branches and tags but without its pull requests.
///
/// # Errors
/// 403 for a namespace the viewer may not use and for what moderators disabled, 409 when the target exists, 413 when its owner has no room for a copy.
pub async fn duplicate_repo(
    app: &App,
    source: &RepoContent,
    to: &RepoId,
    (private, group_id): (bool, Option<&str>),
    base_url: &str,
) -> HubResult<Repo> {
    let user = source.viewer.require_user()?;
    source.require_copyable()?;
    let from = &source.repo;
    recalls::check_copy(app, from.pk).await?;
    let place = access::target_place(app, &source.viewer, Some(to.namespace()), from.repo_type, group_id).await?;
    app.require_new(from.repo_type)?;
    let namespace = &place.namespace;
    let row = NewRepoRow {
        repo_type: from.repo_type,
        namespace_pk: namespace.namespace_pk,
        name: to.name(),
        private,
        created_by: Some(user.pk),
        resource_group_pk: place.resource_group_pk,
    };
    let mut tx = audit::begin(app).await?;
    rules::count(app, &mut tx, user.pk, Deed::Repo).await?;
    access::check_name_is_free(&mut tx, &source.viewer, from.repo_type, namespace, to.name()).await?;
    // Its refs, packs and large files are read one after the other and must fit together.
    if !queries::hold_repo(&mut tx, from.pk).await? {
        return Err(HubError::repo_not_found(false));
    }
    // Moderators disabled it meanwhile.
    if !from.disabled && queries::buckets::is_disabled(&mut tx, from.pk).await? {
        return Err(access::disabled(from));
    }
    let repo_pk = match queries::insert_repo(&mut tx, &row).await {
        Err(error) if db::violates(&error, "repos_type_namespace_name_idx") => {
            let url = format!("{base_url}/{}{}/{}", from.repo_type.url_prefix(), namespace.name, to.name());
            return Err(HubError::repo_exists(from.repo_type, to, &url));
        }
        Err(error) if db::violates(&error, "repos_resource_group_fk") => return Err(HubError::resource_group_gone()),
        other => other?,
    };
    tokens::note_made(&mut tx, &source.viewer, repo_pk).await?;
    queries::delete_redirect(&mut tx, from.repo_type, &namespace.name, to.name()).await?;
    queries::copy_contents(&mut tx, from.pk, repo_pk).await?;
    objects::share_all(&mut tx, from.pk, repo_pk).await?;
    quotas::check_arrival(app, &mut tx, repo_pk).await?;
    let repo =
        queries::find_repo_by_pk(&mut *tx, repo_pk).await?.ok_or_else(|| HubError::internal("the new repository is gone"))?;
    let refs = queries::list_refs(&mut *tx, from.pk).await?;
    let shared = refs.into_iter().filter(|row| row.name.branch_name().is_some() || row.name.tag_name().is_some());
    let change = RefChange {
        repo: &repo,
        actor_pk: Some(user.pk),
        kind: "duplicate_repo",
        updates: shared.map(|row| RefUpdate { name: row.name, expected: None, new: Some(row.oid) }).collect(),
        packs: Vec::new(),
        metadata: None,
    };
    apply_in(&mut tx, &change).await?;
    if !app.allows(Flag::Discussions) {
        queries::discussions::set_disabled(&mut tx, repo_pk, true).await?;
    }
    // The original's headers and texts may not have been read yet.
    Job::ReadHeaders { repo_pk }.enqueue(&mut tx).await?;
    Job::ReadTexts { repo_pk }.enqueue(&mut tx).await?;
    if from.repo_type == RepoType::Model {
        Job::SketchWeights { repo_pk }.enqueue(&mut tx).await?;
    }
    Job::TellOfRepo { repo_pk }.enqueue(&mut tx).await?;
    rules::ask_about_card(app, &mut tx, repo_pk, Some(user.pk)).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(repo)
}
