//! `/oauth/authorize`: what an application asks of a person, and their answer.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded::Serializer;

use super::{Request, chosen};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::sudo;
use crate::error::{HubError, HubResult};
use crate::oauth::authorize::{Asked, Unasked};
use crate::oauth::queries::clients::{Consent, find_consent};
use crate::oauth::scopes;
use crate::web::filters;
use crate::web::layout::Layout;
use crate::web::security_headers::policy_for_form;

/// In the address when somebody has just logged in for it. They are asked then, whatever they said before: a page between the form and
/// the application, whose address the form's policy would not let the browser go on to.
const AFTER_LOGIN: &str = "after_login";
/// In the address when somebody has been sent to prove who they are: since when, with a signature.
const ASKED_AT: &str = "asked_at";
/// For how long that proof is good, in minutes.
const PROOF_MINUTES: i64 = 30;

/// The page.
#[derive(Debug, Template)]
#[template(path = "oauth/consent.html")]
struct ConsentPage {
    layout: Layout,
    request: Request,
    /// Where the answer is sent.
    action: String,
    /// Who is logged in.
    username: String,
    /// Where the person goes on to.
    goes_to: String,
    /// What the person is asked for, so that they say yes to nothing else.
    shown: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/oauth/authorize", crate::web::read().to(show)).route("/oauth/authorize", web::post().to(post));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let query = page.query();
    let asked = match Asked::read(&page.app, &query, page.base.as_str()).await {
        Ok(asked) => asked,
        Err(unasked) => return not_asked(unasked),
    };
    let issuer = page.base.as_str();
    let refuse = |code: &str, text: &str| {
        if asked.client.made_itself_known() {
            return Err(HubError::bad_request(format!("The application that sent you here wanted to ask you nothing. {text}")));
        }
        Ok(go_on(&asked.answer(issuer, &[("error", code), ("error_description", text)])))
    };
    if page.viewer.is_anonymous() {
        if asked.is_silent {
            return refuse("login_required", "Nobody is logged in to the hub.");
        }
        return Ok(ask_at(&page, "/login", &asked));
    }
    let user = page.require_session()?;
    if asked.must_prove(&page.app, &page.viewer.auth, asked_at(&page, &asked)).await? {
        if asked.is_silent {
            return refuse("login_required", "The person logged in longer ago than you allow.");
        }
        return Ok(ask_at(&page, "/sudo", &asked));
    }
    let consent = find_consent(&page.app.pool, asked.client.pk, user.pk).await?;
    let must_ask = (asked.must_ask && !asked.is_silent) || query.get(AFTER_LOGIN).is_some();
    let wished = chosen(user, asked.organizations.iter().map(String::as_str));
    let allowed = |consent: &&Consent| {
        !must_ask && asked.is_allowed_by(consent) && wished.iter().all(|pk| consent.organization_pks.contains(pk))
    };
    if let Some(consent) = consent.as_ref().filter(allowed) {
        let code = asked.allow_again(&page.app, &page.viewer.auth, consent).await?;
        return Ok(go_on(&asked.answer(issuer, &[("code", &code)])));
    }
    if asked.is_silent {
        return refuse("consent_required", "The person must be asked first.");
    }
    require_proof(&page, &asked).await?;
    let before = consent.map(|consent| consent.organization_pks).unwrap_or_default();
    let shown = ConsentPage {
        layout: page.layout(format!("Sign in to {}", asked.client.name)),
        request: Request::new(&asked.client, user, &asked.scopes, |pk| wished.contains(&pk) || before.contains(&pk)),
        action: address(&page),
        username: user.name.clone(),
        goes_to: origin_of(&asked.redirect_uri),
        shown: asked.scopes.join(" "),
    };
    let mut response = page.show(shown).await?;
    let policy = policy_for_form(scheme_of(&asked.redirect_uri));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    // Read again from the address: what the person answers is what is done.
    let asked = match Asked::read(&page.app, &page.query(), page.base.as_str()).await {
        Ok(asked) => asked,
        Err(unasked) => return not_asked(unasked),
    };
    let issuer = page.base.as_str();
    match form.text("answer") {
        // Whoever keeps the application may have let it ask for more since the page was shown.
        "allow" if form.text("shown") != asked.scopes.join(" ") => {
            Ok(page.redirect_saying(&again(&page), "What the application asks for has changed. Look at it once more."))
        }
        "allow" => {
            if asked.must_prove(&page.app, &page.viewer.auth, asked_at(&page, &asked)).await? {
                return Ok(ask_at(&page, "/sudo", &asked));
            }
            require_proof(&page, &asked).await?;
            let organizations = chosen(user, form.fields().all("organization"));
            let code = asked.allow(&page.app, user, &page.viewer.auth, &organizations).await?;
            Ok(go_on(&asked.answer(issuer, &[("code", &code)])))
        }
        "deny" => {
            let pairs = [("error", "access_denied"), ("error_description", "The person said no.")];
            Ok(go_on(&asked.answer(issuer, &pairs)))
        }
        _ => Err(HubError::bad_request("Say whether the application may do this.")),
    }
}

