//! The job that reads the headers of weight files: some kilobytes from the store, by range.

use hub_cards::{HeaderError, Progress, gguf, safetensors};
use hub_types::Oid;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::Repo;
use crate::repos::queries::listing::ListedRepo;
use crate::repos::queries::{self, derived};
use crate::repos::weight_files::{WeightFile, open};

/// What is read first: most headers are shorter.
const FIRST_READ_BYTES: u64 = 256 << 10;
/// The longest safetensors header that is read into memory; the format allows more than any model has.
const MAX_READ_BYTES: u64 = 32 << 20;

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
    if let Some(path) = text("/weights/safetensors")
        && let Some(summary) = noted(safetensors_summary(app, &repo, head, path).await, &mut found)?
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

async fn safetensors_summary(app: &App, repo: &Repo, head: Oid, path: &str) -> Result<Option<safetensors::Summary>, Failure> {
    let Some(file) = open(app, repo, head, path).await? else { return Ok(None) };
    if !path.ends_with(".index.json") {
        return one_safetensors(app, &file).await.map(Some);
    }
    if file.size > safetensors::MAX_INDEX_BYTES as u64 {
        return Err(HeaderError::TooLarge("the index").into());
    }
    let index = file.head(app, file.size).await?;
    let mut sum = safetensors::Summary::default();
    for shard in safetensors::parse_index(&index)? {
        // A repository that lacks a shard has no number of parameters.
        let Some(file) = open(app, repo, head, &shard).await? else { return Ok(None) };
        sum.add(&one_safetensors(app, &file).await?);
    }
    Ok(Some(sum))
}

async fn one_safetensors(app: &App, file: &WeightFile) -> Result<safetensors::Summary, Failure> {
    let size = file.size;
    let mut wanted = FIRST_READ_BYTES;
    loop {
        let prefix = file.head(app, wanted.min(size)).await?;
        let parsed = tokio::task::spawn_blocking(move || safetensors::parse(&prefix, size)).await.map_err(HubError::internal)?;
        match parsed? {
            Progress::Done(summary) => return Ok(summary),
            Progress::NeedBytes(bytes) if bytes > MAX_READ_BYTES => return Err(HeaderError::TooLarge("its tensors").into()),
            Progress::NeedBytes(bytes) => wanted = bytes,
        }
    }
}

async fn gguf_summary(app: &App, repo: &Repo, head: Oid, path: &str) -> Result<Option<gguf::Summary>, Failure> {
    let Some(file) = open(app, repo, head, path).await? else { return Ok(None) };
    let size = file.size;
    let mut wanted = FIRST_READ_BYTES;
    loop {
        let prefix = file.head(app, wanted.min(size)).await?;
        let parsed = tokio::task::spawn_blocking(move || gguf::parse(&prefix, size)).await.map_err(HubError::internal)?;
        match parsed? {
            Progress::Done(summary) => return Ok(Some(summary)),
            Progress::NeedBytes(bytes) => wanted = bytes,
        }
    }
}
