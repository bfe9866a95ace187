//! Checkpoints from before PyTorch 1.6: five pickles (a magic number, a version, the machine, the object, the keys of the storages),
//! then of each storage how many numbers it has, and the numbers.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::contents::{Contents, Storage};
use super::machine::Machine;
use super::value::Value;
use super::{CheckpointError, Result};

/// The magic number and the version, as PyTorch's pickles write them.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";
/// How many bytes before its numbers say how many a storage has.
pub const NUMEL_BYTES: u64 = 8;

/// Such a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyFile {
    /// What it has.
    pub contents: Contents,
    /// Where the numbers of each storage are.
    pub ranges: Vec<Range<u64>>,
}

impl LegacyFile {
    /// Whether a file is one, by its first bytes.
    pub fn is_one(head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    /// Reads the pickles at the beginning of the file.
    ///
    /// # Errors
    /// As [`Contents::parse`]; also when the pickles are longer than the bytes that are given.
    pub fn parse(head: &[u8], file_bytes: u64) -> Result<Self> {
        const WRONG: CheckpointError = CheckpointError::Broken("its beginning is not what PyTorch writes");
        if !Self::is_one(head) {
            return Err(WRONG);
        }
        let mut at = MAGIC.len();
        let mut machine = Machine::default();
        let mut read = |machine: &mut Machine| -> Result<Value> {
            let (value, bytes) = machine.read(head.get(at..).unwrap_or_default())?;
            at += bytes;
            Ok(value)
        };
        read(&mut machine)?;
        let root = read(&mut machine)?;
        let keys = read(&mut machine)?;
        let keys = machine.list(&keys).ok_or(WRONG)?;
        let mut ranges = vec![0..0; machine.storages.len()];
        let mut place = at as u64;
        let by_key: std::collections::HashMap<&str, (usize, &Storage)> =
            machine.storages.iter().enumerate().map(|(at, storage)| (storage.key.as_str(), (at, storage))).collect();
        let mut placed = 0;
        for key in keys {
            let Value::Text(key) = key else { return Err(WRONG) };
            let (index, storage) = by_key.get(&**key).ok_or(WRONG)?;
            let start = place.checked_add(NUMEL_BYTES).ok_or(WRONG)?;
            place = start.checked_add(storage.bytes).filter(|end| *end <= file_bytes).ok_or(WRONG)?;
            let range = ranges.get_mut(*index).filter(|range| range.end == 0).ok_or(WRONG)?;
            *range = start..place;
            placed += 1;
        }
        if placed != machine.storages.len() {
            return Err(CheckpointError::Broken("numbers that its pickle names are missing"));
        }
        Ok(Self { contents: Contents::of(machine, &root)?, ranges })
    }

    /// Whether what lies before the numbers of a storage says as much as the pickle does.
    pub fn agrees(&self, storage: usize, numel: [u8; 8]) -> bool {
        let of = self.contents.storages.get(storage);
        of.is_some_and(|storage| {
            let width = storage.dtype.map_or(1, crate::Dtype::width) as u64;
            u64::from_le_bytes(numel).checked_mul(width) == Some(storage.bytes)
        })
    }
}
