//! The footer of a Parquet file (`parquet-format`, `parquet.thrift`): what its columns are and how many rows it has.
//!
//! ```text
//! "PAR1" | pages | FileMetaData in Thrift's compact protocol | its length u32 little endian | "PAR1"
//! ```
//!
//! Only the schema and the counts are read. The rows would need decoders whose work a few bytes can make unbounded, and the
//! `parquet` crate recurses into the schema as deep as the file says.

use super::HeaderError;

/// The longest footer that is read; thousands of columns in thousands of groups.
pub const MAX_FOOTER_BYTES: u64 = 16 << 20;
/// The bytes behind the footer: its length and the mark.
pub const TAIL_BYTES: u64 = 8;
/// How many columns are listed.
const MAX_COLUMNS: usize = 2_000;
/// How deep groups may nest, and structures of the protocol in one another.
const MAX_DEPTH: usize = 32;
const MAX_TEXT_BYTES: usize = 500;

/// What a footer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footer {
    /// The columns that hold values, in order.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub rows: u64,
    /// In how many groups.
    pub row_groups: u64,
    /// What wrote the file.
    pub created_by: Option<String>,
    /// Whether there are more columns.
    pub truncated: bool,
}

/// A column that holds values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name behind those of its groups, with dots between.
    pub path: String,
    /// How its values are stored.
    pub physical: &'static str,
    /// What they mean; empty where that is the same.
    pub logical: String,
    /// `required`, `optional` or `repeated`.
    pub repetition: &'static str,
}

/// The length of the footer, by the last eight bytes of a file.
///
/// # Errors
/// The file is not Parquet, is encrypted, or its footer is too long.
pub fn footer_bytes(tail: &[u8], file_bytes: u64) -> Result<u64, HeaderError> {
    let wrong = HeaderError::WrongFormat("Parquet");
    let (Some(length), true) = (tail.first_chunk::<4>(), tail.len() == 8 && &tail[4..] == b"PAR1") else { return Err(wrong) };
    let length = u64::from(u32::from_le_bytes(*length));
    if length > MAX_FOOTER_BYTES {
        return Err(HeaderError::TooLarge("the footer"));
    }
    if length + TAIL_BYTES > file_bytes {
        return Err(HeaderError::Truncated);
    }
    Ok(length)
}

/// Reads a footer.
///
/// # Errors
/// The bytes are not a footer.
pub fn parse(footer: &[u8]) -> Result<Footer, HeaderError> {
    let mut reader = Reader { bytes: footer, at: 0 };
    let mut found = Footer::default();
    let mut elements = Vec::new();
    reader.structure(|reader, id, kind| {
        match (id, kind) {
            (2, LIST) => elements = reader.list(Element::read)?,
            (3, I64) => found.rows = u64::try_from(reader.integer()?).unwrap_or(0),
            (4, LIST) => {
                let (kind, count) = reader.list_header()?;
                found.row_groups = count;
                for _ in 0..count {
                    reader.skip_item(kind, 0)?;
                }
            }
            (6, BINARY) => found.created_by = Some(reader.text()?),
            (_, kind) => reader.skip(kind, 0)?,
        }
        Ok(())
    })?;
    (found.columns, found.truncated) = columns(&elements)?;
    Ok(found)
}

/// Walks the schema, which lists each group before its children.
fn columns(elements: &[Element]) -> Result<(Vec<Column>, bool), HeaderError> {
    let mut columns = Vec::new();
    // For each group that is open: how many children are left, and its name.
    let mut open: Vec<(u64, &str)> = Vec::new();
    for (at, element) in elements.iter().enumerate() {
        while open.last().is_some_and(|(left, _)| *left == 0) {
            open.pop();
        }
        if let Some((left, _)) = open.last_mut() {
            *left -= 1;
        }
        let children = u64::try_from(element.children).unwrap_or(0);
        if at == 0 || children > 0 {
            if open.len() >= MAX_DEPTH {
                return Err(HeaderError::TooLarge("the nesting of its columns"));
            }
            open.push((children, if at == 0 { "" } else { &element.name }));
            continue;
        }
        if columns.len() == MAX_COLUMNS {
            return Ok((columns, true));
        }
        let names = open.iter().map(|(_, name)| *name).chain([element.name.as_str()]).filter(|name| !name.is_empty());
        columns.push(Column {
            path: names.collect::<Vec<_>>().join("."),
            physical: physical_name(element.physical),
            logical: element.logical.clone(),
            repetition: ["required", "optional", "repeated"][usize::try_from(element.repetition).unwrap_or(0).min(2)],
        });
    }
    Ok((columns, false))
}

