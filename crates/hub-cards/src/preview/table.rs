//! The first rows of CSV, TSV, JSON lines and lists in JSON.

use serde_json::{Map, Value};

/// How many rows are shown.
const MAX_ROWS: usize = 200;
/// How many columns are shown.
const MAX_COLUMNS: usize = 100;
/// The longest cell, in characters.
const MAX_CELL_CHARS: usize = 300;

/// The beginning of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The rows; each has as many cells as the header.
    pub rows: Vec<Vec<String>>,
    /// Whether there is more than this: rows, columns, or the end of a long cell.
    pub truncated: bool,
}

/// Reads a prefix of a CSV or TSV file. The separator is found in the first line; `is_whole` says that the prefix is the
/// file. The first row gives the names. `None` for what is no table of at least two columns.
pub fn read_delimited(text: &str, is_whole: bool) -> Option<Table> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let separator = separator_of(text)?;
    let mut records = Records { rest: text, separator, is_whole };
    let mut table = Table { truncated: !is_whole, ..Table::default() };
    table.header = records.next(&mut table.truncated)?;
    while let Some(mut row) = records.next(&mut table.truncated) {
        if table.rows.len() == MAX_ROWS {
            table.truncated = true;
            break;
        }
        row.resize(table.header.len(), String::new());
        table.rows.push(row);
    }
    (table.header.len() > 1).then_some(table)
}

/// The separator that stands most often in the first line, outside quotes.
fn separator_of(text: &str) -> Option<char> {
    let line = text.lines().next()?;
    let mut quoted = false;
    let mut counts = [(',', 0usize), ('\t', 0), (';', 0), ('|', 0)];
    for character in line.chars() {
        quoted ^= character == '"';
        if let Some((_, count)) = counts.iter_mut().find(|(separator, _)| !quoted && *separator == character) {
            *count += 1;
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0).map(|(separator, _)| separator)
}

/// Records as RFC 4180 has them.
struct Records<'a> {
    rest: &'a str,
    separator: char,
    is_whole: bool,
}

impl Records<'_> {
    /// The next record; what is too long or too wide is cut, and said so.
    fn next(&mut self, truncated: &mut bool) -> Option<Vec<String>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut cells = Vec::new();
        let (mut cell, mut chars, mut quoted) = (String::new(), 0, false);
        let mut at = 0;
        let mut characters = self.rest.char_indices().peekable();
        let mut ended = false;
        while let Some((index, character)) = characters.next() {
            at = index + character.len_utf8();
            if quoted {
                let is_escape = character == '"' && characters.peek().is_some_and(|(_, next)| *next == '"');
                if is_escape {
                    characters.next();
                } else if character == '"' {
                    quoted = false;
                    continue;
                }
            } else if character == '"' && chars == 0 {
                quoted = true;
                continue;
            } else if character == self.separator {
                push(&mut cells, std::mem::take(&mut cell), truncated);
                chars = 0;
                continue;
            } else if character == '\n' {
                ended = true;
                break;
            } else if character == '\r' {
                continue;
            }
            chars += 1;
            if chars <= MAX_CELL_CHARS {
                cell.push(character);
            } else {
                *truncated = true;
            }
        }
        self.rest = &self.rest[at..];
        // The last record of a prefix is cut off somewhere.
        if !ended && !self.is_whole {
            self.rest = "";
            return None;
        }
        push(&mut cells, cell, truncated);
        Some(cells)
    }
}

fn push(cells: &mut Vec<String>, cell: String, truncated: &mut bool) {
    if cells.len() < MAX_COLUMNS {
        cells.push(cell);
    } else {
        *truncated = true;
    }
}

/// Reads a prefix of a file with one JSON object a line. `None` when its first lines are something else.
pub fn read_json_lines(text: &str, is_whole: bool) -> Option<Table> {
    let mut truncated = !is_whole;
    let mut objects: Vec<Map<String, Value>> = Vec::new();
    let mut lines = text.split_inclusive('\n').filter(|line| !line.trim().is_empty());
    for line in &mut lines {
        if !line.ends_with('\n') && !is_whole {
            break;
        }
        if objects.len() == MAX_ROWS {
            truncated = true;
            break;
        }
        objects.push(serde_json::from_str(line).ok()?);
    }
    of_objects(&objects, truncated)
}

