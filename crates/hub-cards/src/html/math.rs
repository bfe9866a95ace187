//! TeX to MathML.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Event, Parser, ParserError, Storage, push_mathml};

/// The longest formula that is set.
const MAX_TEX_BYTES: usize = 8 << 10;
/// How many braces, environments and commands with arguments may nest.
const MAX_NESTING: usize = 60;
/// How many parts a formula may have.
const MAX_EVENTS: usize = 10_000;

/// How a formula stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// `$…$`
    Inline,
    /// `$$…$$` and fenced `math` blocks.
    Display,
}

/// Sets a formula; `None` when it is not TeX we can read, and then its source is shown.
pub(super) fn to_mathml(tex: &str, placement: Placement) -> Option<String> {
    if tex.len() > MAX_TEX_BYTES || is_dangerous(tex) {
        return None;
    }
    // Formulas are hostile input and the parser is young: a panic in it costs the formula, not the page.
    catch_unwind(AssertUnwindSafe(|| convert(tex, placement))).ok().flatten()
}

fn convert(tex: &str, placement: Placement) -> Option<String> {
    let storage = Storage::new();
    let mut events: Vec<Event<'_>> = Vec::new();
    for event in Parser::new(tex, &storage) {
        events.push(event.ok()?);
        if events.len() > MAX_EVENTS {
            return None;
        }
    }
    let display_mode = match placement {
        Placement::Inline => DisplayMode::Inline,
        Placement::Display => DisplayMode::Block,
    };
    let config = RenderConfig { display_mode, ..RenderConfig::default() };
    let mut html = String::new();
    push_mathml(&mut html, events.into_iter().map(Ok::<_, Box<ParserError>>), config).ok()?;
    Some(html)
}

/// Definitions can expand without end; deep nesting can exhaust the stack.
fn is_dangerous(tex: &str) -> bool {
    const DEFINING: &[&str] =
        &["\\def", "\\edef", "\\gdef", "\\xdef", "\\let", "\\futurelet", "\\newcommand", "\\renewcommand", "\\providecommand"];
    let defines = DEFINING.iter().any(|command| {
        tex.match_indices(command).any(|(at, _)| !tex[at + command.len()..].starts_with(|c: char| c.is_ascii_alphabetic()))
    });
    defines || nesting(tex) > MAX_NESTING
}

/// An upper bound of the nesting: open braces, environments and `\left`s, and commands in a row, each
/// of which may be the argument of the one before (`\sqrt\sqrt…`).
fn nesting(tex: &str) -> usize {
    let (mut open, mut row, mut deepest) = (0usize, 0usize, 0usize);
    let bytes = tex.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &tex.as_bytes()[at..];
        match bytes[at] {
            b'{' => open += 1,
            b'}' => {
                open = open.saturating_sub(1);
                row = 0;
            }
            b'^' | b'_' => row += 1,
            b'\\' => {
                let name = rest[1..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
                match &rest[1..=name] {
                    b"begin" | b"left" => open += 1,
                    b"end" | b"right" => open = open.saturating_sub(1),
                    b"" => row = 0,
                    _ => row += 1,
                }
                at += name.max(1);
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => row = 0,
        }
        deepest = deepest.max(open + row);
        at += 1;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_set() {
        for tex in
            ["x^2", r"\frac{a}{b}", r"\sum_{i=0}^{n} x_i", r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", r"\left( x \right)"]
        {
            let html = to_mathml(tex, Placement::Inline).unwrap_or_else(|| panic!("{tex}"));
            assert!(html.starts_with("<math") && html.ends_with("</math>"), "{html}");
        }
        assert!(to_mathml("x", Placement::Display).unwrap().contains("display=\"block\""));
    }

    #[test]
    fn what_is_no_formula_is_left_alone() {
        for tex in [r"\frac{a}", r"\nosuchcommand", "{", r"\def\a{\a}\a", r"\newcommand{\a}{x}\a"] {
            assert_eq!(to_mathml(tex, Placement::Inline), None, "{tex}");
        }
    }

    #[test]
    fn deep_and_long_formulas_are_refused() {
        for tex in [
            "{".repeat(3_000) + &"}".repeat(3_000),
            r"\sqrt".repeat(1_500) + "x",
            r"\frac".repeat(1_500),
            r"\left(".repeat(1_000),
            r"\begin{matrix}".repeat(500),
            "x^".repeat(3_000) + "x",
            "x".repeat(MAX_TEX_BYTES + 1),
        ] {
            assert_eq!(to_mathml(&tex, Placement::Inline), None, "{}", &tex[..20]);
        }
    }
}
