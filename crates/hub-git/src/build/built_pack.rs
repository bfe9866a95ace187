//! A pack that was built, and lending its objects to a reader before they belong to a repository.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use flate2::bufread::ZlibDecoder;
use git2::{ObjectType, Odb};
use hub_types::Oid;
use tempfile::TempDir;

use crate::{Error, Result};

/// A pack and its index.
#[derive(Debug, Clone)]
pub struct BuiltPack {
    pub(super) hash: Oid,
    pub(super) object_count: u32,
    pub(super) size: u64,
    pub(super) content: PackContent,
}

/// Where the bytes of a pack and its index are.
#[derive(Debug, Clone)]
pub enum PackContent {
    /// In memory: it is small.
    Memory {
        /// The pack.
        pack: Bytes,
        /// The index.
        idx: Bytes,
    },
    /// In a folder of their own, which goes with the last clone of this, as `pack/pack-<hash>.pack` and `.idx`.
    Folder(Arc<TempDir>),
}

impl BuiltPack {
    /// The pack's name: the SHA-1 at its end.
    pub fn hash(&self) -> Oid {
        self.hash
    }

    /// How many objects it has.
    pub fn object_count(&self) -> u32 {
        self.object_count
    }

    /// The size of the pack without its index, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its bytes.
    pub fn content(&self) -> &PackContent {
        &self.content
    }

    /// The file of a pack in a folder: `extension` is `pack` or `idx`.
    pub fn path_in(&self, folder: &Path, extension: &str) -> PathBuf {
        folder.join(format!("pack/pack-{}.{extension}", self.hash))
    }

    /// Lets a reader see its objects.
    pub(crate) fn lend(&self, odb: &Odb<'_>) -> Result<()> {
        match &self.content {
            PackContent::Memory { pack, .. } => {
                odb.add_new_mempack_backend(FIRST)?;
                each_object(pack, self.object_count, |kind, data| Ok(odb.write(kind, data).map(|_| ())?))
            }
            PackContent::Folder(folder) => Ok(odb.add_disk_alternate(&folder.path().to_string_lossy())?),
        }
    }
}

/// Before the backends of the repository, so that writing reaches this one.
const FIRST: i32 = 1_000;

/// Calls `visit` with each object of a pack that has no deltas: those built here have none.
fn each_object(pack: &[u8], count: u32, mut visit: impl FnMut(ObjectType, &[u8]) -> Result<()>) -> Result<()> {
    let damaged = || Error::Io(std::io::ErrorKind::InvalidData.into());
    let mut rest = pack.get(12..).ok_or_else(damaged)?;
    for _ in 0..count {
        let (first, mut tail) = rest.split_first().ok_or_else(damaged)?;
        let mut more = first & 0x80 != 0;
        // The size follows from the data itself.
        while more {
            let (byte, after) = tail.split_first().ok_or_else(damaged)?;
            (more, tail) = (byte & 0x80 != 0, after);
        }
        let kind = match first >> 4 & 7 {
            1 => ObjectType::Commit,
            2 => ObjectType::Tree,
            3 => ObjectType::Blob,
            4 => ObjectType::Tag,
            _ => return Err(damaged()),
        };
        let (mut decoder, mut data) = (ZlibDecoder::new(tail), Vec::new());
        decoder.read_to_end(&mut data)?;
        visit(kind, &data)?;
        rest = decoder.into_inner();
    }
    Ok(())
}
