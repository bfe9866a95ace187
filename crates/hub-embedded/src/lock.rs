//! The lock on a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::Error;

/// Held for as long as this process uses the folder. The kernel drops it when the process ends, by whatever cause.
#[derive(Debug)]
pub(crate) struct DataFolderLock {
    _file: File,
}

impl DataFolderLock {
    pub(crate) fn take(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join("postgres.lock");
        let failed = |e| Error::folder(&path, e);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let pid = file.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
                return Err(Error::InUse { folder: data_dir.to_path_buf(), pid });
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        // The number only serves the message above; the lock itself is what counts.
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
