//! The counters of documents on disk, beside the text index: they change too often to write documents anew.
//!
//! A log of fixed records, the last of a document counts. It is written before the text index commits, and may so be
//! a little ahead of it, which harms nothing: counters are repeated with the changes that follow.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use crate::Counters;

const RECORD: usize = 40;
const FILE: &str = "counters.log";

/// The log, open for writing.
#[derive(Debug)]
pub(crate) struct CounterLog {
    path: PathBuf,
    file: File,
    records: usize,
}

impl CounterLog {
    /// Opens the log of a folder, and reads it up to the first record that is damaged or not whole.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, HashMap<i64, Counters>)> {
        let path = folder.join(FILE);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut counters = HashMap::new();
        let mut records = 0;
        for (pk, value) in bytes.chunks_exact(RECORD).map_while(parse) {
            counters.insert(pk, value);
            records += 1;
        }
        let whole = records * RECORD;
        if whole < bytes.len() {
            file.set_len(whole as u64)?;
        }
        let mut log = Self { path, file, records };
        if log.records > 1_000 && log.records > counters.len() * 3 {
            log.replace(&counters)?;
        }
        Ok((log, counters))
    }

    /// Appends counters.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn append(&mut self, counters: impl Iterator<Item = (i64, Counters)>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (pk, value) in counters {
            bytes.extend(record(pk, &value));
        }
        self.file.write_all(&bytes)?;
        self.records += bytes.len() / RECORD;
        Ok(())
    }

    /// Waits until all of it is on disk.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn replace(&mut self, counters: &HashMap<i64, Counters>) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut writer = BufWriter::new(File::create(&fresh)?);
        for (pk, value) in counters {
            writer.write_all(&record(*pk, value))?;
        }
        writer.into_inner()?.sync_data()?;
        fs::rename(&fresh, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.records = counters.len();
        Ok(())
    }
}

fn record(pk: i64, counters: &Counters) -> [u8; RECORD] {
    let words = [pk.cast_unsigned(), counters.trending.to_bits(), counters.downloads, counters.likes];
    let mut bytes = [0; RECORD];
    for (slot, word) in bytes.chunks_exact_mut(8).zip(words.into_iter().chain([check(words)])) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn parse(bytes: &[u8]) -> Option<(i64, Counters)> {
    let mut words = [0; 5];
    for (word, slot) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(slot.try_into().ok()?);
    }
    let [pk, trending, downloads, likes, sum] = words;
    (sum == check([pk, trending, downloads, likes]))
        .then(|| (pk.cast_signed(), Counters { trending: f64::from_bits(trending), downloads, likes }))
}

/// Tells a record that was written whole from one that was not. Against accidents, not against anybody.
fn check(words: [u64; 4]) -> u64 {
    words.into_iter().fold(0x9e37_79b9_7f4a_7c15, |sum, word| (sum ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_counts_and_a_torn_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let of = |likes| Counters { trending: 0.5, downloads: 7, likes };
        let (mut log, _) = CounterLog::open(folder.path()).unwrap();
        log.append([(1, of(1)), (2, of(2)), (1, of(3))].into_iter()).unwrap();
        fs::write(folder.path().join("copy"), fs::read(folder.path().join(FILE)).unwrap()).unwrap();
        log.file.write_all(&record(2, &of(9))[..30]).unwrap();
        drop(log);
        let (mut log, counters) = CounterLog::open(folder.path()).unwrap();
        assert_eq!((counters[&1], counters[&2]), (of(3), of(2)));
        log.append([(2, of(4))].into_iter()).unwrap();
        let (_, counters) = CounterLog::open(folder.path()).unwrap();
        assert_eq!(counters[&2], of(4), "what follows a torn record is read");
    }

    #[test]
    fn a_long_log_is_shortened() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = CounterLog::open(folder.path()).unwrap();
        log.append((0..5_000_i64).map(|n| (n % 10, Counters { likes: n.cast_unsigned(), ..Counters::default() }))).unwrap();
        drop(log);
        let (log, counters) = CounterLog::open(folder.path()).unwrap();
        assert_eq!((log.records, counters[&9].likes), (10, 4_999));
    }
}
