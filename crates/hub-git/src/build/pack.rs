use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use git2::ObjectType;
use hub_types::Oid;
use sha1::{Digest, Sha1};

use super::built_pack::{BuiltPack, PackContent};
use super::change::Content;
use super::spool::{Spool, Spooled};
use crate::reader::GitReader;
use crate::{Error, Result};

/// Above this size speed counts more than a few percent of space.
const FAST_ABOVE: u64 = 256 * 1024;
const CHUNK: usize = 64 * 1024;

struct IndexRow {
    oid: Oid,
    crc: u32,
    offset: u64,
}

/// Writes new objects one after the other into a pack; those that are there already are left out.
pub(super) struct PackWriter<'a> {
    base: &'a GitReader,
    spool: Spool<'a>,
    offset: u64,
    rows: Vec<IndexRow>,
    seen: HashSet<Oid>,
}

impl<'a> PackWriter<'a> {
    /// Once it is no longer small, the pack is written below `scratch`.
    pub(super) fn new(base: &'a GitReader, scratch: &'a Path) -> Result<Self> {
        let mut spool = Spool::new(scratch);
        // The number of objects is filled in at the end.
        spool.write_all(b"PACK\0\0\0\x02\0\0\0\0")?;
        Ok(Self { base, spool, offset: 12, rows: Vec::new(), seen: HashSet::new() })
    }

    /// Adds an object that is in memory.
    pub(super) fn add(&mut self, kind: ObjectType, data: &[u8]) -> Result<Oid> {
        let size = data.len() as u64;
        let mut hasher = start_hash(kind, size);
        hasher.update(data);
        let oid = Oid::from_bytes(hasher.finalize().into());
        if self.is_known(oid)? {
            return Ok(oid);
        }
        let mut entry = Entry::start(&mut self.spool, kind, size)?;
        entry.write_all(data)?;
        let (crc, len) = entry.finish()?;
        self.push(oid, crc, len);
        Ok(oid)
    }

    /// Adds a blob, reading it no more than once and in pieces.
    pub(super) fn add_content(&mut self, content: &Content) -> Result<Oid> {
        let (file, offset, len) = match content {
            Content::Bytes(bytes) => return self.add(ObjectType::Blob, bytes),
            Content::Spooled { file, offset, len } => (file, *offset, *len),
        };
        let mut hasher = start_hash(ObjectType::Blob, len);
        let mut entry = Entry::start(&mut self.spool, ObjectType::Blob, len)?;
        let mut source = SpoolReader { file, offset, left: len };
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = source.read(&mut chunk)?;
            if count == 0 {
                break;
            }
            let piece = chunk.get(..count).unwrap_or_default();
            hasher.update(piece);
            entry.write_all(piece)?;
        }
        if source.left > 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let (crc, written) = entry.finish()?;
        let oid = Oid::from_bytes(hasher.finalize().into());
        if self.is_known(oid)? {
            self.spool.truncate(self.offset)?;
        } else {
            self.push(oid, crc, written);
        }
        Ok(oid)
    }

    fn is_known(&self, oid: Oid) -> Result<bool> {
        Ok(self.seen.contains(&oid) || self.base.contains(oid)?)
    }

    fn push(&mut self, oid: Oid, crc: u32, len: u64) {
        self.rows.push(IndexRow { oid, crc, offset: self.offset });
        self.seen.insert(oid);
        self.offset += len;
    }

    /// Completes pack and index; `None` when there is nothing in it.
    pub(super) fn finish(mut self) -> Result<Option<BuiltPack>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let too_many = || Error::Io(io::Error::from(io::ErrorKind::FileTooLarge));
        let object_count = u32::try_from(self.rows.len()).map_err(|_| too_many())?;
        self.rows.sort_by_key(|row| row.oid);
        let size = self.offset + 20;
        Ok(Some(match self.spool.finish(object_count)? {
            Spooled::Memory { pack, hash } => {
                let idx = index_bytes(&self.rows, hash).into();
                BuiltPack { hash, object_count, size, content: PackContent::Memory { pack, idx } }
            }
            Spooled::Folder { folder, hash } => {
                std::fs::write(folder.path().join(format!("pack/pack-{hash}.idx")), index_bytes(&self.rows, hash))?;
                BuiltPack { hash, object_count, size, content: PackContent::Folder(Arc::new(folder)) }
            }
        }))
    }
}

