//! Jupyter notebooks, format 4: cells and their outputs as HTML that is safe to show. Nothing of a notebook runs.

use std::time::Instant;

use serde::Deserialize;

use crate::html::highlight::{TIME_LIMIT, escape, highlight_block};
use crate::html::links::LinkContext;
use crate::html::markdown::{clean_html, render_markdown};
use crate::html::sanitize::SafeHtml;

/// The largest notebook that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// How many cells are shown.
const MAX_CELLS: usize = 500;
/// How many outputs of a cell are shown.
const MAX_OUTPUTS: usize = 20;
/// The longest printed output that is shown, in bytes.
const MAX_TEXT_BYTES: usize = 20 << 10;
/// The largest HTML output that is cleaned, in bytes.
const MAX_HTML_BYTES: usize = 200 << 10;
/// The largest picture that is shown, in bytes of base64.
const MAX_IMAGE_BYTES: usize = 2 << 20;
/// What all cells together may become, in bytes.
const MAX_TOTAL_BYTES: usize = 6 << 20;

/// A notebook as a page shows it.
#[derive(Debug, Clone, Default)]
pub struct Notebook {
    /// The cells in order.
    pub cells: Vec<Cell>,
    /// Whether cells or outputs were left out.
    pub truncated: bool,
}

/// A cell.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Whether it is code; else it is text.
    pub is_code: bool,
    /// The number of its last run.
    pub number: Option<u64>,
    /// What stands in it.
    pub source: SafeHtml,
    /// What it gave.
    pub outputs: Vec<SafeHtml>,
}

/// Reads a notebook. `None` for what is none, or of another format.
pub fn render(text: &str, context: &LinkContext) -> Option<Notebook> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let file: File = serde_json::from_str(text).ok()?;
    let language = file.metadata.language_info.map(|info| info.name).or(file.metadata.kernelspec.map(|spec| spec.language));
    let language = language.filter(|name| !name.is_empty()).unwrap_or_else(|| "python".to_owned());
    let deadline = Instant::now() + TIME_LIMIT;
    let mut notebook = Notebook { truncated: file.cells.len() > MAX_CELLS, ..Notebook::default() };
    let mut left = MAX_TOTAL_BYTES;
    for cell in file.cells.into_iter().take(MAX_CELLS) {
        let cell = render_cell(cell, &language, context, deadline, &mut notebook.truncated);
        let size = cell.source.as_str().len() + cell.outputs.iter().map(|output| output.as_str().len()).sum::<usize>();
        let Some(rest) = left.checked_sub(size) else {
            notebook.truncated = true;
            break;
        };
        left = rest;
        notebook.cells.push(cell);
    }
    Some(notebook)
}

fn render_cell(cell: FileCell, language: &str, context: &LinkContext, deadline: Instant, truncated: &mut bool) -> Cell {
    let source = cell.source.into_text();
    if cell.cell_type == "markdown" {
        return Cell { is_code: false, number: None, source: render_markdown(&source, context), outputs: Vec::new() };
    }
    let is_code = cell.cell_type == "code";
    let mut html = "<pre><code>".to_owned();
    match is_code {
        true => html.push_str(&highlight_block(&source, language, deadline)),
        false => escape(&source, &mut html),
    }
    html.push_str("</code></pre>");
    *truncated |= cell.outputs.len() > MAX_OUTPUTS;
    let outputs = cell.outputs.into_iter().take(MAX_OUTPUTS);
    let outputs = outputs.filter_map(|output| render_output(output, context, truncated)).collect();
    Cell { is_code, number: cell.execution_count, source: SafeHtml::trust(html), outputs }
}

/// The richest form of an output that is safe: a picture, cleaned HTML, text.
fn render_output(output: Output, context: &LinkContext, truncated: &mut bool) -> Option<SafeHtml> {
    if !output.traceback.is_empty() || output.output_type == "error" {
        let text = if output.traceback.is_empty() {
            format!("{}: {}", output.ename, output.evalue)
        } else {
            output.traceback.join("\n")
        };
        return Some(printed(&text, truncated));
    }
    let data = output.data;
    for (kind, picture) in [("png", data.png), ("jpeg", data.jpeg)] {
        let Some(picture) = picture else { continue };
        let code: String = picture.into_text().split_ascii_whitespace().collect();
        let is_base64 = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        if is_base64 && code.len() <= MAX_IMAGE_BYTES {
            return Some(SafeHtml::trust(format!("<img src=\"data:image/{kind};base64,{code}\" alt=\"Output of the cell\">")));
        }
        *truncated = true;
    }
    let html = data.html.map(Text::into_text).filter(|html| html.len() <= MAX_HTML_BYTES);
    if let Some(html) = html.and_then(|html| clean_html(&html, context)).filter(|html| !html.as_str().trim().is_empty()) {
        return Some(html);
    }
    if let Some(text) = data.markdown {
        return Some(render_markdown(&text.into_text(), context));
    }
    let text = data.plain.or(output.text)?.into_text();
    (!text.is_empty()).then(|| printed(&text, truncated))
}

/// Text as a terminal would print it, without its colours.
fn printed(text: &str, truncated: &mut bool) -> SafeHtml {
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    *truncated |= end < text.len();
    let mut html = "<pre>".to_owned();
    escape(&without_colours(&text[..end]), &mut html);
    html.push_str("</pre>");
    SafeHtml::trust(html)
}

