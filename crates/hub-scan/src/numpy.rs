//! numpy's files: a header in text, then raw numbers, or a pickle when the array has Python objects.

use crate::input::{Input, Stop};
use crate::kind::Kind;
use crate::pickle::{self, Reader};
use crate::report::Report;

/// The longest header; numpy itself refuses longer ones than 10,000 bytes unless told otherwise.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Looks at an array.
pub(crate) fn scan(input: &mut Input<'_>, entry: Option<&str>, report: &mut Report) -> Result<(), Stop> {
    input.skip(6)?;
    let major = input.byte()?;
    input.byte()?;
    let length = input.number(if major == 1 { 2 } else { 4 })?;
    if length > MAX_HEADER_BYTES {
        report.leave_out("The header of the array is too long.");
        return Ok(());
    }
    let header = input.take(usize::try_from(length).map_err(|_| Stop::Broken)?)?;
    let header = String::from_utf8_lossy(&header);
    // `'descr': '|O'`, `'<O8'`, `'|\x4f'`, or in a list of fields: numpy reads the header as Python. Where it only looks so, there
    // are numbers behind it, and those are no pickle.
    if header.contains(['O', '\\']) || header.contains("object") {
        return pickle::scan(input, Kind::Pickle, Reader::Plain, entry, report);
    }
    Ok(())
}
