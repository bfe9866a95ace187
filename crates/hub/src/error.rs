//! The one error of the web tier. Every sentence a person can get is made by a constructor in this file, or in [`causes`] when
//! something behind the hub fails; [`respond`] turns it into the format of the route's family.

mod causes;
mod respond;
pub mod wire;

use std::fmt;

use chrono::{DateTime, Utc};
use hub_types::{RefName, RepoId, RepoType};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::flags::Flag;

pub use respond::{Family, family_of, log_failure, render_errors};

/// What went wrong, as far as status and `X-Error-Code` are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 400.
    BadRequest,
    /// 401: no credentials.
    Unauthenticated,
    /// 401: credentials that are not (or no longer) valid.
    InvalidCredentials,
    /// 403.
    Forbidden,
    /// 403 of a page that asks before it shows what is not for all audiences.
    ContentWarning,
    /// 403 with the code for gated repositories; 401 when anonymous.
    Gated,
    /// 401 when anonymous, else 404.
    RepoNotFound,
    /// 404.
    RevisionNotFound,
    /// 404.
    EntryNotFound,
    /// 404 of anything that is not in a repository.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 408: the body of the request stopped coming.
    Silent,
    /// 409.
    Conflict,
    /// 412.
    PreconditionFailed,
    /// 413.
    TooLarge,
    /// 416.
    RangeNotSatisfiable,
    /// 422.
    Unprocessable,
    /// 451: a file that was recalled.
    Recalled,
    /// 429.
    TooManyRequests,
    /// 307 to where the thing is now.
    Moved,
    /// 500.
    Internal,
    /// 501.
    NotImplemented,
    /// 503.
    Unavailable,
}

/// An error on its way to the client.
#[derive(Debug)]
pub struct HubError {
    kind: ErrorKind,
    message: String,
    anonymous: bool,
    /// More members of the JSON body, such as the `url` of a repository that already exists.
    body: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
    /// The field of a form that was wrong.
    field: Option<&'static str>,
    /// A page of the hub that the message names by its path.
    page: Option<Box<PagePath>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The path of a page. Few errors have one, and every result has the size of its error: so it is kept apart.
#[derive(Debug, Clone)]
struct PagePath(String);

/// What keeps somebody from the files of a gated repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barrier {
    /// Nobody is logged in.
    LoggedOut,
    /// They have not asked.
    NotAsked,
    /// They have asked, and nobody has decided.
    Pending,
    /// They were turned down, possibly for a reason.
    Rejected(Option<String>),
    /// They were let in, but what they sent is a token that is not for gated repositories.
    Token,
}

/// The result of everything behind a handler.
pub type HubResult<T> = Result<T, HubError>;

