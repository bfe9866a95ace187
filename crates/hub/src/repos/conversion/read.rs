//! What a checkpoint has and where, read by ranges.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hub_weights::checkpoint::{
    CheckpointError, Contents, Conversion, LegacyFile, MAX_PICKLE_BYTES, NUMEL_BYTES, TAIL_BYTES, ZipEntry, ZipFile,
    directory_range,
};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::weight_files::WeightFile;
use crate::scans::apart::{Scanner, Trouble};

/// How many reads wait for the store at once.
const READS_AT_ONCE: usize = 16;
/// What tells the formats apart.
const HEAD_BYTES: u64 = 64;

/// What is told of a checkpoint, and how it is converted.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) conversion: Conversion,
    pub(super) dropped: Vec<String>,
    pub(super) dropped_count: usize,
}

/// Reads a checkpoint and plans its conversion.
///
/// # Errors
/// 422 for what is none, or cannot be converted, with the reason.
pub(super) async fn plan(app: &App, file: &WeightFile) -> HubResult<Plan> {
    let head = file.head(app, HEAD_BYTES).await?;
    let (contents, ranges) = if LegacyFile::is_one(&head) { legacy(app, file).await? } else { zip(app, file).await? };
    let size = file.size;
    let planned = move || {
        let conversion = Conversion::plan(&contents, &ranges, size)?;
        Ok(Plan { conversion, dropped: contents.dropped, dropped_count: contents.dropped_count })
    };
    blocking(file, planned).await
}

/// Works on a blocking thread, and words what is wrong with the file.
async fn blocking<T: Send + 'static>(
    file: &WeightFile,
    work: impl FnOnce() -> Result<T, CheckpointError> + Send + 'static,
) -> HubResult<T> {
    tokio::task::spawn_blocking(work).await?.map_err(|error| refusal(file, &error))
}

/// The same of what another process read.
fn apart<T>(file: &WeightFile, outcome: Result<Result<T, CheckpointError>, Trouble>) -> HubResult<T> {
    match outcome {
        Ok(read) => read.map_err(|error| refusal(file, &error)),
        Err(Trouble::File(why)) => Err(HubError::unprocessable(format!("`{}` cannot be read. {why}", file.path))),
        Err(Trouble::Hub(error)) => Err(error),
    }
}

fn refusal(file: &WeightFile, error: &CheckpointError) -> HubError {
    HubError::unprocessable(format!("`{}` {error}.", file.path))
}

async fn zip(app: &App, file: &WeightFile) -> HubResult<(Contents, Vec<Range<u64>>)> {
    let refused = |error| refusal(file, &error);
    let tail = file.read(app, file.size.saturating_sub(TAIL_BYTES)..file.size).await?;
    let directory = file.read(app, directory_range(&tail, file.size).map_err(refused)?).await?;
    let zip = blocking(file, move || ZipFile::parse(&directory)).await?;
    if let Some(order) = zip.byte_order() {
        let order = file.read(app, range_of(app, file, order).await?).await?;
        if order != "little" {
            return Err(refused(CheckpointError::Unsupported("was saved on a machine with another order of bytes".to_owned())));
        }
    }
    let pickle = file.read(app, range_of(app, file, zip.pickle().map_err(refused)?).await?).await?;
    let contents = match &app.config.scan.program {
        Some(program) => apart(file, Scanner::start(program).await?.pickle(&pickle).await)?,
        None => blocking(file, move || Contents::parse(&pickle)).await?,
    };
    let entries = contents.storages.iter().zip(contents.needed());
    // What no tensor needs is not looked for.
    let entries = entries.map(|(storage, needed)| if needed { zip.storage(&storage.key).map(Some) } else { Ok(None) });
    let entries: Vec<Option<ZipEntry>> =
        entries.map(|entry| entry.map(Option::<&ZipEntry>::cloned)).collect::<Result<_, _>>().map_err(refused)?;
    let ranges = stream::iter(entries).map(|entry| async move {
        match entry {
            Some(entry) => range_of(app, file, &entry).await,
            None => Ok(0..0),
        }
    });
    let ranges = ranges.buffered(READS_AT_ONCE).try_collect().await?;
    Ok((contents, ranges))
}

async fn range_of(app: &App, file: &WeightFile, entry: &ZipEntry) -> HubResult<Range<u64>> {
    let header = file.read(app, entry.header_range()).await?;
    entry.range(&header, file.size).map_err(|error| refusal(file, &error))
}

async fn legacy(app: &App, file: &WeightFile) -> HubResult<(Contents, Vec<Range<u64>>)> {
    let head = file.head(app, MAX_PICKLE_BYTES).await?;
    let size = file.size;
    let read = match &app.config.scan.program {
        Some(program) => apart(file, Scanner::start(program).await?.legacy(&head, size).await)?,
        None => blocking(file, move || LegacyFile::parse(&head, size)).await?,
    };
    let numels = stream::iter(read.ranges.clone())
        .map(|range| async move { file.read(app, range.start.saturating_sub(NUMEL_BYTES)..range.start).await });
    let numels: Vec<Bytes> = numels.buffered(READS_AT_ONCE).try_collect().await?;
    let agrees = |(at, numel): (usize, &Bytes)| <[u8; 8]>::try_from(&numel[..]).is_ok_and(|numel| read.agrees(at, numel));
    if !numels.iter().enumerate().all(agrees) {
        return Err(refusal(file, &CheckpointError::Broken("there are more or fewer numbers than its pickle says")));
    }
    Ok((read.contents, read.ranges))
}
