//! Code in colour: syntect's grammars, few classes of our own, limits on size and time.
//!
//! Each token becomes at most one `<span class="hl-…">`, so every line is whole by itself. The
//! classes: `hl-comment`, `hl-string`, `hl-number`, `hl-constant`, `hl-keyword`, `hl-operator`,
//! `hl-function`, `hl-type`, `hl-variable`, `hl-tag`, `hl-attribute`, `hl-heading`, `hl-inserted`,
//! `hl-deleted`.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::sanitize::SafeHtml;

/// The largest file that is shown in lines.
const MAX_FILE_BYTES: usize = 2 << 20;
/// The most lines that are shown.
const MAX_LINES: usize = 20_000;
/// Files above this are shown without colour.
const MAX_COLOURED_BYTES: usize = 512 << 10;
/// Lines above this are shown without colour: grammars may take quadratic time.
const MAX_COLOURED_LINE_BYTES: usize = 2_000;
/// Lines are cut here.
const MAX_LINE_BYTES: usize = 20_000;
/// What colouring one file may take.
pub(crate) const TIME_LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 250 });

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// A source file for the file view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighlightedFile {
    /// One entry per line, without line breaks.
    pub lines: Vec<SafeHtml>,
    /// The language that was recognised, as people read it: `Python`.
    pub language: Option<String>,
    /// Whether lines, or the ends of lines, were left out.
    pub truncated: bool,
}

/// Turns a source file into lines of HTML. The grammar goes by the file's name.
pub fn highlight_lines(text: &str, file_name: &str) -> HighlightedFile {
    let shown = prefix(text, MAX_FILE_BYTES);
    let syntax = if text.len() <= MAX_COLOURED_BYTES { syntax_for_file(file_name, text) } else { None };
    let mut painter = Painter::new(syntax, Instant::now() + TIME_LIMIT);
    let mut truncated = shown.len() < text.len();
    let mut lines = Vec::new();
    for line in shown.split_inclusive('\n') {
        if lines.len() == MAX_LINES {
            truncated = true;
            break;
        }
        let visible = prefix(line, MAX_LINE_BYTES);
        truncated |= visible.len() < line.len();
        let mut html = String::new();
        painter.line(visible, &mut html);
        html.truncate(html.trim_end_matches(['\n', '\r']).len());
        lines.push(SafeHtml::trust(html));
    }
    HighlightedFile { lines, language: syntax.map(|syntax| syntax.name.clone()), truncated }
}

/// Colours a fenced block of a card.
pub(crate) fn highlight_block(code: &str, language: &str, deadline: Instant) -> String {
    let syntax = if code.len() <= MAX_COLOURED_BYTES { syntax_for_language(language) } else { None };
    let mut painter = Painter::new(syntax, deadline);
    let mut html = String::with_capacity(code.len() + code.len() / 4);
    code.split_inclusive('\n').for_each(|line| painter.line(line, &mut html));
    html
}

/// The longest prefix of at most `bytes` bytes that ends between characters.
fn prefix(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn syntax_for_file(file_name: &str, text: &str) -> Option<&'static SyntaxReference> {
    let extension = file_name.rsplit_once('.').map_or(file_name, |(_, extension)| extension);
    let first_line = prefix(text.lines().next().unwrap_or_default(), 200);
    syntax_for_language(extension)
        .or_else(|| SYNTAXES.find_syntax_by_extension(file_name))
        .or_else(|| SYNTAXES.find_syntax_by_first_line(first_line))
        .filter(|syntax| syntax.name != "Plain Text")
}

fn syntax_for_language(language: &str) -> Option<&'static SyntaxReference> {
    let language = language.to_ascii_lowercase();
    // Names that the grammars do not know, with the one that reads them well.
    let token = match language.as_str() {
        "" | "text" | "txt" | "plain" | "plaintext" | "output" => return None,
        "python3" | "py3" | "ipython" | "pycon" | "pyi" => "py",
        "shell" | "console" | "zsh" | "shell-session" | "terminal" | "fish" => "bash",
        "jsonl" | "json5" | "jsonc" | "ipynb" | "ndjson" | "geojson" => "json",
        "typescript" | "ts" | "tsx" | "jsx" | "mjs" | "cjs" | "node" => "js",
        "toml" | "ini" | "cfg" | "conf" | "properties" | "env" => "yaml",
        "c++" | "cuda" | "cu" | "cuh" | "cxx" => "cpp",
        "markdown" | "mdx" => "md",
        "svg" => "xml",
        other => other,
    };
    SYNTAXES.find_syntax_by_token(token).filter(|syntax| syntax.name != "Plain Text")
}

/// Colours line by line, and stops colouring for good when time is up.
struct Painter {
    state: Option<(ParseState, ScopeStack)>,
    deadline: Instant,
}

impl Painter {
    fn new(syntax: Option<&'static SyntaxReference>, deadline: Instant) -> Self {
        Self { state: syntax.map(|syntax| (ParseState::new(syntax), ScopeStack::new())), deadline }
    }

