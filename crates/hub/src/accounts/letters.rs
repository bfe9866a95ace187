//! Mails about an account: links that do something, and notices of what was done.

mod notices;

use askama::Template;
use serde::{Deserialize, Serialize};

use super::{OrgRole, User, UserPk, queries};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::mailer::Letter;

/// What a mail about an account says.
#[derive(Debug)]
pub(crate) struct Content {
    /// What tells it from other mails; the same mail sent again has the same.
    pub id: String,
    /// What it is about.
    pub subject: String,
    /// What it says, in paragraphs.
    pub lines: Vec<String>,
    /// What to open, with the words for it.
    pub link: Option<(&'static str, String)>,
    /// What it says last.
    pub closing: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "mail/account.txt")]
struct PlainText<'a> {
    name: &'a str,
    lines: &'a [String],
    link: Option<(&'static str, String)>,
    closing: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "mail/account.html")]
struct Html<'a> {
    subject: &'a str,
    name: &'a str,
    lines: &'a [String],
    link: Option<(&'static str, String)>,
    closing: &'static str,
}

/// Sends a mail about an account; to somebody whose name is not known, `name` is empty.
///
/// # Errors
/// The mail server does not take it.
pub(crate) async fn send(app: &App, name: &str, to: &str, content: Content) -> HubResult<()> {
    let Content { id, subject, lines, link, closing } = content;
    let text = PlainText { name, lines: &lines, link: link.clone(), closing }.render().map_err(HubError::internal)?;
    let html = Html { subject: &subject, name, lines: &lines, link, closing }.render().map_err(HubError::internal)?;
    let letter = Letter { id, to: to.to_owned(), subject, text, html, unsubscribe: None };
    app.mailer.send(letter).await.map_err(HubError::internal)
}

/// Something that was done with an account, of which its owner is told.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Notice {
    /// The password was changed.
    PasswordChanged,
    /// The account has another mail address; the notice goes to the one before.
    EmailChanged {
        /// The address before.
        old: String,
        /// The address now.
        new: String,
    },
    /// The copy of somebody's data that they asked for is there.
    DataReady {
        /// The path of the page that asks for the password, for those who cannot open their settings.
        #[serde(default)]
        page: Option<String>,
    },
    /// Something was done with the second factors.
    SecondFactors {
        /// What, as a sentence that begins small.
        told: String,
    },
    /// Somebody logged in with a browser that is new to the account.
    NewBrowser {
        /// What it is.
        browser: String,
        /// From where.
        address: Option<String>,
        /// When.
        at: String,
    },
    /// Somebody who has the password tries codes of the second factor.
    WrongCodes,
    /// An admin made the user a member of an organisation.
    AddedToOrganization {
        /// Its name.
        organization: String,
        /// Who did it.
        by: String,
        /// What the user may do there.
        role: OrgRole,
    },
    /// An organisation asks its members for a second factor, and the user has none.
    SecondFactorRequired {
        /// Its name.
        organization: String,
    },
    /// An organisation that the user administers is being deleted.
    OrganizationCloses {
        /// Its name.
        organization: String,
        /// Who asked for it.
        by: String,
        /// The day until which it can be kept.
        until: String,
    },
    /// The account has another name.
    Renamed {
        /// The name before.
        from: String,
        /// The name now.
        to: String,
    },
    /// An organisation that the user administers has another name.
    OrganizationRenamed {
        /// The name before.
        from: String,
        /// The name now.
        to: String,
        /// Who renamed it.
        by: String,
    },
    /// Secrets or malware are in files that were pushed.
    FoundInFiles {
        /// The repository.
        repo: String,
        /// The path of the page of its files.
        path: String,
        /// Where, and what.
        lines: Vec<String>,
    },
    /// Somebody asks for access to a gated repository that the user decides about.
    AccessRequested {
        /// The repository: `model acme/bert`.
        repo: String,
        /// The path of the page with the requests.
        page: String,
        /// Who asks; not all, when they are many.
        people: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// The user was let into a gated repository.
    AccessAccepted {
        /// The repository.
        repo: String,
        /// The path of its page.
        page: String,
    },
    /// The user was not let into a gated repository.
    AccessRejected {
        /// The repository.
        repo: String,
        /// The path of its page.
        page: String,
        /// Why.
        reason: Option<String>,
    },
    /// A token was found where everybody can read it.
    TokenLeaked {
        /// Its name.
        name: String,
        /// The end of its text.
        hint: String,
        /// The page of its owner's tokens, where it is not the reader's.
        #[serde(default)]
        page: Option<String>,
    },
    /// An SSH key was added.
    KeyAdded {
        /// Its title.
        title: String,
        /// Its fingerprint.
        fingerprint: String,
    },
    /// A GPG key was added.
    GpgKeyAdded {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// Moderators decided about something of the user's, or that the user reported.
    Moderated {
        /// What it is about.
        subject: String,
        /// What was decided, and why.
        lines: Vec<String>,
        /// The path of the page to open.
        page: String,
    },
    /// The hub switched a webhook off.
    WebhookDisabled {
        /// Its id.
        id: String,
        /// Where it sent.
        host: String,
        /// Why: `failing` or `behind`.
        because: String,
    },
}

/// Tells a user what was done: the body of [`crate::jobs::Job::TellUser`]. Only addresses that were confirmed are written to.
///
/// # Errors
/// The mail server does not take it.
pub async fn tell(app: &App, user_pk: UserPk, notice: &Notice, id: &str) -> HubResult<()> {
    let Some(user) = queries::find_user(&app.pool, user_pk).await? else { return Ok(()) };
    let Some(to) = address_for(&user, notice) else { return Ok(()) };
    send(app, &user.name, &to, notices::content_of(app, notice, id)).await
}

fn address_for(user: &User, notice: &Notice) -> Option<String> {
    match notice {
        // Enqueued only if it was confirmed.
        Notice::EmailChanged { old, .. } => Some(old.clone()),
        Notice::PasswordChanged
        | Notice::DataReady { .. }
        | Notice::SecondFactors { .. }
        | Notice::NewBrowser { .. }
        | Notice::WrongCodes
        | Notice::AddedToOrganization { .. }
        | Notice::SecondFactorRequired { .. }
        | Notice::AccessRequested { .. }
        | Notice::AccessAccepted { .. }
        | Notice::AccessRejected { .. }
        | Notice::FoundInFiles { .. }
        | Notice::OrganizationCloses { .. }
        | Notice::Renamed { .. }
        | Notice::OrganizationRenamed { .. }
        | Notice::WebhookDisabled { .. }
        | Notice::KeyAdded { .. }
        | Notice::GpgKeyAdded { .. }
        | Notice::Moderated { .. }
        | Notice::TokenLeaked { .. } => user.email_confirmed.then(|| user.email.clone()),
    }
}
