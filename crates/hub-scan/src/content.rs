//! What is not packed: pickles, numpy's arrays, HDF5 and texts, told apart by their first bytes.

use crate::input::{Input, Stop};
use crate::kind::Kind;
use crate::pickle::Reader;
use crate::report::Report;
use crate::{MAX_TEXT_BYTES, keras, numpy, pickle, secrets, tar, template};

/// How much of a text is searched at a time, and by how much the pieces overlap.
const PIECE_BYTES: usize = 4 << 20;
const OVERLAP_BYTES: usize = 8 << 10;
/// How much of a template is looked at, and of a text that may be a pickle: those are held whole.
const MAX_HELD_BYTES: usize = 8 << 20;
/// What decides whether something is a text.
const SAMPLE_BYTES: usize = 8 << 10;

/// Looks at it.
pub(crate) fn scan(input: &mut Input<'_>, kind: Kind, entry: Option<&str>, report: &mut Report) -> Result<(), Stop> {
    let head = input.peek(SAMPLE_BYTES)?;
    if kind == Kind::Safetensors && is_safetensors(head) {
        return Ok(());
    }
    let is_text = !head.contains(&0) && looks_like_utf8(head);
    if head.starts_with(b"\x93NUMPY") {
        return numpy::scan(input, entry, report);
    }
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return keras::scan_hdf5(input, entry, report);
    }
    if head.get(257..262) == Some(b"ustar") && !tar::begins(head) {
        report.leave_out("It is a tar archive whose beginning is damaged, and was not looked into.");
    }
    if kind == Kind::Pickle || pickle::has_magic(head) {
        // A text that begins like a pickle is looked at as a text, too.
        let text = if is_text { Some(input.peek(MAX_HELD_BYTES + 1)?.to_vec()) } else { None };
        pickle::scan(input, kind, Reader::of(input), entry, report)?;
        if let Some(text) = text {
            scan_held(&text, text.len() > MAX_HELD_BYTES, entry, report);
        }
        return Ok(());
    }
    if !is_text {
        return Ok(());
    }
    if matches!(kind, Kind::Template | Kind::Jinja) {
        let (text, more) = input.rest(MAX_HELD_BYTES)?;
        scan_held(&text, more, entry, report);
        template::scan_file(&text, kind, entry, report);
        return Ok(());
    }
    scan_text(input, entry, report)
}

fn scan_held(text: &[u8], more: bool, entry: Option<&str>, report: &mut Report) {
    secrets::scan(text, 1, entry, report);
    if more {
        report.leave_out(format!("Only the first {} MiB of it were looked at.", MAX_HELD_BYTES >> 20));
    }
}

/// Searches a text for secrets, piece by piece.
fn scan_text(input: &mut Input<'_>, entry: Option<&str>, report: &mut Report) -> Result<(), Stop> {
    let (mut searched, mut line) = (0, 1);
    loop {
        let piece = input.peek(PIECE_BYTES)?;
        secrets::scan(piece, line, entry, report);
        if piece.len() < PIECE_BYTES {
            return Ok(());
        }
        let step = PIECE_BYTES - OVERLAP_BYTES;
        line += piece[..step].iter().filter(|byte| **byte == b'\n').count() as u64;
        searched += step as u64;
        if searched >= MAX_TEXT_BYTES {
            report.leave_out(format!("Only the first {} MiB of the text were looked at.", MAX_TEXT_BYTES >> 20));
            return Ok(());
        }
        input.skip(step as u64)?;
    }
}

/// A length of eight bytes, and JSON. The length may look like the beginning of a pickle.
pub(crate) fn is_safetensors(head: &[u8]) -> bool {
    matches!(head, [_, _, _, 0..=7, 0, 0, 0, 0, b'{', ..])
}

/// A sample may end in the middle of a character.
fn looks_like_utf8(sample: &[u8]) -> bool {
    match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}
