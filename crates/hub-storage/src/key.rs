use std::fmt;
use std::str::FromStr;

use hub_types::{Oid, Sha256, XetHash};
use object_store::path::Path;

/// The place of an object in the store.
///
/// | key | content | content type |
/// |---|---|---|
/// | `git/<aa>/<hash>.<nonce>.pack` | a git pack, named by its checksum | `application/x-git-packed-objects` |
/// | `git/<aa>/<hash>.<nonce>.idx` | its index | `application/x-git-packed-objects-toc` |
/// | `lfs/<aa>/<bb>/<sha256>.<nonce>` | the bytes of a large file | `application/octet-stream` |
/// | `xorbs/<aa>/<hash>.<nonce>` | the chunks of a xorb | `application/octet-stream` |
/// | `xorbs/<aa>/<hash>.<nonce>.meta` | what is in it | `application/octet-stream` |
/// | `attachments/<aa>/<id>` | a file added to a comment; the id is random | `application/octet-stream` |
/// | `uploads/<id>` | an upload not yet verified, or a part of one | `application/octet-stream` |
/// | `exports/<id>` | an archive of what is kept of somebody | `application/zip` |
///
/// `aa` and `bb` are the first two pairs of hex digits: they keep folders of a local store small.
/// Everything outside `uploads/` is immutable.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageKey {
    path: String,
    content_type: &'static str,
}

const BINARY: &str = "application/octet-stream";

impl StorageKey {
    /// The folder of unverified uploads, for [`Store::list`](crate::Store::list).
    pub const UPLOADS: &'static str = "uploads";

    /// A git pack. The nonce is as in [`StorageKey::lfs`].
    pub fn pack(hash: &Oid, nonce: Option<i64>) -> Self {
        Self { path: pack_path(hash, nonce, "pack"), content_type: "application/x-git-packed-objects" }
    }

    /// The index of a git pack.
    pub fn pack_idx(hash: &Oid, nonce: Option<i64>) -> Self {
        Self { path: pack_path(hash, nonce, "idx"), content_type: "application/x-git-packed-objects-toc" }
    }

    /// The folder of git packs, for [`Store::list`](crate::Store::list).
    pub const GIT: &'static str = "git";

    /// Reads the key of a pack or of its index back: the pack's name and the nonce.
    pub fn parse_pack(&self) -> Option<(Oid, Option<i64>)> {
        let name = self.path.strip_prefix(Self::GIT)?.rsplit_once('/')?.1;
        named(name.strip_suffix(".pack").or_else(|| name.strip_suffix(".idx"))?)
    }

    /// The folder of large files that lie whole, for [`Store::list`](crate::Store::list).
    pub const LFS: &'static str = "lfs";

    /// The bytes of a large file. The nonce tells uploads of the same file apart, so that a new one never meets the
    /// deletion of an old one. Keys that were made before there were nonces have none.
    pub fn lfs(oid: &Sha256, nonce: Option<i64>) -> Self {
        let hex = oid.to_hex();
        Self { path: format!("{}/{}/{}/{hex}{}", Self::LFS, &hex[..2], &hex[2..4], suffix(nonce)), content_type: BINARY }
    }

    /// Reads the key of a large file back: its SHA-256 and the nonce.
    pub fn parse_lfs(&self) -> Option<(Sha256, Option<i64>)> {
        named(self.path.strip_prefix(Self::LFS)?.rsplit_once('/')?.1)
    }

    /// A nonce that no upload had before.
    pub fn fresh_nonce() -> i64 {
        i64::from(rand::random::<u32>()) << 31 | i64::from(rand::random::<u32>() >> 1)
    }

    /// Reads the key of a large file, a xorb or a pack from text.
    pub fn of_bytes(text: &str) -> Option<Self> {
        let key = Self { path: text.to_owned(), content_type: BINARY };
        let is_known = key.parse_lfs().is_some()
            || key.parse_xorb().is_some()
            || key.parse_pack().is_some()
            || key.parse_attachment().is_some();
        is_known.then_some(key)
    }

