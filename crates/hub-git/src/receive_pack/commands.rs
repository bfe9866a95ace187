use hub_types::{Oid, RefName};
use tokio::io::AsyncRead;

use crate::pkt_line::{Packet, PacketError, read_packet};

/// More refs than any push of a person or a mirror changes at once.
const MAX_COMMANDS: usize = 20_000;
/// `shallow` lines name the edges of the client's clone.
const MAX_SHALLOW_LINES: usize = 20_000;
const MAX_PUSH_OPTIONS: usize = 64;
const MAX_PUSH_OPTION_BYTES: usize = 1_000;

/// What a client asks a push to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PushRequest {
    /// The ref changes, in the client's order.
    pub commands: Vec<RefCommand>,
    /// What the client can do and wants.
    pub capabilities: Capabilities,
    /// `git push -o …`.
    pub push_options: Vec<String>,
}

impl PushRequest {
    /// Whether a pack follows the commands: a push that only deletes sends none.
    pub fn has_pack(&self) -> bool {
        self.commands.iter().any(|command| !command.new.is_zero())
    }
}

/// One requested change of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefCommand {
    /// Where the client believes the ref to be; zero if it believes that there is none.
    pub old: Oid,
    /// Where the ref is to be; zero to delete it.
    pub new: Oid,
    /// The name as sent, to be repeated in the report.
    pub raw_name: Vec<u8>,
    /// The name, if it is a valid one.
    pub name: Option<RefName>,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// A new ref.
    Create,
    /// A ref that moves.
    Update,
    /// A ref that goes away.
    Delete,
}

impl RefCommand {
    /// What the command does.
    pub fn kind(&self) -> CommandKind {
        match (self.old.is_zero(), self.new.is_zero()) {
            (_, true) => CommandKind::Delete,
            (true, false) => CommandKind::Create,
            (false, false) => CommandKind::Update,
        }
    }
}

/// The capabilities that a client chose from those advertised.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The client wants to hear what became of each command.
    pub report_status: bool,
    /// The report and messages for the person share the answer, each on its band.
    pub side_band_64k: bool,
    /// All refs change or none.
    pub atomic: bool,
    /// No progress messages, please.
    pub quiet: bool,
    /// The client sends options after the commands.
    pub push_options: bool,
}

/// Why a push request cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The framing is broken.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A line is no command.
    #[error("`{0}` is not a push command")]
    BadCommand(String),
    /// The stream ended before the commands did.
    #[error("the request ends before its list of commands does")]
    Truncated,
    /// Over a limit.
    #[error("a push can change at most {MAX_COMMANDS} refs at once; push them in several steps")]
    TooManyCommands,
    /// More options, or longer ones, than are read.
    #[error("a push can carry at most {MAX_PUSH_OPTIONS} options of {MAX_PUSH_OPTION_BYTES} bytes of text")]
    BadPushOptions,
    /// The client's repository uses other object ids.
    #[error("only repositories with SHA-1 object ids can be pushed, not `{0}`")]
    ObjectFormat(String),
    /// The client sent something that was not offered.
    #[error("signed pushes are not supported; push without --signed")]
    SignedPush,
}

/// Reads the commands and options of a push and leaves the stream at the start of the pack.
///
/// An immediate end of the stream or a lone flush (git's probe before a large push) is an empty request.
///
/// # Errors
/// The request is malformed, over a limit, or ends early.
pub async fn read_request<R: AsyncRead + Unpin>(reader: &mut R) -> Result<PushRequest, RequestError> {
    let mut request = PushRequest::default();
    let mut shallow_lines = 0;
    let mut is_first = true;
    while let Some(line) = read_line(reader, is_first).await? {
        let (command, capabilities) = split_once(&line, 0);
        if is_first {
            request.capabilities = parse_capabilities(capabilities.unwrap_or_default())?;
        }
        if command.starts_with(b"shallow ") {
            // What a shallow clone lacks must be here already: the connectivity check finds out.
            shallow_lines += 1;
        } else if command.starts_with(b"push-cert") {
            return Err(RequestError::SignedPush);
        } else {
            request.commands.push(parse_command(command)?);
            is_first = false;
        }
        if request.commands.len() > MAX_COMMANDS || shallow_lines > MAX_SHALLOW_LINES {
            return Err(RequestError::TooManyCommands);
        }
    }
    if request.capabilities.push_options {
        request.push_options = read_push_options(reader).await?;
    }
    Ok(request)
}

/// The next line without its newline; `None` at the flush that ends the list.
async fn read_line<R: AsyncRead + Unpin>(reader: &mut R, may_end: bool) -> Result<Option<Vec<u8>>, RequestError> {
    match read_packet(reader).await? {
        Some(Packet::Data(mut line)) => {
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            Ok(Some(line))
        }
        Some(Packet::Flush) => Ok(None),
        Some(Packet::Delimiter | Packet::ResponseEnd) => Err(RequestError::BadCommand("a section mark".to_owned())),
        None if may_end => Ok(None),
        None => Err(RequestError::Truncated),
    }
}

fn parse_command(line: &[u8]) -> Result<RefCommand, RequestError> {
    let parse = || {
        let (old, rest) = split_once(line, b' ');
        let (new, name) = split_once(rest?, b' ');
        let name = name?;
        let (old, new) = (parse_oid(old)?, parse_oid(new)?);
        let valid = std::str::from_utf8(name).ok().and_then(|name| RefName::new(name).ok());
        (!name.is_empty()).then(|| RefCommand { old, new, raw_name: name.to_vec(), name: valid })
    };
    parse().ok_or_else(|| RequestError::BadCommand(printable(line)))
}

fn parse_oid(text: &[u8]) -> Option<Oid> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn parse_capabilities(text: &[u8]) -> Result<Capabilities, RequestError> {
    let mut capabilities = Capabilities::default();
    for word in text.split(|byte| *byte == b' ') {
        match word {
            b"report-status" => capabilities.report_status = true,
            b"side-band-64k" => capabilities.side_band_64k = true,
            b"atomic" => capabilities.atomic = true,
            b"quiet" => capabilities.quiet = true,
            b"push-options" => capabilities.push_options = true,
            _ => match word.strip_prefix(b"object-format=") {
                None | Some(b"sha1") => {}
                Some(format) => return Err(RequestError::ObjectFormat(printable(format))),
            },
        }
    }
    Ok(capabilities)
}

async fn read_push_options<R: AsyncRead + Unpin>(reader: &mut R) -> Result<Vec<String>, RequestError> {
    let mut options = Vec::new();
    while let Some(line) = read_line(reader, false).await? {
        let fits = line.len() <= MAX_PUSH_OPTION_BYTES && options.len() < MAX_PUSH_OPTIONS;
        let option = String::from_utf8(line).ok().filter(|_| fits);
        options.push(option.ok_or(RequestError::BadPushOptions)?);
    }
    Ok(options)
}

fn split_once(line: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let mut parts = line.splitn(2, |byte| *byte == separator);
    (parts.next().unwrap_or_default(), parts.next())
}

fn printable(bytes: &[u8]) -> String {
    bytes.iter().take(200).copied().collect::<Vec<u8>>().escape_ascii().to_string()
}

#[cfg(test)]
mod tests;
