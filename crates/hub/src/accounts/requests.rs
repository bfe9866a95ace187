//! Requests to join an organisation that takes them: its admins accept, with a role, or reject.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::queries::invitations::{hold_organization, insert_member};
use super::queries::requests as queries;
use super::queries::settings::ProfileRow;
use super::{OrgRole, User, UserPk, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// What happens with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joining {
    /// It was made, which its admins are told.
    Asked,
    /// It was accepted, which who asked is told.
    Accepted,
    /// It was rejected, which who asked is told.
    Rejected,
    /// Somebody joined by their mail address, which its admins are told.
    ByDomain,
}

impl Joining {
    /// The word that is stored with notifications.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "join_request",
            Self::Accepted => "join_accepted",
            Self::Rejected => "join_rejected",
            Self::ByDomain => "domain_join",
        }
    }
}

/// After how many days somebody who was rejected can ask again.
pub const PAUSE_DAYS: i32 = 7;
/// How many requests of one person can be open.
const MOST_OF_ONE: i64 = 10;
/// How many requests to one organisation can be open.
pub const MOST: i64 = 200;
/// How long a message can be, in characters.
pub const MAX_MESSAGE: usize = 500;

/// Asks to join. One request of a person to an organisation is open at a time.
///
/// # Errors
/// 400 for a long message, 403 for those whose address is not confirmed, 404 where no requests are taken, 409 for members, for those
/// who asked already or were rejected lately, and when too many are open.
pub async fn ask(app: &App, user: &User, organization: &ProfileRow, message: &str) -> HubResult<()> {
    if !organization.takes_requests {
        return Err(takes_none(&organization.name));
    }
    let message = crate::web::text::with_plain_newlines(message);
    if message.chars().count() > MAX_MESSAGE || message.chars().any(|c| c.is_control() && c != '\n') {
        return Err(HubError::bad_request(format!("Write at most {MAX_MESSAGE} characters.")).at("message"));
    }
    // Or the hub could be made to write to admins by anybody who signs up.
    if app.mailer.reaches_people() && !user.email_confirmed {
        return Err(HubError::forbidden("Confirm your own email address first, under Settings, Profile."));
    }
    let pk = organization.namespace_pk;
    let mut tx = audit::begin(app).await?;
    super::queries::lock_user(&mut tx, user.pk).await?;
    if queries::count_requests_of(&mut tx, user.pk).await? >= MOST_OF_ONE {
        return Err(HubError::conflict(format!("At most {MOST_OF_ONE} of your requests can be open: take one back first.")));
    }
    if queries::count_requests(&mut *tx, pk, MOST).await? >= MOST {
        return Err(HubError::conflict(
            "So many people asked already that its admins have to answer them first. Try again later.",
        ));
    }
    if !queries::insert_request(&mut tx, pk, user.pk, &message, PAUSE_DAYS).await? {
        return Err(HubError::conflict(format!(
            "You are a member, or asked already: who was rejected can ask again after {PAUSE_DAYS} days."
        )));
    }
    tell(&mut tx, (pk, user.pk), Some(user.pk), Joining::Asked).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Has those told whom it concerns: the admins of the organisation, or who asked.
pub(super) async fn tell(
    conn: &mut PgConnection,
    (organization_pk, user_pk): (i64, UserPk),
    actor_pk: Option<UserPk>,
    what: Joining,
) -> sqlx::Result<()> {
    Job::TellOfJoining { organization_pk, user_pk, actor_pk, what, at: crate::clock::now().timestamp_micros() }
        .enqueue(conn)
        .await
}

fn takes_none(name: &str) -> HubError {
    HubError::not_found(format!("{name} takes no requests to join. Ask one of its admins to invite you."))
}

/// Checks that an organisation takes requests, before its form is shown.
///
/// # Errors
/// 404 where none are taken.
pub fn check_takes(organization: &ProfileRow) -> HubResult<()> {
    if organization.takes_requests { Ok(()) } else { Err(takes_none(&organization.name)) }
}

/// Takes the user's own request back.
///
/// # Errors
/// 404 when none is open.
pub async fn cancel(app: &App, user: &User, organization_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    if !queries::delete_request_of(&mut tx, organization_pk, user.pk).await? {
        return Err(HubError::not_found("You have no open request here: it may have been answered."));
    }
    Ok(tx.commit().await?)
}

fn answered() -> HubError {
    HubError::not_found("This request is not open any more: it was answered, or taken back.")
}

/// Makes who asked a member with a role, and tells them.
///
/// # Errors
/// 404 when the request was answered or taken back meanwhile.
pub async fn accept(app: &App, by: &User, organization: &ProfileRow, request_pk: i64, role: OrgRole) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    hold_organization(&mut tx, organization.namespace_pk).await?;
    let user_pk = queries::delete_request(&mut tx, organization.namespace_pk, request_pk).await?.ok_or_else(answered)?;
    // Who was added meanwhile keeps the role they have.
    insert_member(&mut tx, organization.namespace_pk, user_pk, role).await?;
    tell(&mut tx, (organization.namespace_pk, user_pk), Some(by.pk), Joining::Accepted).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Rejects a request, and tells who asked.
///
/// # Errors
/// 404 when the request was answered or taken back meanwhile.
pub async fn reject(app: &App, organization: &ProfileRow, request_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    let user_pk = queries::reject_request(&mut tx, organization.namespace_pk, request_pk).await?.ok_or_else(answered)?;
    tell(&mut tx, (organization.namespace_pk, user_pk), None, Joining::Rejected).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}
