//! The values of a facet, and how many documents have them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    Facet, SearchError,
    embedded::{
        bits::Bits,
        columns::{Entry, KINDS},
        docs::Docs,
    },
};

/// A value of a facet, as a number: five bits say of which facet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ValueId(u32);

const VALUE_BITS: u32 = 27;

impl ValueId {
    fn new(facet: Facet, at: usize) -> Result<Self, SearchError> {
        let at = u32::try_from(at).ok().filter(|at| *at < 1 << VALUE_BITS).ok_or(SearchError::Full)?;
        Ok(Self(((facet.index() as u32) << VALUE_BITS) | at))
    }

    /// The place of its facet in [`Facet::EVERY`].
    pub(crate) const fn facet(self) -> usize {
        (self.0 >> VALUE_BITS) as usize
    }

    /// Its place among the values of its facet.
    pub(crate) const fn at(self) -> usize {
        (self.0 & ((1 << VALUE_BITS) - 1)) as usize
    }
}

/// One value, and who has it.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) text: Arc<str>,
    pub(crate) docs: Docs,
    every: [u32; KINDS],
    public: [u32; KINDS],
}

impl Value {
    /// How many documents of a kind have it, whoever may see them.
    pub(crate) const fn of_kind(&self, kind: usize) -> u32 {
        self.every[kind]
    }

    /// How many public documents of a kind have it.
    pub(crate) const fn public_of_kind(&self, kind: usize) -> u32 {
        self.public[kind]
    }
}

/// The values of a facet that most documents of a kind have.
#[derive(Debug)]
pub(crate) struct Heads {
    version: u64,
    /// The most frequent first.
    pub(crate) values: Vec<u32>,
    /// The same as a set.
    pub(crate) set: Bits,
    /// No other value has more documents.
    pub(crate) rest: u32,
}

/// A facet.
#[derive(Debug, Default)]
pub(crate) struct FacetColumn {
    by_key: HashMap<Arc<str>, u32>,
    pub(crate) values: Vec<Value>,
    heads: [Mutex<Option<Arc<Heads>>>; KINDS],
}

/// How many values [`FacetColumn::heads`] has.
const HEADS: usize = 2048;

impl FacetColumn {
    /// The number of a value, which is new if need be.
    pub(crate) fn intern(&mut self, facet: Facet, text: &str) -> Result<ValueId, SearchError> {
        let key = facet.key(text);
        if let Some(at) = self.by_key.get(key.as_ref()) {
            return ValueId::new(facet, *at as usize);
        }
        let id = ValueId::new(facet, self.values.len())?;
        let text: Arc<str> = text.into();
        let key = if *key == *text { Arc::clone(&text) } else { key.as_ref().into() };
        self.by_key.insert(key, id.at() as u32);
        self.values.push(Value { text, docs: Docs::default(), every: [0; KINDS], public: [0; KINDS] });
        Ok(id)
    }

    /// Adds a document, whose ordinal is below `ordinals`, to those that have a value. Returns whether the value became
    /// rare by that, or is no longer.
    pub(crate) fn add(&mut self, id: ValueId, ord: u32, ordinals: usize, entry: &Entry) -> bool {
        let Entry { kind, public, .. } = *entry;
        let kind = usize::from(kind);
        let value = &mut self.values[id.at()];
        let was_few = value.docs.is_few();
        value.docs.insert(ord, ordinals);
        value.every[kind] += 1;
        value.public[kind] += u32::from(public);
        value.docs.is_few() != was_few
    }

    /// Takes a document away, as it was [added](Self::add).
    pub(crate) fn remove(&mut self, id: ValueId, ord: u32, ordinals: usize, entry: &Entry) -> bool {
        let Entry { kind, public, .. } = *entry;
        let kind = usize::from(kind);
        let value = &mut self.values[id.at()];
        let was_few = value.docs.is_few();
        value.docs.remove(ord, ordinals);
        value.every[kind] -= 1;
        value.public[kind] -= u32::from(public);
        value.docs.is_few() != was_few
    }

    /// The place of a value among the values.
    pub(crate) fn find(&self, facet: Facet, text: &str) -> Option<u32> {
        self.by_key.get(facet.key(text).as_ref()).copied()
    }

    /// Who has a value.
    pub(crate) fn docs_of(&self, facet: Facet, text: &str) -> Option<&Docs> {
        self.find(facet, text).map(|at| &self.values[at as usize].docs)
    }

    /// The most frequent values of a kind, computed once for each `version` of the values.
    pub(crate) fn heads(&self, kind: usize, version: u64) -> Arc<Heads> {
        let mut kept = self.heads[kind].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heads) = kept.as_ref()
            && heads.version == version
        {
            return Arc::clone(heads);
        }
        let fresh = Arc::new(self.compute_heads(kind, version));
        *kept = Some(Arc::clone(&fresh));
        fresh
    }

    fn compute_heads(&self, kind: usize, version: u64) -> Heads {
        let count = |at: &u32| std::cmp::Reverse(self.values[*at as usize].of_kind(kind));
        let mut values: Vec<u32> =
            (0..self.values.len() as u32).filter(|at| self.values[*at as usize].of_kind(kind) > 0).collect();
        let mut rest = 0;
        if values.len() > HEADS {
            let (_, next, _) = values.select_nth_unstable_by_key(HEADS, count);
            rest = self.values[*next as usize].of_kind(kind);
            values.truncate(HEADS);
        }
        values.sort_unstable_by_key(count);
        let set = values.iter().copied().collect();
        Heads { version, values, set, rest }
    }

    /// Bytes in memory, estimated.
    pub(crate) fn memory_bytes(&self) -> usize {
        let values: usize =
            self.values.iter().map(|value| size_of::<Value>() + value.text.len() + 48 + value.docs.memory_bytes()).sum();
        values + self.by_key.capacity() * (size_of::<(Arc<str>, u32)>() + 1)
    }
}

const _: () = assert!(Facet::EVERY.len() <= 1 << (u32::BITS - VALUE_BITS), "a facet needs to fit into five bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facets_are_listed_in_their_order() {
        for (at, facet) in Facet::EVERY.into_iter().enumerate() {
            assert_eq!(facet.index(), at);
        }
        assert_eq!(crate::embedded::columns::kind_index(hub_types::RepoType::Bucket), None);
    }
}
