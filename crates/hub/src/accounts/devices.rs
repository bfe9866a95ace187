//! Browsers that an account knows. They keep a secret by which they are known again, and whoever logs in with another is told of to
//! the account's owner: it may be a thief.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use sqlx::PgConnection;

use super::letters::Notice;
use super::pages::browser_name;
use super::queries::sessions::{self as queries, Browser};
use super::{UserPk, tokens};
use crate::jobs::Job;
use crate::signing::random_secret;
use crate::web::base_url::BaseUrl;
use crate::web::client_address::network_of;

/// Browsers take `__Host-` cookies by TLS only.
const SECURE_COOKIE: &str = "__Host-device";
const PLAIN_COOKIE: &str = "device";
/// For how many days a browser is known again, from each sign-in on; browsers keep no cookie for longer.
const DAYS: i64 = 400;

/// The browser that sent a request, as it is known again.
#[derive(Debug)]
pub(super) struct Device {
    secret: String,
    name: &'static str,
    is_secure: bool,
}

impl Device {
    /// The one that sent a request. If it was never here, it gets a secret.
    pub(super) fn of(request: &HttpRequest, base: &BaseUrl) -> Self {
        let name = if base.is_https() { SECURE_COOKIE } else { PLAIN_COOKIE };
        let kept = request.cookie(name).map(|cookie| cookie.value().to_owned()).filter(|kept| !kept.is_empty());
        Self { secret: kept.unwrap_or_else(random_secret::<24>), name, is_secure: base.is_https() }
    }

    /// What is kept of it here.
    pub(super) fn hash(&self) -> [u8; 32] {
        tokens::hash(&self.secret)
    }

    /// What it keeps.
    pub(super) fn cookie(self) -> Cookie<'static> {
        Cookie::build(self.name, self.secret)
            .path("/")
            .http_only(true)
            .secure(self.is_secure)
            .same_site(SameSite::Lax)
            .max_age(Duration::days(DAYS))
            .finish()
    }
}

/// Tells the owner of an account that somebody logs in with a browser that is new to it: one that was not there before, unless
/// another of its kind was in the same network. It is not told of the first of a new account.
pub(super) async fn tell_if_new(conn: &mut PgConnection, user_pk: UserPk, browser: &Browser<'_>) -> sqlx::Result<()> {
    let known = queries::list_known_browsers(conn, user_pk, browser.device_hash).await?;
    let name = browser_name(browser.user_agent);
    let network = network_name(browser.address);
    let is_known = known.iter().any(|known| {
        known.is_same || (browser_name(&known.user_agent) == name && network_name(known.address.as_deref()) == network)
    });
    if is_known || (known.is_empty() && queries::is_fresh_account(conn, user_pk).await?) {
        return Ok(());
    }
    let notice = Notice::NewBrowser {
        browser: name,
        address: browser.address.map(str::to_owned),
        at: crate::clock::now().format("%Y-%m-%d %H:%M UTC").to_string(),
    };
    Job::tell(user_pk, notice).enqueue(conn).await
}

fn network_name(address: Option<&str>) -> Option<String> {
    let address = address?;
    Some(address.parse().map_or_else(|_| address.to_owned(), |address| network_of(address).to_string()))
}
