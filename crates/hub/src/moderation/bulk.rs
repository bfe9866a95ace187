//! Acts that were done at once, by one submission of the queue: they have a number in common, and are taken back at once.

use std::collections::HashMap;

use sqlx::PgPool;

use super::queries::bulk as queries;
use super::queries::{ActRow, find_act};
use super::{acts, removal};
use crate::accounts::User;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::cursor::one_more;

/// The most acts of one submission.
pub const MOST: usize = 50;
/// How many acts are named that could not be taken back.
const NAMED: usize = 3;
/// How many characters of what they are about are told.
const SHOWN: usize = 60;

/// What an act is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The number of the submission.
    pub batch: i64,
    /// How many acts it has.
    pub acts: i64,
}

impl Part {
    /// The page that has all of it.
    pub fn href(&self) -> String {
        path_of(self.batch)
    }
}

/// The page that has all acts of a submission.
pub fn path_of(batch: i64) -> String {
    format!("/moderation/log?bulk={batch}")
}

/// Begins a submission: gives the number of its acts.
///
/// # Errors
/// The database does not answer.
pub async fn begin(app: &App) -> HubResult<i64> {
    Ok(queries::next_batch(&app.pool).await?)
}

/// Of these submissions, those of several acts, by their number.
///
/// # Errors
/// The database does not answer.
pub async fn parts(pool: &PgPool, batches: &[i64]) -> HubResult<HashMap<i64, Part>> {
    if batches.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = queries::count_batches(pool, batches).await?;
    let several = rows.into_iter().filter(|row| row.acts > 1);
    Ok(several.map(|row| (row.batch, Part { batch: row.batch, acts: row.acts })).collect())
}

/// How the acts of a submission stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many can be taken back.
    pub standing: usize,
    /// How many were.
    pub undone: usize,
    /// For how many it is too late.
    pub late: usize,
}

impl Standing {
    /// Counts.
    pub fn of(app: &App, acts: &[ActRow]) -> Self {
        let mut counted = Self::default();
        for act in acts.iter().filter(|act| act.does_something()) {
            if act.undone {
                counted.undone += 1;
            } else if removal::is_too_late(app, act) {
                counted.late += 1;
            } else {
                counted.standing += 1;
            }
        }
        counted
    }

    /// In a sentence.
    pub fn in_words(self) -> String {
        let parts = [
            (self.standing, "can be taken back"),
            (self.undone, if self.undone == 1 { "was taken back already" } else { "were taken back already" }),
            (self.late, "cannot be taken back any more, since what was there is forgotten"),
        ];
        let told: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if told.is_empty() { "There is nothing in it to take back.".to_owned() } else { format!("{}.", told.join(", ")) }
    }
}

/// What became of taking back all of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many acts were taken back.
    pub undone: usize,
    /// How many were taken back before.
    pub before: usize,
    /// What the others are about, and why they were not.
    pub refused: Vec<(String, String)>,
}

impl Outcome {
    /// For whoever asked for it.
    pub fn in_words(&self) -> String {
        let mut said = vec![match self.undone {
            0 => "Nothing was taken back.".to_owned(),
            1 => "1 act was taken back: it is as it was before.".to_owned(),
            many => format!("{many} acts were taken back: it is as it was before."),
        }];
        match self.before {
            0 => {}
            1 => said.push("1 was taken back before.".to_owned()),
            many => said.push(format!("{many} were taken back before.")),
        }
        for (subject, why) in self.refused.iter().take(NAMED) {
            let name: String = subject.chars().take(SHOWN).collect();
            let rest = if name.len() < subject.len() { "…" } else { "" };
            said.push(format!("Not {name}{rest}: {why}"));
        }
        match self.refused.len().saturating_sub(NAMED) {
            0 => {}
            1 => said.push("1 more was not, either.".to_owned()),
            more => said.push(format!("{more} more were not, either.")),
        }
        said.join(" ")
    }
}

/// Takes back each act of a submission that stands, the last first, as it is taken back by itself.
///
/// # Errors
/// 404 when there is no such submission, or nothing in it that could be taken back. What is refused of one act is in the outcome.
pub async fn undo_all(app: &App, moderator: &User, batch: i64, reason: &str) -> HubResult<Outcome> {
    let mut rows = queries::list_batch(&app.pool, batch, one_more(MOST)).await?;
    rows.retain(ActRow::does_something);
    if rows.is_empty() {
        return Err(HubError::not_found("There is no bulk act that could be taken back."));
    }
    let known = rows.len();
    rows.retain(|row| !row.undone);
    let mut outcome = Outcome { before: known - rows.len(), ..Outcome::default() };
    if rows.is_empty() {
        return Ok(outcome);
    }
    let together = if rows.len() > 1 { Some(begin(app).await?) } else { None };
    for row in rows {
        match acts::undo_with_others(app, moderator, row.act_pk, (reason, together)).await {
            Ok(()) => outcome.undone += 1,
            Err(error) if error.is_for_client() => {
                // Of two who do it at once, the other one may have been first.
                match find_act(&app.pool, row.act_pk).await?.is_some_and(|act| act.undone) {
                    true => outcome.before += 1,
                    false => outcome.refused.push((row.subject, error.message().to_owned())),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_acts_stand() {
        assert_eq!(Standing::default().in_words(), "There is nothing in it to take back.");
        let some = Standing { standing: 9, undone: 1, late: 2 };
        let expected =
            "9 can be taken back, 1 was taken back already, 2 cannot be taken back any more, since what was there is forgotten.";
        assert_eq!(some.in_words(), expected);
        assert_eq!(Standing { undone: 3, ..Standing::default() }.in_words(), "3 were taken back already.");
    }

    #[test]
    fn it_says_what_was_not_taken_back_and_why() {
        let nothing = Outcome { before: 2, ..Outcome::default() };
        assert_eq!(nothing.in_words(), "Nothing was taken back. 2 were taken back before.");
        let refused = |count: usize| (0..count).map(|i| (format!("user {i}"), "It is too late.".to_owned())).collect::<Vec<_>>();
        let some = Outcome { undone: 1, before: 1, refused: refused(1) };
        let expected = "1 act was taken back: it is as it was before. 1 was taken back before. Not user 0: It is too late.";
        assert_eq!(some.in_words(), expected);
        let many = Outcome { undone: 2, before: 0, refused: refused(5) }.in_words();
        assert!(many.contains("Not user 2: It is too late. 2 more were not, either.") && !many.contains("user 3"), "{many}");
        let long = Outcome { refused: vec![("é".repeat(61), "Why.".to_owned())], ..Outcome::default() }.in_words();
        assert_eq!(long, format!("Nothing was taken back. Not {}…: Why.", "é".repeat(60)));
    }
}
