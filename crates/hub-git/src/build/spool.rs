//! Where a pack goes while it is written: most are small and never touch the disk before the store takes them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use hub_types::Oid;
use sha1::{Digest, Sha1};
use tempfile::TempDir;

use crate::Result;

/// Packs stay in memory whose objects have at most so many bytes, deflated or not.
const MAX_MEMORY: u64 = 2 * 1024 * 1024;
/// And that have at most so many: lending one from memory makes libgit2 look through the folder of packs once more.
const MAX_OBJECTS: u32 = 256;
const CHUNK: usize = 64 * 1024;
/// Where a pack says how many objects it has.
const COUNT_AT: u64 = 8;

/// Takes the bytes of a pack one after the other: in memory, until they are many, then in a file.
pub(super) struct Spool<'a> {
    scratch: &'a Path,
    memory: Vec<u8>,
    /// The size of all objects, inflated.
    inflated: u64,
    objects: u32,
    disk: Option<OnDisk>,
}

struct OnDisk {
    folder: TempDir,
    file: BufWriter<File>,
}

/// A complete pack, named by the SHA-1 at its end.
pub(super) enum Spooled {
    Memory {
        pack: Bytes,
        hash: Oid,
    },
    /// A folder of objects with `pack/pack-<hash>.pack` in it.
    Folder {
        folder: TempDir,
        hash: Oid,
    },
}

impl<'a> Spool<'a> {
    pub(super) fn new(scratch: &'a Path) -> Self {
        Self { scratch, memory: Vec::new(), inflated: 0, objects: 0, disk: None }
    }

    /// Says that an object of `size` bytes comes next.
    pub(super) fn announce(&mut self, size: u64) -> io::Result<()> {
        self.inflated = self.inflated.saturating_add(size);
        self.objects = self.objects.saturating_add(1);
        if self.disk.is_none() && (self.inflated > MAX_MEMORY || self.objects > MAX_OBJECTS) {
            self.move_to_disk()?;
        }
        Ok(())
    }

    /// Forgets all bytes from `len` on.
    pub(super) fn truncate(&mut self, len: u64) -> io::Result<()> {
        match &mut self.disk {
            Some(OnDisk { file, .. }) => {
                file.seek(SeekFrom::Start(len))?;
                file.get_ref().set_len(len)
            }
            None => {
                self.memory.truncate(usize::try_from(len).unwrap_or(usize::MAX));
                Ok(())
            }
        }
    }

    /// Fills in the number of objects, and ends the pack with its checksum.
    pub(super) fn finish(self, object_count: u32) -> Result<Spooled> {
        let count = object_count.to_be_bytes();
        let Some(OnDisk { folder, file }) = self.disk else {
            let mut pack = self.memory;
            for (place, byte) in pack.iter_mut().skip(COUNT_AT as usize).zip(count) {
                *place = byte;
            }
            let hash = Oid::from_bytes(Sha1::digest(&pack).into());
            pack.extend_from_slice(hash.as_bytes());
            return Ok(Spooled::Memory { pack: pack.into(), hash });
        };
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.write_all_at(&count, COUNT_AT)?;
        file.rewind()?;
        let hash = hash_file(&file)?;
        file.write_all(hash.as_bytes())?;
        std::fs::rename(folder.path().join("pack/new.pack"), folder.path().join(format!("pack/pack-{hash}.pack")))?;
        Ok(Spooled::Folder { folder, hash })
    }

    fn move_to_disk(&mut self) -> io::Result<()> {
        let folder = tempfile::Builder::new().prefix("pack-").tempdir_in(self.scratch)?;
        std::fs::create_dir(folder.path().join("pack"))?;
        let file = File::options().read(true).write(true).create_new(true).open(folder.path().join("pack/new.pack"))?;
        let mut file = BufWriter::with_capacity(CHUNK, file);
        file.write_all(&std::mem::take(&mut self.memory))?;
        self.disk = Some(OnDisk { folder, file });
        Ok(())
    }
}

impl Write for Spool<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.disk {
            Some(disk) => disk.file.write_all(data)?,
            None => self.memory.extend_from_slice(data),
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.disk {
            Some(disk) => disk.file.flush(),
            None => Ok(()),
        }
    }
}

fn hash_file(file: &File) -> io::Result<Oid> {
    let (mut hasher, mut reader) = (Sha1::new(), BufReader::with_capacity(CHUNK, file));
    io::copy(&mut reader, &mut HashWriter(&mut hasher))?;
    Ok(Oid::from_bytes(hasher.finalize().into()))
}

struct HashWriter<'a>(&'a mut Sha1);

impl Write for HashWriter<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
