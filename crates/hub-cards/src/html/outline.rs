//! The headings of a rendered card.

use super::sanitize::SafeHtml;

/// How many headings are listed.
const MAX_HEADINGS: usize = 200;

/// A heading of a rendered card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// From 1, the largest.
    pub level: u8,
    /// The id of its anchor in the card.
    pub id: String,
    /// Its text; entities are resolved.
    pub text: String,
}

/// Lists the headings of a card that can be linked to. The sanitiser wrote the HTML, so tags are well formed.
pub fn headings(html: &SafeHtml) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut rest = html.as_str();
    while let Some(at) = rest.find("<h") {
        rest = &rest[at + 2..];
        let Some(level) = rest.bytes().next().filter(|byte| (b'1'..=b'6').contains(byte)) else { continue };
        let Some(end) = rest.find(&format!("</h{}>", level as char)) else { continue };
        let inner = &rest[1..end];
        rest = &rest[end..];
        let id = inner.split_once(" id=\"").and_then(|(_, id)| id.split_once('"'));
        let text = text_of(inner.split_once('>').map_or("", |(_, text)| text));
        if let (Some((id, _)), false) = (id, text.is_empty()) {
            found.push(Heading { level: level - b'0', id: id.to_owned(), text });
        }
        if found.len() >= MAX_HEADINGS {
            break;
        }
    }
    found
}

fn text_of(html: &str) -> String {
    let mut text = String::new();
    for (at, part) in html.split('<').enumerate() {
        let shown = if at == 0 { part } else { part.split_once('>').map_or("", |(_, text)| text) };
        text.push_str(shown);
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", " "), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, character)| text.replace(entity, character)).trim().to_owned()
}

/// The first BibTeX entry of a card's Markdown: a fenced block that begins with `@article{` or the like.
pub fn citation(body: &str) -> Option<String> {
    /// The longest that is shown apart.
    const MAX_BYTES: usize = 8 << 10;
    let mut blocks = body.split("```").skip(1).step_by(2);
    let block = blocks.find_map(|block| {
        // The first line is the block's language.
        let (_, text) = block.split_once('\n')?;
        let text = text.trim();
        let kind = text.strip_prefix('@')?.split_once('{')?.0;
        (kind.len() < 40 && kind.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some(text)
    })?;
    (block.len() <= MAX_BYTES).then(|| block.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LinkContext, render_markdown};

    #[test]
    fn headings_are_listed_with_their_anchors() {
        let id = "ada/bert".parse().unwrap();
        let context = LinkContext::new(hub_types::RepoType::Model, &id, "main", "");
        let html = render_markdown("# One & `two`\n\ntext\n\n## <b>In</b> *side*\n\n##\n", &context);
        let found: Vec<_> = headings(&html).into_iter().map(|heading| (heading.level, heading.text)).collect();
        assert_eq!(found, [(1, "One & two".to_owned()), (2, "In side".to_owned())]);
        for heading in headings(&html) {
            assert!(html.as_str().contains(&format!("id=\"{}\"", heading.id)), "{}", heading.id);
        }
        assert!(headings(&render_markdown(&"# x\n".repeat(5000), &context)).len() <= MAX_HEADINGS);
    }

    #[test]
    fn a_citation_is_found_in_its_block() {
        let body = "text\n```python\n@decorator\n```\n## Citation\n```bibtex\n@article{key,\n  title={A}\n}\n```\n";
        assert_eq!(citation(body).unwrap(), "@article{key,\n  title={A}\n}");
        assert_eq!(citation("```\n@property\ndef f(): {}\n```"), None);
        assert_eq!(citation("no block"), None);
        assert_eq!(citation(&format!("```bibtex\n@misc{{{}}}\n```", "x".repeat(10_000))), None);
    }
}
