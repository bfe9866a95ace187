//! The job that reads the headers of weight files: some kilobytes from the store, by range.

use bytes::Bytes;
use futures::future::join_all;
use hub_cards::{HeaderError, Progress, gguf, safetensors};
use hub_types::Oid;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::Repo;
use crate::repos::queries::listing::ListedRepo;
use crate::repos::queries::{self, derived};
use crate::repos::weight_files::{WeightFile, find, gguf_shards, open, open_content};

/// What is read first: most headers are shorter.
const FIRST_READ_BYTES: u64 = 256 << 10;
/// Of how many files the beginnings are read at once. What is longer is read of one after the other, and so are files that lie in git, which
/// are read whole: they may need much memory.
const READS_AT_ONCE: usize = 8;
/// The longest safetensors header that is read into memory; the format allows more than any model has.
const MAX_READ_BYTES: u64 = 32 << 20;
/// The most files whose headers are read for one model. Of one with more nobody knows the size.
const MAX_FILES: usize = 512;
/// The most that is read of all files of one model together: the same large file may be there under many names.
const MAX_ALL_BYTES: u64 = 1 << 30;

/// Reads the headers of the weight files of the default branch and stores what they say. Does nothing
/// when these files have been read already.
///
/// # Errors
/// The store or the database does not answer: the job is tried again.
pub async fn read_headers(app: &App, repo_pk: i64) -> HubResult<()> {
    // In this order: of a commit that comes in between, nothing is noted as read that was looked for in the one before.
    let facts = derived::find_facts(&app.pool, repo_pk).await?.unwrap_or_default();
    let Some(repo) = queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(()) };
    let text = |pointer: &str| facts.pointer(pointer).and_then(Value::as_str);
    let (Some(key), Some(head)) = (text("/weights/key"), repo.head_oid) else { return Ok(()) };
    if text("/headers_key") == Some(key) {
        return Ok(());
    }
    let mut found = Map::new();
    let mut parameters = None;
    // The parts of a pipeline go before what lies beside them: that is all of them in one file, for other programs.
    let parts = facts.pointer("/weights/components").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut parts: Vec<&str> = parts.collect();
    if parts.is_empty() {
        parts.extend(text("/weights/safetensors"));
    }
    if !parts.is_empty()
        && let Some(summary) = noted(safetensors_summary(app, &repo, head, &parts).await, &mut found)?
    {
        found.insert("safetensors".to_owned(), summary.to_json());
        parameters = Some(summary.total());
    }
    if let Some(path) = text("/weights/gguf")
        && let Some(summary) = noted(gguf_summary(app, &repo, head, path).await, &mut found)?
    {
        found.insert("gguf".to_owned(), summary.to_json());
        // Apart from what the API has of a GGUF header.
        found.insert("gguf_parameters".to_owned(), json!(summary.parameters));
        parameters = parameters.or(Some(summary.total));
    }
    found.insert("headers_key".to_owned(), json!(key));
    let parameters = parameters.and_then(|total| i64::try_from(total).ok());
    derived::store_headers(&app.pool, repo_pk, key, &Value::Object(found), parameters).await?;
    Ok(())
}

/// Whether the weight files of the default branch have not been read yet.
pub fn awaits_headers(repo: &ListedRepo) -> bool {
    let text = |pointer: &str| repo.facts.as_ref()?.pointer(pointer)?.as_str();
    text("/weights/key").is_some_and(|key| text("/headers_key") != Some(key))
}

/// Why a header is not there.
enum Failure {
    /// The file is not what its name says: noted, not tried again.
    File(HeaderError),
    /// The hub could not read it: tried again.
    Hub(HubError),
}

