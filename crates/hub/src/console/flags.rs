//! `/admin/flags`: what the hub lets people do, switched while it runs.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::frame::{ConsoleNavigation, note, require_admin, require_proof, require_reason};
use crate::accounts::audit;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::flags::queries::{self as rows, ChangeRow};
use crate::flags::read_only::MAX_TOLD;
use crate::flags::{self, Flag};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

const PATH: &str = "/admin/flags";
/// How many of the last changes are shown.
const SHOWN: i64 = 20;

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/flags.html")]
struct FlagsPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// What is wrong with what was sent.
    error: Option<String>,
    /// How all of them stand.
    switches: Vec<Switch>,
    /// The form.
    flag: Field,
    flags: Vec<Choice>,
    to: Field,
    states: Vec<Choice>,
    told: Field,
    reason: Field,
    /// The last changes.
    changes: Vec<Change>,
    /// Why one is taken back.
    undo_reason: Field,
}

impl FlagsPage {
    /// Whether one of the last changes can be taken back.
    fn can_undo(&self) -> bool {
        self.changes.iter().any(|change| change.stands)
    }
}

/// What was typed, or chosen, to turn a switch.
#[derive(Debug, Default)]
struct Typed<'a> {
    flag: &'a str,
    to: &'a str,
    told: &'a str,
    reason: &'a str,
}

/// How a switch stands.
#[derive(Debug)]
struct Switch {
    flag: Flag,
    on: bool,
    /// Whether the hub works so as it mostly does.
    usual: bool,
    /// Why it stands so.
    why: String,
}

/// A change that was made.
#[derive(Debug)]
struct Change {
    pk: i64,
    label: &'static str,
    from: &'static str,
    to: &'static str,
    by: Option<String>,
    reason: String,
    /// What people are told.
    told: Option<String>,
    at: DateTime<Utc>,
    /// Whether the switch stands as this change left it, and stood otherwise before: another text alone is not taken back.
    stands: bool,
}

/// A state in words.
const fn word(state: Option<bool>) -> &'static str {
    match state {
        Some(true) => "on",
        Some(false) => "off",
        None => "as the settings say",
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/flags", crate::web::read().to(show)).route("/admin/flags", web::post().to(post));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let query = page.query();
    let typed = Typed { flag: query.get("flag").unwrap_or_default(), ..Typed::default() };
    let shown = page_of(&page, &typed, &Refusal::default()).await?;
    page.show(shown).await
}

async fn page_of(page: &PageRequest, typed: &Typed<'_>, refusal: &Refusal) -> HubResult<FlagsPage> {
    let app = &page.app;
    let switch = |flag: Flag| {
        let turned = app.flags.turned(flag);
        let why = match (flag.needs(&app.config), turned) {
            (Some(setting), _) => format!("The setting {setting} is missing."),
            (None, Some(_)) => "Switched here.".to_owned(),
            (None, None) => "As the settings say.".to_owned(),
        };
        let on = app.allows(flag);
        Switch { flag, on, usual: on != (flag == Flag::ReadOnly), why }
    };
    let mut seen = Vec::new();
    let changes = rows::list_last(&app.pool, SHOWN).await?.into_iter().filter_map(|row| change(row, &mut seen)).collect();
    let reason = Field::new("reason", "Why").hint("The audit log keeps it.");
    let told = Field::new("told", "What people are told (optional)")
        .hint("For read-only operation: one line that whoever is refused reads, such as `The database moves until 18:00 UTC.`");
    let states = [("on", "On"), ("off", "Off"), ("setting", "Back to the setting")];
    Ok(FlagsPage {
        layout: page.layout("Switches"),
        navigation: ConsoleNavigation::new(PATH),
        error: refusal.message_elsewhere(&["told"]),
        switches: Flag::ALL.into_iter().map(switch).collect(),
        flag: Field::new("flag", "Switch"),
        flags: Flag::ALL.into_iter().map(|one| Choice::new(one.as_str(), one.label(), typed.flag)).collect(),
        to: Field::new("to", "Turn it"),
        states: states.into_iter().map(|(value, label)| Choice::new(value, label, typed.to)).collect(),
        told: refusal.mark(told.value(typed.told)),
        undo_reason: Field { key: "undo-", ..reason.clone() },
        reason: reason.value(typed.reason),
        changes,
    })
}