/// `SchemaElement`, as far as it is shown.
#[derive(Debug, Default)]
struct Element {
    name: String,
    physical: i64,
    repetition: i64,
    children: i64,
    logical: String,
}

impl Element {
    fn read(reader: &mut Reader<'_>) -> Step<Self> {
        let mut element = Self::default();
        reader.structure(|reader, id, kind| {
            match (id, kind) {
                (1, I32) => element.physical = reader.integer()?,
                (3, I32) => element.repetition = reader.integer()?,
                (4, BINARY) => element.name = reader.text()?,
                (5, I32) => element.children = reader.integer()?,
                (6, I32) => {
                    let converted = reader.integer()?;
                    if element.logical.is_empty() {
                        element.logical = converted_name(converted).to_owned();
                    }
                }
                (10, STRUCT) => element.logical = logical_type(reader)?,
                (_, kind) => reader.skip(kind, 0)?,
            }
            Ok(())
        })?;
        Ok(element)
    }
}

/// `LogicalType`, a union: the field that is there names it.
fn logical_type(reader: &mut Reader<'_>) -> Step<String> {
    let mut name = String::new();
    reader.structure(|reader, id, kind| {
        name = match id {
            1 => "string",
            2 => "map",
            3 => "list",
            4 => "enum",
            5 => "decimal",
            6 => "date",
            7 => "time",
            8 => "timestamp",
            10 => "integer",
            11 => "null",
            12 => "JSON",
            13 => "BSON",
            14 => "UUID",
            15 => "float16",
            16 => "variant",
            17 => "geometry",
            18 => "geography",
            _ => "",
        }
        .to_owned();
        reader.skip(kind, 0)
    })?;
    Ok(name)
}

const fn physical_name(kind: i64) -> &'static str {
    match kind {
        0 => "boolean",
        1 => "int32",
        2 => "int64",
        3 => "int96",
        4 => "float",
        5 => "double",
        6 => "bytes",
        7 => "fixed bytes",
        _ => "unknown",
    }
}

const fn converted_name(kind: i64) -> &'static str {
    match kind {
        0 => "string",
        1 | 2 => "map",
        3 => "list",
        4 => "enum",
        5 => "decimal",
        6 => "date",
        7 | 8 => "time",
        9 | 10 => "timestamp",
        11..=18 => "integer",
        19 => "JSON",
        20 => "BSON",
        21 => "interval",
        _ => "",
    }
}

type Step<T> = Result<T, HeaderError>;

// The types of the compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

