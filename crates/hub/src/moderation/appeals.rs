//! Appeals: whoever an act is about asks once that moderators look at it again, by a link that also those have who cannot sign in.

use super::acts;
use super::queries::appeals::{self as rows, AppealRow};
use super::queries::{self, ActRow};
use crate::accounts::letters::Notice;
use crate::accounts::{User, audit};
use crate::app::App;
use crate::db::{LockKey, lock};
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

const PURPOSE: &str = "moderation appeal";
/// How much can be said, in characters.
const MAX_TEXT: usize = 4000;
/// How much can be answered.
const MAX_ANSWER: usize = 1000;

/// The page on which somebody appeals against an act: a secret.
pub fn path_of(app: &App, act_pk: i64) -> String {
    format!("/moderation/appeal/{act_pk}/{}", app.signer.sign(PURPOSE, &act_pk.to_string()))
}

/// The page on which somebody who is suspended gets a copy of their data. It asks for more than its address.
pub fn data_path_of(app: &App, act_pk: i64) -> String {
    format!("{}/data", path_of(app, act_pk))
}

/// Finds what a link is about: the act, and the appeal if there is one.
///
/// # Errors
/// 404 for a link that is not ours.
pub async fn find_opened(app: &App, act_pk: i64, signature: &str) -> HubResult<(ActRow, Option<AppealRow>)> {
    let missing = || HubError::not_found("There is no decision at this address. Open the link as it is in the mail.");
    if !app.signer.verify(PURPOSE, &act_pk.to_string(), signature) {
        return Err(missing());
    }
    let act = queries::find_act(&app.pool, act_pk).await?.ok_or_else(missing)?;
    let appeal = rows::find_of_act(&app.pool, act_pk).await?;
    Ok((act, appeal))
}

/// Appeals against an act.
///
/// # Errors
/// 400 for no text or a long one, 409 for a second appeal, or against what was taken back.
pub async fn appeal(app: &App, act: &ActRow, text: &str) -> HubResult<()> {
    if act.undone {
        return Err(HubError::conflict("This decision was taken back already: there is nothing to appeal against."));
    }
    let length = text.chars().count();
    if !(10..=MAX_TEXT).contains(&length) {
        return Err(HubError::bad_request(format!("Say why the decision is wrong, in 10 to {MAX_TEXT} characters.")).at("text"));
    }
    let mut tx = app.begin().await?;
    if !rows::insert(&mut tx, act.act_pk, text).await? {
        return Err(HubError::conflict("There is an appeal against this decision already, and there can be one."));
    }
    Ok(tx.commit().await?)
}

/// Decides about an appeal: the act is taken back, or stands.
///
/// # Errors
/// 400 for no answer to one that is not granted, 403 for one's own things, and for one's own act while another moderator could decide,
/// 404 for an unknown one, 409 when somebody was quicker.
pub async fn decide(app: &App, moderator: &User, appeal_pk: i64, granted: bool, answer: &str) -> HubResult<()> {
    let answer = answer.trim();
    if answer.chars().count() > MAX_ANSWER || (answer.is_empty() && !granted) {
        return Err(HubError::bad_request(format!("Say why, in 1 to {MAX_ANSWER} characters.")));
    }
    let mut tx = audit::begin(app).await?;
    lock(&mut tx, LockKey::Moderate).await?;
    let appeal = rows::lock(&mut tx, appeal_pk).await?.ok_or_else(|| HubError::not_found("There is no such appeal."))?;
    if appeal.granted.is_some() {
        return Err(HubError::conflict("Somebody has decided about this appeal already."));
    }
    let act = queries::find_act(&mut *tx, appeal.act_pk).await?.ok_or_else(|| HubError::not_found("There is no such act."))?;
    acts::check_not_own(moderator, act.owner_pk)?;
    let (is_own, has_others) = rows::find_judges(&mut tx, act.act_pk, moderator.pk).await?;
    if is_own && has_others {
        return Err(HubError::forbidden("This appeal is against what you decided: another moderator decides about it."));
    }
    rows::decide(&mut tx, appeal_pk, moderator.pk, granted, answer).await?;
    if granted && !act.undone {
        acts::undo_in(app, &mut tx, moderator, act.act_pk, (answer, None)).await?;
    }
    if !granted {
        let mut lines = vec![
            format!("moderators looked again at what was decided about {}: the decision stands.", act.subject),
            format!("The reason: {answer}"),
        ];
        if is_own {
            lines.push("Whoever looked at it had decided the first time, too: there is no other moderator.".to_owned());
        }
        let notice =
            Notice::Moderated { subject: format!("Your appeal about {}", act.subject), lines, page: path_of(app, act.act_pk) };
        let people = match act.owner_pk {
            Some(owner_pk) => queries::list_responsible(&mut tx, owner_pk).await?,
            None => Vec::new(),
        };
        let jobs: Vec<Job> = people.into_iter().map(|user_pk| Job::tell(user_pk, notice.clone())).collect();
        Job::enqueue_all(&jobs, &mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    app.search.wake();
    Ok(())
}
