//! Whether the signature of a commit is of whom it names as its committer: made with an SSH key of the account whose confirmed mail
//! address that is. The sums are done where the commit is read; one query then says whose the keys are.

use std::collections::HashMap;

use hub_git::{GitReader, SignedCommit};
use hub_types::Oid;
use russh::keys::ssh_key::{Algorithm, PublicKey, SshSig};

use super::{keys, queries};
use crate::app::App;
use crate::error::HubResult;
use crate::repos::{Repo, reading};

/// What git signs commits for.
const NAMESPACE: &str = "git";
/// Longer signatures are none.
const MAX_SIGNATURE_BYTES: usize = 16 * 1024;

/// What is known of the signature of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// It is of the account with this name.
    Verified(String),
    /// It is not, or nobody can tell.
    Unverified(&'static str),
    /// It is of another kind, at which the hub does not look.
    Unchecked,
}

impl Signature {
    /// In a word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Verified(_) => "Verified",
            Self::Unverified(_) => "Unverified",
            Self::Unchecked => "Signed",
        }
    }

    /// The classes of its badge.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Verified(_) => "badge badge-accent",
            Self::Unverified(_) => "badge badge-warning",
            Self::Unchecked => "badge",
        }
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Verified(name) => {
                format!("Signed with an SSH key of {name}, whose confirmed email address is that of the committer.")
            }
            Self::Unverified(why) => (*why).to_owned(),
            Self::Unchecked => {
                "Signed in a way that this hub does not check. It verifies signatures made with SSH keys.".to_owned()
            }
        }
    }
}

const FORGED: &str = "The signature does not fit this commit: it was changed, or the signature is of another.";
const UNKNOWN: &str = "Signed with an SSH key that no account here has.";
const OTHER: &str = "Signed with an SSH key of an account whose confirmed email address is not that of the committer.";

/// What the sums come to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sum {
    Unchecked,
    Forged,
    /// The signature fits; this is the key's fingerprint and the committer's address.
    Fits(String, String),
}

/// The signatures of commits; those without one are left out.
///
/// # Errors
/// The commits cannot be read, or the database does not answer.
pub async fn of_commits(app: &App, repo: &Repo, commits: Vec<Oid>) -> HubResult<HashMap<Oid, Signature>> {
    let sums = reading::read(app, repo, move |reader: &GitReader| {
        let sum = |oid: &Oid| Ok(reader.signed_commit(*oid)?.map(|signed| (*oid, add_up(&signed))));
        commits.iter().map(sum).filter_map(hub_git::Result::transpose).collect::<hub_git::Result<Vec<(Oid, Sum)>>>()
    })
    .await?;
    let fingerprints: Vec<String> = sums.iter().filter_map(|(_, sum)| fingerprint_of(sum)).collect();
    let signers = match fingerprints.is_empty() {
        true => HashMap::new(),
        false => {
            let rows = queries::list_signers(&app.pool, &fingerprints).await?;
            rows.into_iter().map(|row| (row.fingerprint, (row.name, row.email))).collect()
        }
    };
    Ok(sums.into_iter().map(|(oid, sum)| (oid, judge(sum, &signers))).collect())
}

fn fingerprint_of(sum: &Sum) -> Option<String> {
    match sum {
        Sum::Fits(fingerprint, _) => Some(fingerprint.clone()),
        Sum::Unchecked | Sum::Forged => None,
    }
}

fn add_up(commit: &SignedCommit) -> Sum {
    if !commit.signature.trim_start().starts_with("-----BEGIN SSH SIGNATURE-----") {
        return Sum::Unchecked;
    }
    if commit.signature.len() > MAX_SIGNATURE_BYTES {
        return Sum::Forged;
    }
    let Ok(signature) = SshSig::from_pem(commit.signature.trim()) else { return Sum::Forged };
    // SHA-1 proves nothing any more.
    if signature.algorithm() == (Algorithm::Rsa { hash: None }) {
        return Sum::Forged;
    }
    let key = PublicKey::from(signature.public_key().clone());
    if key.verify(NAMESPACE, &commit.content, &signature).is_err() {
        return Sum::Forged;
    }
    Sum::Fits(keys::fingerprint(&key), commit.committer.email.clone())
}

fn judge(sum: Sum, signers: &HashMap<String, (String, String)>) -> Signature {
    match sum {
        Sum::Unchecked => Signature::Unchecked,
        Sum::Forged => Signature::Unverified(FORGED),
        Sum::Fits(fingerprint, committer) => match signers.get(&fingerprint) {
            None => Signature::Unverified(UNKNOWN),
            Some((name, email)) if email.eq_ignore_ascii_case(&committer) => Signature::Verified(name.clone()),
            Some(_) => Signature::Unverified(OTHER),
        },
    }
}
