//! Closing the banner, for one browser.

use actix_web::cookie::time::Duration;
use actix_web::{HttpResponse, web};

use super::COOKIE;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/banner/close", web::post().to(post_close));
}

/// The browser keeps which banner it closed; the next one is shown again.
async fn post_close(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let id = form.text("banner");
    if id.is_empty() || id.len() > 40 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(HubError::bad_request("Say which banner is to be closed: reload the page, and close it there."));
    }
    let mut response = page.redirect(form.text("back"));
    response.add_cookie(&page.own_cookie(COOKIE, id.to_owned(), Duration::days(365))).map_err(HubError::internal)?;
    Ok(response)
}
