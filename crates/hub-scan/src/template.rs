//! Chat templates that reach for more than the messages: Jinja can get from any value to Python's own functions, where a program
//! renders it outside of a sandbox.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::report::{Finding, Level, Report, Topic};

#[expect(clippy::expect_used, reason = "fixed patterns, which tests compile")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a pattern")
}

/// Attributes that lead out of a template.
static INNER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        "__(?:class|globals|builtins|import|subclasses|mro|bases?|getattribute|getattr|dict|reduce(?:_ex)?|code|func|self|init|module|call|loader|spec|new|del|doc|closure)__",
    )
});
/// What hides such a name, or finds attributes by a name that is put together.
static HIDDEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\|\s*attr\s*\(|\\x5f|\\u005f|\b(?:lipsum|cycler|joiner|gi_frame|f_globals|f_builtins|func_globals|popen|os\.system|_TemplateReference)\b|\{%-?\s*(?:include|import|from|extends)\b"#,
    )
});

/// Looks at a file with a template: Jinja, or JSON that has one.
pub(crate) fn scan_file(bytes: &[u8], entry: Option<&str>, report: &mut Report) {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(config) => templates_of(&config).into_iter().for_each(|template| scan(template, entry, None, report)),
        Err(_) => scan(&String::from_utf8_lossy(bytes), entry, Some(1), report),
    }
}

/// The templates of a tokenizer's configuration: one, or several with names.
fn templates_of(config: &Value) -> Vec<&str> {
    match config.get("chat_template") {
        Some(Value::String(template)) => vec![template],
        Some(Value::Array(named)) => named.iter().filter_map(|one| one.get("template")?.as_str()).collect(),
        Some(Value::Object(named)) => named.values().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Looks at a template. `first_line` is the number of its first line, where that says something.
pub(crate) fn scan(template: &str, entry: Option<&str>, first_line: Option<u64>, report: &mut Report) {
    let patterns = [(&*INNER, Level::Unsafe, "reaches for"), (&*HIDDEN, Level::Suspicious, "uses")];
    for (pattern, level, verb) in patterns {
        for found in pattern.find_iter(template).take(20) {
            let before = template.get(..found.start()).unwrap_or_default();
            let line = first_line.map(|first| first + before.bytes().filter(|byte| *byte == b'\n').count() as u64);
            let text = format!("The chat template {verb} `{}`.", found.as_str().trim());
            report.add(Finding { topic: Topic::Template, level, text, line, entry: entry.map(str::to_owned) });
        }
    }
}
