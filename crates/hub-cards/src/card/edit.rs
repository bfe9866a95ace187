//! Changes a key of a metadata block as a person would: in its place, with everything else left as it stands.

use serde_json::{Map, Value};

use super::front_matter;

/// What a key shall say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyValue {
    /// Nothing: the key goes.
    Absent,
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// Sets a key at the top of a YAML block; comments, order and other keys stay as they are. `None` when the block is written
/// in a way that cannot be changed like this: the result is read again, and other keys must say what they said before.
pub fn set_key(yaml: &str, key: &str, value: &KeyValue) -> Option<String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let place = lines.iter().position(|line| is_key(line, key)).map(|start| start..end_of(&lines, start));
    let written = written(key, value);
    let mut changed: Vec<String> = Vec::with_capacity(lines.len() + 4);
    let place = place.unwrap_or(lines.len()..lines.len());
    changed.extend(lines[..place.start].iter().map(|line| (*line).to_owned()));
    changed.extend(written);
    changed.extend(lines[place.end..].iter().map(|line| (*line).to_owned()));
    let mut changed = changed.join("\n");
    if !changed.is_empty() {
        changed.push('\n');
    }
    says(yaml, &changed, key, value).then_some(changed)
}

fn is_key(line: &str, key: &str) -> bool {
    let plain = line.strip_prefix(key).or_else(|| {
        let line = line.strip_prefix(['"', '\''])?.strip_prefix(key)?;
        line.strip_prefix(['"', '\''])
    });
    plain
        .and_then(|rest| rest.trim_start().strip_prefix(':'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Where the block of a key ends: after its last line that is indented or an item. Comments and empty lines behind it are
/// left to what follows.
pub(super) fn end_of(lines: &[&str], start: usize) -> usize {
    let mut end = start + 1;
    for (at, line) in lines.iter().enumerate().skip(start + 1) {
        let belongs = line.starts_with([' ', '\t']) || line.starts_with("- ") || *line == "-";
        if belongs && !line.trim().is_empty() {
            end = at + 1;
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            break;
        }
    }
    end
}

fn written(key: &str, value: &KeyValue) -> Vec<String> {
    match value {
        KeyValue::Absent => Vec::new(),
        KeyValue::Text(text) => vec![format!("{key}: {}", scalar(text))],
        KeyValue::List(items) if items.is_empty() => Vec::new(),
        KeyValue::List(items) => {
            let items = items.iter().map(|item| format!("- {}", scalar(item)));
            std::iter::once(format!("{key}:")).chain(items).collect()
        }
    }
}

/// A text as YAML has it: plain where no reader takes it for anything else. `no` is a language, and to some a refusal.
pub(super) fn scalar(text: &str) -> String {
    const WORDS: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/' | ' ');
    let starts_well = text.chars().next().is_some_and(char::is_alphabetic);
    let is_plain =
        starts_well && text.chars().all(plain) && !text.ends_with(' ') && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    // A text of JSON is one of YAML.
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// Whether the changed block says what it should, and nothing else has changed.
fn says(old: &str, new: &str, key: &str, value: &KeyValue) -> bool {
    let parse = |yaml: &str| front_matter::parse(&format!("---\n{}\n---\n", yaml.trim_end()));
    let (Ok(mut old), Ok(mut new)) = (parse_empty(old, parse), parse_empty(new, parse)) else { return false };
    old.remove(key);
    let found = new.remove(key);
    let expected = match value {
        KeyValue::Text(text) => Some(Value::from(text.as_str())),
        KeyValue::List(items) if !items.is_empty() => Some(Value::from(items.clone())),
        KeyValue::Absent | KeyValue::List(_) => None,
    };
    found == expected && old == new
}

fn parse_empty<E>(yaml: &str, parse: impl Fn(&str) -> Result<Map<String, Value>, E>) -> Result<Map<String, Value>, E> {
    let is_empty = yaml.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if is_empty { Ok(Map::new()) } else { parse(yaml) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str =
        "# A comment\nlicense: mit # the short one\ntags:\n- a\n# about b\n- b\n\nbase_model: [x/y]\nextra:\n  deep: 1\n";

    fn list(items: &[&str]) -> KeyValue {
        KeyValue::List(items.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn a_key_is_changed_in_its_place() {
        let text = KeyValue::Text("apache-2.0".to_owned());
        assert_eq!(set_key(YAML, "license", &text).unwrap(), YAML.replace("mit # the short one", "apache-2.0"));
        let changed = set_key(YAML, "tags", &list(&["c", "no", "1"])).unwrap();
        assert_eq!(changed, YAML.replace("- a\n# about b\n- b\n", "- c\n- \"no\"\n- \"1\"\n"));
        assert_eq!(set_key(YAML, "base_model", &KeyValue::Absent).unwrap(), YAML.replace("base_model: [x/y]\n", ""));
        assert_eq!(set_key(YAML, "language", &list(&["de"])).unwrap(), format!("{YAML}language:\n- de\n"));
        assert_eq!(set_key("", "license", &text).unwrap(), "license: apache-2.0\n");
        assert_eq!(set_key("license: mit\n", "license", &KeyValue::Absent).unwrap(), "");
    }

    #[test]
    fn texts_are_quoted_where_they_would_be_something_else() {
        for text in ["true", "1.0", "a: b", "- x", "#x", "a\"b", "", "Ünï cöde", "x ", "@a", "a\nb: c"] {
            let value = KeyValue::Text(text.to_owned());
            assert!(set_key("a: 1\n", "title", &value).is_some(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_changed_safely_is_left_alone() {
        let flow = "tags: [\na,\nb\n]\nlicense: mit\n";
        let changed = set_key(flow, "tags", &list(&["c"]));
        assert!(changed.is_none_or(|yaml| yaml == "tags:\n- c\nlicense: mit\n"), "never half of it");
        assert_eq!(set_key("{license: mit}\n", "license", &KeyValue::Text("x".to_owned())), None);
        assert_eq!(set_key("a: &x 1\nb: *x\n", "a", &KeyValue::Absent), None, "something else refers to it");
    }
}
