//! Making a bucket: one operation for the API and the web form.

use hub_types::{RepoId, RepoType};
use serde_json::json;

use crate::accounts::{Viewer, audit, tokens};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::moderation::rules::{self, Deed};
use crate::repos::access;
use crate::repos::queries::{self, NewRepoRow, Repo};

/// What a new bucket is to be.
#[derive(Debug, Clone)]
pub struct NewBucket {
    /// The owner; `None`: the viewer.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// Whether only members see it; `None`: as the organisation has it by default.
    pub private: Option<bool>,
    /// The id of the resource group it is put in.
    pub resource_group: Option<String>,
}

/// Makes an empty bucket.
///
/// # Errors
/// 400 for a bad name, 403 for a namespace the viewer may not use, 409 when the bucket exists.
pub async fn create_bucket(app: &App, viewer: &Viewer, new: &NewBucket, base_url: &str) -> HubResult<Repo> {
    let user = viewer.require_user()?;
    let group_id = new.resource_group.as_deref();
    let place = access::target_place(app, viewer, new.namespace.as_deref(), RepoType::Bucket, group_id).await?;
    let namespace = &place.namespace;
    let id = RepoId::new(&namespace.name, &new.name)?;
    // Of one that is there, it is said that it is.
    if let Err(error) = app.require_new(RepoType::Bucket)
        && queries::find_repo(&app.pool, RepoType::Bucket, id.namespace(), id.name()).await?.is_none()
    {
        return Err(error);
    }
    let row = NewRepoRow {
        repo_type: RepoType::Bucket,
        namespace_pk: namespace.namespace_pk,
        name: id.name(),
        private: new.private.unwrap_or(namespace.default_private),
        created_by: Some(user.pk),
        resource_group_pk: place.resource_group_pk,
    };
    let mut tx = audit::begin(app).await?;
    rules::count(app, &mut tx, user.pk, Deed::Repo).await?;
    access::check_name_is_free(&mut tx, viewer, RepoType::Bucket, namespace, id.name()).await?;
    let repo_pk = match queries::insert_repo(&mut tx, &row).await {
        Err(error) if db::violates(&error, "repos_type_namespace_name_idx") => {
            drop(tx);
            let existing = queries::find_repo(&app.pool, RepoType::Bucket, id.namespace(), id.name()).await?;
            let id = existing.map_or(id, |existing| existing.id);
            return Err(HubError::repo_exists(RepoType::Bucket, &id, &format!("{base_url}/buckets/{id}")));
        }
        Err(error) if db::violates(&error, "repos_resource_group_fk") => return Err(HubError::resource_group_gone()),
        other => other?,
    };
    tokens::note_made(&mut tx, viewer, repo_pk).await?;
    queries::delete_redirect(&mut tx, RepoType::Bucket, id.namespace(), id.name()).await?;
    queries::insert_event(&mut tx, repo_pk, Some(user.pk), "create_repo", json!({ "id": id.to_string() })).await?;
    let repo = queries::find_repo_by_pk(&mut *tx, repo_pk).await?;
    if let Some(repo) = &repo {
        rules::look_at_repo(app, &mut tx, user, repo).await?;
    }
    Job::TellOfRepo { repo_pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    repo.ok_or_else(|| HubError::internal("the new bucket is gone"))
}
