//! `/invitations/…`: where an invitation into an organisation leads. Opening it changes nothing, because programs open links, too.

use actix_web::{HttpResponse, web};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::members::label_of;
use crate::accounts::invitations::{self, may, path_of, role_of};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::invitations::InvitationRow;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::web::filters;
use crate::web::layout::Layout;

/// The question.
#[derive(Debug, Template)]
#[template(path = "accounts/invitation.html")]
pub(super) struct InvitationPage {
    /// The frame.
    pub layout: Layout,
    /// The organisation.
    pub organization: String,
    /// Its full name, or its name.
    pub display_name: String,
    /// What it says of itself.
    pub details: String,
    /// Who invites.
    pub invited_by: String,
    /// The role.
    pub role: &'static str,
    /// What the role lets people do.
    pub may: &'static str,
    /// Where the form goes.
    pub action: String,
    /// For those without an account: comes back here.
    pub next_query: String,
    /// Whether everybody can make an account.
    pub open_signup: bool,
    /// Whether the viewer is a member already.
    pub is_member: bool,
    /// Whether it is over once it is turned down.
    pub by_mail: bool,
    /// Whether it was turned down just now.
    pub declined: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/invitations/{invitation_pk}/{signature}", crate::web::read().to(show_question))
        .route("/invitations/{invitation_pk}/{signature}", web::post().to(post_answer));
}

fn question(page: &PageRequest, row: &InvitationRow, declined: bool) -> InvitationPage {
    let mut layout = page.layout(format!("Invitation to {}", row.organization));
    // The address of this page is a secret.
    layout.return_to = String::new();
    let action = path_of(&page.app, row);
    InvitationPage {
        layout,
        organization: row.organization.clone(),
        display_name: if row.fullname.is_empty() { row.organization.clone() } else { row.fullname.clone() },
        details: row.details.clone(),
        invited_by: row.invited_by.clone(),
        role: label_of(role_of(row)),
        may: may(role_of(row)),
        next_query: format!("?next={}", utf8_percent_encode(&action, NON_ALPHANUMERIC)),
        action,
        open_signup: page.app.allows(Flag::SignUp),
        is_member: page.viewer.user.as_ref().is_some_and(|user| user.belongs_to(row.organization_pk)),
        by_mail: row.email.is_some(),
        declined,
    }
}

async fn show_question(page: PageRequest, path: web::Path<(i64, String)>) -> HubResult<HttpResponse> {
    let (invitation_pk, signature) = path.into_inner();
    let row = invitations::find_opened(&page.app, invitation_pk, &signature).await?;
    page.show(question(&page, &row, false)).await
}

/// Accepting needs an account; whoever reads the mail may decline.
async fn post_answer(page: PageRequest, path: web::Path<(i64, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let (invitation_pk, signature) = path.into_inner();
    let row = invitations::find_opened(&page.app, invitation_pk, &signature).await?;
    match form.text("answer") {
        "accept" => {
            let user = page.require_session()?;
            invitations::accept(&page.app, user, &row).await?;
            let text = format!("You are a member of {} now.", row.organization);
            Ok(page.redirect_saying(&format!("/{}", row.organization), &text))
        }
        "decline" => {
            invitations::decline(&page.app, &row).await?;
            page.show(question(&page, &row, true)).await
        }
        _ => Err(HubError::bad_request("Accept the invitation, or decline it.")),
    }
}
