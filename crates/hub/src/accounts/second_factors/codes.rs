//! Recovery codes: ten, shown once, kept as hashes, each good for one sign-in.

use rand::RngExt as _;
use sqlx::PgConnection;

use super::{has_any_in, tell};
use crate::accounts::queries::factors as queries;
use crate::accounts::queries::lock_user;
use crate::accounts::{User, UserPk, audit, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};

const COUNT: usize = 10;
/// Letters and digits of a code, dashes apart: 80 bits, so that a fast hash is right.
const LENGTH: usize = 20;

fn generate() -> String {
    let bytes: [u8; LENGTH / 2] = rand::rng().random();
    let text = hex::encode(bytes);
    let parts: Vec<&str> = [0..5, 5..10, 10..15, 15..20].into_iter().filter_map(|part| text.get(part)).collect();
    parts.join("-")
}

/// The hash that a code is kept as; none for what is no code. The same code of another account has another.
fn hash_of(user_pk: UserPk, code: &str) -> Option<Vec<u8>> {
    let text: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    (text.len() == LENGTH).then(|| tokens::hash(&format!("{user_pk} {text}")).to_vec())
}

/// Whether a text is as long as a recovery code, and so none of an app.
pub(super) fn is_like_one(code: &str) -> bool {
    hash_of(0, code).is_some()
}

/// Makes codes in the place of those before.
pub(super) async fn replace(tx: &mut PgConnection, user_pk: UserPk) -> HubResult<Vec<String>> {
    let codes: Vec<String> = std::iter::repeat_with(generate).take(COUNT).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().filter_map(|code| hash_of(user_pk, code)).collect();
    queries::replace_codes(tx, user_pk, &hashes).await?;
    Ok(codes)
}

/// Makes codes anew, for somebody who has a second factor.
///
/// # Errors
/// 409 without one.
pub(in crate::accounts) async fn renew(app: &App, user: &User) -> HubResult<Vec<String>> {
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    if !has_any_in(&mut tx, user.pk).await? {
        return Err(HubError::conflict("Add an authenticator app or a passkey first: recovery codes stand in for those."));
    }
    let codes = replace(&mut tx, user.pk).await?;
    tell(&mut tx, user.pk, "new recovery codes were made for your account. Those from before do not work any more.").await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(codes)
}

/// Uses up a code, if there is such a one, and tells its owner.
pub(super) async fn take(app: &App, user_pk: UserPk, code: &str) -> HubResult<bool> {
    let Some(hash) = hash_of(user_pk, code) else { return Ok(false) };
    let mut tx = audit::begin(app).await?;
    let taken = queries::take_code(&mut tx, user_pk, &hash).await?;
    if taken {
        tell(&mut tx, user_pk, "a recovery code of your account was used. Each works once.").await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::{generate, hash_of};

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = generate();
        assert_eq!((code.len(), code.matches('-').count()), (23, 3), "{code}");
        let typed = code.to_uppercase().replace('-', " ");
        assert_eq!(hash_of(1, &code), hash_of(1, &typed));
        assert!(hash_of(1, &code).is_some() && hash_of(1, &code) != hash_of(2, &code));
        assert!(hash_of(1, "123456").is_none());
    }
}
