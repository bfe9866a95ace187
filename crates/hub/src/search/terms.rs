//! Sums that things are ranked by, term by term, so that they can be shown. Whole hundredths: what is shown adds up exactly.

/// One summand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it is for.
    pub label: String,
    /// How it comes about; possibly empty.
    pub text: String,
    /// What it adds, in hundredths.
    pub hundredths: i64,
}

impl Term {
    /// A summand of so many hundredths.
    pub fn new(label: impl Into<String>, text: impl Into<String>, hundredths: i64) -> Self {
        Self { label: label.into(), text: text.into(), hundredths }
    }

    /// A summand of a fraction, rounded to hundredths.
    pub fn of(label: impl Into<String>, text: impl Into<String>, value: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "ranks are small")]
        let hundredths = (value * 100.0).round() as i64;
        Self::new(label, text, hundredths)
    }

    /// What it adds, in decimals.
    pub fn shown(&self) -> String {
        decimal(self.hundredths)
    }
}

/// The sum of terms, in hundredths.
pub fn total(terms: &[Term]) -> i64 {
    terms.iter().map(|term| term.hundredths).sum()
}

/// Hundredths as people write them: `4.07`.
pub fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// The order of magnitude of a count: its logarithm to the base of ten, 0 for nothing.
pub fn magnitude(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm of it is all that is wanted")]
    let count = count as f64;
    (1.0 + count).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_read_as_decimals() {
        for (number, text) in [(0, "0.00"), (7, "0.07"), (407, "4.07"), (-150, "-1.50")] {
            assert_eq!(decimal(number), text);
        }
        assert_eq!(total(&[Term::of("a", "", 1.25), Term::new("b", "", -50)]), 75);
    }
}
