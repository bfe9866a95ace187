//! The public keys of accounts.

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, HashAlg, PublicKey};

use super::queries;
use crate::accounts::letters::Notice;
use crate::accounts::{User, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::web::text::is_readable_line;

/// The longest key that is read: an RSA key of 8192 bits has some 1,400 characters.
const MAX_KEY_CHARS: usize = 8_000;
const MAX_TITLE_CHARS: usize = 100;
/// The most keys of one account.
const MAX_KEYS: i64 = 100;
/// RSA below this can be broken.
const MIN_RSA_BITS: u32 = 2048;
/// RSA above this is not checked by the library that does it: such a key would never open anything.
const MAX_RSA_BITS: u32 = 8192;

/// The fingerprint of a key, as `ssh-keygen -l` shows it.
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Reads a key as it stands in a file `.pub`.
///
/// # Errors
/// 400 for what is none, or none that is safe enough.
pub fn parse(text: &str) -> HubResult<PublicKey> {
    let refuse = |why: &str| Err(HubError::bad_request(why).at("key"));
    let text = text.trim();
    if text.contains("PRIVATE KEY") {
        return refuse(
            "This is a private key, which nobody else may see. Make a new pair, and paste what is in the file that ends in `.pub`.",
        );
    }
    if text.is_empty() || text.len() > MAX_KEY_CHARS || text.contains(['\n', '\r']) {
        return refuse("Paste one public key: the one line that is in the file that ends in `.pub`.");
    }
    let Ok(mut key) = PublicKey::from_openssh(text) else {
        return refuse(
            "This is not a public key. It must look like `ssh-ed25519 AAAA…`: paste what is in the file that ends in `.pub`.",
        );
    };
    match (key.algorithm(), key.key_data()) {
        (Algorithm::Rsa { .. }, KeyData::Rsa(rsa)) if (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&rsa.key_size()) => {}
        (Algorithm::Rsa { .. }, _) => {
            return refuse("RSA keys must have from 2048 to 8192 bits. Make another key: `ssh-keygen -t ed25519`.");
        }
        (Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256, data)
            if !data.is_certificate() => {}
        _ => return refuse("Keys of this kind are not taken. Make another: `ssh-keygen -t ed25519`."),
    }
    key.set_comment("");
    Ok(key)
}

/// The comment of a key as typed: mostly the person and the machine.
fn comment_of(text: &str) -> &str {
    text.trim().splitn(3, ' ').nth(2).unwrap_or_default().trim()
}

/// Gives an account a key. Without a title it is called what its comment says.
///
/// # Errors
/// 400 for a key or title that cannot be, 409 for a key that an account has already.
pub async fn add(app: &App, user: &User, title: &str, text: &str) -> HubResult<()> {
    let key = parse(text)?;
    let title = match title.trim() {
        "" => comment_of(text),
        title => title,
    };
    let title = if title.is_empty() { "SSH key" } else { title };
    if !is_readable_line(title) || title.chars().count() > MAX_TITLE_CHARS {
        return Err(HubError::bad_request("Give the key a title of 1 to 100 characters.").at("title"));
    }
    let (fingerprint, text) = (fingerprint(&key), key.to_openssh().map_err(HubError::internal)?);
    let mut tx = audit::begin(app).await?;
    crate::accounts::queries::lock_user(&mut tx, user.pk).await?;
    if queries::count_keys(&mut tx, user.pk).await? >= MAX_KEYS {
        return Err(HubError::bad_request("An account has at most 100 SSH keys. Remove one that is not used any more."));
    }
    if !queries::insert_key(&mut tx, user.pk, title, &fingerprint, &text).await? {
        return Err(HubError::conflict(
            "This key is in use already, by you or by another account. A key belongs to one account: make another with `ssh-keygen -t ed25519`.",
        )
        .at("key"));
    }
    let notice = Notice::KeyAdded { title: title.to_owned(), fingerprint };
    Job::tell(user.pk, notice).enqueue(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Takes a key from an account. Who is connected with it may ask nothing more.
///
/// # Errors
/// 404 when the account has no such key.
pub async fn remove(app: &App, user: &User, key_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    if !queries::delete_key(&mut tx, user.pk, key_pk).await? {
        return Err(HubError::not_found("You have no such SSH key: it may have been removed already."));
    }
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti ada@laptop";

    #[test]
    fn a_key_is_known_by_its_fingerprint_whatever_its_comment() {
        let key = parse(&format!("  {ED25519}\n")).unwrap();
        assert!(fingerprint(&key).starts_with("SHA256:"));
        assert_eq!(fingerprint(&key), fingerprint(&parse(ED25519.strip_suffix(" ada@laptop").unwrap()).unwrap()));
        assert!(!key.to_openssh().unwrap().contains("ada@laptop"));
        assert_eq!(comment_of(ED25519), "ada@laptop");
    }

    #[test]
    fn rsa_keys_are_taken_only_in_sizes_that_are_checked() {
        use russh::keys::ssh_key::Mpint;
        use russh::keys::ssh_key::public::RsaPublicKey;
        let key = |bits: usize| {
            let e = Mpint::from_positive_bytes(&[1, 0, 1]);
            let n = Mpint::from_positive_bytes(&vec![0xff; bits / 8]);
            PublicKey::from(KeyData::Rsa(RsaPublicKey::new(e, n).unwrap())).to_openssh().unwrap()
        };
        for bits in [2048, 8192] {
            assert!(parse(&key(bits)).is_ok(), "{bits}");
        }
        for bits in [1024, 2040, 8200, 16_384] {
            assert!(parse(&key(bits)).unwrap_err().message().contains("2048 to 8192"), "{bits}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_in_words() {
        let two = format!("{ED25519}\n{ED25519}");
        for (text, said) in [
            ("", "one public key"),
            (&two, "one public key"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
            ("ssh-ed25519 AAAA", "not a public key"),
            ("ssh-ed25519", "not a public key"),
            (&"A".repeat(9_000), "one public key"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().contains(said), "{text}: {}", error.message());
            assert_eq!(error.field(), Some("key"));
        }
    }
}
