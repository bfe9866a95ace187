//! Access tokens: made once, shown once, stored as a hash.

use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};

use super::queries::tokens as queries;
use super::{Auth, TokenRole, User, Viewer, audit, scopes};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::together::Together;
use crate::web::text::is_readable_line;

/// What every token starts with; `@huggingface/hub` refuses others before it sends them.
pub const PREFIX: &str = "hf_";

/// The SHA-256 by which tokens and sessions are stored. A fast hash is right here: the secrets are random.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Starts what finds who tokens are of, by their hashes. Must be called inside a runtime.
pub fn viewers(pool: PgPool) -> Together<[u8; 32], Viewer> {
    Together::start(move |hashes: Vec<[u8; 32]>| {
        let pool = pool.clone();
        async move { queries::find_token_viewers(&pool, &hashes).await }
    })
}

/// A new token, to be shown once: `hf_` and 34 letters and digits, as on the Hub.
pub fn generate() -> String {
    generate_as("")
}

/// The same, of a kind whose name stands in it. It has letters and digits only, so that whoever looks for leaked ones sees where it ends.
pub fn generate_as(kind: &str) -> String {
    use rand::RngExt as _;
    let mut rng = rand::rng();
    let letters: String = (0..34).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect();
    format!("{PREFIX}{kind}{letters}")
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The name its owner gives it.
    pub name: String,
    /// What it may do.
    pub role: TokenRole,
    /// For fine-grained tokens: the scopes, in the shape of [`super::scopes`].
    pub scopes: serde_json::Value,
    /// When it stops working.
    pub expires_at: Option<chrono::DateTime<chrono::Utc>>,
    /// How many requests of each kind it may make in a window; nothing is as many as its account.
    pub requests_limit: Option<i64>,
}

/// The most requests that somebody may give a token.
const MOST_REQUESTS: i64 = 1_000_000_000;

/// Reads how many requests a token may make, as it is typed: nothing is as many as its account.
///
/// # Errors
/// 400 for what is no such number.
pub fn read_requests_limit(text: &str) -> HubResult<Option<i64>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<i64>().ok().filter(|limit| (1..=MOST_REQUESTS).contains(limit)) {
        Some(limit) => Ok(Some(limit)),
        None => {
            let what = "Give the limit of requests as a number from 1 to 1000000000, or leave it empty.";
            Err(HubError::bad_request(what).at("requests_limit"))
        }
    }
}

/// Makes a token and gives its text, which is not kept.
///
/// # Errors
/// 400 for an empty or long name.
pub async fn create_token(app: &App, user: &User, token: &NewToken) -> HubResult<String> {
    check_name(&token.name)?;
    let secret = generate();
    let mut tx = audit::begin(app).await?;
    queries::insert_token(&mut tx, user.pk, token, &secret).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Notes a new repository for the application that makes it, if its token may do something with those that it made and no others.
///
/// # Errors
/// The database does not answer.
pub async fn note_made(conn: &mut PgConnection, viewer: &Viewer, repo_pk: i64) -> sqlx::Result<()> {
    match &viewer.auth {
        Auth::Token { token_pk, scopes: given, .. } if scopes::makes_repos(given) => {
            queries::insert_made_repo(conn, *token_pk, repo_pk).await
        }
        _ => Ok(()),
    }
}

/// Gives a token another name.
///
/// # Errors
/// 400 for an empty or long name, 404 when the user has no such token.
pub async fn rename(app: &App, user: &User, token_pk: i64, name: &str) -> HubResult<()> {
    check_name(name)?;
    let mut tx = audit::begin(app).await?;
    if !queries::rename_token(&mut *tx, user.pk, token_pk, name.trim()).await? {
        return Err(HubError::no_such_token());
    }
    Ok(tx.commit().await?)
}

/// Gives a token another limit of requests, as it is typed: nothing is as many as its account.
///
/// # Errors
/// 400 for what is no limit, 404 when the user has no such token.
pub async fn set_requests_limit(app: &App, user: &User, token_pk: i64, typed: &str) -> HubResult<()> {
    let limit = read_requests_limit(typed)?;
    let mut tx = audit::begin(app).await?;
    if !queries::limit_token(&mut *tx, user.pk, token_pk, limit).await? {
        return Err(HubError::no_such_token());
    }
    Ok(tx.commit().await?)
}

/// Makes a token with the name and rights of another, which stops working; gives its name and text.
///
/// # Errors
/// 404 when the user has no such token, or it does not work any more.
pub async fn rotate(app: &App, user: &User, token_pk: i64) -> HubResult<(String, String)> {
    let secret = generate();
    let mut tx = audit::begin(app).await?;
    let name = queries::replace_token(&mut *tx, user.pk, token_pk, &secret).await?;
    tx.commit().await?;
    Ok((name.ok_or_else(HubError::no_such_token)?, secret))
}

/// Revokes a token.
///
/// # Errors
/// 404 when the user has no such token.
pub async fn revoke(app: &App, user: &User, token_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    if !queries::delete_token(&mut *tx, user.pk, token_pk).await? {
        return Err(HubError::no_such_token());
    }
    Ok(tx.commit().await?)
}

/// Checks the name of a token.
///
/// # Errors
/// 400 for an empty or long one.
pub(super) fn check_name(name: &str) -> HubResult<()> {
    if is_readable_line(name.trim()) && name.trim().chars().count() <= 100 {
        return Ok(());
    }
    Err(HubError::bad_request("Give the token a name of 1 to 100 characters.").at("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_above_nothing_or_left_out() {
        for (typed, limit) in
            [("", None), ("  ", None), ("1", Some(1)), (" 250 ", Some(250)), ("1000000000", Some(1_000_000_000))]
        {
            assert_eq!(read_requests_limit(typed).unwrap(), limit, "{typed}");
        }
        for typed in ["0", "-1", "1000000001", "9999999999999999999999", "1.5", "many", "1 000"] {
            assert!(read_requests_limit(typed).is_err(), "{typed}");
        }
    }
}
