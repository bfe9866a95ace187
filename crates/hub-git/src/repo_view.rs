use std::path::Path;

use hub_types::{Oid, RefName};
use tempfile::TempDir;

/// A bare repository in a temporary folder that borrows the objects of another and has given refs.
///
/// `git` reads refs from disk; the truth about them is elsewhere. A view is that truth at one moment, for
/// one request, so no request sees refs that another has written. Dropping it deletes the folder.
#[derive(Debug)]
pub struct RepoView {
    dir: TempDir,
}

impl RepoView {
    /// Makes a view in the folder `scratch` of the bare repository `base`, where `HEAD` is the branch `head`.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// The disk does not take it, or `base` is not there.
    pub fn create(scratch: &Path, base: &Path, head: &RefName, refs: &[(RefName, Oid)]) -> std::io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("git-").tempdir_in(scratch)?;
        let git_dir = dir.path();
        for folder in ["objects/pack", "objects/info", "refs"] {
            std::fs::create_dir_all(git_dir.join(folder))?;
        }
        let objects = base.join("objects").canonicalize()?;
        std::fs::write(git_dir.join("objects/info/alternates"), format!("{}\n", objects.display()))?;
        std::fs::write(git_dir.join("HEAD"), format!("ref: {head}\n"))?;
        std::fs::write(git_dir.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")?;
        std::fs::write(git_dir.join("packed-refs"), packed_refs(refs))?;
        Ok(Self { dir })
    }

    /// The folder, as git's `GIT_DIR`.
    pub fn git_dir(&self) -> &Path {
        self.dir.path()
    }
}

fn packed_refs(refs: &[(RefName, Oid)]) -> String {
    let mut sorted: Vec<&(RefName, Oid)> = refs.iter().collect();
    sorted.sort();
    let mut text = String::from("# pack-refs with: sorted \n");
    for (name, oid) in sorted {
        text.push_str(&format!("{oid} {name}\n"));
    }
    text
}
