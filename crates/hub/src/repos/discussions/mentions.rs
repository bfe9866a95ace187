//! `@name` in a comment, which leads to somebody's page.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::discussions::list_people;

/// The most mentions that one comment links.
const MAX_MENTIONS: usize = 50;

/// The most names that are looked up for one page.
const MAX_NAMES: usize = 2_000;

/// The texts with links where they mention somebody who is here. Code stays as it is. All names are looked up together.
///
/// # Errors
/// The database does not answer.
pub(super) async fn linked(app: &App, texts: &[&str]) -> HubResult<Vec<String>> {
    let names: BTreeSet<String> =
        texts.iter().flat_map(|text| mentioned_names(text).into_iter().take(MAX_MENTIONS)).take(MAX_NAMES).collect();
    if names.is_empty() {
        return Ok(texts.iter().map(|text| (*text).to_owned()).collect());
    }
    let names: Vec<String> = names.into_iter().collect();
    let known = list_people(&app.pool, &names).await?;
    let known: HashMap<String, String> = known.into_iter().map(|name| (name.to_ascii_lowercase(), name)).collect();
    Ok(texts.iter().map(|text| with_links(text, &known)).collect())
}

/// Whom a text mentions, in lower case, each once, in the order of the text. They need not exist.
pub fn mentioned_names(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = mentions(text).into_iter().map(|(start, end)| slice(text, start, end).to_ascii_lowercase());
    names.filter(|name| seen.insert(name.clone())).collect()
}

fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Where names stand behind an `@`, outside of code.
fn mentions(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut offset, mut fenced) = (0, false);
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            fenced = !fenced;
        } else if !fenced && !line.starts_with("    ") && !line.starts_with('\t') {
            in_line(line, offset, &mut found);
        }
        offset += line.len();
    }
    found
}

fn in_line(line: &str, offset: usize, found: &mut Vec<(usize, usize)>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let (mut coded, mut before) = (false, ' ');
    for (at, c) in line.char_indices() {
        match c {
            '`' => coded = !coded,
            '@' if !coded && (before.is_whitespace() || matches!(before, '(' | ',' | '*')) => {
                let name = slice(line, at + 1, line.len());
                let len = name.find(|c| !is_name(c)).unwrap_or(name.len());
                let len = slice(name, 0, len).trim_end_matches(['-', '_']).len();
                // More behind it makes it an address, or a word of another sort.
                if len > 0 && !slice(name, len, name.len()).starts_with(['@', '/']) {
                    found.push((offset + at + 1, offset + at + 1 + len));
                }
            }
            _ => {}
        }
        before = c;
    }
}

fn with_links(text: &str, known: &HashMap<String, String>) -> String {
    let mut linked = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in mentions(text) {
        let name = slice(text, start, end);
        if let Some(known) = known.get(&name.to_ascii_lowercase()) {
            linked.push_str(slice(text, done, start - 1));
            linked.push_str(&format!("[@{name}](/{known})"));
            done = end;
        }
    }
    linked.push_str(slice(text, done, text.len()));
    linked
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{mentioned_names, with_links};

    #[test]
    fn those_who_are_here_are_linked_outside_of_code() {
        let known = HashMap::from([("ada", "Ada"), ("bob-2", "bob-2")].map(|(key, name)| (key.to_owned(), name.to_owned())));
        for (text, expected) in [
            ("@ada, see (@bob-2).", "[@ada](/Ada), see ([@bob-2](/bob-2))."),
            ("@carol and mail@ada and @ada/bert", "@carol and mail@ada and @ada/bert"),
            ("`@ada` @ada", "`@ada` [@ada](/Ada)"),
            ("```\n@ada\n```\n@ada-", "```\n@ada\n```\n[@ada](/Ada)-"),
            ("é @ada é", "é [@ada](/Ada) é"),
        ] {
            assert_eq!(with_links(text, &known), expected);
        }
    }

    #[test]
    fn everybody_is_named_once_in_order() {
        assert_eq!(mentioned_names("@Bob, @ada and @bob; `@carol` mail@dave @eve/x"), ["bob", "ada"]);
    }
}
