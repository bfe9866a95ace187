//! `/moderation`: what waits for a decision, the most urgent first; and what was decided.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::{PATH, Tab, categories, tabs};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::moderation::acts::{self, Act, Decision};
use crate::moderation::bulk;
use crate::moderation::category::Category;
use crate::moderation::queries::lists::{self, Filter};
use crate::moderation::queries::{self, CaseRow};
use crate::moderation::replies::{self, Use};
use crate::moderation::roles::moderator;
use crate::moderation::subject::SubjectKind;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::Layout;

/// How many cases a page shows.
const PAGE_LEN: usize = 50;
/// The last page; who gets there narrows the list.
const LAST_PAGE: u64 = 200;

/// The page.
#[derive(Debug, Template)]
#[template(path = "moderation/queue.html")]
struct QueuePage {
    layout: Layout,
    navigation: SettingsNavigation,
    tabs: Vec<Tab>,
    /// Whether these are decided.
    closed: bool,
    /// The page's own path.
    path: &'static str,
    category: Field,
    categories: Vec<Choice>,
    kind: Field,
    kinds: Vec<Choice>,
    /// What those who run the hub wrote beforehand.
    reply: Field,
    replies: Vec<Choice>,
    reason: Field,
    cases: Vec<CaseView>,
    previous: Option<String>,
    next: Option<String>,
}

/// A case in a list.
#[derive(Debug)]
pub(super) struct CaseView {
    /// The key.
    pub case_pk: i64,
    /// What it is about.
    pub subject: String,
    /// What is wrong.
    pub category: &'static str,
    /// How many reported it.
    pub reports: i32,
    /// Whose it is.
    pub owner: Option<String>,
    /// When it was first reported.
    pub at: DateTime<Utc>,
    /// What came of it.
    pub outcome: &'static str,
}

impl CaseView {
    pub(super) fn of(row: CaseRow) -> Self {
        Self {
            case_pk: row.case_pk,
            subject: row.subject,
            category: Category::label_of(&row.category),
            reports: row.reports,
            owner: row.owner,
            at: row.opened_at,
            outcome: match row.outcome.as_deref() {
                Some("acted") => "Acted on",
                Some(_) => "Dismissed",
                None => "Waiting",
            },
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/moderation", crate::web::read().to(show_open))
        .route("/moderation", web::post().to(decide_many))
        .route("/moderation/decided", crate::web::read().to(show_closed));
}

async fn show_open(page: PageRequest) -> HubResult<HttpResponse> {
    show(page, false).await
}

async fn show_closed(page: PageRequest) -> HubResult<HttpResponse> {
    show(page, true).await
}

async fn show(page: PageRequest, closed: bool) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let query = page.query();
    let chosen =
        |name: &str| Some(query.get(name).unwrap_or_default().to_owned()).filter(|text| !text.is_empty() && !text.contains('\0'));
    let filter = Filter { category: chosen("category"), kind: chosen("kind") };
    let number = query.number("page")?.unwrap_or(0).min(LAST_PAGE);
    let offset = i64::try_from(number).unwrap_or(0) * i64::try_from(PAGE_LEN).unwrap_or(0);
    let pool = &page.app.pool;
    let mut rows = match closed {
        false => lists::list_open(pool, &filter, offset, one_more(PAGE_LEN)).await?,
        true => lists::list_closed(pool, &filter, offset, one_more(PAGE_LEN)).await?,
    };
    let more = rows.len() > PAGE_LEN && number < LAST_PAGE;
    rows.truncate(PAGE_LEN);
    let path = if closed { "/moderation/decided" } else { PATH };
    let link = |number: u64| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("category", &filter.category), ("kind", &filter.kind)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("{path}?{}", query.append_pair("page", &number.to_string()).finish())
    };
    let any = |label: &str, rest: Vec<Choice>| std::iter::once(Choice::new("", label, "-")).chain(rest).collect::<Vec<_>>();
    let kind = filter.kind.clone().unwrap_or_default();
    let kinds = [
        ("repo", "Repositories"),
        ("discussion", "Discussions"),
        ("comment", "Comments"),
        ("account", "Users and organizations"),
        ("collection", "Collections"),
    ];
    let shown = QueuePage {
        layout: page.layout("Moderation"),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs(path, lists::count_waiting(pool).await?),
        closed,
        path,
        category: Field { key: "filter-", ..Field::new("category", "What is wrong") },
        categories: any("Anything", categories(filter.category.as_deref().unwrap_or_default())),
        kind: Field::new("kind", "Kind"),
        kinds: any("Everything", kinds.map(|(value, label)| Choice::new(value, label, &kind)).into()),
        reply: Field::new("reply", "Canned reply").hint("It stands before what you write."),
        replies: replies::choices(&page.app, Use::Decision, "").await?,
        reason: Field::new("reason", "Public sentence").hint("Their owners read it. Without any: the sentence of each category."),
        previous: (number > 0).then(|| link(number - 1)),
        next: more.then(|| link(number + 1)),
        cases: rows.into_iter().map(CaseView::of).collect(),
    };
    page.show(shown).await
}

