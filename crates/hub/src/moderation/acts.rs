//! Deciding about a case, and taking that back. Moderators take turns, over all nodes: there are few decisions, and each sees
//! what the others left.

use sqlx::PgConnection;

pub use super::act::Act;
use super::appeals;
use super::category::Category;
use super::queries::effects::{self, Comments};
use super::queries::{self, ActRow, CaseRow, organizations};
use super::subject::SubjectKind;
use super::{removal, rules};
use crate::accounts::letters::Notice;
use crate::accounts::{User, audit};
use crate::app::App;
use crate::db::{LockKey, lock, violates};
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// How long a public sentence may be, in characters.
const MAX_REASON: usize = 1000;
/// How many cases of a removed account are closed with it; the rest waits.
const MOST_CLOSED: i64 = 500;

/// What a moderator decides.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What shall be done.
    pub act: Act,
    /// What is wrong.
    pub category: Category,
    /// The public sentence.
    pub reason: String,
    /// The number of what is decided at once with it.
    pub batch: Option<i64>,
}

impl Decision {
    /// Puts a decision together; without a sentence, the category's stands.
    ///
    /// # Errors
    /// 400 for a sentence that is too long.
    pub fn new(act: Act, category: Category, reason: &str) -> HubResult<Self> {
        Ok(Self { act, category, reason: sentence(reason, category)?, batch: None })
    }

    /// As a part of what is decided at once.
    #[must_use]
    pub fn in_batch(self, batch: Option<i64>) -> Self {
        Self { batch, ..self }
    }
}

fn sentence(text: &str, category: Category) -> HubResult<String> {
    match text.trim() {
        "" => Ok(category.sentence().to_owned()),
        text if text.chars().count() <= MAX_REASON => Ok(text.to_owned()),
        _ => Err(HubError::bad_request(format!("The public sentence can have at most {MAX_REASON} characters.")).at("reason")),
    }
}

