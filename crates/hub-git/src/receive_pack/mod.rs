//! The server's side of a push, as data: `gitprotocol-pack`, "Pushing Data To a Server".
//!
//! The conversation has three parts. [`advertise`] says which refs exist and what the server can do;
//! [`read_request`] reads what the client wants changed, leaving the pack unread in the stream;
//! [`write_report`] says what became of each command. Who may push and what happens to the refs
//! is the caller's business.

mod advertise;
mod commands;
mod report;

pub use advertise::{advertise, advertise_refs};
pub use commands::{Capabilities, CommandKind, PushRequest, RefCommand, RequestError, read_request};
pub use report::{CommandStatus, write_progress, write_report};
