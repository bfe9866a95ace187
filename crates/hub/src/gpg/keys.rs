//! The public keys of accounts.

use super::listing::Part;
use super::queries::{self, NewKey};
use super::tool::ToolError;
use crate::accounts::letters::Notice;
use crate::accounts::{User, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// The longest text that is read; keys with many signatures of others are long.
const MAX_TEXT_BYTES: usize = 128 * 1024;
/// The longest key that is kept.
const MAX_KEY_BYTES: usize = 32 * 1024;
const MAX_PARTS: usize = 20;
const MAX_EMAILS: usize = 20;
/// The most keys of one account.
const MAX_KEYS: i64 = 20;

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// The account did not have it.
    New,
    /// The account had it, perhaps with another end.
    Again,
}

/// Gives an account a key, or brings one that it has up to date.
///
/// # Errors
/// 400 for a text that is no key, or none that can be used, 503 without GnuPG.
pub(super) async fn add(app: &App, user: &User, text: &str) -> HubResult<Added> {
    let refuse = |why: &str| HubError::bad_request(why).at("key");
    if text.contains("PRIVATE KEY BLOCK") {
        return Err(refuse("This is a private key, which nobody else may see. Paste what `gpg --armor --export` prints."));
    }
    if !text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") || text.len() > MAX_TEXT_BYTES {
        return Err(refuse("Paste one public key as `gpg --armor --export YOU@EXAMPLE.ORG` prints it."));
    }
    let read = app.gpg.read_key(text.as_bytes()).await.map_err(unavailable)?;
    let Some((listing, public_key)) = read else {
        return Err(refuse(
            "This is not one public key. Paste what `gpg --armor --export` prints for it, from its first line to its last.",
        ));
    };
    if listing.parts.len() > MAX_PARTS || listing.emails.len() > MAX_EMAILS || public_key.len() > MAX_KEY_BYTES {
        return Err(refuse("This key is too large: it may have up to 20 subkeys and 20 user ids. Export less of it."));
    }
    let Some(primary) = listing.parts.first().filter(|primary| !primary.weak) else {
        return Err(refuse("DSA, and RSA of less than 2048 bits, can be broken. Make another key: `gpg --full-generate-key`."));
    };
    let fingerprint = primary.fingerprint.clone();
    let parts = serde_json::to_value(&listing.parts).map_err(HubError::internal)?;
    let mut tx = audit::begin(app).await?;
    crate::accounts::queries::lock_user(&mut tx, user.pk).await?;
    let key = NewKey { fingerprint: &fingerprint, parts: &parts, emails: &listing.emails, public_key: &public_key };
    if queries::update_key(&mut tx, user.pk, &key).await? {
        tx.commit().await?;
        return Ok(Added::Again);
    }
    if queries::count_keys(&mut tx, user.pk).await? >= MAX_KEYS {
        return Err(HubError::bad_request("An account has at most 20 GPG keys. Remove one that is not used any more."));
    }
    queries::insert_key(&mut tx, user.pk, &key).await?;
    Job::tell(user.pk, Notice::GpgKeyAdded { fingerprint }).enqueue(&mut tx).await?;
    tx.commit().await?;
    Ok(Added::New)
}

/// Takes a key from an account.
///
/// # Errors
/// 404 when the account has no such key.
pub(super) async fn remove(app: &App, user: &User, key_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    if !queries::delete_key(&mut tx, user.pk, key_pk).await? {
        return Err(HubError::not_found("You have no such GPG key: it may have been removed already."));
    }
    Ok(tx.commit().await?)
}

fn unavailable(error: ToolError) -> HubError {
    match error {
        ToolError::Missing(_) => HubError::unavailable(
            "GPG keys cannot be read on this hub, since it has no GnuPG. Ask whoever runs the hub to install `gpg` and `gpgv`.",
            error,
        ),
        ToolError::TooLong(_) => HubError::bad_request(
            "This key takes too long to read. Export less of it: `gpg --armor --export-options export-minimal --export`.",
        )
        .at("key"),
        ToolError::Broken(..) => HubError::internal(error),
    }
}

/// The parts of a key, as they are kept.
pub(super) fn parts_of(value: serde_json::Value) -> Vec<Part> {
    serde_json::from_value(value).unwrap_or_default()
}
