//! The names of all users and organisations, in memory, and how one is found among them: a million are searched through in some milliseconds,
//! where Postgres takes ten times as long to count what a letter or two find.

use std::collections::{BinaryHeap, HashMap};

use memchr::memmem;

/// A user or an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnerKind {
    /// A person.
    User,
    /// An organisation.
    Organization,
}

/// An owner that can be found.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// The key.
    pub namespace_pk: i64,
    /// Who it is.
    pub kind: OwnerKind,
    /// The name.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
}

/// How a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Names and full names that have it somewhere. A single letter is in every name: it must be the first.
    Within,
    /// Names that begin with something one letter away from it.
    Similar,
}

/// The best owners of a kind, and how many there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Matches {
    /// Their keys, the best first.
    pub best: Vec<i64>,
    /// How many there are in all.
    pub total: usize,
}

/// What stands before each name in [`Names::text`], and before each full name. Neither is in any.
const NAME: char = '\n';
const FULLNAME: char = '\t';

/// Names that do not change: one text to search through, `\nname\tfull name` after another, in lower case and in the order of the names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// Where it begins in the text.
    start: usize,
    namespace_pk: i64,
    kind: OwnerKind,
}

/// Owners that changed since the rest was read: what they are now, or nothing.
pub(super) type Changed = HashMap<i64, Option<Owner>>;

impl Names {
    /// Takes owners in any order.
    pub(super) fn new(owners: Vec<Owner>) -> Self {
        let mut rows: Vec<(String, Owner)> = owners.into_iter().map(|owner| (lower(&owner.name), owner)).collect();
        rows.sort_unstable_by(|a, b| (&a.0, a.1.namespace_pk).cmp(&(&b.0, b.1.namespace_pk)));
        let mut names = Self { text: String::new(), entries: Vec::with_capacity(rows.len()) };
        for (name, owner) in rows {
            names.push(owner.namespace_pk, owner.kind, &name, &lower(&owner.fullname));
        }
        names.text.shrink_to_fit();
        names
    }

    /// The same with what changed.
    pub(super) fn with(&self, changed: &Changed) -> Self {
        let mut new: Vec<(String, &Owner)> = changed.values().flatten().map(|owner| (lower(&owner.name), owner)).collect();
        new.sort_unstable_by(|a, b| (&a.0, a.1.namespace_pk).cmp(&(&b.0, b.1.namespace_pk)));
        let mut new = new.into_iter().peekable();
        let mut names = Self { text: String::with_capacity(self.text.len()), entries: Vec::with_capacity(self.entries.len()) };
        for (at, entry) in self.entries.iter().enumerate() {
            if changed.contains_key(&entry.namespace_pk) {
                continue;
            }
            let (name, fullname) = self.at(at);
            while let Some((before, owner)) =
                new.next_if(|(other, owner)| (other.as_str(), owner.namespace_pk) < (name, entry.namespace_pk))
            {
                names.push(owner.namespace_pk, owner.kind, &before, &lower(&owner.fullname));
            }
            names.push(entry.namespace_pk, entry.kind, name, fullname);
        }
        for (name, owner) in new {
            names.push(owner.namespace_pk, owner.kind, &name, &lower(&owner.fullname));
        }
        names.text.shrink_to_fit();
        names.entries.shrink_to_fit();
        names
    }

    /// Adds one whose name comes after all others; both names are in lower case.
    fn push(&mut self, namespace_pk: i64, kind: OwnerKind, name: &str, fullname: &str) {
        self.entries.push(Entry { start: self.text.len(), namespace_pk, kind });
        self.text.push(NAME);
        self.text.push_str(name);
        self.text.push(FULLNAME);
        self.text.push_str(fullname);
    }

