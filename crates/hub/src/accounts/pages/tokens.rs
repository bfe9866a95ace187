//! `/settings/tokens`: access tokens, shown once. Those of service accounts are made by the same form, on their pages.

use actix_web::cookie::time::Duration;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::navigation::SettingsNavigation;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::tokens::{TokenRow, list_tokens};
use crate::accounts::scopes::{self, Chosen};
use crate::accounts::tokens::{self, NewToken, create_token, read_requests_limit};
use crate::accounts::{TokenRole, User, UserPk, sudo};
use crate::app::App;
use crate::config::RateLimits;
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// Carries a new token over the redirect to the page that shows it, and no further.
const NEW_TOKEN_COOKIE: &str = "new_token";
/// For how many days a new token can work; the empty one: for ever.
const LIFETIMES: [(&str, &str); 6] =
    [("", "Never"), ("7", "In 7 days"), ("30", "In 30 days"), ("90", "In 90 days"), ("180", "In 180 days"), ("365", "In a year")];

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
    /// What is said of a new one.
    pub new: TokenFields,
}

/// The fields of a new token.
#[derive(Debug)]
pub struct TokenFields {
    /// Its name.
    pub name: Field,
    /// What it may do.
    pub roles: Vec<Choice>,
    /// The namespaces a fine-grained token can be limited to.
    pub scopes: Vec<ScopeChoice>,
    /// What is wrong with the namespaces chosen.
    pub scopes_error: Option<String>,
    /// Repositories a fine-grained token can read.
    pub repos_read: Field,
    /// Repositories it can write.
    pub repos_write: Field,
    /// Whether it reads gated repositories of others.
    pub gated: bool,
    /// What it does with its owner's webhooks, and the choices for that; a service account has none.
    pub webhooks: Option<(Field, Vec<Choice>)>,
    /// When it stops working.
    pub expires: Field,
    /// The choices for that.
    pub lifetimes: Vec<Choice>,
    /// How many requests it may make, on a hub that counts them.
    pub requests: Option<Field>,
}

/// A token that was just made.
#[derive(Debug)]
pub struct CreatedToken {
    /// Its name.
    pub name: String,
    /// Its text.
    pub value: String,
}

/// A token in the list.
#[derive(Debug)]
pub struct TokenItem {
    /// Its key.
    pub pk: i64,
    /// Its name.
    pub name: String,
    /// The end of its text.
    pub hint: String,
    /// What it may do.
    pub role: &'static str,
    /// For a fine-grained token: where.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From which address.
    pub last_used_address: Option<String>,
    /// When it stops working, if it still does.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether its time is over.
    pub expired: bool,
    /// Whether it was found where everybody can read it.
    pub leaked: bool,
    /// How many requests this node has counted in this window, if any are counted.
    pub requests: Option<u64>,
    /// How long a window is, in seconds.
    pub window_secs: u64,
    /// How many requests of each kind it may make in a window, if its owner said so.
    pub requests_limit: Option<i64>,
}

/// What a fine-grained token may do in a namespace.
#[derive(Debug)]
pub struct ScopeChoice {
    /// The namespace.
    pub name: String,
    /// Nothing, `read` or `write`.
    pub access: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/tokens", crate::web::read().to(show_tokens))
        .route("/settings/tokens", web::post().to(post_token))
        .route("/settings/tokens/{token_pk}/rename", web::post().to(post_rename))
        .route("/settings/tokens/{token_pk}/limit", web::post().to(post_limit))
        .route("/settings/tokens/{token_pk}/rotate", web::post().to(post_rotate))
        .route("/settings/tokens/{token_pk}/revoke", web::post().to(post_revoke));
}

async fn show_tokens(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let created = take_created(&page, NEW_TOKEN_COOKIE);
    let shown = tokens_page(&page, user, created, &TokenForm::default(), &Refusal::default()).await?;
    let response = page.show(shown).await?;
    Ok(forget_created(&page, NEW_TOKEN_COOKIE, response))
}

/// The token that was made by the request before, if this page is to show it.
pub fn take_created(page: &PageRequest, cookie: &'static str) -> Option<CreatedToken> {
    let carried = page.kept(cookie)?;
    let (value, name) = carried.value().split_once(' ')?;
    Some(CreatedToken { name: name.to_owned(), value: value.to_owned() })
}