/// What is done about many cases.
#[derive(Debug, Clone, Copy)]
enum Bulk {
    Dismiss,
    TakeDown,
    /// The repositories are deleted.
    RemoveRepos,
    /// Whoever made them is removed with all they made.
    Remove,
}

/// Decides about all that are chosen in the same way, each for itself.
async fn decide_many(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let what = match form.text("act") {
        "dismiss" => Bulk::Dismiss,
        "take_down" => Bulk::TakeDown,
        "remove_repos" => Bulk::RemoveRepos,
        "remove" => Bulk::Remove,
        _ => return Err(HubError::bad_request("Choose what to do with the cases: dismiss them, or take them down.")),
    };
    let chosen: Vec<i64> = form.fields().all("chosen").filter_map(|pk| pk.parse().ok()).take(bulk::MOST).collect();
    if chosen.is_empty() {
        return Ok(page.redirect_saying(PATH, "Choose cases first: nothing was done."));
    }
    let reason = replies::compose(&page.app, Use::Decision, form.text("reply"), form.text("reason")).await?;
    let batch = if chosen.len() > 1 { Some(bulk::begin(&page.app).await?) } else { None };
    let (mut done, mut acted, mut refused) = (0, 0, None);
    for case_pk in chosen {
        match decide_one(&page, user, case_pk, (what, batch), &reason).await {
            Ok(has_acted) => {
                done += 1;
                acted += usize::from(has_acted);
            }
            Err(error) if error.is_for_client() => refused = Some(error.message().to_owned()),
            Err(error) => return Err(error),
        }
    }
    let said = if done == 1 { "1 case was decided.".to_owned() } else { format!("{done} cases were decided.") };
    let said = refused.map_or_else(|| said.clone(), |why| format!("{said} Others were not: {why}"));
    let said = if acted > 1 { format!("{said} In the log, all of it can be undone at once.") } else { said };
    Ok(page.redirect_saying(PATH, &said))
}

/// Decides about one of them; gives whether something was done that can be taken back.
async fn decide_one(
    page: &PageRequest,
    user: &crate::accounts::User,
    case_pk: i64,
    (what, batch): (Bulk, Option<i64>),
    reason: &str,
) -> HubResult<bool> {
    let case = queries::find_case(&page.app.pool, case_pk).await?;
    let case = case.ok_or_else(|| HubError::not_found("There is no such case."))?;
    let kind = SubjectKind::parse(&case.subject_kind).ok_or_else(|| HubError::not_found("There is no such case."))?;
    let act = match what {
        Bulk::Dismiss => Act::Dismiss,
        Bulk::TakeDown => Act::take_down(kind, case.owner_is_user),
        Bulk::RemoveRepos => Act::RemoveRepo,
        // Another case of the same account may have closed this one.
        Bulk::Remove if case.closed_at.is_some() => return Ok(false),
        Bulk::Remove if kind == SubjectKind::Account && !case.owner_is_user => Act::RemoveOrganization,
        Bulk::Remove => Act::RemoveUser,
    };
    let category = Category::parse(&case.category).unwrap_or(Category::Other);
    let decision = Decision::new(act, category, reason)?.in_batch(batch);
    acts::decide(&page.app, user, case_pk, &decision).await.map(|_| act != Act::Dismiss)
}
