//! Mails about notifications: the job that sends somebody all that is due, in one mail, and the job that asks again and tidies up.

use askama::Template;

use super::queries::inbox::{self, NotificationRow};
use super::queries::mail::{self, DueRow};
use super::{Reason, unsubscribe};
use crate::accounts::User;
use crate::accounts::queries::find_user;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::mailer::Letter;
use crate::recalls;
use crate::recalls::category::Category;
use crate::web::layout::kind_word;

/// How long a node may take to send, in seconds.
const LEASE_SECS: f64 = 600.0;
/// How much one mail tells of, and how much of that by name.
const MAX_TOLD: i64 = 500;
const NAMED: usize = 50;
/// How many people are written to at a time.
const MAX_PEOPLE: i64 = 1_000;
/// How long what was read is kept, and what was not.
const READ_DAYS: i32 = 90;
const DAYS: i32 = 365;
/// How much is removed at a time.
const MAX_REMOVED: i64 = 10_000;

/// What a mail says, ready to print.
#[derive(Debug)]
struct News {
    user: String,
    items: Vec<Item>,
    /// How many more there are.
    more: usize,
    inbox: String,
    settings: String,
    unsubscribe: String,
}

#[derive(Debug)]
struct Item {
    /// `acme/bert`.
    repo: String,
    /// `How was it made? (#3)`.
    title: String,
    /// `bob commented.`
    happened: String,
    /// The comment.
    said: String,
    href: String,
    /// Why they are told.
    why: &'static str,
}

impl Item {
    fn of(row: &NotificationRow, base: &str) -> Self {
        let said = row.said.as_deref().unwrap_or_default().trim();
        Self {
            repo: row.subject(),
            title: row.heading(),
            happened: row.happened(),
            said: said.to_owned(),
            href: format!("{base}{}", row.href()),
            why: match row.reason {
                _ if row.recall_service.is_some() => "a service account of an organization that you administer downloaded it",
                _ if row.recall_pk.is_some() => "you downloaded it",
                _ if matches!(row.about.as_deref(), Some("join_request" | "domain_join")) => "you are an admin of it",
                _ if row.about.is_some() => "you asked to join",
                Reason::Mention => "you were mentioned",
                Reason::Participating => "you take part",
                Reason::Watching => "you watch it",
            },
        }
    }
}

impl NotificationRow {
    /// The repository, the organisation or the recall.
    pub(super) fn subject(&self) -> String {
        match (self.repo_type, self.recall_pk) {
            (_, Some(recall_pk)) => format!("Recall {recall_pk}"),
            (Some(_), None) => format!("{}/{}", self.namespace, self.name),
            (None, None) => self.namespace.clone(),
        }
    }

    /// Why they are told, in a word.
    pub(super) fn reason_label(&self) -> &'static str {
        if self.recall_pk.is_some() { "Downloaded" } else { self.reason.label() }
    }

    fn recall_category(&self) -> Category {
        self.recall_category.as_deref().and_then(Category::parse).unwrap_or(Category::Other)
    }

    /// What whoever has a recalled file shall do.
    fn recall_advice(&self) -> String {
        if self.about.as_deref() == Some("recall_withdrawn") {
            return "You can download and use it again.".to_owned();
        }
        let instead = self.instead.as_deref().map(|id| match &self.instead_commit {
            Some(commit) => format!(" Use {id} at the commit {commit} instead."),
            None => format!(" Use {id} instead."),
        });
        format!("{}{}", self.recall_category().advice(), instead.unwrap_or_default())
    }

    /// How it came to them, where they might not know.
    fn recall_way(&self) -> String {
        if self.about.as_deref() == Some("recall_withdrawn") {
            return String::new();
        }
        match (&self.recall_service, self.recall_by_git) {
            (Some(name), false) => format!("The service account {name} downloaded it. "),
            (Some(name), true) => format!("The service account {name} fetched a repository with git that has it or had it. "),
            (None, true) => "You fetched a repository with git that has it or had it. ".to_owned(),
            (None, false) => String::new(),
        }
    }

    fn actor(&self) -> &str {
        self.actor.as_deref().unwrap_or("Somebody")
    }

    /// What it is about.
    pub(super) fn heading(&self) -> String {
        if let Some(title) = &self.recall {
            return match self.about.as_deref() {
                Some("recall_withdrawn") => format!("{title}: the recall is withdrawn"),
                _ => format!("{title} was recalled {}", self.recall_category().says()),
            };
        }
        match (&self.title, self.num, self.repo_type) {
            (Some(title), Some(num), _) => format!("{title} (#{num})"),
            (_, _, Some(repo_type)) => format!("New {}: {}", kind_word(repo_type), self.subject()),
            (_, _, None) => match self.about.as_deref() {
                Some("join_request") => format!("{} asks to join {}", self.actor(), self.namespace),
                Some("join_accepted") => format!("You are a member of {}", self.namespace),
                Some("domain_join") => format!("{} joined {}", self.actor(), self.namespace),
                _ => format!("You are no member of {}", self.namespace),
            },
        }
    }

    /// What happened last.
    pub(super) fn happened(&self) -> String {
        let actor = self.actor();
        if self.recall_pk.is_some() {
            return format!("{}{}", self.recall_way(), self.recall_advice());
        }
        match self.about.as_deref() {
            Some("join_request") => return "Read what they wrote, and accept or reject.".to_owned(),
            Some("join_accepted") => return format!("{actor} accepted your request to join."),
            Some("domain_join") => return "By the domain of their mail address. The audit log has all who did.".to_owned(),
            Some(_) => return "Your request to join was rejected.".to_owned(),
            None => {}
        }
        match (self.last_kind.as_deref(), self.last_status.as_deref()) {
            (None, _) => format!("{} made it.", self.namespace),
            (Some("status-change"), Some("open")) => format!("{actor} opened it."),
            (Some("status-change"), Some(status)) => format!("{actor} {status} it."),
            _ if self.opened => format!("{actor} opened it."),
            _ => format!("{actor} commented."),
        }
    }

    /// Where it leads: to the first of what was not read.
    pub(super) fn href(&self) -> String {
        if let Some(recall_pk) = self.recall_pk {
            return recalls::path_of(recall_pk);
        }
        let Some(repo_type) = self.repo_type else {
            return match self.about.as_deref() {
                Some("join_request") => format!("/organizations/{}/settings/requests", self.namespace),
                Some("domain_join") => format!("/organizations/{}/settings", self.namespace),
                _ => format!("/{}", self.namespace),
            };
        };
        let repo = format!("/{}{}", repo_type.url_prefix(), self.subject());
        match (self.num, &self.first_event) {
            (Some(num), Some(event)) => format!("{repo}/discussions/{num}#{event}"),
            (Some(num), None) => format!("{repo}/discussions/{num}"),
            (None, _) => repo,
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "mail/notifications.txt")]
struct PlainText<'a> {
    news: &'a News,
}