/// Takes care that the text of a new token is not shown again.
pub fn forget_created(page: &PageRequest, cookie: &'static str, mut response: HttpResponse) -> HttpResponse {
    if page.kept(cookie).is_some() {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let _ = response.add_cookie(&page.own_cookie(cookie, String::new(), Duration::ZERO));
    }
    response
}

/// What was chosen for a new token.
#[derive(Debug, Default)]
pub struct TokenForm {
    name: String,
    role: String,
    scopes: Vec<(String, String)>,
    repos_read: String,
    repos_write: String,
    gated: bool,
    webhooks: String,
    expires: String,
    requests_limit: String,
}

impl TokenForm {
    /// Reads it.
    pub fn read(form: &CheckedForm) -> Self {
        let chosen = |(key, access): &(String, String)| Some((key.strip_prefix("scope:")?.to_owned(), access.clone()));
        Self {
            name: form.text("name").to_owned(),
            role: form.text("role").to_owned(),
            scopes: form.fields().pairs().iter().filter_map(chosen).collect(),
            repos_read: form.text("repos_read").to_owned(),
            repos_write: form.text("repos_write").to_owned(),
            gated: form.text("gated") == "true",
            webhooks: form.text("webhooks").to_owned(),
            expires: form.text("expires").to_owned(),
            requests_limit: form.text("requests_limit").to_owned(),
        }
    }

    fn access_to(&self, namespace: &str) -> &str {
        self.scopes.iter().find(|(name, _)| name == namespace).map_or("", |(_, access)| access)
    }

    /// What the token is to be, for an account.
    ///
    /// # Errors
    /// 400 for what is missing or cannot be.
    pub fn new_token(&self, user: &User) -> HubResult<NewToken> {
        let role =
            TokenRole::parse(&self.role).ok_or_else(|| HubError::bad_request("Choose what the token may do.").at("role"))?;
        let chosen = Chosen {
            namespaces: self.scopes.iter().map(|(name, access)| (name.as_str(), access.as_str())).collect(),
            read: &self.repos_read,
            write: &self.repos_write,
            gated: self.gated,
            webhooks: &self.webhooks,
        };
        let scopes = match role {
            TokenRole::Read | TokenRole::Write => json!({}),
            TokenRole::FineGrained => scopes::build(user, &chosen)?,
        };
        let requests_limit = read_requests_limit(&self.requests_limit)?;
        Ok(NewToken { name: self.name.clone(), role, scopes, expires_at: self.expires_at()?, requests_limit })
    }

    fn expires_at(&self) -> HubResult<Option<DateTime<Utc>>> {
        if !LIFETIMES.iter().any(|(days, _)| *days == self.expires) {
            return Err(HubError::bad_request("Choose when the token stops working.").at("expires"));
        }
        Ok(self.expires.parse().ok().map(|days| crate::clock::now() + TimeDelta::days(days)))
    }
}

