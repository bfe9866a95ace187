//! Changing accounts and organisations: profile, password, members.

use super::letters::Notice;
use super::queries::settings as queries;
use super::queries::{domains, find_namespace, find_role, invitations, links, service_accounts, upsert_member};
use super::{OrgRole, User, UserPk, audit, passwords, second_factors};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::moderation::rules;

/// The longest full name, in characters.
const MAX_FULLNAME: usize = 100;
/// The longest description, in characters.
const MAX_DETAILS: usize = 1000;
/// The most links, as the database has it.
const MAX_LINKS: usize = 5;
/// The longest address of a link.
const MAX_LINK_BYTES: usize = 300;

/// What a user or an organisation says of itself.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// The full name, possibly empty.
    pub fullname: String,
    /// A few words.
    pub details: String,
    /// A page of their own, possibly none.
    pub homepage: String,
    /// Where else they are, one address a line.
    pub links: String,
}

impl Profile {
    /// What is kept of a profile.
    pub fn of(row: &queries::ProfileRow) -> Self {
        Self {
            fullname: row.fullname.clone(),
            details: row.details.clone(),
            homepage: row.homepage.clone(),
            links: row.links.join("\n"),
        }
    }

    fn check(&self) -> HubResult<queries::ProfileTexts<'_>> {
        check_fullname(&self.fullname)?;
        if self.details.chars().count() > MAX_DETAILS {
            return Err(HubError::bad_request(format!("Keep this under {MAX_DETAILS} characters.")).at("details"));
        }
        if !self.homepage.is_empty() {
            check_link(&self.homepage).map_err(|error| error.at("homepage"))?;
        }
        let links: Vec<String> = self.links.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if links.len() > MAX_LINKS {
            return Err(HubError::bad_request(format!("Keep it to {MAX_LINKS} links.")).at("links"));
        }
        links.iter().try_for_each(|link| check_link(link)).map_err(|error| error.at("links"))?;
        Ok(queries::ProfileTexts { fullname: &self.fullname, details: &self.details, homepage: &self.homepage, links })
    }
}

/// A full name stands next to other text: it breaks no lines and turns no direction of reading.
pub(super) fn check_fullname(fullname: &str) -> HubResult<()> {
    if fullname.chars().count() > MAX_FULLNAME {
        return Err(HubError::bad_request(format!("Keep the full name under {MAX_FULLNAME} characters.")).at("fullname"));
    }
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if fullname.chars().any(steers) {
        return Err(HubError::bad_request("A full name cannot contain control characters.").at("fullname"));
    }
    Ok(())
}

/// An address of the web, without anything that only looks like one: no scripts, no passwords before the host.
fn check_link(link: &str) -> HubResult<()> {
    let wrong = || HubError::bad_request("Give whole addresses, such as https://example.org/ada.");
    let url = url::Url::parse(link).map_err(|_| wrong())?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if !is_plain || url.host_str().is_none_or(str::is_empty) || link.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong());
    }
    if link.len() > MAX_LINK_BYTES {
        return Err(HubError::bad_request(format!("Keep addresses under {MAX_LINK_BYTES} characters.")));
    }
    Ok(())
}

/// Changes a user's profile.
///
/// # Errors
/// 400 for long texts and what is no address.
pub async fn update_profile(app: &App, user: &User, profile: &Profile) -> HubResult<()> {
    let texts = profile.check()?;
    let mut tx = app.begin().await?;
    queries::update_user(&mut *tx, user.pk, &texts).await?;
    if profile.fullname != user.fullname {
        rules::look_at_fullname(app, &mut tx, user.pk, ("user", &user.name, &profile.fullname)).await?;
    }
    Ok(tx.commit().await?)
}

