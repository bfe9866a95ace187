//! Invitations into organisations: by mail for one person, or by a link for whoever has it. What opens one is the signature in
//! its address; its row says whether it still does. Nobody's role changes by one, and who was taken out does not come back by one.

use super::letters::{self, Content};
use super::operations::check_email;
use super::queries::email;
use super::queries::invitations::{self as queries, InvitationRow, NewInvitation};
use super::{OrgRole, User, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::moderation::rules::{self, Deed};

const PURPOSE: &str = "invitation";
/// How long an invitation by mail works, in days.
const MAIL_DAYS: i32 = 7;
/// For how many days a link can work, with the words for it.
pub const LINK_DAYS: [(i32, &str); 3] = [(1, "For a day"), (7, "For 7 days"), (30, "For 30 days")];
/// How many invitations of one organisation can be open.
const MOST: i64 = 100;

/// Has a mail sent that invites one person. One that was sent to this address before is over.
///
/// # Errors
/// 400 for what is no address, 403 for those whose own address is not confirmed, 409 when too many are open.
pub async fn invite_by_mail(app: &App, by: &User, organization_pk: i64, address: &str, role: OrgRole) -> HubResult<()> {
    check_email(address)?;
    // Or the hub could be made to write to strangers by anybody who signs up.
    if app.mailer.reaches_people() && !by.email_confirmed {
        return Err(HubError::forbidden("Confirm your own email address first, under Settings, Profile.").at("email"));
    }
    let new = NewInvitation { organization_pk, role, email: Some(address), invited_by: by.pk, days: MAIL_DAYS };
    let mut tx = audit::begin(app).await?;
    rules::count(app, &mut tx, by.pk, Deed::Invitation).await?;
    let invitation_pk = insert(&mut tx, &new).await?;
    Job::SendInvitation { invitation_pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Makes a link that invites whoever opens it.
///
/// # Errors
/// 400 for a role or a time that links do not have, 409 when too many are open.
pub async fn make_link(app: &App, by: &User, organization_pk: i64, role: OrgRole, days: i32) -> HubResult<()> {
    if role == OrgRole::Admin {
        return Err(HubError::bad_request("A link makes no admins: invite them by mail.").at("link_role"));
    }
    if !LINK_DAYS.iter().any(|(known, _)| *known == days) {
        return Err(HubError::bad_request("Choose how long the link works.").at("days"));
    }
    let new = NewInvitation { organization_pk, role, email: None, invited_by: by.pk, days };
    let mut tx = audit::begin(app).await?;
    insert(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(())
}

async fn insert(conn: &mut sqlx::PgConnection, new: &NewInvitation<'_>) -> HubResult<i64> {
    queries::hold_organization(conn, new.organization_pk).await?;
    let invitation_pk = queries::insert_invitation(conn, new).await?;
    if queries::count_invitations(conn, new.organization_pk).await? > MOST {
        return Err(HubError::conflict(format!("At most {MOST} invitations can be open: revoke some first.")).at("email"));
    }
    Ok(invitation_pk)
}

/// Ends an invitation of an organisation.
///
/// # Errors
/// 404 when there is none.
pub async fn revoke(app: &App, organization_pk: i64, invitation_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    if !queries::delete_invitation(&mut *tx, organization_pk, invitation_pk).await? {
        return Err(HubError::not_found("This invitation is over already."));
    }
    Ok(tx.commit().await?)
}

/// The path that opens an invitation: a secret.
pub fn path_of(app: &App, row: &InvitationRow) -> String {
    format!("/invitations/{}/{}", row.invitation_pk, app.signer.sign(PURPOSE, &signed(row)))
}

fn signed(row: &InvitationRow) -> String {
    format!("{} {}", row.invitation_pk, row.created_at.timestamp_micros())
}

/// The role that an invitation gives.
pub fn role_of(row: &InvitationRow) -> OrgRole {
    OrgRole::parse(&row.role).unwrap_or(OrgRole::Read)
}

fn over() -> HubError {
    HubError::not_found("This invitation is over: it was used, revoked, or its time has passed. Ask for another.")
}

/// Finds an invitation as somebody opened it.
///
/// # Errors
/// 404 for one that does not work (any more).
pub async fn find_opened(app: &App, invitation_pk: i64, signature: &str) -> HubResult<InvitationRow> {
    let row = queries::find_invitation(&app.pool, invitation_pk).await?.ok_or_else(over)?;
    if app.signer.verify(PURPOSE, &signed(&row), signature) { Ok(row) } else { Err(over()) }
}

/// Makes a user a member by an invitation. Whoever opened a mail to their own address has shown that it is theirs.
///
/// # Errors
/// 404 when it was used or revoked meanwhile, 409 for members.
pub async fn accept(app: &App, user: &User, row: &InvitationRow) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    queries::hold_organization(&mut tx, row.organization_pk).await?;
    if !queries::use_invitation(&mut tx, row.invitation_pk).await? {
        return Err(over());
    }
    if !queries::insert_member(&mut tx, row.organization_pk, user.pk, role_of(row)).await? {
        let text = format!("You are a member of {} already: its admins can change your role.", row.organization);
        return Err(HubError::conflict(text));
    }
    if row.email.as_ref().is_some_and(|address| address.eq_ignore_ascii_case(&user.email)) {
        email::mark_confirmed(&mut tx, user.pk, &user.email).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Turns an invitation by mail down: it is over. A link stays, for others.
///
/// # Errors
/// The database does not answer.
pub async fn decline(app: &App, row: &InvitationRow) -> HubResult<()> {
    if row.email.is_some() {
        let mut tx = audit::begin(app).await?;
        queries::delete_invitation(&mut *tx, row.organization_pk, row.invitation_pk).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Sends the mail: the body of [`Job::SendInvitation`]. It holds nothing that people can choose freely but names, so that nobody
/// writes to strangers by it.
///
/// # Errors
/// The mail server does not take it.
pub async fn send_invitation(app: &App, invitation_pk: i64) -> HubResult<()> {
    let Some(row) = queries::find_invitation(&app.pool, invitation_pk).await? else { return Ok(()) };
    let Some(to) = &row.email else { return Ok(()) };
    let InvitationRow { organization, invited_by, .. } = &row;
    let content = Content {
        id: format!("invitation-{invitation_pk}"),
        subject: format!("{invited_by} invites you to {organization}"),
        lines: vec![
            format!("{invited_by} invites you to the organization {organization}, where you could {}.", may(role_of(&row))),
            "Open this page to accept or to decline. You need an account, and can make one there:".to_owned(),
        ],
        link: Some(("Look at the invitation", format!("{}{}", app.config.base(), path_of(app, &row)))),
        closing: "The invitation works once, for 7 days. If you do not know who sent it, do nothing: no more mail will come.",
    };
    letters::send(app, "", to, content).await
}

/// What a role lets people do, in words.
pub fn may(role: OrgRole) -> &'static str {
    match role {
        OrgRole::Read => "see its private repositories",
        OrgRole::Contributor => "see its private repositories and create others",
        OrgRole::Write => "see and change all its repositories",
        OrgRole::Admin => "change its repositories, its settings and its members",
    }
}
