//! The zip file around a checkpoint: where its entries are. Strict, so that no two readers see different entries: the directory ends
//! the file, no name comes twice, nothing is packed.

use std::collections::HashMap;
use std::ops::Range;

use super::{CheckpointError, MAX_CHECKPOINT_TENSORS, MAX_PICKLE_BYTES, Result};

/// How many bytes of the end of a file say where the directory is.
pub const TAIL_BYTES: u64 = 22 + 20 + 56;
/// The longest directory that is read.
pub const MAX_DIRECTORY_BYTES: u64 = 16 << 20;
/// How many bytes before an entry's name say where its bytes begin.
pub const LOCAL_HEADER_BYTES: u64 = 30;

const BROKEN: CheckpointError = CheckpointError::Broken("its zip directory is not what PyTorch writes");

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipEntry {
    /// Its size.
    pub bytes: u64,
    /// Where its own header is.
    pub header_at: u64,
    is_plain: bool,
}

impl ZipEntry {
    /// Where its own header is, which [`Self::range`] needs.
    pub fn header_range(&self) -> Range<u64> {
        self.header_at..self.header_at.saturating_add(LOCAL_HEADER_BYTES)
    }

    /// Where its bytes are, told by its own header.
    ///
    /// # Errors
    /// It is packed or encrypted, or lies outside of the file.
    pub fn range(&self, header: &[u8], file_bytes: u64) -> Result<Range<u64>> {
        if !self.is_plain {
            return Err(CheckpointError::unsupported(
                "is packed or encrypted inside, as PyTorch writes none: load it and save it again",
            ));
        }
        let is_one = header.starts_with(b"PK\x03\x04");
        let (name, extra) = number(header, 26, 2).zip(number(header, 28, 2)).filter(|_| is_one).ok_or(BROKEN)?;
        let start = self.header_at.checked_add(LOCAL_HEADER_BYTES + name + extra).ok_or(BROKEN)?;
        let end = start.checked_add(self.bytes).filter(|end| *end <= file_bytes).ok_or(BROKEN)?;
        Ok(start..end)
    }
}

/// Where the directory is, told by the last [`TAIL_BYTES`] of the file.
///
/// # Errors
/// The file does not end like a zip file without a comment, or its directory is too long.
pub fn directory_range(tail: &[u8], file_bytes: u64) -> Result<Range<u64>> {
    let end = tail.len().checked_sub(22).ok_or(BROKEN)?;
    if !tail[end..].starts_with(b"PK\x05\x06") || number(tail, end + 20, 2) != Some(0) {
        return Err(CheckpointError::Broken("it is no zip file of PyTorch's"));
    }
    let wide = end.checked_sub(20).filter(|at| tail[*at..].starts_with(b"PK\x06\x07")).and_then(|at| at.checked_sub(56));
    let (at, bytes, begin) = match wide {
        Some(at) if tail[at..].starts_with(b"PK\x06\x06") => (at, number(tail, at + 40, 8), number(tail, at + 48, 8)),
        Some(_) => return Err(BROKEN),
        None => (end, number(tail, end + 12, 4), number(tail, end + 16, 4)),
    };
    let (bytes, begin) = bytes.zip(begin).ok_or(BROKEN)?;
    // What is left of the tail is the last part of the file.
    let stop = file_bytes.checked_sub((tail.len() - at) as u64).ok_or(BROKEN)?;
    if begin.checked_add(bytes) != Some(stop) {
        return Err(BROKEN);
    }
    if bytes > MAX_DIRECTORY_BYTES {
        return Err(CheckpointError::TooLarge("its zip directory"));
    }
    Ok(begin..stop)
}

/// The entries of a checkpoint.
#[derive(Debug, Clone)]
pub struct ZipFile {
    entries: HashMap<String, ZipEntry>,
    /// What every name begins with.
    folder: String,
}

