//! What operators do to a hub from the command line.

pub mod backup;
pub mod fsck;
mod named;
mod queries;
pub mod repack;
pub mod seed;
pub mod synth;
