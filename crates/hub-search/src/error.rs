//! What can go wrong.

use std::{io, path::PathBuf};

/// Why an index could not answer or be written. None of it is the fault of who asked.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Another process has the folder.
    #[error("the search index in {0} is in use by another process")]
    InUse(PathBuf),
    /// The folder could not be read or written.
    #[error("the search index's files could not be read or written")]
    Io(#[from] io::Error),
    /// The text index refused.
    #[error("the text index failed")]
    Tantivy(#[from] tantivy::TantivyError),
    /// A stored document cannot be read or written.
    #[error("a document of the search index is damaged")]
    Document(#[from] postcard::Error),
    /// The files do not fit together, or are of another version.
    #[error("the search index is damaged")]
    Damaged,
    /// The index holds more than this engine can number.
    #[error("the search index is full")]
    Full,
    /// A thread panicked while it held the index.
    #[error("the search index is broken by an earlier failure, and must be opened again")]
    Broken,
    /// Meilisearch could not be reached or refused.
    #[error("Meilisearch failed")]
    Meilisearch(#[from] meilisearch_sdk::errors::Error),
    /// Meilisearch accepted a change and then did not carry it out.
    #[error("Meilisearch did not carry out a task: {0}")]
    Task(String),
    /// The client for Meilisearch could not be made.
    #[error("the client for Meilisearch could not be set up")]
    Client(#[from] reqwest::Error),
}
