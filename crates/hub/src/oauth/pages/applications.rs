//! `/settings/applications`: the applications that somebody keeps.

use actix_web::cookie::time::Duration;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::accounts::{User, sudo};
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::oauth::clients::{self, Typed};
use crate::oauth::queries::clients::deleted::DeletedClient;
use crate::oauth::queries::clients::{Client, list_kept};
use crate::oauth::scopes::SCOPES;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;
use crate::web::removed::{Removed, RemovedItem};

const PATH: &str = "/settings/applications";
/// Carries a new secret over the redirect to the page that shows it, and no further.
const SECRET_COOKIE: &str = "new_app_secret";

/// The list.
#[derive(Debug, Template)]
#[template(path = "oauth/applications.html")]
struct ApplicationsPage {
    layout: Layout,
    navigation: SettingsNavigation,
    /// Why one could not be restored.
    error: Option<String>,
    applications: Vec<Client>,
    /// Those that were deleted, and can come back.
    deleted: Removed,
}

/// The form for a new application, or for one that is there.
#[derive(Debug, Template)]
#[template(path = "oauth/application.html")]
struct ApplicationPage {
    layout: Layout,
    navigation: SettingsNavigation,
    error: Option<String>,
    /// For how many days one that is deleted can be restored.
    days: u64,
    /// Of one that is there.
    kept: Option<Kept>,
    /// A secret made by this very request: the only time it is shown.
    secret: Option<String>,
    /// The hub's own address.
    hub_url: String,
    name: Field,
    homepage: Field,
    redirect_uris: Field,
    kinds: Vec<Choice>,
    scopes: Vec<Choice>,
    scopes_error: Option<String>,
}

/// What of an application does not change.
#[derive(Debug)]
struct Kept {
    id: String,
    is_confidential: bool,
    created_at: DateTime<Utc>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/applications", crate::web::read().to(show_list))
        .route("/settings/applications", web::post().to(post_new))
        .route("/settings/applications/new", crate::web::read().to(show_new))
        .route("/settings/applications/{client}", crate::web::read().to(show))
        .route("/settings/applications/{client}", web::post().to(post_edit))
        .route("/settings/applications/{client}/secret", web::post().to(post_secret))
        .route("/settings/applications/{client}/delete", web::post().to(post_delete));
}

async fn show_list(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    list(&page, user, &Refusal::default()).await
}

async fn list(page: &PageRequest, user: &User, refusal: &Refusal) -> HubResult<HttpResponse> {
    let shown = ApplicationsPage {
        layout: page.layout("Developer applications"),
        navigation: SettingsNavigation::new(user, PATH),
        error: refusal.message_elsewhere(&[]),
        applications: list_kept(&page.app.pool, user.pk).await?,
        deleted: Removed {
            heading: "Deleted applications",
            column: "Application",
            hint: "They come back under their client id and with the secret that they had. Everybody stays signed out of them.",
            days: page.app.config.undo_days,
            path: PATH.to_owned(),
            items: clients::list_deleted(&page.app, user).await?.into_iter().map(deleted_item).collect(),
        },
    };
    page.show_with(refusal.status, shown).await
}

fn deleted_item(client: DeletedClient) -> RemovedItem {
    RemovedItem { key: client.pk, name: client.name, of: String::new(), note: client.id, deleted_at: client.deleted_at }
}

fn read(form: &CheckedForm) -> Typed {
    let lines = form.text("redirect_uris").lines().map(str::trim).filter(|line| !line.is_empty());
    Typed {
        name: form.text("name").to_owned(),
        homepage: form.text("homepage").to_owned(),
        // What is too many is refused, and one more than that is too many.
        redirect_uris: lines.take(21).map(str::to_owned).collect(),
        scopes: clients::scopes_of(form.fields().all("scope")),
    }
}

fn form_page(
    page: &PageRequest,
    user: &User,
    client: Option<&Client>,
    typed: &Typed,
    kind: &str,
    refusal: &Refusal,
) -> ApplicationPage {
    let scope = |scope: &crate::oauth::scopes::Scope| {
        let mut choice = Choice::new(scope.name, scope.words, "");
        choice.selected = typed.scopes.iter().any(|one| one == scope.name);
        choice
    };
    let uris = "Where people are sent back to, one a line, exactly as your application sends them. `http` only for `localhost`, where \
                any port will do.";
    ApplicationPage {
        layout: page.layout(client.map_or("New application", |client| client.name.as_str())),
        navigation: SettingsNavigation::new(user, PATH),
        error: refusal.message_elsewhere(&["name", "homepage", "redirect_uris", "scopes"]),
        days: page.app.config.undo_days,
        kept: client.map(|client| Kept {
            id: client.id.clone(),
            is_confidential: client.is_confidential(),
            created_at: client.created_at,
        }),
        secret: None,
        hub_url: page.base.as_str().to_owned(),
        name: refusal.mark(Field::new("name", "Name").value(&typed.name).hint("What people see when they sign in.")),
        homepage: refusal.mark(Field::new("homepage", "Home page").value(&typed.homepage)),
        redirect_uris: refusal
            .mark(Field::new("redirect_uris", "Redirect URIs").value(typed.redirect_uris.join("\n")).hint(uris)),
        kinds: vec![
            Choice::new("confidential", "On a server", kind).hint("It keeps a secret, with which it proves who it is."),
            Choice::new("public", "In a browser or on a device", kind).hint("It can keep no secret, and uses PKCE."),
        ],
        scopes: SCOPES.iter().map(scope).collect(),
        scopes_error: refusal.message_at("scopes"),
    }
}