    fn line(&mut self, line: &str, html: &mut String) {
        if line.len() > MAX_COLOURED_LINE_BYTES || Instant::now() > self.deadline {
            self.state = None;
        }
        let Some((state, stack)) = &mut self.state else { return escape(line, html) };
        let Ok(operations) = state.parse_line(line, &SYNTAXES) else {
            self.state = None;
            return escape(line, html);
        };
        let mut start = 0;
        for (end, operation) in &operations {
            span(&line[start..*end], stack, html);
            start = *end;
            if stack.apply(operation).is_err() {
                self.state = None;
                return escape(&line[start..], html);
            }
        }
        span(&line[start..], stack, html);
    }
}

fn span(text: &str, stack: &ScopeStack, html: &mut String) {
    match class(stack).filter(|_| !text.trim().is_empty()) {
        None => escape(text, html),
        Some(class) => {
            let text_len = text.trim_end_matches(['\n', '\r']).len();
            html.push_str("<span class=\"hl-");
            html.push_str(class);
            html.push_str("\">");
            escape(&text[..text_len], html);
            html.push_str("</span>");
            escape(&text[text_len..], html);
        }
    }
}

/// Scopes and their classes; of several that match, the longest name decides.
static CLASSES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    let table = [
        ("comment", "comment"),
        ("string", "string"),
        ("punctuation.definition.string", "string"),
        ("punctuation.definition.comment", "comment"),
        ("constant", "constant"),
        ("constant.numeric", "number"),
        ("constant.character.escape", "constant"),
        ("keyword", "keyword"),
        ("keyword.operator", "operator"),
        ("keyword.operator.logical", "keyword"),
        ("storage", "keyword"),
        ("storage.type.function", "keyword"),
        ("variable.language", "keyword"),
        ("variable.parameter", "variable"),
        ("variable.function", "function"),
        ("entity.name.function", "function"),
        ("support.function", "function"),
        ("entity.name.type", "type"),
        ("entity.name.class", "type"),
        ("entity.name.struct", "type"),
        ("entity.other.inherited-class", "type"),
        ("support.type", "type"),
        ("support.class", "type"),
        ("entity.name.tag", "tag"),
        ("meta.mapping.key string", "tag"),
        ("entity.other.attribute-name", "attribute"),
        ("entity.name.section", "heading"),
        ("markup.heading", "heading"),
        ("markup.inserted", "inserted"),
        ("markup.deleted", "deleted"),
        ("meta.decorator", "attribute"),
        ("meta.annotation", "attribute"),
    ];
    let parsed = table.into_iter().filter_map(|(scope, class)| Scope::new(scope).ok().map(|scope| (scope, class)));
    parsed.collect()
});

fn class(stack: &ScopeStack) -> Option<&'static str> {
    stack.scopes.iter().rev().find_map(|scope| {
        let matching = CLASSES.iter().filter(|(prefix, _)| prefix.is_prefix_of(*scope));
        matching.max_by_key(|(prefix, _)| prefix.len()).map(|(_, class)| *class)
    })
}

/// Escapes text for HTML content and double-quoted attributes.
pub(crate) fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\0' => html.push('\u{fffd}'),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_gets_its_classes() {
        let file = highlight_lines("def f(x):\n    return 'a<b'  # why\n", "m.py");
        assert_eq!(file.language.as_deref(), Some("Python"));
        assert_eq!(file.lines.len(), 2);
        assert!(file.lines[0].as_str().contains("<span class=\"hl-function\">f</span>"), "{}", file.lines[0]);
        let second = file.lines[1].as_str();
        assert!(second.contains("a&lt;b") && second.contains("hl-string") && second.contains("hl-comment"), "{second}");
    }

    #[test]
    fn every_line_is_whole_by_itself() {
        let file = highlight_lines("x = '''\n<b>\n'''\ny = 1\n", "m.py");
        for line in &file.lines {
            assert_eq!(line.as_str().matches("<span").count(), line.as_str().matches("</span>").count(), "{line}");
            assert!(!line.as_str().contains("<b>"));
        }
    }

    #[test]
    fn unknown_files_are_plain() {
        let file = highlight_lines("<script>\r\nx & y", "data.bin");
        assert_eq!(file.language, None);
        assert_eq!(file.lines.iter().map(SafeHtml::as_str).collect::<Vec<_>>(), ["&lt;script&gt;", "x &amp; y"]);
    }

    #[test]
    fn config_files_are_recognised() {
        for (name, language) in
            [("config.json", "JSON"), ("a.yaml", "YAML"), ("run.sh", "Bourne Again Shell (bash)"), ("README.md", "Markdown")]
        {
            assert_eq!(highlight_lines("x", name).language.as_deref(), Some(language), "{name}");
        }
    }

    #[test]
    fn huge_files_and_lines_are_cut() {
        let lines = "x\n".repeat(MAX_LINES + 5);
        let file = highlight_lines(&lines, "a.txt");
        assert_eq!((file.lines.len(), file.truncated), (MAX_LINES, true));
        let file = highlight_lines(&"é".repeat(MAX_LINE_BYTES), "a.py");
        assert!(file.truncated && file.lines[0].as_str().len() <= MAX_LINE_BYTES);
    }

    #[test]
    fn colouring_stops_in_time() {
        let started = Instant::now();
        let nasty = format!("{}\n", "a(".repeat(900)).repeat(280);
        highlight_lines(&nasty, "a.py");
        assert!(started.elapsed() < TIME_LIMIT + Duration::from_secs(5), "{:?}", started.elapsed());
    }
}
