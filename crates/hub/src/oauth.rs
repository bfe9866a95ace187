//! Signing in to applications with an account of this hub: the hub as provider of OAuth 2.0 and OpenID Connect (docs/oauth.md).
//!
//! An application sends a person to `/oauth/authorize` ([`authorize`]), who says there what it may do ([`pages`]). It gets a code and
//! exchanges that for tokens ([`exchange`], [`issue`]); or a device polls for them ([`device`]). What was said once is a *consent*;
//! each time somebody signs in is a *grant*, with which all of its tokens end. Access tokens are rows of `access_tokens` with the
//! rights of fine-grained ones ([`scopes`]), so that no permission check knows of this slice. Jobs of CI that are trusted get such tokens,
//! too, for what their issuer signed ([`publishers`]).

mod api;
mod authorize;
mod claims;
mod clients;
mod device;
mod exchange;
mod issue;
mod keys;
mod pages;
mod problem;
mod publishers;
pub mod queries;
mod redirects;
mod scopes;

use actix_web::web::ServiceConfig;
use serde_json::Value;
use sqlx::PgConnection;

use crate::accounts::{Auth, UserPk};
use crate::app::App;
use crate::error::HubResult;

/// How long somebody is signed in to an application that asks for nothing more, in days.
const IDLE_DAYS: i32 = 30;
/// The same for the command line, which people use now and then.
const COMMAND_LINE_IDLE_DAYS: i32 = 180;

/// Routes that programs ask, and not people.
const FOR_PROGRAMS: [&str; 7] =
    ["/oauth/token", "/oauth/userinfo", "/oauth/jwks", "/oauth/register", "/oauth/revoke", "/oauth/introspect", "/.well-known/"];

/// Whether programs ask something at this path.
pub fn is_for_programs(path: &str) -> bool {
    FOR_PROGRAMS.iter().any(|start| path.starts_with(start))
}

/// Whether an application says here who it is, in the header that otherwise names an account.
pub fn takes_client_credentials(path: &str) -> bool {
    ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device"].contains(&path)
}

/// What an application may do by this token, if it is an application's.
pub fn scopes_of(auth: &Auth) -> Option<Vec<&str>> {
    let Auth::Token { scopes, .. } = auth else { return None };
    scopes::granted(scopes)
}

/// Whether somebody shows an application's token that may not know their mail address, or one of a job that they trust.
pub fn hides_email(auth: &Auth) -> bool {
    auth.publisher().is_some() || scopes_of(auth).is_some_and(|scopes| !scopes.contains(&"email"))
}

/// Whether somebody shows an application's token that may know them by their name only, or one of a job that they trust.
pub fn hides_profile(auth: &Auth) -> bool {
    auth.publisher().is_some() || scopes_of(auth).is_some_and(|scopes| !scopes.contains(&"profile"))
}

/// Takes hold of the sign-ins of which one of these tokens is, before any of the tokens.
///
/// # Errors
/// The database does not answer.
pub async fn hold_leaked(conn: &mut PgConnection, hashes: &[Vec<u8>]) -> HubResult<()> {
    Ok(queries::grants::hold_of(conn, hashes).await?)
}

/// Ends the sign-ins whose refresh tokens were found where everybody can read them; gives whose they were, and the applications' names.
///
/// # Errors
/// The database does not answer.
pub async fn end_leaked(conn: &mut PgConnection, hashes: &[Vec<u8>]) -> HubResult<Vec<(UserPk, String)>> {
    let rows = queries::tokens::delete_leaked(conn, hashes).await?;
    Ok(rows.into_iter().map(|row| (row.user_pk, row.name)).collect())
}

/// Whether these rights are those of an application's token.
pub fn is_of_application(rights: &Value) -> bool {
    scopes::granted(rights).is_some()
}

/// Forgets what is over, and changes the key that signs when it has done so for long.
///
/// # Errors
/// The database does not answer.
pub async fn sweep(app: &App) -> HubResult<()> {
    let mut tx = app.begin().await?;
    queries::grants::delete_over(&mut tx).await?;
    queries::clients::delete_unused_clients(&mut *tx).await?;
    crate::publishers::queries::delete_over(&mut tx).await?;
    tx.commit().await?;
    keys::rotate(app).await
}

/// Mounts this slice.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(api::routes).configure(pages::routes);
}
