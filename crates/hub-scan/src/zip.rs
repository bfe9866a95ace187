//! The directory of a zip file and its entries.
//!
//! Not by a library: those refuse what they find wrong (a flag that says that an entry is encrypted, a checksum that does not fit),
//! and the readers of models do not. What `torch.load` opens must not be hidden by what a stricter reader does not. Only what is
//! needed to get at bytes is read: where an entry lies, how it is packed, how long it is.

use std::io::{Read as _, SeekFrom};

use crate::input::{Budget, ReadSeek, Stop};

/// How long the directory may be.
const MAX_DIRECTORY_BYTES: u64 = 16 << 20;
/// How many entries are listed.
const MAX_ENTRIES: usize = 100_000;
/// The record at the end, without the comment behind it.
const END_BYTES: usize = 22;
/// The same for large archives: the record, and the one that says where it is.
const WIDE_END_BYTES: usize = 56;
const LOCATOR_BYTES: usize = 20;
/// All of them, with the longest comment.
const MAX_TAIL_BYTES: u64 = (WIDE_END_BYTES + LOCATOR_BYTES + END_BYTES + 65_535) as u64;
/// How many characters of a name are kept: its end, by which files are told apart.
const MAX_NAME_CHARS: usize = 500;

/// An entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub method: u16,
    pub packed: u64,
    pub unpacked: u64,
    /// Whether it leads out of the folder that it is unpacked into.
    pub is_outside: bool,
    header_at: u64,
}

/// What a zip file lists.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub entries: Vec<Entry>,
    /// Whether there is more than is listed here.
    pub is_cut: bool,
    /// Whether readers may find different directories.
    pub is_ambiguous: bool,
}

/// Bytes of a file at a place; fewer at its end.
pub(crate) fn read_at(file: &mut dyn ReadSeek, budget: &Budget, at: u64, count: u64) -> Result<Vec<u8>, Stop> {
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

/// Where a directory lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    start: u64,
    length: u64,
    /// By how much everything lies further back than is written.
    shift: i128,
}

/// What the end of an archive says of its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    start: u64,
    length: u64,
    /// Where the directory ends, if nothing lies in between.
    at: u64,
}

impl End {
    /// Where it says, and where Python's `zipfile` looks: right before the end, with all places shifted by as much.
    fn places(self) -> impl Iterator<Item = Place> {
        let shift = i128::from(self.at) - i128::from(self.length) - i128::from(self.start);
        let shifted = u64::try_from(i128::from(self.start) + shift).ok().filter(|_| shift != 0);
        let there = Place { start: self.start, length: self.length, shift: 0 };
        std::iter::once(there).chain(shifted.map(|start| Place { start, length: self.length, shift }))
    }
}

/// The places where one reader or another looks for the directory; none when this is no zip file.
fn find(file: &mut dyn ReadSeek, budget: &Budget, size: u64) -> Result<Vec<Place>, Stop> {
    let tail_at = size.saturating_sub(MAX_TAIL_BYTES);
    let tail = read_at(file, budget, tail_at, MAX_TAIL_BYTES)?;
    // The last one that is whole.
    let ends = tail.get(..(tail.len() + 4).saturating_sub(END_BYTES)).unwrap_or_default();
    let Some(end) = ends.windows(4).rposition(|bytes| bytes == b"PK\x05\x06") else { return Ok(Vec::new()) };
    let wide = wide_ends(file, budget, &tail, tail_at, end)?;
    let (length, start) = (number(&tail, end + 12, 4), number(&tail, end + 16, 4));
    let at = wide.first().map_or(tail_at + end as u64, |wide| wide.at);
    let narrow = start.zip(length).map(|(start, length)| End { start, length, at });
    // Numbers too large for their fields are in the other record.
    let narrow = narrow.filter(|narrow| wide.is_empty() || ![narrow.start, narrow.length].contains(&0xffff_ffff));
    let mut places: Vec<Place> = Vec::new();
    for place in narrow.into_iter().chain(wide).flat_map(End::places) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// The records for large archives: the one right before its locator, which Python takes, and the one that the locator names.
fn wide_ends(file: &mut dyn ReadSeek, budget: &Budget, tail: &[u8], tail_at: u64, end: usize) -> Result<Vec<End>, Stop> {
    let locator = end.checked_sub(LOCATOR_BYTES).filter(|at| tail.get(*at..*at + 4) == Some(b"PK\x06\x07"));
    let Some(locator) = locator else { return Ok(Vec::new()) };
    let before = (tail_at + locator as u64).checked_sub(WIDE_END_BYTES as u64);
    let mut ends = Vec::new();
    for at in [before, number(tail, locator + 8, 8)].into_iter().flatten() {
        let record = read_at(file, budget, at.min(i64::MAX as u64), WIDE_END_BYTES as u64)?;
        let found = number(&record, 48, 8).zip(number(&record, 40, 8));
        let found = found.filter(|_| record.starts_with(b"PK\x06\x06")).map(|(start, length)| End { start, length, at });
        if let Some(found) = found.filter(|found| !ends.contains(found)) {
            ends.push(found);
        }
    }
    Ok(ends)
}

/// Lists the entries; `None` when this is no zip file.
pub(crate) fn list(file: &mut dyn ReadSeek, budget: &Budget, size: u64) -> Result<Option<Directory>, Stop> {
    let places = find(file, budget, size)?;
    if places.is_empty() {
        return Ok(None);
    }
    let mut directory = Directory { is_ambiguous: places.len() > 1, ..Directory::default() };
    for place in places {
        list_at(file, budget, size, place, &mut directory)?;
    }
    Ok(Some(directory))
}

fn list_at(file: &mut dyn ReadSeek, budget: &Budget, size: u64, place: Place, directory: &mut Directory) -> Result<(), Stop> {
    let bytes = read_at(file, budget, place.start.min(size), place.length.min(MAX_DIRECTORY_BYTES))?;
    directory.is_cut |= place.length > MAX_DIRECTORY_BYTES && bytes.len() as u64 == MAX_DIRECTORY_BYTES;
    let mut at = 0;
    while let Some((mut entry, next)) = entry_at(&bytes, at) {
        budget.step()?;
        if directory.entries.len() == MAX_ENTRIES {
            directory.is_cut = true;
            break;
        }
        at = next;
        // One in front of the file is none.
        let Ok(header_at) = u64::try_from(i128::from(entry.header_at) + place.shift) else { continue };
        entry.header_at = header_at;
        directory.entries.push(entry);
    }
    Ok(())
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
    // As Python has it, a name ends at a NUL.
    let name = String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or_default());
    let is_outside = name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..");
    let start = name.char_indices().rev().take(MAX_NAME_CHARS).last().map_or(0, |(at, _)| at);
    let name = name[start..].to_owned();
    Some((Entry { name, method, packed, unpacked, is_outside, header_at }, at + 46 + lengths.iter().sum::<usize>()))
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
