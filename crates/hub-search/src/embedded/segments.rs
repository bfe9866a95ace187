//! The parts of a text index as they are read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tantivy::{
    InvertedIndexReader, Searcher, SegmentReader,
    fieldnorm::FieldNormReader,
    index::SegmentId,
    postings::{BlockSegmentPostings, TermInfo},
    schema::IndexRecordOption,
};

use crate::{
    SearchError,
    embedded::{
        recent::{RecentCounts, RecentWords},
        schema::{Fields, ORD, TextField},
    },
};

/// BM25's `k1`: how fast repetition of a word stops to matter.
const SATURATION: f32 = 1.2;

/// One field of a segment.
pub(crate) struct SegmentField {
    pub(crate) inverted: Arc<InvertedIndexReader>,
    norms: FieldNormReader,
}

/// A part of the index that does not change but for deletions.
pub(crate) struct Segment {
    pub(crate) reader: SegmentReader,
    pub(crate) fields: Vec<SegmentField>,
    pub(crate) kept: Arc<Kept>,
}

/// What is kept in memory of a segment for as long as there is one.
pub(crate) struct Kept {
    /// By number in the segment, the ordinal.
    pub(crate) ords: Box<[u32]>,
    /// One more than the highest of them.
    ordinals: usize,
    frequent: Mutex<Frequent>,
}

/// The documents of frequent words that were searched for, by field and word: to gather them anew from where the index
/// has them, in three places each, takes several times as long.
#[derive(Default)]
struct Frequent {
    lists: HashMap<(usize, Vec<u8>), Arc<Vec<Posting>>>,
    len: usize,
}

/// A document that has a word.
#[derive(Clone, Copy)]
struct Posting {
    doc: u32,
    /// How often; more often than this it is in no text.
    times: u16,
    /// [`FieldNormReader::fieldnorm_id`]
    norm: u8,
}

/// A word with so many documents in a segment is frequent.
const FREQUENT: u32 = 1_000;
/// How many documents of frequent words are kept, of eight bytes each, for each document of a segment.
const KEPT_EACH: usize = 9;
/// A word that is there less often than this has its weight looked up: to divide takes longer.
const LOOKED_UP: usize = 16;

/// How matches in a field are weighed.
struct Weighing {
    /// What the length of a text does to a score: [`SATURATION`] times a factor, by [`FieldNormReader::fieldnorm_id`].
    norms: [f32; 256],
    /// Whether repetition counts.
    repetition: bool,
    /// [`Self::fit`] of words that are there fewer than [`LOOKED_UP`] times, by that and `norm`.
    fits: Vec<f32>,
}

/// All segments of one state of the index.
#[derive(Default)]
pub(crate) struct Segments {
    pub(crate) list: Vec<Segment>,
    /// By field.
    weighing: Vec<Weighing>,
    docs: f32,
    /// One more than the highest ordinal.
    pub(crate) ordinals: usize,
    pub(crate) recent_words: RecentWords,
    pub(crate) recent_counts: RecentCounts,
}

impl Segments {
    /// Opens the segments of `searcher`; `known` has what was kept of those that were open before.
    ///
    /// # Errors
    /// If a segment cannot be read.
    pub(crate) fn open(searcher: &Searcher, fields: &Fields, known: &HashMap<SegmentId, Arc<Kept>>) -> Result<Self, SearchError> {
        let mut list = Vec::new();
        for reader in searcher.segment_readers() {
            list.push(Segment::open(reader, fields, known.get(&reader.segment_id()))?);
        }
        #[expect(clippy::cast_precision_loss, reason = "statistics")]
        let docs = searcher.num_docs() as f32;
        let weighing = fields.text.iter().enumerate().map(|(at, field)| weighing(&list, at, field)).collect();
        let ordinals = list.iter().map(|segment| segment.kept.ordinals).max().unwrap_or(0);
        Ok(Self { list, weighing, docs, ordinals, ..Self::default() })
    }

    /// What is kept of each segment, to open the next state with.
    pub(crate) fn kept(&self) -> HashMap<SegmentId, Arc<Kept>> {
        self.list.iter().map(|segment| (segment.reader.segment_id(), Arc::clone(&segment.kept))).collect()
    }

    /// BM25's weight of a word that `docs` documents have.
    #[expect(clippy::cast_precision_loss, reason = "statistics")]
    pub(crate) fn rarity(&self, docs: u64) -> f32 {
        let docs = (docs as f32).min(self.docs);
        (1.0 + (self.docs - docs + 0.5) / (docs + 0.5)).ln()
    }

    /// Gives `each` every document that has a word in a field: its ordinal, and BM25 without the word's rarity.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub(crate) fn documents_with(&self, field: usize, word: &[u8], mut each: impl FnMut(u32, f32)) -> Result<(), SearchError> {
        for segment in &self.list {
            if let Some(info) = segment.fields[field].inverted.terms().get(word)? {
                segment.documents_with(field, word, &info, &self.weighing[field], &mut each)?;
            }
        }
        Ok(())
    }
}

