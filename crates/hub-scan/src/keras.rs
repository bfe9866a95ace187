//! Keras models that bring code: Lambda layers, and names of modules to import.

mod config;

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::input::{Input, Stop};
use crate::pickle::{classify_module, safety_of};
use crate::report::{Finding, Level, MAX_NAME_CHARS, Report, Safety, Topic, shown};

/// The longest `config.json` that is read.
const MAX_CONFIG_BYTES: usize = 16 << 20;
/// How much of an HDF5 file is searched; the configuration is among the first objects.
const MAX_HDF5_BYTES: u64 = 64 << 20;
/// What is searched at a time, and by how much searches overlap.
const PIECE_BYTES: usize = 1 << 20;
const OVERLAP_BYTES: usize = 1 << 10;

const LAMBDA: &str = "A Lambda layer brings Python code, which runs when the model is loaded without `safe_mode`.";

#[expect(clippy::expect_used, reason = "a fixed pattern, which a test compiles")]
static LAMBDA_IN_TEXT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""class_name"\s*:\s*"Lambda""#).expect("the pattern is a pattern"));

fn note(report: &mut Report, entry: Option<&str>, level: Level, text: String) {
    report.add(Finding { topic: Topic::Keras, level, text, line: None, entry: entry.map(str::to_owned) });
}

/// Looks at the `config.json` of a `.keras` file.
pub(crate) fn scan_config(input: &mut Input<'_>, entry: Option<&str>, report: &mut Report) -> Result<(), Stop> {
    let (bytes, more) = input.rest(MAX_CONFIG_BYTES)?;
    let is_read = config::walk(&bytes, &mut |object| scan_object(object, entry, report));
    if more || !is_read {
        report.leave_out("The configuration of the model cannot be read.");
        if LAMBDA_IN_TEXT.is_match(&bytes) {
            note(report, entry, Level::Suspicious, LAMBDA.to_owned());
        }
    }
    Ok(())
}

fn scan_object(object: config::Object, entry: Option<&str>, report: &mut Report) {
    let class = object.class_name.unwrap_or_default();
    if class == "Lambda" || class == "__lambda__" {
        note(report, entry, Level::Suspicious, LAMBDA.to_owned());
    }
    let Some(module) = object.module else { return };
    // Of a function the configuration is its name.
    let name = if class == "function" { object.config } else { None };
    let name = name.or(object.registered_name).unwrap_or_else(|| class.clone());
    scan_module(&module, &class, &name, entry, report);
}

/// Keras imports the module of each object that it makes.
fn scan_module(module: &str, class: &str, name: &str, entry: Option<&str>, report: &mut Report) {
    // Functions of the model's own are named so; what they are is told by the Lambda layer that has them.
    let is_own = ["keras", "tensorflow", "tf_keras", "keras_hub", "keras_nlp", "keras_cv"];
    let outer = module.split('.').next().unwrap_or(module);
    if is_own.contains(&outer) && class != "function" && classify_module(module) != Some(Safety::Dangerous) {
        return;
    }
    let safety = safety_of(module, class).max(safety_of(module, name)).max(classify_module(module).unwrap_or(Safety::Innocuous));
    let shown = shown(&format!("{module}.{name}"), MAX_NAME_CHARS);
    let (level, text) = match safety {
        Safety::Innocuous => return,
        Safety::Suspicious if module == "builtins" => return,
        Safety::Suspicious => (Level::Suspicious, format!("The model imports `{shown}` when it is loaded.")),
        Safety::Dangerous => (Level::Unsafe, format!("The model imports `{shown}` when it is loaded, which no model needs.")),
    };
    note(report, entry, level, text);
}

/// Searches an HDF5 file for the configuration of a Lambda layer. The format itself is not read: a configuration that is stored
/// packed is not found.
pub(crate) fn scan_hdf5(input: &mut Input<'_>, entry: Option<&str>, report: &mut Report) -> Result<(), Stop> {
    let mut searched = 0;
    loop {
        let piece = input.peek(PIECE_BYTES)?;
        if LAMBDA_IN_TEXT.is_match(piece) {
            note(report, entry, Level::Suspicious, LAMBDA.to_owned());
            return Ok(());
        }
        if piece.len() < PIECE_BYTES {
            return Ok(());
        }
        if searched >= MAX_HDF5_BYTES {
            report.leave_out(format!("Only the first {} MiB of it were searched for code.", MAX_HDF5_BYTES >> 20));
            return Ok(());
        }
        let step = (PIECE_BYTES - OVERLAP_BYTES) as u64;
        searched += step;
        input.skip(step)?;
    }
}
