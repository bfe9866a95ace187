//! Front matter, Markdown and what is derived from them.

use std::collections::BTreeMap;

use hub_cards::derive::{Input, SMALL_FILES, derive};
use hub_cards::{
    CardMetadata, Gate, GateKind, KeyValue, LinkContext, citation, front_matter, headings, highlight_lines, infer,
    merge_metadata, plain_text, plain_text_excerpt, render_markdown, set_key, validate,
};
use hub_types::RepoType;
use proptest::prelude::*;

use crate::hostile::{damage, damaged, damaged_text, taken, within};

const MIB: usize = 1 << 20;
const CARD: &str = r#"---
language: [en, de]
license: apache-2.0   # a comment
tags:
  - text-generation
  - "arxiv:1706.03762"
base_model: ada/bert
base_model_relation: finetune
datasets: &d
  - ada/texts
configs:
  - config_name: default
    data_files: [{split: train, path: "data/*.csv"}]
also: *d
model-index:
  - name: bert
    results:
      - task: {type: text-classification}
        dataset: {name: imdb, type: imdb}
        metrics: [{type: accuracy, value: 0.91}]
---
# Bert

Some *text* with a [link](docs/a.md), an ![image](a.png), `code`, $x^2$ and a footnote[^1].

> [!NOTE]
> A quote.

| a | b |
|---|---|
| 1 | 2 |

```python
print("hello")
```

- [x] done
  1. inner

<details><summary>More</summary><b>raw</b> <img src="b.png" onerror="x()"></details>

$$\frac{1}{\sqrt{2}}$$

```bibtex
@misc{ada, title={Bert}}
```

[^1]: The note.
"#;
const WORDS: &[&str] = &[
    "---\n",
    "\n---",
    "\u{feff}",
    "\r\n",
    "&a ",
    "*a ",
    "<<: *d\n",
    "[[[[[[[[[[",
    "{a: {a: {a: ",
    "? ",
    "!!binary ",
    "|\n",
    "'",
    "\"",
    "> > > > ",
    "- - - - ",
    "**",
    "_*_*",
    "[",
    "](",
    "![",
    "[^1]",
    "`",
    "````",
    "$",
    "$$",
    "\\frac{",
    "\\left(",
    "{{{{",
    "<b><i>",
    "<table><td>",
    "<script>",
    "<svg onload=x>",
    "<a href=javascript:x>",
    "<!--",
    "]]>",
    "&#x41;",
    "&amp;",
    "\u{202e}",
    "\u{0}",
    "é",
    "𝄞",
    "|||||",
    "\t",
];
const GATED: &str = r#"---
license: other
extra_gated_heading: Say who you are
extra_gated_prompt: |
  You agree to *nothing bad*.
extra_gated_fields:
  Name: text
  Country: country
  "Born: on": date_picker
  I want to use this for:
    type: select
    options: [Research, {label: Something else, value: other}]
  Where: ip_location
  I agree: checkbox
---
# Behind a gate
"#;
const GATE_WORDS: &[&str] = &[
    "[]",
    "csrf_token: text\n",
    "csrf_token[]: text\n",
    "\"\\0\": text\n",
    "extra_gated_fields:\n",
    "type: select",
    "options: [\"\\0\", \" \"]",
    "- ",
    ": ",
    "&a ",
    "*a ",
    "? ",
    "\"",
    "\t",
    "\u{0}",
    "é",
    "---\n",
];
const KEYS: &[&str] = &["license", "tags", "base_model", "language", "new-key", "datasets", "configs"];

fn context() -> LinkContext {
    LinkContext::new(RepoType::Model, &"ada/bert".parse().unwrap(), "main", "docs")
}

/// The tags of HTML with their attributes, read as browsers do: quotes hide what is in them.
fn tags(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, behind)) = rest.split_once('<') {
        let (mut outside, mut attributes) = (String::new(), Vec::new());
        let mut characters = behind.char_indices();
        let mut end = behind.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '>' => {
                    end = at;
                    break;
                }
                '"' => {
                    let value: String =
                        characters.by_ref().map(|(_, character)| character).take_while(|found| *found != '"').collect();
                    let name = outside.split_whitespace().next_back().unwrap_or_default().trim_end_matches('=').to_owned();
                    attributes.push((name, value));
                }
                other => outside.extend(other.to_lowercase()),
            }
        }
        let name = outside.split_whitespace().next().unwrap_or_default().to_owned();
        let bare = outside.split_whitespace().skip(1).map(|word| (word.trim_end_matches('=').to_owned(), String::new()));
        attributes.extend(bare);
        tags.push((name, attributes));
        rest = &behind[end..];
    }
    tags
}