fn weighing(list: &[Segment], at: usize, field: &TextField) -> Weighing {
    let words: u64 = list.iter().map(|segment| segment.fields[at].inverted.total_num_tokens()).sum();
    let texts: u64 = list.iter().map(|segment| u64::from(segment.reader.max_doc())).sum();
    #[expect(clippy::cast_precision_loss, reason = "statistics")]
    let usual = (words as f32 / texts.max(1) as f32).max(1.0);
    let norms = std::array::from_fn(|id| {
        let id = u8::try_from(id).unwrap_or(u8::MAX);
        #[expect(clippy::cast_precision_loss, reason = "statistics")]
        let len = FieldNormReader::id_to_fieldnorm(id) as f32;
        SATURATION * (1.0 - field.length + field.length * len / usual)
    });
    let mut weighing = Weighing { norms, repetition: field.repetition, fits: Vec::new() };
    let each = (0..LOOKED_UP as u16).flat_map(|times| (0..=u8::MAX).map(move |norm| (times, norm)));
    weighing.fits = each.map(|(times, norm)| weighing.compute_fit(times, norm)).collect();
    weighing
}

impl Weighing {
    /// BM25 of a word, without its rarity.
    #[inline]
    fn fit(&self, times: u16, norm: u8) -> f32 {
        let known = self.fits.get(usize::from(times) << u8::BITS | usize::from(norm));
        known.copied().unwrap_or_else(|| self.compute_fit(times, norm))
    }

    fn compute_fit(&self, times: u16, norm: u8) -> f32 {
        let times = if self.repetition { f32::from(times) } else { 1.0 };
        times * (SATURATION + 1.0) / (times + self.norms[usize::from(norm)])
    }
}

impl Segment {
    fn open(reader: &SegmentReader, fields: &Fields, known: Option<&Arc<Kept>>) -> Result<Self, SearchError> {
        let kept = match known {
            Some(kept) => Arc::clone(kept),
            None => {
                let ords = read_ords(reader)?;
                let ordinals = ords.iter().max().map_or(0, |ord| *ord as usize + 1);
                Arc::new(Kept { ords, ordinals, frequent: Mutex::default() })
            }
        };
        let mut opened = Vec::new();
        for searched in &fields.text {
            opened.push(SegmentField {
                inverted: reader.inverted_index(searched.field)?,
                norms: reader.get_fieldnorms_reader(searched.field)?,
            });
        }
        Ok(Self { reader: reader.clone(), fields: opened, kept })
    }

    fn documents_with(
        &self,
        field: usize,
        word: &[u8],
        info: &TermInfo,
        weighing: &Weighing,
        each: &mut impl FnMut(u32, f32),
    ) -> Result<(), SearchError> {
        let alive = self.reader.alive_bitset();
        let ords = &*self.kept.ords;
        let give = |posting: &Posting| {
            if alive.is_none_or(|alive| alive.is_alive(posting.doc)) {
                each(ords[posting.doc as usize], weighing.fit(posting.times, posting.norm));
            }
        };
        if info.doc_freq < FREQUENT {
            return self.read(field, info, give);
        }
        let key = (field, word.to_vec());
        let known = self.kept.frequent().lists.get(&key).map(Arc::clone);
        if let Some(list) = known {
            list.iter().for_each(give);
            return Ok(());
        }
        let mut list = Vec::with_capacity(info.doc_freq as usize);
        self.read(field, info, |posting| list.push(*posting))?;
        list.iter().for_each(give);
        self.kept.frequent().keep(key, Arc::new(list), KEPT_EACH * self.kept.ords.len());
        Ok(())
    }

    fn read(&self, field: usize, info: &TermInfo, mut each: impl FnMut(&Posting)) -> Result<(), SearchError> {
        let SegmentField { inverted, norms } = &self.fields[field];
        let mut block: BlockSegmentPostings = inverted.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
        while block.block_len() > 0 {
            for (doc, times) in block.docs().iter().zip(block.freqs()) {
                let times = u16::try_from(*times).unwrap_or(u16::MAX);
                each(&Posting { doc: *doc, times, norm: norms.fieldnorm_id(*doc) });
            }
            block.advance();
        }
        Ok(())
    }
}

impl Kept {
    fn frequent(&self) -> MutexGuard<'_, Frequent> {
        self.frequent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.ords) + self.frequent().len * size_of::<Posting>()
    }
}

impl Frequent {
    /// Keeps a list among `max` documents of all words. What is searched for often comes back soon when all are dropped.
    fn keep(&mut self, key: (usize, Vec<u8>), list: Arc<Vec<Posting>>, max: usize) {
        if self.len + list.len() > max {
            *self = Self::default();
        }
        self.len += list.len();
        if let Some(same) = self.lists.insert(key, list) {
            self.len -= same.len();
        }
    }
}

fn read_ords(reader: &SegmentReader) -> Result<Box<[u32]>, SearchError> {
    let column = reader.fast_fields().u64(ORD)?;
    let mut ords = Vec::with_capacity(reader.max_doc() as usize);
    for doc in 0..reader.max_doc() {
        let ord = column.first(doc).and_then(|ord| u32::try_from(ord).ok());
        ords.push(ord.ok_or_else(|| tantivy::TantivyError::InternalError("a document has no ordinal".to_owned()))?);
    }
    Ok(ords.into())
}