/// Changes a password; the present one has been asked for. All other sessions of the user end, and links to a new password.
///
/// # Errors
/// 400 when the new one is weak.
pub async fn change_password(app: &App, user: &User, new: &str, session_hash: &[u8; 32]) -> HubResult<()> {
    passwords::check(app, new, &user.name, &user.email).await.map_err(|error| error.at("new_password"))?;
    let hash = passwords::hash(new.to_owned()).await?;
    let mut tx = audit::begin(app).await?;
    queries::update_password(&mut tx, user.pk, &hash, Some(session_hash)).await?;
    links::delete_links_of(&mut tx, user.pk).await?;
    Job::tell(user.pk, Notice::PasswordChanged).enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Keeps a user's clients to plain HTTP, or leads them to chunks again.
///
/// # Errors
/// The database does not answer.
pub async fn set_plain_http(app: &App, user: &User, plain_http: bool) -> HubResult<()> {
    Ok(queries::update_plain_http(&app.pool, user.pk, plain_http).await?)
}

/// What somebody of this name is called now. A name that is nobody's stays as it is.
///
/// # Errors
/// The database does not answer.
pub async fn present_name(app: &App, name: &str) -> HubResult<String> {
    let found = if hub_types::check_name(name).is_ok() { queries::find_profile(&app.pool, name).await? } else { None };
    Ok(found.map_or_else(|| name.to_owned(), |found| found.name))
}

/// The key of an organisation that the user administers.
///
/// # Errors
/// 404 for an organisation that does not exist, 403 for one the user does not administer.
pub async fn require_admin_of(app: &App, user: &User, name: &str) -> HubResult<queries::ProfileRow> {
    let missing = || HubError::not_found("There is no organization of this name.");
    // An impossible name never reaches the database: a NUL in it would be a 500 there.
    hub_types::check_name(name).map_err(|_| missing())?;
    let found = queries::find_profile(&app.pool, name).await?.filter(|found| found.kind == "organization");
    let found = found.ok_or_else(missing)?;
    if user.is_admin || user.membership_in(found.namespace_pk).is_some_and(|membership| membership.role == OrgRole::Admin) {
        return Ok(found);
    }
    if user.membership_in(found.namespace_pk).is_some_and(|membership| membership.suspended && membership.answers) {
        return Err(HubError::organization_suspended(&found.name));
    }
    match user.locked_out_of(&found.name).filter(|membership| membership.role == OrgRole::Admin) {
        Some(_) => Err(HubError::second_factor_required(&found.name)),
        None => Err(HubError::forbidden(format!("Only an admin of {} can change its settings.", found.name))),
    }
}

/// Changes an organisation's profile.
///
/// # Errors
/// 400 for long texts and what is no address.
pub async fn update_organization(
    app: &App,
    organization: &queries::ProfileRow,
    profile: &Profile,
    wanted: &queries::OrganizationRules,
) -> HubResult<()> {
    let (pk, name) = (organization.namespace_pk, organization.name.as_str());
    let texts = profile.check()?;
    if wanted.create_role < OrgRole::Contributor {
        return Err(HubError::bad_request("Choose contributors, those who may write, or admins.").at("create_role"));
    }
    let mut tx = audit::begin(app).await?;
    queries::update_organization(&mut *tx, pk, &texts, wanted).await?;
    if profile.fullname != organization.fullname {
        rules::look_at_fullname(app, &mut tx, pk, ("organization", name, &profile.fullname)).await?;
    }
    Ok(tx.commit().await?)
}

/// Has an organisation ask its members for a second factor, or not. Those who have none are told by mail.
///
/// # Errors
/// 409 while who asks for it has none themselves: they would not see the settings any more.
pub async fn set_requires_second_factor(
    app: &App,
    organization: &queries::ProfileRow,
    by: &User,
    requires: bool,
) -> HubResult<()> {
    let pk = organization.namespace_pk;
    if requires && !second_factors::has_any(app, by.pk).await? {
        return Err(HubError::conflict("Add a second factor to your own account first, under Settings, Authentication."));
    }
    let mut tx = audit::begin(app).await?;
    queries::update_requires_second_factor(&mut tx, pk, requires).await?;
    let told =
        if requires && !organization.requires_second_factor { queries::list_locked_out(&mut *tx, pk).await? } else { Vec::new() };
    let notice = Notice::SecondFactorRequired { organization: organization.name.clone() };
    let jobs: Vec<Job> = told.into_iter().map(|user_pk| Job::tell(user_pk, notice.clone())).collect();
    Job::enqueue_all(&jobs, &mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Gives a user a role in an organisation: adds them, who are told so, or changes what they may do. The invitations of an admin who
/// is one no longer end.
///
/// # Errors
/// 403 for who is no admin any more, 404 for an unknown user, 409 when the organisation would be left without an admin.
pub async fn set_member(app: &App, organization: &queries::ProfileRow, by: &User, name: &str, role: OrgRole) -> HubResult<()> {
    let organization_pk = organization.namespace_pk;
    let user_pk = find_person_pk(app, name).await?;
    let mut tx = audit::begin(app).await?;
    let admins = queries::lock_admins(&mut tx, organization_pk).await?;
    check_still_admin(&admins, by)?;
    if role != OrgRole::Admin {
        keep_an_admin(&admins, user_pk)?;
        invitations::delete_invitations_by(&mut tx, organization_pk, user_pk).await?;
    }
    if find_role(&mut tx, organization_pk, user_pk).await?.is_none() && user_pk != by.pk {
        let notice = Notice::AddedToOrganization { organization: organization.name.clone(), by: by.name.clone(), role };
        Job::tell(user_pk, notice).enqueue(&mut tx).await?;
    }
    upsert_member(&mut tx, organization_pk, user_pk, role).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Takes a user out of an organisation. What they could come back by ends, too.
///
/// # Errors
/// 403 for who is no admin any more, 404 for an unknown user, 409 for a service account, and when the organisation would be left
/// without an admin.
pub async fn remove_member(app: &App, organization_pk: i64, by: &User, name: &str) -> HubResult<()> {
    let user_pk = find_person_pk(app, name).await?;
    let mut tx = audit::begin(app).await?;
    let admins = queries::lock_admins(&mut tx, organization_pk).await?;
    check_still_admin(&admins, by)?;
    keep_an_admin(&admins, user_pk)?;
    // Before the member, as whoever uses an invitation holds them.
    invitations::delete_invitations_by(&mut tx, organization_pk, user_pk).await?;
    invitations::delete_ways_back(&mut tx, organization_pk, user_pk).await?;
    if queries::delete_member(&mut tx, organization_pk, user_pk).await? {
        domains::insert_removal(&mut tx, organization_pk, user_pk).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Leaves an organisation, and tells its name.
///
/// # Errors
/// 404 for one that the user is no member of, 409 for its last admin.
pub async fn leave(app: &App, user: &User, name: &str) -> HubResult<String> {
    let name = &present_name(app, name).await?;
    let mut memberships = user.memberships.iter().chain(&user.locked_out);
    let found = memberships.find(|membership| membership.name.eq_ignore_ascii_case(name));
    let membership = found.ok_or_else(|| HubError::not_found("You are in no organization of this name."))?;
    let mut tx = audit::begin(app).await?;
    let admins = queries::lock_admins(&mut tx, membership.namespace_pk).await?;
    keep_an_admin(&admins, user.pk)?;
    invitations::delete_invitations_by(&mut tx, membership.namespace_pk, user.pk).await?;
    queries::delete_member(&mut tx, membership.namespace_pk, user.pk).await?;
    tx.commit().await?;
    Ok(membership.name.clone())
}

/// Checks, with the admins held, that whoever acts is still one of them, or runs the hub.
pub(super) fn check_still_admin(admins: &[UserPk], by: &User) -> HubResult<()> {
    if by.is_admin || admins.contains(&by.pk) {
        return Ok(());
    }
    Err(HubError::forbidden("You are no admin of this organization any more: ask one of its admins."))
}

pub(super) fn keep_an_admin(admins: &[UserPk], leaving: UserPk) -> HubResult<()> {
    if admins == [leaving] {
        return Err(HubError::conflict(
            "An organization needs at least one admin: make somebody else admin first, or delete the organization under its settings.",
        ));
    }
    Ok(())
}

/// The key of a person.
///
/// # Errors
/// 404 when there is none of this name, 409 for a service account.
pub(super) async fn find_person_pk(app: &App, name: &str) -> HubResult<UserPk> {
    let user_pk = find_user_pk(app, name).await?;
    if service_accounts::is_service(&app.pool, user_pk).await? {
        let text = format!("{name} is a service account: its own organization manages it, under Service accounts.");
        return Err(HubError::conflict(text).at("user"));
    }
    Ok(user_pk)
}

/// The key of a user.
///
/// # Errors
/// 404 when there is none of this name.
pub(super) async fn find_user_pk(app: &App, name: &str) -> HubResult<UserPk> {
    let missing =
        || HubError::not_found(format!("There is no user `{}`.", name.chars().take(100).collect::<String>())).at("user");
    // An impossible name never reaches the database: a NUL in it would be a 500 there.
    hub_types::check_name(name).map_err(|_| missing())?;
    let mut conn = app.pool.acquire().await?;
    let found = find_namespace(&mut conn, name).await?.filter(|found| found.kind == "user");
    drop(conn);
    found.map(|found| found.namespace_pk).ok_or_else(missing)
}
