//! `/admin/banner`: what everybody is told on every page.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::frame::{ConsoleNavigation, note, require_admin, require_proof, require_reason};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::{UserPk, audit};
use crate::banner::queries::{self as banners, BannerRow};
use crate::banner::{self, Level, NewBanner};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

const PATH: &str = "/admin/banner";
/// What is written down where there was no banner.
const NONE: &str = "none";
/// How browsers send times.
const FORMAT: &str = "%Y-%m-%dT%H:%M";

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/banner.html")]
struct BannerPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// The banner that there is.
    current: Option<BannerRow>,
    /// What is wrong with what was sent.
    error: Option<String>,
    /// The text.
    body: Field,
    /// How much it matters.
    level: Field,
    levels: Vec<Choice>,
    /// From when on.
    starts: Field,
    /// Until when.
    ends: Field,
    /// Whether people can close it.
    dismissable: bool,
    /// Why.
    reason: Field,
    /// Why it is taken away.
    removal: Field,
}

impl BannerPage {
    /// What the banner is at.
    fn state(&self) -> &'static str {
        let now = crate::clock::now();
        match &self.current {
            None => "There is no banner.",
            Some(row) if row.ends_at.is_some_and(|at| at <= now) => "Its time is over: nobody sees it any more.",
            Some(row) if row.starts_at.is_some_and(|at| now < at) => "It is not shown yet.",
            Some(_) => "It is on every page.",
        }
    }
}

/// The form as it was typed.
#[derive(Debug, Default)]
struct Typed {
    body: String,
    level: String,
    starts: String,
    ends: String,
    dismissable: bool,
    reason: String,
}

impl Typed {
    fn of(row: &BannerRow) -> Self {
        let time = |at: Option<DateTime<Utc>>| at.map(|at| at.format(FORMAT).to_string()).unwrap_or_default();
        Self {
            body: row.body.clone(),
            level: row.level.clone(),
            starts: time(row.starts_at),
            ends: time(row.ends_at),
            dismissable: row.dismissable,
            reason: String::new(),
        }
    }

    fn read(form: &CheckedForm) -> Self {
        let text = |name| form.text(name).to_owned();
        Self {
            body: text("body").replace("\r\n", "\n"),
            level: text("level"),
            starts: text("starts"),
            ends: text("ends"),
            dismissable: form.fields().flag("dismissable"),
            reason: text("reason"),
        }
    }

    fn banner(&self) -> HubResult<NewBanner> {
        let level = Level::parse(&self.level);
        Ok(NewBanner {
            body: self.body.clone(),
            level: level.ok_or_else(|| HubError::bad_request("Choose how much it matters.").at("level"))?,
            dismissable: self.dismissable,
            starts_at: time(&self.starts, "starts")?,
            ends_at: time(&self.ends, "ends")?,
        })
    }
}

/// A banner as the audit log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormerBanner {
    /// What it said.
    pub text: String,
    level: String,
    closable: bool,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

impl FormerBanner {
    fn of(row: BannerRow) -> Self {
        let BannerRow { body, level, dismissable, starts_at, ends_at, .. } = row;
        Self { text: body, level, closable: dismissable, from: starts_at, until: ends_at }
    }

    /// Reads what the audit log tells of what was before: that there was none, or what it said.
    pub(super) fn read(told: &Value) -> Option<Option<Self>> {
        match told.as_str() {
            Some(text) => (text == NONE).then_some(None),
            None => Self::deserialize(told).ok().map(Some),
        }
    }

    /// To be shown again.
    pub(super) fn banner(&self) -> HubResult<NewBanner> {
        let level = Level::parse(&self.level);
        Ok(NewBanner {
            body: self.text.clone(),
            level: level.ok_or_else(|| HubError::conflict("This version has no such banner any more: write another one."))?,
            dismissable: self.closable,
            starts_at: self.from,
            ends_at: self.until,
        })
    }
}

fn time(text: &str, field: &'static str) -> HubResult<Option<DateTime<Utc>>> {
    if text.is_empty() {
        return Ok(None);
    }
    let at = NaiveDateTime::parse_from_str(text, FORMAT).map(|at| at.and_utc());
    let year = |at: &DateTime<Utc>| (2000..3000).contains(&chrono::Datelike::year(at));
    let at = at.ok().filter(year);
    at.map(Some).ok_or_else(|| HubError::bad_request("Write the time as 2026-11-27T18:30, in UTC.").at(field))
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/banner", crate::web::read().to(show)).route("/admin/banner", web::post().to(post));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let shown = page_of(&page, None, &Refusal::default()).await?;
    page.show(shown).await
}

