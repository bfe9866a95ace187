//! Words: how texts and queries are cut into what is searched for.
//!
//! A text is cut at everything that is not a letter or digit. Each piece is kept whole and, where its case or kind of
//! character changes (`Qwen2`, `camelCase`), also in parts. Case and accents are folded. Scripts without spaces become
//! pairs of characters.

use unicode_normalization::UnicodeNormalization;

use crate::query::{MAX_QUERY_BYTES, MAX_QUERY_WORDS};

/// Longer words are cut: nobody types them, and encoded data in cards would fill the dictionary.
const MAX_WORD_BYTES: usize = 48;

/// The beginning of `text`, at most `max` bytes, ending between characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Where a word lies in its text and in [`Words`].
#[derive(Debug, Clone, Copy)]
struct Span {
    from: usize,
    to: usize,
    start: usize,
    end: usize,
}

/// The words of a text. Reused from text to text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    folded: String,
    spans: Vec<Span>,
}

impl Words {
    /// The words of `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut words = Self::default();
        words.read(text);
        words
    }

    /// Replaces the words by those of `text`.
    pub(crate) fn read(&mut self, text: &str) {
        self.folded.clear();
        self.spans.clear();
        for piece in Pieces::new(text) {
            if piece.unspaced {
                self.push_pairs(text, piece.start, piece.end);
            } else {
                self.push(text, piece.start, piece.end);
                let parts = parts(&text[piece.start..piece.end]);
                for (start, end) in parts {
                    self.push(text, piece.start + start, piece.start + end);
                }
            }
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The folded word at `index`, and which bytes of the text it is.
    pub(crate) fn get(&self, index: usize) -> Option<(&str, std::ops::Range<usize>)> {
        let span = self.spans.get(index)?;
        Some((&self.folded[span.from..span.to], span.start..span.end))
    }

    /// Each word in turn.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    fn push(&mut self, text: &str, start: usize, end: usize) {
        let from = self.folded.len();
        fold_into(&text[start..end], &mut self.folded);
        if self.folded.len() > from + MAX_WORD_BYTES {
            let to = self.folded.floor_char_boundary(from + MAX_WORD_BYTES);
            self.folded.truncate(to);
        }
        if self.folded.len() > from {
            self.spans.push(Span { from, to: self.folded.len(), start, end });
        }
    }

    fn push_pairs(&mut self, text: &str, start: usize, end: usize) {
        let starts: Vec<usize> = text[start..end].char_indices().map(|(at, _)| start + at).chain([end]).collect();
        if starts.len() == 2 {
            self.push(text, start, end);
        }
        for pair in starts.windows(3) {
            self.push(text, pair[0], pair[2]);
        }
    }
}

/// Lower case, without accents.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        return;
    }
    for c in text.nfkd().flat_map(char::to_lowercase) {
        match c {
            '\u{300}'..='\u{36f}' => {}
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'đ' => out.push('d'),
            'ł' => out.push('l'),
            'ı' => out.push('i'),
            _ => out.push(c),
        }
    }
}

/// Whether a script is written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x323af)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(u32::from(c), 0x300..=0x36f)
}

struct Piece {
    start: usize,
    end: usize,
    unspaced: bool,
}

/// Runs of letters and digits of one way of writing.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let rest = &self.text[self.at..];
        let (skip, first) = rest.char_indices().find(|(_, c)| is_word(*c))?;
        let unspaced = is_unspaced(first);
        let start = self.at + skip;
        let len = self.text[start..]
            .char_indices()
            .find(|(_, c)| !is_word(*c) || is_unspaced(*c) != unspaced)
            .map_or(self.text.len() - start, |(at, _)| at);
        self.at = start + len;
        Some(Piece { start, end: self.at, unspaced })
    }
}

#[derive(PartialEq, Clone, Copy)]
enum Class {
    Lower,
    Upper,
    Digit,
}

