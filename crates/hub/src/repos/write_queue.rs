//! Lines up the writers of one repository on one node.
//!
//! The commit point's compare-and-swap is what keeps branches right, across nodes too; this only spares
//! writers on the same node from building commits that lose the race.

use crate::web::turns::Turns;

/// A lock per repository, kept while somebody waits for it.
pub type WriteQueue = Turns<i64>;
