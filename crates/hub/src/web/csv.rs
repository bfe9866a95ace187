//! Cells of CSV files (RFC 4180), as spreadsheets open them.

/// What a spreadsheet takes for the beginning of a formula, also as it is written in East Asia.
const FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A quoted cell. What a spreadsheet would take for a formula gets a quote before it.
pub fn cell(text: &str) -> String {
    let guard = if text.starts_with(FORMULAS) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_are_quoted_and_no_formulas() {
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
        for text in ["=1+1", "+1", "-1", "@sum", "\tx", "\r=1", "\n=1", "＝1"] {
            assert_eq!(cell(text), format!("\"'{text}\""));
        }
    }
}
