//! What is not packed: pickles, numpy's arrays, HDF5 and texts, told apart by their first bytes.

use crate::input::{Input, Stop};
use crate::kind::Kind;
use crate::report::Report;
use crate::{keras, numpy, pickle, secrets, template};

/// How much of a text is looked at.
const MAX_TEXT_BYTES: usize = 8 << 20;
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
    if pickle::has_magic(head) || (kind == Kind::Pickle && pickle::may_be_text_protocol(head)) {
        // A text that begins like a pickle is looked at as a text, too.
        let text = if is_text { Some(input.peek(MAX_TEXT_BYTES)?.to_vec()) } else { None };
        pickle::scan(input, kind, entry, report)?;
        if let Some(text) = text {
            secrets::scan(&text, entry, report);
        }
        return Ok(());
    }
    if !is_text {
        return Ok(());
    }
    let (text, _) = input.rest(MAX_TEXT_BYTES)?;
    secrets::scan(&text, entry, report);
    if kind == Kind::Template {
        template::scan_file(&text, entry, report);
    }
    Ok(())
}

/// A length of eight bytes, and JSON. The length may look like the beginning of a pickle.
fn is_safetensors(head: &[u8]) -> bool {
    matches!(head, [_, _, _, 0..=7, 0, 0, 0, 0, b'{', ..])
}

/// A sample may end in the middle of a character.
fn looks_like_utf8(sample: &[u8]) -> bool {
    match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}
