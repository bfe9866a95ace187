//! Keras models that bring code: Lambda layers, and names of modules to import.

use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

use crate::input::{Input, Stop};
use crate::pickle::{classify_module, safety_of};
use crate::report::{Finding, Level, Report, Safety, Topic};

/// The longest `config.json` that is read.
const MAX_CONFIG_BYTES: usize = 16 << 20;
/// How much of an HDF5 file is searched; the configuration is among the first objects.
const MAX_HDF5_BYTES: u64 = 64 << 20;
/// What is searched at a time, and by how much searches overlap.
const PIECE_BYTES: usize = 1 << 20;
const OVERLAP_BYTES: usize = 1 << 10;
/// How many values of a configuration are visited.
const MAX_VALUES: usize = 1_000_000;

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
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(config) if !more => scan_value(&config, entry, report),
        _ => {
            report.leave_out("The configuration of the model cannot be read.");
            if LAMBDA_IN_TEXT.is_match(&bytes) {
                note(report, entry, Level::Suspicious, LAMBDA.to_owned());
            }
        }
    }
    Ok(())
}

fn scan_value(config: &Value, entry: Option<&str>, report: &mut Report) {
    let mut waiting = vec![config];
    let mut visited = 0;
    while let Some(value) = waiting.pop() {
        visited += 1;
        if visited > MAX_VALUES {
            report.leave_out("The configuration of the model is too large.");
            return;
        }
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(object) => {
                let text = |key: &str| object.get(key).and_then(Value::as_str);
                let class = text("class_name").unwrap_or_default();
                if class == "Lambda" || class == "__lambda__" {
                    note(report, entry, Level::Suspicious, LAMBDA.to_owned());
                }
                if let Some(module) = text("module") {
                    scan_module(module, class, text("registered_name").unwrap_or(class), entry, report);
                }
                waiting.extend(object.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
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
    let shown: String = format!("{module}.{name}").chars().take(200).collect();
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
        if piece.len() < PIECE_BYTES || searched > MAX_HDF5_BYTES {
            return Ok(());
        }
        let step = (PIECE_BYTES - OVERLAP_BYTES) as u64;
        searched += step;
        input.skip(step)?;
    }
}
