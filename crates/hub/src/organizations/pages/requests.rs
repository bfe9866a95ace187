//! Asking to join an organisation, and answering those who ask.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::find_organization;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::members::role_options;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::queries::requests::{RequestRow, find_request_of, list_requests};
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::requests::{self, MAX_MESSAGE, MOST, PAUSE_DAYS};
use crate::accounts::settings::require_admin_of;
use crate::accounts::{OrgRole, User, sudo, throttle};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// The form for who wants to join.
#[derive(Debug, Template)]
#[template(path = "organizations/join.html")]
struct JoinPage {
    /// The frame.
    layout: Layout,
    /// The organisation.
    organization: String,
    /// What it says of itself.
    details: String,
    /// What concerns no field.
    error: Option<String>,
    /// What they write.
    message: Field,
    /// Where they stand.
    standing: Standing,
}

/// Where somebody stands.
#[derive(Debug)]
enum Standing {
    /// They can ask.
    CanAsk,
    /// They are a member.
    Member,
    /// They asked.
    Asked(DateTime<Utc>),
    /// They were rejected, and can ask again after this time.
    Rejected(DateTime<Utc>),
}

/// The requests that are open.
#[derive(Debug, Template)]
#[template(path = "organizations/requests.html")]
struct RequestsPage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// Whether people can ask.
    takes_requests: bool,
    /// What concerns no field.
    error: Option<String>,
    /// The requests.
    requests: Vec<RequestRow>,
    /// The roles to accept with.
    roles: Vec<Choice>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/join", crate::web::read().to(show_join))
        .route("/organizations/{name}/join", web::post().to(post_join))
        .route("/organizations/{name}/join/cancel", web::post().to(post_cancel))
        .route("/organizations/{name}/settings/requests", crate::web::read().to(show_requests))
        .route("/organizations/{name}/settings/requests/{request_pk}", web::post().to(post_answer));
}

async fn standing_of(page: &PageRequest, user: &User, row: &ProfileRow) -> HubResult<Standing> {
    if user.belongs_to(row.namespace_pk) {
        return Ok(Standing::Member);
    }
    let Some(found) = find_request_of(&page.app.pool, row.namespace_pk, user.pk).await? else { return Ok(Standing::CanAsk) };
    let again = found.rejected_at.map(|at| at + TimeDelta::days(i64::from(PAUSE_DAYS)));
    Ok(match again {
        None => Standing::Asked(found.created_at),
        Some(again) if again > crate::clock::now() => Standing::Rejected(again),
        Some(_) => Standing::CanAsk,
    })
}

async fn join_page(page: &PageRequest, user: &User, row: ProfileRow, message: &str, refusal: &Refusal) -> HubResult<JoinPage> {
    let hint = format!("Who you are and why, for its admins. At most {MAX_MESSAGE} characters.");
    Ok(JoinPage {
        layout: page.layout(format!("Join {}", row.name)),
        standing: standing_of(page, user, &row).await?,
        organization: row.name,
        details: row.details,
        error: refusal.message_elsewhere(&["message"]),
        message: refusal.mark(Field::new("message", "Message").value(message).hint(hint)),
    })
}

async fn show_join(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = find_organization(&page, &path).await?;
    // Who asked before it was switched off can take that back.
    if !matches!(standing_of(&page, user, &row).await?, Standing::Asked(_)) {
        requests::check_takes(&row)?;
    }
    let shown = join_page(&page, user, row, "", &Refusal::default()).await?;
    page.show(shown).await
}

async fn post_join(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = find_organization(&page, &path).await?;
    requests::check_takes(&row)?;
    throttle::count_mail(&page.app, page.http(), Some(user.pk))?;
    let message = form.text("message");
    match requests::ask(&page.app, user, &row, message).await {
        Ok(()) => {
            Ok(page.redirect_saying(&format!("/{}", row.name), &format!("The admins of {} see your request now.", row.name)))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = join_page(&page, user, row, message, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_cancel(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = find_organization(&page, &path).await?;
    requests::cancel(&page.app, user, row.namespace_pk).await?;
    Ok(page.redirect_saying(&format!("/{}", row.name), "Your request was taken back."))
}

async fn requests_page(page: &PageRequest, user: &User, row: &ProfileRow, refusal: &Refusal) -> HubResult<RequestsPage> {
    Ok(RequestsPage {
        layout: page.layout(format!("Requests to join {}", row.name)),
        navigation: SettingsNavigation::new(user, "/settings/organizations"),
        organization: row.name.clone(),
        takes_requests: row.takes_requests,
        error: refusal.message_elsewhere(&[]),
        requests: list_requests(&page.app.pool, row.namespace_pk, MOST).await?,
        roles: role_options(&row.default_role),
    })
}

async fn show_requests(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let shown = requests_page(&page, user, &row, &Refusal::default()).await?;
    page.show(shown).await
}

fn requests_path(row: &ProfileRow) -> String {
    format!("/organizations/{}/settings/requests", row.name)
}

async fn post_answer(page: PageRequest, path: web::Path<(String, i64)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (name, request_pk) = path.into_inner();
    let row = require_admin_of(&page.app, user, &name).await?;
    let (done, text) = match form.text("action") {
        "accept" => {
            let role = OrgRole::parse(form.text("role")).ok_or_else(|| HubError::bad_request("Choose a role."))?;
            if role == OrgRole::Admin {
                sudo::require(&page, &requests_path(&row)).await?;
            }
            (requests::accept(&page.app, user, &row, request_pk, role).await, "The request was accepted: they are a member now.")
        }
        "reject" => (requests::reject(&page.app, &row, request_pk).await, "The request was rejected, and they are told."),
        _ => return Err(HubError::bad_request("Accept the request, or reject it.")),
    };
    match done {
        Ok(()) => Ok(page.redirect_saying(&requests_path(&row), text)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = requests_page(&page, user, &row, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}