fn start_hash(kind: ObjectType, size: u64) -> Sha1 {
    Sha1::new_with_prefix(format!("{kind} {size}\0"))
}

/// An index of version 2.
fn index_bytes(rows: &[IndexRow], pack: Oid) -> Vec<u8> {
    let mut data = b"\xfftOc\0\0\0\x02".to_vec();
    let mut counts = [0u32; 256];
    for row in rows {
        let [first, ..] = *row.oid.as_bytes();
        counts[usize::from(first)] += 1;
    }
    let mut total = 0u32;
    for count in counts {
        total += count;
        data.extend(total.to_be_bytes());
    }
    rows.iter().for_each(|row| data.extend(row.oid.as_bytes()));
    rows.iter().for_each(|row| data.extend(row.crc.to_be_bytes()));
    let mut large: Vec<u64> = Vec::new();
    for row in rows {
        // Offsets of 31 bits are written here, larger ones into a table of their own.
        let short = u32::try_from(row.offset).ok().filter(|offset| offset >> 31 == 0);
        let value = short.unwrap_or_else(|| {
            large.push(row.offset);
            0x8000_0000 | (large.len() as u32 - 1)
        });
        data.extend(value.to_be_bytes());
    }
    large.iter().for_each(|offset| data.extend(offset.to_be_bytes()));
    data.extend(pack.as_bytes());
    let digest: [u8; 20] = Sha1::digest(&data).into();
    data.extend(digest);
    data
}

/// One object on its way into the pack: its header, then its deflated bytes.
struct Entry<'w, 's>(ZlibEncoder<Counter<'w, 's>>);

impl<'w, 's> Entry<'w, 's> {
    fn start(spool: &'w mut Spool<'s>, kind: ObjectType, size: u64) -> Result<Self> {
        let number: u8 = match kind {
            ObjectType::Commit => 1,
            ObjectType::Tree => 2,
            ObjectType::Tag => 4,
            _ => 3,
        };
        spool.announce(size)?;
        let mut counter = Counter { spool, crc: Crc::new(), len: 0 };
        let mut rest = size >> 4;
        let mut byte = number << 4 | (size & 15) as u8;
        while rest > 0 {
            counter.write_all(&[byte | 0x80])?;
            byte = (rest & 0x7f) as u8;
            rest >>= 7;
        }
        counter.write_all(&[byte])?;
        let level = if size > FAST_ABOVE { Compression::fast() } else { Compression::default() };
        Ok(Self(ZlibEncoder::new(counter, level)))
    }

    fn finish(self) -> Result<(u32, u64)> {
        let counter = self.0.finish()?;
        Ok((counter.crc.sum(), counter.len))
    }
}

impl Write for Entry<'_, '_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

struct Counter<'w, 's> {
    spool: &'w mut Spool<'s>,
    crc: Crc,
    len: u64,
}

impl Write for Counter<'_, '_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.spool.write_all(data)?;
        self.crc.update(data);
        self.len += data.len() as u64;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.spool.flush()
    }
}

/// Reads a stretch of a file without moving the file's own position, which others share.
struct SpoolReader<'a> {
    file: &'a Arc<File>,
    offset: u64,
    left: u64,
}

impl Read for SpoolReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), self.offset)?;
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Content {
    /// All of it in memory: for files that are small by nature.
    ///
    /// # Errors
    /// The spool file cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Spooled { file, offset, len } => {
                let mut data = Vec::new();
                SpoolReader { file, offset: *offset, left: *len }.read_to_end(&mut data)?;
                Ok(data)
            }
        }
    }
}
