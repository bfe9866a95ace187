//! Generated avatars: an initial on a colour that follows from the name. Made on request, never stored.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

/// Mounts `/avatars/{name}.svg`.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/avatars/{file}", web::get().to(show_avatar)).route("/avatars/{file}", web::head().to(show_avatar));
}

async fn show_avatar(file: web::Path<String>) -> HttpResponse {
    let name = file.strip_suffix(".svg").unwrap_or(&file);
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
        .body(svg(name))
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
