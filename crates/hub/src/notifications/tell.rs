//! Whom something concerns: the bodies of the jobs that tell of an event in a discussion, and of a new repository.

use chrono::{DateTime, Days, NaiveTime, Utc};

use super::queries::tell::{self, MailTimes, ToldRow};
use super::queries::threads;
use crate::accounts::requests::Joining;
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::discussions::mentioned_names;

/// How many people one text may call: whom else it names is not told for that.
const MAX_MENTIONED: usize = 20;
/// The hour at which daily mails go, in UTC.
const DIGEST_HOUR: u32 = 6;
/// How long after a mail to somebody those that go at once wait. What comes meanwhile goes in one, sent by [`Job::TendNotifications`]:
/// whoever mentions somebody again and again sends them no more mails than that.
const PAUSE_SECS: f64 = 300.0;

/// Tells of something that happened in a discussion: the body of [`Job::TellOfEvent`]. Told again, it changes nothing.
///
/// # Errors
/// The database does not answer.
pub async fn tell_of_event(app: &App, id: &str) -> HubResult<()> {
    let Some(event) = tell::find_event(&app.pool, id).await? else { return Ok(()) };
    let names: Vec<String> = mentioned_names(&event.body).into_iter().take(MAX_MENTIONED).collect();
    let mut tx = app.begin().await?;
    let told = tell::insert_for_event(&mut tx, event.event_pk, &names, mail_times()).await?;
    threads::resubscribe(&mut tx, event.event_pk, &names).await?;
    Job::enqueue_all(&mails_for(&told), &mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Tells of a repository that was made or became public: the body of [`Job::TellOfRepo`]. Nobody is told twice.
///
/// # Errors
/// The database does not answer.
pub async fn tell_of_repo(app: &App, repo_pk: i64) -> HubResult<()> {
    let mut tx = app.begin().await?;
    let told = tell::insert_for_repo(&mut tx, repo_pk, mail_times()).await?;
    Job::enqueue_all(&mails_for(&told), &mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Tells the admins of an organisation that somebody asks to join, or who asked what became of it: the body of [`Job::TellOfJoining`].
/// Told again, it changes nothing.
///
/// # Errors
/// The database does not answer.
pub async fn tell_of_joining(
    app: &App,
    (organization_pk, user_pk): (i64, i64),
    actor_pk: Option<i64>,
    what: Joining,
    at: i64,
) -> HubResult<()> {
    let mut tx = app.begin().await?;
    let event = tell::JoiningEvent { organization_pk, user_pk, actor_pk, about: what.as_str(), at };
    let told = tell::insert_for_joining(&mut tx, &event, mail_times()).await?;
    Job::enqueue_all(&mails_for(&told), &mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

fn mails_for(told: &[ToldRow]) -> Vec<Job> {
    told.iter().filter(|row| row.mail_now).map(|row| Job::MailNotifications { user_pk: row.user_pk }).collect()
}

fn mail_times() -> MailTimes {
    MailTimes { next_digest: next_digest(crate::clock::now()), pause_secs: PAUSE_SECS }
}

/// When the next daily mails go.
fn next_digest(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = NaiveTime::from_hms_opt(DIGEST_HOUR, 0, 0).map_or(now, |time| now.date_naive().and_time(time).and_utc());
    if today > now { today } else { today.checked_add_days(Days::new(1)).unwrap_or(today) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daily_mails_go_at_one_time_of_day() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (now, next) in [
            ("2026-11-26T05:59:59Z", "2026-11-26T06:00:00Z"),
            ("2026-11-26T06:00:00Z", "2026-11-27T06:00:00Z"),
            ("2026-12-31T23:00:00Z", "2027-01-01T06:00:00Z"),
        ] {
            assert_eq!(next_digest(at(now)), at(next), "{now}");
        }
    }
}