/// The parts of a piece, if there are at least two: it is cut between letters and digits, before a capital that follows
/// a small letter, and before the last of several capitals (`XMLParser`).
fn parts(piece: &str) -> Vec<(usize, usize)> {
    let class = |c: char| match c {
        c if c.is_numeric() => Class::Digit,
        c if c.is_uppercase() => Class::Upper,
        _ => Class::Lower,
    };
    let mut cuts = vec![0];
    let mut before: Option<(usize, Class)> = None;
    let mut before_that: Option<Class> = None;
    for (at, c) in piece.char_indices() {
        let now = class(c);
        if let Some((previous_at, previous)) = before {
            match (previous, now) {
                (Class::Lower, Class::Upper) => cuts.push(at),
                (Class::Digit, Class::Lower | Class::Upper) | (Class::Lower | Class::Upper, Class::Digit) => cuts.push(at),
                (Class::Upper, Class::Lower) if before_that == Some(Class::Upper) => cuts.push(previous_at),
                _ => {}
            }
            before_that = Some(previous);
        }
        before = Some((at, now));
    }
    if cuts.len() == 1 {
        return Vec::new();
    }
    cuts.push(piece.len());
    cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// A text without anything but its letters and digits, folded: by this names are compared with what was typed, so that
/// `bert base` finds `BERT-base`.
pub(crate) fn joined(text: &str) -> String {
    let mut folded = fold(text);
    folded.retain(char::is_alphanumeric);
    folded
}

/// One word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryWord {
    /// As typed, folded; empty for a script without spaces.
    pub(crate) whole: String,
    /// Parts that together stand for it: of `Qwen2`, `qwen` and `2`.
    pub(crate) parts: Vec<String>,
    /// Whether it may go on: the last one, if nothing follows it.
    pub(crate) open: bool,
}

/// A query as it is searched for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct QueryText {
    pub(crate) words: Vec<QueryWord>,
    pub(crate) truncated: bool,
    /// What was typed, [`joined`]; the owner and the name apart if there was a slash.
    pub(crate) name: String,
    pub(crate) owner: Option<String>,
}

impl QueryText {
    /// Reads what somebody typed. Whatever it is, this is bounded and does not fail.
    pub(crate) fn read(typed: &str) -> Self {
        let text = cut(typed, MAX_QUERY_BYTES);
        let mut words: Vec<QueryWord> = Vec::new();
        let mut pieces = Pieces::new(text);
        for piece in pieces.by_ref().take(MAX_QUERY_WORDS) {
            let source = &text[piece.start..piece.end];
            let open = piece.end == text.len();
            let word = if piece.unspaced {
                let pairs = Words::of(source);
                QueryWord { whole: String::new(), parts: pairs.iter().map(|(pair, _)| pair.to_owned()).collect(), open }
            } else {
                let parts = parts(source).into_iter().map(|(start, end)| fold(&source[start..end])).collect();
                QueryWord { whole: cut(&fold(source), MAX_WORD_BYTES).to_owned(), parts, open }
            };
            if !words.iter().any(|known| known.whole == word.whole && known.parts == word.parts) {
                words.push(word);
            }
        }
        let truncated = text.len() < typed.len() || pieces.next().is_some();
        let (owner, name) = match text.split_once('/') {
            Some((owner, name)) => (Some(joined(owner)), joined(name)),
            None => (None, joined(text)),
        };
        Self { words, truncated, name, owner }
    }

    /// Whether there is nothing to search for.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Words::of(text).iter().map(|(word, _)| word.to_owned()).collect()
    }

    #[test]
    fn names_are_cut_and_kept_whole() {
        assert_eq!(words("bert-base_uncased"), ["bert", "base", "uncased"]);
        assert_eq!(words("Qwen2.5-7B"), ["qwen2", "qwen", "2", "5", "7b", "7", "b"]);
        assert_eq!(words("camelCase XMLParser"), ["camelcase", "camel", "case", "xmlparser", "xml", "parser"]);
        assert_eq!(words("CamemBERT"), ["camembert", "camem", "bert"]);
    }

    #[test]
    fn accents_and_scripts_without_spaces() {
        assert_eq!(words("Größe éléphant"), ["grosse", "elephant"]);
        assert_eq!(words("中文模型 BERT"), ["中文", "文模", "模型", "bert"]);
        assert_eq!(words("猫"), ["猫"]);
    }

    #[test]
    fn marks_lie_on_characters() {
        let text = "naïve İstanbul 中文字";
        for (_, range) in Words::of(text).iter() {
            assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
        }
    }

    #[test]
    fn long_and_hostile_queries_are_bounded() {
        let long = QueryText::read(&"word ".repeat(2_000));
        assert!(long.truncated);
        assert_eq!(long.words.len(), 1, "the same word is searched for once");
        let many: String = (0..400).map(|n| format!("w{n} ")).collect();
        let many = QueryText::read(&many);
        assert!(many.truncated);
        assert_eq!(many.words.len(), MAX_QUERY_WORDS);
        assert!(QueryText::read("\0\u{1}\u{7f} :\"()[]{}^~*?\\/ \u{202e}").is_empty());
        assert!(QueryText::read(&"é".repeat(10_000)).truncated);
    }

    #[test]
    fn the_last_word_is_open_until_something_follows() {
        let open: Vec<bool> = QueryText::read("bert ba").words.iter().map(|word| word.open).collect();
        assert_eq!(open, [false, true]);
        assert!(!QueryText::read("bert ").words[0].open);
    }
}
