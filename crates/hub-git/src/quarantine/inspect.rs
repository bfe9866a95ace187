use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use git2::{ObjectType, Odb, Repository};
use hub_types::{Oid, PathError, RepoPath, Sha256};
use tokio::io::AsyncWriteExt;

use super::{PushError, PushLimits, Quarantine};
use crate::error::Result;
use crate::lfs_pointer::{LfsPointer, MAX_POINTER_BYTES};
use crate::process::{Process, git_command};
use crate::reader::GitReader;

/// The longest commit or tag: a message of a thousand pages.
const MAX_COMMIT_BYTES: u64 = 1024 * 1024;
/// The longest list of names in one folder: some hundred thousand.
const MAX_TREE_BYTES: u64 = 32 * 1024 * 1024;
/// More of them would scroll the first out of sight.
const MAX_VIOLATIONS: usize = 20;

/// A ref's new commit, and a commit the repository had before to compare it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// What the ref is to point to.
    pub new: Oid,
    /// Usually what it pointed to before.
    pub base: Option<Oid>,
}

/// What the new objects of a push contain.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// LFS pointers that are new to the repository: it must hold the objects they name.
    pub pointers: Vec<NewPointer>,
    /// What the repository does not take. Not empty: refuse the push.
    pub violations: Vec<Violation>,
}

/// An LFS pointer among the new files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPointer {
    /// One place where the file is.
    pub path: String,
    /// The object it stands for.
    pub sha256: Sha256,
    /// The object's size.
    pub size_bytes: u64,
}

/// Something a repository does not take. Its text is for the person who pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A file that belongs in LFS.
    FileTooLarge {
        /// One place where the file is.
        path: String,
        /// Its size.
        size_bytes: u64,
        /// What is allowed.
        limit_bytes: u64,
    },
    /// A name that a checkout, the web or the API could not take.
    ForbiddenPath {
        /// The name, printable.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A commit, tag or folder beyond what any program makes.
    ObjectTooLarge {
        /// The object.
        oid: Oid,
        /// `commit`, `tree`, `tag`, or `blob` for a file that no commit has.
        kind: &'static str,
        /// Its size.
        size_bytes: u64,
        /// What is allowed.
        limit_bytes: u64,
    },
    /// Over [`PushLimits::max_changed_entries`].
    TooManyChanges {
        /// The commit.
        commit: Oid,
    },
    /// A branch or tag must lead to a commit.
    NotACommit {
        /// What it would lead to.
        oid: Oid,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileTooLarge { path, size_bytes, limit_bytes } => {
                let (size, limit) = (Megabytes(*size_bytes), Megabytes(*limit_bytes));
                write!(f, "`{path}` has {size}; files over {limit} must be stored with Git LFS")
            }
            Self::ForbiddenPath { path, reason } => write!(f, "`{path}` cannot be stored: {reason}"),
            Self::ObjectTooLarge { oid, kind, size_bytes, limit_bytes } => {
                write!(f, "{kind} {oid} has {}; at most {} are taken", Megabytes(*size_bytes), Megabytes(*limit_bytes))
            }
            Self::TooManyChanges { commit } => {
                write!(f, "commit {commit} changes too many files at once; push it in several commits, each on its own")
            }
            Self::NotACommit { oid } => write!(f, "{oid} is not a commit"),
        }
    }
}

impl Violation {
    /// What to do about it, if there is a recipe.
    pub fn advice(&self) -> Option<String> {
        let Self::FileTooLarge { path, .. } = self else { return None };
        let pattern = match path.rsplit('/').next().and_then(|name| name.rsplit_once('.')) {
            Some((stem, extension)) if !stem.is_empty() => format!("*.{extension}"),
            _ => path.clone(),
        };
        Some(format!(
            "Track them with `git lfs install && git lfs track \"{pattern}\"`. Files that are committed already are moved \
             with `git lfs migrate import --include=\"{pattern}\" --everything`; then push again."
        ))
    }
}

struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.saturating_mul(10) / (1024 * 1024);
        match (tenths / 10, tenths % 10) {
            (whole, 0) => write!(f, "{whole} MB"),
            (whole, tenth) => write!(f, "{whole}.{tenth} MB"),
        }
    }
}

impl Quarantine {
    /// Proves that everything the tips need is here, and looks through what is new.
    ///
    /// # Errors
    /// Objects are missing, or the check itself fails.
    pub async fn inspect(&self, tips: &[Tip], limits: PushLimits) -> Result<Inspection, PushError> {
        let new_objects = self.list_new_objects(tips, limits).await?;
        let (git_dir, tips) = (self.git_dir().to_owned(), tips.to_vec());
        let looked = self.read(move |reader| look_through(reader, &git_dir, &new_objects, &tips, limits));
        match tokio::time::timeout(limits.timeout, looked).await {
            Ok(result) => result.map_err(|error| PushError::Server(std::io::Error::other(error))),
            Err(_elapsed) => Err(PushError::TimedOut),
        }
    }

