//! What the card of a gated repository says to those who want its files: `extra_gated_…`. Fields keep the order of the card.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::front_matter;
use super::metadata::scalar_text;

/// How many fields a form has at most.
const MAX_FIELDS: usize = 40;
/// How many choices a field has at most.
const MAX_OPTIONS: usize = 200;
/// The longest label of a field or a choice, in characters.
const MAX_LABEL_CHARS: usize = 500;
/// The longest answer, in characters.
const MAX_ANSWER_CHARS: usize = 1_000;
/// The longest text above the fields, in characters.
const MAX_PROMPT_CHARS: usize = 20_000;
/// Among how many lines of the card the order of the fields is looked for.
const MAX_LINES: usize = 2_000;
/// What forms of the hub use themselves.
const TAKEN: &str = "csrf_token";

/// What stands at the gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gate {
    /// The heading.
    pub heading: Option<String>,
    /// What it is about, in a sentence.
    pub description: Option<String>,
    /// The conditions, in Markdown.
    pub prompt: Option<String>,
    /// The label of the button.
    pub button: Option<String>,
    /// Whether people in the European Union are told that it is not for them.
    pub eu_disallowed: bool,
    /// What is asked.
    pub fields: Vec<GateField>,
}

/// Something that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateField {
    /// Its label, which is its name as well.
    pub label: String,
    /// What is an answer.
    pub kind: GateKind,
}

/// What is an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateKind {
    /// Some words.
    Text,
    /// Yes.
    Checkbox,
    /// A day.
    Date,
    /// A country.
    Country,
    /// One of these.
    Select(Vec<GateOption>),
    /// Nothing: the place is told by the network address.
    Location,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateOption {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateProblem {
    /// The place of the field.
    pub index: usize,
    /// What to do.
    pub message: String,
}

/// The countries: their two letters and their names, by name.
pub static COUNTRIES: LazyLock<Vec<(&'static str, &'static str)>> =
    LazyLock::new(|| include_str!("countries.tsv").lines().filter_map(|line| line.split_once('\t')).collect());

impl Gate {
    /// Reads the text of a README. A card that cannot be read asks nothing.
    pub fn read(readme: &str) -> Self {
        let Ok(map) = front_matter::parse(readme) else { return Self::default() };
        let text = |key: &str, most: usize| map.get(key).and_then(scalar_text).map(|text| text.chars().take(most).collect());
        let fields = map.get("extra_gated_fields").map(fields_of).unwrap_or_default();
        Self {
            heading: text("extra_gated_heading", 200),
            description: text("extra_gated_description", 2_000),
            prompt: text("extra_gated_prompt", MAX_PROMPT_CHARS),
            button: text("extra_gated_button_content", 100),
            eu_disallowed: map.get("extra_gated_eu_disallowed").and_then(Value::as_bool).unwrap_or_default(),
            fields: in_order(fields, front_matter::split(readme).yaml.unwrap_or_default()),
        }
    }

    /// Takes the answers to all fields, by label. `address` answers for where somebody is.
    ///
    /// # Errors
    /// What is missing or no answer, each with its field.
    pub fn collect<'a>(
        &self,
        given: impl Fn(&str) -> Option<&'a str>,
        address: &str,
    ) -> Result<Map<String, Value>, Vec<GateProblem>> {
        let mut answers = Map::new();
        let mut problems = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            let given = match field.kind {
                GateKind::Location => address,
                _ => given(&field.label).unwrap_or_default().trim(),
            };
            match field.answer(given) {
                Ok(answer) => _ = answers.insert(field.label.clone(), answer),
                Err(message) => problems.push(GateProblem { index, message: message.to_owned() }),
            }
        }
        if problems.is_empty() { Ok(answers) } else { Err(problems) }
    }
}

