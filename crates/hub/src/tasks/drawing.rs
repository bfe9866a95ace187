//! The geometry of drawn examples: wave forms and lines over time, the same at every build.

use std::f64::consts::PI;
use std::fmt::Write as _;

use serde::Deserialize;

/// How many bars a wave form has.
const BARS: u32 = 80;
/// The height of a wave form.
const WAVE_HEIGHT: f64 = 64.0;
/// The width of a plot.
const PLOT_WIDTH: f64 = 320.0;
/// The height of a plot.
const PLOT_HEIGHT: f64 = 140.0;

/// What a recording sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Wave {
    Speech,
    #[serde(rename = "speech-2")]
    OtherSpeech,
    Music,
    Noise,
    Noisy,
    Bark,
    Pauses,
}

/// One bar of a wave form, in a drawing of 320 by 64.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    /// Its left side.
    pub x: u32,
    /// Its top.
    pub y: String,
    /// Its height.
    pub height: String,
}

/// The bars of a wave form.
pub(super) fn wave(kind: Wave) -> Vec<Bar> {
    let bar = |index: u32| {
        let at = f64::from(index) / f64::from(BARS);
        let height = (loudness(kind, at, index) * WAVE_HEIGHT).clamp(2.0, WAVE_HEIGHT);
        Bar { x: index * 4, y: format!("{:.1}", (WAVE_HEIGHT - height) / 2.0), height: format!("{height:.1}") }
    };
    (0..BARS).map(bar).collect()
}

/// How loud it is at a moment between 0 and 1; `index` makes neighbours differ.
fn loudness(kind: Wave, at: f64, index: u32) -> f64 {
    let grain = grain(index);
    let syllables = |rate: f64, start: f64| (PI * (at * rate + start)).sin().abs().powf(1.4) * (0.35 + 0.6 * grain);
    match kind {
        Wave::Speech => syllables(9.0, 0.1),
        Wave::OtherSpeech => syllables(6.0, 0.35),
        Wave::Music => 0.3 + 0.35 * (1.0 - (at * 8.0).fract()) + 0.2 * grain,
        Wave::Noise => 0.16 + 0.16 * grain,
        Wave::Noisy => syllables(9.0, 0.1).max(0.2 + 0.2 * grain),
        Wave::Bark => match (at * 5.0).fract() {
            since if since < 0.45 && at < 0.8 => (1.0 - since * 1.9) * (0.6 + 0.4 * grain),
            _ => 0.04 + 0.05 * grain,
        },
        Wave::Pauses if (0.06..0.37).contains(&at) || (0.52..0.93).contains(&at) => syllables(14.0, 0.2).max(0.14),
        Wave::Pauses => 0.03 + 0.03 * grain,
    }
}

/// A number between 0 and 1 that looks random: the fraction of a multiple of the golden ratio, twice over.
fn grain(index: u32) -> f64 {
    let step = (f64::from(index) * 0.618_033_988_75).fract();
    (step * 7.31 + f64::from(index) * 0.377).fract()
}

/// The lines of a plot, in a drawing of 320 by 140.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    /// The points of what was measured.
    pub line: String,
    /// The points of what is foretold, which start at the last that was measured.
    pub forecast: String,
    /// The corners of the band around it.
    pub band: String,
    /// Where the future begins.
    pub now: Option<String>,
}

/// Lays out measurements and their continuation.
pub(super) fn plot(values: &[f64], forecast: &[f64], low: &[f64], high: &[f64]) -> Plot {
    let all = [values, forecast, low, high].concat();
    let most = all.iter().copied().fold(1.0, f64::max);
    let steps = (values.len() + forecast.len()).saturating_sub(1).max(1);
    let width = u32::try_from(steps).map_or(PLOT_WIDTH, f64::from);
    let point = |index: usize, value: f64| {
        let at = u32::try_from(index).map_or(width, f64::from);
        (at / width * PLOT_WIDTH, PLOT_HEIGHT - 8.0 - value / most * (PLOT_HEIGHT - 20.0))
    };
    let last = values.len().saturating_sub(1);
    let from_last = |series: &[f64]| -> Vec<(f64, f64)> {
        let start = values.last().copied().into_iter();
        start.chain(series.iter().copied()).enumerate().map(|(step, value)| point(last + step, value)).collect()
    };
    let mut band = Vec::new();
    let mut future = Vec::new();
    if !forecast.is_empty() {
        future = from_last(forecast);
        band = from_last(high);
        band.extend(from_last(low).into_iter().rev());
    }
    let line: Vec<(f64, f64)> = values.iter().enumerate().map(|(index, value)| point(index, *value)).collect();
    let now = future.first().map(|(x, _)| format!("{x:.1}"));
    Plot { line: points(&line), forecast: points(&future), band: points(&band), now }
}

fn points(list: &[(f64, f64)]) -> String {
    list.iter().fold(String::new(), |mut text, (x, y)| {
        // Writing to a string does not fail.
        let _ = write!(text, "{x:.1},{y:.1} ");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_within_the_drawing() {
        for kind in [Wave::Speech, Wave::OtherSpeech, Wave::Music, Wave::Noise, Wave::Noisy, Wave::Bark, Wave::Pauses] {
            for bar in wave(kind) {
                let (y, height): (f64, f64) = (bar.y.parse().unwrap(), bar.height.parse().unwrap());
                assert!(y >= 0.0 && y + height <= 64.1 && bar.x < 320, "{kind:?} {bar:?}");
            }
        }
    }

    #[test]
    fn a_forecast_starts_where_the_measurements_end() {
        let drawn = plot(&[1.0, 2.0], &[3.0], &[2.0], &[4.0]);
        let end = drawn.line.split_whitespace().last().unwrap();
        assert_eq!(drawn.forecast.split_whitespace().next(), Some(end));
        assert_eq!(drawn.band.split_whitespace().count(), 4);
        assert_eq!(plot(&[1.0, 2.0], &[], &[], &[]).now, None);
    }
}
