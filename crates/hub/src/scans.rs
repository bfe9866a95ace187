//! What was found in files, by their content: pickles, secrets, code in models, malware. docs/scanning.md says what is looked for.
//!
//! `hub-scan` looks at bytes; here is what is kept of it, by content, and what the API and pages say of a file.
//! [`crate::repos::scanning`] decides which files are looked at, and reads them.
//!
//! - [`clamd`]: asks ClamAV.

pub mod clamd;
pub mod queries;
mod status;

pub use status::{Av, AvStatus, FileKey, FileScan, Mark, State, Statuses, marks, statuses};
