//! The one error of the web tier. Every sentence a person can get is made by a constructor in this file or in those by theme beside it
//! ([`accounts`], [`limits`], [`repos`], [`tokens`]), or in [`causes`] when something behind the hub fails; [`respond`] turns it into
//! the format of the route's family.

mod accounts;
mod causes;
mod limits;
mod repos;
mod respond;
mod tokens;
pub mod wire;

use std::fmt;

use serde_json::{Map, Value};

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
    /// 410 of pages and git: a repository that was public until it was deleted.
    RepoGone,
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
    /// 503 of changes, while the hub takes none.
    ReadOnly,
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

    /// 409: what was removed is there again, or is too old to be restored.
    pub fn no_longer_restorable() -> Self {
        Self::conflict("It was restored already, or the time for that is over. Look at the list again.")
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

    /// Whether it is about what the client asked, and not about the hub.
    pub fn is_for_client(&self) -> bool {
        !matches!(self.kind, ErrorKind::Internal | ErrorKind::Unavailable)
    }
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
