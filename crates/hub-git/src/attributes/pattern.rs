/// Splits a line of `.gitattributes` into its pattern and the attributes; `None` for comments, macros,
/// empty lines and negative patterns, which git does not take.
pub(super) fn split_pattern(line: &str) -> Option<(String, &str)> {
    let line = line.trim_start_matches([' ', '\t', '\r']);
    if line.is_empty() || line.starts_with(['#', '!']) || line.starts_with("[attr]") {
        return None;
    }
    if let Some(quoted) = line.strip_prefix('"') {
        return unquote(quoted);
    }
    let (pattern, attributes) = line.split_once([' ', '\t', '\r'])?;
    Some((pattern.to_owned(), attributes))
}

/// Reads a string quoted as in C; what follows the closing quote is given back too.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let (mut bytes, mut rest) = (Vec::new(), quoted.as_bytes().iter().copied().enumerate());
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => return Some((String::from_utf8(bytes).ok()?, quoted.get(at + 1..)?)),
            b'\\' => bytes.push(match rest.next()?.1 {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                digit @ b'0'..=b'3' => {
                    let digits = [digit, rest.next()?.1, rest.next()?.1];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()?
                }
                other => other,
            }),
            other => bytes.push(other),
        }
    }
    None
}

/// Writes git's pattern in the dialect of the `ignore` crate, which knows no `[:space:]`, takes braces
/// for alternatives and drops spaces at the end.
pub(super) fn to_glob(pattern: &str) -> String {
    let mut glob = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        match first {
            '\\' => {
                let next = rest[1..].chars().next().map_or(0, char::len_utf8);
                taken += next;
                glob.push_str(&rest[..taken]);
            }
            '[' => match class_end(rest) {
                Some(end) => {
                    glob.push_str(&expand_class(&rest[..end]));
                    taken = end;
                }
                None => glob.push_str("\\["),
            },
            '{' | '}' | ' ' | '!' | '#' => glob.push_str(&format!("[{first}]").replace("[!]", "\\!")),
            other => glob.push(other),
        }
        rest = &rest[taken..];
    }
    glob
}

/// Where a bracket expression at the start of the text ends.
fn class_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    if matches!(bytes.get(at), Some(b'!' | b'^')) {
        at += 1;
    }
    let first = at;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b']' if at > first => return Some(at + 1),
            b'\\' => at += 2,
            b'[' if bytes.get(at + 1) == Some(&b':') => at += 2 + text.get(at + 2..)?.find(":]")? + 2,
            _ => at += 1,
        }
    }
    None
}

fn expand_class(class: &str) -> String {
    [
        ("[:space:]", " \t\n\r\u{b}\u{c}"),
        ("[:blank:]", " \t"),
        ("[:digit:]", "0-9"),
        ("[:xdigit:]", "0-9A-Fa-f"),
        ("[:alpha:]", "A-Za-z"),
        ("[:alnum:]", "0-9A-Za-z"),
        ("[:lower:]", "a-z"),
        ("[:upper:]", "A-Z"),
        ("[:punct:]", "!-/:-@\\[-`{-~"),
    ]
    .iter()
    .fold(class.to_owned(), |class, (name, members)| class.replace(name, members))
}

/// A pattern that matches this path alone. It starts at the root, so that neither `#` nor `"` nor `!`
/// comes first and files of the same name elsewhere do not match.
pub(super) fn escape_path(path: &str) -> String {
    let mut pattern = String::from("/");
    for c in path.chars() {
        match c {
            ' ' => pattern.push_str("[[:space:]]"),
            '*' | '?' | '[' | ']' | '\\' => pattern.extend(['\\', c]),
            other => pattern.push(other),
        }
    }
    pattern
}
