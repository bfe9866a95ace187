//! OpenPGP keys of accounts, and whether they made the signatures of commits. What OpenPGP is, GnuPG knows: the hub runs it for
//! that, as it runs git.
//!
//! - [`keys`]: the public keys of accounts; [`pages`] has the page where they are added and removed.
//! - [`tool`]: runs `gpg`, which reads a key once, and `gpgv`, which checks a signature, each in a folder of its own.
//! - [`listing`]: what `gpg` says of a key; [`armor`]: the one packet that a signature is.
//! - [`signatures`]: the signatures of commits. What came out is remembered, by commit and keys.

mod armor;
mod keys;
mod listing;
mod pages;
mod queries;
pub(crate) mod signatures;
mod tool;

use actix_web::web;

pub use tool::{Gpg, is_installed};

/// Mounts this slice's routes.
pub fn routes(config: &mut web::ServiceConfig) {
    pages::routes(config);
}
