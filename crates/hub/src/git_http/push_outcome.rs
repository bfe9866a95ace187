use hub_git::receive_pack::{Capabilities, CommandStatus, RefCommand, write_progress, write_report};

use crate::error::HubError;

/// What a push came to, in the words its answer has.
#[derive(Debug)]
pub(super) struct PushOutcome {
    /// Why the pack could not be used, if so.
    pub(super) unpack: Result<(), String>,
    /// For each command, in order, nothing or the reason why not.
    pub(super) refs: Vec<Result<(), String>>,
    /// Lines for the person who pushes.
    pub(super) messages: Vec<String>,
}

impl PushOutcome {
    /// All commands fail for one reason; the pack was fine.
    pub(super) fn refused(count: usize, reason: &str, messages: Vec<String>) -> Self {
        Self { unpack: Ok(()), refs: vec![Err(reason.to_owned()); count], messages }
    }

    /// All commands fail because the pack cannot be used.
    pub(super) fn unpack_failed(count: usize, reason: String) -> Self {
        let messages = vec![format!("The push was refused: {reason}.")];
        Self { unpack: Err(reason), refs: vec![Err("the pack cannot be used".to_owned()); count], messages }
    }

    /// All commands fail because of the server.
    pub(super) fn failed(count: usize, error: &HubError) -> Self {
        Self::refused(count, error.message(), Vec::new())
    }

    /// The end of the answer.
    pub(super) fn encode(self, commands: Vec<RefCommand>, capabilities: Capabilities) -> Vec<u8> {
        let mut out = Vec::new();
        if !capabilities.quiet || self.refs.iter().any(Result::is_err) {
            for message in &self.messages {
                write_progress(&mut out, capabilities, message);
            }
        }
        let statuses: Vec<CommandStatus> = commands
            .into_iter()
            .zip(self.refs)
            .map(|(command, outcome)| CommandStatus { raw_name: command.raw_name, outcome })
            .collect();
        let unpack = self.unpack.as_ref().copied().map_err(String::as_str);
        write_report(&mut out, capabilities, unpack, &statuses);
        out
    }
}
