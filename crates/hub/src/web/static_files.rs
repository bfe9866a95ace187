//! Serves [`Assets`].

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::assets::Assets;
use crate::error::{HubError, HubResult};

/// Mounts `/static/{version}/…` and the addresses browsers try by themselves.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/static/{version}/{path:.*}", super::read().to(show_asset))
        .route("/favicon.ico", super::read().to(show_favicon))
        .route("/robots.txt", super::read().to(show_robots));
}

async fn show_asset(request: HttpRequest, path: web::Path<(String, String)>) -> HubResult<HttpResponse> {
    let (version, path) = path.into_inner();
    let assets = Assets::get();
    let file = assets.find(&path).ok_or_else(|| HubError::not_found("There is no such file."))?;
    // During a rollout a page of the other version may ask here: it gets this one, but does not keep it.
    let cache = if version == assets.version() { "public, max-age=31536000, immutable" } else { "no-store" };
    let mut response = HttpResponse::Ok();
    response
        .content_type(file.content_type)
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::VARY, "Accept-Encoding"));
    if file.content_type.starts_with("text/javascript") {
        // A worker lives by the policy its own script came with: it may load modules from here, and nothing else.
        response.insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; script-src 'self'"));
    }
    let brotli = if accepts(&request, "br") { file.brotli() } else { None };
    match (brotli, &file.gzip) {
        (Some(brotli), _) => Ok(response.insert_header((header::CONTENT_ENCODING, "br")).body(brotli)),
        (None, Some(gzip)) if accepts(&request, "gzip") => {
            Ok(response.insert_header((header::CONTENT_ENCODING, "gzip")).body(gzip.as_slice()))
        }
        _ => Ok(response.body(file.bytes.as_slice())),
    }
}

/// Whether the browser reads an encoding.
pub fn accepts(request: &HttpRequest, encoding: &str) -> bool {
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    is_accepted(accepted, encoding)
}

fn is_accepted(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut parts = part.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_named && weight.is_none_or(|weight| weight > 0.0)
    })
}

async fn show_favicon() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, Assets::get().url("img/logo.svg"))).finish()
}

/// Crawlers read pages but not files, histories and explanations of numbers, which have no end.
async fn show_robots() -> HttpResponse {
    let text = "User-agent: *\nDisallow: /api/\nDisallow: /*/resolve/\nDisallow: /*/raw/\nDisallow: /*/archive/\nDisallow: /*/tree/\nDisallow: /*/blob/\nDisallow: /*/commits/\nDisallow: /*/commit/\nDisallow: /*?*count=\n";
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}

#[cfg(test)]
mod tests {
    use super::is_accepted;

    #[test]
    fn encodings_are_accepted_by_name_and_weight() {
        for (accepted, gzip, br) in [
            ("gzip, deflate, br, zstd", true, true),
            ("gzip;q=0, br;q=0.5", false, true),
            ("GZIP; q=1.0", true, false),
            ("br;q=0.000", false, false),
            ("x-gzip, brotli", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_accepted(accepted, "gzip"), is_accepted(accepted, "br")), (gzip, br), "{accepted}");
        }
    }
}
