//! One resource group: its name, who is in it, and which repositories.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::{RepoId, RepoType};

use super::groups::counted;
use crate::accounts::groups::{self, Managed, require_manager_of};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::members::{label_of, lower_role_options, role_options};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::queries::groups::{GroupMemberRow, GroupRepoRow, list_group_members, list_group_repos};
use crate::accounts::{OrgRole, User};
use crate::error::{HubError, HubResult};
use crate::repos::{RepoAdmin, access, groups as repo_groups};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// The most members that are shown.
const MOST_MEMBERS: i64 = 1_000;
/// The most repositories that are shown.
const MOST_REPOS: i64 = 500;
/// The fields that show an error themselves.
const FIELDS: &[&str] = &["name", "description", "user", "repo"];

/// The page.
#[derive(Debug, Template)]
#[template(path = "organizations/group.html")]
struct GroupPage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// Whether the viewer administers it, too.
    owns: bool,
    /// The group.
    group: String,
    /// Where its forms go.
    path: String,
    /// What concerns no field.
    error: Option<String>,
    /// Its name.
    name: Field,
    /// What it is for.
    description: Field,
    /// Who is in it.
    members: Vec<MemberItem>,
    /// How many that are.
    member_label: String,
    /// Somebody to add.
    new_member: Field,
    /// Their role.
    new_role: Field,
    /// All roles.
    roles: Vec<Choice>,
    /// The repositories.
    repos: Vec<RepoItem>,
    /// How many there are, also of those that are not shown.
    repo_label: String,
    /// The id of one to move here.
    new_repo: Field,
    /// Its kind.
    new_kind: Field,
    /// All kinds.
    kinds: Vec<Choice>,
}

/// Somebody in the group.
#[derive(Debug)]
struct MemberItem {
    name: String,
    fullname: String,
    label: &'static str,
    is_service: bool,
    roles: Vec<Choice>,
}

/// A repository in the group.
#[derive(Debug)]
struct RepoItem {
    href: String,
    id: String,
    kind: &'static str,
    private: bool,
}

impl MemberItem {
    fn of(row: GroupMemberRow) -> Self {
        let role = OrgRole::parse(&row.role).unwrap_or(OrgRole::Read);
        let roles = if row.is_service { lower_role_options(role.as_str()) } else { role_options(role.as_str()) };
        Self { name: row.name, fullname: row.fullname, label: label_of(role), is_service: row.is_service, roles }
    }
}

impl RepoItem {
    fn of(row: GroupRepoRow) -> Self {
        let id = format!("{}/{}", row.namespace, row.name);
        let href = format!("/{}{id}", row.repo_type.url_prefix());
        Self { href, id, kind: row.repo_type.as_str(), private: row.private }
    }
}

/// The path of the page of a group.
pub(super) fn path_of(organization: &str, id: &str) -> String {
    format!("/organizations/{organization}/settings/groups/{id}")
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/settings/groups/{id}", crate::web::read().to(show_group))
        .route("/organizations/{name}/settings/groups/{id}", web::post().to(post_group))
        .route("/organizations/{name}/settings/groups/{id}/delete", web::post().to(post_delete))
        .route("/organizations/{name}/settings/groups/{id}/members", web::post().to(post_member))
        .route("/organizations/{name}/settings/groups/{id}/members/{user}", web::post().to(post_change))
        .route("/organizations/{name}/settings/groups/{id}/repos", web::post().to(post_repo));
}

/// What was typed into the forms.
#[derive(Debug, Default)]
struct Typed<'a> {
    /// The name and the description, if they were.
    about: Option<(&'a str, &'a str)>,
    member: &'a str,
    repo: &'a str,
}

async fn show_group(page: PageRequest, path: web::Path<(String, String)>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let managed = require_manager_of(&page.app, user, &path.0, &path.1).await?;
    let shown = group_page(&page, user, &managed, &Typed::default(), &Refusal::default()).await?;
    page.show(shown).await
}

async fn group_page(
    page: &PageRequest,
    user: &User,
    managed: &Managed,
    typed: &Typed<'_>,
    refusal: &Refusal,
) -> HubResult<GroupPage> {
    let Managed { organization, group, owns } = managed;
    let keys = [group.resource_group_pk];
    let members = list_group_members(&page.app.pool, &keys, MOST_MEMBERS).await?;
    let repos = list_group_repos(&page.app.pool, &keys, MOST_REPOS).await?;
    let (name, description) = typed.about.unwrap_or((&group.name, &group.description));
    let kind = |kind: RepoType, label| Choice::new(kind.as_str(), label, "model");
    Ok(GroupPage {
        layout: page.layout(format!("{} of {}", group.name, organization.name)),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organization: organization.name.clone(),
        owns: *owns,
        group: group.name.clone(),
        path: path_of(&organization.name, &group.public_id),
        error: refusal.message_elsewhere(FIELDS),
        name: refusal.mark(Field::new("name", "Name").value(name)),
        description: refusal.mark(Field::new("description", "What it is for").value(description)),
        member_label: counted(group.members, "member"),
        members: members.into_iter().map(MemberItem::of).collect(),
        new_member: refusal.mark(Field::new("user", "Username").value(typed.member)),
        new_role: Field::new("role", "Role"),
        roles: role_options("write"),
        repo_label: match group.repos {
            1 => "1 repository".to_owned(),
            count if count > MOST_REPOS => format!("{count} repositories, of which the latest {MOST_REPOS} are here"),
            count => format!("{count} repositories"),
        },
        repos: repos.into_iter().map(RepoItem::of).collect(),
        new_repo: refusal.mark(Field::new("repo", "Repository").value(typed.repo)),
        new_kind: Field::new("kind", "Kind"),
        kinds: vec![
            kind(RepoType::Model, "Model"),
            kind(RepoType::Dataset, "Dataset"),
            kind(RepoType::Space, "Space"),
            kind(RepoType::Bucket, "Bucket"),
        ],
    })
}

