//! Thrift's compact protocol, as far as Parquet needs it. Nothing is read deeper than [`MAX_DEPTH`], and no list is believed to
//! have more items than bytes are left.

use super::super::HeaderError;
use super::{MAX_DEPTH, MAX_TEXT_BYTES};

pub(super) type Step<T> = Result<T, HeaderError>;

// The types of the compact protocol.
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
const DOUBLE: u8 = 7;
pub(super) const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;

pub(super) fn malformed<T>(what: &str) -> Step<T> {
    Err(HeaderError::Malformed(what.to_owned()))
}

/// The bytes and how far they are read.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

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
    pub(super) fn integer(&mut self) -> Step<i64> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    pub(super) fn text(&mut self) -> Step<String> {
        let length = self.varint()?;
        let bytes = self.take(length)?;
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT_BYTES)]).into_owned())
    }

    pub(super) fn list_header(&mut self) -> Step<(u8, u64)> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        // Each item has at least a byte.
        if count > (self.bytes.len() - self.at) as u64 {
            return Err(HeaderError::Truncated);
        }
        Ok((byte & 15, count))
    }

    pub(super) fn list<T>(&mut self, read: impl Fn(&mut Self) -> Step<T>) -> Step<Vec<T>> {
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
    pub(super) fn structure(&mut self, mut field: impl FnMut(&mut Self, i64, u8) -> Step<()>) -> Step<()> {
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

    pub(super) fn skip(&mut self, kind: u8, depth: usize) -> Step<()> {
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
    pub(super) fn skip_item(&mut self, kind: u8, depth: usize) -> Step<()> {
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
