//! Repository cards and file headers, read without any I/O: the caller brings the text or bytes.
//!
//! - [`front_matter`] splits a README into its YAML block and body, [`CardMetadata`] is the block with
//!   the types of the Hub's card specification, [`validate`] says what is wrong with it, [`Gate`] is what a gated one asks,
//!   [`merge_metadata`] joins two versions of it.
//! - [`render_markdown`], [`highlight_lines`] and [`plain_text_excerpt`] turn what people upload into
//!   something that pages can show. [`SafeHtml`] can be made here only, and only by the sanitiser.
//! - [`read_delimited`], [`read_json_lines`], [`pretty_json`] and [`notebook`] show data files from their first bytes.
//! - [`derive`] computes the library, task, tags and configuration of a repository from its card,
//!   file names and small JSON files.
//! - [`infer`] tells what a card leaves out and its repository's files say.
//! - [`safetensors`] and [`gguf`] read the headers of weight files from their first bytes, [`parquet`] the footer of a table.
//!
//! Everything here is given by strangers. Every parser has limits, and answers hostile input with an
//! error, quickly and in bounded memory.

mod card;
pub mod derive;
mod headers;
mod html;
pub mod infer;
mod preview;

pub use card::edit::{KeyValue, set_key};
pub use card::front_matter::{self, CardError, FrontMatter, MAX_FRONT_MATTER_BYTES};
pub use card::gate::{COUNTRIES, Gate, GateField, GateKind, GateOption, GateProblem};
pub use card::known;
pub use card::merge::{KeyConflict, MergedMetadata, Side, merge_metadata};
pub use card::metadata::{BaseModelRelation, CardMetadata};
pub use card::validate::{Finding, Report, validate};
pub use headers::{HeaderError, Progress, gguf, parquet, safetensors};
pub use html::excerpt::{plain_text, plain_text_excerpt};
pub use html::highlight::{HighlightedFile, highlight_lines};
pub use html::markdown::{LinkContext, MAX_MARKDOWN_BYTES, render_markdown};
pub use html::outline::{Heading, citation, headings};
pub use html::sanitize::SafeHtml;
pub use preview::{Table, notebook, pretty_json, read_delimited, read_json_lines, read_json_list};
