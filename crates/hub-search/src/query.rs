//! What can be asked.

use hub_types::RepoType;

use crate::Facet;

/// The most bytes of a text query that are read.
pub const MAX_QUERY_BYTES: usize = 512;
/// The most words of a text query that are read.
pub const MAX_QUERY_WORDS: usize = 12;

/// One page of a list, with the counts beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// Which list.
    pub kind: RepoType,
    /// What was typed. Never read as a syntax; cut at [`MAX_QUERY_BYTES`] and [`MAX_QUERY_WORDS`].
    pub text: String,
    /// All of these hold.
    pub clauses: Vec<Clause>,
    /// All of these hold.
    pub ranges: Vec<Range>,
    /// Only these, by key; the caller bounds how many there are. Without it, all.
    pub only: Option<Vec<i64>>,
    /// What the viewer may see.
    pub visible: Visible,
    /// The order. Ties are broken by key.
    pub sort: Sort,
    /// Which end comes first.
    pub direction: Direction,
    /// How many to leave out. The caller bounds it.
    pub offset: usize,
    /// How many to give.
    pub limit: usize,
    /// Which counts are wanted.
    pub facets: Vec<FacetRequest>,
    /// Whether hits come with a passage of their card that has the words.
    pub snippets: Snippets,
}

impl SearchQuery {
    /// Everything public of a kind, trending first, 30 on a page, without counts.
    pub fn new(kind: RepoType) -> Self {
        Self {
            kind,
            text: String::new(),
            clauses: Vec::new(),
            ranges: Vec::new(),
            only: None,
            visible: Visible::Public,
            sort: Sort::Trending,
            direction: Direction::Descending,
            offset: 0,
            limit: 30,
            facets: Vec::new(),
            snippets: Snippets::None,
        }
    }
}

/// A condition on the values of one facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Whose values.
    pub facet: Facet,
    /// What must hold.
    pub rule: Rule,
    /// The values. Without any, `AnyOf` matches nothing and `NoneOf` everything.
    pub values: Vec<String>,
}

/// What a [`Clause`] asks of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// At least one of them is there.
    AnyOf,
    /// None of them is there.
    NoneOf,
}

/// A condition on a number. Repositories without that number do not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Which number.
    pub number: Number,
    /// At least this.
    pub min: Option<i64>,
    /// At most this.
    pub max: Option<i64>,
}

/// A number of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    /// Seconds since 1970.
    Created,
    /// Seconds since 1970.
    Updated,
    /// Bytes.
    Size,
    /// How many parameters a model has.
    Parameters,
    /// How many rows a dataset has.
    Rows,
    /// Of all time.
    Downloads,
    /// Likes.
    Likes,
}

/// What the viewer may see. The caller knows; the index only filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// What everybody may.
    Public,
    /// Besides, what is private and for these: owners, and values of [`crate::Facet::Audience`].
    PublicAnd(Vec<String>),
    /// Everything: for administrators.
    All,
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Recent activity.
    Trending,
    /// Downloads of all time.
    Downloads,
    /// Likes.
    Likes,
    /// When it was made.
    Created,
    /// When it last changed.
    Updated,
    /// Bytes.
    Size,
    /// Parameters; those without come last in either direction.
    Parameters,
    /// How well it fits the text. Without a text, trending.
    Relevance,
}

impl Sort {
    /// All of them.
    pub const EVERY: [Self; 8] = [
        Self::Trending,
        Self::Downloads,
        Self::Likes,
        Self::Created,
        Self::Updated,
        Self::Size,
        Self::Parameters,
        Self::Relevance,
    ];

    /// Its place in [`Self::EVERY`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// Which end of the order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Largest, latest or best first.
    Descending,
    /// Smallest, earliest or worst first.
    Ascending,
}

/// A wanted list of counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetRequest {
    /// Of which facet.
    pub facet: Facet,
    /// How many values, the most frequent first. Chosen values come in addition.
    pub limit: usize,
    /// Which values are of interest.
    pub narrow: Narrow,
    /// Whether conditions on this facet itself count.
    pub counting: Counting,
}

impl FacetRequest {
    /// The most frequent values, counted so that other choices can be seen.
    pub const fn top(facet: Facet, limit: usize) -> Self {
        Self { facet, limit, narrow: Narrow::Every, counting: Counting::WithoutOwnClauses }
    }
}

/// Which values of a facet are of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Narrow {
    /// All.
    Every,
    /// Those that contain this text, whatever the case of its ASCII letters.
    Containing(String),
    /// These, also when their count is zero.
    Only(Vec<String>),
}

/// How conditions on a facet act on its own counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// `AnyOf` clauses on the facet are left out: a count says what choosing the value instead would give.
    WithoutOwnClauses,
    /// All clauses hold: a count says what choosing the value in addition would give.
    WithAllClauses,
}

/// Whether passages of cards are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snippets {
    /// No.
    None,
    /// One for each hit whose card has a word of the query.
    Card,
}

/// A question of the quick search box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestQuery {
    /// What was typed so far.
    pub text: String,
    /// What the viewer may see.
    pub visible: Visible,
    /// How many of each kind.
    pub limit: usize,
}
