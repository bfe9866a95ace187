//! Whether texts are nearly the same: by how many of their words, three by three, they have in common. Of each text the least of several
//! hashes are kept; two texts agree in about as many of these as they have of their words in common (MinHash).

use std::collections::HashSet;

/// How many hashes there are.
const HASHES: usize = 18;
/// How many of them make a band. Texts are compared if they have a band in common.
const BAND: usize = 3;
/// How many of the hashes must agree: 12 of 18 are about two thirds of the words.
const ALIKE: usize = 12;
/// Shorter texts are like each other by chance.
const LEAST: usize = 8;
/// Longer ones are compared by their beginning.
const MOST_WORDS: usize = 2_000;

/// What is kept of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// The least of each hash.
    pub mins: Vec<i32>,
    /// What texts are found by.
    pub bands: Vec<i64>,
}

impl Shape {
    /// The shape of a text; short ones have none.
    pub(super) fn of(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).take(MOST_WORDS).collect();
        let parts: HashSet<u64> =
            words.windows(3).map(|part| hash(part.iter().flat_map(|word| word.bytes().chain([0])))).collect();
        if parts.len() < LEAST {
            return None;
        }
        let least = |number: u64| parts.iter().map(|part| upper(mix(part ^ mix(number)))).min().unwrap_or_default();
        let mins: Vec<i32> = (1..).take(HASHES).map(least).collect();
        let bands = mins.chunks(BAND).zip(0_u8..).map(|(band, place)| {
            let bytes = std::iter::once(place).chain(band.iter().flat_map(|min| min.to_le_bytes()));
            hash(bytes).cast_signed()
        });
        Some(Self { bands: bands.collect(), mins })
    }

    /// Whether a text of which these are the least hashes is nearly the same.
    pub(super) fn is_like(&self, mins: &[i32]) -> bool {
        self.mins.iter().zip(mins).filter(|(one, other)| one == other).count() >= ALIKE
    }
}

/// FNV-1a.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The end of SplitMix64: every bit of the number changes about half of the bits.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The upper half of a number.
fn upper(number: u64) -> i32 {
    let [.., a, b, c, d] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "We found that this model works best with our own free booster pack, which you can get from the page of our \
                        community; just follow the pinned link there and sign in with your wallet to have it at once.";

    #[test]
    fn what_is_nearly_the_same_is_found_by_a_band_and_is_alike() {
        let one = Shape::of(TEXT).unwrap();
        for (word, other) in [("booster", "turbo"), ("wallet", "account"), ("We found", "Our team found")] {
            let shape = Shape::of(&TEXT.replace(word, other)).unwrap();
            assert!(shape.is_like(&one.mins) && shape.bands.iter().any(|band| one.bands.contains(band)), "{other}");
        }
        let other = "Thank you for this model. I tried it with the dataset that you name in the card, and got the same numbers for all \
                     but two of the languages: is there a version of the tokenizer that knows Basque and Welsh?";
        assert!(!Shape::of(other).unwrap().is_like(&one.mins));
        assert_eq!(Shape::of("Thanks, it works for me now!"), None);
        assert_eq!((one.mins.len(), one.bands.len()), (18, 6));
    }
}
