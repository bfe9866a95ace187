//! Tokens for the store of chunks: for one repository, to read or to write, for some minutes. They are signed and kept
//! nowhere; whether their holder may still do it is asked again at each use.

use std::future::Future;
use std::ops::Deref as _;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use hub_types::RepoType;
use serde::Serialize;

use crate::accounts::{Auth, Viewer, queries as accounts};
use crate::app::App;
use crate::config::Config;
use crate::error::{HubError, HubResult};
use crate::repos::access::{Level, RepoContent, RepoRead};
use crate::repos::discussions::{self, PullWrite};
use crate::repos::queries::{Repo, find_repo_by_pk};
use crate::repos::reading;
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, app_of, raw_param};
use crate::web::links::decode_tail;

const PURPOSE: &str = "xet";
const PREFIX: &str = "xet_";
/// How long after its end a token is still taken, at most: clients' clocks run behind, and a 401 ends their transfer at once.
const MAX_GRACE_SECS: u64 = 120;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Read,
    Write,
    /// To write what a pull request is to name, without the right to the repository's branches.
    Propose,
}

impl Scope {
    /// How long a token works, in seconds.
    fn valid_secs(self, config: &Config) -> u64 {
        match self {
            Self::Read => config.xet_read_token_secs,
            Self::Write | Self::Propose => config.xet_write_token_secs,
        }
    }

