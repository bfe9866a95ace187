//! One service account: what it is for, its role, its tokens; disabling and deleting it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::service_accounts::{list_path, role_of};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::members::lower_role_options;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::pages::tokens::{
    CreatedToken, TokenFields, TokenForm, TokenItem, forget_created, items_of, show_once, take_created,
};
use crate::accounts::queries::service_accounts::ServiceAccountRow;
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::service_accounts::{self, find, load, path_of};
use crate::accounts::settings::require_admin_of;
use crate::accounts::{User, sudo, tokens};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// Carries a new token over the redirect to the page that shows it, and no further.
const NEW_TOKEN_COOKIE: &str = "new_service_token";
/// The fields that show an error themselves.
const FIELDS: &[&str] = &["purpose", "name", "role", "scopes", "repos_read", "repos_write", "expires", "requests_limit"];

/// The page.
#[derive(Debug, Template)]
#[template(path = "organizations/service_account.html")]
struct ServiceAccountPage {
    /// The frame.
    layout: Layout,
    /// The viewer's settings pages.
    navigation: SettingsNavigation,
    /// The organisation.
    organization: String,
    /// For how many days it can be restored once it is deleted.
    days: u64,
    /// The account.
    account: ServiceAccountRow,
    /// Where its forms go.
    path: String,
    /// Where those of its tokens go.
    tokens_path: String,
    /// What concerns no field.
    error: Option<String>,
    /// What it is for.
    purpose: Field,
    /// Its role.
    role: Field,
    /// The roles to choose from.
    roles: Vec<Choice>,
    /// A token made by this very request: the only time its text is shown.
    created: Option<CreatedToken>,
    /// Its tokens.
    tokens: Vec<TokenItem>,
    /// What is said of a new one.
    new: TokenFields,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/organizations/{name}/settings/service-accounts/{account}", crate::web::read().to(show_account))
        .route("/organizations/{name}/settings/service-accounts/{account}", web::post().to(post_change))
        .route("/organizations/{name}/settings/service-accounts/{account}/switch", web::post().to(post_switch))
        .route("/organizations/{name}/settings/service-accounts/{account}/delete", web::post().to(post_delete))
        .route("/organizations/{name}/settings/service-accounts/{account}/tokens", web::post().to(post_token))
        .route("/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/rename", web::post().to(post_rename))
        .route("/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/limit", web::post().to(post_limit))
        .route("/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/rotate", web::post().to(post_rotate))
        .route("/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/revoke", web::post().to(post_revoke));
}

/// A service account, as an admin of its organisation looks after it.
struct Kept {
    organization: ProfileRow,
    account: ServiceAccountRow,
    path: String,
}

/// Finds the service account of a path.
///
/// # Errors
/// 401 and 403 for those who are no admins in a browser, 404 when there is none of this name.
async fn kept(page: &PageRequest, organization: &str, account: &str) -> HubResult<Kept> {
    let user = page.require_session()?;
    let organization = require_admin_of(&page.app, user, organization).await?;
    let account = find(&page.app, organization.namespace_pk, account).await?;
    let path = path_of(&organization.name, &account.name);
    Ok(Kept { organization, account, path })
}

/// What was typed into the forms.
#[derive(Debug, Default)]
struct Typed {
    /// What it is for, and its role.
    about: Option<(String, String)>,
    token: TokenForm,
}

async fn show_account(page: PageRequest, path: web::Path<(String, String)>) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    let shown = account_page(&page, kept, &Typed::default(), &Refusal::default()).await?;
    let response = page.show(shown).await?;
    Ok(forget_created(&page, NEW_TOKEN_COOKIE, response))
}