async fn page_of(page: &PageRequest, typed: Option<Typed>, refusal: &Refusal) -> HubResult<BannerPage> {
    let current = banners::find(&page.app.pool).await?;
    let typed = typed.unwrap_or_else(|| match &current {
        Some(row) => Typed::of(row),
        None => Typed { level: "info".to_owned(), dismissable: true, ..Typed::default() },
    });
    let body = Field::new("body", "Text")
        .value(typed.body)
        .hint("Markdown, at most 1000 characters. Links that start with `/` stay on the hub.");
    let reason = Field::new("reason", "Why").hint("The audit log keeps it.");
    Ok(BannerPage {
        layout: page.layout("Banner"),
        navigation: ConsoleNavigation::new(PATH),
        current,
        error: refusal.message_elsewhere(&["body", "level", "starts", "ends"]),
        body: refusal.mark(body),
        level: refusal.mark(Field::new("level", "How much it matters")),
        levels: Level::ALL.into_iter().map(|(level, label)| Choice::new(level.as_str(), label, &typed.level)).collect(),
        starts: refusal.mark(Field::new("starts", "From (UTC)").value(typed.starts).hint("At once, if it is empty.")),
        ends: refusal.mark(Field::new("ends", "Until (UTC)").value(typed.ends).hint("Until it is taken away, if it is empty.")),
        dismissable: typed.dismissable,
        reason: reason.clone().value(typed.reason),
        removal: Field { key: "removal-", ..reason },
    })
}

async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    require_proof(&page, PATH).await?;
    let done = match form.text("act") {
        "show" => set(&page, &form).await,
        "remove" => remove(&page, &form).await,
        _ => return Err(HubError::bad_request("Choose whether the banner is shown or taken away.")),
    };
    match done {
        Ok(text) => {
            banner::load(&page.app).await?;
            Ok(page.redirect_saying(PATH, text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let typed = Some(Typed::read(&form)).filter(|_| form.text("act") == "show");
            let shown = page_of(&page, typed, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn set(page: &PageRequest, form: &CheckedForm) -> HubResult<&'static str> {
    let admin = require_admin(page)?;
    let reason = require_reason(form)?;
    let new = Typed::read(form).banner()?;
    let mut tx = audit::begin(&page.app).await?;
    change(&mut tx, Some(&new), (admin.pk, reason), None).await?;
    tx.commit().await?;
    Ok("The banner is set. Every page has it within seconds.")
}

async fn remove(page: &PageRequest, form: &CheckedForm) -> HubResult<&'static str> {
    let admin = require_admin(page)?;
    let reason = require_reason(form)?;
    let mut tx = audit::begin(&page.app).await?;
    if !change(&mut tx, None, (admin.pk, reason), None).await? {
        return Err(HubError::conflict("There is no banner any more: somebody else took it away."));
    }
    tx.commit().await?;
    Ok("The banner is gone.")
}

/// Shows a banner, or takes the one away that there is, and writes it down, with what was before and the line of the audit log that this
/// takes back. `false`: there was none to be taken away; the caller rolls back.
pub(super) async fn change(
    conn: &mut PgConnection,
    new: Option<&NewBanner>,
    (by, reason): (UserPk, &str),
    undoes: Option<i64>,
) -> HubResult<bool> {
    banners::lock(conn).await?;
    let was = banners::find(&mut *conn).await?;
    let was = was.map_or_else(|| json!(NONE), |row| json!(FormerBanner::of(row)));
    let mut more = json!({ "text": null, "was": was, "undoes": undoes });
    if let Some(new) = new {
        banner::set(conn, by, new).await?;
        more["text"] = json!(new.body);
        more["level"] = json!(new.level.as_str());
        more["from"] = json!(new.starts_at);
        more["until"] = json!(new.ends_at);
    } else if !banner::remove(conn).await? {
        return Ok(false);
    }
    note(conn, by, "admin.banner", "", reason, more).await?;
    Ok(true)
}