    /// How long after its end a token is still taken, in seconds: no longer than it lived.
    fn grace_secs(self, config: &Config) -> u64 {
        self.valid_secs(config).min(MAX_GRACE_SECS)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::Write => "w",
            Self::Propose => "p",
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    cas_url: String,
    exp: i64,
    access_token: String,
}

pub(super) async fn get_read(
    app: web::Data<App>,
    content: RepoContent,
    request: HttpRequest,
    base: BaseUrl,
) -> HubResult<HttpResponse> {
    check_revision(&app, &content.repo, &request, &Query::default()).await?;
    Ok(answer(&app, &content, &base, Scope::Read))
}

pub(super) async fn get_write(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
) -> HubResult<HttpResponse> {
    app.require_changes()?;
    let (read, scope) = right_to_write(&app, read, &request, &query).await?;
    check_revision(&app, &read.repo, &request, &query).await?;
    Ok(answer(&app, &read, &base, scope))
}

/// Who may write gets a token to write. For a pull request, whoever may propose one gets a token for that.
async fn right_to_write(app: &App, read: RepoRead, request: &HttpRequest, query: &Query) -> HubResult<(RepoRead, Scope)> {
    if read.level >= Level::Write {
        return Ok((read, Scope::Write));
    }
    let tail = decode_tail(raw_param(request, "tail")).unwrap_or_default().join("/");
    let opens_pull = query.get("create_pr").is_some() && query.flag("create_pr");
    match discussions::number_of_ref(&tail) {
        _ if opens_pull && read.repo.repo_type != RepoType::Bucket => {
            Ok((discussions::may_propose(app, read).await?.deref().clone(), Scope::Propose))
        }
        Some(num) => Ok((PullWrite::check(app, read, num).await?.read().deref().clone(), Scope::Propose)),
        None => Ok((read.into_write()?.deref().clone(), Scope::Write)),
    }
}

/// The revision must be there. Clients that are about to open a pull request say `None`.
async fn check_revision(app: &App, repo: &Repo, request: &HttpRequest, query: &Query) -> HubResult<()> {
    let tail = decode_tail(raw_param(request, "tail")).unwrap_or_default().join("/");
    if tail == "None" || tail.is_empty() || query.flag("create_pr") {
        return Ok(());
    }
    reading::resolve(app, repo, &tail).await.map(|_| ())
}

fn answer(app: &App, read: &RepoRead, base: &BaseUrl, scope: Scope) -> HttpResponse {
    let exp = crate::clock::now().timestamp().saturating_add_unsigned(scope.valid_secs(&app.config));
    let user_pk = read.viewer.user.as_ref().map_or(0, |user| user.pk);
    let token_pk = match read.viewer.auth {
        Auth::Token { token_pk, .. } => token_pk,
        Auth::Session { .. } | Auth::Password | Auth::Anonymous => 0,
    };
    let claims = format!("{PREFIX}{}_{}_{user_pk}_{token_pk}_{exp}", scope.as_str(), read.repo.pk);
    let access_token = format!("{claims}_{}", app.signer.sign(PURPOSE, &claims));
    let cas_url = store_url(app, base);
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Xet-Cas-Url", cas_url.as_str()))
        .insert_header(("X-Xet-Access-Token", access_token.as_str()))
        .insert_header(("X-Xet-Token-Expiration", exp.to_string()))
        .json(Answer { cas_url, exp, access_token })
}

/// Where the store of chunks is for clients; the same for all repositories, since clients keep what they know of chunks by it.
pub(super) fn store_url(app: &App, base: &BaseUrl) -> String {
    match &app.config.xet_url {
        Some(url) => format!("{}/xet", url.trim_end_matches('/')),
        None => base.join("/xet"),
    }
}

/// A request to the store of chunks that may read a repository's files.
#[derive(Debug)]
pub(super) struct CasRead {
    /// The repository.
    pub repo: Repo,
    /// The namespace whose private chunks may be told of: the repository's, with a token to write. A token to read a public
    /// repository is anybody's.
    pub audience: Option<i64>,
    /// For whose account the token was made, if for one.
    pub user_pk: Option<i64>,
}

/// A request to the store of chunks that may add to a repository's files.
#[derive(Debug)]
pub(super) struct CasWrite {
    /// The repository.
    pub repo: Repo,
}

async fn from_header(request: &HttpRequest) -> HubResult<(RepoRead, Scope)> {
    let app = app_of(request)?;
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(HubError::login_required)?;
    let Claims { scope, repo_pk, user_pk, token_pk } = parse(app, token.trim())?;
    // At once: every request of an upload asks this.
    let (repo, has_token, user) =
        tokio::try_join!(find_repo_by_pk(&app.pool, repo_pk), has_token(app, token_pk), accounts::find_user(&app.pool, user_pk))?;
    let repo = repo.filter(|_| has_token).ok_or_else(HubError::invalid_credentials)?;
    let viewer = match user {
        None if user_pk == 0 => Viewer::ANONYMOUS,
        Some(user) if user.suspended => return Err(HubError::suspended(None)),
        // What the access token behind it may was asked when this one was made.
        user => Viewer { user: Some(user.ok_or_else(HubError::invalid_credentials)?), auth: Auth::Password },
    };
    Ok((RepoRead::check(repo, viewer)?, scope))
}

/// Whether the access token is still good that one was made with; with none (0) it is.
async fn has_token(app: &App, token_pk: i64) -> sqlx::Result<bool> {
    Ok(token_pk == 0 || accounts::tokens::has_token(&app.pool, token_pk).await?)
}

/// What a token says.
struct Claims {
    scope: Scope,
    repo_pk: i64,
    /// 0: somebody without an account.
    user_pk: i64,
    /// The access token it was made with, without which it is worth nothing; 0: none.
    token_pk: i64,
}

fn parse(app: &App, token: &str) -> HubResult<Claims> {
    let mut parts = token.strip_prefix(PREFIX).ok_or_else(HubError::invalid_credentials)?.splitn(6, '_');
    let mut next = || parts.next().ok_or_else(HubError::invalid_credentials);
    let (scope, repo_pk, user_pk, token_pk) = (next()?, next()?, next()?, next()?);
    let (exp, signature) = (next()?, next()?);
    if !app.signer.verify(PURPOSE, &format!("{PREFIX}{scope}_{repo_pk}_{user_pk}_{token_pk}_{exp}"), signature) {
        return Err(HubError::invalid_credentials());
    }
    let number = |text: &str| text.parse::<i64>().map_err(|_| HubError::invalid_credentials());
    let named = [Scope::Read, Scope::Write, Scope::Propose].into_iter().find(|known| known.as_str() == scope);
    let scope = named.ok_or_else(HubError::invalid_credentials)?;
    if number(exp)?.saturating_add_unsigned(scope.grace_secs(&app.config)) < crate::clock::now().timestamp() {
        return Err(HubError::expired_xet_token());
    }
    Ok(Claims { scope, repo_pk: number(repo_pk)?, user_pk: number(user_pk)?, token_pk: number(token_pk)? })
}

impl FromRequest for CasRead {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (read, scope) = from_header(&request).await?;
            let content = read.into_content(app_of(&request)?).await?;
            let writes = scope == Scope::Write && content.level >= Level::Write;
            Ok(Self {
                audience: writes.then_some(content.repo.audience()),
                user_pk: content.viewer.user.as_ref().map(|user| user.pk),
                repo: content.repo.clone(),
            })
        })
    }
}

impl FromRequest for CasWrite {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (read, scope) = from_header(&request).await?;
            let repo = match scope {
                Scope::Write => read.into_write()?.repo.clone(),
                Scope::Propose => discussions::may_propose(app_of(&request)?, read).await?.repo.clone(),
                Scope::Read => {
                    return Err(HubError::forbidden("This token is for reading. Ask `xet-write-token` for one to write."));
                }
            };
            Ok(Self { repo })
        })
    }
}