async fn post_token(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, "/settings/tokens").await?;
    let form = TokenForm::read(&form);
    let made = match form.new_token(user) {
        Ok(token) => create_token(&page.app, user, &token).await.map(|secret| (token.name, secret)),
        Err(error) => Err(error),
    };
    match made {
        Ok((name, secret)) => show_once(&page, "/settings/tokens", NEW_TOKEN_COOKIE, (&name, &secret)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = tokens_page(&page, user, None, &form, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// Leads to the page that shows a token that was just made.
///
/// # Errors
/// 500 when the cookie cannot be written.
pub fn show_once(page: &PageRequest, to: &str, cookie: &'static str, (name, secret): (&str, &str)) -> HubResult<HttpResponse> {
    let mut response = page.redirect(to);
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || " -_.".contains(*c)).collect();
    let cookie = page.own_cookie(cookie, format!("{secret} {name}"), Duration::minutes(1));
    response.add_cookie(&cookie).map_err(HubError::internal)?;
    Ok(response)
}

async fn post_rename(page: PageRequest, path: web::Path<i64>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    tokens::rename(&page.app, user, path.into_inner(), form.text("name")).await?;
    Ok(page.redirect_saying("/settings/tokens", "Token renamed."))
}

async fn post_limit(page: PageRequest, path: web::Path<i64>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    tokens::set_requests_limit(&page.app, user, path.into_inner(), form.text("requests_limit")).await?;
    Ok(page.redirect_saying("/settings/tokens", "The token's limit was changed."))
}

async fn post_rotate(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, "/settings/tokens").await?;
    let (name, secret) = tokens::rotate(&page.app, user, path.into_inner()).await?;
    show_once(&page, "/settings/tokens", NEW_TOKEN_COOKIE, (&name, &secret))
}

async fn post_revoke(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    tokens::revoke(&page.app, user, path.into_inner()).await?;
    Ok(page.redirect_saying("/settings/tokens", "Token revoked."))
}

async fn tokens_page(
    page: &PageRequest,
    user: &User,
    created: Option<CreatedToken>,
    form: &TokenForm,
    refusal: &Refusal,
) -> HubResult<TokensPage> {
    Ok(TokensPage {
        layout: page.layout("Access tokens"),
        navigation: SettingsNavigation::new(user, "/settings/tokens"),
        hub_url: page.base.as_str().to_owned(),
        created,
        tokens: items_of(page, user.pk).await?,
        new: TokenFields::of(&page.app.config.rate_limits, user, form, refusal),
    })
}

/// The tokens of an account.
///
/// # Errors
/// The database does not answer.
pub async fn items_of(page: &PageRequest, user_pk: UserPk) -> HubResult<Vec<TokenItem>> {
    Ok(list_tokens(&page.app.pool, user_pk).await?.into_iter().map(|row| token_item(&page.app, row)).collect())
}

impl TokenFields {
    /// The fields for a token of an account, with what was chosen.
    pub fn of(limits: &RateLimits, user: &User, form: &TokenForm, refusal: &Refusal) -> Self {
        let chosen = if form.role.is_empty() { "write" } else { &form.role };
        let scope = |(_, name, _): (_, String, _)| ScopeChoice { access: form.access_to(&name).to_owned(), name };
        let repos =
            |name, label, value: &str| Field::new(name, label).value(value).hint("One a line: `ada/bert`, `datasets/ada/squad`.");
        let whose = if user.is_service() {
            "See and download everything that it can."
        } else {
            "See and download everything that you can."
        };
        let webhook_rights = [("", "No access"), ("read", "See, without their secrets"), ("write", "See and change")]
            .map(|(value, label)| Choice::new(value, label, &form.webhooks));
        let in_window = format!(
            "How many of each kind (API, files, pages) it may make in {} seconds. Empty: as many as the account.",
            limits.window_secs
        );
        let requests = Field::new("requests_limit", "Limit of requests").value(&form.requests_limit).hint(in_window);
        let webhooks =
            Field::new("webhooks", "Your webhooks").hint("To watch a namespace of yours, the token must read it, too.");
        Self {
            name: refusal.mark(Field::new("name", "Name").value(&form.name).hint("Where it will be used.")),
            roles: vec![
                Choice::new("read", "Read", chosen).hint(whose),
                Choice::new("write", "Write", chosen).hint("Also create, push, change and delete repositories."),
                Choice::new("fineGrained", "Fine-grained", chosen).hint("Only the namespaces and repositories chosen below."),
            ],
            scopes: scopes::namespaces_of(user).into_iter().map(scope).collect(),
            scopes_error: refusal.message_at("scopes").or_else(|| refusal.message_at("role")),
            repos_read: refusal.mark(repos("repos_read", "Repositories to read", &form.repos_read)),
            repos_write: refusal.mark(repos("repos_write", "Repositories to read and write", &form.repos_write)),
            gated: form.gated,
            webhooks: (!user.is_service()).then(|| (webhooks, webhook_rights.into())),
            expires: refusal.mark(Field::new("expires", "Stops working")),
            requests: limits.enabled.then(|| refusal.mark(requests)),
            lifetimes: LIFETIMES.iter().map(|(days, label)| Choice::new(*days, *label, &form.expires)).collect(),
        }
    }
}

fn token_item(app: &App, row: TokenRow) -> TokenItem {
    let limits = &app.config.rate_limits;
    let now = crate::clock::now();
    TokenItem {
        pk: row.token_pk,
        name: row.name,
        hint: row.hint,
        role: match TokenRole::parse(&row.role) {
            Some(TokenRole::Write) => "Write",
            Some(TokenRole::FineGrained) => "Fine-grained",
            Some(TokenRole::Read) | None => "Read",
        },
        scopes: scopes::in_words(&row.scopes),
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        last_used_address: row.last_used_address,
        expired: row.expires_at.is_some_and(|at| at <= now),
        expires_at: row.expires_at.filter(|at| *at > now),
        leaked: row.leaked_at.is_some(),
        requests: limits.enabled.then(|| app.request_counts.of_token(row.token_pk)),
        window_secs: limits.window_secs,
        requests_limit: row.requests_limit,
    }
}
