//! `/settings/tokens`: access tokens, shown once.

use actix_web::cookie::time::Duration;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::navigation::SettingsNavigation;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::{TokenRow, delete_token, list_tokens};
use crate::accounts::tokens::{NewToken, create_token};
use crate::accounts::{TokenRole, User};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// Carries a new token over the redirect to the page that shows it, and no further.
const NEW_TOKEN_COOKIE: &str = "new_token";

/// Access tokens.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_tokens.html")]
pub(super) struct TokensPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The hub's own address.
    pub hub_url: String,
    /// A token made by this very request: the only time its text is shown.
    pub created: Option<CreatedToken>,
    /// The tokens.
    pub tokens: Vec<TokenItem>,
    /// The name of a new token.
    pub name: Field,
    /// What a new token may do.
    pub roles: Vec<Choice>,
    /// The namespaces a fine-grained token can be limited to.
    pub scopes: Vec<ScopeChoice>,
    /// What is wrong with the namespaces chosen.
    pub scopes_error: Option<String>,
}

/// A token that was just made.
#[derive(Debug)]
pub(super) struct CreatedToken {
    /// Its name.
    pub name: String,
    /// Its text.
    pub value: String,
}

/// A token in the list.
#[derive(Debug)]
pub(super) struct TokenItem {
    /// Its key.
    pub pk: i64,
    /// Its name.
    pub name: String,
    /// The end of its text.
    pub hint: String,
    /// What it may do.
    pub role: &'static str,
    /// For a fine-grained token: where.
    pub scopes: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What a fine-grained token may do in a namespace.
#[derive(Debug)]
pub(super) struct ScopeChoice {
    /// The namespace.
    pub name: String,
    /// Nothing, `read` or `write`.
    pub access: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/tokens", crate::web::read().to(show_tokens))
        .route("/settings/tokens", web::post().to(post_token))
        .route("/settings/tokens/{token_pk}/revoke", web::post().to(post_revoke));
}

async fn show_tokens(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let carried = page.http().cookie(NEW_TOKEN_COOKIE);
    let created = carried.as_ref().and_then(|cookie| {
        let (value, name) = cookie.value().split_once(' ')?;
        Some(CreatedToken { name: name.to_owned(), value: value.to_owned() })
    });
    let shown = tokens_page(&page, user, created, &TokenForm::default(), &Refusal::default()).await?;
    let mut response = page.show(shown).await?;
    if carried.is_some() {
        response
            .headers_mut()
            .insert(actix_web::http::header::CACHE_CONTROL, actix_web::http::header::HeaderValue::from_static("no-store"));
        let _ = response.add_cookie(&page.own_cookie(NEW_TOKEN_COOKIE, String::new(), Duration::ZERO));
    }
    Ok(response)
}

/// What was chosen for a new token.
#[derive(Debug, Default)]
struct TokenForm {
    name: String,
    role: String,
    scopes: Vec<(String, String)>,
}

impl TokenForm {
    fn read(form: &CheckedForm) -> Self {
        let chosen = |(key, access): &(String, String)| Some((key.strip_prefix("scope:")?.to_owned(), access.clone()));
        Self {
            name: form.text("name").to_owned(),
            role: form.text("role").to_owned(),
            scopes: form.fields().pairs().iter().filter_map(chosen).collect(),
        }
    }