    /// Reads the key of anything that lasts from text, and nothing else: a pack or its index, a large file, a xorb or what is
    /// in it, an attachment.
    pub fn of_content(text: &str) -> Option<Self> {
        let listed = Self::listed(text.to_owned());
        let pack =
            listed.parse_pack().into_iter().flat_map(|(hash, nonce)| [Self::pack(&hash, nonce), Self::pack_idx(&hash, nonce)]);
        let lfs = listed.parse_lfs().into_iter().map(|(oid, nonce)| Self::lfs(&oid, nonce));
        let xorb =
            listed.parse_xorb().into_iter().flat_map(|(hash, nonce)| [Self::xorb(&hash, nonce), Self::xorb_meta(&hash, nonce)]);
        let attachment = listed.parse_attachment().into_iter().map(Self::attachment);
        pack.chain(lfs).chain(xorb).chain(attachment).find(|key| key.path == text)
    }

    /// The folders of all that lasts, for [`Store::list`](crate::Store::list).
    pub const LASTING: [&'static str; 4] = [Self::GIT, Self::LFS, Self::XORBS, Self::ATTACHMENTS];

    /// The folder of files that people add to comments, for [`Store::list`](crate::Store::list).
    pub const ATTACHMENTS: &'static str = "attachments";

    /// A file that somebody added to a comment. Its id is 32 hex digits, which are random: none comes twice.
    pub fn attachment(id: &str) -> Self {
        Self { path: format!("{}/{}/{}", Self::ATTACHMENTS, id.get(..2).unwrap_or("00"), safe(id)), content_type: BINARY }
    }

    /// Reads the key of an attachment back: its id.
    pub fn parse_attachment(&self) -> Option<&str> {
        let (folder, id) = self.path.strip_prefix(Self::ATTACHMENTS)?.strip_prefix('/')?.split_once('/')?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_id && id.starts_with(folder)).then_some(id)
    }

    /// The folder of xorbs, for [`Store::list`](crate::Store::list).
    pub const XORBS: &'static str = "xorbs";

    /// The chunks of a xorb. The nonce tells uploads of the same xorb apart: they may be compressed differently.
    pub fn xorb(hash: &XetHash, nonce: i64) -> Self {
        let hex = hash.to_hex();
        Self { path: format!("{}/{}/{hex}.{nonce:016x}", Self::XORBS, &hex[..2]), content_type: BINARY }
    }

    /// What is in a xorb.
    pub fn xorb_meta(hash: &XetHash, nonce: i64) -> Self {
        let body = Self::xorb(hash, nonce);
        Self { path: format!("{}.meta", body.path), content_type: BINARY }
    }

    /// Reads the key of a xorb or of its metadata back: the hash and the nonce.
    pub fn parse_xorb(&self) -> Option<(XetHash, i64)> {
        let name = self.path.strip_prefix(Self::XORBS)?.rsplit_once('/')?.1;
        let name = name.strip_suffix(".meta").unwrap_or(name);
        let (hash, nonce) = name.split_once('.')?;
        Some((hash.parse().ok()?, i64::from_str_radix(nonce, 16).ok()?))
    }

    /// An upload not yet verified. The id may hold letters, digits, `-`, `_`, `.` and `/`; any other
    /// byte becomes `_`, so that no id can leave `uploads/`.
    pub fn upload(id: &str) -> Self {
        Self { path: format!("uploads/{}", safe(id)), content_type: BINARY }
    }

    /// The folder of archives that people asked for, for [`Store::list`](crate::Store::list).
    pub const EXPORTS: &'static str = "exports";

    /// An archive of what is kept of somebody. The id is treated as in [`upload`](Self::upload).
    pub fn export(id: &str) -> Self {
        Self { path: format!("{}/{}", Self::EXPORTS, safe(id)), content_type: "application/zip" }
    }

    /// A small object by which the store is checked.
    pub(crate) fn probe(id: u64) -> Self {
        Self { path: format!("probe/{id:016x}"), content_type: BINARY }
    }

    pub(crate) fn listed(path: String) -> Self {
        Self { path, content_type: BINARY }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// The content type that a service is told at a write.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    pub(crate) fn path(&self) -> Path {
        Path::from(self.path.as_str())
    }
}

fn suffix(nonce: Option<i64>) -> String {
    nonce.map(|nonce| format!(".{nonce:016x}")).unwrap_or_default()
}

fn pack_path(hash: &Oid, nonce: Option<i64>, extension: &str) -> String {
    let hex = hash.to_hex();
    format!("{}/{}/{hex}{}.{extension}", StorageKey::GIT, &hex[..2], suffix(nonce))
}