/// Decides about a case: what shall be done is done, its owner and those who reported it are told.
///
/// # Errors
/// 400 for what does not fit the thing, 403 for one's own things and those who run the hub, 404 for an unknown case, 409 when it
/// was decided meanwhile or there is nothing left to do it to.
pub async fn decide(app: &App, moderator: &User, case_pk: i64, decision: &Decision) -> HubResult<i64> {
    let mut tx = audit::begin(app).await?;
    lock(&mut tx, LockKey::Moderate).await?;
    let case = queries::find_case(&mut *tx, case_pk).await?.ok_or_else(no_case)?;
    if case.closed_at.is_some() {
        return Err(HubError::conflict("Somebody has decided about this already: look at the case again."));
    }
    check(&mut tx, moderator, &case, decision.act).await?;
    let by = (moderator.pk, moderator.name.as_str());
    let act_pk = queries::insert_act(&mut tx, by, &case, decision).await?;
    if !apply(&mut tx, act_pk, &case, decision.act).await? {
        return Err(HubError::conflict(
            "There is nothing left to do this to: it is deleted, or was taken down already. Dismiss the case.",
        ));
    }
    close(&mut tx, by, &case, decision).await?;
    if matches!(decision.act, Act::RemoveUser | Act::RemoveOrganization) {
        close_others(&mut tx, by, &case, decision).await?;
    }
    if decision.act != Act::Dismiss {
        let notice = Notice::Moderated {
            subject: case.subject.clone(),
            lines: vec![
                format!(
                    "moderators of this hub decided about {}: {}.",
                    case.subject,
                    Act::done(decision.act.as_str()).to_lowercase()
                ),
                format!("The reason: {} ({})", decision.reason, decision.category.label()),
                "If you think that this is a mistake, you can appeal once:".to_owned(),
            ],
            page: appeals::path_of(app, act_pk),
        };
        tell_owner(&mut tx, case.owner_pk, &notice).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    app.search.wake();
    Ok(act_pk)
}

/// Ends a case: what was hidden meanwhile is as the decision leaves it, and those who reported it are told.
async fn close(conn: &mut PgConnection, by: (i64, &str), case: &CaseRow, decision: &Decision) -> HubResult<()> {
    rules::let_go(conn, by, case, decision.act == Act::Dismiss).await?;
    queries::close_case(conn, case.case_pk, decision.act != Act::Dismiss).await?;
    tell_reporters(conn, case, decision).await
}

/// With who made them, other things are gone that were reported.
async fn close_others(conn: &mut PgConnection, by: (i64, &str), case: &CaseRow, decision: &Decision) -> HubResult<()> {
    let Some(owner_pk) = case.owner_pk else { return Ok(()) };
    for other_pk in queries::removal::list_open_cases(conn, owner_pk, MOST_CLOSED).await? {
        if let Some(other) = queries::find_case(&mut *conn, other_pk).await? {
            close(conn, by, &other, decision).await?;
        }
    }
    Ok(())
}

fn no_case() -> HubError {
    HubError::not_found("There is no such case.")
}

/// Refuses that a moderator looks after what is theirs. Who runs the hub may.
///
/// # Errors
/// 403 for what is their own, or their organization's.
pub fn check_not_own(moderator: &User, owner_pk: Option<i64>) -> HubResult<()> {
    if owner_pk.is_some_and(|owner| moderator.belongs_to(owner)) && !moderator.is_admin {
        return Err(HubError::forbidden("This is about what is yours, or your organization's: another moderator decides."));
    }
    Ok(())
}

/// Whether a moderator may do this to a thing.
async fn check(conn: &mut PgConnection, moderator: &User, case: &CaseRow, act: Act) -> HubResult<()> {
    let kind = SubjectKind::parse(&case.subject_kind).ok_or_else(no_case)?;
    let is_user = queries::is_user(conn, case.owner_pk).await?;
    if !Act::fitting(kind, is_user).contains(&act) {
        return Err(HubError::bad_request("This cannot be done to a thing of this kind: choose another.").at("act"));
    }
    check_not_own(moderator, case.owner_pk)?;
    let owner = case.owner_pk.filter(|_| act.is_about_account() && is_user);
    if let Some(owner) = owner
        && effects::has_role(conn, owner).await?
    {
        return Err(HubError::forbidden(
            "This person runs or moderates the hub: its operator takes that role away first (`hub admin role`).",
        ));
    }
    Ok(())
}

/// Does it, and tells whether there was anything to do it to.
async fn apply(conn: &mut PgConnection, act_pk: i64, case: &CaseRow, act: Act) -> HubResult<bool> {
    let pk = case.subject_pk;
    let done = match act {
        Act::Dismiss => 1,
        Act::HideComment => effects::hide_comments(conn, act_pk, Comments::One(pk)).await?,
        Act::LockDiscussion => effects::lock_discussion(conn, act_pk, pk).await?,
        Act::HideDiscussion => {
            // The discussion first, as whoever changes a comment in it holds it.
            let hidden = effects::hide_discussion(conn, act_pk, pk).await?;
            effects::hide_comments(conn, act_pk, Comments::OfOpener(pk)).await?;
            hidden
        }
        Act::DisableRepo => effects::disable_repo(conn, act_pk, pk).await?,
        Act::DisableRepos => effects::disable_repos(conn, act_pk, pk).await?,
        Act::RemoveRepo => removal::remove_repo(conn, act_pk, pk).await?,
        Act::LabelRepo => effects::label_repo(conn, act_pk, pk).await?,
        Act::HideCollection => effects::hide_collections(conn, act_pk, Some(pk), None).await?,
        Act::LimitUser => effects::limit(conn, act_pk, pk).await?,
        Act::SuspendUser => effects::suspend(conn, act_pk, pk).await?,
        Act::BanUser => {
            effects::hold_person(conn, pk).await?;
            effects::disable_repos(conn, act_pk, pk).await?;
            effects::hide_collections(conn, act_pk, None, Some(pk)).await?;
            effects::hide_comments(conn, act_pk, Comments::By(pk)).await?;
            queries::removal::empty_profile(conn, act_pk, pk).await?;
            effects::suspend(conn, act_pk, pk).await?
        }
        Act::RemoveUser => match case.owner_pk {
            Some(owner_pk) => removal::remove(conn, act_pk, owner_pk).await?,
            None => 0,
        },
        Act::LimitOrganization => organizations::limit(conn, act_pk, pk).await?,
        Act::SuspendOrganization => organizations::suspend(conn, act_pk, pk).await?,
        Act::RemoveOrganization => removal::remove_organization(conn, act_pk, pk).await?,
    };
    Ok(done > 0)
}

async fn tell_reporters(conn: &mut PgConnection, case: &CaseRow, decision: &Decision) -> HubResult<()> {
    let outcome = match decision.act {
        Act::Dismiss => "they found that it may stay".to_owned(),
        act => format!("{} ({})", Act::done(act.as_str()).to_lowercase(), decision.category.label()),
    };
    let notice = Notice::Moderated {
        subject: format!("Your report of {}", case.subject),
        lines: vec![
            format!("you reported {}. Moderators looked at it: {outcome}.", case.subject),
            "Thank you for telling us.".to_owned(),
        ],
        page: "/settings/reports".to_owned(),
    };
    let jobs: Vec<Job> = queries::list_reporters(conn, case.case_pk)
        .await?
        .into_iter()
        .map(|user_pk| Job::tell(user_pk, notice.clone()))
        .collect();
    Ok(Job::enqueue_all(&jobs, conn).await?)
}

/// Tells the user whose it is, or the admins of the organisation.
pub(super) async fn tell_owner(conn: &mut PgConnection, owner_pk: Option<i64>, notice: &Notice) -> HubResult<()> {
    let Some(owner_pk) = owner_pk else { return Ok(()) };
    let people = queries::list_responsible(conn, owner_pk).await?;
    let jobs: Vec<Job> = people.into_iter().map(|user_pk| Job::tell(user_pk, notice.clone())).collect();
    Ok(Job::enqueue_all(&jobs, conn).await?)
}

/// Takes an act back: what it covers is as it was, unless another act covers it, too.
///
/// # Errors
/// 404 for an unknown act, 409 when it was taken back already.
pub async fn undo(app: &App, moderator: &User, act_pk: i64, reason: &str) -> HubResult<()> {
    undo_with_others(app, moderator, act_pk, (reason, None)).await
}

/// The same as a part of what is taken back at once, which has a number.
pub(super) async fn undo_with_others(app: &App, moderator: &User, act_pk: i64, why: (&str, Option<i64>)) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    lock(&mut tx, LockKey::Moderate).await?;
    undo_in(app, &mut tx, moderator, act_pk, why).await?;
    tx.commit().await?;
    app.jobs.wake();
    app.search.wake();
    Ok(())
}

