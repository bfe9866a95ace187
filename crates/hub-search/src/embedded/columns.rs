//! Everything by which documents are filtered, counted and sorted, in memory.
//!
//! Documents have an ordinal, a small number that stays theirs until they are deleted and is not used again. A column
//! has one entry for each ordinal; a set of documents is a bitmap of ordinals.

use std::collections::HashMap;

use hub_types::RepoType;

use crate::{
    Counters, Facet, Number, RepoDoc, SearchError, Sort, Visible,
    document::popularity,
    embedded::{
        bits::Bits,
        facets::{FacetColumn, ValueId},
        heads::Heads,
        lists::ValueLists,
        names::NameOrder,
    },
};

/// The value of a number that a document does not have. Sorts below every other.
pub(crate) const MISSING: i64 = i64::MIN;

/// How many types of repositories are searched.
pub(crate) const KINDS: usize = RepoType::WITH_GIT.len();

/// The place of a type among those that are searched; nothing for those that are not.
pub(crate) fn kind_index(kind: RepoType) -> Option<usize> {
    RepoType::WITH_GIT.iter().position(|known| *known == kind)
}

/// What a document shows of itself besides its numbers.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) pk: i64,
    pub(crate) id: Box<str>,
    pub(crate) kind: u8,
    pub(crate) public: bool,
    slash: u8,
}

impl Entry {
    pub(crate) fn owner(&self) -> &str {
        &self.id[..usize::from(self.slash)]
    }

    pub(crate) fn name(&self) -> &str {
        &self.id[usize::from(self.slash) + 1..]
    }
}

/// Numbers of all documents, by ordinal.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// Ordered like the score, which is a fraction; see [`ordered`].
    trending: Vec<i64>,
    downloads: Vec<i64>,
    likes: Vec<i64>,
    created: Vec<i64>,
    updated: Vec<i64>,
    size: Vec<i64>,
    parameters: Vec<i64>,
    rows: Vec<i64>,
}

impl Numbers {
    /// The column of a number.
    pub(crate) fn of(&self, number: Number) -> &[i64] {
        match number {
            Number::Created => &self.created,
            Number::Updated => &self.updated,
            Number::Size => &self.size,
            Number::Parameters => &self.parameters,
            Number::Rows => &self.rows,
            Number::Downloads => &self.downloads,
            Number::Likes => &self.likes,
        }
    }

    /// The column by which `sort` goes. Relevance has none: without a text it is trending.
    pub(crate) fn sorted_by(&self, sort: Sort) -> &[i64] {
        match sort {
            Sort::Trending | Sort::Relevance => &self.trending,
            Sort::Downloads => &self.downloads,
            Sort::Likes => &self.likes,
            Sort::Created => &self.created,
            Sort::Updated => &self.updated,
            Sort::Size => &self.size,
            Sort::Parameters => &self.parameters,
        }
    }

    fn every(&mut self) -> [&mut Vec<i64>; 8] {
        [
            &mut self.trending,
            &mut self.downloads,
            &mut self.likes,
            &mut self.created,
            &mut self.updated,
            &mut self.size,
            &mut self.parameters,
            &mut self.rows,
        ]
    }

    fn grow(&mut self, len: usize) {
        for column in self.every() {
            column.resize(len, MISSING);
        }
    }

    fn set_counters(&mut self, at: usize, counters: &Counters) {
        self.trending[at] = ordered(counters.trending);
        self.downloads[at] = to_i64(counters.downloads);
        self.likes[at] = to_i64(counters.likes);
    }

    fn set(&mut self, at: usize, doc: &RepoDoc) {
        self.created[at] = doc.created;
        self.updated[at] = doc.updated;
        self.size[at] = to_i64(doc.size_bytes);
        self.parameters[at] = doc.parameters.map_or(MISSING, to_i64);
        self.rows[at] = doc.rows.map_or(MISSING, to_i64);
    }
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A whole number that compares as the fraction does.
fn ordered(fraction: f64) -> i64 {
    let bits = fraction.to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned() >> 1).cast_signed())
}

