//! `/settings/saved-searches`: the list of one's saved searches, and the form that adds one.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub_search::SearchQuery;
use hub_types::RepoType;

use super::fresh::{self, Reader};
use super::operations::{self, Alerts, MAX_NAME, NewSearch};
use super::queries::alerts::FreshRow;
use super::queries::{self, SavedSearch};
use super::{feed, operations::missing};
use crate::accounts::User;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::repos::pages::list::ListFilter;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::{Layout, kind_icon, kind_title};

const PATH: &str = "/settings/saved-searches";
/// How many questions are put to the index at a time.
const AT_A_TIME: usize = 8;

/// The list.
#[derive(Debug, Template)]
#[template(path = "saved/list.html")]
struct SavedSearchesPage {
    layout: Layout,
    navigation: SettingsNavigation,
    searches: Vec<Item>,
    /// Whether any of them has mails.
    has_alerts: bool,
    /// Whether mails reach people.
    sends_mail: bool,
    email: String,
    email_confirmed: bool,
}

/// A saved search, ready to print.
#[derive(Debug)]
struct Item {
    pk: i64,
    kind: RepoType,
    icon: &'static str,
    title: &'static str,
    name: String,
    href: String,
    filters: Vec<String>,
    /// What it finds; nothing while there is no index.
    counts: Option<Counts>,
    seen_at: DateTime<Utc>,
    mailed_at: Option<DateTime<Utc>>,
    alerts: &'static str,
    choices: Vec<Choice>,
    feed: String,
    /// The same for readers of JSON feeds.
    json_feed: String,
    /// What was typed instead of the name, and what is wrong with it.
    refused: Option<(String, String)>,
}

impl Item {
    /// What the field for the name shows.
    fn typed(&self) -> &str {
        self.refused.as_ref().map_or(&self.name, |(typed, _)| typed)
    }
}

/// How many repositories a search finds.
#[derive(Debug, Clone, Copy)]
struct Counts {
    total: u64,
    fresh: u64,
}

/// The form.
#[derive(Debug, Template)]
#[template(path = "saved/new.html")]
struct NewSearchPage {
    layout: Layout,
    navigation: SettingsNavigation,
    list: &'static str,
    title: &'static str,
    query: String,
    filters: Vec<String>,
    back: String,
    error: Option<String>,
    name: Field,
    alerts: Field,
    choices: Vec<Choice>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(PATH, crate::web::read().to(show_list))
        .route(PATH, web::post().to(post_new))
        .route("/settings/saved-searches/new", crate::web::read().to(show_new))
        .route("/settings/saved-searches/{pk}", web::post().to(post_change))
        .route("/settings/saved-searches/{pk}/open", web::post().to(post_open))
        .route("/settings/saved-searches/{pk}/feed", web::post().to(post_feed))
        .route("/settings/saved-searches/{pk}/delete", web::post().to(post_delete));
}

async fn show_list(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let shown = list_page(&page, user).await?;
    page.show(shown).await
}

async fn list_page(page: &PageRequest, user: &User) -> HubResult<SavedSearchesPage> {
    let saved = queries::list(&page.app.pool, user.pk).await?;
    let counts = count(page, user, &saved).await?;
    let searches: Vec<Item> = saved.iter().map(|saved| item(page, saved, counts.get(&saved.saved_search_pk).copied())).collect();
    Ok(SavedSearchesPage {
        layout: page.layout("Saved searches"),
        navigation: SettingsNavigation::new(user, PATH),
        searches,
        has_alerts: saved.iter().any(|saved| saved.alerts != Alerts::Off),
        sends_mail: page.app.mailer.reaches_people(),
        email: user.email.clone(),
        email_confirmed: user.email_confirmed,
    })
}

fn item(page: &PageRequest, saved: &SavedSearch, counts: Option<Counts>) -> Item {
    let feed = page.base.join(&feed::path(&page.app, saved));
    Item {
        pk: saved.saved_search_pk,
        kind: saved.repo_type,
        icon: kind_icon(saved.repo_type),
        title: kind_title(saved.repo_type),
        name: saved.name.clone(),
        href: saved.href(),
        filters: saved.filter().labels(),
        counts,
        seen_at: saved.seen_at,
        mailed_at: saved.mailed_at,
        alerts: saved.alerts.label(),
        choices: choices(saved.alerts),
        json_feed: format!("{feed}.json"),
        feed: format!("{feed}.atom"),
        refused: None,
    }
}

fn choices(chosen: Alerts) -> Vec<Choice> {
    Alerts::EVERY.map(|alerts| Choice::new(alerts.as_str(), alerts.label(), chosen.as_str())).into()
}