impl HubError {
    /// Makes an error of a kind with the sentence for the person.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            anonymous: false,
            body: Map::new(),
            headers: Vec::new(),
            field: None,
            page: None,
            source: None,
        }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence for the person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same once more, for a second answer to one question. The cause stays with the first.
    pub fn repeat(&self) -> Self {
        Self {
            kind: self.kind,
            message: self.message.clone(),
            anonymous: self.anonymous,
            body: self.body.clone(),
            headers: self.headers.clone(),
            field: self.field,
            page: self.page.clone(),
            source: None,
        }
    }

    /// Adds a member to the JSON body.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Names the field of a form that was wrong.
    #[must_use]
    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// The field of a form that was wrong.
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// Names a page that helps, whose path is in the message.
    #[must_use]
    pub fn leading_to(mut self, page: String) -> Self {
        self.page = Some(Box::new(PagePath(page)));
        self
    }

    /// The page that helps.
    pub fn page(&self) -> Option<&str> {
        self.page.as_ref().map(|page| page.0.as_str())
    }

    /// Answers as for a viewer who is not logged in: 401 where a logged-in one gets 404 or 403.
    #[must_use]
    pub fn for_anonymous(mut self, anonymous: bool) -> Self {
        self.anonymous = anonymous;
        self
    }

    /// 400 with a sentence.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, message)
    }

    /// 422 with a sentence.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unprocessable, message)
    }

    /// 403 with a sentence.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }

    /// 404 for something that is not in a repository.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// 409 with a sentence.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// 413 with a sentence.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, message)
    }

    /// 429 with what there was too much of, and when to come again.
    pub fn too_many_requests(what: &str, retry_after_secs: u64) -> Self {
        let wait = match retry_after_secs {
            0..=119 => format!("{retry_after_secs} seconds"),
            _ => format!("{} minutes", retry_after_secs.div_ceil(60)),
        };
        Self::new(ErrorKind::TooManyRequests, format!("{what} Try again in {wait}."))
            .with_header("Retry-After", retry_after_secs.to_string())
    }

    /// 408: the body of the request stopped coming.
    pub fn silent_body(secs: u64) -> Self {
        let unit = if secs == 1 { "second" } else { "seconds" };
        Self::new(
            ErrorKind::Silent,
            format!("The request stopped in the middle: nothing more of it came for {secs} {unit}. Send it again."),
        )
    }

    /// 503 with a sentence and the cause for the log.
    pub fn unavailable(message: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(ErrorKind::Unavailable, message) }
    }

    /// 500; the cause goes to the log only.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(ErrorKind::Internal, "Internal server error") }
    }

    /// 401: this needs an account.
    pub fn login_required() -> Self {
        Self::new(ErrorKind::Unauthenticated, "Log in to do this: send an access token, or sign in with your browser.")
    }

    /// 401: the token or password is not known.
    pub fn invalid_credentials() -> Self {
        Self::new(ErrorKind::InvalidCredentials, wire::INVALID_CREDENTIALS)
    }

    /// 403: the hub wants to know first whose address it is.
    pub fn unconfirmed_email() -> Self {
        Self::forbidden("Confirm your email address first: log in with your browser, and open the link in the mail you get.")
    }

    /// 403: the password was made up, and opens nothing but the page where it is changed.
    pub fn first_password() -> Self {
        Self::forbidden("This password was made for you: log in with it at /login in your browser, and choose one of your own.")
    }

    /// 403: the password was made up, and nobody changed it in time.
    pub fn first_password_over(days: i32) -> Self {
        let text = format!(
            "This password was made for you, and worked for {days} days. Go to /forgot-password to be sent a link to a new one."
        );
        Self::forbidden(text).leading_to("/forgot-password".to_owned())
    }

    /// 403: a password alone does not do for this account.
    pub fn token_required() -> Self {
        Self::forbidden("This account has a second factor: send an access token in the place of the password.")
    }

    /// 403: it is too long ago that somebody proved whose browser this is. `back` is where they come back to.
    pub fn proof_required(back: &str) -> Self {
        let page = format!("{}{}", Self::PROOF, utf8_percent_encode(back, NON_ALPHANUMERIC));
        Self::forbidden(format!("Say once more that it is you, at {page} in your browser.")).leading_to(page)
    }

    /// Where people prove once more who they are.
    pub const PROOF: &'static str = "/sudo?next=";

    /// Where people add second factors.
    pub const SECOND_FACTORS: &'static str = "/settings/authentication";

    /// 403: moderators suspended the account; the reason and the page to appeal are told to who has shown the password.
    pub fn suspended(why: Option<(&str, String)>) -> Self {
        match why {
            Some((reason, page)) => Self::forbidden(format!(
                "Moderators of this hub suspended this account. The reason: {reason} You can appeal once, with the button below."
            ))
            .leading_to(page),
            None => Self::forbidden("This account is suspended. Log in with a browser to read why, and to appeal."),
        }
    }

    /// 403: an organisation's account for programs was switched off.
    pub fn service_account_disabled() -> Self {
        Self::forbidden(
            "This service account is switched off: an admin of its organization can enable it, unless moderators suspended it.",
        )
    }

    /// 403: what people do, and no programs.
    pub fn for_people_only() -> Self {
        Self::forbidden("A service account does not do this, it is for people: use the token of a person.")
    }

    /// 403: the account is being deleted; told to who has shown the password.
    pub fn account_leaves(at: DateTime<Utc>) -> Self {
        Self::forbidden(format!(
            "This account is being deleted, and removed for good on {}. To keep it, open the link in the mail that was sent to you then; \
             without that mail, ask the operator of this hub.",
            at.format("%-d %B %Y")
        ))
    }

    /// 403: moderators disabled the repository. Clients compare the text.
    pub fn repo_disabled(notice: String) -> Self {
        Self::forbidden(wire::REPO_DISABLED).leading_to(notice)
    }

    /// 451: the file was recalled; `why` ends the sentence. Clients take the code for that of a missing file, and so do not go on with a
    /// copy that they have (`file_download.py` of `huggingface_hub`).
    pub fn recalled(why: &str, page: &str, instead: Option<&str>) -> Self {
        let instead = instead.map(|instead| format!(" Use {instead} instead.")).unwrap_or_default();
        let text =
            format!("This file was recalled {why}: do not use copies of it. Open {page} in your browser to read more.{instead}");
        Self::new(ErrorKind::Recalled, text).leading_to(page.to_owned())
    }

    /// 409: a copy would give out again what was recalled.
    pub fn recalled_copy(number: i64) -> Self {
        let page = format!("/recalls/{number}");
        Self::conflict(format!(
            "Files of this repository were recalled, so it cannot be duplicated. Open {page} in your browser to read why."
        ))
        .leading_to(page)
    }

    /// 403: those who run the hub switched it off.
    pub fn switched_off(flag: Flag) -> Self {
        let what = match flag {
            Flag::SignUp => return Self::forbidden("Sign-up is closed on this hub: ask its operator for an account."),
            Flag::Organizations => "make organizations",
            Flag::Spaces => "make Spaces",
            Flag::Buckets => "make buckets",
            Flag::Applications => "register applications",
            Flag::Ssh => "use git by SSH",
            Flag::Discussions | Flag::Xet | Flag::Rules => "do this",
        };
        let instead = if flag == Flag::Ssh { " Use HTTPS." } else { "" };
        Self::forbidden(format!("Nobody can {what} on this hub at the moment: those who run it switched that off.{instead}"))
    }

    /// What is on this page is not for all audiences: the viewer is asked first. `view` is where they say yes.
    pub fn content_warning(view: String) -> Self {
        let message = "This repository is not for all audiences. Say on its page that you want to see it.";
        Self::new(ErrorKind::ContentWarning, message).leading_to(view)
    }

    /// 401: a token for the store of chunks is over.
    pub fn expired_xet_token() -> Self {
        Self::new(ErrorKind::InvalidCredentials, "This token has expired. Ask the hub for a new one.")
    }

    /// A repository that does not exist, or that this viewer may not know of: one answer for both.
    pub fn repo_not_found(anonymous: bool) -> Self {
        Self::new(ErrorKind::RepoNotFound, "Repository not found").for_anonymous(anonymous)
    }

    /// 404 for a revision.
    pub fn revision_not_found(revision: &str) -> Self {
        Self::new(ErrorKind::RevisionNotFound, format!("Invalid rev id: {}", shorten(revision)))
    }

    /// 404 for a path.
    pub fn entry_not_found() -> Self {
        Self::new(ErrorKind::EntryNotFound, "Entry not found")
    }

    /// 404 for a deletion of something that is not there.
    pub fn nothing_to_delete() -> Self {
        Self::new(ErrorKind::EntryNotFound, "A file with this name doesn't exist")
    }

    /// 412: the branch moved on.
    pub fn stale_parent() -> Self {
        Self::new(ErrorKind::PreconditionFailed, wire::STALE_PARENT)
    }

    /// 409: a repository of this name is there. Clients read the `url` (`create_repo(exist_ok=True)`).
    pub fn repo_exists(repo_type: RepoType, id: &RepoId, url: &str) -> Self {
        let _ = id;
        Self::conflict(format!("You already created this {repo_type} repo")).with("url", url)
    }

    /// 409: a repository cannot move onto another.
    pub fn move_target_exists(repo_type: RepoType, id: &RepoId) -> Self {
        Self::conflict(format!("A {repo_type} repository called {id} already exists"))
    }

    /// 409: git cannot keep two refs of which one's name goes on where the other's ends (`a` and `a/b`).
    pub fn ref_blocked(name: &RefName, by: &RefName) -> Self {
        let (wanted, there) = (shown_ref(name), shown_ref(by));
        Self::conflict(format!(
            "There cannot be {wanted} beside {there}: to git, one of them is a folder of the other. Choose another name."
        ))
    }

    /// 409: a branch or tag of this name is there.
    pub fn ref_exists(name: &RefName) -> Self {
        Self::conflict(format!("Reference {name} already exists"))
    }

    /// 400: not a name for a branch.
    pub fn bad_branch_name() -> Self {
        Self::bad_request("Invalid reference for a branch")
    }

    /// 413: a bucket would hold more than the hub allows.
    pub fn bucket_full(id: &RepoId, used: u64, wanted: u64, limit: u64) -> Self {
        let [used, wanted, limit] = [used, wanted, limit].map(crate::web::filters::size_text);
        Self::too_large(format!(
            "The bucket {id} would hold {wanted}, and this hub allows {limit}; it holds {used} now. Nothing was changed: delete \
             files first, or ask the hub's operator for more."
        ))
    }

    /// 413: all buckets of an owner would hold more than the hub allows.
    pub fn owner_full(owner: &str, used: u64, wanted: u64, limit: u64) -> Self {
        let [used, wanted, limit] = [used, wanted, limit].map(crate::web::filters::size_text);
        Self::too_large(format!(
            "The buckets of {owner} would hold {wanted} together, and this hub allows {limit}; they hold {used} now. Nothing was \
             changed: delete files or buckets first, or ask the hub's operator for more."
        ))
    }

    /// 413: an owner would hold more than they may.
    pub fn quota_reached(owner: &str, used: u64, more: u64, limit: u64) -> Self {
        let [used, more, limit] = [used, more, limit].map(crate::web::filters::size_text);
        Self::too_large(format!(
            "The storage of {owner} is full: it holds {used} of the {limit} that this hub allows, and this brings {more} more. \
             Nothing was stored: delete repositories or files first, or ask the hub's operator for more."
        ))
    }

    /// Whether it is about what the client asked, and not about the hub.
    pub fn is_for_client(&self) -> bool {
        !matches!(self.kind, ErrorKind::Internal | ErrorKind::Unavailable)
    }

    /// 403: the viewer is a member of an organisation that asks for a second factor, and has none.
    pub fn second_factor_required(organization: &str) -> Self {
        Self::forbidden(format!(
            "{organization} asks its members for a second factor, and your account has none: open {} in a browser and add one. Until \
             then you see of {organization} what strangers see.",
            Self::SECOND_FACTORS
        ))
        .leading_to(Self::SECOND_FACTORS.to_owned())
    }

    /// 403: the viewer may read but not change.
    pub fn write_denied(id: &RepoId) -> Self {
        Self::forbidden(format!("You don't have the rights to change {id}. Ask one of its owners for write access."))
    }

    /// 403: the viewer may change but not administer.
    pub fn admin_denied(id: &RepoId) -> Self {
        Self::forbidden(format!("Only an admin of {id} can do this."))
    }

    /// 403 (401 when anonymous): the owner wants to be asked before files are downloaded. Clients show these texts as they are.
    pub fn gated(repo_type: RepoType, id: &RepoId, barrier: &Barrier) -> Self {
        let page = format!("/{}{id}", repo_type.url_prefix());
        let message = match barrier {
            Barrier::LoggedOut => format!(
                "Access to {repo_type} {id} is restricted. You must have access to it and be authenticated to access it. Please log in."
            ),
            Barrier::NotAsked => format!(
                "Access to {repo_type} {id} is restricted and you are not in the authorized list. Visit {page} to ask for access."
            ),
            Barrier::Pending => {
                format!("Your request to access {repo_type} {id} is awaiting a review from the repo authors.")
            }
            Barrier::Rejected(reason) => {
                let reason = reason.as_ref().map(|reason| format!(" They gave a reason: {reason}")).unwrap_or_default();
                format!("Your request to access {repo_type} {id} has been rejected by the repo's authors.{reason}")
            }
            Barrier::Token => format!(
                "Access to {repo_type} {id} is restricted, and your access token is not for gated repositories. Make another that \
                 reads them under Settings, Access tokens."
            ),
        };
        Self::new(ErrorKind::Gated, message).for_anonymous(*barrier == Barrier::LoggedOut).leading_to(page)
    }

    /// 400: nobody needs to ask for the files of this repository.
    pub fn not_gated(repo_type: RepoType, id: &RepoId) -> Self {
        Self::bad_request(format!("{repo_type} {id} is not gated")).with_header("x-error-code", wire::REPO_NOT_GATED)
    }

    /// 404: there is no request for access like this.
    pub fn no_access_request() -> Self {
        Self::not_found("No access request found matching your criteria")
    }

    /// The same for somebody who may not decide about requests, in the words that the Hub has for it.
    #[must_use]
    pub fn for_reader(mut self) -> Self {
        if self.kind == ErrorKind::Forbidden {
            self.message = format!("You have read access but not the required permissions for this operation. {}", self.message);
        }
        self
    }

    /// 403: tokens of trusted publishers change files, and nothing else.
    pub fn for_no_job() -> Self {
        Self::forbidden("The token of a trusted publisher reads and writes files: this is done by people, and by other tokens.")
    }

    /// 403: the token is weaker than its owner.
    pub fn token_too_weak(needed: &str) -> Self {
        Self::forbidden(format!(
            "Your access token does not allow this: it needs {needed}. Make another under Settings, Access tokens."
        ))
    }

    /// Where people make access tokens.
    pub const TOKENS: &'static str = "/settings/tokens";

    /// 403: an access token may not do what its owner may. `may` is what it may do with the repository, if anything.
    pub fn token_lacks(token: &str, id: &RepoId, may: Option<&str>, lacks: &str) -> Self {
        let what = match may {
            Some(may) => format!("may {may} {id}, but not {lacks}"),
            None => format!("is for others than {id}, and may not {lacks}"),
        };
        let page = Self::TOKENS;
        Self::forbidden(format!(
            "Your token `{token}` {what}. At {page} you can make one that may: of the role `write`, or a fine-grained one with {id} among \
             its repositories to read and write."
        ))
        .leading_to(page.to_owned())
    }

    /// 403: an application may not do what the person may for whom it acts. `scope` is what it would have to ask for.
    pub fn application_lacks(application: &str, id: &RepoId, may: Option<&str>, lacks: &str, scope: &str) -> Self {
        let what = match may {
            Some(may) => format!("may {may} {id}, but not {lacks}"),
            None => format!("was let into others than {id}, and may not {lacks}"),
        };
        Self::forbidden(format!(
            "The application `{application}` {what}: it needs the scope `{scope}`. Sign in to it again to give it that."
        ))
    }

    /// 403: an application was not let do this, or not for whom it wants to: `owner` is somebody's name, if that matters.
    pub fn scope_missing(application: &str, scope: &str, owner: Option<&str>) -> Self {
        let whose = owner.map(|owner| format!(" for {owner}")).unwrap_or_default();
        Self::forbidden(format!(
            "The application `{application}` may not do this: it needs the scope `{scope}`{whose}. Sign in to it again to give it that."
        ))
    }

    /// 404 for an access token.
    pub fn no_such_token() -> Self {
        Self::not_found("There is no such token: it may have been revoked already.")
    }

    /// 409 for a resource group that was deleted while somebody put a repository into it.
    pub fn resource_group_gone() -> Self {
        Self::conflict("This resource group was deleted meanwhile. Choose another, or none.").at("resource_group")
    }

    /// 404 for a resource group.
    pub fn no_such_group() -> Self {
        Self::not_found("There is no such resource group: it may have been deleted. Look at those that the organization has.")
    }

    /// 307 to a path on this hub.
    pub fn moved_to(path: impl Into<String>) -> Self {
        Self::new(ErrorKind::Moved, "This repository has moved.").with_header("Location", path)
    }
}

/// Keeps what a client sent from filling a header or a page.
fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HubError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A ref in a sentence.
fn shown_ref(name: &RefName) -> String {
    match (name.branch_name(), name.tag_name()) {
        (Some(branch), _) => format!("the branch `{branch}`"),
        (_, Some(tag)) => format!("the tag `{tag}`"),
        (None, None) => format!("`{name}`"),
    }
}
