//! Terms: the runs of chunks that a file is made of, and their compact stored form.

use hub_types::XetHash;

/// Bytes of a term in the stored form.
pub const TERM_BYTES: usize = 44;

/// A run of chunks of a xorb that is the next part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The xorb.
    pub xorb: XetHash,
    /// Its first chunk.
    pub start: u32,
    /// Behind its last chunk.
    pub end: u32,
    /// Uncompressed bytes of these chunks.
    pub raw_len: u32,
}

/// A stored list of terms that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored list of terms has {0} bytes, which is not a number of whole terms")]
pub struct TermsError(usize);

impl Term {
    /// The compact stored form of a list: for each term the raw hash of the xorb, then the uncompressed
    /// bytes, the first chunk and the end as little-endian 32-bit numbers.
    pub fn list_to_bytes(terms: &[Self]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(terms.len() * TERM_BYTES);
        for term in terms {
            bytes.extend_from_slice(term.xorb.as_bytes());
            for number in [term.raw_len, term.start, term.end] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        bytes
    }

    /// Reads what [`list_to_bytes`](Self::list_to_bytes) wrote.
    pub fn list_from_bytes(bytes: &[u8]) -> Result<Vec<Self>, TermsError> {
        let (terms, []) = bytes.as_chunks::<TERM_BYTES>() else { return Err(TermsError(bytes.len())) };
        Ok(terms.iter().map(Self::from_stored).collect())
    }

    fn from_stored(bytes: &[u8; TERM_BYTES]) -> Self {
        let mut xorb = [0; 32];
        xorb.copy_from_slice(&bytes[..32]);
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self { xorb: XetHash::from_bytes(xorb), raw_len: number(32), start: number(36), end: number(40) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_round_trip() {
        let term =
            |seed: u8| Term { xorb: XetHash::from_bytes([seed; 32]), start: u32::from(seed), end: 8192, raw_len: u32::MAX - 7 };
        let terms: Vec<_> = (0..5).map(term).collect();
        let bytes = Term::list_to_bytes(&terms);
        assert_eq!(bytes.len(), 5 * TERM_BYTES);
        assert_eq!(Term::list_from_bytes(&bytes).unwrap(), terms);
        assert_eq!(Term::list_from_bytes(&[]).unwrap(), []);
        assert_eq!(Term::list_from_bytes(&bytes[1..]), Err(TermsError(5 * TERM_BYTES - 1)));
    }
}