/// Of each switch only the last change can be taken back. `seen` are those that had a later one.
fn change(row: ChangeRow, seen: &mut Vec<Flag>) -> Option<Change> {
    let flag = Flag::parse(&row.flag)?;
    let stands = !seen.contains(&flag) && row.before != row.after;
    seen.push(flag);
    let (from, to) = (word(row.before), word(row.after));
    let (by, reason, told) = (row.by, row.reason, row.told);
    Some(Change { pk: row.change_pk, label: flag.label(), from, to, by, reason, told, at: row.at, stands })
}

async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    require_proof(&page, PATH).await?;
    let done = match form.text("act") {
        "undo" => undo(&page, &form).await,
        _ => turn(&page, &form).await,
    };
    match done {
        Ok(text) => {
            flags::load(&page.app).await?;
            Ok(page.redirect_saying(PATH, &text))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let text = |name| form.text(name);
            let typed = match text("act") {
                "undo" => Typed::default(),
                _ => Typed { flag: text("flag"), to: text("to"), told: text("told"), reason: text("reason") },
            };
            let shown = page_of(&page, &typed, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn turn(page: &PageRequest, form: &CheckedForm) -> HubResult<String> {
    let flag = Flag::parse(form.text("flag")).ok_or_else(|| HubError::bad_request("Choose a switch."))?;
    let to = match form.text("to") {
        "on" => Some(true),
        "off" => Some(false),
        "setting" => None,
        _ => return Err(HubError::bad_request("Choose whether it is turned on, off, or back to the setting.")),
    };
    let told = require_told(form, flag, to)?;
    carry_out(page, form, (flag, to, told), None).await
}

async fn undo(page: &PageRequest, form: &CheckedForm) -> HubResult<String> {
    let missing = || HubError::not_found("There is no such change: look at the page again.");
    let change_pk = form.text("change").parse().map_err(|_| missing())?;
    let row = rows::find(&page.app.pool, change_pk).await?.ok_or_else(missing)?;
    let flag = Flag::parse(&row.flag).ok_or_else(missing)?;
    // What was read before is read again.
    let told = match (flag, row.before) {
        (Flag::ReadOnly, Some(true)) => rows::find_told_before(&page.app.pool, flag.as_str(), change_pk).await?,
        _ => None,
    };
    carry_out(page, form, (flag, row.before, told.as_deref()), Some(row.after)).await
}

/// What people are told while the hub takes no changes, if anything: one line, which programs print.
fn require_told(form: &CheckedForm, flag: Flag, to: Option<bool>) -> HubResult<Option<&str>> {
    let told = form.text("told");
    if told.is_empty() {
        return Ok(None);
    }
    if (flag, to) != (Flag::ReadOnly, Some(true)) {
        let text = "People are told something only when read-only operation is turned on: leave this empty.";
        return Err(HubError::bad_request(text).at("told"));
    }
    if told.chars().count() > MAX_TOLD || told.chars().any(char::is_control) {
        let text = format!("What people are told is one line of at most {MAX_TOLD} characters.");
        return Err(HubError::bad_request(text).at("told"));
    }
    Ok(Some(told))
}

async fn carry_out(
    page: &PageRequest,
    form: &CheckedForm,
    (flag, to, told): (Flag, Option<bool>, Option<&str>),
    expected: Option<Option<bool>>,
) -> HubResult<String> {
    let admin = require_admin(page)?;
    let reason = require_reason(form)?;
    let mut tx = audit::begin(&page.app).await?;
    let from = flags::turn(&page.app, &mut tx, (admin.pk, reason, told), (flag, to), expected).await?;
    let mut details = json!({ "from": word(from), "to": word(to) });
    if let (Some(told), Some(details)) = (told, details.as_object_mut()) {
        details.insert("told".to_owned(), told.into());
    }
    note(&mut tx, admin.pk, "admin.flag", flag.label(), reason, details).await?;
    tx.commit().await?;
    Ok(format!("{}: {} now. Every node knows within seconds.", flag.label(), word(to)))
}
