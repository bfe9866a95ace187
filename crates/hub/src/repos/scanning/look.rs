//! Looks at one file and keeps what was found.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use hub_scan::{Kind, Level};
use hub_types::Oid;
use tokio::runtime::Handle;

use super::changes::ChangedFile;
use crate::accounts::leaks;
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::jobs::Job;
use crate::repos::Repo;
use crate::repos::reading;
use crate::repos::weight_files::{WeightFile, open_content};
use crate::scans::apart::{Scanner, Source, Trouble};
use crate::scans::blocks::Blocks;
use crate::scans::clamd::{self, Address, Verdict};
use crate::scans::queries::store_scan;
use crate::scans::seen::{Seen, look};
use crate::scans::{Av, AvStatus, FileKey, FileScan};

/// The largest file that is looked at together with others.
const SMALL_BYTES: u64 = 128 << 10;
/// How many of them are held in memory at once.
const HELD_AT_ONCE: usize = 64;

/// Looks at small files of git together: one process or thread, one transaction. Returns those that it has looked at; the others want
/// to be looked at one by one.
pub(super) async fn look_at_small(app: &App, repo: &Repo, files: &[&ChangedFile]) -> HubResult<HashSet<FileKey>> {
    let is_small = |file: &&&ChangedFile| file.lfs.is_none() && file.size <= SMALL_BYTES && file.key.kind != Kind::Gguf;
    let small: Vec<(FileKey, Oid)> = files.iter().filter(is_small).map(|file| (file.key.clone(), file.blob)).collect();
    let looked = match app.config.scan.program.as_deref() {
        _ if small.is_empty() => Vec::new(),
        Some(program) => look_apart(app, repo, small, program).await?,
        None => look_here(app, repo, small).await?,
    };
    let done = looked.iter().map(|(key, _)| key.clone()).collect();
    keep_all(app, looked.into_iter().map(|(key, seen)| Found { key, seen, av: None }).collect()).await?;
    Ok(done)
}

async fn look_here(app: &App, repo: &Repo, small: Vec<(FileKey, Oid)>) -> HubResult<Vec<(FileKey, Seen)>> {
    reading::read(app, repo, move |reader| {
        let looked = small.iter().filter_map(|(key, blob)| {
            let mut bytes = io::Cursor::new(reader.blob(*blob, SMALL_BYTES).ok()?);
            let size = bytes.get_ref().len() as u64;
            Some((key.clone(), look(&mut bytes, size, key.kind).ok()?))
        });
        Ok(looked.collect::<Vec<_>>())
    })
    .await
}

/// They share a process. It ends with one that it cannot look at; that one is found when the rest is looked at one by one.
async fn look_apart(app: &App, repo: &Repo, small: Vec<(FileKey, Oid)>, program: &Path) -> HubResult<Vec<(FileKey, Seen)>> {
    let mut scanner = Scanner::start(program).await?;
    let mut looked = Vec::new();
    for part in small.chunks(HELD_AT_ONCE) {
        let part = part.to_vec();
        let held = reading::read(app, repo, move |reader| {
            let bytes = |blob: &Oid| reader.blob(*blob, SMALL_BYTES).ok().map(Bytes::from);
            Ok(part.iter().filter_map(|(key, blob)| Some((key.clone(), bytes(blob)?))).collect::<Vec<(FileKey, Bytes)>>())
        })
        .await?;
        for (key, bytes) in held {
            match scanner.look(key.kind, &bytes).await {
                Ok(seen) => looked.push((key, seen)),
                Err(trouble) => {
                    tracing::warn!(repo.id = %repo.id, ?trouble, "files are looked at one by one, not together");
                    return Ok(looked);
                }
            }
        }
    }
    Ok(looked)
}

/// Looks at a file and, where there is one, has ClamAV look at it.
pub(super) async fn look_at(app: &App, repo: &Repo, changed: &ChangedFile, clamd: Option<&Address>) -> HubResult<()> {
    let file = match open_content(app, repo, &changed.path, changed.blob, changed.lfs.as_ref()).await {
        Err(error) if error.kind() == ErrorKind::TooLarge => {
            let seen = Seen::nothing("The file is too large to be looked at in git.");
            return keep_all(app, vec![Found { key: changed.key.clone(), seen, av: None }]).await;
        }
        other => other?,
    };
    // The bytes may be gone: then there is nothing to say of them.
    let Some(file) = file else { return Ok(()) };
    let (seen, file) = scan(app, changed.key.kind, file).await?;
    let av = match clamd {
        Some(address) => Some(ask_clamd(app, address, &file).await?),
        None => None,
    };
    keep_all(app, vec![Found { key: changed.key.clone(), seen, av }]).await
}