    /// The owners of each kind that fit, `skip` of the best left out, at most `limit` of them: users, then organisations.
    /// Those of exactly this name come first, then those that begin with it, the short ones before the long.
    pub(super) fn find(&self, changed: &Changed, wanted: &str, way: Way, skip: usize, limit: usize) -> [Matches; 2] {
        let changed_names: Vec<(&Owner, String)> = changed.values().flatten().map(|owner| (owner, lower(&owner.name))).collect();
        let mut found = [OwnerKind::User, OwnerKind::Organization].map(|_| Best::new(skip.saturating_add(limit)));
        let mut add = |kind: OwnerKind, namespace_pk: i64, name| {
            let [users, organizations] = &mut found;
            let best = if kind == OwnerKind::User { users } else { organizations };
            best.add(Rank::new(name, wanted, namespace_pk));
        };
        self.each_that_fits(wanted, way, |entry, name| {
            if !changed.contains_key(&entry.namespace_pk) {
                add(entry.kind, entry.namespace_pk, name);
            }
        });
        for (owner, name) in &changed_names {
            let fits = match way {
                Way::Within => {
                    let both = format!("{NAME}{name}{FULLNAME}{}", lower(&owner.fullname));
                    needles(wanted).iter().any(|needle| both.contains(needle))
                }
                Way::Similar => is_one_letter_away(name, wanted),
            };
            if fits {
                add(owner.kind, owner.namespace_pk, name);
            }
        }
        found.map(|found| found.finish(skip))
    }

    /// Calls for each owner that fits, once, with the name in lower case.
    fn each_that_fits<'a>(&'a self, wanted: &str, way: Way, mut found: impl FnMut(&'a Entry, &'a str)) {
        if way == Way::Similar {
            for (at, entry) in self.entries.iter().enumerate() {
                let name = self.name_at(at);
                if is_one_letter_away(name, wanted) {
                    found(entry, name);
                }
            }
            return;
        }
        for (number, needle) in needles(wanted).iter().enumerate() {
            let finder = memmem::Finder::new(needle.as_bytes());
            let mut from = 0;
            while let Some(at) = self.text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
                let place = self.entries.partition_point(|entry| entry.start <= from + at).saturating_sub(1);
                let Some(entry) = self.entries.get(place) else { return };
                let name = self.name_at(place);
                // Whose name begins with the letter was found by that.
                if number == 0 || !name.starts_with(wanted) {
                    found(entry, name);
                }
                from = self.end(place);
            }
        }
    }

    fn end(&self, at: usize) -> usize {
        self.entries.get(at + 1).map_or(self.text.len(), |next| next.start)
    }

    /// The name, in lower case.
    fn name_at(&self, at: usize) -> &str {
        self.at(at).0
    }

    /// The name and the full name, in lower case.
    fn at(&self, at: usize) -> (&str, &str) {
        let both = self.entries.get(at).and_then(|entry| self.text.get(entry.start + NAME.len_utf8()..self.end(at)));
        both.and_then(|both| both.split_once(FULLNAME)).unwrap_or_default()
    }
}

/// What to look for in the text.
fn needles(wanted: &str) -> Vec<String> {
    match wanted.chars().count() {
        1 => vec![format!("{NAME}{wanted}"), format!("{FULLNAME}{wanted}")],
        _ => vec![wanted.to_owned()],
    }
}

/// One line in lower case, without the letters that keep names apart. Whether a sigma ends its word makes no difference.
pub(super) fn lower(text: &str) -> String {
    let plain = text.chars().map(|letter| match letter {
        'ς' => 'σ',
        letter if letter.is_control() => ' ',
        letter => letter,
    });
    plain.flat_map(char::to_lowercase).collect()
}

/// The place of a match among others: the smaller, the better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    is_other: bool,
    begins_otherwise: bool,
    length: usize,
    name: &'a str,
    namespace_pk: i64,
}

impl<'a> Rank<'a> {
    fn new(name: &'a str, wanted: &str, namespace_pk: i64) -> Self {
        Self {
            is_other: name != wanted,
            begins_otherwise: !name.starts_with(wanted),
            length: name.chars().count(),
            name,
            namespace_pk,
        }
    }
}

/// The best of many.
struct Best<'a> {
    most: usize,
    total: usize,
    /// The worst of them is on top.
    heap: BinaryHeap<Rank<'a>>,
}

impl<'a> Best<'a> {
    fn new(most: usize) -> Self {
        Self { most, total: 0, heap: BinaryHeap::new() }
    }

