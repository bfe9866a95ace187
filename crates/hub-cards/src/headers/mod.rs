//! Headers of weight files, read from their first bytes, and the footers of Parquet files.
//!
//! The caller reads a prefix of the file and passes it in. The answer is the header, or how many
//! bytes from the start it takes to get further; the caller reads those and asks again.

pub mod gguf;
pub mod parquet;
pub mod safetensors;

/// What a prefix was enough for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<T> {
    /// The whole header.
    Done(T),
    /// Pass at least this many bytes from the start of the file. Always more than were passed, and
    /// never more than the file has.
    NeedBytes(u64),
}

/// Why bytes are not the header of a weight file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Too short, or the wrong first bytes.
    #[error("not a {0} file")]
    WrongFormat(&'static str),
    /// The header runs past the end of the file.
    #[error("the header runs past the end of the file")]
    Truncated,
    /// A length or count beyond what any real file has.
    #[error("the header is too large: {0}")]
    TooLarge(&'static str),
    /// Readable, but it contradicts itself or the format.
    #[error("the header is malformed: {0}")]
    Malformed(String),
}
