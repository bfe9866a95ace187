//! The hashes: of chunks, of runs of chunks, and the Merkle roots that name xorbs and files.

use hub_types::XetHash;
use xet_core_structures::merklehash::{MerkleHash, compute_data_hash, compute_internal_node_hash};
use xet_core_structures::metadata_shard::chunk_verification::VERIFICATION_KEY;

/// Most children of a node in the tree.
const MAX_CHILDREN: usize = 9;

/// Children below which a group goes on whatever their hashes are.
const MIN_CHILDREN: usize = 3;

/// Longest line of a child in its parent's text: hash, separator, a 64-bit number, line break.
const LINE_BYTES: usize = 88;

/// The library's type for a hash of ours.
pub(crate) fn to_library(hash: &XetHash) -> MerkleHash {
    MerkleHash::from(hash.as_bytes())
}

/// Our type for a hash of the library's.
pub(crate) fn from_library(hash: MerkleHash) -> XetHash {
    XetHash::from_bytes(hash.into())
}

/// The hash of a chunk's uncompressed bytes.
pub fn chunk_hash(raw: &[u8]) -> XetHash {
    from_library(compute_data_hash(raw))
}

/// The hash that a client may learn instead of a chunk's, so that only who has the chunk can match it.
pub(crate) fn keyed_chunk_hash(hash: &XetHash, key: &[u8; 32]) -> MerkleHash {
    to_library(hash).hmac(MerkleHash::from(key))
}

/// The proof that somebody knows all chunk hashes of a run.
pub fn range_hash<'a>(chunks: impl ExactSizeIterator<Item = &'a XetHash>) -> XetHash {
    let mut joined = Vec::with_capacity(chunks.len() * 32);
    for hash in chunks {
        joined.extend_from_slice(hash.as_bytes());
    }
    XetHash::from_bytes(*blake3::keyed_hash(&VERIFICATION_KEY, &joined).as_bytes())
}

/// Whether clients ask for this chunk among those of other people: one in 1024 is.
pub fn is_dedup_candidate(chunk: &XetHash) -> bool {
    let bytes = chunk.as_bytes();
    u16::from_le_bytes([bytes[24], bytes[25]]).is_multiple_of(1024)
}

/// Computes the hash of a file from its chunks in order, however long the file is.
///
/// The library wants the whole list, or merges subtrees whose size depends on the hashes: hostile or
/// merely repetitive files make those as long as the list. Groups of children end by what stands in
/// them and before them only, so that one open group for each level is enough: at most nine nodes for
/// each of some 30 levels.
#[derive(Debug, Default)]
pub struct FileHasher {
    tree: MerkleTree,
}

impl FileHasher {
    /// Starts a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next chunk; `raw_len` is its uncompressed length in bytes.
    pub fn push(&mut self, chunk: &XetHash, raw_len: u32) {
        self.tree.push(*chunk, u64::from(raw_len));
    }

    /// The file's hash, or nothing for a file without chunks, which has no hash.
    pub fn finish(self) -> Option<XetHash> {
        let root = self.tree.root()?;
        Some(from_library(to_library(&root).hmac(MerkleHash::default())))
    }
}

/// The aggregation of chunk hashes to one, level by level as they come.
#[derive(Debug, Default)]
pub(crate) struct MerkleTree {
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    /// The children of the group that is not full yet.
    open: Vec<(XetHash, u64)>,
    /// Whether an earlier group of this level was closed.
    closed_some: bool,
}

impl Level {
    fn close(&mut self) -> (XetHash, u64) {
        self.closed_some = true;
        let parent = parent_of(&self.open);
        self.open.clear();
        parent
    }
}

impl MerkleTree {
    pub(crate) fn push(&mut self, hash: XetHash, size: u64) {
        self.push_at(0, (hash, size));
    }

    fn push_at(&mut self, mut level: usize, mut node: (XetHash, u64)) {
        loop {
            if level == self.levels.len() {
                self.levels.push(Level::default());
            }
            let group = &mut self.levels[level];
            let ends_group = node.0.as_bytes()[24].is_multiple_of(4);
            group.open.push(node);
            let full = group.open.len() == MAX_CHILDREN || (ends_group && group.open.len() >= MIN_CHILDREN);
            if !full {
                return;
            }
            node = group.close();
            level += 1;
        }
    }

