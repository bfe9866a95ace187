//! Who belongs to an organisation, who is invited, and leaving it.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};

use super::organizations::{Typed, settings_path, show_refused};
use crate::accounts::invitations::{self, LINK_DAYS};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::invitations::{InvitationRow, list_invitations};
use crate::accounts::queries::public::count_members;
use crate::accounts::queries::settings::{
    MemberRow, ProfileRow, count_without_second_factor, list_members, list_without_second_factor,
};
use crate::accounts::settings::{leave, remove_member, require_admin_of, set_member};
use crate::accounts::{OrgRole, User, UserPk, sudo, throttle};
use crate::error::{HubError, HubResult};
use crate::web::cursor::one_more;
use crate::web::extract::Query;
use crate::web::filters::grouped_digits;
use crate::web::form::{Choice, Field, Refusal};

/// The roles as forms name them.
const ROLES: [(&str, &str); 4] = [("read", "Read"), ("contributor", "Contributor"), ("write", "Write"), ("admin", "Admin")];

/// How many members the settings show at once: each has a form.
const PAGE_LEN: usize = 200;

/// The part of an organisation's settings that is about people.
#[derive(Debug)]
pub(super) struct People {
    /// The members, or a page of them.
    pub members: Vec<MemberItem>,
    /// How many there are in all.
    member_count: i64,
    /// How many of them have no second factor.
    lacking_count: i64,
    /// Where the list of members begins, if this is not there.
    pub first: Option<String>,
    /// Where it goes on.
    pub next: Option<String>,
    /// Somebody to add.
    pub new_member: Field,
    /// Their role.
    pub new_role: Field,
    /// An address to invite.
    pub email: Field,
    /// The role of who is invited by mail.
    pub mail_role: Field,
    /// All roles.
    pub roles: Vec<Choice>,
    /// The role that a link gives.
    pub link_role: Field,
    /// The roles that links give.
    pub link_roles: Vec<Choice>,
    /// How long a link works.
    pub days: Field,
    /// The choices for that.
    pub lifetimes: Vec<Choice>,
    /// Who was invited by mail and has not answered.
    pub invited: Vec<InvitationItem>,
    /// The links that work.
    pub links: Vec<InvitationItem>,
    /// Whether mails reach people, and not a folder.
    pub sends_mail: bool,
}

/// A member and what they may do.
#[derive(Debug)]
pub(super) struct MemberItem {
    /// The user name.
    pub name: String,
    /// The full name.
    pub fullname: String,
    /// Whether it is the viewer.
    pub is_viewer: bool,
    /// The role.
    pub role: &'static str,
    /// Whether they have no second factor.
    pub lacks_second_factor: bool,
    /// Whether it is a service account, which has a page of its own.
    pub is_service: bool,
}

impl MemberItem {
    /// The roles to choose from.
    pub(super) fn options(&self) -> Vec<Choice> {
        role_options(self.role)
    }
}

/// An invitation that is open.
#[derive(Debug)]
pub(super) struct InvitationItem {
    /// Its key.
    pub pk: i64,
    /// To whom it was sent; empty for a link.
    pub email: String,
    /// What it makes of who accepts.
    pub role: &'static str,
    /// Who invites.
    pub invited_by: String,
    /// How many came by it.
    pub uses: i32,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
    /// The address that opens it.
    pub address: String,
}

impl InvitationItem {
    fn of(page: &PageRequest, row: InvitationRow) -> Self {
        Self {
            pk: row.invitation_pk,
            address: page.base.join(&invitations::path_of(&page.app, &row)),
            role: label_of(invitations::role_of(&row)),
            email: row.email.unwrap_or_default(),
            invited_by: row.invited_by,
            uses: row.uses,
            expires_at: row.expires_at,
        }
    }

    /// How many came by it, in words.
    pub(super) fn uses_label(&self) -> String {
        match self.uses {
            0 => "Nobody came by it yet".to_owned(),
            1 => "1 person came by it".to_owned(),
            count => format!("{count} people came by it"),
        }
    }
}

/// The roles a member can have, with the present one chosen.
pub fn role_options(current: &str) -> Vec<Choice> {
    ROLES.into_iter().map(|(value, label)| Choice::new(value, label, current)).collect()
}

