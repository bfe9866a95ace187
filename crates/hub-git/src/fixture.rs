//! Real repositories for the tests, made by `git` itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hub_types::{Oid, RefName};
use tempfile::TempDir;

use crate::repo_view::RepoView;

/// A bare repository as the server has it, and a clone in which a person works.
pub(crate) struct Fixture {
    dir: TempDir,
}

impl Fixture {
    /// A server and a clone that both have one commit on `main`.
    pub(crate) fn new() -> Self {
        let fixture = Self { dir: tempfile::tempdir().unwrap() };
        fixture.run(&["init", "-q", "--bare", "-b", "main", "server"], fixture.dir.path(), b"");
        fixture.run(&["init", "-q", "-b", "main", "work"], fixture.dir.path(), b"");
        // Enough text for deltas to pay.
        let lines: String = (0..2000).map(|index| format!("line {index} of the first text\n")).collect();
        fixture.commit("text.txt", lines.as_bytes());
        fixture.git(&["push", "-q", "../server", "main"]);
        fixture
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.dir.path().join("server")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        let scratch = self.dir.path().join("scratch");
        std::fs::create_dir_all(&scratch).unwrap();
        scratch
    }

    /// Runs git in the clone and returns what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, b"")
    }

    pub(crate) fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        String::from_utf8(self.run(arguments, &self.work(), input)).unwrap().trim().to_owned()
    }

    /// Commits a file in the clone.
    pub(crate) fn commit(&self, path: &str, content: &[u8]) -> Oid {
        let file = self.work().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "change"]);
        self.head()
    }

    /// Makes a commit of a tree.
    pub(crate) fn commit_tree(&self, tree: &str) -> Oid {
        self.git(&["commit-tree", "-m", "crafted", "-p", "HEAD", tree]).parse().unwrap()
    }

    /// Writes a tree without git's checks.
    pub(crate) fn raw_tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut data = Vec::new();
        for (mode, name, oid) in entries {
            data.extend_from_slice(mode.as_bytes());
            data.push(b' ');
            data.extend_from_slice(name);
            data.push(0);
            data.extend_from_slice(oid.parse::<Oid>().unwrap().as_bytes());
        }
        self.git_with(&["hash-object", "-w", "--literally", "-t", "tree", "--stdin"], &data)
    }

    pub(crate) fn blob(&self, content: &[u8]) -> String {
        self.git_with(&["hash-object", "-w", "--stdin"], content)
    }

    pub(crate) fn head(&self) -> Oid {
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// The thin pack that `git push` would send for a commit.
    pub(crate) fn thin_pack(&self, new: Oid) -> Vec<u8> {
        let input = format!("{new}\n^{}\n", self.server_head());
        self.run(&["pack-objects", "--revs", "--thin", "--stdout", "-q", "--delta-base-offset"], &self.work(), input.as_bytes())
    }

    /// A pack of just these objects.
    pub(crate) fn pack_of(&self, oids: &[&str]) -> Vec<u8> {
        let list: String = oids.iter().map(|oid| format!("{oid}\n")).collect();
        self.run(&["pack-objects", "--stdout", "-q"], &self.work(), list.as_bytes())
    }

    /// A pack of all that the clone has, made without looking into it.
    pub(crate) fn pack_of_everything(&self) -> Vec<u8> {
        let oids = self.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
        self.pack_of(&[&oids])
    }

    pub(crate) fn server_head(&self) -> Oid {
        let text = self.run(&["rev-parse", "main"], &self.server(), b"");
        String::from_utf8(text).unwrap().trim().parse().unwrap()
    }

    /// Puts the server's loose objects into a pack.
    pub(crate) fn pack_server(&self) {
        self.run(&["repack", "-q"], &self.server(), b"");
        self.run(&["prune-packed", "-q"], &self.server(), b"");
    }

    /// The server's packs.
    pub(crate) fn server_packs(&self) -> Vec<Oid> {
        let files = std::fs::read_dir(self.server().join("objects/pack")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter_map(|name| name.strip_prefix("pack-")?.strip_suffix(".pack")?.parse().ok()).collect()
    }

    /// The server as its database would have it.
    pub(crate) fn view(&self) -> RepoView {
        let main = RefName::branch("main").unwrap();
        let refs = [(main.clone(), self.server_head())];
        RepoView::create(&self.scratch(), &self.server(), &main, &refs).unwrap()
    }

    fn run(&self, arguments: &[&str], dir: &Path, input: &[u8]) -> Vec<u8> {
        run(arguments, dir, input)
    }
}

/// A pack entry as no git would write it: type, size as claimed, base of a `REF_DELTA`, and what is to be deflated.
pub(crate) type RawEntry<'a> = (u8, u64, Option<[u8; 20]>, &'a [u8]);

/// Puts a pack together by hand.
pub(crate) fn raw_pack(entries: &[RawEntry<'_>]) -> Vec<u8> {
    use sha1::Digest;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&u32::try_from(entries.len()).unwrap().to_be_bytes());
    for (kind, size, base, data) in entries {
        let mut rest = size >> 4;
        let mut byte = (kind << 4) | (size & 15) as u8;
        while rest > 0 {
            pack.push(byte | 128);
            byte = (rest & 127) as u8;
            rest >>= 7;
        }
        pack.push(byte);
        pack.extend_from_slice(base.as_ref().map_or(&[], |base| base.as_slice()));
        let mut encoder = flate2::write::ZlibEncoder::new(pack, flate2::Compression::default());
        encoder.write_all(data).unwrap();
        pack = encoder.finish().unwrap();
    }
    let sum = sha1::Sha1::digest(&pack);
    pack.extend_from_slice(&sum);
    pack
}

/// Runs git in a folder; fails the test if git fails.
pub(crate) fn run(arguments: &[&str], dir: &Path, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.fsync=none", "-c", "gc.auto=0"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
