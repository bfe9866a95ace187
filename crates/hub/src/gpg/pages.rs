//! `/settings/gpg-keys`: the GPG keys of one's own account.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::keys::{self, Added};
use super::queries;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::{User, sudo};
use crate::error::HubResult;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

const PATH: &str = "/settings/gpg-keys";

/// The page.
#[derive(Debug, Template)]
#[template(path = "gpg/settings_gpg_keys.html")]
struct KeysPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: SettingsNavigation,
    /// The keys.
    keys: Vec<KeyItem>,
    /// The field of a new one.
    key: Field,
    /// What is wrong elsewhere.
    error: Option<String>,
}

/// A key in the list.
#[derive(Debug)]
struct KeyItem {
    /// Its row.
    pk: i64,
    /// What people know it by: the end of its fingerprint.
    id: String,
    /// Its fingerprint.
    fingerprint: String,
    /// Whether it ended: `Revoked` or `Expired`.
    ended: Option<&'static str>,
    /// Why it verifies nothing, if it does not.
    useless: Option<String>,
    /// The addresses that it names.
    emails: String,
    /// When it ends.
    expires: Option<String>,
    /// When it was added.
    created_at: DateTime<Utc>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/gpg-keys", crate::web::read().to(show_keys))
        .route("/settings/gpg-keys", web::post().to(post_key))
        .route("/settings/gpg-keys/{gpg_key}/remove", web::post().to(post_remove));
}

async fn show_keys(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let shown = keys_page(&page, user, "", &Refusal::default()).await?;
    page.show(shown).await
}

async fn post_key(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    let key = form.text("key");
    match keys::add(&page.app, user, key).await {
        Ok(Added::New) => Ok(page.redirect_saying(PATH, "GPG key added.")),
        Ok(Added::Again) => Ok(page.redirect_saying(PATH, "GPG key brought up to date.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = keys_page(&page, user, key, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_remove(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    keys::remove(&page.app, user, path.into_inner()).await?;
    Ok(page.redirect_saying(PATH, "GPG key removed."))
}

async fn keys_page(page: &PageRequest, user: &User, typed: &str, refusal: &Refusal) -> HubResult<KeysPage> {
    let rows = queries::list_keys(&page.app.pool, user.pk).await?;
    let key = Field::new("key", "Public key").value(typed).hint("What `gpg --armor --export YOU@EXAMPLE.ORG` prints.");
    Ok(KeysPage {
        layout: page.layout("GPG keys"),
        navigation: SettingsNavigation::new(user, PATH),
        keys: rows.into_iter().map(|row| key_item(row, user)).collect(),
        key: refusal.mark(key),
        error: refusal.message_elsewhere(&["key"]),
    })
}

fn key_item(row: queries::KeyRow, user: &User) -> KeyItem {
    let parts = keys::parts_of(row.parts);
    let primary = parts.first();
    let expires = primary.and_then(|primary| primary.expires).and_then(|at| DateTime::from_timestamp(at, 0));
    let ended = match primary {
        Some(primary) if primary.revoked => Some("Revoked"),
        _ => expires.filter(|at| *at <= crate::clock::now()).map(|_| "Expired"),
    };
    let is_named = row.emails.iter().any(|email| *email == user.email.to_lowercase());
    let useless = match (user.email_confirmed, is_named) {
        (true, true) => None,
        (false, _) => Some(format!("It verifies nothing until you confirm your address {}.", user.email)),
        (true, false) => Some(format!("It verifies nothing, since it does not name your address {}.", user.email)),
    };
    KeyItem {
        pk: row.key_pk,
        id: row.fingerprint.get(row.fingerprint.len().saturating_sub(16)..).unwrap_or_default().to_owned(),
        fingerprint: row.fingerprint,
        ended,
        useless: useless.filter(|_| ended.is_none()),
        emails: row.emails.join(", "),
        expires: expires.map(|at| at.format("%-d %B %Y").to_string()),
        created_at: row.created_at,
    }
}