    fn access_to(&self, namespace: &str) -> &str {
        self.scopes.iter().find(|(name, _)| name == namespace).map_or("", |(_, access)| access)
    }
}

async fn post_token(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let form = TokenForm::read(&form);
    let made = match new_token(user, &form) {
        Ok(token) => create_token(&page.app, user, &token).await.map(|secret| (token.name, secret)),
        Err(error) => Err(error),
    };
    match made {
        Ok((name, secret)) => {
            let mut response = page.redirect("/settings/tokens");
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || " -_.".contains(*c)).collect();
            let cookie = page.own_cookie(NEW_TOKEN_COOKIE, format!("{secret} {name}"), Duration::minutes(1));
            response.add_cookie(&cookie).map_err(HubError::internal)?;
            Ok(response)
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = tokens_page(&page, user, None, &form, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

fn new_token(user: &User, form: &TokenForm) -> HubResult<NewToken> {
    let role = TokenRole::parse(&form.role).ok_or_else(|| HubError::bad_request("Choose what the token may do.").at("role"))?;
    let scopes = match role {
        TokenRole::Read | TokenRole::Write => json!({}),
        TokenRole::FineGrained => scopes_of(user, form)?,
    };
    Ok(NewToken { name: form.name.clone(), role, scopes, expires_at: None })
}

/// The scopes in the shape `whoami-v2` shows and the permission check reads.
fn scopes_of(user: &User, form: &TokenForm) -> HubResult<Value> {
    let mut scoped = Vec::new();
    for (namespace, kind) in namespaces_of(user) {
        let permissions = match form.access_to(&namespace) {
            "read" => json!(["repo.content.read"]),
            "write" => json!(["repo.content.read", "repo.write"]),
            _ => continue,
        };
        scoped.push(json!({ "entity": { "type": kind, "name": namespace }, "permissions": permissions }));
    }
    if scoped.is_empty() {
        return Err(HubError::bad_request("Choose at least one namespace.").at("scopes"));
    }
    Ok(json!({ "canReadGatedRepos": false, "global": [], "scoped": scoped }))
}

fn namespaces_of(user: &User) -> Vec<(String, &'static str)> {
    let organizations = user.memberships.iter().map(|membership| (membership.name.clone(), "org"));
    std::iter::once((user.name.clone(), "user")).chain(organizations).collect()
}

async fn post_revoke(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    if delete_token(&page.app.pool, user.pk, path.into_inner()).await? {
        Ok(page.redirect_saying("/settings/tokens", "Token revoked."))
    } else {
        Err(HubError::not_found("There is no such token: it may have been revoked already."))
    }
}

async fn tokens_page(
    page: &PageRequest,
    user: &User,
    created: Option<CreatedToken>,
    form: &TokenForm,
    refusal: &Refusal,
) -> HubResult<TokensPage> {
    let rows = list_tokens(&page.app.pool, user.pk).await?;
    let chosen = if form.role.is_empty() { "write" } else { &form.role };
    let scope = |(name, _): (String, _)| ScopeChoice { access: form.access_to(&name).to_owned(), name };
    Ok(TokensPage {
        layout: page.layout("Access tokens"),
        navigation: SettingsNavigation::new(user, "/settings/tokens"),
        hub_url: page.base.as_str().to_owned(),
        created,
        tokens: rows.into_iter().map(token_item).collect(),
        name: refusal.mark(Field::new("name", "Name").value(&form.name).hint("Where it will be used.")),
        roles: vec![
            Choice::new("read", "Read", chosen).hint("See and download everything that you can."),
            Choice::new("write", "Write", chosen).hint("Also create, push, change and delete repositories."),
            Choice::new("fineGrained", "Fine-grained", chosen).hint("Only the namespaces chosen below."),
        ],
        scopes: namespaces_of(user).into_iter().map(scope).collect(),
        scopes_error: refusal.message_at("scopes").or_else(|| refusal.message_at("role")),
    })
}

fn token_item(row: TokenRow) -> TokenItem {
    TokenItem {
        pk: row.token_pk,
        name: row.name,
        hint: row.hint,
        role: match TokenRole::parse(&row.role) {
            Some(TokenRole::Write) => "Write",
            Some(TokenRole::FineGrained) => "Fine-grained",
            Some(TokenRole::Read) | None => "Read",
        },
        scopes: scopes_text(&row.scopes),
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    }
}

/// `ada: read, acme: read and write`.
fn scopes_text(scopes: &Value) -> String {
    let entries = scopes.get("scoped").and_then(Value::as_array).into_iter().flatten();
    let text = entries.filter_map(|entry| {
        let name = entry.pointer("/entity/name")?.as_str()?;
        let writes = entry.get("permissions")?.as_array()?.iter().any(|permission| permission == "repo.write");
        Some(format!("{name}: {}", if writes { "read and write" } else { "read" }))
    });
    text.collect::<Vec<_>>().join(", ")
}
