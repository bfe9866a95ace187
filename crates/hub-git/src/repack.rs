//! Joining the small packs of a repository, so that readers have few to look through.
//!
//! Packs are kept in a geometric progression, as `git repack --geometric=2` does: each has at least twice the objects of
//! the next smaller one. So a repository with n objects has about log₂ n packs, and each object is copied about
//! log₂ n times in all, however many commits come.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hub_types::Oid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::process::{Process, ProcessError, git_command};
use crate::reader::GitReader;

/// How many times the objects of the next smaller pack one must have to be left alone.
const FACTOR: u64 = 2;
/// Git prints the pack's hash, nothing more.
const MAX_PRINTED_BYTES: u64 = 200;

/// A pack as far as the choice needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSize {
    /// Its name.
    pub hash: Oid,
    /// How many objects it has.
    pub objects: u64,
    /// Its size.
    pub bytes: u64,
}

/// Those packs that must be joined for the progression; none, or at least two. A pack that would make them more than
/// `max_bytes` is left alone, with all that are larger.
pub fn packs_to_join(mut packs: Vec<PackSize>, max_bytes: u64) -> Vec<PackSize> {
    packs.sort_by_key(|pack| (pack.objects, pack.hash));
    let out_of_step = |pair: &[PackSize]| matches!(pair, [smaller, larger] if larger.objects < FACTOR * smaller.objects);
    let Some(last) = packs.windows(2).rposition(out_of_step) else { return Vec::new() };
    let mut count = last + 2;
    let mut objects: u64 = packs.iter().take(count).map(|pack| pack.objects).sum();
    // What comes of them must be in step with the packs above, too.
    while let Some(next) = packs.get(count).filter(|next| next.objects < FACTOR * objects) {
        objects += next.objects;
        count += 1;
    }
    packs.truncate(count);
    let mut total = 0;
    packs.retain(|pack| {
        total += pack.bytes;
        total <= max_bytes
    });
    if packs.len() < 2 { Vec::new() } else { packs }
}

/// A pack made of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedPack {
    /// Its name.
    pub hash: Oid,
    /// The file.
    pub pack: PathBuf,
    /// Its index.
    pub idx: PathBuf,
    /// How many objects it has.
    pub objects: u64,
}

