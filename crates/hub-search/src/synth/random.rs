//! Chance that can be repeated.

/// A sequence of numbers that follows from where it began (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn of(seed: u64, kind: u64, number: u64) -> Self {
        let mut random = Self(seed ^ (kind << 60) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(super) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Mostly small, sometimes very large: at least 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by `most`, and not negative")]
    pub(super) fn heavy(&mut self, exponent: f64, most: f64) -> u64 {
        (1.0 - self.fraction()).powf(-1.0 / exponent).min(most) as u64
    }
}

/// Numbers below an end, of which the n-th has weight `1 / (n + flat)`.
pub(super) struct Zipf {
    up_to: Vec<f64>,
}

impl Zipf {
    pub(super) fn new(end: u32, flat: f64) -> Self {
        let mut sum = 0.0;
        let up_to = (0..end)
            .map(|n| {
                sum += 1.0 / (f64::from(n) + flat);
                sum
            })
            .collect();
        Self { up_to }
    }

    pub(super) fn draw(&self, random: &mut Random) -> u64 {
        let at = random.fraction() * self.up_to.last().unwrap_or(&0.0);
        self.up_to.partition_point(|up_to| *up_to <= at) as u64
    }
}

/// Appends the word with this number, which is made of syllables and always the same.
pub(super) fn push_word(number: u64, text: &mut String) {
    const FIRST: [&str; 16] = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "st", "tr"];
    const THEN: [&str; 8] = ["a", "e", "i", "o", "u", "an", "er", "il"];
    let mut rest = number;
    loop {
        text.push_str(FIRST[(rest % 16) as usize]);
        text.push_str(THEN[(rest / 16 % 8) as usize]);
        rest /= 128;
        if rest == 0 {
            break;
        }
    }
}