/// Reads a name and the nonce behind it.
fn named<T: FromStr>(text: &str) -> Option<(T, Option<i64>)> {
    match text.split_once('.') {
        None => Some((text.parse().ok()?, None)),
        Some((name, nonce)) => Some((name.parse().ok()?, Some(i64::from_str_radix(nonce, 16).ok()?))),
    }
}

fn safe(id: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-_./".contains(c) { c } else { '_' };
    let text: String = id.chars().map(keep).collect();
    text.split('/').filter(|part| !part.is_empty() && *part != "." && *part != "..").collect::<Vec<_>>().join("/")
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageKey({})", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_laid_out_as_documented() {
        let oid: Oid = "da39a3ee5e6b4b0d3255bfef95601890afd80709".parse().unwrap();
        let stem = "git/da/da39a3ee5e6b4b0d3255bfef95601890afd80709";
        assert_eq!(StorageKey::pack(&oid, None).as_str(), format!("{stem}.pack"));
        assert_eq!(StorageKey::pack(&oid, Some(42)).as_str(), format!("{stem}.000000000000002a.pack"));
        assert_eq!(StorageKey::pack_idx(&oid, Some(42)).as_str(), format!("{stem}.000000000000002a.idx"));
        let sha = Sha256::from_bytes([0xab; 32]);
        assert_eq!(StorageKey::lfs(&sha, None).as_str(), format!("lfs/ab/ab/{}", "ab".repeat(32)));
        assert_eq!(StorageKey::lfs(&sha, Some(42)).as_str(), format!("lfs/ab/ab/{}.000000000000002a", "ab".repeat(32)));
        assert_eq!(StorageKey::upload("12-x").as_str(), "uploads/12-x");
    }

    #[test]
    fn keys_of_xorbs_are_read_back() {
        let hash = XetHash::from_bytes([7; 32]);
        for key in [StorageKey::xorb(&hash, 42), StorageKey::xorb_meta(&hash, 42)] {
            assert_eq!(StorageKey::listed(key.as_str().to_owned()).parse_xorb(), Some((hash, 42)));
        }
        assert_eq!(StorageKey::upload("x").parse_xorb(), None);
    }

    #[test]
    fn keys_of_large_files_and_packs_are_read_back() {
        let sha = Sha256::from_bytes([7; 32]);
        for nonce in [None, Some(42), Some(StorageKey::fresh_nonce())] {
            let key = StorageKey::lfs(&sha, nonce);
            assert_eq!(key.parse_lfs(), Some((sha, nonce)));
            assert_eq!(StorageKey::of_bytes(key.as_str()), Some(key));
        }
        let pack: Oid = "da39a3ee5e6b4b0d3255bfef95601890afd80709".parse().unwrap();
        for nonce in [None, Some(42)] {
            for key in [StorageKey::pack(&pack, nonce), StorageKey::pack_idx(&pack, nonce)] {
                let listed = StorageKey::listed(key.as_str().to_owned());
                assert_eq!((listed.parse_pack(), listed.parse_lfs()), (Some((pack, nonce)), None));
                assert_eq!(StorageKey::of_bytes(key.as_str()).map(|key| key.path), Some(key.path));
            }
        }
    }

    #[test]
    fn keys_of_attachments_are_read_back() {
        let id = "0123456789abcdef0123456789abcdef";
        let key = StorageKey::attachment(id);
        assert_eq!((key.as_str(), key.parse_attachment()), ("attachments/01/0123456789abcdef0123456789abcdef", Some(id)));
        assert_eq!(StorageKey::of_content(key.as_str()), Some(key.clone()));
        assert_eq!(StorageKey::of_bytes(key.as_str()), Some(key));
        assert_eq!(StorageKey::attachment("../x").parse_attachment(), None);
    }

    #[test]
    fn ids_cannot_leave_their_folder() {
        assert_eq!(StorageKey::upload("../../lfs/x").as_str(), "uploads/lfs/x");
        assert_eq!(StorageKey::upload("a//./b\\..\0#1").as_str(), "uploads/a/b_..__1");
        assert_eq!(StorageKey::upload("7/00001").as_str(), "uploads/7/00001");
    }
}