/// Each file has a process of its own, which is of no use to it if it takes it over.
async fn scan(app: &App, kind: Kind, file: WeightFile) -> HubResult<(Seen, WeightFile)> {
    if !kind.is_looked_at() {
        return Ok((Seen::default(), file));
    }
    let Some(program) = &app.config.scan.program else { return scan_here(app.clone(), kind, file).await };
    let looked = Scanner::start(program).await?.look(kind, &Stored { app, file: &file }).await;
    match looked {
        Ok(seen) => Ok((seen, file)),
        Err(Trouble::File(why)) => Ok((Seen::nothing(&why), file)),
        Err(Trouble::Hub(error)) => Err(error),
    }
}

/// A file, as another process reads it.
struct Stored<'a> {
    app: &'a App,
    file: &'a WeightFile,
}

impl Source for Stored<'_> {
    fn size(&self) -> u64 {
        self.file.size
    }

    async fn read(&self, range: Range<u64>) -> HubResult<Bytes> {
        self.file.read(self.app, range).await
    }
}

async fn scan_here(app: App, kind: Kind, file: WeightFile) -> HubResult<(Seen, WeightFile)> {
    let runtime = Handle::current();
    apart(move || {
        let fetch = |range| runtime.block_on(file.read(&app, range)).map_err(io::Error::other);
        let seen = look(&mut Blocks::new(file.size, fetch), file.size, kind).map_err(HubError::internal)?;
        Ok((seen, file))
    })
    .await
}

/// Runs a scanner on a thread of its own. Where one panics, that is an error of the file that it looked at, and of nothing else.
async fn apart<T: Send + 'static>(scanner: impl FnOnce() -> HubResult<T> + Send + 'static) -> HubResult<T> {
    tokio::task::spawn_blocking(scanner).await?
}

/// What ClamAV says. A file that it hangs up on is noted; when it is away, somebody tries again later.
async fn ask_clamd(app: &App, address: &Address, file: &WeightFile) -> HubResult<Av> {
    let av = |status, detail| Av { status, detail };
    let limit = app.config.scan.clamd_max_bytes;
    if file.size > limit {
        return Ok(av(AvStatus::Error, Some(format!("The file is larger than {} MiB.", limit >> 20))));
    }
    let bytes = file.stream(app, 0..file.size).await?;
    match clamd::ask(address, bytes).await {
        Ok(Verdict::Clean) => Ok(av(AvStatus::Safe, None)),
        Ok(Verdict::Found(name)) => Ok(av(AvStatus::Unsafe, Some(name))),
        Ok(Verdict::Refused(why)) => Ok(av(AvStatus::Error, Some(why))),
        Err(error) => {
            clamd::ping(address).await?;
            tracing::warn!(?error, %address, "clamd gave no answer about a file");
            Ok(av(AvStatus::Error, Some("ClamAV gave no answer.".to_owned())))
        }
    }
}

/// What was found in a file.
struct Found {
    key: FileKey,
    seen: Seen,
    av: Option<Av>,
}

async fn keep_all(app: &App, mut all: Vec<Found>) -> HubResult<()> {
    // In one order, so that two who look at the same files in two repositories do not wait for each other.
    all.sort_unstable_by(|one, other| one.key.content.cmp(&other.key.content).then(one.key.kind.cmp(&other.key.kind)));
    let mut tx = app.begin().await?;
    let mut leaked = false;
    for Found { key, seen: Seen { report, tokens }, av } in all {
        let av_level = match av.as_ref().map(|av| av.status) {
            Some(AvStatus::Unsafe) => Level::Unsafe,
            Some(AvStatus::Safe | AvStatus::Error) | None => Level::Safe,
        };
        store_scan(&mut tx, &key, &FileScan { level: report.level.max(av_level), report, av }).await?;
        let hashes: Vec<String> = tokens.iter().take(leaks::MOST).map(hex::encode).collect();
        if !hashes.is_empty() {
            Job::RevokeLeaked { hashes }.enqueue(&mut tx).await?;
            leaked = true;
        }
    }
    tx.commit().await?;
    if leaked {
        app.jobs.wake();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scanner_that_panics_is_an_error_of_its_file() {
        // Such an error is what `scan_repo` notes as the file's result: `one_file_that_fails_keeps_nobody_from_the_others`.
        let broken = apart(|| -> HubResult<()> { panic!("by a file that nobody thought of") }).await;
        assert!(broken.is_err_and(|error| !error.is_for_client()));
        assert_eq!(apart(|| Ok("goes on")).await.unwrap(), "goes on");
    }
}
