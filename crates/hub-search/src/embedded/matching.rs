//! From the words of a query to the documents that have them, and how well they fit.
//!
//! Words are taken one after the other, the rarest first. Each adds to a score for each document that has all words so
//! far. So every document that matches is known, and can be counted and sorted in any way.

use std::sync::Arc;

use crate::{
    SearchError,
    embedded::{
        bits::Bits,
        dictionary::{Dictionary, IndexedWord, Meaning},
        rank::Named,
        recent::WordsKey,
        schema::TextField,
        segments::Segments,
    },
    text::QueryText,
};

/// Which documents are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    /// Those that have all words.
    All,
    /// Those that have any of them.
    Any,
}

/// What words found, whoever may see it.
#[derive(Debug)]
pub(crate) struct Found {
    docs: Bits,
    /// By ordinal.
    scores: Vec<f32>,
    /// Whether similar words were searched for.
    similar: bool,
}

impl Found {
    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.docs.memory_bytes() + self.scores.capacity() * size_of::<f32>()
    }
}

/// What the words of a query found.
pub(crate) struct Matches {
    pub(crate) docs: Bits,
    found: Arc<Found>,
    /// These need not be in `docs`.
    pub(crate) named: Named,
    /// Whether these have one of the words, because none has them all.
    pub(crate) any_word: bool,
}

impl Matches {
    /// How well the words fit a document. Of no meaning for those that are not in `docs`.
    #[inline]
    pub(crate) fn score(&self, ord: u32) -> f32 {
        self.found.scores.get(ord as usize).copied().unwrap_or(0.0)
    }

    /// Whether similar words were searched for.
    pub(crate) fn similar(&self) -> bool {
        self.found.similar
    }
}

/// Searches for words.
pub(crate) struct Matcher<'a> {
    pub(crate) segments: &'a Segments,
    pub(crate) fields: &'a [TextField],
}

impl Matcher<'_> {
    /// The documents among `allowed` that have all the words or are `named` so, or if there are none, have one of them.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub(crate) fn find(&self, text: &QueryText, allowed: &Bits, named: Named) -> Result<Matches, SearchError> {
        let found = self.found(text, Wanted::All)?;
        let mut docs = found.docs.clone();
        docs.extend(&named.begins);
        named.each.iter().for_each(|(ord, _)| docs.insert(*ord));
        docs.retain(allowed);
        if !docs.is_empty() || text.words.len() < 2 {
            return Ok(Matches { docs, found, named, any_word: false });
        }
        let found = self.found(text, Wanted::Any)?;
        let mut docs = found.docs.clone();
        docs.retain(allowed);
        Ok(Matches { docs, found, named: Named::default(), any_word: true })
    }

    fn found(&self, text: &QueryText, wanted: Wanted) -> Result<Arc<Found>, SearchError> {
        let key = WordsKey { words: text.words.clone(), fields: self.fields.len(), wanted };
        self.segments.recent_words.get(key, || {
            let dictionary = Dictionary { segments: self.segments, fields: self.fields };
            let mut words = Vec::new();
            for word in &text.words {
                words.push(dictionary.meaning(word)?);
            }
            words.sort_by_key(Meaning::docs);
            let similar = words.iter().any(|word| word.similar);
            let (docs, scores) = match wanted {
                Wanted::All => self.with_all(&words)?,
                Wanted::Any => self.with_any(&words)?,
            };
            Ok(Found { docs, scores, similar })
        })
    }

    fn with_all(&self, words: &[Meaning]) -> Result<(Bits, Vec<f32>), SearchError> {
        let mut scores = vec![0.0; self.segments.ordinals];
        let mut so_far: Option<Bits> = None;
        for word in words {
            let found = self.with_word(word, so_far.as_ref(), &mut scores)?;
            so_far = Some(found);
        }
        Ok((so_far.unwrap_or_default(), scores))
    }

    fn with_any(&self, words: &[Meaning]) -> Result<(Bits, Vec<f32>), SearchError> {
        let mut scores = vec![0.0; self.segments.ordinals];
        let mut found = Bits::new(self.segments.ordinals);
        for word in words {
            found.extend(&self.with_word(word, None, &mut scores)?);
        }
        Ok((found, scores))
    }

    /// The documents that have a word, among those of `gate`.
    fn with_word(&self, word: &Meaning, gate: Option<&Bits>, scores: &mut [f32]) -> Result<Bits, SearchError> {
        let mut found = Bits::new(self.segments.ordinals);
        for indexed in &word.any {
            self.add(indexed, gate, scores, &mut found)?;
        }
        if let Some((first, others)) = word.all.split_first() {
            let mut gate = gate.cloned();
            for part in others {
                gate = Some(self.among(part, gate.as_ref())?);
            }
            for indexed in first {
                self.add(indexed, gate.as_ref(), scores, &mut found)?;
            }
        }
        Ok(found)
    }

    /// The documents of `gate` that have one of the indexed words.
    fn among(&self, words: &[IndexedWord], gate: Option<&Bits>) -> Result<Bits, SearchError> {
        let mut found = Bits::new(self.segments.ordinals);
        for indexed in words {
            self.segments.documents_with(indexed.field, &indexed.word, |ord, _| {
                found.insert(ord);
            })?;
        }
        if let Some(gate) = gate {
            found.retain(gate);
        }
        Ok(found)
    }

    fn add(&self, indexed: &IndexedWord, gate: Option<&Bits>, scores: &mut [f32], found: &mut Bits) -> Result<(), SearchError> {
        let weight = self.segments.rarity(indexed.docs) * self.fields[indexed.field].weight * indexed.worth;
        self.segments.documents_with(indexed.field, &indexed.word, |ord, fit| {
            if gate.is_none_or(|gate| gate.contains(ord)) {
                scores[ord as usize] += weight * fit;
                found.insert(ord);
            }
        })
    }
}