fn malformed<T>(what: &str) -> Step<T> {
    Err(HeaderError::Malformed(what.to_owned()))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Step<&'a [u8]> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let bytes = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(HeaderError::Truncated)?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.take(1)?[0])
    }

    fn varint(&mut self) -> Step<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        malformed("a number is too long")
    }

    /// A number as the protocol folds signs into it.
    fn integer(&mut self) -> Step<i64> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    fn text(&mut self) -> Step<String> {
        let length = self.varint()?;
        let bytes = self.take(length)?;
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT_BYTES)]).into_owned())
    }

    fn list_header(&mut self) -> Step<(u8, u64)> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        // Each item has at least a byte.
        if count > (self.bytes.len() - self.at) as u64 {
            return Err(HeaderError::Truncated);
        }
        Ok((byte & 15, count))
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Step<T>) -> Step<Vec<T>> {
        let (kind, count) = self.list_header()?;
        if kind != STRUCT {
            return malformed("a list holds something else");
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Reads the fields of a structure: `field` gets each one's id and type and takes its value.
    fn structure(&mut self, mut field: impl FnMut(&mut Self, i64, u8) -> Step<()>) -> Step<()> {
        let mut id = 0i64;
        loop {
            let byte = self.byte()?;
            let (delta, kind) = (byte >> 4, byte & 15);
            if kind == 0 {
                return Ok(());
            }
            id = if delta == 0 { self.integer()? } else { id.saturating_add(i64::from(delta)) };
            field(self, id, kind)?;
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Step<()> {
        if depth > MAX_DEPTH {
            return Err(HeaderError::TooLarge("its nesting"));
        }
        match kind {
            TRUE | FALSE => {}
            BYTE => _ = self.byte()?,
            I16 | I32 | I64 => _ = self.varint()?,
            DOUBLE => _ = self.take(8)?,
            BINARY => {
                let length = self.varint()?;
                self.take(length)?;
            }
            LIST | SET => {
                let (kind, count) = self.list_header()?;
                for _ in 0..count {
                    self.skip_item(kind, depth + 1)?;
                }
            }
            MAP => self.skip_map(depth)?,
            STRUCT => self.structure(|reader, _, kind| reader.skip(kind, depth + 1))?,
            _ => return malformed("a value of unknown type"),
        }
        Ok(())
    }

    /// In lists, yes and no are bytes of their own.
    fn skip_item(&mut self, kind: u8, depth: usize) -> Step<()> {
        if matches!(kind, TRUE | FALSE) { self.byte().map(|_| ()) } else { self.skip(kind, depth) }
    }

    fn skip_map(&mut self, depth: usize) -> Step<()> {
        let count = self.varint()?;
        if count > (self.bytes.len() - self.at) as u64 {
            return Err(HeaderError::Truncated);
        }
        let kinds = if count == 0 { 0 } else { self.byte()? };
        for _ in 0..count {
            self.skip_item(kinds >> 4, depth + 1)?;
            self.skip_item(kinds & 15, depth + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Vec<u8> {
        [&[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
    }

    /// `SchemaElement` with type, repetition, name, children.
    fn element(physical: Option<u8>, name: &str, children: u8, string: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut last = 0;
        let mut field = |bytes: &mut Vec<u8>, id: u8, kind: u8, value: &[u8]| {
            bytes.push((id - last) << 4 | kind);
            last = id;
            bytes.extend_from_slice(value);
        };
        if let Some(physical) = physical {
            field(&mut bytes, 1, I32, &[physical * 2]);
        }
        field(&mut bytes, 3, I32, &[2]);
        field(&mut bytes, 4, BINARY, &text(name));
        if children > 0 {
            field(&mut bytes, 5, I32, &[children * 2]);
        }
        if string {
            // A union with its first field, an empty structure.
            field(&mut bytes, 10, STRUCT, &[0x1c, 0, 0]);
        }
        bytes.push(0);
        bytes
    }

    fn footer(elements: &[Vec<u8>]) -> Vec<u8> {
        let count = u8::try_from(elements.len()).unwrap();
        let list = [vec![0xf0 | STRUCT, count], elements.concat()].concat();
        // version, schema, rows, row groups (one, empty), created_by
        [&[0x15, 2, 0x19], list.as_slice(), &[0x16, 84, 0x19, 0x1c, 0, 0x28], &text("tests"), &[0]].concat()
    }

    #[test]
    fn columns_and_counts_are_read() {
        let bytes = footer(&[
            element(None, "schema", 3, false),
            element(Some(2), "id", 0, false),
            element(None, "info", 1, false),
            element(Some(6), "name", 0, true),
            element(Some(5), "score", 0, false),
        ]);
        let found = parse(&bytes).unwrap();
        let columns: Vec<_> = found.columns.iter().map(|c| (c.path.as_str(), c.physical, c.logical.as_str())).collect();
        assert_eq!(columns, [("id", "int64", ""), ("info.name", "bytes", "string"), ("score", "double", "")]);
        assert_eq!((found.rows, found.row_groups, found.created_by.as_deref()), (42, 1, Some("tests")));
        assert_eq!(found.columns[0].repetition, "optional");
    }

    #[test]
    fn hostile_footers_are_refused() {
        let deep: Vec<_> = (0..100).map(|_| element(None, "g", 1, false)).collect();
        assert!(matches!(parse(&footer(&deep)), Err(HeaderError::TooLarge(_))));
        let many_children = footer(&[element(None, "schema", 60, false)]);
        assert_eq!(parse(&many_children).unwrap().columns, []);
        // A list that claims more than there is, and structures in structures.
        assert_eq!(parse(&[0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(HeaderError::Truncated));
        assert!(matches!(parse(&vec![0x7c; 1_000_000]), Err(HeaderError::TooLarge(_))));
        assert_eq!(parse(&[]), Err(HeaderError::Truncated));
        assert!(parse(&[0xff; 100]).is_err());
        assert_eq!(footer_bytes(b"\xff\xff\xff\x00PAR1", 1 << 40), Ok(0x00ff_ffff));
        assert_eq!(footer_bytes(b"\xff\xff\xff\xffPAR1", 1 << 40), Err(HeaderError::TooLarge("the footer")));
        assert_eq!(footer_bytes(b"\x10\0\0\0PAR1", 10), Err(HeaderError::Truncated));
        assert_eq!(footer_bytes(b"\x10\0\0\0PARE", 100), Err(HeaderError::WrongFormat("Parquet")));
        assert_eq!(footer_bytes(b"", 0), Err(HeaderError::WrongFormat("Parquet")));
    }
}