impl GateField {
    fn answer(&self, given: &str) -> Result<Value, &'static str> {
        let text = |text: &str| Ok(Value::from(text));
        match &self.kind {
            GateKind::Checkbox => match given {
                "true" | "True" | "on" | "yes" | "1" => Ok(Value::Bool(true)),
                _ => Err("Check this box to go on."),
            },
            GateKind::Text if given.is_empty() => Err("Fill this in."),
            GateKind::Text if given.chars().count() > MAX_ANSWER_CHARS => Err("Write at most 1,000 characters."),
            GateKind::Text if given.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) => {
                Err("Write plain text, without control characters.")
            }
            GateKind::Text | GateKind::Location => text(given),
            GateKind::Date => match NaiveDate::parse_from_str(given, "%Y-%m-%d") {
                Ok(day) => text(&day.format("%Y-%m-%d").to_string()),
                Err(_) => Err("Give a day as 2026-01-31."),
            },
            GateKind::Country => {
                let is_it = |(code, name): &&(&str, &str)| given.eq_ignore_ascii_case(code) || given.eq_ignore_ascii_case(name);
                let found = COUNTRIES.iter().find(is_it);
                found.map(|(_, name)| Value::from(*name)).ok_or("Choose a country.")
            }
            GateKind::Select(options) => {
                let found = options.iter().find(|option| option.value == given);
                found.map(|option| Value::from(option.value.as_str())).ok_or("Choose one of these.")
            }
        }
    }
}

/// A text on one line, with single spaces: as a browser sends it back. Control characters are spaces: the database takes no NUL.
fn line_of(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_LABEL_CHARS).collect()
}

/// The label of a field. Forms are read with `name[]` as `name`, so no label ends like that: two names would be one, and one of
/// them may be the form's own.
fn label_of(text: &str) -> String {
    let line = line_of(text);
    let mut label = line.trim_end();
    while let Some(rest) = label.strip_suffix("[]") {
        label = rest.trim_end();
    }
    label.to_owned()
}

