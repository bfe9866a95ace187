//! Marks within lines that were exchanged for others what is different in them.

use super::DiffLine;
use crate::repos::pages::view::SnippetPart;

/// Longer lines are not looked into, in bytes.
const MAX_LINE_BYTES: usize = 2_000;

/// Where as many lines were added as removed before them, each is compared with its counterpart.
pub(super) fn mark(lines: &mut [DiffLine]) {
    let mut at = 0;
    while at < lines.len() {
        let removed = run(lines, at, "removed");
        let added = run(lines, at + removed, "added");
        if removed > 0 && removed == added {
            for offset in 0..removed {
                mark_pair(lines, at + offset, at + removed + offset);
            }
        }
        at += (removed + added).max(1);
    }
}

/// How many lines of a kind follow from here on.
fn run(lines: &[DiffLine], from: usize, kind: &str) -> usize {
    lines.iter().skip(from).take_while(|line| line.kind == kind).count()
}

fn mark_pair(lines: &mut [DiffLine], old: usize, new: usize) {
    let text = |at: usize| lines.get(at).and_then(|line| line.parts.first()).map(|part| part.text.clone()).unwrap_or_default();
    let (before, after) = (text(old), text(new));
    if before.len().max(after.len()) > MAX_LINE_BYTES {
        return;
    }
    let (start, end) = common_ends(&before, &after);
    // Lines with little in common are no versions of one another.
    if (start + end) * 3 < before.len().min(after.len()) {
        return;
    }
    for (at, text) in [(old, before), (new, after)] {
        if let Some(line) = lines.get_mut(at) {
            line.parts = split(&text, start, text.len() - end);
        }
    }
}

/// How many bytes two lines share at their start and at their end, cut back to whole words.
fn common_ends(before: &str, after: &str) -> (usize, usize) {
    let same = |pair: &(char, char)| pair.0 == pair.1;
    let start: usize = before.chars().zip(after.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let start = word_start(before, start).min(word_start(after, start));
    let (rest_before, rest_after) = (before.get(start..).unwrap_or_default(), after.get(start..).unwrap_or_default());
    let end: usize = rest_before.chars().rev().zip(rest_after.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    (start, word_end(rest_before, end).min(word_end(rest_after, end)))
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// The end of a shared beginning, moved back when it lies within a word.
fn word_start(text: &str, at: usize) -> usize {
    let (shared, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    match is_word(rest.chars().next()) {
        true => shared.trim_end_matches(|c| is_word(Some(c))).len(),
        false => at,
    }
}

/// The length of a shared end, cut when it begins within a word.
fn word_end(text: &str, len: usize) -> usize {
    let (rest, shared) = text.split_at_checked(text.len() - len).unwrap_or((text, ""));
    match is_word(rest.chars().next_back()) {
        true => shared.trim_start_matches(|c| is_word(Some(c))).len(),
        false => len,
    }
}

fn split(text: &str, from: usize, to: usize) -> Vec<SnippetPart> {
    let part = |text: Option<&str>, marked| SnippetPart { text: text.unwrap_or_default().to_owned(), marked };
    let parts = [part(text.get(..from), false), part(text.get(from..to), true), part(text.get(to..), false)];
    parts.into_iter().filter(|part| !part.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::diff_lines;

    fn shown(diff: &str) -> Vec<String> {
        let wrap = |part: &super::SnippetPart| if part.marked { format!("[{}]", part.text) } else { part.text.clone() };
        diff_lines(diff).iter().skip(1).map(|line| line.parts.iter().map(wrap).collect()).collect()
    }

    #[test]
    fn what_is_different_in_a_line_is_marked_by_whole_words() {
        let lines = shown("@@ -1 +1 @@\n-the learning rate is 0.001 here\n+the learning rate is 0.002 here\n");
        assert_eq!(lines, ["the learning rate is 0.[001] here", "the learning rate is 0.[002] here"]);
        let lines = shown("@@ -1 +1 @@\n-print(größe)\n+print(größen)\n");
        assert_eq!(lines, ["print([größe])", "print([größen])"]);
        let lines = shown("@@ -1 +1 @@\n-a b\n+a b c\n");
        assert_eq!(lines, ["a b", "a b[ c]"]);
    }

    #[test]
    fn other_lines_and_runs_of_other_lengths_are_left_alone() {
        assert_eq!(shown("@@ -1 +1 @@\n-abc def\n+xyz uvw\n"), ["abc def", "xyz uvw"]);
        assert_eq!(shown("@@ -1,2 +1 @@\n-a b\n-a c\n+a d\n"), ["a b", "a c", "a d"]);
    }
}
