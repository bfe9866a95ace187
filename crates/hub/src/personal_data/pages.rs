//! `/settings/data`, and the page that the link in the mail opens.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;

use super::closing::{self, Outlook};
use super::exports::{self, Export};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::{User, sessions, sudo};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;
use crate::web::streaming;

const PATH: &str = "/settings/data";

/// A copy of one's data, and the end of the account.
#[derive(Debug, Template)]
#[template(path = "personal_data/settings.html")]
struct DataPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: SettingsNavigation,
    /// Whose account.
    name: String,
    /// Copies of the data.
    exports: Vec<Export>,
    /// What is wrong with a wish for one.
    export_error: Option<String>,
    /// What a deletion means.
    outlook: Outlook,
    /// For how many days it can be undone.
    days: u64,
    /// What is wrong with the deletion.
    error: Option<String>,
    /// The name, typed.
    confirmation: Field,
}

/// What somebody sees who has just left.
#[derive(Debug, Template)]
#[template(path = "personal_data/closed.html")]
struct ClosedPage {
    /// The frame.
    layout: Layout,
    /// The account.
    name: String,
    /// Where the link goes.
    email: String,
    /// Whether mails reach people, and not a folder.
    sends_mail: bool,
    /// When it is removed.
    until: DateTime<Utc>,
}

/// Asks whether to keep the account.
#[derive(Debug, Template)]
#[template(path = "personal_data/keep.html")]
struct KeepPage {
    /// The frame.
    layout: Layout,
    /// The account.
    name: String,
    /// What the link carries.
    link: String,
    /// When it is removed.
    until: DateTime<Utc>,
}

/// Mounts the pages.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(super::organization_pages::routes)
        .configure(super::suspended::routes)
        .route("/settings/data", crate::web::read().to(show))
        .route("/settings/data/export", web::post().to(post_export))
        .route("/settings/data/{id}/download", web::get().to(download))
        .route("/settings/data/delete-account", web::post().to(post_delete))
        .route("/login/keep-account", crate::web::read().to(show_keep))
        .route("/login/keep-account", web::post().to(post_keep));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let shown = data_page(&page, user, &Refusal::default()).await?;
    page.show(shown).await
}

async fn data_page(page: &PageRequest, user: &User, refusal: &Refusal) -> HubResult<DataPage> {
    Ok(DataPage {
        layout: page.layout("Your data"),
        navigation: SettingsNavigation::new(user, PATH),
        name: user.name.clone(),
        exports: exports::list(&page.app, user).await?,
        export_error: None,
        outlook: closing::look(&page.app, user).await?,
        days: page.app.config.undo_days,
        error: refusal.message_elsewhere(&["confirmation"]),
        confirmation: refusal.mark(Field::new("confirmation", "Name of your account").hint(format!("Type {}.", user.name))),
    })
}

async fn post_export(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    match exports::ask(&page.app, user).await {
        Ok(()) => Ok(page.redirect_saying(PATH, "The copy is being made.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = data_page(&page, user, &Refusal::default()).await?;
            page.show_with(refusal.status, DataPage { export_error: refusal.message_elsewhere(&[]), ..shown }).await
        }
    }
}

async fn download(page: PageRequest, id: web::Path<String>) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    send_copy(&page, user, &id).await
}

/// Answers with a copy of a user's data.
///
/// # Errors
/// As [`exports::open`].
pub(super) async fn send_copy(page: &PageRequest, user: &User, id: &str) -> HubResult<HttpResponse> {
    let copy = exports::open(&page.app, user, id).await?;
    let name = format!("attachment; filename=\"{}-data.zip\"", user.name);
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(streaming::body(copy.size, copy.stream.map_err(HubError::from))))
}

async fn post_delete(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    let until = match closing::ask(&page.app, user, form.text("confirmation")).await {
        Ok(until) => until,
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = data_page(&page, user, &refusal).await?;
            return page.show_with(refusal.status, shown).await;
        }
    };
    let mut layout = page.layout("Your account is closed");
    (layout.viewer, layout.return_to) = (None, String::new());
    let sends_mail = page.app.mailer.reaches_people();
    let shown = ClosedPage { layout, name: user.name.clone(), email: user.email.clone(), sends_mail, until };
    let mut response = page.show(shown).await?;
    response.add_cookie(&sessions::removal(&page.base)).map_err(HubError::internal)?;
    Ok(response)
}

/// Opening the link changes nothing, because programs open links, too.
async fn show_keep(page: PageRequest) -> HubResult<HttpResponse> {
    let link = page.query().get("link").unwrap_or_default().to_owned();
    let user = closing::find_asked(&page.app, &link).await?;
    let mut layout = page.layout("Keep your account");
    // The address of this page is a secret.
    layout.return_to = String::new();
    let until = user.deletes_at.unwrap_or_default();
    page.show(KeepPage { layout, name: user.name, link, until }).await
}

async fn post_keep(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    closing::keep(&page.app, form.text("link")).await?;
    Ok(page.redirect_saying("/login", "Your account is back, and so are its repositories. Log in to it."))
}
