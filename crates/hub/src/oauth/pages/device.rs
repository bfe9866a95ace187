//! `/oauth/device`: where people type the code that a device shows.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Request, chosen};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::{User, sudo, throttle};
use crate::error::{HubError, HubResult};
use crate::oauth::queries::clients::{Client, find_consent};
use crate::oauth::queries::devices::Waiting;
use crate::oauth::{device, scopes};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page on which a code is typed.
#[derive(Debug, Template)]
#[template(path = "oauth/device_code.html")]
struct CodePage {
    layout: Layout,
    user_code: Field,
}

/// The page that says what the device asks.
#[derive(Debug, Template)]
#[template(path = "oauth/device.html")]
struct DevicePage {
    layout: Layout,
    request: Request,
    user_code: String,
    username: String,
    /// From where the device asked.
    address: Option<String>,
}

/// The page that says what came of it.
#[derive(Debug, Template)]
#[template(path = "oauth/device_done.html")]
struct DonePage {
    layout: Layout,
    name: String,
    allowed: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/oauth/device", crate::web::read().to(show)).route("/oauth/device/answer", web::post().to(post));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let query = page.query();
    match query.get("user_code") {
        None => show_form(&page, "", Refusal::default()).await,
        Some(typed) => match find(&page, user, typed).await {
            Ok(found) => {
                require_proof(&page, &found).await?;
                let shown = ask(&page, user, found).await?;
                let mut response = page.show(shown).await?;
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                Ok(response)
            }
            Err(error) => show_form(&page, typed, Refusal::of(error)?).await,
        },
    }
}

async fn show_form(page: &PageRequest, typed: &str, refusal: Refusal) -> HubResult<HttpResponse> {
    let typed: String = typed.chars().take(20).collect();
    let field = Field::new("user_code", "Code").value(typed).hint("Eight letters, as the device shows them.");
    let shown = CodePage { layout: page.layout("Sign in on a device"), user_code: refusal.mark(field) };
    page.show_with(refusal.status, shown).await
}

/// A device that waits: its code, what it asks for, its application.
type Found = (String, Waiting, Client);

async fn find(page: &PageRequest, user: &User, typed: &str) -> HubResult<Found> {
    throttle::count_device_code(&page.app, user.pk)?;
    device::waiting(&page.app, typed).await
}

/// As for an access token.
async fn require_proof(page: &PageRequest, (user_code, waiting, _): &Found) -> HubResult<()> {
    if !scopes::only_tell_who(&waiting.scopes) {
        sudo::require(page, &format!("/oauth/device?user_code={user_code}")).await?;
    }
    Ok(())
}

async fn ask(page: &PageRequest, user: &User, (user_code, waiting, client): Found) -> HubResult<DevicePage> {
    let consent = find_consent(&page.app.pool, client.pk, user.pk).await?;
    let before = consent.map(|consent| consent.organization_pks).unwrap_or_default();
    Ok(DevicePage {
        layout: page.layout(format!("Sign in to {}", client.name)),
        request: Request::new(&client, user, &waiting.scopes, |pk| before.contains(&pk)),
        user_code,
        username: user.name.clone(),
        address: waiting.address,
    })
}

async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let typed = form.text("user_code");
    let found = match find(&page, user, typed).await {
        Ok(found) => found,
        Err(error) => return show_form(&page, typed, Refusal::of(error)?).await,
    };
    let (client, allowed) = match form.text("answer") {
        "allow" => {
            require_proof(&page, &found).await?;
            let organizations = chosen(user, form.fields().all("organization"));
            (device::allow(&page.app, user, &page.viewer.auth, typed, &organizations).await, true)
        }
        "deny" => (device::deny(&page.app, typed).await, false),
        _ => (Err(HubError::bad_request("Say whether the device may do this.")), false),
    };
    match client {
        Ok(client) => {
            let title = if allowed { "The device is signed in" } else { "You said no" };
            page.show(DonePage { layout: page.layout(title), name: client.name, allowed }).await
        }
        Err(error) => show_form(&page, typed, Refusal::of(error)?).await,
    }
}
