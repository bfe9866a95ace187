//! What differs between two commits.

mod delta;
mod text;

pub(crate) use delta::differing;
pub use delta::{ChangeStatus, FileChange, FileSide, TreeDelta};
pub use text::TextDiff;