    /// Proves that everything the tips need is here, as [`Quarantine::inspect`] does, and lists the LFS pointers in
    /// what is new. Nothing is judged.
    ///
    /// # Errors
    /// As for [`Quarantine::inspect`].
    pub async fn list_pointers(&self, tips: &[Tip], timeout: Duration) -> Result<Vec<NewPointer>, PushError> {
        let lenient = PushLimits { max_file_bytes: u64::MAX, timeout, ..PushLimits::default() };
        let list = self.list_new_objects(tips, lenient).await?;
        let git_dir = self.git_dir().to_owned();
        let found = self.read(move |reader| look_through(reader, &git_dir, &list, &[], lenient)).await;
        found.map(|found| found.pointers).map_err(|error| PushError::Server(std::io::Error::other(error)))
    }

    /// Walks from the tips to what the refs reach and writes a line `oid path` per new object to a file.
    async fn list_new_objects(&self, tips: &[Tip], limits: PushLimits) -> Result<PathBuf, PushError> {
        let path = self.git_dir().join("new-objects");
        let list = File::create(&path).map_err(PushError::Server)?;
        let mut command = git_command(self.git_dir(), &[]);
        command.args(["rev-list", "--objects", "--stdin", "--not", "--all"]);
        command.stdin(Stdio::piped()).stdout(list);
        let mut process = Process::start(command)?;
        let walk = async {
            if let Some(mut stdin) = process.take_stdin() {
                let lines: String = tips.iter().map(|tip| format!("{}\n", tip.new)).collect();
                // A process that ends early has its reason in its complaints.
                let _ = stdin.write_all(lines.as_bytes()).await;
            }
            process.wait().await.map_err(PushError::Server)
        };
        let (status, complaints) = tokio::time::timeout(limits.timeout, walk).await.map_err(|_elapsed| PushError::TimedOut)??;
        if status.success() {
            return Ok(path);
        }
        let reason = complaints.lines().last().unwrap_or("an object could not be read");
        Err(PushError::MissingObjects(reason.trim_start_matches("fatal: ").chars().take(200).collect()))
    }
}

/// A look through the new objects; it stops at [`MAX_VIOLATIONS`].
struct Look<'a> {
    odb: Odb<'a>,
    limits: PushLimits,
    found: Inspection,
}

fn look_through(reader: &GitReader, git_dir: &Path, list: &Path, tips: &[Tip], limits: PushLimits) -> Result<Inspection> {
    let repository = reader.repo();
    let mut look = Look { odb: repository.odb()?, limits, found: Inspection::default() };
    let mut lines = BufReader::new(File::open(list)?);
    let mut line = Vec::new();
    while look.found.violations.len() < MAX_VIOLATIONS && lines.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let (oid, path) = text.split_at_checked(40).unwrap_or((text, b""));
        let path = path.strip_prefix(b" ").unwrap_or(path);
        if let Ok(oid) = git2::Oid::from_str(&String::from_utf8_lossy(oid)) {
            look.object(oid, path)?;
        }
        line.clear();
    }
    for oid in packed_objects(git_dir)? {
        if look.found.violations.len() < MAX_VIOLATIONS {
            look.size(oid)?;
        }
    }
    for tip in tips {
        if look.found.violations.is_empty() {
            look.tip(repository, *tip)?;
        }
    }
    Ok(look.found)
}

/// The ids in the indexes of the packs in quarantine. Not all need to belong to a commit.
fn packed_objects(git_dir: &Path) -> std::io::Result<Vec<git2::Oid>> {
    let mut oids = Vec::new();
    for entry in std::fs::read_dir(git_dir.join("objects/pack"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            // Version 2: magic, version, a fan-out table of 256 counts of which the last is the total, then the ids.
            let idx = std::fs::read(path)?;
            let total = idx.get(1028..1032).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
            let ids = idx.get(1032..).unwrap_or_default().chunks_exact(20).take(total as usize);
            oids.extend(ids.filter_map(|id| git2::Oid::from_bytes(id).ok()));
        }
    }
    Ok(oids)
}

