//! Verifying that a file of a shard is what it says, and that its sender has it.

use std::sync::Arc;

use hub_types::XetHash;

use crate::hash::FileHasher;
use crate::shard::{FileEntry, ShardError};
use crate::xorb::XorbInfo;

impl FileEntry {
    /// Verifies the file against what the hub itself knows about its xorbs: every term lies within its
    /// xorb and is as long as it says, the sender knows the hashes of all its chunks, and the chunks
    /// together make the hash of the file. `lookup` answers for the xorbs that are stored.
    ///
    /// The proofs are what keeps the bytes of others private: a xorb's hash alone is no secret.
    ///
    /// Memory is for one term and for [`FileHasher`], however long the file is. Time is about 0.3
    /// microseconds for each chunk, of which a shard has a limited number. [`FileCheck`] is the same for who does not
    /// have all xorbs at hand at once.
    pub fn verify(&self, lookup: impl Fn(&XetHash) -> Option<Arc<XorbInfo>>) -> Result<(), ShardError> {
        let mut check = FileCheck::default();
        check.go_on(self, self.terms.len(), lookup)?;
        check.finish(self)
    }
}

/// [`FileEntry::verify`], some terms at a time.
#[derive(Debug, Default)]
pub struct FileCheck {
    next: usize,
    hasher: FileHasher,
}

impl FileCheck {
    /// Which term of the file comes next.
    pub fn next_term(&self) -> usize {
        self.next
    }

    /// Verifies the terms of the file up to `end`, which is not included. It must be the same file each time.
    pub fn go_on(
        &mut self,
        entry: &FileEntry,
        end: usize,
        lookup: impl Fn(&XetHash) -> Option<Arc<XorbInfo>>,
    ) -> Result<(), ShardError> {
        let file = entry.hash;
        if entry.terms.is_empty() {
            return Err(ShardError::EmptyFile(file));
        }
        if entry.proofs.len() != entry.terms.len() {
            return Err(ShardError::NoVerification(file));
        }
        let terms = entry.terms.iter().zip(&entry.proofs).enumerate().take(end).skip(self.next);
        for (index, (term, proof)) in terms {
            let info = lookup(&term.xorb).ok_or(ShardError::UnknownXorb { file, xorb: term.xorb })?;
            let range = || term.start..term.end;
            let no_range = |_| ShardError::Range { file, index, xorb: term.xorb, start: term.start, end: term.end };
            let actual = info.raw_len(range()).map_err(no_range)?;
            if actual != term.raw_len {
                return Err(ShardError::Length { file, index, claimed: term.raw_len, actual });
            }
            if info.range_hash(range()).map_err(no_range)? != *proof {
                return Err(ShardError::Proof { file, index });
            }
            let mut before = info.raw_offset(term.start).unwrap_or(0);
            for chunk in info.range(range()).map_err(no_range)? {
                self.hasher.push(chunk.hash(), chunk.raw_end() - before);
                before = chunk.raw_end();
            }
            self.next = index + 1;
        }
        Ok(())
    }

    /// Whether the terms make the file, after all of them were verified.
    pub fn finish(self, entry: &FileEntry) -> Result<(), ShardError> {
        let file = entry.hash;
        match self.hasher.finish() {
            Some(computed) if computed == file && self.next == entry.terms.len() => Ok(()),
            computed => Err(ShardError::WrongHash { file, computed: computed.unwrap_or(file) }),
        }
    }
}
