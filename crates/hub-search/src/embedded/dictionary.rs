//! Which indexed words stand for a word of a query.

use std::collections::HashMap;

use tantivy::{Term, postings::TermInfo, query::FuzzyTermQuery, termdict::TermStreamer};

use crate::{
    SearchError,
    embedded::{schema::TextField, segments::Segments},
    text::QueryWord,
};

/// How many words a beginning stands for: the most frequent.
const MAX_CONTINUATIONS: usize = 64;
/// How many words of the dictionary are looked at for them, in each segment and field.
const MAX_LOOKED_AT: usize = 2_000;
/// A single letter stands for itself. (A single character of a script without spaces does not.)
const SHORTEST_BEGINNING: usize = 2;
/// How many similar words are searched for: the most frequent.
const MAX_SIMILAR: usize = 24;
/// A word with fewer documents than this is also searched for by similar words.
const RARE: u64 = 3;
/// The shortest word whose similar words are searched for, in characters.
const SHORTEST_SIMILAR: usize = 4;
/// The shortest word that may differ in two characters.
const SHORTEST_TWICE_SIMILAR: usize = 8;

/// A match of another word than the one typed counts for less.
const CONTINUED: f32 = 0.6;
const SIMILAR: f32 = 0.4;
const SIMILAR_TWICE: f32 = 0.2;

/// An indexed word in one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexedWord {
    /// The place of its field in [`Fields::text`](crate::embedded::schema::Fields::text).
    pub(crate) field: usize,
    pub(crate) word: Vec<u8>,
    /// How many documents have it, those that were deleted not long ago included.
    pub(crate) docs: u64,
    /// What a match is worth, one for the word as typed.
    pub(crate) worth: f32,
}

/// What stands for a word of a query.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    /// Any of these.
    pub(crate) any: Vec<IndexedWord>,
    /// Or all of these, of each any.
    pub(crate) all: Vec<Vec<IndexedWord>>,
    /// Whether similar words are among them.
    pub(crate) similar: bool,
}

impl Meaning {
    /// At most so many documents have the word.
    pub(crate) fn docs(&self) -> u64 {
        let any: u64 = self.any.iter().map(|word| word.docs).sum();
        let all = self.all.iter().map(|part| part.iter().map(|word| word.docs).sum::<u64>()).min();
        any + all.unwrap_or(0)
    }
}

/// The words of all segments.
pub(crate) struct Dictionary<'a> {
    pub(crate) segments: &'a Segments,
    pub(crate) fields: &'a [TextField],
}

