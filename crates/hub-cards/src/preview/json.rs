//! JSON with line breaks, for files that were written without.

use serde::de::IgnoredAny;

/// The most that the result may have: indentation can make much of little.
const MAX_BYTES: usize = 2 << 20;
/// A line as long as this is not for people.
const LONG_LINE_BYTES: usize = 300;

/// Breaks and indents JSON that has long lines; numbers, order and everything else stay as they are. `None` when the text is
/// no JSON, is nested too deep, would become too large, or reads well as it is.
pub fn pretty_json(text: &str) -> Option<String> {
    if !text.lines().any(|line| line.len() > LONG_LINE_BYTES) {
        return None;
    }
    // Also refuses what is nested deeper than 128 levels.
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let (mut in_text, mut escaped) = (false, false);
    let mut characters = text.chars().filter(|character| *character >= ' ').peekable();
    while let Some(character) = characters.next() {
        if out.len() > MAX_BYTES {
            return None;
        }
        if in_text {
            out.push(character);
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            ' ' => {}
            '"' => {
                in_text = true;
                out.push(character);
            }
            '{' | '[' => {
                out.push(character);
                while characters.next_if_eq(&' ').is_some() {}
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            other => out.push(other),
        }
    }
    Some(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_nothing_else_changes() {
        let filler = "x".repeat(LONG_LINE_BYTES);
        let text = format!(r#"{{"b":1.50,"a":["{filler}",{{}}, [ ]],"t":"a\"{{b\\","n":1e3}}"#);
        let pretty = pretty_json(&text).unwrap();
        assert_eq!(
            pretty,
            format!(
                "{{\n  \"b\": 1.50,\n  \"a\": [\n    \"{filler}\",\n    {{}},\n    []\n  ],\n  \"t\": \"a\\\"{{b\\\\\",\n  \"n\": 1e3\n}}"
            )
        );
        assert_eq!(pretty_json("{\"a\": 1}"), None, "it reads well");
        assert_eq!(pretty_json(&filler), None, "it is no JSON");
    }

    #[test]
    fn hostile_json_is_left_alone() {
        assert_eq!(pretty_json(&"[".repeat(1 << 20)), None);
        assert_eq!(pretty_json(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), None);
        let wide = format!("{}{}1{}", "[".repeat(120), "1,".repeat(400_000), "]".repeat(120));
        assert_eq!(pretty_json(&wide), None, "too much indentation");
    }
}
