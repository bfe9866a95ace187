//! A file as `hub-scan` reads it: at any place, on a blocking thread, in blocks out of git or the store.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::app::App;
use crate::repos::weight_files::WeightFile;

/// How many bytes are asked for at once.
const BLOCK_BYTES: u64 = 256 << 10;

/// Reads a file.
pub(super) struct Blocks {
    app: App,
    file: WeightFile,
    runtime: Handle,
    at: u64,
    block_at: u64,
    block: Bytes,
}

impl Blocks {
    /// For a blocking thread; must be called inside a runtime.
    pub(super) fn new(app: App, file: WeightFile) -> Self {
        Self { app, file, runtime: Handle::current(), at: 0, block_at: 0, block: Bytes::new() }
    }

    /// How many bytes the file has.
    pub(super) fn size(&self) -> u64 {
        self.file.size
    }

    /// The file again.
    pub(super) fn into_file(self) -> WeightFile {
        self.file
    }
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.file.size || buffer.is_empty() {
            return Ok(0);
        }
        let offset = |at: u64, start: u64| at.checked_sub(start).and_then(|offset| usize::try_from(offset).ok());
        let inside = |offset: Option<usize>, block: &Bytes| offset.filter(|offset| *offset < block.len());
        if inside(offset(self.at, self.block_at), &self.block).is_none() {
            let range = self.at..(self.at + BLOCK_BYTES).min(self.file.size);
            self.block = self.runtime.block_on(self.file.read(&self.app, range)).map_err(io::Error::other)?;
            self.block_at = self.at;
        }
        let Some(start) = inside(offset(self.at, self.block_at), &self.block) else { return Ok(0) };
        let count = buffer.len().min(self.block.len() - start);
        buffer[..count].copy_from_slice(&self.block[start..start + count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Blocks {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.file.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
