//! Pages: their headers, and what is in them once unpacked.

use std::io::Read as _;

use super::super::HeaderError;
use super::thrift::{FALSE, I32, Reader, STRUCT, Step, malformed};

/// The largest page that is unpacked, in bytes; writers aim at one mebibyte.
pub(super) const MAX_PAGE_BYTES: u64 = 8 << 20;
/// The most of a frame that Zstandard may look back at; more would be kept in memory.
const MAX_WINDOW_BYTES: u64 = MAX_PAGE_BYTES;

/// `PageHeader`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PageHeader {
    /// What the page is.
    pub kind: PageKind,
    /// The bytes of the page as they are in the file.
    pub packed: u64,
    /// The bytes once unpacked.
    pub unpacked: u64,
    /// How many values there are, with those that are absent.
    pub values: u64,
    /// `Encoding`, as the format numbers it.
    pub encoding: i64,
    /// The bytes of the levels, which are not packed; pages of the first version have them within.
    pub repetition_bytes: u64,
    pub definition_bytes: u64,
    /// Whether the values are stored as they are, whatever the chunk says.
    pub is_plain: bool,
}

/// `PageType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Values, of the first version.
    Data,
    /// The same, of the second.
    DataV2,
    /// What the values of the next pages stand for.
    Dictionary,
    /// Anything else, which is passed over.
    #[default]
    Other,
}

impl PageHeader {
    pub(super) fn read(reader: &mut Reader<'_>) -> Step<Self> {
        let mut page = Self::default();
        reader.structure(|reader, id, kind| {
            match (id, kind) {
                (1, I32) => page.kind = kind_of(reader.integer()?),
                (2, I32) => page.unpacked = unsigned(reader)?,
                (3, I32) => page.packed = unsigned(reader)?,
                // The headers of the three kinds; a page has the one of its own.
                (5 | 7 | 8, STRUCT) => page.read_kind(reader)?,
                (_, kind) => reader.skip(kind, 0)?,
            }
            Ok(())
        })?;
        if page.packed > MAX_PAGE_BYTES || page.unpacked > MAX_PAGE_BYTES {
            return Err(HeaderError::TooLarge("a page"));
        }
        Ok(page)
    }

    /// `DataPageHeader`, `DictionaryPageHeader`, `DataPageHeaderV2`: the first fields of all are the same but for the encoding.
    fn read_kind(&mut self, reader: &mut Reader<'_>) -> Step<()> {
        let encoding = if self.kind == PageKind::DataV2 { 4 } else { 2 };
        let v2 = self.kind == PageKind::DataV2;
        reader.structure(|reader, id, kind| {
            match (id, kind) {
                (1, I32) => self.values = unsigned(reader)?,
                (id, I32) if id == encoding => self.encoding = reader.integer()?,
                (5, I32) if v2 => self.definition_bytes = unsigned(reader)?,
                (6, I32) if v2 => self.repetition_bytes = unsigned(reader)?,
                (7, kind) if v2 => {
                    self.is_plain = kind == FALSE;
                    reader.skip(kind, 0)?;
                }
                (_, kind) => reader.skip(kind, 0)?,
            }
            Ok(())
        })
    }
}

fn unsigned(reader: &mut Reader<'_>) -> Step<u64> {
    Ok(u64::try_from(reader.integer()?).unwrap_or(0))
}

const fn kind_of(number: i64) -> PageKind {
    match number {
        0 => PageKind::Data,
        2 => PageKind::Dictionary,
        3 => PageKind::DataV2,
        _ => PageKind::Other,
    }
}

/// Unpacks bytes; `codec` is `CompressionCodec`. Never makes more than `unpacked` bytes, which the header was checked for.
pub(super) fn unpack(codec: i64, bytes: &[u8], unpacked: u64) -> Step<Vec<u8>> {
    let size = usize::try_from(unpacked).map_err(|_| HeaderError::TooLarge("a page"))?;
    let done = match codec {
        0 => Some(bytes.to_vec()),
        1 => snap::raw::decompress_len(bytes)
            .ok()
            .filter(|length| *length == size)
            .and_then(|_| snap::raw::Decoder::new().decompress_vec(bytes).ok()),
        2 => read_all(flate2::read::MultiGzDecoder::new(bytes), unpacked),
        6 => zstd_window(bytes)
            .filter(|window| *window <= MAX_WINDOW_BYTES)
            .and_then(|_| read_all(ruzstd::decoding::StreamingDecoder::new(bytes).ok()?, unpacked)),
        7 => lz4_flex::block::decompress(bytes, size).ok(),
        _ => return malformed("a compression that is not known here"),
    };
    match done.filter(|done| done.len() == size) {
        Some(done) => Ok(done),
        None => malformed("a page cannot be unpacked"),
    }
}

fn read_all(reader: impl std::io::Read, size: u64) -> Option<Vec<u8>> {
    let mut done = Vec::new();
    // One byte more shows that there is more.
    reader.take(size + 1).read_to_end(&mut done).ok()?;
    Some(done)
}

/// How far back a frame of Zstandard may look (RFC 8878, 3.1.1.1): memory that its reader sets aside at once.
fn zstd_window(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    if descriptor & 0x20 == 0 {
        let window = frame.get(5)?;
        let base = 1_u64 << (10 + u32::from(window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // A single segment is as long as its content.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let content = frame.get(5 + dictionary..5 + dictionary + length)?;
    Some(content.iter().rev().fold(0, |size, byte| size << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_are_not_unpacked() {
        let zeros = vec![0_u8; 1 << 20];
        let mut gzip = flate2::read::GzEncoder::new(zeros.as_slice(), flate2::Compression::fast());
        let mut packed = Vec::new();
        gzip.read_to_end(&mut packed).unwrap();
        assert!(unpack(2, &packed, 100).is_err() && unpack(2, &packed, 1 << 20).is_ok());
        let snappy = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
        assert!(unpack(1, &snappy, 100).is_err() && unpack(1, &snappy, 1 << 20).is_ok());
        let lz4 = lz4_flex::block::compress(&zeros);
        assert!(unpack(7, &lz4, 100).is_err() && unpack(7, &lz4, 1 << 20).is_ok());
        // A frame that wants to look back two terabytes.
        assert!(unpack(6, &[0x28, 0xb5, 0x2f, 0xfd, 0, 0xff, 1, 0, 0], 100).is_err());
        for codec in 0..9 {
            for bytes in [&[][..], &[0xff; 40], &[0; 40]] {
                assert!(unpack(codec, bytes, 10).is_err(), "{codec}");
            }
        }
    }
}
