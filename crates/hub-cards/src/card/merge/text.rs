//! Writes joined metadata: the lines of our side where they say what they shall, those of the other side where it is right, and new
//! ones for the rest.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::super::edit::{end_of, scalar};

/// The most keys and lines between them. No card has so many, and they are looked for one after the other.
const MAX_CHUNKS: usize = 2_000;

/// Lines of a block: those of one key, or what stands between keys.
struct Chunk<'a> {
    key: Option<String>,
    lines: Vec<&'a str>,
}

/// The block that says `values`, if the versions are written so that it can be told which lines belong to which key.
pub(super) fn write(blocks: &[String; 3], parsed: &[Map<String, Value>; 3], values: &Map<String, Value>) -> Option<String> {
    let chunks = [split(&blocks[0])?, split(&blocks[1])?, split(&blocks[2])?];
    let writer = Writer { chunks: &chunks, parsed, order: order_of(&[&blocks[1], &blocks[2]]) };
    let mut written: Vec<(Option<&str>, Vec<String>)> = Vec::new();
    for chunk in &chunks[1] {
        let owned = || -> Vec<String> { chunk.lines.iter().map(|line| (*line).to_owned()).collect() };
        match &chunk.key {
            None => written.push((None, owned())),
            Some(key) => match values.get(key) {
                None => {}
                value if value == parsed[1].get(key) => written.push((Some(key), owned())),
                Some(value) => written.push((Some(key), writer.changed(key, value))),
            },
        }
    }
    writer.add_new(&mut written, values);
    let mut text = written.into_iter().flat_map(|(_, lines)| lines).collect::<Vec<_>>().join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    Some(text)
}

/// Takes a block apart. `None` for a line that belongs to no key.
fn split(yaml: &str) -> Option<Vec<Chunk<'_>>> {
    let lines: Vec<&str> = yaml.lines().collect();
    let (mut chunks, mut at) = (Vec::new(), 0);
    while let Some(line) = lines.get(at) {
        let (key, end) = match line.trim().is_empty() || line.starts_with('#') {
            true => (None, at + 1),
            false => (Some(key_of(line)?), end_of(&lines, at)),
        };
        chunks.push(Chunk { key, lines: lines.get(at..end)?.to_vec() });
        at = end;
    }
    Some(chunks).filter(|chunks| chunks.len() <= MAX_CHUNKS)
}

/// The key that a line at the margin begins with.
fn key_of(line: &str) -> Option<String> {
    let (key, rest) = match line.chars().next()? {
        quote @ ('"' | '\'') => {
            let (key, rest) = line.get(1..)?.split_once(quote)?;
            // With an escape in it, it says something else.
            (Some(key).filter(|key| !key.contains('\\'))?, rest.trim_start())
        }
        ' ' | '\t' | '-' | '{' | '[' | '&' | '*' | '!' | '?' | '|' | '>' | '%' | '@' | '`' => return None,
        _ => {
            let at = line.match_indices(':').map(|(at, _)| at).find(|at| ends_key(&line[at + 1..]))?;
            (line[..at].trim_end(), &line[at..])
        }
    };
    ends_key(rest.strip_prefix(':')?).then(|| key.to_owned())
}

fn ends_key(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([' ', '\t'])
}

/// The order in which people wrote the keys of mappings.
fn order_of(blocks: &[&String]) -> HashMap<String, usize> {
    let mut order = HashMap::new();
    for line in blocks.iter().flat_map(|yaml| yaml.lines()) {
        let line = line.trim_start_matches([' ', '-']);
        if let Some((key, _)) = line.split_once(':') {
            let next = order.len();
            order.entry(key.trim_matches(['"', '\'']).to_owned()).or_insert(next);
        }
    }
    order
}

struct Writer<'a> {
    chunks: &'a [Vec<Chunk<'a>>; 3],
    parsed: &'a [Map<String, Value>; 3],
    order: HashMap<String, usize>,
}

impl<'a> Writer<'a> {
    fn chunk(&self, side: usize, key: &str) -> Option<&'a Chunk<'a>> {
        self.chunks[side].iter().find(|chunk| chunk.key.as_deref() == Some(key))
    }

    /// The lines of a key that says something else than on our side.
    fn changed(&self, key: &str, value: &Value) -> Vec<String> {
        for side in [2, 0] {
            if self.parsed[side].get(key) == Some(value)
                && let Some(chunk) = self.chunk(side, key)
            {
                return chunk.lines.iter().map(|line| (*line).to_owned()).collect();
            }
        }
        let edited = match (self.parsed[1].get(key), value) {
            (Some(Value::Array(old)), Value::Array(new)) => {
                self.chunk(1, key).and_then(|chunk| edit_list(&chunk.lines, old, new))
            }
            _ => None,
        };
        edited.unwrap_or_else(|| {
            let mut lines = Vec::new();
            self.entry(&mut lines, 0, &format!("{}:", scalar(key)), value);
            lines
        })
    }