async fn show_refused(
    page: &PageRequest,
    user: &User,
    managed: &Managed,
    error: HubError,
    typed: &Typed<'_>,
) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let shown = group_page(page, user, managed, typed, &refusal).await?;
    page.show_with(refusal.status, shown).await
}

async fn post_group(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let managed = require_manager_of(&page.app, user, &path.0, &path.1).await?;
    let (name, description) = (form.text("name"), form.text("description"));
    match groups::rename(&page.app, &managed.group, name, description).await {
        Ok(()) => Ok(page.redirect_saying(&path_of(&managed.organization.name, &path.1), "The group was saved.")),
        Err(error) => {
            let typed = Typed { about: Some((name, description)), ..Typed::default() };
            show_refused(&page, user, &managed, error, &typed).await
        }
    }
}

async fn post_delete(page: PageRequest, path: web::Path<(String, String)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let managed = require_manager_of(&page.app, user, &path.0, &path.1).await?;
    if !managed.owns {
        let text = format!("Only an admin of {} can delete its groups.", managed.organization.name);
        return Err(HubError::forbidden(text));
    }
    match groups::delete(&page.app, &managed.group).await {
        Ok(()) => {
            let to = format!("/organizations/{}/settings/groups", managed.organization.name);
            let (name, days) = (&managed.group.name, page.app.config.undo_days);
            let said = format!("The group {name} was deleted. It can be restored for {days} days.");
            Ok(page.redirect_saying(&to, &said))
        }
        Err(error) => show_refused(&page, user, &managed, error, &Typed::default()).await,
    }
}

fn role_of(form: &CheckedForm) -> HubResult<OrgRole> {
    OrgRole::parse(form.text("role")).ok_or_else(|| HubError::bad_request("Choose a role."))
}

async fn post_member(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let managed = require_manager_of(&page.app, user, &path.0, &path.1).await?;
    let name = form.text("user");
    match groups::set_members(&page.app, &managed, &[(name.to_owned(), role_of(&form)?)]).await {
        Ok(()) => {
            let text = format!("{name} is in the group now.");
            Ok(page.redirect_saying(&path_of(&managed.organization.name, &path.1), &text))
        }
        Err(error) => show_refused(&page, user, &managed, error, &Typed { member: name, ..Typed::default() }).await,
    }
}

async fn post_change(page: PageRequest, path: web::Path<(String, String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (organization, id, member) = path.into_inner();
    let managed = require_manager_of(&page.app, user, &organization, &id).await?;
    let (done, text) = if form.text("action") == "remove" {
        (groups::remove_member(&page.app, &managed.group, &member).await, format!("{member} is no longer in the group."))
    } else {
        let role = role_of(&form)?;
        let done = groups::set_members(&page.app, &managed, &[(member.clone(), role)]).await;
        (done, format!("{member} has the role {} in the group now.", label_of(role)))
    };
    match done {
        // Who was admin of the group until now does not see its settings any more.
        Ok(()) if member.eq_ignore_ascii_case(&user.name) && !managed.owns => {
            Ok(page.redirect_saying(&format!("/{}", managed.organization.name), &text))
        }
        Ok(()) => Ok(page.redirect_saying(&path_of(&managed.organization.name, &id), &text)),
        Err(error) => show_refused(&page, user, &managed, error, &Typed::default()).await,
    }
}

/// A repository of the organisation that the viewer administers.
async fn find_own(page: &PageRequest, managed: &Managed, kind: &str, typed: &str) -> HubResult<RepoAdmin> {
    let kind: RepoType = kind.parse().map_err(|_| HubError::bad_request("Choose what kind of repository it is."))?;
    let (owner, name) = typed.split_once('/').unwrap_or((&managed.organization.name, typed));
    if !owner.eq_ignore_ascii_case(&managed.organization.name) {
        let text = format!("{typed} does not belong to {}: transfer it there first.", managed.organization.name);
        return Err(HubError::bad_request(text).at("repo"));
    }
    let id = RepoId::new(&managed.organization.name, name).map_err(|error| HubError::from(error).at("repo"))?;
    let found = access::find_readable(&page.app, &page.viewer, kind, id.namespace(), id.name()).await;
    found.and_then(|read| read.into_admin()).map_err(|error| error.at("repo"))
}

async fn post_repo(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let managed = require_manager_of(&page.app, user, &path.0, &path.1).await?;
    let typed = form.text("repo");
    let leaves = form.text("action") == "remove";
    let done = match find_own(&page, &managed, form.text("kind"), typed).await {
        Ok(admin) => {
            let id = if leaves { None } else { Some(path.1.as_str()) };
            repo_groups::move_to(&page.app, &admin, id).await.map(|()| admin)
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(admin) => {
            let text = match leaves {
                true => format!("{} is in no group now: all members of {} see it.", admin.repo.id, managed.organization.name),
                false => format!("{} is in the group now.", admin.repo.id),
            };
            Ok(page.redirect_saying(&path_of(&managed.organization.name, &path.1), &text))
        }
        Err(error) => show_refused(&page, user, &managed, error.at("repo"), &Typed { repo: typed, ..Typed::default() }).await,
    }
}