#[derive(Debug, Template)]
#[template(path = "mail/notifications.html")]
struct Html<'a> {
    news: &'a News,
}

/// Sends somebody what is due: the body of [`Job::MailNotifications`]. When a node dies between the mail and its note, the mail goes
/// again, with the same `Message-ID`.
///
/// # Errors
/// The mail server does not take it, or another node is sending, or died while it was: the job comes again.
pub async fn send(app: &App, user_pk: i64) -> HubResult<()> {
    let Some(user) = find_user(&app.pool, user_pk).await?.filter(|user| user.email_confirmed && !user.suspended) else {
        return Ok(mail::forget(&app.pool, user_pk).await?);
    };
    let due = mail::take_due(&app.pool, user_pk, LEASE_SECS, MAX_TOLD).await?;
    if due.is_empty() {
        return match mail::is_taken(&app.pool, user_pk).await? {
            true => Err(HubError::unavailable("Another node is sending.", "what is due is taken")),
            false => Ok(()),
        };
    }
    let sent = tell(app, &user, &due).await;
    match sent {
        Ok(()) => mail::note_mailed(&app.pool, &due).await?,
        Err(_) => mail::release(&app.pool, &due).await?,
    }
    sent
}

/// What the reader may see, and has not read meanwhile, is asked once more.
async fn tell(app: &App, user: &User, due: &[DueRow]) -> HubResult<()> {
    let keys: Vec<i64> = due.iter().map(|row| row.notification_pk).collect();
    let rows = inbox::list_by_keys(&app.pool, user.pk, &user.audiences(), &keys).await?;
    let rows: Vec<NotificationRow> = rows.into_iter().filter(|row| row.unread).collect();
    if rows.is_empty() {
        return Ok(());
    }
    app.mailer.send(letter(app, user, &rows)?).await.map_err(HubError::internal)
}

fn letter(app: &App, user: &User, rows: &[NotificationRow]) -> HubResult<Letter> {
    let base = app.config.base();
    let news = News {
        user: user.name.clone(),
        items: rows.iter().take(NAMED).map(|row| Item::of(row, &base)).collect(),
        more: rows.len().saturating_sub(NAMED),
        inbox: format!("{base}/notifications"),
        settings: format!("{base}/settings/notifications"),
        unsubscribe: format!("{base}{}", unsubscribe::path(app, user.pk)),
    };
    let subject = match rows {
        [row] => format!("[{}] {}", row.subject(), row.heading()),
        rows => format!("{} notifications", rows.len()),
    };
    let newest = |key: fn(&NotificationRow) -> i64| rows.iter().map(key).max().unwrap_or_default();
    Ok(Letter {
        id: format!("notifications-{}-{}-{}", user.pk, newest(|row| row.notification_pk), newest(|row| row.last_event_pk)),
        to: user.email.clone(),
        subject,
        text: PlainText { news: &news }.render().map_err(HubError::internal)?,
        html: Html { news: &news }.render().map_err(HubError::internal)?,
        unsubscribe: Some(news.unsubscribe),
    })
}

/// Has mails sent that are due, the daily ones and those that were left, and removes what is old: the body of
/// [`Job::TendNotifications`].
///
/// # Errors
/// The database does not answer.
pub async fn tend(app: &App) -> HubResult<()> {
    let people = mail::list_due(&app.pool, MAX_PEOPLE).await?;
    let jobs: Vec<Job> = people.into_iter().map(|user_pk| Job::MailNotifications { user_pk }).collect();
    if !jobs.is_empty() {
        let mut tx = app.begin().await?;
        Job::enqueue_all(&jobs, &mut tx).await?;
        tx.commit().await?;
        app.jobs.wake();
    }
    mail::delete_old(&app.pool, READ_DAYS, DAYS, MAX_REMOVED).await?;
    Ok(())
}
