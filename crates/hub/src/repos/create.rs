//! Creating a repository: one operation for the API, the web form and the command line.

use hub_git::{ATTRIBUTES_FILE, Change, CommitMeta, CommitPlan, Content, GitReader, build_commit, default_attributes};
use hub_types::{Oid, RefName, RepoId, RepoPath, RepoType};
use serde_json::Value;

use super::metadata::{self, HeadMetadata};
use super::queries::{self, NewRepoRow, Repo};
use super::refs::{RefChange, RefUpdate, StoredPack, apply_in};
use super::{access, new_objects};
use crate::accounts::{Viewer, audit, tokens};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::jobs::Job;
use crate::moderation::rules::{self, Deed};

/// What a new repository is to be.
#[derive(Debug, Clone)]
pub struct NewRepo {
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The owner; `None`: the viewer.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// Whether only members see it; `None`: as the organisation has it by default.
    pub private: Option<bool>,
    /// The id of the resource group it is put in.
    pub resource_group: Option<String>,
    /// Files of the first commit, besides `.gitattributes`.
    pub files: Vec<(RepoPath, Vec<u8>)>,
}

/// Creates a repository whose branch `main` has one commit with `.gitattributes`, as on the Hub.
///
/// # Errors
/// 400 for a bad name, 403 for a namespace the viewer may not use and what is switched off, 409 when the repository exists.
pub async fn create_repo(app: &App, viewer: &Viewer, new: &NewRepo, base_url: &str) -> HubResult<Repo> {
    let user = viewer.require_user()?;
    let group_id = new.resource_group.as_deref();
    let place = access::target_place(app, viewer, new.namespace.as_deref(), new.repo_type, group_id).await?;
    let namespace = &place.namespace;
    let id = RepoId::new(&namespace.name, &new.name)?;
    // Asked before anything is built; the unique index decides in the end.
    if let Some(existing) = queries::find_repo(&app.pool, new.repo_type, id.namespace(), id.name()).await? {
        return Err(already_there(&existing, base_url));
    }
    app.require_new(new.repo_type)?;
    let built = first_commit(app, viewer, new).await?;
    let row = NewRepoRow {
        repo_type: new.repo_type,
        namespace_pk: namespace.namespace_pk,
        name: id.name(),
        private: new.private.unwrap_or(namespace.default_private),
        created_by: Some(user.pk),
        resource_group_pk: place.resource_group_pk,
    };
    let mut tx = audit::begin(app).await?;
    rules::count(app, &mut tx, user.pk, Deed::Repo).await?;
    access::check_name_is_free(&mut tx, viewer, new.repo_type, namespace, id.name()).await?;
    let repo_pk = match queries::insert_repo(&mut tx, &row).await {
        Err(error) if db::violates(&error, "repos_type_namespace_name_idx") => {
            drop(tx);
            let existing = queries::find_repo(&app.pool, new.repo_type, id.namespace(), id.name()).await?;
            return Err(existing.map_or_else(|| HubError::conflict("Try again."), |existing| already_there(&existing, base_url)));
        }
        Err(error) if db::violates(&error, "repos_resource_group_fk") => return Err(HubError::resource_group_gone()),
        other => other?,
    };
    tokens::note_made(&mut tx, viewer, repo_pk).await?;
    queries::delete_redirect(&mut tx, new.repo_type, id.namespace(), id.name()).await?;
    let repo =
        queries::find_repo_by_pk(&mut *tx, repo_pk).await?.ok_or_else(|| HubError::internal("the new repository is gone"))?;
    let change = RefChange {
        repo: &repo,
        actor_pk: Some(user.pk),
        kind: "create_repo",
        updates: vec![RefUpdate { name: RefName::branch("main")?, expected: None, new: Some(built.commit) }],
        packs: built.packs,
        metadata: Some(built.metadata),
    };
    apply_in(&mut tx, &change).await?;
    if !app.allows(Flag::Discussions) {
        queries::discussions::set_disabled(&mut tx, repo_pk, true).await?;
    }
    rules::look_at_repo(app, &mut tx, user, &repo).await?;
    Job::TellOfRepo { repo_pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    queries::find_repo_by_pk(&app.pool, repo_pk).await?.ok_or_else(|| HubError::internal("the new repository is gone"))
}

fn already_there(existing: &Repo, base_url: &str) -> HubError {
    HubError::repo_exists(existing.repo_type, &existing.id, &format!("{base_url}{}", existing.path()))
}

/// A commit whose objects are stored, ready for the commit point.
struct FirstCommit {
    commit: Oid,
    packs: Vec<StoredPack>,
    metadata: HeadMetadata,
}

async fn first_commit(app: &App, viewer: &Viewer, new: &NewRepo) -> HubResult<FirstCommit> {
    let file = |path: RepoPath, content: Vec<u8>| Change::AddBlob { path, content: Content::Bytes(content) };
    let mut changes = vec![file(RepoPath::new(ATTRIBUTES_FILE)?, default_attributes(new.repo_type).into_bytes())];
    changes.extend(new.files.iter().map(|(path, content)| file(path.clone(), content.clone())));
    let author = new_objects::person(viewer)?;
    let meta = CommitMeta { committer: author.clone(), author, message: "initial commit".to_owned() };
    let (scratch, repo_type) = (app.git.temp_dir(), new.repo_type);
    let build = tokio::task::spawn_blocking(move || {
        let plan = CommitPlan { parent: None, changes: &changes, meta: &meta, cover_lfs: false };
        let reader = GitReader::empty()?;
        let built = build_commit(&reader, &scratch, plan)?;
        built.pack.iter().try_for_each(|pack| reader.lend(pack))?;
        let metadata = metadata::of_commit(&reader, repo_type, built.commit, None)?;
        Ok::<_, hub_git::Error>((built, metadata))
    });
    let (built, metadata) = build.await??;
    Ok(FirstCommit { commit: built.commit, packs: new_objects::store(app, built.pack).await?, metadata })
}

/// The card of a repository that is created with a licence, or of a Space (whose SDK is in its card).
///
/// # Errors
/// 400 for a Space without a known SDK.
pub fn starter_card(repo_type: RepoType, license: Option<&str>, sdk: Option<&str>, name: &str) -> HubResult<Option<String>> {
    let mut lines = Vec::new();
    if repo_type == RepoType::Space {
        let sdk =
            sdk.ok_or_else(|| HubError::bad_request("A Space needs an `sdk`: `gradio`, `docker`, `static` or `streamlit`."))?;
        if !hub_cards::known::SDKS.contains(&sdk) {
            return Err(HubError::bad_request(format!(
                "`{sdk}` is not an SDK: use `gradio`, `docker`, `static` or `streamlit`."
            )));
        }
        lines.push(format!("title: {}", Value::from(name)));
        lines.push(format!("sdk: {sdk}"));
    }
    if let Some(license) = license.filter(|license| !license.is_empty()) {
        lines.push(format!("license: {}", Value::from(license)));
    }
    if lines.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!("---\n{}\n---\n", lines.join("\n"))))
}