/// A mapping from label to kind, or a list of such.
fn fields_of(value: &Value) -> Vec<GateField> {
    let mut fields: Vec<GateField> = Vec::new();
    let mut add = |label: &String, kind: &Value| {
        let (label, kind) = (label_of(label), kind_of(kind));
        let is_new = !label.is_empty() && label != TAKEN && !fields.iter().any(|field| field.label == label);
        if let Some(kind) = kind.filter(|_| is_new && fields.len() < MAX_FIELDS) {
            fields.push(GateField { label, kind });
        }
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(label, kind)| add(label, kind)),
        Value::Array(items) => {
            let maps = items.iter().filter_map(Value::as_object);
            maps.flatten().for_each(|(label, kind)| add(label, kind));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    fields
}

/// A word, or a mapping with `type`. What is not known is asked as text: it is asked for a reason.
fn kind_of(value: &Value) -> Option<GateKind> {
    let word = match value {
        Value::String(word) => word.as_str(),
        Value::Object(map) => map.get("type").and_then(Value::as_str).unwrap_or("text"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    Some(match word.trim() {
        "checkbox" => GateKind::Checkbox,
        "date_picker" => GateKind::Date,
        "country" => GateKind::Country,
        "ip_location" => GateKind::Location,
        "select" => {
            let options = value.get("options").and_then(Value::as_array).map(|items| options_of(items)).unwrap_or_default();
            if options.is_empty() { GateKind::Text } else { GateKind::Select(options) }
        }
        _ => GateKind::Text,
    })
}

fn options_of(items: &[Value]) -> Vec<GateOption> {
    let option = |item: &Value| {
        let part = |key: &str| item.get(key).and_then(scalar_text);
        let label = scalar_text(item).or_else(|| part("label")).or_else(|| part("value"))?;
        let value = part("value").unwrap_or_else(|| label.clone());
        Some(GateOption { value: line_of(&value), label: line_of(&label) })
    };
    items.iter().filter_map(option).take(MAX_OPTIONS).collect()
}

/// Maps are sorted by name when they arrive here, so the order is looked up in the text. What is not found there comes last.
fn in_order(fields: Vec<GateField>, yaml: &str) -> Vec<GateField> {
    let lines = yaml.lines().skip_while(|line| !line.starts_with("extra_gated_fields")).skip(1).take(MAX_LINES);
    let keys: Vec<String> = lines.map(|line| line_of(line.trim_start_matches([' ', '-', '?', '"', '\'']))).collect();
    let place = |field: &GateField| {
        let is_key = |line: &String| {
            let rest = line.strip_prefix(field.label.as_str());
            rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ', '[', ']']).starts_with(':'))
        };
        keys.iter().position(is_key).unwrap_or(usize::MAX)
    };
    let mut placed: Vec<(usize, GateField)> = fields.into_iter().map(|field| (place(&field), field)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, field)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = "---
license: other
extra_gated_heading: Say who you are
extra_gated_prompt: You agree to *nothing bad*.
extra_gated_button_content: Let me in
extra_gated_fields:
  Name: text
  Company: text
  Country: country
  \"Born: on\": date_picker
  I want to use this for:
    type: select
    options:
    - Research
    - label: Something else
      value: other
  Where: ip_location
  I agree: checkbox
---
# A model
";

    fn answers<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
        move |label| pairs.iter().find(|(name, _)| *name == label).map(|(_, value)| *value)
    }

    #[test]
    fn a_card_is_read_in_its_own_order() {
        let gate = Gate::read(CARD);
        let labels: Vec<&str> = gate.fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(labels, ["Name", "Company", "Country", "Born: on", "I want to use this for", "Where", "I agree"]);
        assert_eq!(gate.heading.as_deref(), Some("Say who you are"));
        assert_eq!((gate.button.as_deref(), gate.eu_disallowed), (Some("Let me in"), false));
        let GateKind::Select(options) = &gate.fields[4].kind else { panic!("{:?}", gate.fields[4]) };
        assert_eq!(options[1], GateOption { value: "other".into(), label: "Something else".into() });
        assert_eq!(Gate::read("# No block\n"), Gate::default());
        assert_eq!(Gate::read("---\na: [\n---\n"), Gate::default());
    }

    #[test]
    fn answers_are_taken_whole_or_not_at_all() {
        let gate = Gate::read(CARD);
        let mut given = vec![
            ("Name", " Bob "),
            ("Company", "Acme"),
            ("Country", "fr"),
            ("Born: on", "2000-02-29"),
            ("I want to use this for", "other"),
            ("I agree", "on"),
            ("Not asked", "x"),
        ];
        let taken = gate.collect(answers(&given), "192.0.2.1").unwrap();
        let expected = serde_json::json!({ "Name": "Bob", "Company": "Acme", "Country": "France", "Born: on": "2000-02-29",
            "I want to use this for": "other", "I agree": true, "Where": "192.0.2.1" });
        assert_eq!(Value::from(taken), expected);
        let long = "x".repeat(1_001);
        for (index, wrong) in
            [(0, ""), (0, "a\u{0}b"), (0, &*long), (2, "Atlantis"), (3, "2001-02-29"), (4, "Research!"), (5, "no")]
        {
            let before = given[index];
            given[index].1 = wrong;
            let problems = gate.collect(answers(&given), "").unwrap_err();
            assert_eq!(problems.len(), 1, "{wrong}: {problems:?}");
            // The place where somebody is stands between.
            assert_eq!(problems[0].index, if index == 5 { 6 } else { index });
            given[index] = before;
        }
        assert_eq!(gate.collect(answers(&[]), "").unwrap_err().len(), 6);
    }

    #[test]
    fn what_is_too_much_is_cut() {
        let many: String = (0..100).map(|n| format!("  Field {n}: text\n")).collect();
        let gate = Gate::read(&format!("---\nextra_gated_fields:\n{many}  csrf_token: text\n---\n"));
        assert_eq!(gate.fields.len(), MAX_FIELDS);
        assert!(!gate.fields.iter().any(|field| field.label == TAKEN));
        // A form's `csrf_token[]` is read as its token.
        let names = "  csrf_token[]: text\n  csrf_token [] []: text\n  Tags[]: text\n  Tags: checkbox\n  \"[]\": text\n";
        let gate = Gate::read(&format!("---\nextra_gated_fields:\n{names}---\n"));
        let labels: Vec<&str> = gate.fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(labels, ["Tags"]);
        // The database takes no NUL.
        let odd = "  \"A\\0 \\u0007b\":\n    type: select\n    options: [\"one\\0two\"]\n";
        let gate = Gate::read(&format!("---\nextra_gated_fields:\n{odd}---\n"));
        let option = GateOption { value: "one two".into(), label: "one two".into() };
        assert_eq!((gate.fields[0].label.as_str(), &gate.fields[0].kind), ("A b", &GateKind::Select(vec![option])));
        let list = Gate::read("---\nextra_gated_fields:\n- B: text\n- A: {type: select}\n- 3\n---\n");
        assert_eq!(list.fields.len(), 2);
        assert_eq!((list.fields[0].label.as_str(), &list.fields[1].kind), ("B", &GateKind::Text));
    }

    #[test]
    fn countries_have_two_letters_and_a_name() {
        assert!(COUNTRIES.len() > 240 && COUNTRIES.iter().all(|(code, name)| code.len() == 2 && name.len() > 2));
        assert!(COUNTRIES.contains(&("GB", "United Kingdom")));
    }
}