/// Leaves out escape sequences: `ESC [`, parameters, a letter.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.strip_prefix('[').unwrap_or(part);
        plain.push_str(rest.find(|character: char| character.is_ascii_alphabetic()).map_or("", |end| &rest[end + 1..]));
    }
    plain
}

/// A notebook's JSON, as far as it is shown; everything else is passed over while it is read.
#[derive(Deserialize)]
struct File {
    cells: Vec<FileCell>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    language_info: Option<LanguageInfo>,
    #[serde(default)]
    kernelspec: Option<KernelSpec>,
}

#[derive(Deserialize)]
struct LanguageInfo {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct KernelSpec {
    #[serde(default)]
    language: String,
}

#[derive(Deserialize)]
struct FileCell {
    cell_type: String,
    #[serde(default)]
    source: Text,
    #[serde(default)]
    execution_count: Option<u64>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    output_type: String,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    ename: String,
    #[serde(default)]
    evalue: String,
    #[serde(default)]
    traceback: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(rename = "image/png")]
    png: Option<Text>,
    #[serde(rename = "image/jpeg")]
    jpeg: Option<Text>,
    #[serde(rename = "text/html")]
    html: Option<Text>,
    #[serde(rename = "text/markdown")]
    markdown: Option<Text>,
    #[serde(rename = "text/plain")]
    plain: Option<Text>,
}

/// A text, whole or in lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Whole(String),
    Lines(Vec<String>),
}

impl Default for Text {
    fn default() -> Self {
        Self::Whole(String::new())
    }
}

impl Text {
    fn into_text(self) -> String {
        match self {
            Self::Whole(text) => text,
            Self::Lines(lines) => lines.concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(notebook: &serde_json::Value) -> Notebook {
        let context = LinkContext::new(hub_types::RepoType::Model, &"ada/bert".parse().unwrap(), "main", "");
        render(&notebook.to_string(), &context).unwrap()
    }

    #[test]
    fn cells_and_outputs_are_shown() {
        let notebook = shown(&json!({"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "text"]},
            {"cell_type": "code", "execution_count": 3, "source": "print(1)", "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["\u{1b}[31m1\u{1b}[0m\n"]},
                {"output_type": "display_data", "data": {"image/png": "iVBORw0K\nGgo=", "text/plain": "<Figure>"}},
                {"output_type": "execute_result", "data": {"text/html": "<table><tr><td>7</td></tr></table>"}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a", "b"]},
            ]},
            {"cell_type": "raw", "source": "<b>raw</b>"},
        ]}));
        let html: Vec<&str> = notebook.cells[1].outputs.iter().map(SafeHtml::as_str).collect();
        assert!(notebook.cells[0].source.as_str().contains("Title"));
        assert_eq!(notebook.cells[1].number, Some(3));
        assert_eq!(html[0], "<pre>1\n</pre>");
        assert!(html[1].contains("data:image/png;base64,iVBORw0KGgo="));
        assert!(html[2].contains("<td>7</td>"));
        assert_eq!(html[3], "<pre>a\nb</pre>");
        assert!(notebook.cells[2].source.as_str().contains("&lt;b&gt;raw"));
        assert!(!notebook.truncated);
    }

    #[test]
    fn nothing_of_a_hostile_notebook_runs() {
        let script = "<script>alert(1)</script><img src=x onerror=alert(1)><p>kept</p>";
        let notebook = shown(&json!({"cells": [
            {"cell_type": "markdown", "source": script},
            {"cell_type": "code", "source": script, "outputs": [
                {"data": {"text/html": script}},
                {"data": {"application/javascript": "alert(1)", "text/plain": script}},
                {"data": {"image/svg+xml": script, "text/plain": "svg"}},
                {"data": {"image/png": "x\" onload=\"alert(1)", "text/plain": "png"}},
                {"output_type": "stream", "text": script},
            ]},
        ]}));
        let all: String =
            notebook.cells.iter().flat_map(|cell| cell.outputs.iter().chain([&cell.source])).map(SafeHtml::as_str).collect();
        assert!(all.contains("kept") && !all.contains("<script") && !all.contains("<img src=\"x"), "{all}");
        assert!(!all.contains(" onerror=alert(1)>"), "{all}");
    }

    #[test]
    fn large_notebooks_are_cut() {
        let cell = json!({"cell_type": "code", "source": "x", "outputs": [{"text": "y".repeat(100_000)}]});
        let notebook = shown(&json!({"cells": vec![cell; 60]}));
        assert!(notebook.truncated && notebook.cells[0].outputs[0].as_str().len() < 30_000);
        let notebook = shown(&json!({"cells": vec![json!({"cell_type": "markdown", "source": "x"}); 2_000]}));
        assert!(notebook.truncated && notebook.cells.len() == MAX_CELLS);
        let context = LinkContext::new(hub_types::RepoType::Model, &"ada/bert".parse().unwrap(), "main", "");
        for text in ["", "{}", "[]", "{\"cells\": 3}", &"[".repeat(1 << 20), &" ".repeat(MAX_BYTES + 1)] {
            assert!(render(text, &context).is_none());
        }
    }
}
