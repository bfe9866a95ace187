//! Between our ids and libgit2's, and the hex that objects are written with.

use hub_types::Oid;

use crate::{Error, Result};

pub(crate) fn to_git(oid: Oid) -> Result<git2::Oid> {
    Ok(git2::Oid::from_bytes(oid.as_bytes())?)
}

pub(crate) fn from_git(oid: git2::Oid) -> Result<Oid> {
    let raw = oid.as_bytes();
    Oid::from_slice(raw).ok_or(Error::ObjectDamaged { oid: Oid::ZERO, reason: "not a SHA-1 id" })
}

/// Reads 40 hex digits at the start of a header line.
pub(crate) fn from_hex(digits: &[u8]) -> Option<Oid> {
    std::str::from_utf8(digits.get(..40)?).ok()?.parse().ok()
}
