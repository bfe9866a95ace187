//! What stands above the table of tensors: how many changed, which layers, and where most.

use std::collections::BTreeMap;

use super::{Measure, Stat};
use crate::repos::pages::lineage::percent_text;
use crate::repos::tensor_diff::{State, TensorChange};

/// How many layers are shown.
const MAX_LAYERS: usize = 48;
/// How many of the biggest changes are shown.
const MAX_BIGGEST: usize = 10;

/// Sums over the tensors so far.
#[derive(Debug, Default)]
pub(super) struct Summary {
    counts: BTreeMap<&'static str, usize>,
    /// By number: tensors changed, all tensors, the sum of their squared relative changes.
    layers: BTreeMap<u64, (usize, usize, f64)>,
    /// The furthest first.
    biggest: Vec<(f64, String)>,
}

impl Summary {
    /// Adds a tensor.
    pub(super) fn add(&mut self, change: &TensorChange) {
        *self.counts.entry(word(change.state)).or_default() += 1;
        let delta = change.numbers.and_then(|numbers| numbers.relative_delta).filter(|_| change.state == State::Changed);
        if let Some(layer) = change.name.split('.').find_map(|part| part.parse().ok()) {
            let sums = self.layers.entry(layer).or_default();
            sums.0 += usize::from(change.state != State::Same);
            sums.1 += 1;
            sums.2 += delta.unwrap_or(0.0).powi(2);
        }
        if let Some(delta) = delta {
            let at = self.biggest.partition_point(|(other, _)| *other >= delta);
            if at < MAX_BIGGEST {
                self.biggest.insert(at, (delta, change.name.clone()));
                self.biggest.truncate(MAX_BIGGEST);
            }
        }
    }

    fn count(&self, state: State) -> usize {
        self.counts.get(word(state)).copied().unwrap_or(0)
    }

    /// How many tensors there were.
    pub(super) fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// The finding in some words.
    pub(super) fn title(&self) -> String {
        let (total, same) = (self.total(), self.count(State::Same));
        match total - same {
            0 => format!("All {total} tensors are equal"),
            differ => format!("{differ} of {total} tensors differ"),
        }
    }

    /// The numbers of the cards: those that are not zero.
    pub(super) fn stats(&self) -> Vec<Stat> {
        let states = [
            (State::Changed, "changed"),
            (State::Same, "equal"),
            (State::Added, "added"),
            (State::Removed, "removed"),
            (State::Reshaped, "reshaped"),
        ];
        let stat = |value: usize, label| (value > 0).then(|| Stat { value: value.to_string(), label });
        let mut stats: Vec<Stat> = states.into_iter().filter_map(|(state, label)| stat(self.count(state), label)).collect();
        let touched = self.layers.values().filter(|(changed, ..)| *changed > 0).count();
        if self.layers.len() > 1 {
            stats.push(Stat { value: format!("{touched} of {}", self.layers.len()), label: "layers differ" });
        }
        stats
    }

    /// How far each layer moved: the root of the mean square over its tensors.
    pub(super) fn layers(&self) -> Vec<Measure> {
        if self.layers.len() < 2 || self.biggest.is_empty() {
            return Vec::new();
        }
        let moved = |(_, all, squares): &(usize, usize, f64)| (squares / (*all).max(1) as f64).sqrt();
        let most = self.layers.values().map(moved).fold(0.0, f64::max);
        let shown = self.layers.iter().take(MAX_LAYERS);
        shown.map(|(layer, sums)| measure(format!("layer {layer}"), moved(sums), most)).collect()
    }

    /// The tensors that moved furthest.
    pub(super) fn biggest(&self) -> Vec<Measure> {
        let most = self.biggest.first().map_or(0.0, |(delta, _)| *delta);
        self.biggest.iter().map(|(delta, name)| measure(name.clone(), *delta, most)).collect()
    }
}

fn measure(label: String, value: f64, most: f64) -> Measure {
    let percent = if most > 0.0 { (value / most * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    Measure { label, value: percent_text(value * 100.0), percent }
}

const fn word(state: State) -> &'static str {
    match state {
        State::Same => "same",
        State::Changed => "changed",
        State::Added => "added",
        State::Removed => "removed",
        State::Reshaped => "reshaped",
    }
}

/// `384 × 1536`; a single number has no sides.
pub(super) fn shape_text(shape: &[u64]) -> String {
    match shape {
        [] => "scalar".to_owned(),
        sides => sides.iter().map(u64::to_string).collect::<Vec<_>>().join(" × "),
    }
}