/// Whoever lets an application do what an access token would let it do, proves first that it is them, as for an access token.
async fn require_proof(page: &PageRequest, asked: &Asked) -> HubResult<()> {
    if !scopes::only_tell_who(&asked.scopes) {
        sudo::require(page, &again(page)).await?;
    }
    Ok(())
}

fn not_asked(unasked: Unasked) -> HubResult<HttpResponse> {
    match unasked {
        Unasked::NoAddress(error) => Err(error),
        Unasked::Answer(to) => Ok(go_on(&to)),
    }
}

/// Sends the person on to the application. The address has what it asked for, and no other place may learn of it.
fn go_on(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, to))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// Sends the person to prove who they are, and back to what the application asked for.
fn ask_at(page: &PageRequest, path: &str, asked: &Asked) -> HttpResponse {
    let kept = page.query();
    let kept = kept.pairs().iter().filter(|(name, _)| ![AFTER_LOGIN, ASKED_AT].contains(&name.as_str()));
    let mut query = Serializer::new(String::new());
    query.extend_pairs(kept).append_pair(AFTER_LOGIN, "1");
    if asked.freshness.is_asked_for() {
        let since = crate::clock::now().timestamp_micros().to_string();
        let signature = page.app.signer.sign(ASKED_AT, &format!("{since} {}", asked.client.id));
        query.append_pair(ASKED_AT, &format!("{since}.{signature}"));
    }
    let back = format!("/oauth/authorize?{}", query.finish());
    page.redirect(&format!("{path}?next={}", utf8_percent_encode(&back, NON_ALPHANUMERIC)))
}

/// Since when the person has been sent to prove who they are, if that was for this application and is not long ago.
fn asked_at(page: &PageRequest, asked: &Asked) -> Option<DateTime<Utc>> {
    let query = page.query();
    let (since, signature) = query.get(ASKED_AT)?.split_once('.')?;
    let known = page.app.signer.verify(ASKED_AT, &format!("{since} {}", asked.client.id), signature);
    let since = DateTime::from_timestamp_micros(since.parse().ok()?)?;
    (known && crate::clock::now() - since < TimeDelta::minutes(PROOF_MINUTES)).then_some(since)
}

/// The address of this page with all that is asked, written anew.
fn address(page: &PageRequest) -> String {
    let query = page.query();
    let kept = query.pairs().iter().filter(|(name, _)| name != AFTER_LOGIN);
    let query: String = Serializer::new(String::new()).extend_pairs(kept).finish();
    format!("/oauth/authorize?{query}")
}

/// The same, for somebody who comes back to it.
fn again(page: &PageRequest) -> String {
    format!("{}&{AFTER_LOGIN}=1", address(page))
}

fn scheme_of(uri: &str) -> &str {
    uri.split(':').next().unwrap_or_default()
}

/// The part of an address that says whose it is.
fn origin_of(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url) if url.has_host() => format!("{}://{}", url.scheme(), url.authority()),
        _ => format!("the app {}", scheme_of(uri)),
    }
}
