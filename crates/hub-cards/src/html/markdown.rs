//! Markdown of cards to HTML.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use comrak::adapters::SyntaxHighlighterAdapter;
use comrak::nodes::{AstNode, NodeValue};
use comrak::options::Plugins;
use comrak::{Arena, Options, format_html_with_plugins, parse_document};

use super::highlight::{TIME_LIMIT, escape, highlight_block};
pub use super::links::LinkContext;
use super::math::{Placement, to_mathml};
use super::sanitize::{SafeHtml, sanitize};

/// The largest card that is rendered; a larger one is shown as its source, cut here.
pub const MAX_MARKDOWN_BYTES: usize = 1 << 20;
/// How deep quotes, lists and emphasis may nest before the source is shown instead.
const MAX_NESTING: usize = 100;
/// How many HTML tags may be open at once.
const MAX_OPEN_TAGS: usize = 400;
/// How many attributes one tag may have: the HTML parser compares each with all before it.
const MAX_ATTRIBUTES: usize = 200;
/// How many times a card may speak of footnotes; each is linked with all its references.
const MAX_FOOTNOTES: usize = 2_000;
/// The most HTML that a card may become.
const MAX_HTML_BYTES: usize = 6 << 20;
/// How many bytes may be looked at while text is escaped: some tenths of a second.
const MAX_TEXT_COST: u64 = 1 << 30;
/// How many formulas are set in one card.
const MAX_FORMULAS: usize = 2_000;

/// Renders Markdown (GitHub's dialect, with alerts, footnotes and `$`-formulas) and raw HTML in it
/// to HTML that is safe to show. `text` is the body, without front matter. What cannot be rendered
/// within the limits is shown as its source.
pub fn render_markdown(text: &str, context: &LinkContext) -> SafeHtml {
    let footnotes = text.match_indices("[^").take(MAX_FOOTNOTES + 1).count();
    if text.len() > MAX_MARKDOWN_BYTES || footnotes > MAX_FOOTNOTES || is_too_nested(text) {
        return source(text);
    }
    let arena = Arena::new();
    let options = options();
    let root = parse_document(&arena, text, &options);
    if depth_exceeds(root, MAX_NESTING) {
        return source(text);
    }
    set_formulas(root);
    show_films(root, context);
    let highlighter = Highlighter { deadline: Instant::now() + TIME_LIMIT };
    let mut plugins = Plugins::default();
    plugins.render.codefence_syntax_highlighter = Some(&highlighter);
    let mut output = Limited(String::with_capacity(text.len() * 2));
    match format_html_with_plugins(root, &options, &mut output, &plugins) {
        Ok(()) if !is_tangled(&output.0) && !is_slow_text(&output.0) => sanitize(&output.0, context),
        Ok(()) | Err(fmt::Error) => source(text),
    }
}

/// Cleans HTML that comes without Markdown around it. `None` for what would take long.
pub(crate) fn clean_html(html: &str, context: &LinkContext) -> Option<SafeHtml> {
    (html.len() <= MAX_HTML_BYTES && !is_tangled(html) && !is_slow_text(html)).then(|| sanitize(html, context))
}

/// Text that stops growing at [`MAX_HTML_BYTES`].
struct Limited(String);

impl fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_HTML_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.extension.math_dollars = true;
    options.extension.header_id_prefix = Some(String::new());
    options.render.tasklist_classes = true;
    // Raw HTML passes here and meets the sanitiser with everything else.
    options.render.r#unsafe = true;
    options
}

/// The text itself, for what is too large or too tangled to render.
fn source(text: &str) -> SafeHtml {
    let mut html = "<pre><code>".to_owned();
    escape(&text[..text.floor_char_boundary(MAX_MARKDOWN_BYTES)], &mut html);
    html.push_str("</code></pre>");
    SafeHtml::trust(html)
}

/// Whether a line opens more quotes and lists, or the text more brackets, than anyone means. The
/// parser takes time quadratic in these, so they are counted before it starts.
pub(super) fn is_too_nested(text: &str) -> bool {
    let containers = |line: &str| {
        let markers = line
            .bytes()
            .take(4_096)
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'>' | b'-' | b'+' | b'*' | b'0'..=b'9' | b'.' | b')'));
        let mut count = 0;
        let mut dashes = 0;
        for byte in markers {
            match byte {
                b'>' => count += 1,
                b'-' | b'+' | b'*' | b'.' | b')' => dashes += 1,
                _ => {}
            }
        }
        // `- - - -` opens a list each; `-----` is a rule.
        if line.contains("- -") || line.contains("* *") || line.contains("+ +") || line.contains(". ") {
            count + dashes
        } else {
            count
        }
    };
    let indent = |line: &str| line.bytes().take_while(|byte| *byte == b' ').count();
    text.lines().any(|line| containers(line) > MAX_NESTING || (indent(line) > 4 * MAX_NESTING && line.len() < 2 * indent(line)))
}

fn depth_exceeds<'a>(root: &'a AstNode<'a>, limit: usize) -> bool {
    let mut stack = vec![(root, 0)];
    while let Some((node, depth)) = stack.pop() {
        if depth > limit {
            return true;
        }
        stack.extend(node.children().map(|child| (child, depth + 1)));
    }
    false
}

