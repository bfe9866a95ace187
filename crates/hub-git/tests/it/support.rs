use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;

use hub_git::{
    BuiltCommit, BuiltPack, Change, CommitMeta, CommitPlan, Content, GitReader, LfsPointer, PackContent, Person, build_commit,
};
use hub_types::{Oid, RepoPath};
use tempfile::TempDir;

/// A bare repository whose packs come from us, and the `git` program to question it with.
pub struct TestRepo {
    dir: TempDir,
    clock: Cell<i64>,
}

impl TestRepo {
    pub fn new() -> Self {
        let repo = Self { dir: TempDir::new().unwrap(), clock: Cell::new(1_700_000_000) };
        repo.git_in(repo.dir.path(), &["init", "-q", "--bare", "-b", "main", "repo.git"]);
        repo
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("repo.git")
    }

    pub fn scratch(&self) -> &Path {
        self.dir.path()
    }

    pub fn reader(&self) -> GitReader {
        GitReader::open(&self.path()).unwrap()
    }

    pub fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.path(), args)
    }

    pub fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let output = git_command(dir).args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "git {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    }

    /// Clones into a work tree in which `git` makes commits; `collect` brings them into the repository.
    pub fn work_tree(&self) -> PathBuf {
        let dir = self.dir.path().join("work");
        self.git_in(self.dir.path(), &["init", "-q", "-b", "main", "work"]);
        dir
    }

    pub fn collect(&self, work: &Path) -> Oid {
        self.git_in(work, &["push", "-q", "--force", self.path().to_str().unwrap(), "HEAD:refs/heads/main"]);
        self.git(&["repack", "-adq"]);
        self.head()
    }

    pub fn head(&self) -> Oid {
        self.git(&["rev-parse", "main"]).parse().unwrap()
    }

    pub fn meta(&self, message: &str) -> CommitMeta {
        self.clock.update(|clock| clock + 60);
        let person = Person::new("Ada", "ada@example.org", self.clock.get());
        CommitMeta { author: person.clone(), committer: person, message: message.into() }
    }

    /// Builds a commit, installs its pack as the hub does, and lets `git fsck` look at it.
    pub fn commit(&self, parent: Option<Oid>, changes: Vec<Change>) -> Oid {
        let plan = CommitPlan { parent, changes: &changes, meta: &self.meta("change"), cover_lfs: false };
        let built = build_commit(&self.reader(), self.scratch(), plan).unwrap();
        self.install(&built)
    }

    pub fn install(&self, built: &BuiltCommit) -> Oid {
        if let Some(pack) = &built.pack {
            self.install_pack(pack);
        }
        self.git(&["update-ref", "refs/heads/main", &built.commit.to_hex()]);
        built.commit
    }

    pub fn install_pack(&self, pack: &BuiltPack) {
        let folder = self.path().join("objects");
        for (extension, bytes) in pack_bytes(pack) {
            std::fs::write(pack.path_in(&folder, extension), bytes).unwrap();
        }
    }

    pub fn fsck(&self) {
        let text = self.git(&["fsck", "--strict", "--full", "--no-dangling"]);
        assert_eq!(text, "");
    }

    /// `path → (mode, blob)` as `git` sees it.
    pub fn ls_tree(&self, commit: Oid) -> Vec<(String, String, String)> {
        let text = self.git(&["ls-tree", "-r", "-z", &commit.to_hex()]);
        let row = |row: &str| {
            let (left, path) = row.split_once('\t').unwrap();
            let mut left = left.split(' ');
            (path.to_owned(), left.next().unwrap().to_owned(), left.nth(1).unwrap().to_owned())
        };
        text.split('\0').filter(|row| !row.is_empty()).map(row).collect()
    }
}

pub fn git_command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
    }
    command.env("HOME", dir).env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

pub fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

pub fn add(at: &str, content: &str) -> Change {
    Change::AddBlob { path: path(at), content: Content::Bytes(content.as_bytes().to_vec()) }
}

pub fn add_lfs(at: &str, size: u64) -> Change {
    Change::AddLfs { path: path(at), pointer: pointer(at, size) }
}

pub fn pointer(seed: &str, size: u64) -> LfsPointer {
    let mut digest = [0; 32];
    seed.bytes().zip(&mut digest).for_each(|(byte, place)| *place = byte);
    LfsPointer::new(hub_types::Sha256::from_bytes(digest), size)
}

/// A pack and its index.
pub fn pack_bytes(pack: &BuiltPack) -> [(&'static str, Vec<u8>); 2] {
    match pack.content() {
        PackContent::Memory { pack, idx } => [("pack", pack.to_vec()), ("idx", idx.to_vec())],
        PackContent::Folder(folder) => {
            ["pack", "idx"].map(|extension| (extension, std::fs::read(pack.path_in(folder.path(), extension)).unwrap()))
        }
    }
}
