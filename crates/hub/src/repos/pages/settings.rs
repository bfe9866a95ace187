//! What an owner changes about a repository: visibility, name, existence.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::RepoId;

use super::context::{header_of, layout_of};
use super::deleted::deleted_path;
use super::owners::{groups_of, owners_of};
use super::view::{RepoHeader, RepoTab};
use super::{BASES, BUCKET_BASE};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::sudo;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::delete::delete_repo;
use crate::repos::groups;
use crate::repos::queries::audience::{Labels, find_labels};
use crate::repos::queries::discussions::are_disabled;
use crate::repos::queries::pickles::{PickleRule, find_pickle_rule};
use crate::repos::rename::move_repo;
use crate::repos::settings::{Gating, SettingsChange, update_settings};
use crate::repos::usage::StorageUse;
use crate::repos::{Repo, RepoAdmin};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/settings.html")]
pub(super) struct RepoSettingsPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// What its files take.
    pub storage: StorageUse,
    /// How many files a bucket has, and how many bytes it may.
    pub bucket: Option<(i64, Option<u64>)>,
    /// Whether clients are kept to plain HTTP.
    pub plain_http: bool,
    /// Whether discussions are turned off.
    pub discussions_disabled: bool,
    /// Who said that it is not for all audiences.
    pub labels: Labels,
    /// Who refuses pickles.
    pub pickles: PickleRule,
    /// How readers get in: `off`, `auto` or `manual`.
    pub gating: String,
    /// The new owner.
    pub new_owner: Field,
    /// Who may own it.
    pub owners: Vec<Choice>,
    /// The new name.
    pub new_name: Field,
    /// The id typed to confirm deletion.
    pub confirmation: Field,
    /// For how many days what is done can be undone.
    pub undo_days: u64,
    /// The resource group it is in.
    pub group: Field,
    /// The groups it can be in; empty where there are none.
    pub groups: Vec<Choice>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/settings/transfer"), web::post().to(post_transfer))
            .route(&format!("{base}/settings/discussions"), web::post().to(post_discussions))
            .route(&format!("{base}/settings/pickles"), web::post().to(post_pickles))
            .route(&format!("{base}/settings/gating"), web::post().to(post_gating));
    }
    for base in BASES.into_iter().chain([BUCKET_BASE]) {
        config
            .route(&format!("{base}/settings"), crate::web::read().to(show_settings))
            .route(&format!("{base}/settings/visibility"), web::post().to(post_visibility))
            .route(&format!("{base}/settings/audience"), web::post().to(post_audience))
            .route(&format!("{base}/settings/resource-group"), web::post().to(post_group))
            .route(&format!("{base}/settings/move"), web::post().to(post_move))
            .route(&format!("{base}/settings/delete"), web::post().to(post_delete));
    }
}

async fn show_settings(page: PageRequest, admin: RepoAdmin) -> HubResult<HttpResponse> {
    page.require_session()?;
    let id = &admin.repo.id;
    let shown = settings_page(&page, &admin, id.namespace(), id.name(), &Refusal::default()).await?;
    page.show(shown).await
}

async fn settings_page(
    page: &PageRequest,
    admin: &RepoAdmin,
    owner: &str,
    name: &str,
    refusal: &Refusal,
) -> HubResult<RepoSettingsPage> {
    let user = page.require_session()?;
    let (header, _) = header_of(page, admin, RepoTab::Settings).await?;
    let mut owners = owners_of(user, owner);
    if !owners.iter().any(|choice| choice.selected) {
        owners.insert(0, Choice::new(owner, owner, owner));
    }
    let mut new_name = Field::new("name", "New name").value(name);
    new_name.error = refusal.message_elsewhere(&["confirmation", "resource_group"]);
    let group = groups::find(&page.app, &admin.repo).await?;
    let mut choices = groups_of(user, Some(admin.repo.namespace_pk), group.as_ref().map_or("", |group| &group.public_id));
    if let Some(group) = &group
        && !choices.iter().any(|choice| choice.selected)
    {
        choices.insert(0, Choice::new(group.public_id.as_str(), group.name.as_str(), &group.public_id));
    }
    Ok(RepoSettingsPage {
        layout: layout_of(page, &admin.repo, "Settings"),
        header,
        storage: storage_of(&page.app, &admin.repo).await?,
        bucket: (!admin.repo.repo_type.has_git()).then_some((admin.repo.file_count, page.app.config.bucket_limit_bytes)),
        plain_http: admin.repo.plain_http,
        discussions_disabled: are_disabled(&page.app.pool, admin.repo.pk).await?,
        labels: find_labels(&page.app.pool, admin.repo.pk).await?,
        pickles: find_pickle_rule(&page.app.pool, admin.repo.pk).await?,
        gating: admin.repo.gated.clone().unwrap_or_else(|| "off".to_owned()),
        new_owner: Field::new("owner", "Owner"),
        owners,
        new_name,
        group: refusal.mark(
            Field::new("resource_group", "Group")
                .hint("Only its members see what is private and write; without one, the organization."),
        ),
        groups: choices,
        undo_days: page.app.config.undo_days,
        confirmation: refusal.mark(Field::new("confirmation", "Type the full id to confirm").hint(admin.repo.id.to_string())),
    })
}

/// What was deleted from a bucket no longer counts, though it may not be collected yet.
async fn storage_of(app: &App, repo: &Repo) -> HubResult<StorageUse> {
    let held = StorageUse::of_repo(app, repo).await?;
    match repo.repo_type.has_git() {
        true => Ok(held),
        false => Ok(StorageUse { logical_bytes: repo.size_bytes.unsigned_abs(), ..held }),
    }
}

