//! What operators do to a hub from the command line.

pub mod fsck;
mod queries;
pub mod repack;
pub mod seed;
pub mod synth;
