//! Whether the signature of a commit is of whom it names as its committer: made with an SSH key of the account whose confirmed mail
//! address that is. The sums are done where the commit is read; one query then says whose the keys are. Signatures of OpenPGP are left to
//! [`crate::gpg`].

use std::collections::HashMap;

use hub_git::{GitReader, SignedCommit};
use hub_types::Oid;
use russh::keys::ssh_key::{Algorithm, PublicKey, SshSig};

use super::{keys, queries};
use crate::app::App;
use crate::error::HubResult;
use crate::gpg::signatures::{self as gpg, Signed};
use crate::repos::{Repo, reading};

/// What git signs commits for.
const NAMESPACE: &str = "git";
/// Longer signatures are none.
const MAX_SIGNATURE_BYTES: usize = 16 * 1024;

/// What is known of the signature of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// It is of an account.
    Verified {
        /// The name of the account.
        name: String,
        /// The kind of its key, with its article.
        with: &'static str,
    },
    /// It is not, or nobody can tell.
    Unverified(&'static str),
    /// The hub did not look at it, and why.
    Unchecked(&'static str),
}

impl Signature {
    /// In a word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "Verified",
            Self::Unverified(_) => "Unverified",
            Self::Unchecked(_) => "Signed",
        }
    }

    /// The classes of its badge.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "badge badge-accent",
            Self::Unverified(_) => "badge badge-warning",
            Self::Unchecked(_) => "badge",
        }
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Verified { name, with } => {
                format!("Signed with {with} of {name}, whose confirmed email address is that of the committer.")
            }
            Self::Unverified(why) | Self::Unchecked(why) => (*why).to_owned(),
        }
    }
}

const OTHER_KIND: &str = "Signed in a way that this hub does not check. It verifies signatures made with SSH and GPG keys.";
const FORGED: &str = "The signature does not fit this commit: it was changed, or the signature is of another.";
const UNKNOWN: &str = "Signed with an SSH key that no account here has.";
const OTHER: &str = "Signed with an SSH key of an account whose confirmed email address is not that of the committer.";

/// What the sums come to.
#[derive(Debug)]
enum Sum {
    /// It is known already.
    Known(Signature),
    /// The signature fits; this is the key's fingerprint and the committer's address.
    Fits(String, String),
    /// It is one of OpenPGP.
    Gpg(Signed),
}

/// The signatures of commits; those without one are left out.
///
/// # Errors
/// The commits cannot be read, or the database does not answer.
pub async fn of_commits(app: &App, repo: &Repo, commits: Vec<Oid>) -> HubResult<HashMap<Oid, Signature>> {
    let sums = reading::read(app, repo, move |reader: &GitReader| {
        let sum = |oid: &Oid| Ok(reader.signed_commit(*oid)?.map(|signed| (*oid, add_up(*oid, &signed))));
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
    let (mut judged, mut by_gpg) = (HashMap::new(), Vec::new());
    for (oid, sum) in sums {
        match sum {
            Sum::Known(signature) => {
                judged.insert(oid, signature);
            }
            Sum::Fits(fingerprint, committer) => {
                judged.insert(oid, judge(&fingerprint, &committer, &signers));
            }
            Sum::Gpg(signed) => by_gpg.push(signed),
        }
    }
    judged.extend(gpg::judge(app, by_gpg).await?);
    Ok(judged)
}

fn fingerprint_of(sum: &Sum) -> Option<String> {
    match sum {
        Sum::Fits(fingerprint, _) => Some(fingerprint.clone()),
        Sum::Known(_) | Sum::Gpg(_) => None,
    }
}

fn add_up(oid: Oid, commit: &SignedCommit) -> Sum {
    let forged = || Sum::Known(Signature::Unverified(FORGED));
    if commit.signature.len() > MAX_SIGNATURE_BYTES {
        return forged();
    }
    match gpg::read(oid, commit) {
        Some(Ok(signed)) => return Sum::Gpg(signed),
        Some(Err(signature)) => return Sum::Known(signature),
        None => {}
    }
    if !commit.signature.trim_start().starts_with("-----BEGIN SSH SIGNATURE-----") {
        return Sum::Known(Signature::Unchecked(OTHER_KIND));
    }
    let Ok(signature) = SshSig::from_pem(commit.signature.trim()) else { return forged() };
    // SHA-1 proves nothing any more.
    if signature.algorithm() == (Algorithm::Rsa { hash: None }) {
        return forged();
    }
    let key = PublicKey::from(signature.public_key().clone());
    if key.verify(NAMESPACE, &commit.content, &signature).is_err() {
        return forged();
    }
    Sum::Fits(keys::fingerprint(&key), commit.committer.email.clone())
}

fn judge(fingerprint: &str, committer: &str, signers: &HashMap<String, (String, String)>) -> Signature {
    match signers.get(fingerprint) {
        None => Signature::Unverified(UNKNOWN),
        Some((name, email)) if email.eq_ignore_ascii_case(committer) => {
            Signature::Verified { name: name.clone(), with: "an SSH key" }
        }
        Some(_) => Signature::Unverified(OTHER),
    }
}
