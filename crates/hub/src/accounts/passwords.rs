//! Passwords: argon2id, checked off the async threads.

mod breached;
mod weak;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use chrono::{DateTime, Utc};

use super::{User, UserPk, queries};
use crate::app::App;
use crate::error::{HubError, HubResult};

pub(crate) use breached::examine as examine_breached;

/// The shortest password taken, in characters.
pub const MIN_LEN: usize = 8;
/// A hash of nothing anybody knows, which costs as much to check as that of an account.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo";

/// Checks that a password is worth keeping for somebody of this name and mail address.
///
/// # Errors
/// 400 that says what is wrong.
pub async fn check(app: &App, password: &str, name: &str, email: &str) -> HubResult<()> {
    if password.chars().count() < MIN_LEN {
        return Err(HubError::bad_request(format!("Choose a password of at least {MIN_LEN} characters.")));
    }
    if password.len() > 1000 {
        return Err(HubError::bad_request("The password is too long: at most 1000 bytes."));
    }
    if weak::is_common(password) {
        return Err(HubError::bad_request("Choose another password: this one is among the first that anybody tries."));
    }
    if weak::is_about(password, &[name, email, &app.config.base()]) {
        let text = "Choose another password: this one is little more than your name, your mail address or the name of the hub.";
        return Err(HubError::bad_request(text));
    }
    if is_breached(app, password).await? {
        return Err(HubError::bad_request(
            "Choose another password: this one was in a breach, and such passwords are tried first.",
        ));
    }
    Ok(())
}

/// Whether a password is in the operator's file, if there is one. A file that cannot be asked keeps nobody from their account: what else
/// is checked still holds.
async fn is_breached(app: &App, password: &str) -> HubResult<bool> {
    let Some(file) = app.config.breached_passwords.clone() else { return Ok(false) };
    let password = password.to_owned();
    let found = tokio::task::spawn_blocking(move || breached::is_breached(&file, &password)).await?;
    Ok(found.unwrap_or_else(|error| {
        tracing::warn!(%error, "the file of breached passwords could not be asked: a password was taken without");
        false
    }))
}

/// Hashes a password, on the blocking pool.
///
/// # Errors
/// 500 when the machine has no memory or randomness left.
pub async fn hash(password: String) -> HubResult<String> {
    tokio::task::spawn_blocking(move || {
        let hash = Argon2::default().hash_password(password.as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|error| HubError::internal(error.to_string()))
    })
    .await?
}

/// Whether a hash is that of a password, on the blocking pool.
pub(super) async fn verify(password: String, hash: String) -> HubResult<bool> {
    Ok(tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await?)
}

/// What comes of a name and a password.
#[derive(Debug)]
pub(super) enum Found {
    /// They are right. A password that was made up must be changed until then.
    User(Box<User>, Option<DateTime<Utc>>),
    /// There is such an account, with another password.
    Wrong(UserPk),
    /// There is no such account.
    Nobody,
}

/// Finds the user of a name (or mail address) and password. An unknown name costs as much time as a wrong password.
///
/// # Errors
/// The database does not answer.
pub(super) async fn find_user(app: &App, name: &str, password: &str) -> HubResult<Found> {
    let row = queries::find_password(&app.pool, name).await?;
    // Who signs in at a provider may have no password.
    let hash = row.as_ref().map(|row| row.password_hash.as_str()).filter(|hash| !hash.is_empty()).unwrap_or(NOBODY).to_owned();
    let correct = verify(password.to_owned(), hash).await?;
    let Some(row) = row else {
        // Not what was typed: people type passwords in the wrong field.
        tracing::warn!("a password for an account that is not there");
        return Ok(Found::Nobody);
    };
    if !correct {
        tracing::warn!(user.pk = row.user_pk, "a wrong password");
        return Ok(Found::Wrong(row.user_pk));
    }
    let user = queries::find_user(&app.pool, row.user_pk).await?;
    // As it was with this password, which may have been changed since.
    let user = user.map(|user| User { sign_in_version: row.sign_in_version, ..user });
    Ok(user.map_or(Found::Nobody, |user| Found::User(Box::new(user), row.password_ends_at)))
}

/// Whether this is the password that somebody has now.
///
/// # Errors
/// The database does not answer.
pub(super) async fn is_present(app: &App, user: &User, password: &str) -> HubResult<bool> {
    match queries::find_password(&app.pool, &user.name).await? {
        Some(row) => verify(password.to_owned(), row.password_hash).await,
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use argon2::Params;
    use argon2::password_hash::Error;

    use super::*;

    #[tokio::test]
    async fn names_that_are_not_there_cost_as_much_as_wrong_passwords() {
        let fresh = hash("correct horse".to_owned()).await.unwrap();
        let [nobody, fresh] = [NOBODY, fresh.as_str()].map(|text| PasswordHash::new(text).unwrap());
        assert_eq!((nobody.algorithm.as_str(), nobody.version), (fresh.algorithm.as_str(), fresh.version));
        let params = |hash: &PasswordHash| Params::try_from(hash).unwrap();
        assert_eq!(params(&nobody), params(&fresh), "after a change of the defaults, make another hash");
        for hash in [&nobody, &fresh] {
            // With a salt and a result to compare with, only the comparison at the end says so.
            assert!(hash.salt.is_some() && hash.hash.is_some());
            assert_eq!(Argon2::default().verify_password(b"wrong", hash), Err(Error::PasswordInvalid));
        }
    }
}