fn settings_path(repo: &Repo) -> String {
    format!("{}/settings", repo.path())
}

async fn post_visibility(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let private = match form.text("visibility") {
        "private" => true,
        "public" => false,
        _ => return Err(HubError::bad_request("Choose public or private.")),
    };
    if admin.repo.private && !private {
        sudo::require(&page, &settings_path(&admin.repo)).await?;
    }
    update_settings(&page.app, &admin, SettingsChange { private: Some(private), ..SettingsChange::default() }).await?;
    let text = if private { "This repository is private now." } else { "This repository is public now." };
    Ok(page.redirect_saying(&settings_path(&admin.repo), text))
}

async fn post_audience(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (labelled, text) = match form.text("audience") {
        "all" => (false, "Saved. This repository is for all audiences, unless its card or moderators say otherwise."),
        "not-all" => (true, "Others are asked now before they see what is in this repository."),
        _ => return Err(HubError::bad_request("Choose for whom it is.")),
    };
    update_settings(&page.app, &admin, SettingsChange { labelled: Some(labelled), ..SettingsChange::default() }).await?;
    page.app.search.wake();
    Ok(page.redirect_saying(&settings_path(&admin.repo), text))
}

async fn post_group(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let id = form.text("resource_group");
    match groups::move_to(&page.app, &admin, Some(id)).await {
        Ok(()) => {
            let text = if id.is_empty() { "This repository is in no group now." } else { "The group was changed." };
            Ok(page.redirect_saying(&settings_path(&admin.repo), text))
        }
        Err(error) => {
            let refusal = Refusal::of(error.at("resource_group"))?;
            let shown = settings_page(&page, &admin, admin.repo.id.namespace(), admin.repo.id.name(), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_gating(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (gating, text) = match form.text("gating") {
        "off" => (Gating::Off, "Everybody who sees this repository can download its files now."),
        "auto" => (Gating::Auto, "Who asks for access gets it at once now."),
        "manual" => (Gating::Manual, "You decide now who gets access."),
        _ => return Err(HubError::bad_request("Choose who may download the files.")),
    };
    update_settings(&page.app, &admin, SettingsChange { gating: Some(gating), ..SettingsChange::default() }).await?;
    Ok(page.redirect_saying(&settings_path(&admin.repo), text))
}

async fn post_transfer(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let plain_http = match form.text("transfer") {
        "chunks" => false,
        "http" => true,
        _ => return Err(HubError::bad_request("Choose chunks or plain HTTP.")),
    };
    update_settings(&page.app, &admin, SettingsChange { plain_http: Some(plain_http), ..SettingsChange::default() }).await?;
    let text = match plain_http {
        true => "Downloads go by plain HTTP now.",
        false => "Downloads go in chunks now, for clients that know how.",
    };
    Ok(page.redirect_saying(&settings_path(&admin.repo), text))
}

async fn post_discussions(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let disabled = match form.text("discussions") {
        "on" => false,
        "off" => true,
        _ => return Err(HubError::bad_request("Choose on or off.")),
    };
    let change = SettingsChange { discussions_disabled: Some(disabled), ..SettingsChange::default() };
    update_settings(&page.app, &admin, change).await?;
    let text = match disabled {
        true => "Discussions are turned off. What was said stays readable.",
        false => "Discussions are turned on.",
    };
    Ok(page.redirect_saying(&settings_path(&admin.repo), text))
}

async fn post_pickles(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (refuses, text) = match form.text("pickles") {
        "take" => (false, "This repository takes pickles."),
        "refuse" => {
            (true, "This repository takes no pickles from now on. Those that are there stay until somebody deletes them.")
        }
        _ => return Err(HubError::bad_request("Choose whether pickles are taken or refused.")),
    };
    let change = SettingsChange { refuses_pickles: Some(refuses), ..SettingsChange::default() };
    update_settings(&page.app, &admin, change).await?;
    Ok(page.redirect_saying(&settings_path(&admin.repo), text))
}

async fn post_move(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    sudo::require(&page, &settings_path(&admin.repo)).await?;
    let (owner, name) = (form.text("owner"), form.text("name"));
    let moved = match RepoId::new(owner, name) {
        Ok(to) => move_repo(&page.app, &admin, &to).await,
        Err(error) => Err(error.into()),
    };
    match moved {
        Ok(to) => {
            let path = format!("/{}{to}", admin.repo.repo_type.url_prefix());
            Ok(page.redirect_saying(&path, &format!("Moved to {to}. The old address leads here.")))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = settings_page(&page, &admin, owner, name, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_delete(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, &settings_path(&admin.repo)).await?;
    let id = admin.repo.id.to_string();
    if form.text("confirmation") != id {
        let error = HubError::bad_request(format!("Type {id} here to delete it.")).at("confirmation");
        let refusal = Refusal::of(error)?;
        let shown = settings_page(&page, &admin, admin.repo.id.namespace(), admin.repo.id.name(), &refusal).await?;
        return page.show_with(refusal.status, shown).await;
    }
    delete_repo(&page.app, &admin).await?;
    let to = deleted_path(user, admin.repo.namespace_pk, admin.repo.id.namespace());
    let days = page.app.config.undo_days;
    Ok(page.redirect_saying(&to, &format!("{id} was deleted. It can be restored for {days} days.")))
}
