//! What a run found and did, for people.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a run looks for, in the order it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Large files that repositories lost because no ref names them.
    Unused,
    /// Large files that deleted repositories lost.
    OfDeleted,
    /// Large files that went into quarantine.
    CondemnedFiles,
    /// Xorbs that went into quarantine.
    CondemnedXorbs,
    /// Git packs that went into quarantine.
    CondemnedPacks,
    /// Large files that are no more.
    SweptFiles,
    /// Xorbs that are no more.
    SweptXorbs,
    /// Git packs that are no more.
    SweptPacks,
    /// Attachments that are no more.
    SweptAttachments,
    /// What was found in files that nobody has any more.
    Scans,
    /// Whole copies of files that are also in chunks.
    PlainCopies,
    /// Objects deleted from the store.
    Deleted,
    /// Xorbs in the store that no row names.
    OrphanXorbs,
    /// Large files in the store that no row names.
    OrphanFiles,
    /// Git packs in the store that no row names.
    OrphanPacks,
    /// Attachments in the store that no row names.
    OrphanAttachments,
    /// Objects in the store that no row names, too many to be true.
    ManyOrphans,
    /// Large files in the store that no row names, under keys of older versions: told only.
    OldOrphanFiles,
    /// Git packs in the store that no row names, under keys of older versions: told only.
    OldOrphanPacks,
    /// Uploads in parts that nobody finished.
    UploadsInParts,
    /// Uploads, or parts of them, that came to the store and were never said to be whole.
    StagedUploads,
    /// Files of a local store that were not written to their end.
    HalfWritten,
    /// Large files in quarantine.
    WaitingFiles,
    /// Xorbs in quarantine.
    WaitingXorbs,
    /// Git packs in quarantine.
    WaitingPacks,
    /// Objects that are deleted from the store later.
    WaitingObjects,
    /// Repositories that could not be looked through.
    Skipped,
}

impl Item {
    /// What it is, and why it goes or stays.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unused => ("large files leave their repository", "no branch, tag or other ref names them in any history"),
            Self::OfDeleted => ("large files leave deleted repositories", "the time for undeleting is over"),
            Self::CondemnedFiles => ("large files into quarantine", "no repository has them any more"),
            Self::CondemnedXorbs => ("xorbs into quarantine", "no file uses them, and no client may still refer to them"),
            Self::CondemnedPacks => ("git packs into quarantine", "no repository has them: they were joined, or it was deleted"),
            Self::SweptFiles => ("large files removed", "their quarantine is over"),
            Self::SweptXorbs => ("xorbs removed", "their quarantine is over"),
            Self::SweptPacks => ("git packs removed", "their quarantine is over"),
            Self::SweptAttachments => ("attachments removed", "no comment leads to them"),
            Self::Scans => ("results of scans forgotten", "no repository has the file any more"),
            Self::PlainCopies => ("whole copies dropped", "the file is in chunks too (xet.plain_days)"),
            Self::Deleted => ("objects deleted from the store", "their rows are gone"),
            Self::OrphanXorbs => ("objects of xorbs deleted from the store", "an upload that broke off left them"),
            Self::OrphanFiles => ("objects of large files deleted from the store", "an upload that broke off left them"),
            Self::OrphanPacks => ("git packs and indexes deleted from the store", "a commit that was refused left them"),
            Self::OrphanAttachments => ("objects of attachments deleted from the store", "an upload that broke off left them"),
            Self::ManyOrphans => {
                ("objects left in the store", "no row names them, but they are too many: is it the right database?")
            }
            Self::OldOrphanFiles => ("objects of large files left in the store", "no row names them; look yourself"),
            Self::OldOrphanPacks => ("git packs and indexes left in the store", "no row names them; look yourself"),
            Self::UploadsInParts => ("uploads in parts ended", "nobody finished them in two days"),
            Self::StagedUploads => ("uploads and parts deleted from the store", "nobody said in two days that they are whole"),
            Self::HalfWritten => ("half-written files deleted from the store", "a hub that was killed left them"),
            Self::WaitingFiles => ("large files in quarantine", "they wait; an upload takes them out again"),
            Self::WaitingXorbs => ("xorbs in quarantine", "they wait; an upload takes them out again"),
            Self::WaitingPacks => ("git packs in quarantine", "nodes may still read them"),
            Self::WaitingObjects => ("objects to be deleted later", "addresses of them may be in use"),
            Self::Skipped => ("repositories skipped", "their histories could not be read; they keep everything"),
        }
    }
}

/// How many, and how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Their size, as far as it is known.
    pub bytes: u64,
}

impl Amount {
    /// One thing of a size.
    pub fn one(bytes: u64) -> Self {
        Self { count: 1, bytes }
    }

    pub(super) fn of(sizes: impl IntoIterator<Item = i64>) -> Self {
        sizes.into_iter().fold(Self::default(), |sum, size| sum.plus(Self::one(size.unsigned_abs())))
    }

    fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, bytes: self.bytes + other.bytes }
    }
}

/// What a run found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    items: BTreeMap<Item, Amount>,
}

impl Report {
    pub(super) fn add(&mut self, item: Item, amount: Amount) {
        if amount.count > 0 {
            let sum = self.items.entry(item).or_default();
            *sum = sum.plus(amount);
        }
    }

    /// How much there was of something.
    pub fn get(&self, item: Item) -> Amount {
        self.items.get(&item).copied().unwrap_or_default()
    }

    /// A line for the log.
    pub fn summary(&self) -> String {
        let part = |(item, amount): (&Item, &Amount)| format!("{} {} ({})", amount.count, item.words().0, size(amount.bytes));
        match self.items.is_empty() {
            true => "nothing".to_owned(),
            false => self.items.iter().map(part).collect::<Vec<_>>().join(", "),
        }
    }

    /// A table for a terminal.
    pub fn table(&self) -> String {
        if self.items.is_empty() {
            return "There is nothing to collect.".to_owned();
        }
        let mut rows = vec![["count".to_owned(), "size".to_owned(), "what".to_owned(), "why".to_owned()]];
        rows.extend(self.items.iter().map(|(item, amount)| {
            let (what, why) = item.words();
            [amount.count.to_string(), size(amount.bytes), what.to_owned(), why.to_owned()]
        }));
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
        let (count, bytes, what) = (width(0), width(1), width(2));
        let line = |[a, b, c, d]: &[String; 4]| format!("{a:>count$}  {b:>bytes$}  {c:<what$}  {d}");
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A number of bytes in words.
pub fn size(bytes: u64) -> String {
    let mut unit = 1_u64;
    for (index, name) in ["bytes", "KiB", "MiB", "GiB", "TiB"].iter().enumerate() {
        if bytes < unit.saturating_mul(1024) || index == 4 {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            return if index == 0 { format!("{bytes} bytes") } else { format!("{}.{} {name}", tenths / 10, tenths % 10) };
        }
        unit = unit.saturating_mul(1024);
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_table() {
        assert_eq!(Report::default().table(), "There is nothing to collect.");
        let mut report = Report::default();
        report.add(Item::SweptFiles, Amount { count: 12, bytes: 3 * 1024 * 1024 * 1024 / 2 });
        report.add(Item::Unused, Amount::one(7));
        report.add(Item::Unused, Amount::one(8));
        report.add(Item::SweptXorbs, Amount::default());
        let table = report.table();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 3, "{table}");
        assert!(lines[1].starts_with("    2  15 bytes  large files leave their repository  no branch"), "{table}");
        assert!(lines[2].starts_with("   12   1.5 GiB  large files removed                 their"), "{table}");
    }
}
