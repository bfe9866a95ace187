//! What is seen in one file, whichever process looks at it.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

use hub_cards::{Progress, gguf};
use hub_scan::{Kind, Limits, MAX_TEXT_BYTES, Report};
use serde::{Deserialize, Serialize};

use crate::accounts::leaks;

/// What is read first of a GGUF header.
const FIRST_READ_BYTES: u64 = 256 << 10;
/// How much of a text is searched for this hub's own tokens at a time, and by how much the pieces overlap.
const PIECE_BYTES: u64 = 4 << 20;
const OVERLAP_BYTES: usize = 1 << 10;

/// What was seen in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What is dangerous in it.
    pub report: Report,
    /// Hashes of this hub's own tokens in it, of many the first.
    pub tokens: BTreeSet<[u8; 32]>,
}

impl Seen {
    /// Of a file that could not be looked at, and why.
    pub fn nothing(why: &str) -> Self {
        let mut report = Report::default();
        report.leave_out(why);
        Self { report, tokens: BTreeSet::new() }
    }
}

/// Looks at a file.
///
/// # Errors
/// It cannot be read. What is wrong with its bytes is no error.
pub fn look(file: &mut (impl Read + Seek), size: u64, kind: Kind) -> io::Result<Seen> {
    if kind == Kind::Gguf {
        return Ok(Seen { report: gguf_report(file, size)?, tokens: BTreeSet::new() });
    }
    let report = hub_scan::scan(file, size, kind, Limits::default())?;
    let tokens = if hub_scan::has_hub_tokens(&report) { hub_tokens(file)? } else { BTreeSet::new() };
    Ok(Seen { report, tokens })
}

/// This hub's own tokens in a text, as far as it is searched for secrets.
fn hub_tokens(text: &mut (impl Read + Seek)) -> io::Result<BTreeSet<[u8; 32]>> {
    text.seek(SeekFrom::Start(0))?;
    let (mut tokens, mut piece, mut searched) = (BTreeSet::new(), Vec::new(), 0);
    loop {
        let count = text.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)? as u64;
        tokens.append(&mut leaks::hashes_in([&*String::from_utf8_lossy(&piece)]));
        while tokens.len() > leaks::MOST {
            tokens.pop_last();
        }
        searched += count;
        if count < PIECE_BYTES || searched >= MAX_TEXT_BYTES {
            return Ok(tokens);
        }
        piece.drain(..piece.len() - OVERLAP_BYTES);
    }
}

fn gguf_report(file: &mut (impl Read + Seek), size: u64) -> io::Result<Report> {
    file.seek(SeekFrom::Start(0))?;
    let (mut prefix, mut wanted) = (Vec::new(), FIRST_READ_BYTES);
    loop {
        let more = wanted.min(size).saturating_sub(prefix.len() as u64);
        prefix.reserve_exact(usize::try_from(more).unwrap_or(0));
        file.by_ref().take(more).read_to_end(&mut prefix)?;
        match gguf::templates(&prefix, size) {
            Ok(Progress::Done(templates)) => return Ok(hub_scan::scan_templates(&templates)),
            Ok(Progress::NeedBytes(bytes)) if bytes > wanted => wanted = bytes,
            Ok(Progress::NeedBytes(_)) => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file is shorter than it says"));
            }
            Err(error) => return Ok(Seen::nothing(&format!("The header cannot be read: {error}.")).report),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_wherever_they_are_searched_for() {
        let token = format!("hf_{}", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
        let piece = usize::try_from(PIECE_BYTES).unwrap();
        for at in [0, piece - 10, piece, 3 * piece - 1100] {
            let text = [" ".repeat(at).as_str(), &token, &" ".repeat(4 * piece)].concat();
            let found = hub_tokens(&mut io::Cursor::new(text)).unwrap();
            assert!(leaks::hashes_in([token.as_str()]).is_subset(&found), "{at}");
        }
    }

    #[test]
    fn of_many_tokens_a_bounded_number_is_kept() {
        let text: String = (0..3 * leaks::MOST).map(|number| format!("hf_aZ3kQ9mX7p{number:010} ")).collect();
        assert_eq!(hub_tokens(&mut io::Cursor::new(text)).unwrap().len(), leaks::MOST);
    }

    #[test]
    fn a_header_that_ends_too_early_is_no_verdict() {
        let mut header = b"GGUF\x03\0\0\0".to_vec();
        header.extend([0_u64.to_le_bytes(), 1_000_u64.to_le_bytes()].concat());
        let whole = look(&mut io::Cursor::new(&header), header.len() as u64, Kind::Gguf).unwrap();
        assert!(whole.report.note.is_some(), "{whole:?}");
        assert!(look(&mut io::Cursor::new(&header), 1 << 30, Kind::Gguf).is_err());
    }
}