/// Nobody's card brings anything that runs, loads or sends into a page of the hub.
pub(crate) fn is_safe(html: &str) -> Result<(), TestCaseError> {
    for (name, attributes) in tags(html) {
        let forbidden = ["script", "style", "iframe", "object", "embed", "form", "base", "meta", "link"];
        prop_assert!(!forbidden.contains(&name.as_str()), "<{name}> in {html}");
        for (attribute, value) in attributes {
            prop_assert!(!attribute.starts_with("on"), "{attribute} in {html}");
            let start: String = value.chars().filter(|found| !found.is_control() && !found.is_whitespace()).take(12).collect();
            let start = start.to_lowercase();
            let leads = ["href", "src", "action", "poster", "data", "srcset"].contains(&attribute.as_str());
            prop_assert!(!leads || !(start.starts_with("javascript:") || start.starts_with("data:text")), "{value} in {html}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn front_matter_of_cards(changes in damage()) {
        let text = damaged_text(CARD, WORDS, &changes);
        let parts = front_matter::split(&text);
        prop_assert!(text.ends_with(parts.body));
        let (read, took) = taken(|| front_matter::parse(&text));
        within(took, text.len(), 8 * MIB, 100, 2000)?;
        if let Err(error) = &read {
            prop_assert!(error.line().is_none_or(|line| line >= 1 && line <= text.lines().count() + 2), "{error:?}");
        }
        let (_, took) = taken(|| [RepoType::Model, RepoType::Dataset, RepoType::Space].map(|kind| validate(&text, kind)));
        within(took, text.len(), 16 * MIB, 300, 10_000)?;
        let (_, took) = taken(|| infer_all(&text));
        within(took, text.len(), 16 * MIB, 300, 10_000)?;
    }

    /// Every field has a name of its own that no form of the hub has, and what is taken is what was asked, as the database keeps it.
    #[test]
    fn gates_of_cards(changes in damage(), answer in ".{0,20}|[\\x00-\\x20]{0,8}") {
        let text = damaged_text(GATED, GATE_WORDS, &changes);
        let (gate, took) = taken(|| Gate::read(&text));
        within(took, text.len(), 16 * MIB, 300, 10_000)?;
        prop_assert!(gate.fields.len() <= 40);
        for (index, field) in gate.fields.iter().enumerate() {
            let label = &field.label;
            prop_assert!(!label.is_empty() && label != "csrf_token" && !label.ends_with("[]"), "{label:?}");
            prop_assert!(!label.chars().any(char::is_control), "{label:?}");
            prop_assert!(gate.fields[..index].iter().all(|other| other.label != *label), "{label:?} twice");
        }
        let (collected, took) = taken(|| {
            let given = |label: &str| {
                let field = gate.fields.iter().find(|field| field.label == label)?;
                Some(match &field.kind {
                    GateKind::Select(options) => options[0].value.as_str(),
                    GateKind::Checkbox => "on",
                    GateKind::Date => "2026-01-31",
                    GateKind::Country => "fr",
                    GateKind::Text | GateKind::Location => answer.as_str(),
                })
            };
            gate.collect(given, "192.0.2.1")
        });
        within(took, text.len() + answer.len(), 4 * MIB, 100, 4000)?;
        match collected {
            Ok(answers) => {
                prop_assert_eq!(answers.len(), gate.fields.len());
                let has_nul = answers.values().any(|answer| answer.as_str().is_some_and(|text| text.contains('\0')));
                prop_assert!(!has_nul, "{:?}", answers);
            }
            Err(problems) => prop_assert!(problems.iter().all(|problem| problem.index < gate.fields.len())),
        }
    }

    /// What is set is what is read, and nothing else changes.
    #[test]
    fn keys_that_are_set_are_read(changes in damage(), key in 0..KEYS.len(), texts in prop::collection::vec("[ -~]{0,12}|[\u{a0}-\u{ff}]{1,4}", 0..3)) {
        let text = damaged_text(CARD, WORDS, &changes);
        let Some(yaml) = front_matter::split(&text).yaml else { return Ok(()) };
        let value = match texts.as_slice() {
            [] => KeyValue::Absent,
            [one] => KeyValue::Text(one.clone()),
            many => KeyValue::List(many.to_vec()),
        };
        let key = KEYS[key];
        let (changed, took) = taken(|| set_key(yaml, key, &value));
        within(took, text.len(), 16 * MIB, 300, 10_000)?;
        let Some(changed) = changed else { return Ok(()) };
        let read = |yaml: &str| front_matter::parse(&format!("---\n{yaml}\n---\n"));
        let (mut before, mut after) = (read(yaml).unwrap(), read(&changed).unwrap());
        let found = after.remove(key);
        before.remove(key);
        prop_assert_eq!(before, after);
        match value {
            KeyValue::Absent => prop_assert_eq!(found, None),
            KeyValue::Text(text) => prop_assert_eq!(found, Some(text.into())),
            KeyValue::List(list) => prop_assert_eq!(found, Some(list.into())),
        }
    }

    /// What is written says what was joined, and what one side left alone is the other's.
    #[test]
    fn metadata_of_two_sides(here in damage(), there in damage()) {
        let texts = [damaged_text(CARD, WORDS, &here), damaged_text(CARD, WORDS, &there)];
        let base = front_matter::split(CARD).yaml.unwrap();
        let [Some(ours), Some(theirs)] = texts.each_ref().map(|text| front_matter::split(text).yaml) else { return Ok(()) };
        let (merged, took) = taken(|| merge_metadata(base, ours, theirs, &BTreeMap::new()));
        within(took, texts[0].len() + texts[1].len(), 32 * MIB, 600, 20_000)?;
        let read = |yaml: &str| front_matter::parse(&format!("---\n{yaml}\n---\n")).unwrap();
        if let Some(yaml) = merged.as_ref().and_then(|merged| merged.yaml.as_ref()) {
            prop_assert_eq!(&read(yaml), &merged.unwrap().values);
        }
        if let Some(merged) = merge_metadata(base, ours, base, &BTreeMap::new()) {
            prop_assert_eq!(merged.values, read(ours));
        }
    }

    #[test]
    fn markdown_of_cards(changes in damage()) {
        let text = damaged_text(front_matter::split(CARD).body, WORDS, &changes);
        let (html, took) = taken(|| render_markdown(&text, &context()));
        // Highlighting loads its rules once: some megabytes.
        within(took, text.len(), 64 * MIB, 2000, 40_000)?;
        prop_assert!(html.as_str().len() <= (6 << 20) + 6 * text.len());
        is_safe(html.as_str())?;
        let (_, took) = taken(|| (headings(&html), citation(&text), plain_text(&text, 500), plain_text_excerpt(&text, 100)));
        within(took, text.len() + html.as_str().len(), 16 * MIB, 200, 4000)?;
    }

    #[test]
    fn source_files(changes in damage(), name in "(a\\.(py|rs|c|js|html|md|json|yaml|tex|sh|cpp|zig)|Dockerfile|x)") {
        let text = damaged_text(CARD, WORDS, &changes);
        let (_, took) = taken(|| highlight_lines(&text, &name));
        within(took, text.len(), 128 * MIB, 2000, 100_000)?;
    }

    #[test]
    fn small_files_of_models(changes in damage(), which in 0..SMALL_FILES.len()) {
        let config = br#"{"architectures":["BertForMaskedLM"],"model_type":"bert","auto_map":{"AutoModel":"m.Bert"},"num_hidden_layers":12,"num_attention_heads":12,"hidden_size":768,"max_position_embeddings":512,"quantization_config":{"quant_method":"awq","bits":4},"_class_name":"StableDiffusionPipeline","peft_type":"LORA","base_model_name_or_path":"ada/bert","tokenizer_class":"BertTokenizer","mask_token":{"content":"[MASK]"},"chat_template":"x"}"#;
        let json = ["null", "[]", "{}", "1e999", "-1", "18446744073709551616", "\"x\"", "[[[[[[[[[[[[", "\\ud800"];
        let bytes = damaged(config, &json, &changes);
        let contents = BTreeMap::from([(SMALL_FILES[which].to_owned(), bytes.clone())]);
        let paths: Vec<String> = SMALL_FILES.iter().map(|name| (*name).to_owned()).chain(["model.safetensors".to_owned()]).collect();
        let card = CardMetadata::parse(CARD).unwrap();
        let (derived, took) = taken(|| derive(Input { repo_type: RepoType::Model, card: &card, body: "", paths: &paths, contents: &contents }));
        prop_assert!(derived.tags.len() <= 500);
        within(took, bytes.len(), 4 * MIB, 100, 2000)?;
    }
}

fn infer_all(text: &str) {
    let _ = infer::licence_of("LICENSE", text);
    let _ = infer::language_of(text);
}

#[test]
fn what_is_damaged_is_read_when_it_is_not() {
    let read = front_matter::parse(CARD).unwrap();
    assert_eq!(read["also"], read["datasets"]);
    assert_eq!(Gate::read(GATED).fields.len(), 6);
    let html = render_markdown(front_matter::split(CARD).body, &context());
    for sign in ["<h1", "<table", "<math", "<details", "<img"] {
        assert!(html.as_str().contains(sign), "{sign} in {}", html.as_str());
    }
    is_safe(html.as_str()).unwrap();
    for unsafe_html in
        ["<b onclick=\"x\">", "<b onclick=x>", "<a title=\"a\" href=\" javascript:x\">", "<i></i><SCRIPT src=\"x\">"]
    {
        is_safe(unsafe_html).unwrap_err();
    }
    is_safe("<img alt=\"<script> onclick=x javascript:\">").unwrap();
}