impl Look<'_> {
    /// Checks the size of an object of the pack, whether a commit leads to it or not.
    fn size(&mut self, oid: git2::Oid) -> Result<()> {
        let (size, kind) = self.odb.read_header(oid)?;
        let (kind, limit_bytes) = match kind {
            ObjectType::Commit => ("commit", MAX_COMMIT_BYTES),
            ObjectType::Tag => ("tag", MAX_COMMIT_BYTES),
            ObjectType::Tree => ("tree", MAX_TREE_BYTES),
            _ => ("blob", self.limits.max_file_bytes),
        };
        let size_bytes = size as u64;
        // A file with a name has been found before, and is told by its name.
        if size_bytes > limit_bytes && (kind != "blob" || self.found.violations.is_empty()) {
            let oid = Oid::from_slice(oid.as_bytes()).unwrap_or(Oid::ZERO);
            self.found.violations.push(Violation::ObjectTooLarge { oid, kind, size_bytes, limit_bytes });
        }
        Ok(())
    }

    fn object(&mut self, oid: git2::Oid, path: &[u8]) -> Result<()> {
        let (size, kind) = self.odb.read_header(oid)?;
        match kind {
            ObjectType::Blob if size as u64 > self.limits.max_file_bytes => {
                let (path, limit_bytes) = (printable(path), self.limits.max_file_bytes);
                self.found.violations.push(Violation::FileTooLarge { path, size_bytes: size as u64, limit_bytes });
            }
            ObjectType::Blob if (size as u64) < MAX_POINTER_BYTES => {
                let object = self.odb.read(oid)?;
                if let Some(pointer) = LfsPointer::parse(object.data()) {
                    let path = printable(path);
                    self.found.pointers.push(NewPointer { path, sha256: pointer.oid, size_bytes: pointer.size });
                }
            }
            ObjectType::Tree => self.tree_names(oid, path)?,
            _ => {}
        }
        Ok(())
    }

    /// Checks each name of a new tree: the list of objects names every object only once, a tree names all.
    fn tree_names(&mut self, oid: git2::Oid, path: &[u8]) -> Result<()> {
        let object = self.odb.read(oid)?;
        for (mode, name) in tree_entries(object.data()) {
            let checked = check_mode(mode).and_then(|()| check_path(name));
            if let Err(reason) = checked {
                let separator: &[u8] = if path.is_empty() { b"" } else { b"/" };
                let path = printable(&[path, separator, name].concat());
                self.found.violations.push(Violation::ForbiddenPath { path, reason });
            }
        }
        Ok(())
    }

    /// Walks what differs between a tip and its base, each path once however often its object occurs.
    fn tip(&mut self, repository: &Repository, tip: Tip) -> Result<()> {
        let Ok(commit) = repository.find_object(to_git2(tip.new)?, None).and_then(|object| object.peel_to_commit()) else {
            self.found.violations.push(Violation::NotACommit { oid: tip.new });
            return Ok(());
        };
        let base = match tip.base {
            Some(base) => repository.find_object(to_git2(base)?, None).and_then(|object| object.peel_to_tree()).ok(),
            None => None,
        };
        let mut folders = vec![(Vec::new(), commit.tree_id(), base.map(|tree| tree.id()))];
        let mut entries = 0;
        while let Some((prefix, new, old)) = folders.pop() {
            let new = repository.find_tree(new)?;
            let old = old.map(|old| repository.find_tree(old)).transpose()?;
            for entry in &new {
                let before = old.as_ref().and_then(|old| old.get_name_bytes(entry.name_bytes()));
                if before.as_ref().is_some_and(|before| before.id() == entry.id()) {
                    continue;
                }
                entries += 1;
                let path = [&prefix, entry.name_bytes()].concat();
                if let Err(reason) = check_path(&path) {
                    self.found.violations.push(Violation::ForbiddenPath { path: printable(&path), reason });
                }
                if entries > self.limits.max_changed_entries {
                    self.found.violations.push(Violation::TooManyChanges { commit: tip.new });
                }
                if !self.found.violations.is_empty() {
                    return Ok(());
                }
                if entry.kind() == Some(ObjectType::Tree) {
                    let before = before.filter(|before| before.kind() == Some(ObjectType::Tree));
                    folders.push(([path.as_slice(), b"/"].concat(), entry.id(), before.map(|before| before.id())));
                }
            }
        }
        Ok(())
    }
}

fn check_path(path: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(path).map_err(|_invalid| "file names must be UTF-8".to_owned())?;
    RepoPath::new(text).map(drop).map_err(|error| match error {
        // Its own text repeats the name as it is.
        PathError::Forbidden(_) | PathError::ForbiddenInBucket(_) => {
            "names are never empty, `.`, `..` or `.git` and have no backslash and no control characters".to_owned()
        }
        PathError::Empty | PathError::TooLong => error.to_string(),
    })
}

/// Files, folders, links and submodules; `git fsck` lets other modes pass, which no reader knows what to do with.
fn check_mode(mode: &[u8]) -> Result<(), String> {
    let number = std::str::from_utf8(mode).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
    match number {
        Some(0o100_000..=0o100_777 | 0o040_000 | 0o120_000 | 0o160_000) => Ok(()),
        _ => Err(format!("`{}` is not the mode of a file or folder", printable(mode))),
    }
}

/// Modes and names in a raw tree: `mode SP name NUL` and twenty bytes of id, again and again.
fn tree_entries(mut data: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let end = data.iter().position(|byte| *byte == 0)?;
        let (head, rest) = data.split_at(end);
        data = rest.get(21..).unwrap_or_default();
        let space = head.iter().position(|byte| *byte == b' ')?;
        let (mode, name) = head.split_at(space);
        Some((mode, name.get(1..)?))
    })
}

fn to_git2(oid: Oid) -> Result<git2::Oid, git2::Error> {
    git2::Oid::from_bytes(oid.as_bytes())
}

fn printable(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    text.chars().take(300).map(|c| if c.is_control() { '?' } else { c }).collect()
}
