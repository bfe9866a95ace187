//! Reading a repository's objects.

mod entry;
mod list;

use std::path::Path;

use git2::{ErrorCode, ObjectType, Odb, OdbObject, Repository};
use hub_types::Oid;

use crate::build::BuiltPack;
use crate::object::{CommitInfo, CommitLinks, SignedCommit};
use crate::oid::{from_git, to_git};
use crate::{Error, Result};

pub use entry::{Entry, EntryKind};
pub use list::{Page, TreeCursor};

pub(crate) use entry::{file_size, find, row_size};
pub(crate) use list::MAX_DEPTH;

/// Commit ids may be cut to this many digits.
const MIN_PREFIX: usize = 4;
/// How many tags may point to tags before a commit comes.
const MAX_TAG_DEPTH: usize = 8;

/// The objects of one repository, open for reading. Opening is cheap; it can be sent to another
/// thread but not shared between threads.
pub struct GitReader {
    repo: Repository,
}

impl GitReader {
    /// Opens a bare repository folder. Its refs are not looked at.
    ///
    /// # Errors
    /// The folder is not a bare repository.
    pub fn open(dir: &Path) -> Result<Self> {
        begin_libgit2();
        Ok(Self { repo: Repository::open_bare(dir)? })
    }

    /// Shows this reader the objects of a pack just built, too.
    ///
    /// # Errors
    /// The pack is gone from the disk.
    pub fn lend(&self, pack: &BuiltPack) -> Result<()> {
        pack.lend(&self.odb()?)
    }

    /// A repository without objects, to build first commits on.
    ///
    /// # Errors
    /// libgit2 is out of memory.
    pub fn empty() -> Result<Self> {
        Self::of_objects(&[])
    }

