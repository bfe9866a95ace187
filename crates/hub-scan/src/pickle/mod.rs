//! What a pickle imports, found by walking its opcodes; nothing is imported or run.
//!
//! A pickle is a program for a small stack machine. [`Machine`] follows it as far as names of imports depend on it: strings,
//! the memo, and the few numbers that say how many raw bytes joblib has put between the opcodes. Where CPython would stop with an
//! error, the walk goes on: what comes after costs nothing to look at, and readers differ in what they take.

mod arrays;
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
/// What pickles of the text protocols begin with when programs write them.
const TEXT_OPCODES: &[u8] = b"(]}cIFLNSVPi)lds";

/// Who loads a pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// joblib: it passes over the bytes of arrays between the opcodes.
    Joblib,
    /// `pickle.load`, given what joblib wrote: it knows nothing of such bytes and goes on with opcodes there.
    Unaware,
    /// `pickle.load`, where no such bytes are.
    Plain,
}

impl Reader {
    /// Of the look that is taken.
    pub(crate) fn of(input: &Input<'_>) -> Self {
        if input.budget().passes_arrays() { Self::Joblib } else { Self::Unaware }
    }
}

/// Whether these bytes begin a pickle of protocol 2 or later.
pub(crate) fn has_magic(head: &[u8]) -> bool {
    matches!(head, [0x80, 0..=5, ..])
}

/// Looks at the pickles that a file or an entry of an archive begins with.
pub(crate) fn scan(
    input: &mut Input<'_>,
    kind: Kind,
    reader: Reader,
    entry: Option<&str>,
    report: &mut Report,
) -> Result<(), Stop> {
    let (mut whole, mut in_raw) = (0, (false, false));
    for number in 0..MAX_PICKLES {
        let head = input.peek(2)?;
        let is_marked = has_magic(head);
        let begins_so = head.first().is_some_and(|byte| TEXT_OPCODES.contains(byte));
        // What follows a pickle may be another one, or anything; so may be what nobody loads.
        if head.is_empty() || (kind != Kind::Pickle && !is_marked && !begins_so) {
            return Ok(());
        }
        let mut machine = Machine::new(reader);
        (machine.in_raw, machine.in_objects) = in_raw;
        let end = machine.walk(input);
        in_raw = (machine.in_raw, machine.in_objects);
        whole += usize::from(end == End::Stopped && machine.has_value());
        let head = Head { is_marked, begins_so, is_first: number == 0 };
        tell(machine, end, head, kind, entry, report);
        match end {
            End::Stopped => {}
            End::Cut(Stop::Spent) => return Err(Stop::Spent),
            End::Cut(Stop::End | Stop::Broken) => return Ok(()),
        }
    }
    if whole == MAX_PICKLES {
        report.leave_out(format!("Only the first {MAX_PICKLES} pickles were looked at."));
    }
    Ok(())
}

/// What a pickle begins with.
struct Head {
    is_marked: bool,
    begins_so: bool,
    is_first: bool,
}

/// What is told of a pickle, if it is one: any text and any bytes begin like one.
fn tell(machine: Machine, end: End, head: Head, kind: Kind, entry: Option<&str>, report: &mut Report) {
    let odd = |report: &mut Report, text: &str| {
        let (text, entry) = (text.to_owned(), entry.map(str::to_owned));
        report.add(Finding { topic: Topic::Pickle, level: Level::Suspicious, text, line: None, entry });
    };
    // Two bytes are little to go by where nobody loads a pickle. Who calls what it imported means it.
    let calls = machine.has_called && machine.found.iter().any(is_plausible);
    let is_sure = kind == Kind::Pickle && !machine.in_raw && ((head.is_marked && head.is_first) || calls);
    let is_whole = end == End::Stopped;
    let keeps = |import: &Import| match end {
        // Raw bytes may be anything.
        _ if machine.in_raw => is_plausible(import) && (import.safety == Safety::Dangerous || !machine.in_objects),
        End::Stopped | End::Cut(Stop::Spent) => head.is_marked || is_plausible(import),
        // Readers do what comes before the place where it breaks. If it is a pickle at all.
        End::Cut(_) if head.is_marked => is_sure || (import.safety == Safety::Dangerous && is_plausible(import)),
        End::Cut(_) => (is_sure || import.safety == Safety::Dangerous) && is_plausible(import),
    };
    let found: Vec<Import> = machine.found.iter().filter(|import| keeps(import)).cloned().collect();
    if is_sure || !found.is_empty() || (is_whole && (head.is_marked || head.begins_so)) {
        report.has_pickle();
        if matches!(end, End::Cut(Stop::End | Stop::Broken)) && !machine.in_raw {
            odd(report, "The pickle breaks off in the middle, as no program writes it.");
        }
    }
    found.into_iter().for_each(|import| report.add_import(import));
    if !(head.is_marked || is_sure || (is_whole && !machine.has_failed)) {
        return;
    }
    if machine.is_odd {
        odd(report, "The pickle puts names together while it is loaded, so that nobody sees what it imports.");
    }
    if machine.is_unclear && machine.reader == Reader::Joblib {
        odd(report, "The pickle hides where the bytes of its arrays end, so that nobody sees what it imports.");
    }
    if machine.is_lost {
        report.leave_out("The pickle is too large to follow all of its names.");
    }
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
