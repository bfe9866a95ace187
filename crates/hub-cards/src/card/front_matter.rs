//! Splits a README into its metadata block and its body.

use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use super::bounded::Bounded;

/// The largest metadata block that is parsed. Cards of datasets with hundreds of configurations
/// reach some hundred kilobytes.
pub const MAX_FRONT_MATTER_BYTES: usize = 1 << 20;
/// How deep lists and mappings may nest.
const MAX_DEPTH: usize = 64;
/// What aliases may blow the block up to.
const MAX_EXPANDED_BYTES: usize = 4 << 20;

/// Why a metadata block could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// `---` opens the block and nothing closes it.
    #[error("the metadata block that starts on line {line} is never closed: end it with a line `---`")]
    Unclosed {
        /// Where the block was opened, counted from 1.
        line: usize,
    },
    /// Too many bytes.
    #[error("the metadata block is larger than {} KiB", MAX_FRONT_MATTER_BYTES / 1024)]
    TooLarge,
    /// Not YAML, or beyond the limits on nesting and aliases.
    #[error("{message}")]
    Yaml {
        /// What the parser says.
        message: String,
        /// The line of the README, counted from 1.
        line: Option<usize>,
    },
    /// YAML, but a list or a single value.
    #[error("the metadata block must be a list of `key: value` pairs")]
    NotAMapping {
        /// The first line of the block's content.
        line: usize,
    },
}

impl CardError {
    /// The line of the README that the error is about, counted from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Unclosed { line } | Self::NotAMapping { line } => Some(*line),
            Self::Yaml { line, .. } => *line,
            Self::TooLarge => None,
        }
    }
}

/// A README, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontMatter<'a> {
    /// The YAML between the two fences, without them.
    pub yaml: Option<&'a str>,
    /// The line on which the YAML starts, counted from 1.
    pub first_line: usize,
    /// The Markdown that follows.
    pub body: &'a str,
    /// Whether a block was opened and not closed. The body is then the whole text.
    pub unclosed: bool,
}

/// Splits a README by the rule of the clients (`huggingface_hub` `repocard.py`, `REGEX_YAML_BLOCK`):
/// blank space, a line `---`, the YAML, a line `---`. A byte order mark and CRLF are taken as well.
pub fn split(text: &str) -> FrontMatter<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let none = FrontMatter { yaml: None, first_line: 1, body: text, unclosed: false };
    let blank = text.len() - text.trim_start().len();
    let Some((opening, rest)) = next_line(&text[blank..]) else { return none };
    if opening.trim_end() != "---" {
        return none;
    }
    let first_line = text[..blank].matches('\n').count() + 2;
    let mut position = text.len() - rest.len();
    let start = position;
    while let Some((line, _)) = next_line(&text[position..]) {
        let end = position + line.len();
        if line.trim_end() == "---" {
            return FrontMatter { yaml: Some(&text[start..position]), first_line, body: &text[end..], unclosed: false };
        }
        position = end;
    }
    FrontMatter { first_line, unclosed: looks_like_yaml(rest), ..none }
}

/// The first line with its line break, and what follows.
fn next_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let end = text.find('\n').map_or(text.len(), |at| at + 1);
    Some(text.split_at(end))
}

/// A lone `---` is a horizontal rule unless a `key:` follows it.
fn looks_like_yaml(rest: &str) -> bool {
    let line = rest.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let key_len = line.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
    key_len > 0 && line[key_len..].starts_with(':')
}

/// Parses the metadata block of a README. No block, or an empty one, gives an empty map.
///
/// # Errors
/// The block is not closed, too large, not YAML, or not a mapping.
pub fn parse(text: &str) -> Result<Map<String, Value>, CardError> {
    let parts = split(text);
    if parts.unclosed {
        return Err(CardError::Unclosed { line: parts.first_line - 1 });
    }
    let Some(yaml) = parts.yaml else { return Ok(Map::new()) };
    if yaml.len() > MAX_FRONT_MATTER_BYTES {
        return Err(CardError::TooLarge);
    }
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if yaml.lines().all(is_blank) {
        return Ok(Map::new());
    }
    match parse_yaml(yaml, parts.first_line)? {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(CardError::NotAMapping { line: parts.first_line })
        }
    }
}

fn parse_yaml(yaml: &str, first_line: usize) -> Result<Value, CardError> {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_depth = MAX_DEPTH;
    budget.flow_nesting_limit = MAX_DEPTH;
    budget.max_aliases = 1_000;
    budget.max_anchors = 1_000;
    budget.max_documents = 1;
    budget.max_merge_keys = 100;
    budget.max_events = 400_000;
    budget.max_nodes = 200_000;
    let mut options = serde_saphyr::Options::default();
    options.budget = Some(budget);
    options.alias_limits.max_total_replayed_events = 50_000;
    options.alias_limits.max_replay_stack_depth = 8;
    options.alias_limits.max_alias_expansions_per_anchor = 1_000;
    // `language: no` is Norwegian, not `false`.
    options.strict_booleans = true;
    options.with_snippet = false;
    // Python writes a loss that diverged as `.nan`.
    options.non_finite_float_policy = serde_saphyr::NonFiniteFloatPolicy::PassThrough;
    let seed = Bounded::new(MAX_EXPANDED_BYTES, MAX_DEPTH);
    serde_saphyr::with_deserializer_from_str_with_options(yaml, options, |yaml| seed.deserialize(yaml)).map_err(|error| {
        let line = error.location().and_then(|at| usize::try_from(at.line()).ok()).filter(|line| *line > 0);
        let message = error.without_snippet().to_string();
        CardError::Yaml { message: in_words(&without_position(&message)), line: line.map(|line| line + first_line - 1) }
    })
}