impl From<HeaderError> for Failure {
    fn from(error: HeaderError) -> Self {
        Self::File(error)
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

fn noted<T>(outcome: Result<Option<T>, Failure>, found: &mut Map<String, Value>) -> HubResult<Option<T>> {
    match outcome {
        Ok(summary) => Ok(summary),
        Err(Failure::Hub(error)) => Err(error),
        Err(Failure::File(error)) => {
            found.insert("header_error".to_owned(), json!(error.to_string()));
            Ok(None)
        }
    }
}

/// What several files, or the indexes of several, have together.
async fn safetensors_summary(app: &App, repo: &Repo, head: Oid, paths: &[&str]) -> Result<Option<safetensors::Summary>, Failure> {
    let (mut sum, mut files_left, mut bytes_left) = (safetensors::Summary::default(), MAX_FILES, MAX_ALL_BYTES);
    for path in paths {
        let shards = shards_of(app, repo, head, path, &mut bytes_left).await?;
        let Some(rest) = files_left.checked_sub(shards.len()) else { return Ok(None) };
        files_left = rest;
        for group in shards.chunks(READS_AT_ONCE) {
            for found in beginnings_of(app, repo, head, group).await {
                // A repository that lacks a shard has no number of parameters.
                let Some(found) = found? else { return Ok(None) };
                let Some((file, beginning)) = found.begin(app, repo).await? else { return Ok(None) };
                sum.add(&one_safetensors(app, &file, beginning, &mut bytes_left).await?);
            }
        }
    }
    Ok(Some(sum))
}

/// A file that is there.
struct Found {
    path: String,
    blob: Oid,
    /// It with what is read of it first; not yet for one that lies in git.
    begun: Option<(WeightFile, Bytes)>,
}

impl Found {
    /// The file with what is read of it first, when its turn has come.
    async fn begin(self, app: &App, repo: &Repo) -> HubResult<Option<(WeightFile, Bytes)>> {
        match self.begun {
            Some(begun) => Ok(Some(begun)),
            None => begin(app, open_content(app, repo, &self.path, self.blob, None).await?).await,
        }
    }
}

/// Files with what is read of them first, in their order; nothing for one that is not there. Those in the store are read at once, since
/// each takes several answers of a store that may be far away. All come before the first is looked at: what is read halfway would keep
/// its turn or its connection from whoever looks.
async fn beginnings_of(app: &App, repo: &Repo, head: Oid, paths: &[String]) -> Vec<HubResult<Option<Found>>> {
    join_all(paths.iter().map(|path| beginning_of(app, repo, head, path))).await
}

async fn beginning_of(app: &App, repo: &Repo, head: Oid, path: &str) -> HubResult<Option<Found>> {
    let Some((blob, lfs)) = find(app, repo, head, path).await? else { return Ok(None) };
    let begun = if lfs.is_some() {
        let Some(begun) = begin(app, open_content(app, repo, path, blob, lfs.as_ref()).await?).await? else { return Ok(None) };
        Some(begun)
    } else {
        None
    };
    Ok(Some(Found { path: path.to_owned(), blob, begun }))
}

async fn begin(app: &App, file: Option<WeightFile>) -> HubResult<Option<(WeightFile, Bytes)>> {
    let Some(file) = file else { return Ok(None) };
    let beginning = file.head(app, FIRST_READ_BYTES.min(file.size)).await?;
    Ok(Some((file, beginning)))
}

/// The files that an index names, in its folder; any other file is the only one.
async fn shards_of(app: &App, repo: &Repo, head: Oid, path: &str, left: &mut u64) -> Result<Vec<String>, Failure> {
    if !path.ends_with(".json") {
        return Ok(vec![path.to_owned()]);
    }
    // One that is not there leaves its place to the files that it would name: none of them is there, either.
    let Some(file) = open(app, repo, head, path).await? else { return Ok(vec![path.to_owned()]) };
    if file.size > safetensors::MAX_INDEX_BYTES as u64 {
        return Err(HeaderError::TooLarge("the index").into());
    }
    spend(left, file.size)?;
    let index = file.head(app, file.size).await?;
    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    Ok(safetensors::parse_index(&index)?.into_iter().map(|shard| format!("{folder}{shard}")).collect())
}

/// Takes what is to be read from what may still be read.
fn spend(left: &mut u64, bytes: u64) -> Result<(), HeaderError> {
    *left = left.checked_sub(bytes).ok_or(HeaderError::TooLarge("those of all files together"))?;
    Ok(())
}

async fn one_safetensors(
    app: &App,
    file: &WeightFile,
    beginning: Bytes,
    left: &mut u64,
) -> Result<safetensors::Summary, Failure> {
    let size = file.size;
    let mut prefix = beginning;
    spend(left, prefix.len() as u64)?;
    loop {
        let parsed = tokio::task::spawn_blocking(move || safetensors::parse(&prefix, size)).await.map_err(HubError::internal)?;
        let wanted = match parsed? {
            Progress::Done(summary) => return Ok(summary),
            Progress::NeedBytes(bytes) if bytes > MAX_READ_BYTES => return Err(HeaderError::TooLarge("its tensors").into()),
            Progress::NeedBytes(bytes) => bytes.min(size),
        };
        spend(left, wanted)?;
        prefix = file.head(app, wanted).await?;
    }
}

/// What a file has, or all those of its set.
async fn gguf_summary(app: &App, repo: &Repo, head: Oid, path: &str) -> Result<Option<gguf::Summary>, Failure> {
    let shards: Vec<String> = gguf_shards(path).take(MAX_FILES + 1).collect();
    if shards.len() > MAX_FILES {
        return Ok(None);
    }
    let (mut sum, mut left) = (None::<gguf::Summary>, MAX_ALL_BYTES);
    for group in shards.chunks(READS_AT_ONCE) {
        for found in beginnings_of(app, repo, head, group).await {
            let Some(found) = found? else { return Ok(None) };
            let Some((file, beginning)) = found.begin(app, repo).await? else { return Ok(None) };
            let next = one_gguf(app, &file, beginning, &mut left).await?;
            match &mut sum {
                Some(sum) => sum.add(&next),
                None => sum = Some(next),
            }
        }
    }
    Ok(sum)
}

async fn one_gguf(app: &App, file: &WeightFile, beginning: Bytes, left: &mut u64) -> Result<gguf::Summary, Failure> {
    let size = file.size;
    let mut prefix = beginning;
    spend(left, prefix.len() as u64)?;
    loop {
        let parsed = tokio::task::spawn_blocking(move || gguf::parse(&prefix, size)).await.map_err(HubError::internal)?;
        let wanted = match parsed? {
            Progress::Done(summary) => return Ok(summary),
            Progress::NeedBytes(bytes) => bytes.min(size),
        };
        spend(left, wanted)?;
        prefix = file.head(app, wanted).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_share_what_may_be_read() {
        let mut left = 10;
        assert_eq!((spend(&mut left, 4), spend(&mut left, 6)), (Ok(()), Ok(())));
        assert_eq!(spend(&mut left, 1), Err(HeaderError::TooLarge("those of all files together")));
        assert_eq!((spend(&mut left, 0), left), (Ok(()), 0));
    }
}
