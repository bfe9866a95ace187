//! Tar archives: the files in them are looked at, where they lie or on the way.

use std::cell::Cell;

use super::{MAX_LOOKED_INTO, Place, bomb, scan_inner};
use crate::input::{Budget, Input, Part, ReadSeek, Section, Stop};
use crate::kind::Kind;
use crate::report::Report;
use crate::tar::{FileTape, Member, Tape as _, Walk};

/// Looks at the files in a tar archive that is read at any place: of a checkpoint in it only what is looked at in checkpoints.
pub(super) fn scan_file(
    file: &mut dyn ReadSeek,
    size: u64,
    kind: Kind,
    budget: &Budget,
    place: &Place,
    report: &mut Report,
) -> Result<(), Stop> {
    let (mut walk, mut members) = (Walk::default(), Vec::new());
    let listed = list(&mut FileTape::new(file, budget, size), kind, budget, &mut walk, &mut members);
    tell(&walk, place, report);
    // What is loaded comes first, so that nothing can be put before it.
    members.sort_by_key(|(_, _, inner)| *inner != Kind::Pickle);
    for (number, (member, start, inner)) in members.iter().enumerate() {
        budget.step()?;
        if number == MAX_LOOKED_INTO {
            report.leave_out(format!("Only {MAX_LOOKED_INTO} entries of the archive were looked into."));
            break;
        }
        let end = start.saturating_add(member.size).min(size);
        let mut section = Section::new(file, *start, end);
        let at = place.within(&member.name);
        if super::scan_file(&mut section, end - *start, *inner, budget, &at, report) == Err(Stop::Spent) {
            return Err(Stop::Spent);
        }
    }
    match listed {
        Err(Stop::Spent) => Err(Stop::Spent),
        Ok(()) | Err(Stop::End | Stop::Broken) => Ok(()),
    }
}

/// The files in a tar archive that are looked at, with the places where they begin.
fn list(
    tape: &mut FileTape<'_>,
    kind: Kind,
    budget: &Budget,
    walk: &mut Walk,
    members: &mut Vec<(Member, u64, Kind)>,
) -> Result<(), Stop> {
    while let Some(member) = walk.next(tape, budget)? {
        let (start, room) = (tape.at, member.room());
        if let Some(inner) = inner_of_member(&member.name, kind) {
            members.push((member, start, inner));
        }
        tape.pass(room)?;
    }
    Ok(())
}

/// Looks at the files in a tar archive on the way.
pub(super) fn scan_stream(
    input: &mut Input<'_>,
    kind: Kind,
    budget: &Budget,
    place: &Place,
    report: &mut Report,
) -> Result<(), Stop> {
    let mut walk = Walk::default();
    let done = scan_members(input, kind, budget, place, &mut walk, report);
    tell(&walk, place, report);
    match done {
        Err(Stop::Spent) => Err(Stop::Spent),
        Ok(()) | Err(Stop::End | Stop::Broken) => Ok(()),
    }
}

fn scan_members(
    input: &mut Input<'_>,
    kind: Kind,
    budget: &Budget,
    place: &Place,
    walk: &mut Walk,
    report: &mut Report,
) -> Result<(), Stop> {
    let mut others = 0;
    while let Some(member) = walk.next(input, budget)? {
        let (left, is_spent) = (Cell::new(member.size), Cell::new(false));
        let inner = inner_of_member(&member.name, kind);
        others += usize::from(inner.is_some_and(|inner| inner != Kind::Pickle));
        match inner {
            // What is loaded may come last.
            Some(inner) if inner != Kind::Pickle && others > MAX_LOOKED_INTO => {
                report.leave_out(format!("Only {MAX_LOOKED_INTO} entries of the archive were looked into."));
            }
            Some(inner) => {
                let part = Box::new(Part::new(input, &left, &is_spent));
                let done = scan_inner(part, inner, budget, &place.within(&member.name), report);
                if done == Err(Stop::Spent) || is_spent.get() {
                    return Err(Stop::Spent);
                }
            }
            None => {}
        }
        input.pass(left.get().saturating_add(member.room() - member.size))?;
    }
    Ok(())
}

/// What a file in a tar archive is looked at for; `None` for tensors and the like.
fn inner_of_member(name: &str, archive: Kind) -> Option<Kind> {
    let last = name.rsplit('/').next().unwrap_or(name);
    match Kind::of(name) {
        Kind::Opaque | Kind::Safetensors | Kind::Gguf => None,
        // What torch wrote before it wrote zip files.
        Kind::Other if archive == Kind::Pickle && matches!(last, "sys_info" | "pickle" | "storages" | "tensors") => {
            Some(Kind::Pickle)
        }
        kind => Some(kind),
    }
}

fn tell(walk: &Walk, place: &Place, report: &mut Report) {
    if let Some(why) = walk.left_out() {
        report.leave_out(why);
    }
    for (name, level, text) in walk.odd() {
        bomb(report, &place.within(name), level, text.to_owned());
    }
}
