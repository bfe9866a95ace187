//! `/settings/keys`: the SSH keys of one's own account.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::{greeting_of, host_key, keys, queries};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::{User, sudo};
use crate::error::HubResult;
use crate::flags::Flag;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "ssh/settings_keys.html")]
struct KeysPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: SettingsNavigation,
    /// The line that tries a key, if git is served over SSH.
    greeting: Option<String>,
    /// By which clients know the hub.
    host_fingerprint: String,
    /// The keys.
    keys: Vec<KeyItem>,
    /// The fields of a new one.
    title: Field,
    key: Field,
    /// What is wrong with neither field.
    error: Option<String>,
}

/// A key in the list.
#[derive(Debug)]
struct KeyItem {
    /// Its row.
    pk: i64,
    /// Its title.
    title: String,
    /// Its kind, as `ssh-keygen -t` names it.
    kind: String,
    /// Its fingerprint.
    fingerprint: String,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// When it was last used.
    last_used_at: Option<DateTime<Utc>>,
    /// From which address.
    last_used_address: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/keys", crate::web::read().to(show_keys))
        .route("/settings/keys", web::post().to(post_key))
        .route("/settings/keys/{key_pk}/remove", web::post().to(post_remove));
}

async fn show_keys(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let shown = keys_page(&page, user, ("", ""), &Refusal::default()).await?;
    page.show(shown).await
}

async fn post_key(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, "/settings/keys").await?;
    let (title, key) = (form.text("title"), form.text("key"));
    match keys::add(&page.app, user, title, key).await {
        Ok(()) => Ok(page.redirect_saying("/settings/keys", "SSH key added.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = keys_page(&page, user, (title, key), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_remove(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    keys::remove(&page.app, user, path.into_inner()).await?;
    Ok(page.redirect_saying("/settings/keys", "SSH key removed."))
}

async fn keys_page(page: &PageRequest, user: &User, typed: (&str, &str), refusal: &Refusal) -> HubResult<KeysPage> {
    let rows = queries::list_keys(&page.app.pool, user.pk).await?;
    let title = Field::new("title", "Title").value(typed.0).hint("Where the key is. Left empty, it is the comment of the key.");
    let key = Field::new("key", "Public key").value(typed.1).hint("The line in the file that ends in `.pub`.");
    Ok(KeysPage {
        layout: page.layout("SSH keys"),
        navigation: SettingsNavigation::new(user, "/settings/keys"),
        greeting: greeting_of(&page.app.config, page.base.as_str()).filter(|_| page.app.allows(Flag::Ssh)),
        host_fingerprint: host_key::fingerprint(&host_key::load(&page.app.pool).await?),
        keys: rows.into_iter().map(key_item).collect(),
        title: refusal.mark(title),
        key: refusal.mark(key),
        error: refusal.message_elsewhere(&["title", "key"]),
    })
}

fn key_item(row: queries::KeyRow) -> KeyItem {
    let kind = row.public_key.split(' ').next().unwrap_or_default();
    KeyItem {
        pk: row.key_pk,
        title: row.title,
        kind: kind.trim_end_matches("@openssh.com").to_owned(),
        fingerprint: row.fingerprint,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        last_used_address: row.last_used_address,
    }
}
