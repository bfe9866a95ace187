//! What tests of hostile input share: real inputs with damage done to them, and the memory that reading them took.
//!
//! Damage is a list of small changes, so that proptest finds the fewest that still fail. Memory is counted by the allocator,
//! per thread: it is the same on every machine and at every load, which no clock is. All memory asked for, freed or not, stands
//! for the work: a loop that gives up late shows there.

#![allow(dead_code, reason = "not every binary damages texts")]
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one adds and calls the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::Index;

/// To be the `#[global_allocator]` of a test binary.
pub(crate) struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // Threads that end free memory after their counters are gone.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
    if bytes > 0 {
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + bytes.unsigned_abs()));
    }
}

// Growing in place counts as asking for all of it: the default of `realloc` does just that.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(at, layout) }
    }
}

/// What something took, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// The most that was held at once.
    pub(crate) most: usize,
    /// All that was asked for.
    pub(crate) asked: usize,
}

/// Does something on this thread and counts what it takes.
pub(crate) fn taken<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    let before = HELD.get();
    MOST.set(before);
    ASKED.set(0);
    let result = work();
    let taken = Taken { most: (MOST.get() - before).max(0).unsigned_abs(), asked: ASKED.get() };
    (result, taken)
}

/// Fails when more was taken than a base (at once; eight times that in all, for what is loaded once and grows in steps) and so
/// much for each byte of the input.
#[track_caller]
pub(crate) fn within(taken: Taken, input: usize, base: usize, most_each: usize, asked_each: usize) -> Result<(), TestCaseError> {
    prop_assert!(taken.most <= base + input * most_each, "{taken:?} for {input} bytes");
    prop_assert!(taken.asked <= 8 * base + input * asked_each, "{taken:?} for {input} bytes");
    Ok(())
}

/// A change to a text of bytes.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// One byte becomes another.
    Set(Index, u8),
    /// One bit turns.
    Flip(Index, u8),
    /// Nothing is left behind here.
    Cut(Index),
    /// Some bytes go.
    Remove(Index, u8),
    /// Some bytes stand there again, many times.
    Repeat(Index, u8, u8),
    /// One of the words that mean something in the format comes in.
    Word(Index, Index),
    /// A number of eight bytes becomes a very large one, as lengths and counts can be.
    Huge(Index, u8),
}

/// A few changes.
pub(crate) fn damage() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let change = prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        3 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Remove(at, count)),
        2 => (at(), any::<u8>(), any::<u8>()).prop_map(|(at, count, times)| Change::Repeat(at, count, times)),
        4 => (at(), at()).prop_map(|(at, word)| Change::Word(at, word)),
        1 => (at(), any::<u8>()).prop_map(|(at, bits)| Change::Huge(at, bits)),
    ];
    prop::collection::vec(change, 0..10)
}

/// Does the damage.
pub(crate) fn damaged(bytes: &[u8], words: &[&str], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        let length = bytes.len();
        if length == 0 {
            return bytes;
        }
        match change {
            Change::Set(at, byte) => bytes[at.index(length)] = *byte,
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..length.min(at + usize::from(*count)));
            }
            Change::Repeat(at, count, times) => {
                let at = at.index(length);
                let again = bytes[at..length.min(at + usize::from(*count))].repeat(usize::from(*times));
                bytes.splice(at..at, again);
            }
            Change::Word(at, word) => {
                let at = at.index(length);
                bytes.splice(at..at, words[word.index(words.len())].bytes());
            }
            Change::Huge(at, bits) => {
                let at = at.index(length);
                let number = u64::MAX >> (bits % 64);
                let end = length.min(at + 8);
                bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
            }
        }
    }
    bytes
}

/// The same for a text.
pub(crate) fn damaged_text(text: &str, words: &[&str], changes: &[Change]) -> String {
    String::from_utf8_lossy(&damaged(text.as_bytes(), words, changes)).into_owned()
}