    /// The root; a single chunk is its own.
    pub(crate) fn root(mut self) -> Option<XetHash> {
        let mut level = 0;
        loop {
            let group = self.levels.get_mut(level)?;
            if let ([(only, _)], false) = (group.open.as_slice(), group.closed_some) {
                return Some(*only);
            }
            if !group.open.is_empty() {
                let parent = group.close();
                self.push_at(level + 1, parent);
            }
            level += 1;
        }
    }
}

/// The node above `children`, of which there are at most nine.
fn parent_of(children: &[(XetHash, u64)]) -> (XetHash, u64) {
    let mut text = [0; MAX_CHILDREN * LINE_BYTES];
    let (mut len, mut total) = (0, 0u64);
    let mut push = |bytes: &[u8]| {
        text[len..len + bytes.len()].copy_from_slice(bytes);
        len += bytes.len();
    };
    for (hash, size) in children {
        push(&hash.hex_digits());
        push(b" : ");
        let (digits, start) = decimal(*size);
        push(&digits[start..]);
        push(b"\n");
        total = total.saturating_add(*size);
    }
    (from_library(compute_internal_node_hash(&text[..len])), total)
}

/// The decimal digits of a number, and where in the answer they begin.
fn decimal(number: u64) -> ([u8; 20], usize) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return (digits, start);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xet_core_structures::merklehash::{file_hash, xorb_hash};
    use xet_core_structures::metadata_shard::chunk_verification::range_hash_from_chunks;
    use xet_core_structures::metadata_shard::hash_is_global_dedup_eligible;

    use super::*;

    fn check_against_library(chunks: &[(XetHash, u32)]) {
        let theirs: Vec<_> = chunks.iter().map(|(hash, len)| (to_library(hash), u64::from(*len))).collect();
        let mut tree = MerkleTree::default();
        let mut file = FileHasher::new();
        for (hash, len) in chunks {
            tree.push(*hash, u64::from(*len));
            file.push(hash, *len);
        }
        assert_eq!(tree.root(), Some(from_library(xorb_hash(&theirs))));
        assert_eq!(file.finish(), Some(from_library(file_hash(&theirs))));
    }

    fn seeded(seed: u64) -> XetHash {
        from_library(MerkleHash::random_from_seed(seed))
    }

    #[test]
    fn known_hashes() {
        let chunk = chunk_hash(b"x");
        assert_eq!(chunk.to_hex(), "06ce6a7a21b7b0a1d5f78961c0121bad538b70f033b096dfa588f37bc0805276");
        let mut file = FileHasher::new();
        file.push(&chunk, 1);
        let file = file.finish().unwrap();
        assert_eq!(file.to_hex(), "ee8f129a399d20f10cae506c65e70831a63945b2cf619d39bb4eae90736fd8d7");
        assert_eq!(FileHasher::new().finish(), None);
    }

    #[test]
    fn every_short_list_is_as_the_library_says() {
        for len in 1..400u64 {
            check_against_library(&(0..len).map(|seed| (seeded(seed), seed as u32)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn repetitive_lists_are_as_the_library_says_and_stay_small() {
        for seed in 0..40 {
            let mut tree = MerkleTree::default();
            for _ in 0..5000 {
                tree.push(seeded(seed), 7);
            }
            assert!(tree.levels.len() <= 12 && tree.levels.iter().all(|level| level.open.len() < MAX_CHILDREN));
            check_against_library(&vec![(seeded(seed), 131_072); 5000]);
        }
    }

    #[test]
    fn proofs_and_candidates_are_as_the_library_says() {
        let hashes: Vec<_> = (0..100).map(seeded).collect();
        let theirs: Vec<_> = hashes.iter().map(to_library).collect();
        assert_eq!(range_hash(hashes.iter()), from_library(range_hash_from_chunks(&theirs)));
        let mut found = 0;
        for seed in 0..20_000 {
            let hash = seeded(seed);
            assert_eq!(is_dedup_candidate(&hash), hash_is_global_dedup_eligible(&to_library(&hash)));
            found += usize::from(is_dedup_candidate(&hash));
        }
        assert!((5..60).contains(&found), "{found}");
    }

    proptest! {
        #[test]
        fn any_list_is_as_the_library_says(seeds in proptest::collection::vec((0u64..30, any::<u32>()), 1..600)) {
            check_against_library(&seeds.iter().map(|(seed, len)| (seeded(*seed), *len)).collect::<Vec<_>>());
        }
    }
}