/// What the parser says, in words that help somebody who writes a card.
fn in_words(message: &str) -> String {
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(", set ").next().unwrap_or(key);
        return format!("`{key}` is there twice, keep one of them");
    }
    for (sign, words) in [
        ("recursive references", "an alias (`*name`) is part of what it stands for"),
        ("alias replay", "aliases (`*name`) make it too large, write the values out"),
        ("alias expansion", "an alias (`*name`) is used too often, write the values out"),
        ("budget breached", "it is too large or nested too deeply"),
    ] {
        if message.to_lowercase().contains(sign) {
            return words.to_owned();
        }
    }
    message.to_owned()
}

/// Drops the parser's own position, which counts from the start of the block and not of the file.
fn without_position(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let cut = message.find(" at line ").or_else(|| message.find("line ").filter(|_| message.starts_with("error: line ")));
    let message = match cut {
        Some(0) | None => message,
        Some(at) => message[..at].trim_end_matches([',', ':', ' ']),
    };
    message.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::{Duration, Instant};

    #[test]
    fn a_card_is_split_whatever_its_line_ends() {
        for text in ["---\na: 1\n---\nbody", "\u{feff}---\r\na: 1\r\n---\r\nbody", "\n\n---\na: 1\n---  \nbody"] {
            let parts = split(text);
            assert_eq!(parts.yaml.map(str::trim), Some("a: 1"), "{text:?}");
            assert_eq!(parts.body.trim(), "body", "{text:?}");
        }
        assert_eq!(split("---\na: 1\n---").body, "");
    }

    #[test]
    fn text_without_a_block_is_all_body() {
        for text in ["# Title\n", "", "----\na: 1\n----\n", "Some\n---\na: 1\n---\n", "---\n\nA rule above.\n"] {
            assert_eq!(split(text), FrontMatter { body: text, yaml: None, first_line: split(text).first_line, unclosed: false });
        }
    }

    #[test]
    fn a_block_without_its_end_is_an_error() {
        assert_eq!(parse("---\nlicense: mit\n# Title"), Err(CardError::Unclosed { line: 1 }));
    }

    #[test]
    fn values_keep_the_types_of_yaml_1_2() {
        let map = parse("---\nlanguage: no\nn: 3\nf: 1.5\nt: true\nl: [a, 'b']\nd: 2024-01-01\nnothing:\n1: x\n---\n").unwrap();
        let expected = json!({"language":"no","n":3,"f":1.5,"t":true,"l":["a","b"],"d":"2024-01-01","nothing":null,"1":"x"});
        assert_eq!(Value::Object(map), expected);
    }

    #[test]
    fn aliases_and_merge_keys_work_within_reason() {
        let map = parse("---\na: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2\n---\n").unwrap();
        assert_eq!(Value::Object(map), json!({"a":{"x":1},"b":{"x":1},"c":{"x":1,"y":2}}));
    }

    #[test]
    fn errors_name_the_line_of_the_file() {
        for text in ["\n---\nlicense: mit\ntags: [a, b\n---\n", "\n---\nlicense: mit\ntags: a: b\n---\n"] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error.line(), Some(3..=5)), "{error:?}");
            assert!(!error.to_string().contains("line "), "{error}");
        }
        assert!(matches!(parse("---\na: 1\na: 2\n---\n"), Err(CardError::Yaml { line: Some(3), .. })));
        assert_eq!(parse("---\n- a\n---\n"), Err(CardError::NotAMapping { line: 2 }));
    }

    #[test]
    fn bombs_are_refused_quickly() {
        let mut laughs = "---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..10 {
            let previous = format!("*a{}", level - 1);
            laughs += &format!("a{level}: &a{level} [{}]\n", vec![previous; 10].join(","));
        }
        let long = "x".repeat(100_000);
        let quadratic = format!("---\na: &a {long}\nb: [{}]\n", vec!["*a"; 900].join(","));
        let deep = format!("---\na: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
        let deep_blocks = format!("---\n{}\n", (0..3_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>());
        let deep_lists = format!("---\na:\n {}x\n", "- ".repeat(20_000));
        let many = format!("---\na: [{}]\n", "1,".repeat(450_000));
        let anchors = format!("---\n{}\n", (0..5_000).map(|n| format!("k{n}: &k{n} 1\n")).collect::<String>());
        for (name, bomb) in [
            ("laughs", laughs),
            ("quadratic", quadratic),
            ("deep", deep),
            ("deep_blocks", deep_blocks),
            ("deep_lists", deep_lists),
            ("many", many),
            ("anchors", anchors),
        ] {
            let started = Instant::now();
            let result = parse(&format!("{bomb}---\n"));
            assert!(result.is_err(), "{name}");
            assert!(started.elapsed() < Duration::from_secs(8), "{name}: {:?}", started.elapsed());
        }
    }

    #[test]
    fn an_oversized_block_is_refused_unread() {
        assert_eq!(parse(&format!("---\na: {}\n---\n", "x".repeat(MAX_FRONT_MATTER_BYTES))), Err(CardError::TooLarge));
    }
}
