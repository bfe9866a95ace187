use super::commands::Capabilities;
use crate::pkt_line::{Band, write_band, write_flush, write_packet};

/// The longest reason given for one ref, in bytes.
const MAX_REASON_BYTES: usize = 1_000;

/// What became of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStatus {
    /// The ref as the client named it.
    pub raw_name: Vec<u8>,
    /// Nothing, or the reason why the ref did not change.
    pub outcome: Result<(), String>,
}

/// Appends the end of the answer to a push: the `report-status`, if the client asked for one.
///
/// `unpack` is the reason why the pack could not be used, if there is one.
pub fn write_report(out: &mut Vec<u8>, capabilities: Capabilities, unpack: Result<(), &str>, statuses: &[CommandStatus]) {
    let mut report = Vec::new();
    if capabilities.report_status {
        let unpack = unpack.map_or_else(one_line, |()| "ok".to_owned());
        write_packet(&mut report, format!("unpack {unpack}\n").as_bytes());
        for status in statuses {
            let mut line = if status.outcome.is_ok() { b"ok ".to_vec() } else { b"ng ".to_vec() };
            line.extend_from_slice(&status.raw_name);
            if let Err(reason) = &status.outcome {
                line.push(b' ');
                line.extend_from_slice(one_line(reason).as_bytes());
            }
            line.push(b'\n');
            write_packet(&mut report, &line);
        }
        write_flush(&mut report);
    }
    if !capabilities.side_band_64k {
        out.extend_from_slice(&report);
        return;
    }
    if !report.is_empty() {
        write_band(out, Band::Data, &report);
    }
    write_flush(out);
}

/// Appends lines for the person who pushes, if the client can show them.
pub fn write_progress(out: &mut Vec<u8>, capabilities: Capabilities, text: &str) {
    if !capabilities.side_band_64k {
        return;
    }
    // Names of files get into these lines; a terminal must not take orders from them.
    let clean: String = text.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect();
    write_band(out, Band::Progress, format!("{}\n", clean.trim_end()).as_bytes());
}

fn one_line(reason: &str) -> String {
    let mut line = String::new();
    for c in reason.chars() {
        if line.len() + c.len_utf8() > MAX_REASON_BYTES {
            break;
        }
        line.push(if c.is_control() { ' ' } else { c });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses() -> Vec<CommandStatus> {
        vec![
            CommandStatus { raw_name: b"refs/heads/a".to_vec(), outcome: Ok(()) },
            CommandStatus { raw_name: b"refs/heads/b".to_vec(), outcome: Err("fetch\nfirst".to_owned()) },
        ]
    }

    #[test]
    fn each_ref_gets_its_line() {
        let mut out = Vec::new();
        let capabilities = Capabilities { report_status: true, ..Capabilities::default() };
        write_report(&mut out, capabilities, Ok(()), &statuses());
        assert_eq!(out, b"000eunpack ok\n0014ok refs/heads/a\n0020ng refs/heads/b fetch first\n0000");
    }

    #[test]
    fn with_side_bands_the_report_is_wrapped() {
        let mut out = Vec::new();
        let capabilities = Capabilities { report_status: true, side_band_64k: true, ..Capabilities::default() };
        write_report(&mut out, capabilities, Err("broken"), &[]);
        assert_eq!(out, b"001b\x010012unpack broken\n00000000");
    }

    #[test]
    fn a_client_that_asked_for_nothing_gets_nothing() {
        let mut out = Vec::new();
        write_report(&mut out, Capabilities::default(), Ok(()), &statuses());
        write_progress(&mut out, Capabilities::default(), "hello");
        assert!(out.is_empty());
    }

    #[test]
    fn progress_cannot_drive_a_terminal() {
        let mut out = Vec::new();
        let capabilities = Capabilities { side_band_64k: true, ..Capabilities::default() };
        write_progress(&mut out, capabilities, "a\x1b[2Jb\nc");
        assert_eq!(out, b"000e\x02a?[2Jb\nc\n");
    }
}
