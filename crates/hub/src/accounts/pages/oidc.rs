//! `/login/oidc`: to the outside provider and back.

use actix_web::cookie::time::Duration;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Serialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use super::entry::query_for;
use super::second_factor::after_provider;
use crate::accounts::oidc::ticket::{self, Purpose};
use crate::accounts::oidc::{Flow, Identity, Newcomer, Proof, config_of, operations, start_again};
use crate::accounts::page::{CheckedForm, PageRequest, own_path};
use crate::accounts::sudo;
use crate::config::OidcConfig;
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::layout::Layout;

const CALLBACK: &str = "/login/oidc/callback";
/// The longest address to go to afterwards: it must fit in a cookie.
const MOST_NEXT_BYTES: usize = 1000;
/// How far the clocks of a provider and the hub may be apart, in seconds.
const CLOCKS_SECS: i64 = 60;

/// On the way to the provider.
#[derive(Debug, Template)]
#[template(path = "accounts/oidc_go.html")]
struct GoPage {
    /// The frame.
    layout: Layout,
    /// What the provider is called.
    provider: String,
    /// Its address, with what is asked.
    url: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/login/oidc", crate::web::read().to(show_button))
        .route("/login/oidc", web::post().to(begin))
        .route("/login/oidc/callback", web::get().to(come_back));
}

/// Nobody is signed in by following a link, which may come from elsewhere: the page with the button is shown.
async fn show_button(page: PageRequest) -> HubResult<HttpResponse> {
    config_of(&page.app)?;
    Ok(page.redirect(&format!("/login{}", query_for(page.query().get("next").unwrap_or_default()))))
}

/// What the browser keeps for a purpose.
pub(super) fn kept<T: DeserializeOwned>(page: &PageRequest, purpose: Purpose) -> Option<T> {
    let cookie = page.http().cookie(purpose.cookie(page.base.is_https()))?;
    ticket::read(&page.app.signer, purpose, cookie.value())
}

/// Has the browser keep something, or forget it.
pub(super) fn keep<T: Serialize>(
    page: &PageRequest,
    response: &mut HttpResponse,
    purpose: Purpose,
    what: Option<T>,
) -> HubResult<()> {
    let age = if what.is_some() { Duration::seconds(ticket::LASTS_SECS) } else { Duration::ZERO };
    let value = what.map(|what| ticket::write(&page.app.signer, purpose, what)).unwrap_or_default();
    let cookie = page.own_cookie(purpose.cookie(page.base.is_https()), value, age);
    response.add_cookie(&cookie).map_err(HubError::internal)
}

async fn begin(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let config = config_of(&page.app)?;
    let next = own_path(form.text("next")).filter(|next| next.len() <= MOST_NEXT_BYTES).unwrap_or("/");
    // Who is signed in shows once more who they are.
    let proof = match form.text("again") {
        "" => None,
        _ => Some(Proof { session: hex::encode(sudo::session_of(&page)?), since: crate::clock::now().timestamp() }),
    };
    let (url, flow) = page.app.oidc.begin(config, page.base.join(CALLBACK), next.to_owned(), proof).await?;
    let layout = page.layout(format!("On to {}", config.name));
    let shown = GoPage { layout, provider: config.name.clone(), url: url.to_string() };
    let mut response = page.show(shown).await?;
    let refresh = HeaderValue::from_str(&format!("0; url={url}")).map_err(HubError::internal)?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    keep(&page, &mut response, Purpose::Flow, Some(flow))?;
    Ok(response)
}

async fn come_back(page: PageRequest) -> HubResult<HttpResponse> {
    let config = config_of(&page.app)?;
    let query = page.query();
    let flow: Flow = kept(&page, Purpose::Flow).ok_or_else(start_again)?;
    let same: bool = query.get("state").unwrap_or_default().as_bytes().ct_eq(flow.state.as_bytes()).into();
    // A provider that names itself must be the one that was asked (RFC 9207).
    let other = query.get("iss").is_some_and(|issuer| issuer != config.issuer);
    if !same || other {
        return Err(start_again());
    }
    let Some(code) = query.get("code").filter(|_| query.get("error").is_none()) else {
        return Err(declined(config, query.get("error").unwrap_or_default()));
    };
    let identity = page.app.oidc.redeem(config, page.base.join(CALLBACK), code, &flow).await?;
    operations::check_domain(config, &identity)?;
    let mut response = match &flow.proof {
        Some(proof) => prove(&page, config, &identity, proof, &flow.next).await?,
        None => go_on(&page, identity, flow.next).await?,
    };
    keep::<Flow>(&page, &mut response, Purpose::Flow, None)?;
    Ok(response)
}

/// The provider's own words are not shown: whoever makes a link chooses them.
fn declined(config: &OidcConfig, error: &str) -> HubError {
    let name = &config.name;
    match error {
        "access_denied" => HubError::forbidden(format!("{name} did not let you in, or you declined. Start again at /login.")),
        "temporarily_unavailable" | "server_error" => {
            let text = format!("{name} has a problem just now. Try again in a moment.");
            HubError::unavailable(text, error.to_owned())
        }
        _ => HubError::forbidden(format!(
            "{name} did not sign you in. Start again at /login; if it stays so, tell the operator of this hub."
        )),
    }
}

/// Takes a sign-in as the proof who is there, if it was one of the same person, and after that was asked for.
async fn prove(
    page: &PageRequest,
    config: &OidcConfig,
    identity: &Identity,
    proof: &Proof,
    next: &str,
) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    if hex::encode(sudo::session_of(page)?) != proof.session {
        return Err(start_again());
    }
    let found = operations::find_user(&page.app, identity).await?;
    if found.is_none_or(|found| found.pk != user.pk) {
        let text = format!("{} is not linked to your account. Use the account at {} that is.", identity.label(), config.name);
        return Err(HubError::forbidden(text));
    }
    if identity.signed_in_at.is_some_and(|at| at < proof.since - CLOCKS_SECS) {
        let text = format!("{} did not ask who you are. Log out there, and try once more.", config.name);
        return Err(HubError::forbidden(text));
    }
    sudo::go_on(page, next).await
}

async fn go_on(page: &PageRequest, identity: Identity, next: String) -> HubResult<HttpResponse> {
    let found = operations::find_user(&page.app, &identity).await?;
    // Who shows a token has no browser that is logged in.
    match (found, page.require_session().ok()) {
        (Some(user), Some(viewer)) if user.pk != viewer.pk => Err(operations::belongs_to_another(&identity)),
        (Some(_), Some(_)) => Ok(page.redirect_saying(&next, &format!("{} is linked to your account.", identity.label()))),
        (Some(user), None) => after_provider(page, &user, &next).await,
        (None, viewer) => {
            let to_link = viewer.is_some() || operations::find_same_email(&page.app, &identity).await?.is_some();
            // A form that makes no account is shown to nobody.
            if !to_link && !operations::takes_newcomers(&page.app, config_of(&page.app)?) {
                return Err(operations::signup_is_closed(config_of(&page.app)?));
            }
            if !to_link {
                page.app.require_changes()?;
            }
            let mut response = page.redirect(if to_link { "/login/oidc/link" } else { "/login/oidc/join" });
            keep(page, &mut response, Purpose::Newcomer, Some(Newcomer { identity, next }))?;
            Ok(response)
        }
    }
}
