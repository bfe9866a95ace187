//! How many requests somebody may make: a number in each window of time for each kind of route, as on the Hub, told in the headers
//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-09) that `huggingface_hub` waits by.
//!
//! Accounts are counted over all their tokens and browsers, everybody else by network address; on each node, in memory. Tokens are
//! counted, too: one may have a limit of its own below that of its account, and what that refuses takes nothing from the others.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{FromRequest as _, HttpMessage as _, web};

use super::{UserPk, Viewer};
use crate::app::App;
use crate::config::RateLimits;
use crate::error::{Family, HubError, family_of};
use crate::web::client_address::network_of;
use crate::web::windows::{Counted, Windows};

/// What is never counted: what every page needs, what watches the hub, and transfers whose addresses the hub has signed.
const FREE: [&str; 8] = ["/static/", "/avatars/", "/favicon.ico", "/robots.txt", "/healthz", "/readyz", "/metrics", "/xet/"];
/// Uploads and downloads of LFS by signed addresses.
const SIGNED: &str = "/lfs/";

/// The kinds of routes; clients know their names (`huggingface_hub` `utils/_http.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Bucket {
    Api,
    Resolvers,
    Pages,
}

impl Bucket {
    const ALL: [Self; 3] = [Self::Api, Self::Resolvers, Self::Pages];

    fn of(path: &str) -> Option<Self> {
        if path.starts_with(SIGNED) || FREE.iter().any(|free| path.starts_with(free)) {
            return None;
        }
        Some(match family_of(path) {
            Family::Api | Family::Lfs | Family::Git => Self::Api,
            Family::File => Self::Resolvers,
            Family::Page => Self::Pages,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Resolvers => "resolvers",
            Self::Pages => "pages",
        }
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    Account(UserPk),
    Network(IpAddr),
}

/// The counts of this process; cheap to clone.
#[derive(Debug, Clone)]
pub struct RequestCounts {
    windows: Arc<Windows<(Bucket, Client)>>,
    /// By the keys of tokens. Apart, so that somebody's many tokens take no places from others' accounts.
    tokens: Arc<Windows<(Bucket, i64)>>,
}

impl RequestCounts {
    /// Counts for these limits.
    pub fn new(limits: &RateLimits) -> Self {
        let length = Duration::from_secs(limits.window_secs);
        Self { windows: Arc::new(Windows::new(length)), tokens: Arc::new(Windows::new(length)) }
    }

    /// How many requests were made with a token in this window, of all kinds.
    pub fn of_token(&self, token_pk: i64) -> u64 {
        Bucket::ALL.iter().map(|bucket| self.tokens.count_of(&(*bucket, token_pk))).sum()
    }
}

/// Counts what an account asks by SSH as a request of the API, and says in how many seconds it may ask again if that is too many.
pub fn excess_of(app: &App, user_pk: UserPk) -> Option<u64> {
    let limits = &app.config.rate_limits;
    if !limits.enabled || limits.accounts.api == 0 {
        return None;
    }
    let counted = app.request_counts.windows.add((Bucket::Api, Client::Account(user_pk)));
    (counted.count > limits.accounts.api).then_some(counted.ends_in_secs)
}

/// How somebody stands after a request.
#[derive(Debug, Clone, Copy)]
struct Standing {
    bucket: Bucket,
    limit: u64,
    counted: Counted,
    window_secs: u64,
    /// Whether it is the token's own limit.
    of_token: bool,
}

impl Standing {
    async fn of(request: &ServiceRequest) -> Option<Self> {
        let app = request.app_data::<web::Data<App>>()?;
        let limits = &app.config.rate_limits;
        if !limits.enabled {
            return None;
        }
        let bucket = Bucket::of(request.path())?;
        // Whoever sends a token that is none is counted by address.
        let viewer = Viewer::extract(request.request()).await.unwrap_or(Viewer::ANONYMOUS);
        let (client, of) = match &viewer.user {
            Some(user) => (Client::Account(user.pk), limits.accounts),
            None => {
                let address = app.config.trusted_proxies.client_of(request.request())?;
                // This machine itself: a proxy that does not say for whom it asks, or the operator.
                if address.is_loopback() {
                    return None;
                }
                (Client::Network(network_of(address)), limits.anonymous)
            }
        };
        let limit = match bucket {
            Bucket::Api => of.api,
            Bucket::Resolvers => of.resolvers,
            Bucket::Pages => of.pages,
        };
        let counts = &app.request_counts;
        let window_secs = counts.windows.length_secs();
        let of_token = viewer.auth.token().and_then(|(token_pk, limit)| {
            let counted = counts.tokens.add((bucket, token_pk));
            Some(Self { bucket, limit: limit?, counted, window_secs, of_token: true })
        });
        if of_token.is_some_and(|standing| standing.is_over()) {
            // It is refused, and takes nothing from the account.
            return of_token;
        }
        let of_client = (limit > 0).then(|| {
            let counted = counts.windows.add((bucket, client));
            Self { bucket, limit, counted, window_secs, of_token: false }
        });
        // What is told is what ends first.
        [of_token, of_client].into_iter().flatten().min_by_key(|standing| (!standing.is_over(), standing.left()))
    }

    fn is_over(&self) -> bool {
        self.counted.count > self.limit
    }

    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.counted.count)
    }

    fn headers(&self) -> [(&'static str, String); 2] {
        let (name, left) = (self.bucket.as_str(), self.left());
        [
            ("ratelimit", format!("\"{name}\";r={left};t={}", self.counted.ends_in_secs)),
            ("ratelimit-policy", format!("\"fixed window\";\"{name}\";q={};w={}", self.limit, self.window_secs)),
        ]
    }
}

/// Middleware around the wording of errors: counts the request, and says in the answer how many are left.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn count_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(standing) = Standing::of(&request).await else { return Ok(next.call(request).await?.map_into_boxed_body()) };
    request.extensions_mut().insert(standing);
    let mut response = next.call(request).await?.map_into_boxed_body();
    for (name, value) in standing.headers() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// Middleware within the wording of errors: refuses what is too much.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn refuse_excess(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let standing = request.extensions().get::<Standing>().copied();
    match standing {
        Some(standing) if standing.is_over() => {
            let taken = if standing.of_token { "this token has a limit of its own," } else { "this hub takes" };
            let what = format!("Too many requests: {taken} {} of this kind in {} seconds.", standing.limit, standing.window_secs);
            let error = HubError::too_many_requests(&what, standing.counted.ends_in_secs);
            let (request, _) = request.into_parts();
            Ok(ServiceResponse::from_err(error, request))
        }
        _ => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_counted_by_their_kind_and_some_not_at_all() {
        for (path, bucket) in [
            ("/api/models", Some("api")),
            ("/ada/bert/resolve/main/config.json", Some("resolvers")),
            ("/datasets/ada/squad/raw/main/README.md", Some("resolvers")),
            ("/ada/bert.git/info/refs", Some("api")),
            ("/ada/bert.git/info/lfs/objects/batch", Some("api")),
            ("/ada/bert", Some("pages")),
            ("/", Some("pages")),
            ("/static/1/app.css", None),
            ("/xet/v1/reconstructions/1", None),
            ("/lfs/objects/1", None),
            ("/readyz", None),
        ] {
            assert_eq!(Bucket::of(path).map(Bucket::as_str), bucket, "{path}");
        }
    }
}
