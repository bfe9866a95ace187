//! Whether the OpenPGP signatures of commits are of whom they name as committer: made with a key of the account whose confirmed address
//! that is, which the key names, too. What came out of checking one is remembered; whether its key has ended, or was taken away, is
//! looked at anew each time.

use std::collections::HashMap;

use futures::{StreamExt as _, stream};
use hub_git::SignedCommit;
use hub_types::Oid;

use super::queries::{self, SignerRow};
use super::tool::{AT_ONCE, Outcome, Question, ToolError};
use super::{armor, keys};
use crate::app::App;
use crate::error::HubResult;
use crate::ssh::signatures::Signature;

/// Longer commits are not checked: those of a page lie in memory together.
const MAX_CONTENT_BYTES: usize = 256 * 1024;

const FORGED: &str = "The signature does not fit this commit: it was changed, or the signature is of another.";
const TOO_LONG: &str = "Signed with a GPG key, but the commit is too long to be checked.";
const NO_KEY: &str = "Signed with a GPG key, but no account here with a GPG key has confirmed the committer's email address.";
const UNKNOWN: &str = "Signed with a GPG key that the account with the committer's email address does not have.";
const OTHER: &str = "Signed with a GPG key that does not name the committer's email address.";
const EXPIRED: &str = "Signed with a GPG key that has expired.";
const REVOKED: &str = "Signed with a GPG key that its owner has revoked.";
const UNSAFE: &str = "Signed in a way that proves nothing any more.";
const NOT_CHECKED: &str = "Signed with a GPG key. It could not be checked just now.";
const NO_TOOL: &str = "Signed with a GPG key. This hub does not check such signatures, since it has no `gpgv`.";

/// A commit with an OpenPGP signature.
#[derive(Debug)]
pub(crate) struct Signed {
    oid: Oid,
    signature: Vec<u8>,
    content: Vec<u8>,
    committer: String,
}

/// Reads the signature of a commit; nothing if it is of another kind. Where it is none at all, says so.
pub(crate) fn read(oid: Oid, commit: &SignedCommit) -> Option<Result<Signed, Signature>> {
    if !armor::is_armored(&commit.signature) {
        return None;
    }
    if commit.content.len() > MAX_CONTENT_BYTES {
        return Some(Err(Signature::Unverified(TOO_LONG)));
    }
    let Some(signature) = armor::signature_in(&commit.signature) else { return Some(Err(Signature::Unverified(FORGED))) };
    let committer = commit.committer.email.to_lowercase();
    Some(Ok(Signed { oid, signature, content: commit.content.clone(), committer }))
}

/// What is known of the signatures.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn judge(app: &App, signed: Vec<Signed>) -> HubResult<HashMap<Oid, Signature>> {
    if signed.is_empty() {
        return Ok(HashMap::new());
    }
    let mut emails: Vec<String> = signed.iter().map(|signed| signed.committer.clone()).collect();
    emails.sort_unstable();
    emails.dedup();
    let mut signers: HashMap<String, Vec<SignerRow>> = HashMap::new();
    for row in queries::list_signers(&app.pool, &emails).await? {
        signers.entry(row.email.clone()).or_default().push(row);
    }
    let signers = &signers;
    let work = signed.into_iter().map(|signed| async move {
        let rows = signers.get(&signed.committer).map(Vec::as_slice).unwrap_or_default();
        Ok((signed.oid, judge_one(app, signed, rows).await?))
    });
    let judged: Vec<HubResult<(Oid, Signature)>> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
    judged.into_iter().collect()
}

async fn judge_one(app: &App, signed: Signed, rows: &[SignerRow]) -> HubResult<Signature> {
    if rows.is_empty() {
        return Ok(Signature::Unverified(NO_KEY));
    }
    let question: Question = (signed.oid, rows.iter().map(|row| (row.key_pk, row.updated_at)).collect());
    let outcome = match app.gpg.seen.get(&question) {
        Some(outcome) => outcome,
        None => {
            let key_pks: Vec<i64> = rows.iter().map(|row| row.key_pk).collect();
            let keys = queries::read_keys(&app.pool, &key_pks).await?.concat();
            match app.gpg.verify(&keys, &signed.signature, &signed.content).await {
                Ok(outcome) => {
                    app.gpg.seen.insert(question, outcome.clone());
                    outcome
                }
                Err(ToolError::Missing(_)) => return Ok(Signature::Unchecked(NO_TOOL)),
                Err(error) => {
                    tracing::warn!(%error, commit = %signed.oid, "a signature was not checked");
                    return Ok(Signature::Unchecked(NOT_CHECKED));
                }
            }
        }
    };
    Ok(match outcome {
        Outcome::Good { part, primary } => of_key(&part, &primary, &signed.committer, rows),
        Outcome::Expired => Signature::Unverified(EXPIRED),
        Outcome::Revoked => Signature::Unverified(REVOKED),
        Outcome::Bad => Signature::Unverified(FORGED),
        Outcome::UnknownKey => Signature::Unverified(UNKNOWN),
        Outcome::Refused => Signature::Unverified(UNSAFE),
    })
}

/// Whether the key that made a good signature is still good, and of the committer.
fn of_key(part: &str, primary: &str, committer: &str, rows: &[SignerRow]) -> Signature {
    let Some(row) = rows.iter().find(|row| row.fingerprint == primary) else { return Signature::Unverified(UNKNOWN) };
    let parts = keys::parts_of(row.parts.clone());
    let (Some(first), Some(used)) = (parts.first(), parts.iter().find(|known| known.fingerprint == part)) else {
        return Signature::Unverified(UNKNOWN);
    };
    let now = crate::clock::now().timestamp();
    let any = |is: fn(&super::listing::Part, i64) -> bool| is(first, now) || is(used, now);
    if any(|part, _| part.revoked) {
        Signature::Unverified(REVOKED)
    } else if any(|part, now| part.expires.is_some_and(|expires| expires <= now)) {
        Signature::Unverified(EXPIRED)
    } else if any(|part, _| part.weak) {
        Signature::Unverified(UNSAFE)
    } else if row.emails.iter().any(|email| email == committer) {
        Signature::Verified { name: row.name.clone(), with: "a GPG key" }
    } else {
        Signature::Unverified(OTHER)
    }
}
