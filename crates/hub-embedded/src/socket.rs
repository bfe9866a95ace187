//! The folder of the Unix socket, and the address made from it.

use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::identity::RunAs;

/// `sun_path` holds 108 bytes with its final zero.
const LONGEST_SOCKET_PATH: usize = 107;
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// Makes a folder that only the server's account (and root) can enter: entering it is the only way to the database,
/// so this mode is the whole of its access control.
pub(crate) fn prepare(data_dir: &Path, run_as: RunAs) -> Result<PathBuf, Error> {
    let mut tried = Vec::new();
    for folder in candidates(data_dir, run_as) {
        match try_folder(&folder, run_as) {
            Ok(()) => return Ok(folder),
            Err(reason) => tried.push(format!("`{}` ({reason})", folder.display())),
        }
    }
    Err(Error::NoSocketFolder { tried: tried.join(", ") })
}

/// Inside the data folder if the server may walk there and the path is short; else a short folder elsewhere, named by
/// the data folder so that a restart finds it again.
fn candidates(data_dir: &Path, run_as: RunAs) -> Vec<PathBuf> {
    let mut hasher = DefaultHasher::new();
    data_dir.hash(&mut hasher);
    let name = format!("hub-pg-{}-{:016x}", run_as.uid(), hasher.finish());
    let mut folders = Vec::new();
    match run_as {
        RunAs::Ourselves => {
            folders.push(data_dir.join("socket"));
            folders.extend(std::env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join(&name)));
        }
        RunAs::Account { .. } => folders.push(Path::new("/run").join(&name)),
    }
    folders.push(std::env::temp_dir().join(&name));
    folders.push(Path::new("/tmp").join(&name));
    folders
}

fn try_folder(folder: &Path, run_as: RunAs) -> Result<(), String> {
    let length = folder.join(SOCKET_NAME).as_os_str().len();
    if length > LONGEST_SOCKET_PATH {
        return Err(format!("the socket's path would have {length} bytes, {LONGEST_SOCKET_PATH} are allowed"));
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => run_as.own(folder).map_err(|e| e.to_string())?,
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
        Err(e) => return Err(e.to_string()),
    }
    // In a shared /tmp somebody else may have made this name first; a link must not lead us away either.
    let found = fs::symlink_metadata(folder).map_err(|e| e.to_string())?;
    if !found.is_dir() || found.uid() != run_as.uid() || found.mode() & 0o077 != 0 {
        return Err("it exists, and is not a folder of the database's account alone".to_owned());
    }
    Ok(())
}

/// The address in the form sqlx and libpq read: the folder as the `host` parameter.
pub(crate) fn url(socket_dir: &Path, database: &str) -> String {
    let mut host = String::new();
    for &byte in socket_dir.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => host.push(char::from(byte)),
            _ => host.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("postgres://{database}@localhost/{database}?host={host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped() {
        let url = url(Path::new("/srv/my hub/ä&b"), "hub");
        assert_eq!(url, "postgres://hub@localhost/hub?host=/srv/my%20hub/%C3%A4%26b");
    }

    #[test]
    fn a_folder_others_may_enter_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("open");
        DirBuilder::new().mode(0o755).create(&folder).unwrap();
        let own = RunAs::Ourselves;
        assert!(try_folder(&folder, own).unwrap_err().contains("alone"));
        std::os::unix::fs::symlink("/tmp", dir.path().join("link")).unwrap();
        assert!(try_folder(&dir.path().join("link"), own).unwrap_err().contains("alone"));
        assert!(try_folder(&dir.path().join("new"), own).is_ok());
        assert!(try_folder(&dir.path().join("x".repeat(120)), own).unwrap_err().contains("107"));
    }
}
