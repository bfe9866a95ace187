//! Trusted publishers: jobs of CI elsewhere that may write to repositories without keeping a secret (docs/trusted-publishers.md).
//!
//! The operator says whose signatures count ([`issuers`]); admins say which repository there they trust ([`operations`]). A job shows what
//! its issuer signed about it: [`verify`] checks that, [`matching`] compares it with what admins said. `oauth` gives a token for it. Knows
//! repositories by key only.

mod form;
mod issuers;
mod matching;
pub mod operations;
pub mod queries;
mod verify;

pub use form::{PublisherItem, Publishers, read_form};
pub use issuers::{Issuer, Kind, read_issuers};
pub use matching::{CiJob, Fit};
pub use verify::{Unproven, Verified, Verifier};
