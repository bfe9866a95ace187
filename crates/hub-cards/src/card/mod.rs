//! The YAML front matter of a README: splitting, parsing, typing, judging and joining it.

mod bounded;
pub(crate) mod edit;
pub mod front_matter;
pub(crate) mod gate;
pub mod known;
pub(crate) mod merge;
pub(crate) mod metadata;
pub(crate) mod validate;
