//! Whom the server runs as. Postgres refuses root, so a hub that was started as root gives it another account.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// The account of the server's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunAs {
    /// Our own account, which is not root.
    Ourselves,
    /// Another account, because we are root.
    Account { uid: u32, gid: u32 },
}

impl RunAs {
    /// Chooses the account for the cluster in `folder`, which need not exist yet. A cluster keeps its owner.
    pub(crate) fn choose(folder: &Path) -> Result<Self, Error> {
        let own = rustix::process::geteuid().as_raw();
        let owner = fs::metadata(folder).ok().map(|m| (m.uid(), m.gid()));
        match owner {
            Some((owner, _)) if own != 0 && owner != own => Err(Error::ForeignOwner { folder: folder.to_path_buf(), owner, own }),
            _ if own != 0 => Ok(Self::Ourselves),
            Some((uid, gid)) if uid != 0 => Ok(Self::Account { uid, gid }),
            _ => {
                let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
                let account = ["postgres", "nobody"].iter().find_map(|name| find_account(&accounts, name));
                account.map(|(uid, gid)| Self::Account { uid, gid }).ok_or(Error::NoUnprivilegedUser)
            }
        }
    }

    pub(crate) fn apply(self, command: &mut Command) {
        if let Self::Account { uid, gid } = self {
            // The standard library drops root's supplementary groups when it changes the user.
            command.uid(uid).gid(gid);
        }
    }

    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        let Self::Account { uid, gid } = self else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(|e| Error::folder(path, e))
    }

    pub(crate) fn uid(self) -> u32 {
        match self {
            Self::Ourselves => rustix::process::geteuid().as_raw(),
            Self::Account { uid, .. } => uid,
        }
    }
}

/// Reads a line of `/etc/passwd`: `name:password:uid:gid:..`.
fn find_account(accounts: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = accounts.lines().map(|line| line.split(':')).find(|f| f.clone().next() == Some(name))?.skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_by_their_whole_name() {
        let accounts = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:/x\npostgres:x:101:104:,,,:/var/lib:/bin/bash\nbroken";
        assert_eq!(find_account(accounts, "postgres"), Some((101, 104)));
        assert_eq!(find_account(accounts, "nobody"), None);
        assert_eq!(find_account(accounts, "broken"), None);
    }
}
