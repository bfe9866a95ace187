//! Who chose to see a repository that is not for all audiences.

use actix_web::cookie::time::Duration;
use actix_web::{HttpResponse, web};

use super::{BASES, BUCKET_BASE};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::HubResult;
use crate::repos::RepoRead;
use crate::repos::audience;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES.into_iter().chain([BUCKET_BASE]) {
        config.route(&format!("{base}/view-content"), web::post().to(post_view));
    }
}

/// The browser remembers it until it is closed.
async fn post_view(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    let repo = read.repo.path();
    let back = form.text("next");
    let inside = back == repo || back.strip_prefix(repo.as_str()).is_some_and(|rest| rest.starts_with(['/', '?']));
    let mut response = page.redirect(if inside { back } else { &repo });
    let (name, value) = audience::remember(&page, &read);
    let mut cookie = page.own_cookie(name, value, Duration::ZERO);
    cookie.set_max_age(None);
    // A cookie that cannot be written only leads to the question once more.
    let _ = response.add_cookie(&cookie);
    Ok(response)
}
