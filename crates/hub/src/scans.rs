//! What was found in files, by their content: pickles, secrets, code in models, malware. docs/scanning.md says what is looked for.
//!
//! `hub-scan` looks at bytes; here is what is kept of it, by content, and what the API and pages say of a file.
//! [`crate::repos::scanning`] decides which files are looked at, and reads them.
//!
//! - [`seen`]: looks at one file. [`apart`] has a process of its own do it, which runs [`child`] and can do nothing else.
//! - [`clamd`]: asks ClamAV.

pub mod apart;
pub mod blocks;
pub mod child;
pub mod clamd;
pub mod queries;
pub mod seen;
mod status;

pub use status::{Av, AvStatus, FileKey, FileScan, Mark, State, Statuses, marks, marks_of, statuses, statuses_of};
