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
/// What a code is made of: no two of these are read as the same.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters and digits of a code, dashes apart: 140 bits, so that a fast hash is right.
const LENGTH: usize = 28;
/// Of codes made before: 80 bits. They go on working until they are used or made anew.
const FORMER_LENGTH: usize = 20;

fn generate() -> String {
    let bytes: [u8; LENGTH] = rand::rng().random();
    let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    let letters: Vec<char> = letters.map(|letter| char::from(*letter)).collect();
    let parts: Vec<String> = letters.chunks(4).map(|part| part.iter().collect()).collect();
    parts.join("-")
}

/// As it is read: a code has no letter that looks like one of its digits.
fn read(letter: char) -> char {
    match letter.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        letter => letter,
    }
}

/// The hash that a code is kept as; none for what is no code. The same code of another account has another.
fn hash_of(user_pk: UserPk, code: &str) -> Option<Vec<u8>> {
    let text: String = code.chars().filter(char::is_ascii_alphanumeric).map(read).collect();
    [LENGTH, FORMER_LENGTH].contains(&text.len()).then(|| tokens::hash(&format!("{user_pk} {text}")).to_vec())
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

/// Whether there is such a code, which stays.
pub(super) async fn has(app: &App, user_pk: UserPk, code: &str) -> HubResult<bool> {
    let Some(hash) = hash_of(user_pk, code) else { return Ok(false) };
    Ok(queries::has_code(&app.pool, user_pk, &hash).await?)
}

#[cfg(test)]
mod tests {
    use super::{ALPHABET, generate, hash_of, is_like_one};

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = generate();
        assert_eq!((code.len(), code.matches('-').count()), (34, 6), "{code}");
        assert!(code.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)), "{code}");
        let typed = code.to_uppercase().replace('-', " ");
        assert_eq!(hash_of(1, &code), hash_of(1, &typed));
        assert!(hash_of(1, &code).is_some() && hash_of(1, &code) != hash_of(2, &code));
        let misread = code.replace('0', "O").replace('1', "l");
        assert_eq!(hash_of(1, &code), hash_of(1, &misread));
        assert!(hash_of(1, "123456").is_none());
    }

    #[test]
    fn codes_of_before_are_known_and_those_of_apps_are_none() {
        let former = "0a1b2-c3d4e-5f607-18293";
        assert_eq!(hash_of(7, former).unwrap(), crate::accounts::tokens::hash("7 0a1b2c3d4e5f60718293"));
        assert!(is_like_one(former) && is_like_one(&generate()));
        assert!(!is_like_one("123456") && !is_like_one("123 456") && !is_like_one(""));
    }
}
