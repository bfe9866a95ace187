//! Passwords that the hub made up for somebody: they open nothing but the page that asks for another one, and not for long.

use serde::{Deserialize, Serialize};

use super::letters::Notice;
use super::queries::{self, passwords as statements, settings};
use super::{User, UserPk, audit, passwords};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// For how many days such a password works.
pub const LASTS_DAYS: i32 = 7;

/// Who has given such a password, as the browser keeps it until there is another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Given {
    /// Whose it is.
    pub user_pk: UserPk,
    /// [`User::sign_in_version`] at that time.
    pub version: i32,
    /// Where to go afterwards.
    pub next: String,
}

/// Notes that the password of an account was made up.
///
/// # Errors
/// The database does not answer.
pub async fn mark(app: &App, user_pk: UserPk) -> HubResult<()> {
    Ok(statements::mark_first_password(&app.pool, user_pk, LASTS_DAYS).await?)
}

/// Who has given such a password, if nothing happened to the account since.
///
/// # Errors
/// The database does not answer.
pub async fn find(app: &App, given: &Given) -> HubResult<Option<User>> {
    let user = queries::find_user(&app.pool, given.user_pk).await?;
    Ok(user.filter(|user| user.sign_in_version == given.version))
}

/// Sets a password of somebody's own in the place of the one that was made up, and gives the account as it is then.
///
/// # Errors
/// 400 when it is weak or the same, 409 when the password was changed meanwhile.
pub async fn replace(app: &App, user: &User, new: &str) -> HubResult<User> {
    let at_field = |error: HubError| error.at("new_password");
    passwords::check(app, new, &user.name, &user.email).await.map_err(at_field)?;
    if passwords::is_present(app, user, new).await? {
        return Err(at_field(HubError::bad_request("Choose another password than the one that was made for you.")));
    }
    let hash = passwords::hash(new.to_owned()).await?;
    let mut tx = audit::begin(app).await?;
    if statements::lock_first_password(&mut tx, user.pk).await? != Some(user.sign_in_version) {
        return Err(HubError::conflict("The password of this account was changed just now. Log in again."));
    }
    settings::update_password(&mut tx, user.pk, &hash, None).await?;
    Job::tell(user.pk, Notice::PasswordChanged).enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    queries::find_user(&app.pool, user.pk).await?.ok_or_else(|| HubError::internal("the account is gone"))
}