    /// Adds the keys that our side does not have, each behind the key that it follows on the other side.
    fn add_new(&self, written: &mut Vec<(Option<&'a str>, Vec<String>)>, values: &Map<String, Value>) {
        let mut previous = None;
        for chunk in self.chunks[2].iter().chain(&self.chunks[0]) {
            let Some(key) = chunk.key.as_deref() else { continue };
            let is_there = written.iter().any(|(other, _)| *other == Some(key));
            if let Some(value) = values.get(key).filter(|_| !is_there) {
                let after = written.iter().position(|(other, _)| other.is_some() && *other == previous);
                let mut lines = self.comment_above(key);
                lines.extend(self.changed(key, value));
                written.insert(after.map_or(written.len(), |at| at + 1), (Some(key), lines));
            }
            if values.contains_key(key) {
                previous = Some(key);
            }
        }
    }

    /// The lines of comment right above a key of the other side.
    fn comment_above(&self, key: &str) -> Vec<String> {
        let theirs = &self.chunks[2];
        let at = theirs.iter().position(|chunk| chunk.key.as_deref() == Some(key)).unwrap_or(0);
        let is_comment = |chunk: &&Chunk<'_>| chunk.key.is_none() && chunk.lines.iter().all(|line| line.starts_with('#'));
        let above = theirs[..at].iter().rev().take_while(is_comment).flat_map(|chunk| &chunk.lines);
        let mut lines: Vec<String> = above.map(|line| (*line).to_owned()).collect();
        lines.reverse();
        lines
    }

    /// Writes a value behind `lead`, which is `key:` or `-`.
    fn entry(&self, lines: &mut Vec<String>, indent: usize, lead: &str, value: &Value) {
        let margin = " ".repeat(indent);
        match value {
            Value::Array(items) if !items.is_empty() && lead != "-" => {
                lines.push(format!("{margin}{lead}"));
                items.iter().for_each(|item| self.entry(lines, indent, "-", item));
            }
            Value::Object(map) if !map.is_empty() => {
                let first = lines.len();
                if lead != "-" {
                    lines.push(format!("{margin}{lead}"));
                }
                let mut keys: Vec<(&String, &Value)> = map.iter().collect();
                keys.sort_by_key(|(key, _)| self.order.get(*key).copied().unwrap_or(usize::MAX));
                for (key, value) in keys {
                    self.entry(lines, indent + 2, &format!("{}:", scalar(key)), value);
                }
                if lead == "-"
                    && let Some(line) = lines.get_mut(first)
                {
                    *line = format!("{margin}- {}", line.trim_start());
                }
            }
            other => lines.push(format!("{margin}{lead} {}", inline(other))),
        }
    }
}

/// A value on one line. JSON is YAML, but for numbers that Python takes for texts and those that JSON does not have.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if matches!(text.as_str(), "NaN" | "inf" | "-inf") => match text.as_str() {
            "NaN" => ".nan".to_owned(),
            infinite => infinite.replace("inf", ".inf"),
        },
        Value::String(text) => scalar(text),
        Value::Number(number) => match number.to_string().split_once('e') {
            Some((digits, power)) => {
                let point = if digits.contains('.') { "" } else { ".0" };
                let sign = if power.starts_with('-') { "" } else { "+" };
                format!("{digits}{point}e{sign}{power}")
            }
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Takes items out of a list that has each on a line of its own, and adds some at its end: comments stay.
fn edit_list<'a>(lines: &[&str], old: &'a [Value], new: &'a [Value]) -> Option<Vec<String>> {
    let (head, rest) = lines.split_first()?;
    let after = head.split_once(':')?.1.trim();
    if !(after.is_empty() || after.starts_with('#')) || new.is_empty() {
        return None;
    }
    let texts = |items: &'a [Value]| items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>();
    let (old, new) = (texts(old)?, texts(new)?);
    let [in_old, in_new] = [&old, &new].map(|items| items.iter().copied().collect::<HashSet<&str>>());
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let margin = rest.iter().find(|line| is_item(line)).map(|line| line.len() - line.trim_start().len())?;
    let fits = |line: &&str| is_comment(line) || (is_item(line) && line.len() - line.trim_start().len() == margin);
    if rest.iter().filter(|line| is_item(line)).count() != old.len() || !rest.iter().all(fits) {
        return None;
    }
    let mut edited = vec![(*head).to_owned()];
    let mut items = old.iter();
    for line in rest {
        if !is_item(line) || items.next().is_some_and(|item| in_new.contains(item)) {
            edited.push((*line).to_owned());
        }
    }
    for item in new.iter().filter(|item| !in_old.contains(*item)) {
        edited.push(format!("{}- {}", " ".repeat(margin), scalar(item)));
    }
    Some(edited)
}