    /// A repository that has nothing but some folders of objects.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn of_objects(objects: &[&Path]) -> Result<Self> {
        let odb = Odb::new()?;
        for folder in objects {
            odb.add_disk_alternate(&folder.to_string_lossy())?;
        }
        Ok(Self { repo: Repository::from_odb(odb)? })
    }

    pub(crate) fn repo(&self) -> &Repository {
        &self.repo
    }

    pub(crate) fn odb(&self) -> Result<Odb<'_>> {
        Ok(self.repo.odb()?)
    }

    /// The commit that a full id or its first digits name; an annotated tag's id names the commit it
    /// points to.
    ///
    /// # Errors
    /// [`Error::RevisionNotFound`] or [`Error::RevisionAmbiguous`].
    pub fn resolve_commit(&self, id: &str) -> Result<Oid> {
        let unknown = || Error::RevisionNotFound(id.chars().take(100).collect());
        let is_hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !(MIN_PREFIX..=40).contains(&id.len()) {
            return Err(unknown());
        }
        let id = id.to_ascii_lowercase();
        let oid = if id.len() == 40 { id.parse().map_err(|_| unknown())? } else { self.expand_prefix(&id)? };
        match self.peel(oid) {
            Err(Error::ObjectMissing(_)) => Err(unknown()),
            other => other?.ok_or_else(unknown),
        }
    }

    fn expand_prefix(&self, prefix: &str) -> Result<Oid> {
        match self.odb()?.exists_prefix(git2::Oid::from_str(prefix)?, prefix.len()) {
            Ok(oid) => from_git(oid),
            Err(error) if error.code() == ErrorCode::Ambiguous => Err(Error::RevisionAmbiguous(prefix.to_owned())),
            Err(error) if error.code() == ErrorCode::NotFound => Err(Error::RevisionNotFound(prefix.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit behind a commit's or annotated tag's id; `None` for anything else.
    ///
    /// # Errors
    /// [`Error::ObjectMissing`], or the object cannot be read.
    pub fn peel(&self, oid: Oid) -> Result<Option<Oid>> {
        let (odb, mut oid) = (self.odb()?, oid);
        for _ in 0..MAX_TAG_DEPTH {
            match odb.read_header(to_git(oid)?) {
                Ok((_, ObjectType::Commit)) => return Ok(Some(oid)),
                Ok((_, ObjectType::Tag)) => oid = from_git(self.repo.find_tag(to_git(oid)?)?.target_id())?,
                Ok(_) => return Ok(None),
                Err(error) if error.code() == ErrorCode::NotFound => return Err(Error::ObjectMissing(oid)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// What an annotated tag points to in the end; `None` for what is no tag.
    ///
    /// # Errors
    /// [`Error::ObjectMissing`], or the object cannot be read.
    pub fn peel_tag(&self, oid: Oid) -> Result<Option<Oid>> {
        let (odb, mut found) = (self.odb()?, oid);
        for _ in 0..MAX_TAG_DEPTH {
            match odb.read_header(to_git(found)?) {
                Ok((_, ObjectType::Tag)) => found = from_git(self.repo.find_tag(to_git(found)?)?.target_id())?,
                Ok(_) => return Ok((found != oid).then_some(found)),
                Err(error) if error.code() == ErrorCode::NotFound => return Err(Error::ObjectMissing(found)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Whether the object is there. Does not look for packs that came after opening.
    ///
    /// # Errors
    /// libgit2 fails.
    pub fn contains(&self, oid: Oid) -> Result<bool> {
        Ok(self.odb()?.exists_ext(to_git(oid)?, git2::OdbLookupFlags::NO_REFRESH))
    }

    /// Calls `visit` with the id of every object; one that is in several packs may come several times.
    ///
    /// # Errors
    /// A pack's index is damaged, or what `visit` says, after the last object.
    pub(crate) fn each_object(&self, mut visit: impl FnMut(Oid) -> Result<()>) -> Result<()> {
        let mut outcome = Ok(());
        self.odb()?.foreach(|oid| {
            if outcome.is_ok() {
                outcome = from_git(*oid).and_then(&mut visit);
            }
            true
        })?;
        outcome
    }

    /// What a commit says.
    ///
    /// # Errors
    /// [`Error::RevisionNotFound`] when there is no such commit.
    pub fn commit(&self, oid: Oid) -> Result<CommitInfo> {
        CommitInfo::parse(oid, self.read_commit(&self.odb()?, oid)?.data())
    }

    /// The signature of a commit and what it is of, if it has one.
    ///
    /// # Errors
    /// [`Error::RevisionNotFound`] when there is no such commit.
    pub fn signed_commit(&self, oid: Oid) -> Result<Option<SignedCommit>> {
        Ok(SignedCommit::parse(self.read_commit(&self.odb()?, oid)?.data()))
    }

    pub(crate) fn links(&self, odb: &Odb<'_>, commit: Oid) -> Result<CommitLinks> {
        CommitLinks::parse(commit, self.read_commit(odb, commit)?.data())
    }

    /// The tree of a commit's root folder.
    ///
    /// # Errors
    /// [`Error::RevisionNotFound`] when there is no such commit.
    pub fn tree_of(&self, commit: Oid) -> Result<Oid> {
        Ok(self.links(&self.odb()?, commit)?.tree)
    }

    fn read_commit<'a>(&self, odb: &'a Odb<'_>, oid: Oid) -> Result<OdbObject<'a>> {
        match read(odb, oid, ObjectType::Commit) {
            Err(Error::ObjectMissing(oid) | Error::ObjectDamaged { oid, .. }) => Err(Error::RevisionNotFound(oid.to_hex())),
            other => other,
        }
    }

    /// The size of a blob, without unpacking it.
    ///
    /// # Errors
    /// [`Error::ObjectMissing`] when there is no such blob.
    pub fn blob_size(&self, oid: Oid) -> Result<u64> {
        blob_size(&self.odb()?, oid)
    }

    /// The bytes of a blob that has at most `limit` of them.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or [`Error::ObjectMissing`] when there is no such blob.
    pub fn blob(&self, oid: Oid, limit: u64) -> Result<Vec<u8>> {
        let odb = self.odb()?;
        let size = blob_size(&odb, oid)?;
        if size > limit {
            return Err(Error::TooLarge { size, limit });
        }
        Ok(read(&odb, oid, ObjectType::Blob)?.data().to_vec())
    }
}

/// Must come before what does not begin libgit2 by itself, as joining texts. Objects are not hashed again at each reading, which for
/// large folders takes longer than to unpack them. As with git itself: packs are checked when they come in, and by `fsck`; what is
/// unpacked has a checksum of zlib's.
pub(crate) fn begin_libgit2() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| git2::opts::strict_hash_verification(false));
}

fn blob_size(odb: &Odb<'_>, oid: Oid) -> Result<u64> {
    match odb.read_header(to_git(oid)?) {
        Ok((size, ObjectType::Blob)) => Ok(size as u64),
        Ok(_) => Err(Error::ObjectDamaged { oid, reason: "not a blob" }),
        Err(error) if error.code() == ErrorCode::NotFound => Err(Error::ObjectMissing(oid)),
        Err(error) => Err(error.into()),
    }
}

/// Reads an object that must be of this kind.
pub(crate) fn read<'a>(odb: &'a Odb<'_>, oid: Oid, kind: ObjectType) -> Result<OdbObject<'a>> {
    match odb.read(to_git(oid)?) {
        Ok(object) if object.kind() == kind => Ok(object),
        Ok(_) => Err(Error::ObjectDamaged { oid, reason: "an object of another kind" }),
        Err(error) if error.code() == ErrorCode::NotFound => Err(Error::ObjectMissing(oid)),
        Err(error) => Err(error.into()),
    }
}

impl std::fmt::Debug for GitReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitReader").field("dir", &self.repo.path()).finish()
    }
}
