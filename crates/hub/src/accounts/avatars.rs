//! Avatars: the picture that somebody uploaded, or an initial on a colour that follows from the name, made on request.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::queries::pictures::find_picture;
use crate::app::App;
use crate::error::HubResult;

/// For drawings, and for the way to a picture: another can take its place. In seconds.
const SHORT: &str = "public, max-age=300";

/// Mounts `/avatars/{name}.svg`, which everybody has, and `/avatars/{name}/{version}.png`, a picture.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/avatars/{file}", crate::web::read().to(show_avatar))
        .route("/avatars/{name}/{file}", crate::web::read().to(show_picture));
}

async fn show_avatar(app: web::Data<App>, file: web::Path<String>) -> HttpResponse {
    let name = file.strip_suffix(".svg").unwrap_or(&file);
    app.pictures.path_of(name).map_or_else(|| drawing(name), redirect_to)
}

fn redirect_to(picture: String) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, picture)).insert_header((header::CACHE_CONTROL, SHORT)).finish()
}

fn drawing(name: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, SHORT))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
        .body(svg(name))
}

/// A version never changes. One that was replaced leads to what is there now.
async fn show_picture(app: web::Data<App>, path: web::Path<(String, String)>) -> HubResult<HttpResponse> {
    let (name, file) = path.into_inner();
    let version = file.strip_suffix(".png").unwrap_or(&file);
    let is_possible = hub_types::check_name(&name).is_ok() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = if is_possible { find_picture(&app.pool, &name, version).await? } else { None };
    if let Some(content) = found {
        return Ok(HttpResponse::Ok()
            .content_type("image/png")
            .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(content));
    }
    let now = app.pictures.path_of(&name).filter(|now| is_possible && !now.ends_with(&format!("/{file}")));
    Ok(match now {
        Some(now) => redirect_to(now),
        // None, or this node has not heard yet that it is gone.
        None => drawing(&name),
    })
}

fn svg(name: &str) -> String {
    let sum = name.to_lowercase().bytes().fold(17_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let hue = sum % 360;
    let initial = name.chars().find(|c| c.is_ascii_alphanumeric()).unwrap_or('?').to_ascii_uppercase();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\" width=\"64\" height=\"64\">\
         <defs><linearGradient id=\"g\" x1=\"0\" y1=\"0\" x2=\"1\" y2=\"1\">\
         <stop offset=\"0\" stop-color=\"hsl({hue} 62% 46%)\"/><stop offset=\"1\" stop-color=\"hsl({} 62% 36%)\"/>\
         </linearGradient></defs><rect width=\"64\" height=\"64\" fill=\"url(#g)\"/>\
         <text x=\"32\" y=\"43\" font-family=\"system-ui, sans-serif\" font-size=\"32\" font-weight=\"600\" \
         text-anchor=\"middle\" fill=\"#fff\">{initial}</text></svg>",
        (hue + 40) % 360
    )
}
