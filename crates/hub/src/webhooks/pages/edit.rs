use actix_web::{HttpResponse, web};
use askama::Template;

use super::PATH;
use crate::accounts::User;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;
use crate::webhooks::operations::{self, DOMAINS, Wanted};
use crate::webhooks::queries::{self, Webhook};
use crate::webhooks::watched::{MOST, Watched};

/// The form for a new webhook, or for one that is there.
#[derive(Debug, Template)]
#[template(path = "webhooks/edit.html")]
struct EditPage {
    layout: Layout,
    navigation: SettingsNavigation,
    /// Of one that is there: its id.
    id: Option<String>,
    error: Option<String>,
    url: Field,
    watched: Field,
    secret: Field,
    hears_repo: bool,
    hears_discussion: bool,
    domains_error: Option<String>,
}

/// What was typed.
#[derive(Debug, Default)]
struct Typed {
    url: String,
    watched: String,
    secret: String,
    domains: Vec<String>,
}

impl Typed {
    fn read(form: &CheckedForm) -> Self {
        Self {
            url: form.text("url").to_owned(),
            watched: form.text("watched").to_owned(),
            secret: form.text("secret").to_owned(),
            domains: form.fields().all("domains").map(str::to_owned).collect(),
        }
    }

    fn of(webhook: &Webhook, watched: &[Watched]) -> Self {
        Self {
            url: webhook.url.clone(),
            watched: watched.iter().map(Watched::line).collect::<Vec<_>>().join("\n"),
            secret: webhook.secret.clone().unwrap_or_default(),
            domains: webhook.domains.clone(),
        }
    }

    fn wanted(&self) -> HubResult<Wanted> {
        let lines = self.watched.lines().map(str::trim).filter(|line| !line.is_empty());
        let read = |line: &str| {
            let shown: String = line.chars().take(100).collect();
            let refusal = format!("`{shown}` names nothing: write `ada`, `ada/bert` or `datasets/ada/squad`, one a line.");
            Watched::of_line(line).ok_or_else(|| HubError::bad_request(refusal).at("watched"))
        };
        // What is too many is refused before it is read.
        let watched: Vec<Watched> = lines.take(MOST + 1).map(read).collect::<HubResult<_>>()?;
        if watched.is_empty() {
            return Err(HubError::bad_request("Say what to watch: a user, an organization or a repository.").at("watched"));
        }
        let (url, secret) = (Some(self.url.clone()), Some(self.secret.clone()));
        Ok(Wanted { url, watched, domains: Some(self.domains.clone()), secret })
    }
}

fn form_page(page: &PageRequest, user: &User, id: Option<String>, typed: &Typed, refusal: &Refusal) -> EditPage {
    let title = if id.is_some() { "Edit webhook" } else { "New webhook" };
    let hears = |domain: &str| typed.domains.iter().any(|one| one == domain);
    let lines = "Users, organizations and repositories, one a line: `ada`, `ada/bert`, `datasets/ada/squad`.";
    let secret =
        "Sent as `X-Webhook-Secret`, and what deliveries are signed with. Without one, anybody can pretend to be the hub.";
    EditPage {
        layout: page.layout(title),
        navigation: SettingsNavigation::new(user, PATH),
        id,
        error: refusal.message_elsewhere(&["url", "watched", "secret", "domains"]),
        url: refusal.mark(Field::new("url", "URL").value(&typed.url).hint("Where deliveries are sent by POST, as JSON.")),
        watched: refusal.mark(Field::new("watched", "What to watch").value(&typed.watched).hint(lines)),
        secret: refusal.mark(Field::new("secret", "Secret").value(&typed.secret).hint(secret)),
        hears_repo: hears("repo"),
        hears_discussion: hears("discussion"),
        domains_error: refusal.message_at("domains"),
    }
}

pub(super) async fn show_new(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let typed = Typed { domains: DOMAINS.map(str::to_owned).into(), ..Typed::default() };
    let shown = form_page(&page, user, None, &typed, &Refusal::default());
    page.show(shown).await
}

pub(super) async fn post_new(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let typed = Typed::read(&form);
    let made = match typed.wanted() {
        Ok(wanted) => operations::create(&page.app, &page.viewer, user, &wanted).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(webhook) => Ok(page.redirect_saying(&format!("{PATH}/{}", webhook.id), "Webhook created.")),
        Err(error) => refused(&page, user, None, &typed, error).await,
    }
}

pub(super) async fn show_edit(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let found = operations::get(&page.app, user, &path).await?;
    let watches = queries::list_watches(&page.app.pool, &[found.pk], &page.viewer.audiences()).await?;
    let watched: Vec<Watched> = watches.iter().map(Watched::of).collect();
    let shown = form_page(&page, user, Some(found.id.clone()), &Typed::of(&found, &watched), &Refusal::default());
    page.show(shown).await
}

pub(super) async fn post_edit(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let found = operations::get(&page.app, user, &path).await?;
    let typed = Typed::read(&form);
    let changed = match typed.wanted() {
        Ok(wanted) => operations::change(&page.app, &page.viewer, user, &found.id, &wanted).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(webhook) => Ok(page.redirect_saying(&format!("{PATH}/{}", webhook.id), "Webhook changed.")),
        Err(error) => refused(&page, user, Some(found.id), &typed, error).await,
    }
}

/// The form with what was typed and what is wrong with it.
async fn refused(page: &PageRequest, user: &User, id: Option<String>, typed: &Typed, error: HubError) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let shown = form_page(page, user, id, typed, &refusal);
    page.show_with(refusal.status, shown).await
}
