//! The page that says what went wrong and where to go from there.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{FromRequest as _, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Viewer;
use crate::accounts::page::PageRequest;
use crate::error::{ErrorKind, Family, HubError, HubResult, family_of, log_failure};

use crate::repos::audience;
use crate::web::filters;
use crate::web::layout::Layout;
use crate::web::request_id::RequestId;

/// The page.
#[derive(Debug, Template)]
#[template(path = "site/error.html")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// The status.
    pub status: u16,
    /// The heading.
    pub heading: &'static str,
    /// The sentence.
    pub message: String,
    /// Where to go.
    pub links: Vec<OnwardLink>,
    /// For failures of the hub: what to quote.
    pub request_id: Option<String>,
}

/// The question before what is not for all audiences is shown.
#[derive(Debug, Template)]
#[template(path = "site/content_warning.html")]
struct ContentWarningPage {
    layout: Layout,
    /// Where is said that it shall be shown.
    action: String,
    /// Where that leads back to.
    next: String,
}

/// A way on.
#[derive(Debug)]
pub struct OnwardLink {
    /// Where it leads.
    pub href: String,
    /// Its text.
    pub label: &'static str,
}

/// Middleware: turns the errors of pages into pages. Other families are worded by [`crate::error::render_errors`].
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn render_error_pages(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_page = family_of(request.path()) == Family::Page;
    let response = next.call(request).await?.map_into_boxed_body();
    let Some(error) = response.response().error().and_then(|error| error.as_error::<HubError>()) else {
        return Ok(response);
    };
    if !is_page || error.kind() == ErrorKind::Moved {
        return Ok(response);
    }
    let failure = Failure::of(error, response.request());
    match answer(response.request().clone(), failure).await {
        Ok(page) => Ok(response.into_response(page)),
        // The plain text of the outer middleware is still there.
        Err(_) => Ok(response),
    }
}

/// What the page needs of the error.
#[derive(Debug)]
struct Failure {
    kind: ErrorKind,
    status: StatusCode,
    message: String,
    /// The page that helps.
    page: Option<String>,
    request_id: String,
}

impl Failure {
    fn of(error: &HubError, request: &HttpRequest) -> Self {
        let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        log_failure(error, &request_id, request.path());
        // Programs are told 401 for a repository they cannot see, so that they send a token; people get a 404.
        let status = match error.kind() {
            ErrorKind::RepoNotFound => StatusCode::NOT_FOUND,
            _ => error.status_code(),
        };
        Self {
            kind: error.kind(),
            status,
            message: error.message().to_owned(),
            page: error.page().map(str::to_owned),
            request_id,
        }
    }
}

async fn answer(request: HttpRequest, failure: Failure) -> HubResult<HttpResponse> {
    let viewer = Viewer::extract(&request).await.unwrap_or(Viewer::ANONYMOUS);
    let anonymous = viewer.is_anonymous();
    let back = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let login = format!("/login?next={}", utf8_percent_encode(&back, NON_ALPHANUMERIC));
    let page = PageRequest::new(request.clone(), viewer)?;
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if failure.kind == ErrorKind::Unauthenticated && anonymous && reading {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, login)).finish());
    }
    if let Some(proof) = failure.page.as_deref().filter(|page| page.starts_with(HubError::PROOF)) {
        return Ok(page.redirect(proof));
    }
    if failure.kind == ErrorKind::ContentWarning {
        let layout = page.layout(audience::LABEL);
        return page.show(ContentWarningPage { layout, action: failure.page.unwrap_or_default(), next: back }).await;
    }
    let heading = heading_of(&failure);
    let is_read_only = failure.kind == ErrorKind::ReadOnly;
    let mut links = Vec::new();
    if matches!(failure.kind, ErrorKind::EntryNotFound | ErrorKind::RevisionNotFound)
        && let Some(repo) = repo_path(request.path())
    {
        links.push(OnwardLink { href: repo.to_owned(), label: "Back to the repository" });
    }
    if let Some(page) = &failure.page {
        links.push(OnwardLink { href: page.clone(), label: label_of(page) });
    }
    links.push(OnwardLink { href: "/".to_owned(), label: "Go to the home page" });
    if anonymous {
        links.push(OnwardLink { href: login, label: "Log in" });
    } else {
        links.push(OnwardLink { href: "/models".to_owned(), label: "Browse models" });
    }
    let mut layout = page.layout(heading);
    layout.return_to = String::new();
    let shown = ErrorPage {
        layout,
        status: failure.status.as_u16(),
        heading,
        message: message_of(&failure),
        links,
        request_id: (failure.status.is_server_error() && !is_read_only).then_some(failure.request_id),
    };
    let mut response = page.show_with(failure.status, shown).await?;
    if is_read_only {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(HubError::READ_ONLY_RETRY_SECS));
    }
    Ok(response)
}

/// What the page that helps is called.
fn label_of(page: &str) -> &'static str {
    match page {
        page if page.starts_with("/moderation/appeal/") => "Read more, and appeal",
        page if page.starts_with("/moderation/notice/") => "Read why",
        page if page.starts_with("/recalls/") => "Read why",
        HubError::SECOND_FACTORS => "Add a second factor",
        HubError::TOKENS => "Your access tokens",
        _ => "Back to the repository",
    }
}

/// The page of the repository that a path is in.
fn repo_path(path: &str) -> Option<&str> {
    ["/tree/", "/blob/", "/commits/", "/commit/"].iter().find_map(|part| path.split_once(part)).map(|(repo, _)| repo)
}

fn heading_of(failure: &Failure) -> &'static str {
    match failure.status {
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::GONE => "This repository was deleted",
        StatusCode::UNAUTHORIZED => "Log in to see this",
        StatusCode::FORBIDDEN if failure.kind == ErrorKind::Gated => "These files are gated",
        StatusCode::FORBIDDEN if failure.page.as_ref().is_some_and(|page| page.starts_with("/moderation/appeal/")) => {
            "This account is suspended"
        }
        StatusCode::FORBIDDEN if failure.page.as_ref().is_some_and(|page| page.starts_with("/moderation/notice/")) => {
            "This repository is disabled"
        }
        StatusCode::FORBIDDEN if failure.page.as_deref() == Some(HubError::SECOND_FACTORS) => "A second factor is needed",
        StatusCode::FORBIDDEN => "This is not yours to do",
        StatusCode::TOO_MANY_REQUESTS => "This was too often",
        StatusCode::PAYLOAD_TOO_LARGE => "This is too large",
        StatusCode::SERVICE_UNAVAILABLE if failure.kind == ErrorKind::ReadOnly => "Nothing can be changed right now",
        StatusCode::SERVICE_UNAVAILABLE => "The hub is busy",
        status if status.is_server_error() => "The hub failed at this",
        _ => "This did not work",
    }
}

fn message_of(failure: &Failure) -> String {
    match failure.kind {
        ErrorKind::RepoNotFound => "No repository of this name is visible to you. It may have been deleted or moved, or it is \
             private and you are not logged in with an account that may see it."
            .to_owned(),
        ErrorKind::RepoGone => {
            format!("{} A private repository may have its name now: log in with an account that may see it.", failure.message)
        }
        ErrorKind::EntryNotFound => {
            "There is no file or folder at this path. It may have been moved or deleted, or be on another branch.".to_owned()
        }
        ErrorKind::ReadOnly => {
            format!("{} Nothing was saved. Go back in your browser to what you typed, and keep a copy of it.", failure.message)
        }
        ErrorKind::Internal => {
            "The failure has been logged. Try again; if it stays, tell the people who run this hub.".to_owned()
        }
        _ => failure.message.clone(),
    }
}
