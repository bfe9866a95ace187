//! The parts of a text index as they are read.

use std::{collections::HashMap, sync::Arc};

use tantivy::{
    InvertedIndexReader, Searcher, SegmentReader,
    fieldnorm::FieldNormReader,
    index::SegmentId,
    postings::{BlockSegmentPostings, TermInfo},
    schema::IndexRecordOption,
};

use crate::{
    SearchError,
    embedded::schema::{Fields, ORD, TextField},
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
    /// By number in the segment, the ordinal.
    pub(crate) ords: Arc<[u32]>,
}

/// How matches in a field are weighed.
struct Weighing {
    /// What the length of a text does to a score: [`SATURATION`] times a factor, by [`FieldNormReader::fieldnorm_id`].
    norms: [f32; 256],
    /// Whether repetition counts.
    repetition: bool,
}

/// All segments of one state of the index.
#[derive(Default)]
pub(crate) struct Segments {
    pub(crate) list: Vec<Segment>,
    /// By field.
    weighing: Vec<Weighing>,
    docs: f32,
}

impl Segments {
    /// Opens the segments of `searcher`; `known` has the ordinals of those that were open before.
    ///
    /// # Errors
    /// If a segment cannot be read.
    pub(crate) fn open(
        searcher: &Searcher,
        fields: &Fields,
        known: &HashMap<SegmentId, Arc<[u32]>>,
    ) -> Result<Self, SearchError> {
        let mut list = Vec::new();
        for reader in searcher.segment_readers() {
            list.push(Segment::open(reader, fields, known.get(&reader.segment_id()))?);
        }
        #[expect(clippy::cast_precision_loss, reason = "statistics")]
        let docs = searcher.num_docs() as f32;
        let weighing = fields.text.iter().enumerate().map(|(at, field)| weighing(&list, at, field)).collect();
        Ok(Self { list, weighing, docs })
    }

    /// The ordinals of each segment, to open the next state with.
    pub(crate) fn ords(&self) -> HashMap<SegmentId, Arc<[u32]>> {
        self.list.iter().map(|segment| (segment.reader.segment_id(), Arc::clone(&segment.ords))).collect()
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
                segment.documents_with(field, &info, &self.weighing[field], &mut each)?;
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
    Weighing { norms, repetition: field.repetition }
}

impl Segment {
    fn open(reader: &SegmentReader, fields: &Fields, known: Option<&Arc<[u32]>>) -> Result<Self, SearchError> {
        let ords = match known {
            Some(ords) => Arc::clone(ords),
            None => read_ords(reader)?,
        };
        let mut opened = Vec::new();
        for searched in &fields.text {
            opened.push(SegmentField {
                inverted: reader.inverted_index(searched.field)?,
                norms: reader.get_fieldnorms_reader(searched.field)?,
            });
        }
        Ok(Self { reader: reader.clone(), fields: opened, ords })
    }

    fn documents_with(
        &self,
        field: usize,
        info: &TermInfo,
        weighing: &Weighing,
        each: &mut impl FnMut(u32, f32),
    ) -> Result<(), SearchError> {
        let SegmentField { inverted, norms: lengths } = &self.fields[field];
        let mut block: BlockSegmentPostings = inverted.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
        let alive = self.reader.alive_bitset();
        while block.block_len() > 0 {
            for (doc, times) in block.docs().iter().zip(block.freqs()) {
                if alive.is_none_or(|alive| alive.is_alive(*doc)) {
                    #[expect(clippy::cast_precision_loss, reason = "a word is not in a card so often")]
                    let times = if weighing.repetition { *times as f32 } else { 1.0 };
                    let norm = weighing.norms[usize::from(lengths.fieldnorm_id(*doc))];
                    each(self.ords[*doc as usize], times * (SATURATION + 1.0) / (times + norm));
                }
            }
            block.advance();
        }
        Ok(())
    }
}

fn read_ords(reader: &SegmentReader) -> Result<Arc<[u32]>, SearchError> {
    let column = reader.fast_fields().u64(ORD)?;
    let mut ords = Vec::with_capacity(reader.max_doc() as usize);
    for doc in 0..reader.max_doc() {
        let ord = column.first(doc).and_then(|ord| u32::try_from(ord).ok());
        ords.push(ord.ok_or_else(|| tantivy::TantivyError::InternalError("a document has no ordinal".to_owned()))?);
    }
    Ok(ords.into())
}
