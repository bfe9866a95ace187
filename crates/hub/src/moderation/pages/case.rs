//! One case: what is reported, by whom, what is known of its owner, and the decision.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::queue::CaseView;
use super::{PATH, Tab, categories, tabs};
use crate::accounts::User;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::moderation::acts::{self, Act, Decision};
use crate::moderation::category::Category;
use crate::moderation::pages::log::{ActView, views};
use crate::moderation::queries::lists::{self, NoteRow, ReportRow};
use crate::moderation::queries::{self, CaseRow};
use crate::moderation::replies::{self, Use};
use crate::moderation::roles::moderator;
use crate::moderation::subject::SubjectKind;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// How many reports, notes and earlier cases are shown.
const MOST: i64 = 50;
/// How long a note may be, in characters.
const MAX_NOTE: usize = 4000;

/// The page.
#[derive(Debug, Template)]
#[template(path = "moderation/case.html")]
struct CasePage {
    layout: Layout,
    navigation: SettingsNavigation,
    tabs: Vec<Tab>,
    case: CaseRow,
    /// What is wrong, in words.
    category_label: &'static str,
    reports: Vec<ReportRow>,
    notes: Vec<NoteRow>,
    /// Other cases about the same owner.
    earlier: Vec<CaseView>,
    /// What was done about what this owner has.
    history: Vec<ActView>,
    error: Option<String>,
    act: Field,
    acts: Vec<Choice>,
    category: Field,
    categories: Vec<Choice>,
    /// What those who run the hub wrote beforehand.
    reply: Field,
    replies: Vec<Choice>,
    reason: Field,
    note: Field,
}

impl CasePage {
    fn is_open(&self) -> bool {
        self.case.closed_at.is_none()
    }

    /// For a repository: what its bytes say of where it comes from. Buckets have no such page.
    fn lineage_href(&self) -> Option<String> {
        let is_repo = SubjectKind::parse(&self.case.subject_kind) == Some(SubjectKind::Repo);
        (is_repo && !self.case.href.starts_with("/buckets/")).then(|| format!("{}/lineage", self.case.href))
    }
}

impl ReportRow {
    /// What is wrong, in words.
    pub fn label(&self) -> &'static str {
        Category::label_of(&self.category)
    }

    /// Who sent it.
    pub fn from(&self) -> &str {
        match (&self.reporter, &self.rule) {
            (Some(name), _) => name,
            (None, Some(_)) => "a rule of this hub",
            (None, None) => "a deleted account",
        }
    }
}

impl NoteRow {
    /// Who wrote it.
    pub fn by(&self) -> &str {
        self.author.as_deref().unwrap_or("a deleted account")
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/moderation/cases/{case}", crate::web::read().to(show)).route("/moderation/cases/{case}", web::post().to(send));
}

/// A case, as somebody may see it who does not have what it is about: they are not to learn who reported them.
async fn find(page: &PageRequest, user: &User) -> HubResult<CaseRow> {
    let missing = || HubError::not_found("There is no such case.");
    let case_pk = raw_param(page.http(), "case").parse().map_err(|_| missing())?;
    let case = queries::find_case(&page.app.pool, case_pk).await?.ok_or_else(missing)?;
    acts::check_not_own(user, case.owner_pk)?;
    Ok(case)
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let case = find(&page, user).await?;
    let shown = case_page(&page, user, case, &Sent::default(), &Refusal::default()).await?;
    page.show(shown).await
}

/// What was sent with a form that was refused.
#[derive(Debug, Default)]
struct Sent {
    act: String,
    category: String,
    reply: String,
    reason: String,
    note: String,
}

async fn case_page(page: &PageRequest, user: &User, case: CaseRow, sent: &Sent, refusal: &Refusal) -> HubResult<CasePage> {
    let pool = &page.app.pool;
    let (earlier, history) = match case.owner_pk {
        Some(owner) => (
            lists::list_earlier(pool, owner, case.case_pk, MOST).await?,
            lists::list_acts(pool, Some(owner), i64::MAX, MOST).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let fitting = match SubjectKind::parse(&case.subject_kind) {
        Some(kind) => Act::fitting(kind, case.owner_is_user),
        None => &[],
    };
    let category = if sent.category.is_empty() { case.category.clone() } else { sent.category.clone() };
    Ok(CasePage {
        layout: page.layout(format!("Case {}", case.case_pk)),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs("", lists::count_waiting(pool).await?),
        category_label: Category::label_of(&case.category),
        reports: lists::list_reports(pool, case.case_pk, MOST).await?,
        notes: lists::list_notes(pool, case.case_pk, MOST).await?,
        earlier: earlier.into_iter().map(CaseView::of).collect(),
        history: views(pool, history).await?,
        error: refusal.message_elsewhere(&["act", "category", "reply", "reason", "note"]),
        act: refusal.mark(Field::new("act", "Decision")),
        acts: fitting.iter().map(|act| Choice::new(act.as_str(), act.label(), &sent.act)).collect(),
        category: refusal.mark(Field::new("category", "What is wrong")),
        categories: categories(&category),
        reply: refusal.mark(Field::new("reply", "Canned reply").hint("It stands before what you write.")),
        replies: replies::choices(&page.app, Use::Decision, &sent.reply).await?,
        reason: refusal.mark(Field::new("reason", "Public sentence").value(&sent.reason).hint(
            "Its owner reads it, and in the place of a repository everybody does. Without any: the sentence of the category.",
        )),
        note: refusal.mark(Field::new("note", "Note").value(&sent.note).hint("Only moderators read it.")),
        case,
    })
}

async fn send(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let case = find(&page, user).await?;
    let href = format!("/moderation/cases/{}", case.case_pk);
    let done = match form.text("do") {
        "note" => note(&page, user, &case, form.text("note")).await.map(|()| (href, "Noted.")),
        _ => decide(&page, user, &case, &form)
            .await
            .map(|()| (PATH.to_owned(), "Decided. Its owner and those who reported it are told.")),
    };
    match done {
        Ok((to, said)) => Ok(page.redirect_saying(&to, said)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let text = |name| form.text(name).to_owned();
            let sent = Sent {
                act: text("act"),
                category: text("category"),
                reply: text("reply"),
                reason: text("reason"),
                note: text("note"),
            };
            // As it is now: somebody else may have decided.
            let shown = case_page(&page, user, find(&page, user).await?, &sent, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn note(page: &PageRequest, user: &User, case: &CaseRow, text: &str) -> HubResult<()> {
    if text.is_empty() || text.chars().count() > MAX_NOTE {
        return Err(HubError::unprocessable(format!("Write a note of 1 to {MAX_NOTE} characters.")).at("note"));
    }
    Ok(queries::insert_note(&page.app.pool, case.case_pk, user.pk, text).await?)
}

async fn decide(page: &PageRequest, user: &User, case: &CaseRow, form: &CheckedForm) -> HubResult<()> {
    let act = Act::parse(form.text("act")).ok_or_else(|| HubError::unprocessable("Choose what shall be done.").at("act"))?;
    let category = Category::parse(form.text("category"));
    let category = category.ok_or_else(|| HubError::unprocessable("Choose what is wrong.").at("category"))?;
    let reason = replies::compose(&page.app, Use::Decision, form.text("reply"), form.text("reason")).await?;
    let decision = Decision::new(act, category, &reason)?;
    acts::decide(&page.app, user, case.case_pk, &decision).await.map(|_| ())
}
