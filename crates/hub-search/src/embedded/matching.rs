//! From the words of a query to the documents that have them, and how well they fit.
//!
//! Words are taken one after the other, the rarest first. Each adds to a score for each document that has all words so
//! far. So every document that matches is known, and can be counted and sorted in any way.

use crate::{
    SearchError,
    embedded::{
        bits::Bits,
        dictionary::{Dictionary, IndexedWord, Meaning},
        schema::TextField,
        segments::Segments,
    },
    text::QueryText,
};

/// What the words of a query found.
pub(crate) struct Matches {
    pub(crate) docs: Bits,
    /// By ordinal; of no meaning for those that are not in `docs`.
    pub(crate) scores: Vec<f32>,
    /// Whether these have one of the words, because none has them all.
    pub(crate) any_word: bool,
    /// Whether similar words were searched for.
    pub(crate) similar: bool,
}

/// Searches for words.
pub(crate) struct Matcher<'a> {
    pub(crate) segments: &'a Segments,
    pub(crate) fields: &'a [TextField],
    /// One more than the highest ordinal.
    pub(crate) ordinals: usize,
}

impl Matcher<'_> {
    /// The documents among `allowed` that have all the words or are `named` so, or if there are none, have one of them.
    /// For a name, what it is worth is added to the score.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub(crate) fn find(&self, text: &QueryText, allowed: &Bits, named: &[(u32, f32)]) -> Result<Matches, SearchError> {
        let dictionary = Dictionary { segments: self.segments, fields: self.fields };
        let mut words = Vec::new();
        for word in &text.words {
            words.push(dictionary.meaning(word)?);
        }
        words.sort_by_key(Meaning::docs);
        let similar = words.iter().any(|word| word.similar);
        let (mut docs, mut scores) = self.with_all(&words)?;
        named.iter().for_each(|(ord, _)| docs.insert(*ord));
        docs.retain(allowed);
        for (ord, worth) in named {
            scores[*ord as usize] += worth;
        }
        if !docs.is_empty() || words.len() < 2 {
            return Ok(Matches { docs, scores, any_word: false, similar });
        }
        let (mut docs, scores) = self.with_any(&words)?;
        docs.retain(allowed);
        Ok(Matches { docs, scores, any_word: true, similar })
    }

    fn with_all(&self, words: &[Meaning]) -> Result<(Bits, Vec<f32>), SearchError> {
        let mut scores = vec![0.0; self.ordinals];
        let mut so_far: Option<Bits> = None;
        for word in words {
            let found = self.with_word(word, so_far.as_ref(), &mut scores)?;
            so_far = Some(found);
        }
        Ok((so_far.unwrap_or_default(), scores))
    }

    fn with_any(&self, words: &[Meaning]) -> Result<(Bits, Vec<f32>), SearchError> {
        let mut scores = vec![0.0; self.ordinals];
        let mut found = Bits::new(self.ordinals);
        for word in words {
            found.extend(&self.with_word(word, None, &mut scores)?);
        }
        Ok((found, scores))
    }

    /// The documents that have a word, among those of `gate`.
    fn with_word(&self, word: &Meaning, gate: Option<&Bits>, scores: &mut [f32]) -> Result<Bits, SearchError> {
        let mut found = Bits::new(self.ordinals);
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
        let mut found = Bits::new(self.ordinals);
        for indexed in words {
            self.segments.documents_with(indexed.field, &indexed.word, |ord, _| {
                if (ord as usize) < self.ordinals {
                    found.insert(ord);
                }
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
            // A document may be in the text index a moment before it is in the columns.
            if let Some(score) = scores.get_mut(ord as usize)
                && gate.is_none_or(|gate| gate.contains(ord))
            {
                *score += weight * fit;
                found.insert(ord);
            }
        })
    }
}
