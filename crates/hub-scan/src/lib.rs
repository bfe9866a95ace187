//! What is dangerous in files that strangers sent, found without running, importing or unpickling anything.
//!
//! [`scan`] looks at one file through whatever reads it at any place: pickles, alone, in zip and tar files or packed (what they import),
//! Keras models (code in them), chat templates (what they reach for), texts (secrets), archives (bombs). Time, memory and bytes
//! are bounded by [`Limits`] and constants of this crate, whatever the bytes are; what does not fit is said in the report.
//!
//! What is harmless and what is not is data: `data/pickle_imports.tsv`, `data/secrets.tsv`.
//!
//! [`sandbox`] has nothing to do with formats: a process that looks at files calls it first, and can do nothing else from then on.

mod archive;
mod content;
mod guess;
mod input;
mod keras;
mod kind;
mod numpy;
mod pickle;
mod report;
pub mod sandbox;
mod secrets;
mod tar;
mod template;
mod zip;

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};

use input::{Budget, Stop};

pub use guess::{HEAD_BYTES, is_named_pickle, is_pickle, may_be_pickle};
pub use input::{Limits, sought};
pub use kind::Kind;
pub use report::{Finding, Import, Level, Report, Safety, Topic};

/// The version of the rules. Files that were looked at by older ones are looked at again.
pub const VERSION: i32 = 3;
/// How much of a text is searched for secrets.
pub const MAX_TEXT_BYTES: u64 = 64 << 20;

/// Looks at a file.
///
/// # Errors
/// The file cannot be read. What is wrong with its bytes is no error.
pub fn scan(file: &mut (impl Read + Seek), size: u64, kind: Kind, limits: Limits) -> io::Result<Report> {
    let mut report = Report::default();
    if !kind.is_looked_at() {
        return Ok(report);
    }
    let budget = Budget::new(limits);
    let mut file = Watched { file, failure: Cell::new(None) };
    let place = archive::Place::default();
    let mut end = archive::scan_file(&mut file, size, kind, &budget, &place, &mut report);
    // joblib passes over the bytes of its arrays; `pickle.load` goes on with opcodes there. Both are followed.
    if end.is_ok() && budget.looks_again() {
        end = archive::scan_file(&mut file, size, kind, &budget, &place, &mut report);
    }
    if let Some(failure) = file.failure.take() {
        return Err(failure);
    }
    if end == Err(Stop::Spent) {
        report.leave_out("It is too large or takes too long to look at all of it.");
    }
    report.sort();
    Ok(report)
}

/// Looks at chat templates, wherever they were found.
pub fn scan_templates(templates: &[String]) -> Report {
    let mut report = Report::default();
    templates.iter().for_each(|text| template::scan(text, None, None, &mut report));
    report.sort();
    report
}

/// Whether a report tells of tokens in the form that this hub gives out itself.
pub fn has_hub_tokens(report: &Report) -> bool {
    secrets::has_hub_tokens(report)
}

/// A file that remembers that it could not be read: whoever looks at hostile bytes takes any failure for an end.
struct Watched<'a, F> {
    file: &'a mut F,
    failure: Cell<Option<io::Error>>,
}

impl<F> Watched<'_, F> {
    fn noted<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            let again = io::Error::from(error.kind());
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure.set(Some(error));
            }
            again
        })
    }
}

impl<F: Read> Read for Watched<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = self.file.read(buffer);
        self.noted(outcome)
    }
}

impl<F: Seek> Seek for Watched<'_, F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let outcome = self.file.seek(to);
        self.noted(outcome)
    }
}

#[cfg(test)]
mod tests;
