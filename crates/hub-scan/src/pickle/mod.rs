//! What a pickle imports, found by walking its opcodes; nothing is imported or run.
//!
//! A pickle is a program for a small stack machine. [`Machine`] follows it as far as names of imports depend on it: strings,
//! the memo, and the few numbers that say how many raw bytes joblib has put between the opcodes. Where CPython would stop with an
//! error, the walk goes on: what comes after costs nothing to look at, and readers differ in what they take.

mod classify;
mod machine;
mod value;

use crate::input::{Input, Stop};
use crate::kind::Kind;
use crate::report::{Finding, Import, Level, Report, Safety, Topic};

pub(crate) use classify::{classify_module, safety_of};

use self::machine::{End, Machine};

/// How many pickles in a row are looked at. `torch.save` used to write five.
const MAX_PICKLES: usize = 64;
/// What pickles of the text protocols begin with.
const TEXT_OPCODES: &[u8] = b"(]}cIFLNSVPi)lds";

/// Whether these bytes begin a pickle of protocol 2 or later.
pub(crate) fn has_magic(head: &[u8]) -> bool {
    matches!(head, [0x80, 0..=5, ..])
}

/// Whether they may begin one of protocols 0 and 1, which have no mark.
pub(crate) fn may_be_text_protocol(head: &[u8]) -> bool {
    head.first().is_some_and(|byte| TEXT_OPCODES.contains(byte))
}

/// Looks at the pickles that a file or an entry of an archive begins with.
pub(crate) fn scan(input: &mut Input<'_>, kind: Kind, entry: Option<&str>, report: &mut Report) -> Result<(), Stop> {
    let odd = |report: &mut Report, level, text: &str| {
        report.add(Finding { topic: Topic::Pickle, level, text: text.to_owned(), line: None, entry: entry.map(str::to_owned) });
    };
    for number in 0..MAX_PICKLES {
        let head = input.peek(2)?;
        let is_marked = has_magic(head);
        // What follows a pickle may be another one, or anything.
        if !is_marked && !may_be_text_protocol(head) {
            return Ok(());
        }
        let mut machine = Machine::new();
        let end = machine.walk(input, 0);
        let found = std::mem::take(&mut machine.found);
        // Two bytes are little to go by where nobody loads a pickle.
        let is_sure = is_marked && number == 0 && kind == Kind::Pickle;
        let keeps = |import: &Import| match end {
            End::Stopped | End::Cut(Stop::Spent) => is_marked || is_plausible(import),
            // Readers do what comes before the place where it breaks. If it is a pickle at all: many texts begin like one.
            End::Cut(_) => is_sure || (import.safety == Safety::Dangerous && is_plausible(import)),
        };
        let found: Vec<Import> = found.into_iter().filter(keeps).collect();
        if end == End::Stopped || is_sure || !found.is_empty() {
            report.has_pickle();
            if matches!(end, End::Cut(Stop::End | Stop::Broken)) {
                odd(report, Level::Suspicious, "The pickle breaks off in the middle, as no program writes it.");
            }
        }
        found.into_iter().for_each(|import| report.add_import(import));
        if machine.is_odd && is_marked {
            odd(
                report,
                Level::Suspicious,
                "The pickle puts names together while it is loaded, so that nobody sees what it imports.",
            );
        }
        if machine.is_lost && is_marked {
            report.leave_out("The pickle is too large to follow all of its names.");
        }
        match end {
            End::Stopped => {}
            End::Cut(Stop::Spent) => return Err(Stop::Spent),
            End::Cut(Stop::End | Stop::Broken) => return Ok(()),
        }
    }
    Ok(())
}

fn is_plausible(import: &Import) -> bool {
    let is_name = |text: &str| {
        text.len() <= 200
            && text.split('.').all(|part| {
                part.chars().next().is_some_and(|first| first == '_' || first.is_alphabetic())
                    && part.chars().all(|c| c == '_' || c.is_alphanumeric())
            })
    };
    is_name(&import.module) && is_name(&import.name)
}