/// What each search finds, and how much of it is new to its owner; nothing while there is no index.
async fn count(page: &PageRequest, user: &User, saved: &[SavedSearch]) -> HubResult<HashMap<i64, Counts>> {
    let Some(since) = saved.iter().map(|saved| saved.seen_at).min().filter(|_| page.app.search.is_ready()) else {
        return Ok(HashMap::new());
    };
    let reader = Reader::new(user.clone());
    let fresh = fresh::list(&page.app, since, crate::clock::now()).await?;
    let counted = stream::iter(saved).map(|saved| count_one(page, &reader, &fresh, saved));
    counted.buffered(AT_A_TIME).try_collect().await
}

async fn count_one(page: &PageRequest, reader: &Reader, fresh: &[FreshRow], saved: &SavedSearch) -> HubResult<(i64, Counts)> {
    let filter = saved.filter();
    let all = SearchQuery { limit: 0, ..filter.question(reader.viewer(), reader.visible()) };
    let total = fresh::find(&page.app, all).await?.total;
    let candidates = reader.candidates(fresh, saved.repo_type, saved.seen_at);
    let fresh = fresh::matching(&page.app, &filter, reader, candidates, 0).await?.total;
    Ok((saved.saved_search_pk, Counts { total, fresh }))
}

async fn show_new(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let query = page.query();
    let kind = kind_of(query.get("list").unwrap_or_default())?;
    let filter = ListFilter::read(kind, query.get("query").unwrap_or_default());
    let name: String = filter.labels().join(", ").chars().take(MAX_NAME).collect();
    let shown = new_page(&page, user, kind, &filter, &name, Alerts::Off, &Refusal::default());
    page.show(shown).await
}

fn kind_of(plural: &str) -> HubResult<RepoType> {
    let kind = RepoType::from_plural(plural).filter(|kind| kind.has_git());
    kind.ok_or_else(|| HubError::bad_request("Only lists of models, datasets and Spaces can be saved."))
}

fn new_page(
    page: &PageRequest,
    user: &User,
    kind: RepoType,
    filter: &ListFilter,
    name: &str,
    alerts: Alerts,
    refusal: &Refusal,
) -> NewSearchPage {
    let query = filter.canonical();
    let hint = match user.email_confirmed {
        true => format!("To {}.", user.email),
        false => format!("To {}, once you have confirmed that address.", user.email),
    };
    NewSearchPage {
        layout: page.layout("Save this search"),
        navigation: SettingsNavigation::new(user, PATH),
        list: kind.plural(),
        title: kind_title(kind),
        back: format!("/{}?{query}", kind.plural()),
        query,
        filters: filter.labels(),
        error: refusal.message_elsewhere(&["name", "alerts"]),
        name: refusal.mark(Field::new("name", "Name").value(name)),
        alerts: refusal.mark(Field::new("alerts", "When something is new").hint(hint)),
        choices: choices(alerts),
    }
}

async fn post_new(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let kind = kind_of(form.text("list"))?;
    let filter = ListFilter::read(kind, form.text("query"));
    let alerts = Alerts::parse(form.text("alerts"))?;
    let new = NewSearch { kind, filter: &filter, name: form.text("name"), alerts };
    match operations::save(&page.app, user, &new).await {
        Ok(()) => Ok(page.redirect_saying(PATH, "Search saved.")),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = new_page(&page, user, kind, &filter, new.name, alerts, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn post_change(page: PageRequest, path: web::Path<i64>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let pk = path.into_inner();
    let (name, alerts) = (form.text("name"), Alerts::parse(form.text("alerts"))?);
    match operations::change(&page.app, user, pk, name, alerts).await {
        Ok(()) => Ok(page.redirect_saying(PATH, "Search changed.")),
        Err(error) if error.field() == Some("name") => refused(&page, user, pk, name, &error).await,
        Err(error) => Err(error),
    }
}

/// The list with what was typed and what is wrong with it.
async fn refused(page: &PageRequest, user: &User, pk: i64, typed: &str, error: &HubError) -> HubResult<HttpResponse> {
    let mut shown = list_page(page, user).await?;
    if let Some(item) = shown.searches.iter_mut().find(|item| item.pk == pk) {
        item.refused = Some((typed.to_owned(), error.message().to_owned()));
    }
    page.show_with(StatusCode::UNPROCESSABLE_ENTITY, shown).await
}

/// Leads to the list, and counts what is new from now on.
async fn post_open(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let found = queries::find(&page.app.pool, path.into_inner()).await?;
    let saved = found.filter(|saved| saved.user_pk == user.pk).ok_or_else(missing)?;
    queries::mark_seen(&page.app.pool, user.pk, saved.saved_search_pk).await?;
    Ok(page.redirect(&saved.latest_href()))
}

async fn post_feed(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    operations::renew_feed(&page.app, user, path.into_inner()).await?;
    Ok(page.redirect_saying(PATH, "The feed has another address now. The old one shows nothing any more."))
}

async fn post_delete(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    operations::delete(&page.app, user, path.into_inner()).await?;
    Ok(page.redirect_saying(PATH, "Saved search deleted."))
}
