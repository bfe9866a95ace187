//! Passages of cards that have the words of a query.

use std::{collections::HashSet, ops::Range};

use crate::{
    Snippet,
    text::{QueryText, Words},
};

/// How long a passage is, in bytes, about.
const LEN: usize = 220;

/// The passage of `card` with most of the words, if it has any.
pub(crate) fn passage(card: &str, query: &QueryText) -> Option<Snippet> {
    let wanted = Wanted::of(query);
    let words = Words::of(card);
    let marks: Vec<(Range<usize>, &str)> =
        words.iter().filter(|(word, _)| wanted.has(word)).map(|(word, range)| (range, word)).collect();
    let best = (0..marks.len()).max_by_key(|first| {
        let until = marks[*first].0.start + LEN;
        let within = marks[*first..].iter().take_while(|(range, _)| range.end <= until);
        let different: HashSet<&str> = within.map(|(_, word)| *word).collect();
        (different.len(), std::cmp::Reverse(*first))
    })?;
    let (from, to) = around(card, marks[best].0.start);
    let inside = marks.into_iter().map(|(range, _)| range).filter(|range| from <= range.start && range.end <= to);
    let marks = merged(inside.map(|range| range.start - from..range.end - from));
    Some(Snippet { text: card[from..to].to_owned(), marks })
}

/// Where a passage begins and ends: at spaces, some of it before the first word.
fn around(card: &str, first: usize) -> (usize, usize) {
    let mut from = card.floor_char_boundary(first.saturating_sub(LEN / 4));
    if from > 0 {
        from += card[from..first].find(char::is_whitespace).map_or(0, |space| space + 1);
    }
    let from = card.floor_char_boundary(from);
    let mut to = card.floor_char_boundary(from + LEN);
    if to < card.len()
        && let Some(space) = card[from..to].rfind(char::is_whitespace)
        && from + space > first
    {
        to = from + space;
    }
    (from, to)
}

fn merged(marks: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for mark in marks {
        match merged.last_mut() {
            Some(last) if mark.start <= last.end => last.end = last.end.max(mark.end),
            _ => merged.push(mark),
        }
    }
    merged
}

/// The words to mark.
struct Wanted {
    whole: HashSet<String>,
    beginnings: Vec<String>,
}

impl Wanted {
    fn of(query: &QueryText) -> Self {
        let mut wanted = Self { whole: HashSet::new(), beginnings: Vec::new() };
        for word in &query.words {
            if word.open && word.whole.len() > 1 {
                wanted.beginnings.push(word.whole.clone());
            }
            wanted.whole.insert(word.whole.clone());
            // Digits alone would mark every number.
            wanted.whole.extend(word.parts.iter().filter(|part| part.chars().count() > 1).cloned());
        }
        wanted
    }

    fn has(&self, word: &str) -> bool {
        self.whole.contains(word) || self.beginnings.iter().any(|beginning| word.starts_with(beginning.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_has_the_words_and_marks_them() {
        let card =
            format!("{} A model for Privacy-preserving text, and more privacy. {}", "lorem ".repeat(100), "ipsum ".repeat(100));
        let found = passage(&card, &QueryText::read("privacy tex")).unwrap();
        let marked: Vec<&str> = found.marks.iter().map(|mark| &found.text[mark.clone()]).collect();
        assert_eq!(marked, ["Privacy", "text", "privacy"]);
        assert!(found.text.len() <= LEN && found.text.contains("preserving"));
        assert_eq!(passage(&card, &QueryText::read("absent")), None);
    }

    #[test]
    fn passages_are_cut_between_characters() {
        let card = "日本語のモデル、テキスト生成。".repeat(60);
        let found = passage(&card, &QueryText::read("生成")).unwrap();
        assert_eq!(&found.text[found.marks[0].clone()], "生成");
    }
}