/// The roles of what is no admin: service accounts, and who comes by a mail domain.
pub fn lower_role_options(current: &str) -> Vec<Choice> {
    role_options(current).into_iter().filter(|choice| choice.value != OrgRole::Admin.as_str()).collect()
}

/// A role as pages name it.
pub fn label_of(role: OrgRole) -> &'static str {
    ROLES.into_iter().find(|(value, _)| *value == role.as_str()).map_or("", |(_, label)| label)
}

impl People {
    /// Reads who there is.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn of(
        page: &PageRequest,
        user: &User,
        row: &ProfileRow,
        typed: &Typed<'_>,
        refusal: &Refusal,
    ) -> HubResult<Self> {
        let after = members_after(&page.query())?;
        let mut members = list_members(&page.app.pool, row.namespace_pk, &after, one_more(PAGE_LEN)).await?;
        let next = cut_members(&mut members, PAGE_LEN);
        let keys: Vec<UserPk> = members.iter().map(|member| member.user_pk).collect();
        let lacking = list_without_second_factor(&page.app.pool, &keys).await?;
        let here = settings_path(row);
        let invitations = list_invitations(&page.app.pool, row.namespace_pk).await?;
        let invitations = invitations.into_iter().map(|row| InvitationItem::of(page, row));
        let (invited, links) = invitations.partition(|item| !item.email.is_empty());
        let roles = role_options(&row.default_role);
        Ok(Self {
            members: members.into_iter().map(|row| member_item(row, user, &lacking)).collect(),
            member_count: count_members(&page.app.pool, row.namespace_pk).await?,
            lacking_count: count_without_second_factor(&page.app.pool, row.namespace_pk).await?,
            first: (!after.is_empty()).then(|| format!("{here}#members")),
            next: next.map(|name| format!("{here}?after={name}#members")),
            new_member: refusal.mark(Field::new("user", "Username").value(typed.member)),
            new_role: Field::new("role", "Role"),
            email: refusal.mark(Field::new("email", "Email").value(typed.email)),
            mail_role: Field { key: "mail-", ..Field::new("role", "Role") },
            link_role: refusal.mark(Field::new("link_role", "Role")),
            // The first of them is chosen where that is admin, which no link gives.
            link_roles: roles.iter().filter(|role| role.value != "admin").cloned().collect(),
            roles,
            days: refusal.mark(Field::new("days", "Works")),
            lifetimes: LINK_DAYS.iter().map(|(days, label)| Choice::new(days.to_string(), *label, "7")).collect(),
            invited,
            links,
            sends_mail: page.app.mailer.reaches_people(),
        })
    }

    /// How many have no second factor, in words.
    pub(super) fn lacking_label(&self) -> String {
        match self.lacking_count {
            0 => "All members have one.".to_owned(),
            1 => "1 member has none.".to_owned(),
            count => format!("{} members have none.", grouped_digits(count.unsigned_abs())),
        }
    }

    /// The heading of the members.
    pub(super) fn member_label(&self) -> String {
        member_label(self.member_count)
    }
}

/// How many members there are, in words.
pub fn member_label(count: i64) -> String {
    match count {
        1 => "1 member".to_owned(),
        count => format!("{} members", grouped_digits(count.unsigned_abs())),
    }
}

/// The name after which a page of members begins: for the first page the empty one.
///
/// # Errors
/// 400 for what is no name.
pub fn members_after(query: &Query) -> HubResult<String> {
    let after = query.get("after").unwrap_or_default();
    if !after.is_empty() && hub_types::check_name(after).is_err() {
        return Err(HubError::bad_request("`after` is not one that this list gave. Start again without it."));
    }
    Ok(after.to_owned())
}

/// Cuts a page off members that were read with [`one_more`], and gives the name after which the next one begins.
pub fn cut_members(members: &mut Vec<MemberRow>, page: usize) -> Option<String> {
    let more = members.len() > page;
    members.truncate(page);
    members.last().filter(|_| more).map(|member| member.name.clone())
}