/// All documents.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    entries: Vec<Option<Entry>>,
    /// By ordinal, in order. Apart from the entries, because counting reads nothing else.
    pub(crate) values: ValueLists,
    /// The same without the values whose documents are kept as bits: these are counted by them.
    pub(crate) rare: ValueLists,
    by_pk: HashMap<i64, u32>,
    pub(crate) numbers: Numbers,
    pub(crate) popularity: Vec<f32>,
    pub(crate) kinds: [Bits; KINDS],
    pub(crate) public: Bits,
    pub(crate) facets: [FacetColumn; Facet::EVERY.len()],
    names: NameOrder,
    pub(crate) heads: Heads,
    /// Grows with each change, so that what was computed before is known to be old.
    pub(crate) version: u64,
    /// The same for changes of more than counters.
    pub(crate) values_version: u64,
}

impl Columns {
    /// How many documents there are.
    pub(crate) fn len(&self) -> usize {
        self.by_pk.len()
    }

    /// One more than the highest ordinal in use.
    pub(crate) fn ordinals(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, ord: u32) -> Option<&Entry> {
        self.entries.get(ord as usize)?.as_ref()
    }

    pub(crate) fn ord_of(&self, pk: i64) -> Option<u32> {
        self.by_pk.get(&pk).copied()
    }

    pub(crate) fn column(&self, facet: Facet) -> &FacetColumn {
        &self.facets[facet.index()]
    }

    /// Puts a document at `ord`, in place of what was there.
    ///
    /// # Errors
    /// If a facet has more values than can be numbered.
    pub(crate) fn put(&mut self, ord: u32, doc: &RepoDoc) -> Result<(), SearchError> {
        self.remove_at(ord)?;
        self.load(ord, doc)?;
        let turned = self.count_values(ord);
        self.list_rare(ord)?;
        self.list_turned(&turned)?;
        self.names.insert(ord, &self.entries);
        Ok(())
    }

    /// Like [`Self::put`] for many documents into an empty index, after which [`Self::finish_loading`] must be called.
    ///
    /// # Errors
    /// If a facet has more values than can be numbered.
    pub(crate) fn load(&mut self, ord: u32, doc: &RepoDoc) -> Result<(), SearchError> {
        let Some(kind) = kind_index(doc.kind) else { return Ok(()) };
        let at = ord as usize;
        if self.entries.len() <= at {
            self.entries.resize_with(at + 1, || None);
            self.values.grow(at + 1);
            self.rare.grow(at + 1);
            self.numbers.grow(at + 1);
            self.popularity.resize(at + 1, 0.0);
        }
        let values = self.values_of(doc)?;
        self.take_from_sets(ord);
        self.kinds[kind].insert(ord);
        if doc.public {
            self.public.insert(ord);
        }
        self.numbers.set(at, doc);
        self.set_counters_at(ord, &doc.counters);
        self.by_pk.insert(doc.pk, ord);
        self.entries[at] = Some(Entry {
            pk: doc.pk,
            id: doc.id.to_string().into(),
            kind: kind as u8,
            public: doc.public,
            slash: doc.id.namespace().len() as u8,
        });
        self.values.set(ord, &values).ok_or(SearchError::Full)?;
        self.version += 1;
        self.values_version += 1;
        Ok(())
    }

    /// Puts the names in order and the documents with their values, of all that [`Self::load`] brought: in the order of
    /// the documents that takes a fraction of the time.
    ///
    /// # Errors
    /// If there are more values than can be kept.
    pub(crate) fn finish_loading(&mut self) -> Result<(), SearchError> {
        let ords = 0..self.ordinals() as u32;
        for ord in ords.clone() {
            self.count_values(ord);
        }
        self.values.pack();
        for ord in ords {
            self.list_rare(ord)?;
        }
        self.names = NameOrder::of(&self.entries);
        Ok(())
    }

    /// Adds a document to those that have its values. Returns the values that became rare by that, or are no longer.
    fn count_values(&mut self, ord: u32) -> Vec<ValueId> {
        let ordinals = self.ordinals();
        let Some(entry) = &self.entries[ord as usize] else { return Vec::new() };
        let values = self.values.of(ord).iter().copied();
        values.filter(|value| self.facets[value.facet()].add(*value, ord, ordinals, entry)).collect()
    }

    /// Notes which values of a document are rare.
    fn list_rare(&mut self, ord: u32) -> Result<(), SearchError> {
        let is_rare = |value: &ValueId| self.facets[value.facet()].values[value.at()].docs.is_few();
        let rare: Vec<ValueId> = self.values.of(ord).iter().copied().filter(is_rare).collect();
        self.rare.set(ord, &rare).ok_or(SearchError::Full)
    }

