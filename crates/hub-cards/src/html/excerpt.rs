//! The first words of a card, for lists and search.

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};

use crate::card::front_matter;

/// How much of a card is looked at.
const MAX_READ_BYTES: usize = 64 << 10;

/// The plain text of the first paragraphs of a card, at most `max_chars` characters. Headings, code,
/// tables, images and HTML are passed over.
pub fn plain_text_excerpt(text: &str, max_chars: usize) -> String {
    let body = front_matter::split(text).body;
    let body = &body[..body.floor_char_boundary(MAX_READ_BYTES)];
    if super::markdown::is_too_nested(body) {
        return String::new();
    }
    let arena = Arena::new();
    let root = parse_document(&arena, body, &Options::default());
    let mut words = String::new();
    for paragraph in root.children().filter(|node| matches!(node.data().value, NodeValue::Paragraph)) {
        if words.chars().count() > max_chars {
            break;
        }
        for node in paragraph.descendants() {
            let in_image = || node.ancestors().any(|parent| matches!(parent.data().value, NodeValue::Image(_)));
            match &node.data().value {
                NodeValue::Text(text) if !in_image() => words.push_str(text),
                NodeValue::Code(code) => words.push_str(&code.literal),
                NodeValue::SoftBreak | NodeValue::LineBreak => words.push(' '),
                _ => {}
            }
        }
        words.push(' ');
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&words, max_chars)
}

/// The words of a card without its markup, at most `max_bytes`: what search finds it by.
pub fn plain_text(text: &str, max_bytes: usize) -> String {
    let body = front_matter::split(text).body;
    let body = &body[..body.floor_char_boundary(MAX_READ_BYTES)];
    if super::markdown::is_too_nested(body) {
        return String::new();
    }
    let arena = Arena::new();
    let mut options = Options::default();
    options.extension.table = true;
    let mut words = String::new();
    for node in parse_document(&arena, body, &options).descendants() {
        match &node.data().value {
            NodeValue::Text(text) => words.push_str(text),
            NodeValue::Code(code) => words.push_str(&code.literal),
            NodeValue::CodeBlock(code) => {
                words.push(' ');
                words.push_str(&code.literal);
            }
            NodeValue::Emph | NodeValue::Strong | NodeValue::Link(_) | NodeValue::Image(_) => {}
            _ => words.push(' '),
        }
        if words.len() > max_bytes {
            break;
        }
    }
    let mut words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    words.truncate(words.floor_char_boundary(max_bytes));
    words.truncate(words.trim_end().len());
    words
}

/// Cuts between words, with an ellipsis.
fn shorten(text: &str, max_chars: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max_chars) else { return text.to_owned() };
    let cut = text[..end].rfind(' ').unwrap_or(end);
    format!("{}…", text[..cut].trim_end_matches([',', '.', ';', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_taken() {
        let card = "---\nlicense: mit\n---\n# Title\n\n![logo](a.png) This is **a** [model](x)\nthat `runs`.\n\n```\ncode\n```\n\n<b>raw</b>\n\nMore, of it.";
        assert_eq!(plain_text_excerpt(card, 200), "This is a model that runs. raw More, of it.");
        assert_eq!(plain_text_excerpt(card, 12), "This is a…");
        assert_eq!(plain_text_excerpt("", 10), "");
    }

    #[test]
    fn search_gets_every_word() {
        let card = "---\nlicense: mit\n---\n# Title\n\nThis is **b**old [model](x)\nhere.\n\n```\nlet it = 1;\n```\n\n| a | b |\n|---|---|\n| c | `d` |\n\n- one\n- two\n\n<b>raw</b>";
        assert_eq!(plain_text(card, 200), "Title This is bold model here. let it = 1; a b c d one two raw");
        assert_eq!(plain_text("né é", 4), "né");
        assert_eq!(plain_text("", 10), "");
    }
}