/// The same in a transaction that has the moderators' lock.
pub(super) async fn undo_in(
    app: &App,
    conn: &mut PgConnection,
    moderator: &User,
    act_pk: i64,
    (reason, batch): (&str, Option<i64>),
) -> HubResult<()> {
    let act = queries::find_act(&mut *conn, act_pk).await?.filter(ActRow::does_something);
    let act: ActRow = act.ok_or_else(|| HubError::not_found("There is no act that could be taken back."))?;
    check_not_own(moderator, act.owner_pk)?;
    removal::check_in_time(app, &act)?;
    let reason = match reason.trim() {
        "" => "A moderator looked at it again, and it may stay.".to_owned(),
        text if text.chars().count() <= MAX_REASON => text.to_owned(),
        _ => return Err(HubError::bad_request(format!("The reason can have at most {MAX_REASON} characters.")).at("reason")),
    };
    match queries::insert_undo(conn, (moderator.pk, moderator.name.as_str()), &act, (reason.as_str(), batch)).await {
        Err(error) if violates(&error, "moderation_acts_undoes_idx") => {
            return Err(HubError::conflict("This was taken back already."));
        }
        done => done?,
    }
    effects::uncover(conn, act_pk).await?;
    let notice = Notice::Moderated {
        subject: act.subject.clone(),
        lines: vec![
            format!("a decision about {} was taken back: it is as it was before.", act.subject),
            format!("The reason: {reason}"),
        ],
        page: act.href.clone(),
    };
    tell_owner(conn, act.owner_pk, &notice).await
}