impl Dictionary<'_> {
    /// What stands for `word`.
    ///
    /// # Errors
    /// If the dictionary cannot be read.
    pub(crate) fn meaning(&self, word: &QueryWord) -> Result<Meaning, SearchError> {
        let mut meaning = Meaning::default();
        if !word.whole.is_empty() {
            meaning.any = self.exact(&word.whole)?;
            if word.open && word.whole.chars().count() >= SHORTEST_BEGINNING {
                meaning.any.extend(self.continuations(&word.whole)?);
            }
        }
        let last = word.parts.len().saturating_sub(1);
        for (at, part) in word.parts.iter().enumerate() {
            let mut any = self.exact(part)?;
            // A single character of a script without spaces is the beginning of pairs.
            if at == last && word.open && (!word.whole.is_empty() || word.parts.len() == 1) {
                any.extend(self.continuations(part)?);
            }
            meaning.all.push(any);
        }
        if meaning.docs() < RARE && !word.whole.is_empty() {
            let similar = self.similar(&word.whole, allowed_distance(&word.whole))?;
            meaning.similar = !similar.is_empty();
            meaning.any.extend(similar);
        }
        Ok(meaning)
    }

    /// The most frequent word that differs from `word` in at most two characters, if `word` itself is not there.
    ///
    /// # Errors
    /// If the dictionary cannot be read.
    pub(crate) fn correction(&self, word: &str) -> Result<Option<String>, SearchError> {
        if word.chars().count() < SHORTEST_SIMILAR || !self.exact(word)?.is_empty() {
            return Ok(None);
        }
        for distance in [1, 2] {
            let best = self.within(word, distance)?.into_iter().max_by_key(|(_, docs)| *docs);
            if let Some(((_, found), _)) = best {
                return Ok(String::from_utf8(found).ok());
            }
        }
        Ok(None)
    }

    fn exact(&self, word: &str) -> Result<Vec<IndexedWord>, SearchError> {
        let mut found = Vec::new();
        for field in 0..self.fields.len() {
            let mut docs = 0;
            for segment in &self.segments.list {
                docs += segment.fields[field].inverted.terms().get(word)?.map_or(0, |info| u64::from(info.doc_freq));
            }
            if docs > 0 {
                found.push(IndexedWord { field, word: word.into(), docs, worth: 1.0 });
            }
        }
        Ok(found)
    }

    fn continuations(&self, word: &str) -> Result<Vec<IndexedWord>, SearchError> {
        let mut after = word.as_bytes().to_vec();
        // No byte of UTF-8 is as large.
        after.push(0xff);
        let mut found: HashMap<(usize, Vec<u8>), u64> = HashMap::new();
        for segment in &self.segments.list {
            for (at, field) in segment.fields.iter().enumerate().take(self.fields.len()) {
                let mut stream = field.inverted.terms().range().gt(word).lt(&after).into_stream()?;
                gather(&mut stream, at, &mut found);
            }
        }
        Ok(most_frequent(found, MAX_CONTINUATIONS, |_| CONTINUED))
    }

    fn similar(&self, word: &str, distance: u8) -> Result<Vec<IndexedWord>, SearchError> {
        if distance == 0 {
            return Ok(Vec::new());
        }
        let once = self.within(word, 1)?;
        let mut found = most_frequent(once, MAX_SIMILAR, |_| SIMILAR);
        if found.is_empty() && distance == 2 {
            found = most_frequent(self.within(word, 2)?, MAX_SIMILAR, |_| SIMILAR_TWICE);
        }
        Ok(found)
    }

    /// Other words that differ in at most `distance` characters, in the fields that are searched for such.
    fn within(&self, word: &str, distance: u8) -> Result<HashMap<(usize, Vec<u8>), u64>, SearchError> {
        let mut found = HashMap::new();
        for (at, field) in self.fields.iter().enumerate().filter(|(_, field)| field.similar) {
            let query = FuzzyTermQuery::new(Term::from_field_text(field.field, word), distance, true);
            for segment in &self.segments.list {
                let mut stream = segment.fields[at].inverted.terms().search(query.automaton()?).into_stream()?;
                while let Some((similar, info)) = stream.next() {
                    if similar != word.as_bytes() {
                        *found.entry((at, similar.to_vec())).or_insert(0) += u64::from(info.doc_freq);
                    }
                }
            }
        }
        Ok(found)
    }
}

fn gather(stream: &mut TermStreamer<'_>, field: usize, found: &mut HashMap<(usize, Vec<u8>), u64>) {
    let mut left = MAX_LOOKED_AT;
    while left > 0
        && let Some((word, info)) = stream.next()
    {
        let info: &TermInfo = info;
        *found.entry((field, word.to_vec())).or_insert(0) += u64::from(info.doc_freq);
        left -= 1;
    }
}

fn most_frequent(found: HashMap<(usize, Vec<u8>), u64>, max: usize, worth: impl Fn(&[u8]) -> f32) -> Vec<IndexedWord> {
    let mut words: Vec<IndexedWord> =
        found.into_iter().map(|((field, word), docs)| IndexedWord { field, worth: worth(&word), word, docs }).collect();
    words.sort_unstable_by(|a, b| b.docs.cmp(&a.docs).then_with(|| (&a.word, a.field).cmp(&(&b.word, b.field))));
    words.truncate(max);
    words
}

fn allowed_distance(word: &str) -> u8 {
    match word.chars().count() {
        len if len >= SHORTEST_TWICE_SIMILAR => 2,
        len if len >= SHORTEST_SIMILAR => 1,
        _ => 0,
    }
}
