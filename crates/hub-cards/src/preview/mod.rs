//! Data files as pages show them: tables, JSON, notebooks. From the first bytes of a file, in bounded time and memory.

mod json;
pub mod notebook;
mod table;

pub use json::pretty_json;
pub use table::{Table, read_delimited, read_json_lines, read_json_list};
