//! All documents in the order of their names, to find names that begin with something.

use crate::embedded::columns::Entry;

/// A run is split in two when it grows beyond this. Insertion moves at most so many ordinals.
const RUN: usize = 1024;

/// Ordinals in the order of the names of their documents, [joined](crate::text::joined).
#[derive(Debug, Default)]
pub(crate) struct NameOrder {
    /// None is empty.
    runs: Vec<Vec<u32>>,
}

/// The letters and digits of a name, lower case. Names are ASCII.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

fn name(entries: &[Option<Entry>], ord: u32) -> &str {
    entries.get(ord as usize).and_then(Option::as_ref).map_or("", Entry::name)
}

/// The first letters of a name as a number that compares like them.
fn head(name: &str) -> u128 {
    let mut bytes = [0; 16];
    for (byte, letter) in bytes.iter_mut().zip(letters(name)) {
        *byte = letter;
    }
    u128::from_be_bytes(bytes)
}

impl NameOrder {
    /// The order of all documents.
    pub(crate) fn of(entries: &[Option<Entry>]) -> Self {
        let mut all: Vec<(u128, u32)> =
            entries.iter().zip(0..).filter_map(|(entry, ord)| entry.as_ref().map(|entry| (head(entry.name()), ord))).collect();
        all.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| letters(name(entries, a.1)).cmp(letters(name(entries, b.1)))).then(a.1.cmp(&b.1))
        });
        Self { runs: all.chunks(RUN / 2).map(|run| run.iter().map(|(_, ord)| *ord).collect()).collect() }
    }

    /// Adds a document.
    pub(crate) fn insert(&mut self, ord: u32, entries: &[Option<Entry>]) {
        let Some(Some(_)) = entries.get(ord as usize) else { return };
        let (run, at) = self.place(ord, entries);
        let Some(found) = self.runs.get_mut(run) else {
            self.runs.push(vec![ord]);
            return;
        };
        found.insert(at, ord);
        if found.len() > RUN {
            let tail = found.split_off(RUN / 2);
            self.runs.insert(run + 1, tail);
        }
    }

    /// Takes a document away, whose entry must still be there.
    pub(crate) fn remove(&mut self, ord: u32, entries: &[Option<Entry>]) {
        let Some(Some(_)) = entries.get(ord as usize) else { return };
        let (run, at) = self.place(ord, entries);
        if let Some(found) = self.runs.get_mut(run)
            && found.get(at) == Some(&ord)
        {
            found.remove(at);
            if found.is_empty() {
                self.runs.remove(run);
            }
        }
    }

    /// In which run, and where in it, a document is or belongs.
    fn place(&self, ord: u32, entries: &[Option<Entry>]) -> (usize, usize) {
        let wanted = name(entries, ord);
        self.find(|other| letters(name(entries, other)).cmp(letters(wanted)).then(other.cmp(&ord)).is_lt())
    }

    /// Where the documents end that are `before`.
    fn find(&self, before: impl Fn(u32) -> bool) -> (usize, usize) {
        let run = self.runs.partition_point(|run| run.last().is_some_and(|last| before(*last)));
        match self.runs.get(run) {
            Some(found) => (run, found.partition_point(|ord| before(*ord))),
            None => match self.runs.last() {
                Some(last) => (self.runs.len() - 1, last.len()),
                None => (0, 0),
            },
        }
    }

    /// The documents whose joined name begins with `prefix`, in order.
    pub(crate) fn beginning_with<'a>(&'a self, prefix: &str, entries: &[Option<Entry>]) -> impl Iterator<Item = u32> + 'a {
        let (run, from) = self.find(|ord| letters(name(entries, ord)).lt(prefix.bytes()));
        let (last, to) = self.find(|ord| {
            let name = name(entries, ord);
            letters(name).lt(prefix.bytes()) || starts_with(name, prefix)
        });
        (run..=last).filter_map(|index| Some((index, self.runs.get(index)?))).flat_map(move |(index, ords)| {
            let from = if index == run { from } else { 0 };
            let to = if index == last { to } else { ords.len() };
            ords.get(from..to).unwrap_or_default().iter().copied()
        })
    }
}

/// Whether the joined name begins with `prefix`, which is joined.
pub(crate) fn starts_with(name: &str, prefix: &str) -> bool {
    let mut letters = letters(name);
    prefix.bytes().all(|byte| letters.next() == Some(byte))
}

/// Whether the joined name is `other`, which is joined.
pub(crate) fn equals(name: &str, other: &str) -> bool {
    letters(name).eq(other.bytes())
}