/// Reads a JSON file that is a list of objects. `None` when it is something else.
pub fn read_json_list(text: &str) -> Option<Table> {
    let mut objects: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
    let truncated = objects.len() > MAX_ROWS;
    objects.truncate(MAX_ROWS);
    of_objects(&objects, truncated)
}

/// A column for each key, in the order in which they first come.
fn of_objects(objects: &[Map<String, Value>], truncated: bool) -> Option<Table> {
    let mut table = Table { truncated, ..Table::default() };
    for object in objects {
        for key in object.keys() {
            if table.header.len() < MAX_COLUMNS && !table.header.contains(key) {
                table.header.push(key.clone());
            }
        }
    }
    for object in objects {
        let mut row = Vec::with_capacity(table.header.len());
        for key in &table.header {
            row.push(object.get(key).map_or_else(String::new, |value| shown(value, &mut table.truncated)));
        }
        table.rows.push(row);
    }
    (!table.rows.is_empty() && !table.header.is_empty()).then_some(table)
}

fn shown(value: &Value, truncated: &mut bool) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    match text.char_indices().nth(MAX_CELL_CHARS) {
        Some((end, _)) => {
            *truncated = true;
            text[..end].to_owned()
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_as_the_standard_says() {
        let table = read_delimited("\u{feff}a,b\r\n1,\"x, \"\"y\"\"\n2\"\r\n3\n", true).unwrap();
        assert_eq!(table.header, ["a", "b"]);
        assert_eq!(table.rows, [["1", "x, \"y\"\n2"], ["3", ""]]);
        assert!(!table.truncated);
        assert_eq!(read_delimited("a\tb\n1\t2\n", true).unwrap().rows, [["1", "2"]]);
        assert_eq!(read_delimited("a;b;c\n1;2,5;3\n", true).unwrap().rows, [["1", "2,5", "3"]]);
        assert!(read_delimited("just text\n", true).is_none() && read_delimited("", true).is_none());
    }

    #[test]
    fn hostile_tables_are_cut() {
        let cell = format!("a,b\n1,{}\n", "x".repeat(10 << 20));
        let table = read_delimited(&cell, true).unwrap();
        assert!(table.truncated && table.rows[0][1].len() == MAX_CELL_CHARS);
        let open = format!("a,b\n1,\"{}", "y,".repeat(1 << 20));
        assert!(read_delimited(&open, false).unwrap().rows.is_empty(), "a cell that never ends is no row");
        let wide = "a,".repeat(100_000);
        assert_eq!(read_delimited(&wide, true).unwrap().header.len(), MAX_COLUMNS);
        let long = format!("a,b\n{}", "1,2\n".repeat(100_000));
        let table = read_delimited(&long, true).unwrap();
        assert!(table.truncated && table.rows.len() == MAX_ROWS);
    }

    #[test]
    fn the_record_that_a_prefix_cuts_is_left_out() {
        assert_eq!(read_delimited("a,b\n1,2\n3,4", false).unwrap().rows, [["1", "2"]]);
        assert_eq!(read_json_lines("{\"a\": 1}\n{\"a\": 2", false).unwrap().rows, [["1"]]);
    }

    #[test]
    fn a_list_of_objects_becomes_columns() {
        let table = read_json_list("[{\"a\": 1}, {\"b\": \"x\"}]").unwrap();
        assert_eq!(
            (table.header, table.rows),
            (vec!["a".to_owned(), "b".to_owned()], vec![vec!["1".into(), "".into()], vec!["".into(), "x".into()]])
        );
        let long = format!("[{}{{\"a\": 1}}]", "{\"a\": 1},".repeat(10_000));
        assert!(read_json_list(&long).is_some_and(|table| table.truncated && table.rows.len() == MAX_ROWS));
        for text in ["{}", "[1, 2]", "[]", "[{}]", "", &"[".repeat(100_000)] {
            assert!(read_json_list(text).is_none(), "{text}");
        }
    }

    #[test]
    fn json_lines_become_columns() {
        let table = read_json_lines("{\"a\": 1, \"b\": [2]}\n\n{\"a\": \"x\", \"c\": null}\n", true).unwrap();
        assert_eq!(table.header, ["a", "b", "c"]);
        assert_eq!(table.rows, [["1", "[2]", ""], ["x", "", ""]]);
        for text in ["[1]\n", "x", "", &format!("{}\n", "[".repeat(100_000))] {
            assert!(read_json_lines(text, true).is_none());
        }
    }
}
