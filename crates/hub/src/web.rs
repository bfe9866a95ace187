//! What two or more slices need of HTTP and that names no domain noun.

pub mod assets;
pub mod atom;
pub mod base_url;
pub mod client_address;
pub mod cors;
pub mod csv;
pub mod cursor;
pub mod extract;
pub mod filters;
pub mod form;
pub mod idle;
mod json_feed;
pub mod layout;
pub mod links;
pub mod media_type;
pub mod name_server;
pub mod observe;
pub mod outbound;
pub mod page;
pub mod pictures;
pub mod range;
pub mod removed;
pub mod request_id;
pub mod security_headers;
pub mod silence;
pub mod static_files;
pub mod streaming;
pub mod text;
pub mod turns;
pub mod windows;

use actix_web::{Route, guard, web};

/// A route for reading: GET, and HEAD, which gets the same answer without its body.
pub fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
