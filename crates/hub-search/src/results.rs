//! What is answered.

use std::ops::Range;

use hub_types::RepoType;

use crate::Facet;

/// The answer to a [`SearchQuery`](crate::SearchQuery).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchResults {
    /// The page that was asked for.
    pub hits: Vec<Hit>,
    /// How many there are in all, exactly.
    pub total: u64,
    /// One for each request, in their order.
    pub facets: Vec<FacetCounts>,
    /// How the text was understood.
    pub text: TextReading,
    /// Values of `AnyOf` clauses that no document has at all.
    pub unknown: Vec<(Facet, String)>,
    /// What may have been meant, if nothing was found.
    pub suggestion: Option<String>,
}

/// How the text of a query was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextReading {
    /// Whether it was too long, and only its beginning was searched for.
    pub truncated: bool,
    /// Whether nothing had all the words, so that these have at least one of them.
    pub any_word: bool,
    /// Whether similar words were searched for, because a word was rare or unknown.
    pub similar: bool,
}

/// A repository that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its key.
    pub pk: i64,
    /// `namespace/name`.
    pub id: String,
    /// Why it ranks where it does.
    pub score: Score,
    /// A passage of the card, if one was wanted and has a word of the query.
    pub snippet: Option<Snippet>,
}

/// The terms of a rank by relevance. Their sum is the score that was sorted by; all are zero without a text.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// How well the words fit: BM25 of each field times its weight.
    pub words: f32,
    /// How much it is used: grows with the logarithm of downloads and likes.
    pub popularity: f32,
    /// For a name that is, or begins with, what was typed.
    pub name: f32,
}

impl Score {
    /// The sum.
    pub fn total(self) -> f32 {
        self.words + self.popularity + self.name
    }
}

/// A passage of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// Plain text, not escaped.
    pub text: String,
    /// Which bytes of it are words of the query, in order, not overlapping.
    pub marks: Vec<Range<usize>>,
}

/// The counts of one facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetCounts {
    /// Of which facet.
    pub facet: Facet,
    /// The most frequent first, ties by text; then chosen values that are not among them.
    pub values: Vec<FacetCount>,
}

/// How many of what matches have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many, exactly.
    pub count: u64,
    /// Whether an `AnyOf` clause of the query has it.
    pub chosen: bool,
}

/// A repository whose name goes on like what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Its key.
    pub pk: i64,
    /// What it is.
    pub kind: RepoType,
    /// `namespace/name`.
    pub id: String,
}

/// The state of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// How many documents.
    pub docs: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes in memory, estimated. Zero for an engine in another process.
    pub memory_bytes: u64,
    /// How far it has read; the newest event's number minus this is the lag.
    pub position: Option<crate::Position>,
}
