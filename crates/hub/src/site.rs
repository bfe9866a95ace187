//! What belongs to the hub as a whole: health and metrics for those who run it.

pub mod health;
pub mod metrics;
