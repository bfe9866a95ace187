//! The directory of a zip file and its entries.
//!
//! Not by a library: those refuse what they find wrong (a flag that says that an entry is encrypted, a checksum that does not fit),
//! and the readers of models do not. What `torch.load` opens must not be hidden by what a stricter reader does not. Only what is
//! needed to get at bytes is read: where an entry lies, how it is packed, how long it is.

use std::io::{Read as _, SeekFrom};

use crate::input::{Budget, ReadSeek, Stop};

/// How long the directory may be.
const MAX_DIRECTORY_BYTES: u64 = 32 << 20;
/// How many entries are listed.
const MAX_ENTRIES: usize = 100_000;
/// The end of a directory, with the longest comment behind it.
const MAX_END_BYTES: u64 = 22 + 65_535;

/// An entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub method: u16,
    pub packed: u64,
    pub unpacked: u64,
    header_at: u64,
}

/// What a zip file lists.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub entries: Vec<Entry>,
    /// Whether there is more than is listed here.
    pub is_cut: bool,
}

/// Bytes of a file at a place; fewer at its end.
fn read_at(file: &mut dyn ReadSeek, budget: &Budget, at: u64, count: u64) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.take(count).read_to_end(&mut bytes));
    read.map_err(|_| Stop::Broken)?;
    budget.bytes(bytes.len())?;
    Ok(bytes)
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// Where the directory lies: start and length.
fn find(file: &mut dyn ReadSeek, budget: &Budget, size: u64) -> Result<Option<(u64, u64)>, Stop> {
    let tail_at = size.saturating_sub(MAX_END_BYTES);
    let tail = read_at(file, budget, tail_at, MAX_END_BYTES)?;
    let Some(end) = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06") else { return Ok(None) };
    let (length, start) = (number(&tail, end + 12, 4), number(&tail, end + 16, 4));
    let (Some(length), Some(start)) = (length, start) else { return Ok(None) };
    if start != 0xffff_ffff && length != 0xffff_ffff {
        return Ok(Some((start, length)));
    }
    let locator = end.checked_sub(20).filter(|at| tail.get(*at..*at + 4) == Some(b"PK\x06\x07"));
    let Some(record_at) = locator.and_then(|at| number(&tail, at + 8, 8)) else { return Ok(None) };
    let record = read_at(file, budget, record_at, 56)?;
    let (length, start) = (number(&record, 40, 8), number(&record, 48, 8));
    Ok(start.zip(length))
}

/// Lists the entries; `None` when this is no zip file.
pub(crate) fn list(file: &mut dyn ReadSeek, budget: &Budget, size: u64) -> Result<Option<Directory>, Stop> {
    let Some((start, length)) = find(file, budget, size)? else { return Ok(None) };
    let bytes = read_at(file, budget, start.min(size), length.min(MAX_DIRECTORY_BYTES))?;
    let mut directory = Directory { is_cut: length > MAX_DIRECTORY_BYTES, ..Directory::default() };
    let mut at = 0;
    while let Some((entry, next)) = entry_at(&bytes, at) {
        budget.step()?;
        if directory.entries.len() == MAX_ENTRIES {
            directory.is_cut = true;
            break;
        }
        directory.entries.push(entry);
        at = next;
    }
    Ok(Some(directory))
}

/// An entry of the directory, and where the next one begins.
fn entry_at(bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
    let header = bytes.get(at..at.checked_add(46)?)?;
    if !header.starts_with(b"PK\x01\x02") {
        return None;
    }
    let field = |place, width| number(header, place, width);
    let (name_length, extra_length, comment_length) = (field(28, 2)?, field(30, 2)?, field(32, 2)?);
    let lengths = [name_length, extra_length, comment_length].map(|length| usize::try_from(length).unwrap_or(0));
    let name = bytes.get(at + 46..at + 46 + lengths[0])?;
    let extra = bytes.get(at + 46 + lengths[0]..at + 46 + lengths[0] + lengths[1])?;
    let mut sizes = [field(24, 4)?, field(20, 4)?, field(42, 4)?];
    widen(&mut sizes, extra);
    let method = u16::try_from(field(10, 2)?).unwrap_or(u16::MAX);
    let [unpacked, packed, header_at] = sizes;
    let name = String::from_utf8_lossy(name).chars().take(500).collect();
    Some((Entry { name, method, packed, unpacked, header_at }, at + 46 + lengths.iter().sum::<usize>()))
}

/// Numbers too large for their fields are in the extra field 1, in this order, as far as they are.
fn widen(sizes: &mut [u64; 3], extra: &[u8]) {
    let mut at = 0;
    while let (Some(id), Some(length)) = (number(extra, at, 2), number(extra, at + 2, 2)) {
        let mut place = at + 4;
        if id == 1 {
            for size in sizes.iter_mut().filter(|size| **size == 0xffff_ffff) {
                let Some(wide) = number(extra, place, 8) else { return };
                *size = wide;
                place += 8;
            }
            return;
        }
        at += 4 + usize::try_from(length).unwrap_or(usize::MAX - at - 4);
    }
}

impl Entry {
    /// Where the packed bytes lie; `None` when there is no such entry.
    pub(crate) fn range(&self, file: &mut dyn ReadSeek, budget: &Budget, size: u64) -> Result<Option<(u64, u64)>, Stop> {
        let header = read_at(file, budget, self.header_at.min(size), 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Ok(None);
        }
        let (Some(name), Some(extra)) = (number(&header, 26, 2), number(&header, 28, 2)) else { return Ok(None) };
        let start = self.header_at.saturating_add(30 + name + extra);
        Ok(Some((start.min(size), start.saturating_add(self.packed).min(size))))
    }
}