impl ZipFile {
    /// Reads the directory.
    ///
    /// # Errors
    /// It is damaged, or not that of a checkpoint.
    pub fn parse(directory: &[u8]) -> Result<Self> {
        let (mut entries, mut at) = (HashMap::new(), 0);
        while at < directory.len() {
            let (name, entry, next) = entry_at(directory, at).ok_or(BROKEN)?;
            if entries.len() >= 2 * MAX_CHECKPOINT_TENSORS {
                return Err(CheckpointError::TooLarge("its files"));
            }
            if entries.insert(name, entry).is_some() {
                return Err(CheckpointError::Broken("two of its files have one name"));
            }
            at = next;
        }
        let folder_of = |name: &String| name.strip_suffix("data.pkl").filter(|folder| is_folder(folder)).map(str::to_owned);
        let mut folders: Vec<String> = entries.keys().filter_map(folder_of).collect();
        let (Some(folder), true) = (folders.pop(), folders.is_empty()) else {
            return Err(CheckpointError::Broken("it has no `data.pkl`, or several"));
        };
        if entries.contains_key(&format!("{folder}constants.pkl")) {
            return Err(CheckpointError::unsupported("is a TorchScript program, not a file of weights"));
        }
        Ok(Self { entries, folder })
    }

    /// The pickle.
    ///
    /// # Errors
    /// It is too long.
    pub fn pickle(&self) -> Result<&ZipEntry> {
        let entry = self.find("data.pkl").ok_or(BROKEN)?;
        if entry.bytes > MAX_PICKLE_BYTES { Err(CheckpointError::TooLarge("its pickle")) } else { Ok(entry) }
    }

    /// What says in which order the bytes of a number are; in older files nothing does.
    pub fn byte_order(&self) -> Option<&ZipEntry> {
        self.find("byteorder").filter(|entry| entry.bytes <= 16)
    }

    /// The numbers of a storage.
    ///
    /// # Errors
    /// They are not there.
    pub fn storage(&self, key: &str) -> Result<&ZipEntry> {
        self.find(&format!("data/{key}")).ok_or(CheckpointError::Broken("numbers that its pickle names are missing"))
    }

    fn find(&self, name: &str) -> Option<&ZipEntry> {
        self.entries.get(&format!("{}{name}", self.folder))
    }
}

fn is_folder(folder: &str) -> bool {
    folder.strip_suffix('/').is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

fn entry_at(directory: &[u8], at: usize) -> Option<(String, ZipEntry, usize)> {
    if !directory.get(at..)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let (flags, method) = (number(directory, at + 8, 2)?, number(directory, at + 10, 2)?);
    let mut sizes = [number(directory, at + 24, 4)?, number(directory, at + 20, 4)?, number(directory, at + 42, 4)?];
    let length = |offset| usize::try_from(number(directory, at + offset, 2)?).ok();
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let name_end = at + 46 + name;
    let text = String::from_utf8(directory.get(at + 46..name_end)?.to_vec()).ok()?;
    widen(&mut sizes, directory.get(name_end..name_end + extra)?)?;
    let [bytes, packed, header_at] = sizes;
    let is_plain = method == 0 && flags & 1 == 0 && packed == bytes;
    let next = name_end + extra + comment;
    (next <= directory.len()).then_some((text, ZipEntry { bytes, header_at, is_plain }, next))
}

/// Numbers too large for their fields are in the extra field 1, in this order, as far as they are.
fn widen(sizes: &mut [u64; 3], extra: &[u8]) -> Option<()> {
    let mut at = 0;
    while let (Some(id), Some(length)) = (number(extra, at, 2), number(extra, at + 2, 2)) {
        let mut place = at + 4;
        at = place + usize::try_from(length).ok()?;
        if id == 1 {
            for size in sizes.iter_mut().filter(|size| **size == 0xffff_ffff) {
                *size = number(extra.get(..at)?, place, 8)?;
                place += 8;
            }
        }
    }
    Some(())
}

pub(super) fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let part = bytes.get(at..at.checked_add(width)?)?;
    Some(part.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}
