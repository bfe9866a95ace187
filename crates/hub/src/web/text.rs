//! Text that people type.

/// Whether a text is one line that can be read: no control characters, nothing that turns the direction of what follows
/// it, no code points that stand for nothing (Unicode 16, sections 23.7 and 23.8), and at least one character to see.
pub fn is_readable_line(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_direction(c) || is_no_character(c)) && text.chars().any(is_visible)
}

/// The newlines of a text as they are kept: forms send two characters for each.
pub fn with_plain_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

const fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const fn is_no_character(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || (c as u32) & 0xfffe == 0xfffe
}

/// Not white space, and none of those that are drawn as nothing (`Default_Ignorable_Code_Point`, the common ones).
fn is_visible(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_from_what_can() {
        for text in ["Bert", "مجموعة", "数据集", "🤗", "👩‍💻 tools", "a\u{200b}b", "½"] {
            assert!(is_readable_line(text), "{text:?}");
        }
        for text in
            ["", " ", "\u{200b}", "\u{3164}", "\u{202e}evil\u{202c}", "a\nb", "a\0", "a\u{fffe}", "a\u{1ffff}", "\u{fe0f}"]
        {
            assert!(!is_readable_line(text), "{text:?}");
        }
        assert_eq!(with_plain_newlines("a\r\nb\rc\n"), "a\nb\nc\n");
    }
}
