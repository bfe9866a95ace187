//! `@name` in a comment, which leads to somebody's page.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::discussions::list_people;

/// The most mentions that one comment links.
const MAX_MENTIONS: usize = 50;

/// The most names that are looked up for one page.
const MAX_NAMES: usize = 2_000;

/// Whom texts mention, in lower case, each once: the names to look up for [`known`].
pub(super) fn names_in(texts: &[String]) -> Vec<String> {
    let mut names = BTreeSet::new();
    for text in texts {
        for name in mentioned_names(text).into_iter().take(MAX_MENTIONS) {
            if names.len() == MAX_NAMES {
                return names.into_iter().collect();
            }
            names.insert(name);
        }
    }
    names.into_iter().collect()
}

/// Those of the names that are somebody's, in lower case, each with how it is written. All are looked up together.
///
/// # Errors
/// The database does not answer.
pub(super) async fn known(app: &App, names: &[String]) -> HubResult<HashMap<String, String>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let found = list_people(&app.pool, names).await?;
    Ok(found.into_iter().map(|name| (name.to_ascii_lowercase(), name)).collect())
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

/// A text with links where it mentions somebody who is [`known`]. Code stays as it is.
pub(super) fn with_links(text: &str, known: &HashMap<String, String>) -> String {
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

    use super::{MAX_NAMES, mentioned_names, names_in, with_links};

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

    #[test]
    fn names_that_come_again_take_nobody_elses_place() {
        let fifty = |first: usize| -> String { (first..first + 50).map(|number| format!("@person-{number} ")).collect() };
        let mut texts: Vec<String> = (0..100).map(|_| fifty(0)).collect();
        texts.push("@last".to_owned());
        let names = names_in(&texts);
        assert!(names.len() == 51 && names.contains(&"last".to_owned()), "{names:?}");
        let texts: Vec<String> = (0..100).map(|number| fifty(number * 50)).collect();
        assert_eq!(names_in(&texts).len(), MAX_NAMES);
    }
}