/// Whether writing the text of this HTML would take long: the serializer behind the sanitiser looks through the rest of
/// a run of text at every character that has to be escaped.
fn is_slow_text(html: &str) -> bool {
    let mut cost = 0_u64;
    for run in html.split(['<', '>']) {
        let escaped = run.bytes().filter(|byte| matches!(byte, b'&' | 0xa0)).count() as u64;
        cost += escaped * run.len() as u64;
    }
    cost > MAX_TEXT_COST
}

/// Whether HTML has too many tags open at one point, or too many attributes in one tag, counted roughly: the
/// parser behind the sanitiser takes time quadratic in both.
fn is_tangled(html: &str) -> bool {
    let bytes = html.as_bytes();
    let (mut open, mut attributes, mut quote, mut in_tag) = (0usize, 0usize, None, false);
    for (at, byte) in bytes.iter().enumerate() {
        if let Some(mark) = quote {
            quote = (*byte != mark).then_some(mark);
            continue;
        }
        match (in_tag, byte) {
            (true, b'>') => in_tag = false,
            (true, b'"' | b'\'') if at > 0 && bytes[at - 1] == b'=' => quote = Some(*byte),
            (true, b' ' | b'\t' | b'\n' | b'/') => attributes += 1,
            (false, b'<') => {
                let rest = &bytes[at + 1..];
                match rest.first() {
                    Some(b'/') => open = open.saturating_sub(1),
                    Some(first) if first.is_ascii_alphabetic() => {
                        (in_tag, attributes) = (true, 0);
                        open += usize::from(!is_void(rest));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        if open > MAX_OPEN_TAGS || attributes > MAX_ATTRIBUTES {
            return true;
        }
    }
    false
}

fn is_void(rest: &[u8]) -> bool {
    let name: Vec<u8> = rest.iter().take(8).take_while(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    let optional_end = [&b"p"[..], b"li", b"td", b"th", b"tr", b"dt", b"dd"];
    let void = [&b"br"[..], b"hr", b"img", b"input", b"source", b"col", b"wbr", b"mspace"];
    void.contains(&name.as_slice()) || optional_end.contains(&name.as_slice())
}

fn set_formulas<'a>(root: &'a AstNode<'a>) {
    let mut left = MAX_FORMULAS;
    for node in root.descendants() {
        let html = match &node.data().value {
            NodeValue::Math(math) if math.dollar_math => {
                let placement = if math.display_math { Placement::Display } else { Placement::Inline };
                formula(&math.literal, placement, &mut left)
            }
            NodeValue::CodeBlock(block) if block.info.trim() == "math" => formula(&block.literal, Placement::Display, &mut left),
            _ => continue,
        };
        // The text of an image becomes an attribute, which holds no elements.
        if !node.ancestors().skip(1).any(|parent| matches!(parent.data().value, NodeValue::Image(_))) {
            node.data_mut().value = NodeValue::Raw(html);
        }
    }
}

/// Makes players of films that were added to comments and stand there as a bare address, as `huggingface_hub` writes them.
fn show_films<'a>(root: &'a AstNode<'a>, context: &LinkContext) {
    // The tree must not change under who walks it.
    let films: Vec<_> = root.descendants().filter_map(|node| Some((node, film_of(node, context)?))).collect();
    for (node, film) in films {
        for child in node.children() {
            child.detach();
        }
        // Nothing in such an address needs escaping.
        node.data_mut().value = NodeValue::Raw(format!("<video src=\"{film}\"></video>"));
    }
}

/// The film that a link leads to, if its text is just its address.
fn film_of<'a>(node: &'a AstNode<'a>, context: &LinkContext) -> Option<String> {
    let data = node.data();
    let NodeValue::Link(link) = &data.value else { return None };
    let film = context.upload(&link.url).filter(|path| [".mp4", ".mov", ".webm"].iter().any(|ending| path.ends_with(ending)))?;
    let text = node.first_child().filter(|child| child.next_sibling().is_none())?;
    let is_bare = matches!(&text.data().value, NodeValue::Text(text) if *text == link.url);
    is_bare.then(|| film.to_owned())
}

fn formula(tex: &str, placement: Placement, left: &mut usize) -> String {
    let mathml = left.checked_sub(1).and_then(|rest| {
        *left = rest;
        to_mathml(tex.trim(), placement)
    });
    mathml.unwrap_or_else(|| {
        let mut html = "<code>".to_owned();
        escape(tex, &mut html);
        html.push_str("</code>");
        html
    })
}

/// Feeds fenced blocks to the highlighter; all blocks of a card share its time.
struct Highlighter {
    deadline: Instant,
}

impl SyntaxHighlighterAdapter for Highlighter {
    fn write_highlighted(&self, output: &mut dyn fmt::Write, language: Option<&str>, code: &str) -> fmt::Result {
        // `python title="x"` and `{.python}` are seen too.
        let language = language.unwrap_or_default().trim_start_matches(['{', '.']);
        let end = language.find(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}')).unwrap_or(language.len());
        output.write_str(&highlight_block(code, &language[..end], self.deadline))
    }

    fn write_pre_tag(&self, output: &mut dyn fmt::Write, _: HashMap<&'static str, Cow<'_, str>>) -> fmt::Result {
        output.write_str("<pre>")
    }

    fn write_code_tag(&self, output: &mut dyn fmt::Write, attributes: HashMap<&'static str, Cow<'_, str>>) -> fmt::Result {
        let mut html = String::from("<code");
        if let Some(class) = attributes.get("class") {
            html.push_str(" class=\"");
            escape(class, &mut html);
            html.push('"');
        }
        html.push('>');
        output.write_str(&html)
    }
}

#[cfg(test)]
mod tests;
