//! Real inputs with damage done to them: whatever strangers send, it is read without a panic, and in memory and work that
//! follow from its size. `PROPTEST_CASES=100000` looks longer; what was found once is tried again from `proptest-regressions`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod binary;
mod cards;
mod previews;

#[path = "../../../hub-types/tests/hostile/mod.rs"]
mod hostile;

#[global_allocator]
static COUNTING: hostile::Counting = hostile::Counting;