async fn show_new(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    page.app.require(Flag::Applications)?;
    let typed = Typed { scopes: clients::scopes_of(["openid", "profile"]), ..Typed::default() };
    let shown = form_page(&page, user, None, &typed, "confidential", &Refusal::default());
    page.show(shown).await
}

async fn post_new(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    if let Some(client_pk) = form.restored() {
        return restore(&page, client_pk).await;
    }
    let user = sudo::require(&page, &format!("{PATH}/new")).await?;
    page.app.require(Flag::Applications)?;
    let (typed, kind) = (read(&form), form.text("kind"));
    let made = match kind {
        "confidential" | "public" => clients::create(&page.app, user, &typed, kind == "confidential").await,
        _ => Err(HubError::bad_request("Choose where the application runs.")),
    };
    match made {
        Ok((id, Some(secret))) => show_once(&page, &id, &secret),
        Ok((id, None)) => Ok(page.redirect_saying(&format!("{PATH}/{id}"), "Application created.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = form_page(&page, user, None, &typed, kind, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn show(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let client = clients::kept_by(&page.app, user, &path).await?;
    let typed = Typed {
        name: client.name.clone(),
        homepage: client.homepage.clone(),
        redirect_uris: client.redirect_uris.clone(),
        scopes: client.scopes.clone(),
    };
    let mut shown = form_page(&page, user, Some(&client), &typed, "", &Refusal::default());
    let carried = page.kept(SECRET_COOKIE);
    shown.secret = carried.as_ref().and_then(|cookie| {
        let (id, secret) = cookie.value().split_once(' ')?;
        (id == client.id).then(|| secret.to_owned())
    });
    let mut response = page.show(shown).await?;
    if carried.is_some() {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let _ = response.add_cookie(&page.own_cookie(SECRET_COOKIE, String::new(), Duration::ZERO));
    }
    Ok(response)
}

/// Leads to the page that shows a secret that was just made.
fn show_once(page: &PageRequest, id: &str, secret: &str) -> HubResult<HttpResponse> {
    let mut response = page.redirect(&format!("{PATH}/{id}"));
    let cookie = page.own_cookie(SECRET_COOKIE, format!("{id} {secret}"), Duration::minutes(1));
    response.add_cookie(&cookie).map_err(HubError::internal)?;
    Ok(response)
}

async fn post_edit(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    // Where people are sent, and who speaks for the application, is worth as much as their tokens.
    let user = sudo::require(&page, &format!("{PATH}/{}", path.as_str())).await?;
    let client = clients::kept_by(&page.app, user, &path).await?;
    let typed = read(&form);
    match clients::change(&page.app, &client, &typed).await {
        Ok(()) => Ok(page.redirect_saying(&format!("{PATH}/{}", client.id), "Application changed.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = form_page(&page, user, Some(&client), &typed, "", &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_secret(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, &format!("{PATH}/{}", path.as_str())).await?;
    let client = clients::kept_by(&page.app, user, &path).await?;
    let secret = clients::change_secret(&page.app, &client).await?;
    show_once(&page, &client.id, &secret)
}

async fn post_delete(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let client = clients::kept_by(&page.app, user, &path).await?;
    clients::delete(&page.app, &client).await?;
    let text = format!("Application deleted. It can be restored for {} days.", page.app.config.undo_days);
    Ok(page.redirect_saying(PATH, &text))
}

async fn restore(page: &PageRequest, client_pk: i64) -> HubResult<HttpResponse> {
    let user = sudo::require(page, PATH).await?;
    page.app.require(Flag::Applications)?;
    match clients::restore(&page.app, user, client_pk).await {
        Ok(id) => {
            let text = "The application is back, with the secret that it had. Everybody signs in to it anew.";
            Ok(page.redirect_saying(&format!("{PATH}/{id}"), text))
        }
        Err(error) => list(page, user, &Refusal::of(error)?).await,
    }
}