fn member_item(row: MemberRow, user: &User, lacking: &[UserPk]) -> MemberItem {
    MemberItem {
        lacks_second_factor: lacking.contains(&row.user_pk),
        is_viewer: row.user_pk == user.pk,
        is_service: row.is_service,
        name: row.name,
        fullname: row.fullname,
        role: OrgRole::parse(&row.role).unwrap_or(OrgRole::Read).as_str(),
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/members", web::post().to(post_member))
        .route("/organizations/{name}/members/{user}", web::post().to(post_change))
        .route("/organizations/{name}/invitations", web::post().to(post_invitation))
        .route("/organizations/{name}/invitation-links", web::post().to(post_link))
        .route("/organizations/{name}/invitations/{invitation_pk}/revoke", web::post().to(post_revoke))
        .route("/organizations/{name}/leave", web::post().to(post_leave));
}

fn role_of(form: &CheckedForm, field: &str) -> HubResult<OrgRole> {
    OrgRole::parse(form.text(field)).ok_or_else(|| HubError::bad_request("Choose a role."))
}

/// Whether somebody becomes an admin: that asks once more who is there.
async fn ask_for_admin(page: &PageRequest, row: &ProfileRow, role: OrgRole) -> HubResult<()> {
    match role {
        OrgRole::Admin => sudo::require(page, &settings_path(row)).await.map(|_| ()),
        OrgRole::Read | OrgRole::Contributor | OrgRole::Write => Ok(()),
    }
}

async fn post_member(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let (name, role) = (form.text("user"), role_of(&form, "role")?);
    ask_for_admin(&page, &row, role).await?;
    match set_member(&page.app, &row, user, name, role).await {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), &format!("{name} is a member now."))),
        Err(error) => show_refused(&page, user, &row, error, Typed { member: name, ..Typed::default() }).await,
    }
}

async fn post_change(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (organization, member) = path.into_inner();
    let row = require_admin_of(&page.app, user, &organization).await?;
    // It makes admins, or takes the others away.
    sudo::require(&page, &settings_path(&row)).await?;
    let (done, text) = if form.text("action") == "remove" {
        let text = format!("{member} is no longer a member, and the links that invite people have ended.");
        (remove_member(&page.app, row.namespace_pk, user, &member).await, text)
    } else {
        let role = role_of(&form, "role")?;
        (set_member(&page.app, &row, user, &member, role).await, format!("{member} is now {}.", role.as_str()))
    };
    match done {
        // Who was admin until now does not see the settings any more.
        Ok(()) if member.eq_ignore_ascii_case(&user.name) && !user.is_admin => {
            Ok(page.redirect_saying(&format!("/{}", row.name), &text))
        }
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), &text)),
        Err(error) => show_refused(&page, user, &row, error, Typed::default()).await,
    }
}

async fn post_invitation(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let (email, role) = (form.text("email"), role_of(&form, "role")?);
    ask_for_admin(&page, &row, role).await?;
    throttle::count_mail(&page.app, page.http(), Some(user.pk))?;
    match invitations::invite_by_mail(&page.app, user, row.namespace_pk, email, role).await {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), &format!("An invitation is on its way to {email}."))),
        Err(error) => show_refused(&page, user, &row, error, Typed { email, ..Typed::default() }).await,
    }
}

async fn post_link(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    // What is no number is no choice either.
    let days = form.text("days").parse().unwrap_or_default();
    match invitations::make_link(&page.app, user, row.namespace_pk, role_of(&form, "link_role")?, days).await {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), "The link is there. Whoever has it can join.")),
        Err(error) => show_refused(&page, user, &row, error, Typed::default()).await,
    }
}

async fn post_revoke(page: PageRequest, path: web::Path<(String, i64)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (organization, invitation_pk) = path.into_inner();
    let row = require_admin_of(&page.app, user, &organization).await?;
    invitations::revoke(&page.app, row.namespace_pk, invitation_pk).await?;
    Ok(page.redirect_saying(&settings_path(&row), "The invitation was revoked."))
}

async fn post_leave(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let name = leave(&page.app, user, &path).await?;
    Ok(page.redirect_saying("/settings/organizations", &format!("You left {name}.")))
}
