//! Headers that keep browsers from doing more with an answer than it is for.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web;

use crate::app::App;

/// What our own pages may load: their own style, scripts and pictures, and nothing from anywhere else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The policy of a page that sends files straight to a store at this origin.
pub fn policy_for_store(origin: &str) -> String {
    PAGE_POLICY.replace("connect-src 'self'", &format!("connect-src 'self' {origin}"))
}

/// The policy of a page whose form leads on to an address of this scheme: browsers hold all that a form leads to against it.
pub fn policy_for_form(scheme: &str) -> String {
    PAGE_POLICY.replace("form-action 'self'", &format!("form-action 'self' {scheme}:"))
}

/// For everything else, which people may have uploaded: shown directly, it is a document without rights.
const DATA_POLICY: &str =
    "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// Middleware: sets the headers that the handler did not set.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn secure_responses(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let is_api = request.path().starts_with("/api/");
    let hsts = request.app_data::<web::Data<App>>().and_then(|app| app.config.hsts.clone());
    let mut response = next.call(request).await?;
    let is_own_page = response.response().extensions().get::<OwnPage>().is_some();
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "same-origin");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if is_api {
        default(header::CACHE_CONTROL, "no-store");
    }
    default(header::CONTENT_SECURITY_POLICY, if is_own_page { PAGE_POLICY } else { DATA_POLICY });
    if let Some(value) = hsts.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    Ok(response)
}

/// Marks an answer as a page made by our templates.
#[derive(Debug, Clone, Copy)]
pub struct OwnPage;
