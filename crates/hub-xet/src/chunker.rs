//! Cutting bytes into chunks at the places where every client cuts them.
//!
//! The clients' own chunker is in a crate that brings a whole transfer stack. This is the same rule; the
//! tests hold cuts that the clients make. Any difference would end deduplication between what the hub
//! and what clients cut.

use gearhash::Hasher;

use crate::limits::MAX_CHUNK_BYTES;

/// Least bytes of a chunk that is not the last of its file.
const MIN: usize = 8 * 1024;

const MAX: usize = MAX_CHUNK_BYTES as usize;

/// Bytes that the rolling hash looks back at.
const WINDOW: usize = 64;

/// A cut is where these bits of the rolling hash are zero: every 64 KiB on average.
const MASK: u64 = 0xffff_0000_0000_0000;

/// Cuts a file into chunks as its bytes come, holding at most one chunk.
#[derive(Debug, Default)]
pub struct Chunker {
    hasher: Hasher<'static>,
    /// What came of the chunk that is not whole yet.
    partial: Vec<u8>,
}

impl Chunker {
    /// Starts a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes from the front of `data`, as many as there are up to the end of a chunk, and answers
    /// that chunk. Nothing is answered when `data` is used up first. To be called until `data` is empty.
    pub fn next<'a>(&mut self, data: &mut &'a [u8]) -> Option<std::borrow::Cow<'a, [u8]>> {
        let cut = self.find_cut(data);
        let (now, later) = data.split_at(cut.unwrap_or(data.len()));
        *data = later;
        if cut.is_some() && self.partial.is_empty() {
            return Some(now.into());
        }
        self.partial.extend_from_slice(now);
        cut.map(|_| std::mem::take(&mut self.partial).into())
    }

    /// Ends the file: its last chunk, unless the file is empty or ended with a cut.
    pub fn finish(self) -> Option<Vec<u8>> {
        (!self.partial.is_empty()).then_some(self.partial)
    }

    /// Where in `data` the open chunk ends, if it does.
    fn find_cut(&mut self, data: &[u8]) -> Option<usize> {
        let before = self.partial.len();
        // No cut can come in the first bytes, so that hashing begins one window in front of the minimum.
        let skip = if before + WINDOW < MIN { (MIN - before - WINDOW - 1).min(data.len()) } else { 0 };
        let limit = data.len().min(MAX - before);
        let mut at = skip;
        while let Some(matched) = self.hasher.next_match(&data[at..limit], MASK) {
            at += matched;
            // A cut that came early is due to what was hashed before the chunk.
            if before + at >= MIN {
                self.hasher.set_hash(0);
                return Some(at);
            }
        }
        if before + limit < MAX {
            return None;
        }
        self.hasher.set_hash(0);
        Some(limit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::{FileHasher, chunk_hash};

    /// A small generator that is easily written in any language, so that clients can be asked too.
    fn numbers(seed: u64, len: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)).to_le_bytes()
        };
        (0..len.div_ceil(8)).flat_map(|_| next()).take(len).collect()
    }

    fn cut(data: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut chunker = Chunker::new();
        let mut chunks = Vec::new();
        for mut rest in data.chunks(piece) {
            while !rest.is_empty() {
                chunks.extend(chunker.next(&mut rest).map(|chunk| chunk.into_owned()));
            }
        }
        chunks.extend(chunker.finish());
        assert_eq!(chunks.concat(), data);
        chunks
    }

    fn file_hash(chunks: &[Vec<u8>]) -> String {
        let mut hasher = FileHasher::new();
        for chunk in chunks {
            hasher.push(&chunk_hash(chunk), chunk.len() as u32);
        }
        hasher.finish().unwrap().to_hex()
    }

    /// The hashes are what `hf_xet` 1.8.0 answers for these files.
    #[test]
    fn files_have_the_hashes_that_clients_compute() {
        let sparse = [numbers(6, 20_000), vec![0; 200_000], numbers(7, 50_000)].concat();
        let random = |len| numbers(len as u64, len);
        for (data, expected) in [
            (random(1), "db14a713ab6ac9984dec4b58ec6b4cd80fb23a9e4d5cf47711b3e25b572e0f15"),
            (random(8191), "955e169f1634e8be7a520ad1e97970c14750b0886dec3cd9219ec24db39af46d"),
            (random(8192), "6fc3cc5cc1a56231b1567d666384cdbff9d0b9256ae06d00886839c965be7db1"),
            (random(8193), "f3b31108d0aa09bcaead7f9f4bd7fb2e05e0cd42bfc84472ad9b450fc0204815"),
            (random(131_072), "570a9f08dd987cd98ae35bfea449997fce95e384039d47e4b4cbf30d3c41ec60"),
            (random(131_073), "ed12229f388d59430924379d8b4d3ada6614511121ec54e0d9c2da30f2b61eb8"),
            (random(1_000_000), "605abbbff83017a42e7817e0a0eeff28f6df649676b6f47e5172c4e9cb9ef284"),
            (random(3_000_001), "8b7a7b14d66893049ea09ed30100e916b79ed71822214a2490500cfa4179d1e0"),
            (vec![0; 1_000_000], "c0c85185f4307d40facfd366573176e54fc9c76041e44e32d52489780a6d1eaa"),
            (numbers(5, 100).repeat(20_000), "f22cf27069389cb41a8a5ab78e81d7b92bd455aa69b229f0f3b953d9ae891011"),
            (sparse.repeat(5), "abf39fb3a8f78fa88fe3d71fd2d72876b89f0ee466fffee39eaa4f2ff2c0f3c5"),
        ] {
            for piece in [data.len(), 1000, 70_000] {
                assert_eq!(file_hash(&cut(&data, piece)), expected, "{} bytes", data.len());
            }
        }
    }

    #[test]
    fn chunks_keep_their_bounds() {
        for data in [numbers(1, 2_000_000), vec![0; 500_000], vec![0xff; 8_000], Vec::new()] {
            let chunks = cut(&data, 9999);
            for (index, chunk) in chunks.iter().enumerate() {
                assert!(chunk.len() <= MAX && (chunk.len() >= MIN || index + 1 == chunks.len()));
            }
        }
        let mean = 2_000_000 / cut(&numbers(1, 2_000_000), 5000).len();
        assert!((40_000..90_000).contains(&mean), "{mean}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]

        #[test]
        fn pieces_make_no_difference(seed in any::<u64>(), len in 0usize..400_000, piece in 1usize..200_000) {
            let data = numbers(seed, len);
            prop_assert_eq!(cut(&data, piece), cut(&data, len.max(1)));
        }
    }
}
