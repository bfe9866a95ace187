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
    /// microseconds for each chunk, of which a shard has a limited number.
    pub fn verify(&self, lookup: impl Fn(&XetHash) -> Option<Arc<XorbInfo>>) -> Result<(), ShardError> {
        let file = self.hash;
        if self.terms.is_empty() {
            return Err(ShardError::EmptyFile(file));
        }
        if self.proofs.len() != self.terms.len() {
            return Err(ShardError::NoVerification(file));
        }
        let mut hasher = FileHasher::new();
        for (index, (term, proof)) in self.terms.iter().zip(&self.proofs).enumerate() {
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
                hasher.push(chunk.hash(), chunk.raw_end() - before);
                before = chunk.raw_end();
            }
        }
        match hasher.finish() {
            Some(computed) if computed == file => Ok(()),
            computed => Err(ShardError::WrongHash { file, computed: computed.unwrap_or(file) }),
        }
    }
}
