//! Walks the bytes of a header, and tells whoever visits it what is there.

use super::super::HeaderError;
use super::{MAX_KEY_BYTES, MAX_KEYS, MAX_PREFIX_BYTES, MAX_TENSORS};

/// Why reading ends early.
pub(super) enum Stop {
    /// The prefix ends; this many bytes are needed.
    Missing(u64),
    Error(HeaderError),
}

/// What a step of reading gives.
pub(super) type Step<T> = Result<T, Stop>;

/// The error of a header that says what cannot be.
pub(super) fn malformed<T>(what: &str) -> Step<T> {
    Err(Stop::Error(HeaderError::Malformed(what.to_owned())))
}

/// A prefix of a file, and how far it was read.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Step<&'a [u8]> {
        let end = (self.at as u64).saturating_add(count);
        let bytes = usize::try_from(end).ok().and_then(|end| self.bytes.get(self.at..end)).ok_or(Stop::Missing(end))?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn u32(&mut self) -> Step<u32> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }

    fn u64(&mut self) -> Step<u64> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    pub(super) fn text(&mut self) -> Step<&'a [u8]> {
        let length = self.u64()?;
        if length > MAX_PREFIX_BYTES {
            return Err(Stop::Error(HeaderError::TooLarge("a text")));
        }
        self.take(length)
    }

    fn key(&mut self) -> Step<String> {
        let length = self.u64()?;
        if length > MAX_KEY_BYTES {
            return Err(Stop::Error(HeaderError::TooLarge("a name")));
        }
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).or_else(|_| malformed("a name is not UTF-8"))
    }
}

/// A value of a key, as far as we look at it.
pub(super) enum Field<'a> {
    Number(u64),
    Float(f64),
    Text(&'a [u8]),
    /// Where an array of texts starts, and how many there are.
    Texts(usize, u64),
    /// An array of numbers, and how many there are.
    Numbers(u64),
}

/// What wants to know about a header.
pub(super) trait Visit {
    fn key(&mut self, key: &str, value: &Field<'_>);
    fn tensor(&mut self, name: String, shape: Vec<u64>, kind: u32) -> Step<()>;
}

/// Reads all of it.
pub(super) fn read_header(reader: &mut Reader<'_>, visit: &mut impl Visit) -> Step<()> {
    if reader.take(4)? != b"GGUF" {
        return Err(Stop::Error(HeaderError::WrongFormat("GGUF")));
    }
    let version = reader.u32()?;
    if !matches!(version, 2 | 3) {
        return malformed("only versions 2 and 3 in little endian can be read");
    }
    let (tensors, keys) = (reader.u64()?, reader.u64()?);
    if tensors > MAX_TENSORS || keys > MAX_KEYS {
        return Err(Stop::Error(HeaderError::TooLarge("the number of tensors or keys")));
    }
    for _ in 0..keys {
        let key = reader.key()?;
        let kind = reader.u32()?;
        let value = read_value(reader, kind)?;
        visit.key(&key, &value);
    }
    for _ in 0..tensors {
        read_tensor(reader, visit)?;
    }
    Ok(())
}

fn read_value<'a>(reader: &mut Reader<'a>, kind: u32) -> Step<Field<'a>> {
    Ok(match kind {
        0 | 1 | 7 => Field::Number(u64::from(reader.take(1)?[0])),
        2 | 3 => Field::Number(reader.take(2)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))),
        4 | 5 => Field::Number(u64::from(reader.u32()?)),
        10 | 11 => Field::Number(reader.u64()?),
        6 => Field::Float(f64::from(f32::from_bits(reader.u32()?))),
        12 => Field::Float(f64::from_bits(reader.u64()?)),
        8 => Field::Text(reader.text()?),
        9 => read_array(reader)?,
        _ => return malformed("a key has a value of unknown type"),
    })
}

fn read_array<'a>(reader: &mut Reader<'a>) -> Step<Field<'a>> {
    let kind = reader.u32()?;
    let count = reader.u64()?;
    let width = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        8 => {
            let start = reader.at;
            if count > MAX_PREFIX_BYTES / 8 {
                return Err(Stop::Error(HeaderError::TooLarge("an array")));
            }
            for _ in 0..count {
                reader.text()?;
            }
            return Ok(Field::Texts(start, count));
        }
        _ => return malformed("an array holds values of unknown type, or arrays"),
    };
    let bytes = count.checked_mul(width).filter(|bytes| *bytes <= MAX_PREFIX_BYTES);
    reader.take(bytes.map_or_else(|| Err(Stop::Error(HeaderError::TooLarge("an array"))), Ok)?)?;
    Ok(Field::Numbers(count))
}

fn read_tensor(reader: &mut Reader<'_>, visit: &mut impl Visit) -> Step<()> {
    let name = reader.key()?;
    let dimensions = reader.u32()?;
    if dimensions > 8 {
        return malformed("a tensor has more than 8 dimensions");
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        shape.push(reader.u64()?);
    }
    let kind = reader.u32()?;
    reader.take(8)?;
    visit.tensor(name, shape, kind)
}