async fn account_page(page: &PageRequest, kept: Kept, typed: &Typed, refusal: &Refusal) -> HubResult<ServiceAccountPage> {
    let Kept { organization, account, path } = kept;
    let service: User = load(&page.app, &account).await?;
    let (purpose, role) = match &typed.about {
        Some((purpose, role)) => (purpose.as_str(), role.as_str()),
        None => (account.details.as_str(), account.role.as_str()),
    };
    // Both forms have a role: an error about it is that of the form that was sent.
    let none = Refusal::default();
    let (of_about, of_token) = if typed.about.is_some() { (refusal, &none) } else { (&none, refusal) };
    Ok(ServiceAccountPage {
        layout: page.layout(format!("{} of {}", account.name, organization.name)),
        navigation: SettingsNavigation::new(page.require_session()?, "/settings/organizations"),
        organization: organization.name,
        days: page.app.config.undo_days,
        error: refusal.message_elsewhere(FIELDS),
        purpose: of_about.mark(Field::new("purpose", "What it is for").value(purpose).hint("Everybody sees it on its page.")),
        role: of_about.mark(Field { key: "account-", ..Field::new("role", "Role") }),
        roles: lower_role_options(role),
        created: take_created(page, NEW_TOKEN_COOKIE),
        tokens: items_of(page, account.user_pk).await?,
        new: TokenFields::of(&page.app.config.rate_limits, &service, &typed.token, of_token),
        account,
        tokens_path: format!("{path}/tokens"),
        path,
    })
}

async fn show_refused(page: &PageRequest, kept: Kept, typed: Typed, error: HubError) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let shown = account_page(page, kept, &typed, &refusal).await?;
    page.show_with(refusal.status, shown).await
}

async fn post_change(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    sudo::require(&page, &kept.path).await?;
    let purpose = form.text("purpose");
    let done = match role_of(&form) {
        Ok(role) => service_accounts::change(&page.app, kept.organization.namespace_pk, &kept.account, purpose, role).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(page.redirect_saying(&kept.path, "The service account was changed.")),
        Err(error) => {
            let about = Some((purpose.to_owned(), form.text("role").to_owned()));
            show_refused(&page, kept, Typed { about, ..Typed::default() }, error).await
        }
    }
}

async fn post_switch(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    let (disabled, text) = match form.text("action") {
        "disable" => (true, "The service account is disabled: its tokens open nothing now."),
        "enable" => (false, "The service account is enabled: its tokens work again."),
        _ => return Err(HubError::bad_request("Press the button again.")),
    };
    if !disabled {
        sudo::require(&page, &kept.path).await?;
    }
    service_accounts::set_disabled(&page.app, &kept.account, disabled).await?;
    Ok(page.redirect_saying(&kept.path, text))
}

async fn post_delete(page: PageRequest, path: web::Path<(String, String)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    sudo::require(&page, &kept.path).await?;
    service_accounts::delete(&page.app, &kept.account).await?;
    let text = format!(
        "The service account {} was deleted, and its tokens with it. It can be restored for {} days, without them.",
        kept.account.name, page.app.config.undo_days
    );
    Ok(page.redirect_saying(&list_path(&kept.organization.name), &text))
}

async fn post_token(page: PageRequest, path: web::Path<(String, String)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    sudo::require(&page, &kept.path).await?;
    let form = TokenForm::read(&form);
    let service = load(&page.app, &kept.account).await?;
    let made = match form.new_token(&service) {
        Ok(token) => service_accounts::create_token(&page.app, &kept.account, &token).await.map(|secret| (token.name, secret)),
        Err(error) => Err(error),
    };
    match made {
        Ok((name, secret)) => show_once(&page, &kept.path, NEW_TOKEN_COOKIE, (&name, &secret)),
        Err(error) => show_refused(&page, kept, Typed { about: None, token: form }, error).await,
    }
}

async fn post_rename(page: PageRequest, path: web::Path<(String, String, i64)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    tokens::rename(&page.app, &load(&page.app, &kept.account).await?, path.2, form.text("name")).await?;
    Ok(page.redirect_saying(&kept.path, "Token renamed."))
}

async fn post_limit(page: PageRequest, path: web::Path<(String, String, i64)>, form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    let service = load(&page.app, &kept.account).await?;
    tokens::set_requests_limit(&page.app, &service, path.2, form.text("requests_limit")).await?;
    Ok(page.redirect_saying(&kept.path, "The token's limit was changed."))
}

async fn post_rotate(page: PageRequest, path: web::Path<(String, String, i64)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    sudo::require(&page, &kept.path).await?;
    let (name, secret) = tokens::rotate(&page.app, &load(&page.app, &kept.account).await?, path.2).await?;
    show_once(&page, &kept.path, NEW_TOKEN_COOKIE, (&name, &secret))
}

async fn post_revoke(page: PageRequest, path: web::Path<(String, String, i64)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let kept = kept(&page, &path.0, &path.1).await?;
    tokens::revoke(&page.app, &load(&page.app, &kept.account).await?, path.2).await?;
    Ok(page.redirect_saying(&kept.path, "Token revoked."))
}
