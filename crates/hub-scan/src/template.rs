//! Chat templates that reach for more than the messages: Jinja can get from any value to Python's own functions, where a program
//! renders it outside of a sandbox.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::kind::Kind;
use crate::report::{Finding, Level, Report, Topic};

#[expect(clippy::expect_used, reason = "fixed patterns, which tests compile")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a pattern")
}

/// Attributes that lead out of a template.
static INNER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        "__(?:class|globals|builtins|import|subclasses|mro|bases?|getattribute|getattr|dict|reduce(?:_ex)?|code|func|self|init|module|call|loader|spec|new|del|doc|closure)__",
    )
});
/// What hides such a name, or finds attributes by a name that is put together.
static HIDDEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        &[
            r"\|\s*attr\s*\(",
            // Underscores by their number.
            r"\\x5[fF]|\\u005[fF]|\\U0000005[fF]|\\137|\\N\{",
            // Pieces of names with two in front or behind: `''['__cl'~'ass__']`.
            r#"['"]__|__['"]|_['"]\s*[~+]\s*['"]_"#,
            r"\b(?:lipsum|cycler|joiner|gi_frame|f_globals|f_builtins|func_globals|popen|os\.system|_TemplateReference)\b",
            r"\{%-?\s*(?:include|import|from|extends)\b",
        ]
        .join("|"),
    )
});

/// Looks at a file with a template: Jinja, or JSON that has one.
pub(crate) fn scan_file(bytes: &[u8], kind: Kind, entry: Option<&str>, report: &mut Report) {
    if kind != Kind::Jinja {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let found = Member("chat_template", &mut |text| scan(text, entry, None, report)).deserialize(&mut reader);
        if found.and_then(|()| reader.end()).is_ok() {
            return;
        }
        if bytes.trim_ascii_start().starts_with(b"{") {
            report.leave_out("It is no JSON, or nested too deeply.");
        }
    }
    scan(&String::from_utf8_lossy(bytes), entry, Some(1), report);
}

/// Shows the texts of a member of an object: a tokenizer's configuration has one template there, or several with names. The rest
/// is passed over and not kept.
struct Member<'a>(&'static str, &'a mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(is_wanted) = members.next_key_seed(Is(self.0))? {
            if is_wanted {
                members.next_value_seed(Texts(&mut *self.1))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Whether the name of a member is this one.
struct Is(&'static str);

impl<'de> DeserializeSeed<'de> for Is {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Is {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// Shows all texts in a value.
struct Texts<'a>(&'a mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("templates")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Texts(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Texts(&mut *self.0))?;
        }
        Ok(())
    }
}

/// Looks at a template. `first_line` is the number of its first line, where that says something.
pub(crate) fn scan(template: &str, entry: Option<&str>, first_line: Option<u64>, report: &mut Report) {
    let patterns = [(&*INNER, Level::Unsafe, "reaches for"), (&*HIDDEN, Level::Suspicious, "uses")];
    for (pattern, level, verb) in patterns {
        for found in pattern.find_iter(template).take(20) {
            let before = template.get(..found.start()).unwrap_or_default();
            let line = first_line.map(|first| first + before.bytes().filter(|byte| *byte == b'\n').count() as u64);
            let text = format!("The chat template {verb} `{}`.", found.as_str().trim());
            report.add(Finding { topic: Topic::Template, level, text, line, entry: entry.map(str::to_owned) });
        }
    }
}