    /// The same for all documents that have one of some values.
    fn list_turned(&mut self, values: &[ValueId]) -> Result<(), SearchError> {
        for value in values {
            let docs = self.facets[value.facet()].values[value.at()].docs.to_bits();
            for ord in docs.iter() {
                self.list_rare(ord)?;
            }
        }
        Ok(())
    }

    fn take_from_sets(&mut self, ord: u32) {
        self.kinds.iter_mut().for_each(|kind| kind.remove(ord));
        self.public.remove(ord);
    }

    fn values_of(&mut self, doc: &RepoDoc) -> Result<Vec<ValueId>, SearchError> {
        let mut values = vec![self.facets[Facet::Author.index()].intern(Facet::Author, doc.id.namespace())?];
        for (facet, texts) in &doc.facets {
            // The owner is not up to the document, and who sees what everybody sees is no question.
            if *facet != Facet::Author && *facet != Facet::Audience {
                for text in texts {
                    values.push(self.facets[facet.index()].intern(*facet, text)?);
                }
            }
        }
        for audience in doc.audience() {
            values.push(self.facets[Facet::Audience.index()].intern(Facet::Audience, audience)?);
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    /// Takes a document away, if there is one with this key.
    ///
    /// # Errors
    /// If there are more values than can be kept.
    pub(crate) fn remove(&mut self, pk: i64) -> Result<(), SearchError> {
        self.by_pk.get(&pk).copied().map_or(Ok(()), |ord| self.remove_at(ord))
    }

    fn remove_at(&mut self, ord: u32) -> Result<(), SearchError> {
        self.names.remove(ord, &self.entries);
        let ordinals = self.ordinals();
        let Some(entry) = self.entries.get_mut(ord as usize).and_then(Option::take) else { return Ok(()) };
        let values = self.values.of(ord).iter().copied();
        let turned: Vec<ValueId> =
            values.filter(|value| self.facets[value.facet()].remove(*value, ord, ordinals, &entry)).collect();
        self.take_from_sets(ord);
        self.by_pk.remove(&entry.pk);
        self.version += 1;
        self.values_version += 1;
        self.list_turned(&turned)
    }

    /// Sets the counters of a document, if there is one with this key.
    pub(crate) fn set_counters(&mut self, pk: i64, counters: &Counters) {
        if let Some(ord) = self.ord_of(pk) {
            self.set_counters_at(ord, counters);
            self.version += 1;
        }
    }

    fn set_counters_at(&mut self, ord: u32, counters: &Counters) {
        self.numbers.set_counters(ord as usize, counters);
        self.popularity[ord as usize] = popularity(counters);
    }

    /// What a viewer may see of a kind.
    pub(crate) fn visible(&self, kind: usize, visible: &Visible) -> Bits {
        match visible {
            Visible::All => self.kinds[kind].clone(),
            Visible::Public => self.visible(kind, &Visible::PublicAnd(Vec::new())),
            Visible::PublicAnd(audiences) => {
                let mut seen = self.public.clone();
                for audience in audiences {
                    if let Some(own) = self.column(Facet::Audience).docs_of(Facet::Audience, audience) {
                        own.add_to(&mut seen);
                    }
                }
                seen.retain(&self.kinds[kind]);
                seen
            }
        }
    }

    /// The documents whose [joined](crate::text::joined) name begins with `prefix`, in the order of their names.
    pub(crate) fn named<'a>(&'a self, prefix: &str) -> impl Iterator<Item = u32> + 'a {
        self.names.beginning_with(prefix, &self.entries)
    }

    /// Bytes in memory, estimated.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let entries: usize = self
            .entries
            .iter()
            .map(|entry| size_of::<Option<Entry>>() + entry.as_ref().map_or(0, |entry| entry.id.len() + 16))
            .sum();
        let numbers = self.entries.len() * (size_of::<[i64; 8]>() + size_of::<f32>() + size_of::<u32>());
        let keys = self.by_pk.capacity() * (size_of::<(i64, u32)>() + 1);
        let bitmaps: usize = self.kinds.iter().chain([&self.public]).map(Bits::memory_bytes).sum();
        let facets: usize = self.facets.iter().map(FacetColumn::memory_bytes).sum();
        (entries + self.values.memory_bytes() + self.rare.memory_bytes() + numbers + keys + bitmaps + facets) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_keep_their_order() {
        let fractions = [f64::NEG_INFINITY, -2.5, -0.1, 0.0, 1e-9, 0.5, 3.0, 1e12];
        assert!(fractions.map(ordered).is_sorted());
        assert!(ordered(f64::NEG_INFINITY) > MISSING);
    }
}
