//! A number for each ordinal, for the time of one question.
//!
//! A million are four megabytes. Asked of the system anew for each question, they would be handed out page by page as they are
//! touched, which took longer than to add up what a word is worth everywhere.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

/// How many lists are kept for the next questions.
const SPARE: usize = 4;

/// Lists of zeros.
static ZEROS: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// A score for each ordinal, at first zero.
pub(crate) struct Scores(Vec<f32>);

impl Scores {
    /// Zero for each ordinal below `len`.
    pub(crate) fn new(len: usize) -> Self {
        let spare = ZEROS.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scores = spare.unwrap_or_default();
        scores.resize(len, 0.0);
        Self(scores)
    }
}

impl Deref for Scores {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Scores {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

impl Drop for Scores {
    fn drop(&mut self) {
        let mut scores = mem::take(&mut self.0);
        scores.fill(0.0);
        let mut spare = ZEROS.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE {
            spare.push(scores);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_begin_at_zero_whoever_had_them_before() {
        for len in [10, 1_000, 5] {
            let mut scores = Scores::new(len);
            assert_eq!(scores.len(), len);
            assert!(scores.iter().all(|score| *score == 0.0));
            scores.fill(1.0);
        }
    }
}