/// Why packs were not joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Git could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The disk failed.
    #[error("the packs could not be read or written")]
    Io(#[from] std::io::Error),
    /// Git did not do it.
    #[error("git pack-objects failed: {0}")]
    Failed(String),
    /// The new pack cannot be read.
    #[error("the new pack cannot be read")]
    Unreadable(#[from] crate::Error),
    /// The new pack lacks an object of the old ones.
    #[error("the new pack lacks the object {0}")]
    Incomplete(Oid),
    /// It took longer than allowed.
    #[error("joining the packs took too long")]
    TimedOut,
}

/// Writes one pack with all objects of some packs of the bare repository `dir` into the folder `scratch`, and proves that none is
/// missing. Objects are copied as they are, deltas included.
///
/// # Errors
/// Git fails, or the disk. The repository is as before in any case.
pub async fn join_packs(dir: &Path, packs: &[Oid], scratch: &Path, timeout: Duration) -> Result<JoinedPack, JoinError> {
    // An object store of its own, so that it can be read without the repository's.
    let folder = scratch.join("pack");
    tokio::fs::create_dir_all(&folder).await?;
    let hash =
        tokio::time::timeout(timeout, pack_objects(dir, packs, &folder)).await.map_err(|_elapsed| JoinError::TimedOut)??;
    let file = |extension: &str| folder.join(format!("pack-{hash}.{extension}"));
    let (pack, idx) = (file("pack"), file("idx"));
    let (dir, scratch, packs) = (dir.to_owned(), scratch.to_owned(), packs.to_vec());
    let objects =
        tokio::task::spawn_blocking(move || prove_whole(&dir, &packs, &scratch)).await.map_err(std::io::Error::from)??;
    Ok(JoinedPack { hash, pack, idx, objects })
}

async fn pack_objects(dir: &Path, packs: &[Oid], folder: &Path) -> Result<Oid, JoinError> {
    // One thread: it is in no hurry.
    let mut command = git_command(dir, &["pack.threads=1", "pack.writeReverseIndex=false"]);
    command.args(["pack-objects", "--stdin-packs", "--delta-base-offset", "--quiet"]).arg(folder.join("pack"));
    command.stdin(Stdio::piped());
    let mut process = Process::start(command)?;
    let names: String = packs.iter().map(|hash| format!("pack-{hash}.pack\n")).collect();
    if let Some(mut stdin) = process.take_stdin() {
        // When git has died, its complaint says more than the broken pipe.
        let _ = stdin.write_all(names.as_bytes()).await;
    }
    let mut printed = String::new();
    if let Some(stdout) = process.take_stdout() {
        stdout.take(MAX_PRINTED_BYTES).read_to_string(&mut printed).await?;
    }
    let (status, complaints) = process.wait().await?;
    if !status.success() {
        return Err(JoinError::Failed(complaints.trim().to_owned()));
    }
    printed.trim().parse().map_err(|_invalid| JoinError::Failed("it printed no hash".to_owned()))
}

/// Counts the objects of the pack in `scratch`, having found those of all the others in it.
fn prove_whole(dir: &Path, packs: &[Oid], scratch: &Path) -> Result<u64, JoinError> {
    let joined = GitReader::of_objects(&[scratch])?;
    for hash in packs {
        // A folder that has nothing but this pack.
        let alone = tempfile::tempdir_in(dir)?;
        let folder = alone.path().join("pack");
        std::fs::create_dir(&folder)?;
        for extension in ["pack", "idx"] {
            let name = format!("pack-{hash}.{extension}");
            std::fs::hard_link(dir.join("objects/pack").join(&name), folder.join(&name))?;
        }
        let mut lost = None;
        GitReader::of_objects(&[alone.path()])?.each_object(|oid| {
            if !joined.contains(oid)? {
                lost = lost.or(Some(oid));
            }
            Ok(())
        })?;
        if let Some(oid) = lost {
            return Err(JoinError::Incomplete(oid));
        }
    }
    let mut count = 0;
    joined.each_object(|_| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn sizes(objects: &[u64]) -> Vec<PackSize> {
        let pack = |(number, objects): (usize, &u64)| PackSize {
            hash: format!("{number:040x}").parse().unwrap(),
            objects: *objects,
            bytes: *objects * 10,
        };
        objects.iter().enumerate().map(pack).collect()
    }

    fn joined(objects: &[u64], max_bytes: u64) -> Vec<u64> {
        packs_to_join(sizes(objects), max_bytes).iter().map(|pack| pack.objects).collect()
    }

    #[test]
    fn packs_in_a_progression_are_left_alone() {
        for packs in [&[][..], &[3], &[1, 2, 4, 8], &[1000, 3], &[0, 0]] {
            assert_eq!(joined(packs, u64::MAX), Vec::<u64>::new(), "{packs:?}");
        }
    }

    #[test]
    fn packs_out_of_step_are_joined_with_what_their_sum_comes_near_to() {
        assert_eq!(joined(&[3, 3], u64::MAX), [3, 3]);
        assert_eq!(joined(&[3, 3, 3, 1000], u64::MAX), [3, 3, 3]);
        // 3 + 3 + 10 = 16 is out of step with 20, and 36 with 50.
        assert_eq!(joined(&[3, 3, 10, 20, 50, 500], u64::MAX), [3, 3, 10, 20, 50]);
        assert_eq!(joined(&[1, 2, 100, 150], u64::MAX), [1, 2, 100, 150]);
    }

    #[test]
    fn what_would_be_too_large_is_left_alone() {
        assert_eq!(joined(&[3, 3, 4, 100, 150], 150), [3, 3, 4]);
        assert_eq!(joined(&[100, 150], 1500), [] as [u64; 0]);
    }

    #[test]
    fn the_number_of_packs_follows_the_logarithm() {
        let mut packs = sizes(&[]);
        let mut copied = 0;
        for commit in 0..10_000_u64 {
            packs.push(PackSize { hash: format!("{commit:040x}").parse().unwrap(), objects: 3, bytes: 30 });
            let join = packs_to_join(packs.clone(), u64::MAX);
            let Some(first) = join.first().cloned() else { continue };
            let objects = join.iter().map(|pack| pack.objects).sum();
            copied += objects;
            packs.retain(|pack| !join.contains(pack));
            packs.push(PackSize { objects, bytes: objects * 10, ..first });
        }
        assert!(packs.len() < 15, "{} packs", packs.len());
        assert!(copied < 30_000 * 15, "{copied} objects copied");
    }

    #[tokio::test]
    async fn one_pack_has_what_several_had() {
        let fixture = Fixture::new();
        fixture.pack_server();
        for number in 0..3 {
            fixture.commit("text.txt", format!("another text {number}\n").repeat(500).as_bytes());
            fixture.git(&["push", "-q", "../server", "main"]);
            fixture.pack_server();
        }
        let packs = fixture.server_packs();
        assert_eq!(packs.len(), 4);
        let scratch = fixture.scratch();

        let joined = join_packs(&fixture.server(), &packs, &scratch, Duration::from_secs(60)).await.unwrap();

        // Four commits, each with a tree and a file.
        assert_eq!(joined.objects, 12);
        assert!(joined.pack.exists() && joined.idx.exists());
        let reader = GitReader::of_objects(&[scratch.as_path()]).unwrap();
        assert!(reader.contains(fixture.head()).unwrap());
        let missing = join_packs(&fixture.server(), &[Oid::from_bytes([7; 20])], &scratch, Duration::from_secs(60)).await;
        assert!(matches!(missing, Err(JoinError::Failed(_))), "{missing:?}");
    }
}
