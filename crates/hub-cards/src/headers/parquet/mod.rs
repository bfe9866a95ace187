//! The footer of a Parquet file (`parquet-format`, `parquet.thrift`): what its columns are, how many rows it has, and where the
//! first rows lie. [`rows`] reads those.
//!
//! ```text
//! "PAR1" | pages | FileMetaData in Thrift's compact protocol | its length u32 little endian | "PAR1"
//! ```
//!
//! The `parquet` crate is not used: it recurses into the schema as deep as the file says, and makes room for as many values and
//! bytes as a page claims to have. Here, every number that a file gives is held against the bytes that are there.

mod levels;
mod page;
pub mod rows;
mod schema;
mod thrift;
mod values;

use self::schema::Element;
use self::thrift::{BINARY, I32, I64, LIST, Reader, STRUCT, Step};
use super::HeaderError;

pub use schema::Column;

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
    /// Where the first group of rows has the values of each of them.
    pub chunks: Vec<Chunk>,
    /// How many rows there are.
    pub rows: u64,
    /// In how many groups.
    pub row_groups: u64,
    /// What wrote the file.
    pub created_by: Option<String>,
    /// Whether there are more columns.
    pub truncated: bool,
}

/// Where the values of a column lie in a group of rows: pages, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Where they begin in the file, in bytes.
    pub start: u64,
    /// How many bytes they take.
    pub length: u64,
    /// `CompressionCodec`, as the format numbers it.
    codec: i64,
    /// How many values there are, with those that are absent.
    values: u64,
    /// Whether they are in another file or encrypted.
    elsewhere: bool,
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
    let mut reader = Reader::new(footer);
    let mut found = Footer::default();
    let mut elements = Vec::new();
    reader.structure(|reader, id, kind| {
        match (id, kind) {
            (2, LIST) => elements = reader.list(Element::read)?,
            (3, I64) => found.rows = u64::try_from(reader.integer()?).unwrap_or(0),
            (4, LIST) => (found.chunks, found.row_groups) = row_groups(reader)?,
            (6, BINARY) => found.created_by = Some(reader.text()?),
            (_, kind) => reader.skip(kind, 0)?,
        }
        Ok(())
    })?;
    (found.columns, found.truncated) = schema::columns(&elements)?;
    Ok(found)
}

/// The chunks of the first group, and how many groups there are.
fn row_groups(reader: &mut Reader<'_>) -> Step<(Vec<Chunk>, u64)> {
    let (kind, count) = reader.list_header()?;
    let mut chunks = Vec::new();
    for at in 0..count {
        if at > 0 || kind != STRUCT {
            reader.skip_item(kind, 0)?;
            continue;
        }
        reader.structure(|reader, id, kind| {
            match (id, kind) {
                (1, LIST) => chunks = reader.list(Chunk::read)?,
                (_, kind) => reader.skip(kind, 0)?,
            }
            Ok(())
        })?;
    }
    Ok((chunks, count))
}

impl Chunk {
    /// `ColumnChunk`.
    fn read(reader: &mut Reader<'_>) -> Step<Self> {
        let mut chunk = Self::default();
        reader.structure(|reader, id, kind| {
            match (id, kind) {
                (3, STRUCT) => chunk.read_metadata(reader)?,
                // The path of another file, and how it is encrypted.
                (1 | 8 | 9, kind) => {
                    chunk.elsewhere = true;
                    reader.skip(kind, 0)?;
                }
                (_, kind) => reader.skip(kind, 0)?,
            }
            Ok(())
        })?;
        Ok(chunk)
    }

    /// `ColumnMetaData`.
    fn read_metadata(&mut self, reader: &mut Reader<'_>) -> Step<()> {
        let unsigned = |reader: &mut Reader<'_>| Ok(u64::try_from(reader.integer()?).unwrap_or(0));
        let mut dictionary = 0;
        reader.structure(|reader, id, kind| {
            match (id, kind) {
                (4, I32) => self.codec = reader.integer()?,
                (5, I64) => self.values = unsigned(reader)?,
                (7, I64) => self.length = unsigned(reader)?,
                (9, I64) => self.start = unsigned(reader)?,
                (11, I64) => dictionary = unsigned(reader)?,
                (_, kind) => reader.skip(kind, 0)?,
            }
            Ok(())
        })?;
        // The dictionary goes before the values.
        if dictionary > 0 {
            self.start = self.start.min(dictionary);
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