    fn add(&mut self, rank: Rank<'a>) {
        self.total += 1;
        self.heap.push(rank);
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    fn finish(self, skip: usize) -> Matches {
        let best = self.heap.into_sorted_vec().into_iter().skip(skip).map(|rank| rank.namespace_pk).collect();
        Matches { best, total: self.total }
    }
}

/// Whether a name begins with the text, but for one letter too many, too few, another one, or two exchanged.
fn is_one_letter_away(name: &str, wanted: &str) -> bool {
    let same =
        name.chars().zip(wanted.chars()).take_while(|(ours, theirs)| ours == theirs).map(|(letter, _)| letter.len_utf8()).sum();
    let (Some(name), Some(wanted)) = (name.get(same..), wanted.get(same..)) else { return false };
    let (mut name_rest, mut wanted_rest) = (name.chars(), wanted.chars());
    let (ours, theirs) = (name_rest.next(), wanted_rest.next());
    let one_less = name.starts_with(wanted_rest.as_str());
    let another = ours.is_some() && name_rest.as_str().starts_with(wanted_rest.as_str());
    let one_more = ours.is_some() && name_rest.as_str().starts_with(wanted);
    if one_less || another || one_more {
        return true;
    }
    let exchanged = (name_rest.next(), wanted_rest.next());
    ours.is_some() && exchanged == (theirs, ours) && name_rest.as_str().starts_with(wanted_rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(namespace_pk: i64, kind: OwnerKind, name: &str, fullname: &str) -> Owner {
        Owner { namespace_pk, kind, name: name.to_owned(), fullname: fullname.to_owned() }
    }

    fn names() -> Names {
        Names::new(vec![
            owner(1, OwnerKind::Organization, "Bert-Lab", "A laboratory"),
            owner(2, OwnerKind::Organization, "bert", ""),
            owner(3, OwnerKind::Organization, "albert", "Bertrand"),
            owner(4, OwnerKind::Organization, "zoo", "Über\tbert\n"),
            owner(5, OwnerKind::User, "berta", "Berta Bertani"),
            owner(6, OwnerKind::User, "carol", "Bert"),
        ])
    }

    fn keys(found: &[Matches; 2]) -> [(&[i64], usize); 2] {
        found.each_ref().map(|found| (found.best.as_slice(), found.total))
    }

    #[test]
    fn each_owner_is_found_once_and_the_best_come_first() {
        let (names, none) = (names(), Changed::new());
        let found = names.find(&none, "bert", Way::Within, 0, 10);
        assert_eq!(keys(&found), [(&[5, 6][..], 2), (&[2, 1, 4, 3][..], 4)]);
        let found = names.find(&none, "bert", Way::Within, 1, 2);
        assert_eq!(keys(&found), [(&[6][..], 2), (&[1, 4][..], 4)]);
        // One letter is the first, of the name or of the full name.
        assert_eq!(keys(&names.find(&none, "b", Way::Within, 0, 10)), [(&[5, 6][..], 2), (&[2, 1, 3][..], 3)]);
        assert_eq!(keys(&names.find(&none, "ü", Way::Within, 0, 10))[1], (&[4][..], 1));
        assert_eq!(keys(&names.find(&none, "xyz", Way::Within, 0, 10)), [(&[][..], 0); 2]);
        assert_eq!(Names::default().find(&none, "b", Way::Within, 0, 10), [Matches::default(), Matches::default()]);
    }

    #[test]
    fn what_changed_is_found_as_it_is_now() {
        let names = names();
        let changed = Changed::from([
            (2, None),
            (5, Some(owner(5, OwnerKind::User, "nora", ""))),
            (7, Some(owner(7, OwnerKind::Organization, "berthe", "Bert"))),
        ]);
        assert_eq!(keys(&names.find(&changed, "bert", Way::Within, 0, 10)), [(&[6][..], 1), (&[7, 1, 4, 3][..], 4)]);
        assert_eq!(keys(&names.find(&changed, "n", Way::Within, 0, 10))[0], (&[5][..], 1));
        assert_eq!(keys(&names.find(&changed, "noar", Way::Similar, 0, 10))[0], (&[5][..], 1));
    }

    #[test]
    fn what_changed_becomes_a_part_of_the_rest() {
        let names = names();
        assert_eq!(names.with(&Changed::new()), names);
        let changed = Changed::from([
            (2, None),
            (5, Some(owner(5, OwnerKind::User, "aaron", "Berta"))),
            (6, Some(owner(6, OwnerKind::User, "carol", "Carola"))),
            (7, Some(owner(7, OwnerKind::Organization, "Zoo-2", "Bert"))),
            (8, None),
        ]);
        let renewed = names.with(&changed);
        assert_eq!(
            renewed,
            Names::new(vec![
                owner(7, OwnerKind::Organization, "Zoo-2", "Bert"),
                owner(6, OwnerKind::User, "carol", "Carola"),
                owner(5, OwnerKind::User, "aaron", "Berta"),
                owner(4, OwnerKind::Organization, "zoo", "Über\tbert\n"),
                owner(3, OwnerKind::Organization, "albert", "Bertrand"),
                owner(1, OwnerKind::Organization, "Bert-Lab", "A laboratory"),
            ])
        );
        for (wanted, way) in [("bert", Way::Within), ("b", Way::Within), ("zooo", Way::Similar)] {
            assert_eq!(renewed.find(&Changed::new(), wanted, way, 0, 10), names.find(&changed, wanted, way, 0, 10), "{wanted}");
        }
        let all = Changed::from([1, 2, 3, 4, 5, 6].map(|key| (key, None)));
        assert_eq!(names.with(&all), Names::default());
    }

    #[test]
    fn letters_of_any_length_do_no_harm() {
        let names = Names::new(vec![
            owner(1, OwnerKind::User, "ada", "İİ日本 Σίσυφος"),
            owner(2, OwnerKind::User, "bob", "\u{0}\u{85}𝒳 ẞ"),
            owner(3, OwnerKind::User, "eve", ""),
        ]);
        let none = Changed::new();
        for text in ["İ", "i̇i", "日", "本 σ", "σίσυφοσ", "ΣΊΣΥΦΟΣ", "𝒳", "ß", "\u{307}", "ada\ti", "a\n", "\n", "\t", "\u{85}"]
        {
            let wanted = lower(text);
            for way in [Way::Within, Way::Similar] {
                for (at, key) in names.find(&none, &wanted, way, 0, 10)[0].best.iter().enumerate() {
                    assert_eq!(names.find(&none, &wanted, way, at, 1)[0].best, [*key], "{text:?}");
                }
            }
            // Those that changed are looked through in another way, with the same result.
            let all = [(1, "ada", "İİ日本 Σίσυφος"), (2, "bob", "\u{0}\u{85}𝒳 ẞ"), (3, "eve", "")];
            let changed =
                Changed::from(all.map(|(key, name, fullname)| (key, Some(owner(key, OwnerKind::User, name, fullname)))));
            assert_eq!(
                names.find(&none, &wanted, Way::Within, 0, 10),
                Names::default().find(&changed, &wanted, Way::Within, 0, 10),
                "{text:?}"
            );
        }
        assert_eq!(keys(&names.find(&none, &lower("İ"), Way::Within, 0, 10))[0], (&[1][..], 1));
        assert_eq!(keys(&names.find(&none, &lower("ΣΊΣΥΦΟΣ"), Way::Within, 0, 10))[0], (&[1][..], 1));
        assert_eq!(keys(&names.find(&none, &lower("ada\ti"), Way::Within, 0, 10))[0], (&[][..], 0));
    }

    #[test]
    fn one_wrong_letter_is_forgiven() {
        for name in ["bcme", "acm", "acmxe", "came", "acem", "aacme", "acne", "acme-lab", "amcelab", "ame"] {
            assert!(is_one_letter_away(name, "acme"), "{name}");
        }
        for name in ["", "ac", "emca", "bcne", "cam", "xyacme", "acxxe"] {
            assert!(!is_one_letter_away(name, "acme"), "{name}");
        }
        assert!(is_one_letter_away("größe", "gröse") && is_one_letter_away("日本", "日木"));
        assert_eq!(keys(&names().find(&Changed::new(), "alebrt", Way::Similar, 0, 10))[1], (&[3][..], 1));
    }
}
