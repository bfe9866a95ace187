//! Garbage collection as a small machine: every step is one transaction or one request to the store, as in the hub, and
//! steps of any number of uploads, commits, pushes, copies, batches of buckets, downloads, clones and collectors mix in any order;
//! each may be cut off between two of them. All graces are zero and leases end at any time, so nothing is safe by being young;
//! only what is being read stays as long: that a quarantine outlasts every download is a rule like the others.
//!
//! With all rules in force no schedule loses a byte that is needed. Without any one of them some schedule does, and is
//! found: so every rule is there for a reason.

mod collectors;
mod invariants;
mod people;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use world::World;

/// What the hub does to be safe.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// The commit point refuses what was prepared before the repository last lost files.
    generation: bool,
    /// Before files are taken from a repository, its refs are read again under its lock.
    refs_again: bool,
    /// Before a file or xorb is removed, it is asked again under its lock whether somebody has it.
    needed_again: bool,
    /// Who links a file looks under its lock whether it is still there.
    link_looks: bool,
    /// A shard's xorbs are looked for again in the transaction that makes its files.
    xorbs_again: bool,
    /// No key of the store is used twice.
    fresh_keys: bool,
    /// A row goes before its bytes.
    row_first: bool,
    /// What a branch named before a change that can be undone counts as named.
    undos_kept: bool,
    /// That is read again, too, before files are taken from a repository.
    undos_again: bool,
    /// What an undo puts back must be there, in case its time was over and is no longer.
    undo_looks: bool,
    /// Whoever takes everything from a deleted repository looks under its lock whether it is still deleted.
    deleted_again: bool,
    /// What lost its files cannot be restored.
    purged_stays: bool,
    /// Bytes stay in quarantine until nobody reads them who found them before.
    quarantine: bool,
    /// Joining packs replaces those that were read, and only if all of them are still there.
    joined_alone: bool,
    /// Nothing happens to a repository while it is copied: its packs, files and refs are of one moment.
    copied_at_once: bool,
}

const ALL: Rules = Rules {
    generation: true,
    refs_again: true,
    needed_again: true,
    link_looks: true,
    xorbs_again: true,
    fresh_keys: true,
    row_first: true,
    undos_kept: true,
    undos_again: true,
    undo_looks: true,
    deleted_again: true,
    purged_stays: true,
    quarantine: true,
    joined_alone: true,
    copied_at_once: true,
};

fn play(rules: Rules, schedule: &[u32]) -> Result<(), String> {
    let mut world = World::new(rules);
    for choice in schedule {
        world.step(*choice);
        world.check()?;
    }
    world.settle()
}

/// A schedule that goes wrong, if one of `cases` does, made as short as so many tries can.
fn search(rules: Rules, cases: u32, max_shrink_iters: u32) -> Option<(Vec<u32>, String)> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let schedules = prop::collection::vec(any::<u32>(), 0..200);
    let outcome = runner.run(&schedules, |schedule| play(rules, &schedule).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => None,
        Err(TestError::Fail(reason, schedule)) => Some((schedule, reason.to_string())),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn gc_loses_nothing_in_any_schedule() {
    if let Some((schedule, reason)) = search(ALL, 5_000, 20_000) {
        panic!("{reason}: {schedule:?}");
    }
}

#[test]
fn gc_needs_every_one_of_its_rules() {
    let without = [
        ("generation", Rules { generation: false, ..ALL }),
        ("refs_again", Rules { refs_again: false, ..ALL }),
        ("needed_again", Rules { needed_again: false, ..ALL }),
        ("link_looks", Rules { link_looks: false, ..ALL }),
        ("xorbs_again", Rules { xorbs_again: false, ..ALL }),
        ("fresh_keys", Rules { fresh_keys: false, ..ALL }),
        ("row_first", Rules { row_first: false, ..ALL }),
        ("undos_kept", Rules { undos_kept: false, ..ALL }),
        ("undos_again", Rules { undos_again: false, ..ALL }),
        ("undo_looks", Rules { undo_looks: false, ..ALL }),
        ("deleted_again", Rules { deleted_again: false, ..ALL }),
        ("purged_stays", Rules { purged_stays: false, ..ALL }),
        ("quarantine", Rules { quarantine: false, ..ALL }),
        ("joined_alone", Rules { joined_alone: false, ..ALL }),
        ("copied_at_once", Rules { copied_at_once: false, ..ALL }),
    ];
    for (name, rules) in without {
        let (schedule, reason) = search(rules, 50_000, 0).unwrap_or_else(|| panic!("without `{name}` nothing goes wrong"));
        println!("without `{name}`: {reason} after {} steps", schedule.len());
    }
}
