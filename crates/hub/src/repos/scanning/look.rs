//! Looks at one file and keeps what was found.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read, Seek, SeekFrom};

use hub_cards::{Progress, gguf};
use hub_scan::{Kind, Level, Limits, MAX_TEXT_BYTES, Report};
use hub_types::Oid;

use super::changes::ChangedFile;
use super::reader::Blocks;
use crate::accounts::leaks;
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::jobs::Job;
use crate::repos::Repo;
use crate::repos::reading;
use crate::repos::weight_files::{WeightFile, open_content};
use crate::scans::clamd::{self, Address, Verdict};
use crate::scans::queries::store_scan;
use crate::scans::{Av, AvStatus, FileKey, FileScan};

/// What is read first of a GGUF header.
const FIRST_READ_BYTES: u64 = 256 << 10;
/// How much of a text is searched for this hub's own tokens at a time, and by how much the pieces overlap.
const PIECE_BYTES: u64 = 4 << 20;
const OVERLAP_BYTES: usize = 1 << 10;

/// The largest file that is looked at together with others.
const SMALL_BYTES: u64 = 128 << 10;

/// Looks at small files of git together: one reading of the repository, one thread, one transaction. Returns those that it has looked
/// at; the others want to be looked at one by one.
pub(super) async fn look_at_small(app: &App, repo: &Repo, files: &[&ChangedFile]) -> HubResult<HashSet<FileKey>> {
    let is_small = |file: &&&ChangedFile| file.lfs.is_none() && file.size <= SMALL_BYTES && file.key.kind != Kind::Gguf;
    let small: Vec<(FileKey, Oid)> = files.iter().filter(is_small).map(|file| (file.key.clone(), file.blob)).collect();
    let looked = reading::read(app, repo, move |reader| {
        let looked = small.iter().filter_map(|(key, blob)| {
            let mut bytes = io::Cursor::new(reader.blob(*blob, SMALL_BYTES).ok()?);
            let size = bytes.get_ref().len() as u64;
            let report = hub_scan::scan(&mut bytes, size, key.kind, Limits::default()).ok()?;
            let tokens = if hub_scan::has_hub_tokens(&report) { hub_tokens(&mut bytes).ok()? } else { BTreeSet::new() };
            Some((key.clone(), report, tokens))
        });
        Ok(looked.collect::<Vec<_>>())
    })
    .await?;
    let done = looked.iter().map(|(key, ..)| key.clone()).collect();
    keep_all(app, looked.into_iter().map(|(key, report, tokens)| Found { key, report, av: None, tokens }).collect()).await?;
    Ok(done)
}

/// Looks at a file and, where there is one, has ClamAV look at it.
pub(super) async fn look_at(app: &App, repo: &Repo, changed: &ChangedFile, clamd: Option<&Address>) -> HubResult<()> {
    let file = match open_content(app, repo, &changed.path, changed.blob, changed.lfs.as_ref()).await {
        Err(error) if error.kind() == ErrorKind::TooLarge => {
            let mut report = Report::default();
            report.leave_out("The file is too large to be looked at in git.");
            return keep_all(app, vec![Found { key: changed.key.clone(), report, av: None, tokens: BTreeSet::new() }]).await;
        }
        other => other?,
    };
    // The bytes may be gone: then there is nothing to say of them.
    let Some(file) = file else { return Ok(()) };
    let (report, tokens, file) = match changed.key.kind {
        Kind::Gguf => (gguf_report(app, &file).await?, BTreeSet::new(), file),
        Kind::Pickle | Kind::Keras | Kind::Template | Kind::Jinja | Kind::Safetensors | Kind::Opaque | Kind::Other => {
            scan(app, changed.key.kind, file).await?
        }
    };
    let av = match clamd {
        Some(address) => Some(ask_clamd(app, address, &file).await?),
        None => None,
    };
    keep_all(app, vec![Found { key: changed.key.clone(), report, av, tokens }]).await
}

async fn scan(app: &App, kind: Kind, file: WeightFile) -> HubResult<(Report, BTreeSet<[u8; 32]>, WeightFile)> {
    let mut blocks = Blocks::new(app.clone(), file);
    apart(move || {
        let size = blocks.size();
        let report = hub_scan::scan(&mut blocks, size, kind, Limits::default()).map_err(HubError::internal)?;
        let tokens = match hub_scan::has_hub_tokens(&report) {
            true => hub_tokens(&mut blocks).map_err(HubError::internal)?,
            false => BTreeSet::new(),
        };
        Ok((report, tokens, blocks.into_file()))
    })
    .await
}

/// Runs a scanner on a thread of its own. Where one panics, that is an error of the file that it looked at, and of nothing else.
async fn apart<T: Send + 'static>(scanner: impl FnOnce() -> HubResult<T> + Send + 'static) -> HubResult<T> {
    tokio::task::spawn_blocking(scanner).await?
}

/// This hub's own tokens in a text, as far as it is searched for secrets.
fn hub_tokens(text: &mut (impl Read + Seek)) -> io::Result<BTreeSet<[u8; 32]>> {
    text.seek(SeekFrom::Start(0))?;
    let (mut tokens, mut piece, mut searched) = (BTreeSet::new(), Vec::new(), 0);
    loop {
        let count = text.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)? as u64;
        tokens.append(&mut leaks::hashes_in([&*String::from_utf8_lossy(&piece)]));
        searched += count;
        if count < PIECE_BYTES || searched >= MAX_TEXT_BYTES {
            return Ok(tokens);
        }
        piece.drain(..piece.len() - OVERLAP_BYTES);
    }
}

async fn gguf_report(app: &App, file: &WeightFile) -> HubResult<Report> {
    let size = file.size;
    let mut wanted = FIRST_READ_BYTES;
    loop {
        let prefix = file.head(app, wanted.min(size)).await?;
        let read = move || match gguf::templates(&prefix, size) {
            Ok(Progress::Done(templates)) => Ok(hub_scan::scan_templates(&templates)),
            Ok(Progress::NeedBytes(bytes)) => Err(bytes),
            Err(error) => {
                let mut report = Report::default();
                report.leave_out(format!("The header cannot be read: {error}."));
                Ok(report)
            }
        };
        match apart(move || Ok(read())).await? {
            Ok(report) => return Ok(report),
            Err(bytes) if bytes > wanted => wanted = bytes,
            Err(_) => return Err(HubError::internal("a file is shorter than it says")),
        }
    }
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
    report: Report,
    av: Option<Av>,
    /// Hashes of this hub's own tokens in it.
    tokens: BTreeSet<[u8; 32]>,
}

async fn keep_all(app: &App, all: Vec<Found>) -> HubResult<()> {
    let mut tx = app.begin().await?;
    let mut leaked = false;
    for Found { key, report, av, tokens } in all {
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

    #[test]
    fn tokens_are_found_wherever_they_are_searched_for() {
        let token = format!("hf_{}", "aZ3kQ9mX7pLr2TvB8nWc5YdFgHjKsE4uRt");
        let piece = usize::try_from(PIECE_BYTES).unwrap();
        for at in [0, piece - 10, piece, 3 * piece - 1100] {
            let text = [" ".repeat(at).as_str(), &token, &" ".repeat(4 * piece)].concat();
            let found = hub_tokens(&mut io::Cursor::new(text)).unwrap();
            assert!(leaks::hashes_in([token.as_str()]).is_subset(&found), "{at}");
        }
    }
}
