//! The text of commits and the rows of trees, as git defines them.

mod commit;
mod signed;
mod tree;

pub use commit::{CommitInfo, Person};
pub(crate) use commit::{CommitLinks, commit_text, tag_text};
pub use signed::SignedCommit;
pub(crate) use tree::{
    MODE_EXECUTABLE, MODE_FILE, MODE_FOLDER, MODE_LINK, MODE_SUBMODULE, Rows, TreeRow, order_key, rows, write_row,
};
