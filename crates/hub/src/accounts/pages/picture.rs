//! The picture of a user or an organisation: uploading one, and taking it away.

use actix_multipart::{Field as Part, Multipart};
use actix_web::{HttpResponse, web};
use futures::StreamExt as _;

use super::organizations::{self, Typed, settings_path};
use super::profile_settings::{self, Shown};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pictures::{MAX_UPLOAD_BYTES, remove_picture, set_picture};
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::settings::require_admin_of;
use crate::accounts::{User, csrf};
use crate::error::{HubError, HubResult};
use crate::web::form::{Field, Refusal};

/// The longest text field, in bytes.
const MAX_TEXT_BYTES: usize = 4096;

/// The form with the picture as it is.
#[derive(Debug)]
pub(super) struct PictureForm {
    /// Whose picture.
    pub name: String,
    /// The shape of the avatar.
    pub class: &'static str,
    /// Where the form goes.
    pub action: String,
    /// Whether there is a picture to take away.
    pub has_picture: bool,
    /// The file.
    pub file: Field,
}

impl PictureForm {
    fn new(page: &PageRequest, name: &str, class: &'static str, action: String, refusal: &Refusal) -> Self {
        let megabytes = MAX_UPLOAD_BYTES / 1024 / 1024;
        let hint = format!("PNG, JPEG or WebP, at most {megabytes} MB. It is cut to a square.");
        let has_picture = page.app.pictures.path_of(name).is_some();
        let file = refusal.mark(Field::new("picture", "Picture").hint(hint));
        Self { name: name.to_owned(), class, action, has_picture, file }
    }

    /// The form of a user.
    pub(super) fn of_user(page: &PageRequest, user: &User, refusal: &Refusal) -> Self {
        Self::new(page, &user.name, "avatar-large", "/settings/picture".to_owned(), refusal)
    }

    /// The form of an organisation.
    pub(super) fn of(page: &PageRequest, row: &ProfileRow, refusal: &Refusal) -> Self {
        Self::new(page, &row.name, "avatar-large avatar-square", format!("/organizations/{}/picture", row.name), refusal)
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/picture", web::post().to(post_own))
        .route("/settings/picture/remove", web::post().to(post_remove_own))
        .route("/organizations/{name}/picture", web::post().to(post_of_organization))
        .route("/organizations/{name}/picture/remove", web::post().to(post_remove_of_organization));
}

async fn post_own(page: PageRequest, form: Multipart) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    match take(&page, form, user.pk, &user.name).await {
        Ok(()) => Ok(page.redirect_saying("/settings/profile", "Picture saved.")),
        Err(error) if error.field().is_none() => Err(error),
        Err(error) => profile_settings::show_refused(&page, user, error, Shown::default()).await,
    }
}

async fn post_of_organization(page: PageRequest, path: web::Path<String>, form: Multipart) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    match take(&page, form, row.namespace_pk, &row.name).await {
        Ok(()) => Ok(page.redirect_saying(&settings_path(&row), "Picture saved.")),
        Err(error) if error.field().is_none() => Err(error),
        Err(error) => organizations::show_refused(&page, user, &row, error, Typed::default()).await,
    }
}

async fn post_remove_own(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    remove_picture(&page.app, user.pk, &user.name).await?;
    Ok(page.redirect_saying("/settings/profile", "Picture removed."))
}

async fn post_remove_of_organization(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    remove_picture(&page.app, row.namespace_pk, &row.name).await?;
    Ok(page.redirect_saying(&settings_path(&row), "Picture removed."))
}

/// Reads the form, whose token comes first, and keeps the picture.
async fn take(page: &PageRequest, mut form: Multipart, namespace_pk: i64, name: &str) -> HubResult<()> {
    let mut checked = false;
    let mut upload = Vec::new();
    while let Some(part) = form.next().await {
        let part = part.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
        match part.name().unwrap_or_default() {
            csrf::FIELD => {
                let token = bytes(part, MAX_TEXT_BYTES).await?;
                csrf::check(&page.app, page.http(), std::str::from_utf8(&token).ok())?;
                checked = true;
            }
            "picture" if checked => upload = bytes(part, MAX_UPLOAD_BYTES).await?,
            _ => drop(bytes(part, MAX_TEXT_BYTES).await?),
        }
    }
    if !checked {
        csrf::check(&page.app, page.http(), None)?;
    }
    if upload.is_empty() {
        return Err(HubError::bad_request("Choose a picture first.").at("picture"));
    }
    set_picture(&page.app, namespace_pk, name, upload).await
}

async fn bytes(mut part: Part, limit: usize) -> HubResult<Vec<u8>> {
    let too_large = || {
        let text = format!("This is too large: a picture has at most {} MB.", MAX_UPLOAD_BYTES / 1024 / 1024);
        HubError::bad_request(text).at("picture")
    };
    let mut bytes = Vec::new();
    let mut size = 0;
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(|error| HubError::bad_request(format!("The form could not be read: {error}")))?;
        size += chunk.len();
        // What is too large is read on, within reason: a browser that is still sending does not hear why.
        match size {
            size if size > limit * 8 => return Err(too_large()),
            size if size <= limit => bytes.extend_from_slice(&chunk),
            _ => bytes.clear(),
        }
    }
    if size > limit { Err(too_large()) } else { Ok(bytes) }
}
