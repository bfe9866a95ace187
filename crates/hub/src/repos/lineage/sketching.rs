//! The job that takes samples of a model's weights: at most some hundred short reads, by range.

use std::ops::Range;
use std::time::Duration;

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use hub_types::{RepoType, Sha256};
use hub_weights::{PlannedTensor, Sketch, SketchedTensor, Tensor, plan_sketch};
use serde_json::Value;
use tokio::time::Instant;

use super::findings;
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::objects;
use crate::repos::Repo;
use crate::repos::queries::lineage::{NewSketch, delete_sketch, find_sketch, store_sketch};
use crate::repos::queries::{self, derived};
use crate::repos::weight_files::{Content, Weights, open_weights};

/// How long one model may take; what was not read by then is left out of its sketch.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many reads wait for the store at once.
const READS_AT_ONCE: usize = 8;

/// Takes samples of the weights of a model's default branch and stores them, unless these weights were sampled already;
/// then looks what the model was made from.
///
/// # Errors
/// The store or the database does not answer: the job is tried again.
pub async fn sketch(app: &App, repo_pk: i64) -> HubResult<()> {
    let Some(repo) = queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(()) };
    take_sketch(app, &repo).await?;
    findings::note(app, &repo).await
}

async fn take_sketch(app: &App, repo: &Repo) -> HubResult<()> {
    let repo_pk = repo.pk;
    let facts = derived::find_facts(&app.pool, repo_pk).await?.unwrap_or_default();
    let key = facts.pointer("/weights/key").and_then(Value::as_str);
    let (Some(key), Some(head), RepoType::Model) = (key, repo.head_oid, repo.repo_type) else {
        return Ok(delete_sketch(&app.pool, repo_pk).await?);
    };
    if find_sketch(&app.pool, repo_pk).await?.is_some_and(|row| row.weights_key == key) {
        return Ok(());
    }
    let weights = match open_weights(app, repo, head, None).await {
        Err(error) if error.kind() == ErrorKind::Unprocessable => None,
        other => other?,
    };
    let sketch = match &weights {
        Some(weights) => take_samples(app, weights).await?,
        None => Sketch::default(),
    };
    let (Some(weights), false) = (&weights, sketch.tensors.is_empty()) else {
        return Ok(delete_sketch(&app.pool, repo_pk).await?);
    };
    let weights_since = since(app, repo, weights).await?;
    let (keys, digest, bytes) = tokio::task::spawn_blocking(move || stored(&sketch)).await?;
    let new = NewSketch { repo_pk, weights_key: key, tensor_keys: &keys, digest: &digest, sketch: &bytes, weights_since };
    Ok(store_sketch(&app.pool, &new).await?)
}

/// The columns of a sketch: keys, digest, bytes.
pub(super) fn stored(sketch: &Sketch) -> (Vec<i64>, String, Vec<u8>) {
    let digest = sketch.digest().iter().map(|bit| if *bit { '1' } else { '0' }).collect();
    (sketch.keys(), digest, sketch.to_bytes())
}

async fn take_samples(app: &App, weights: &Weights) -> HubResult<Sketch> {
    let until = Instant::now() + PATIENCE;
    let tensors: Vec<Tensor> = weights.tensors.iter().map(|(_, tensor)| tensor.clone()).collect();
    let plan = tokio::task::spawn_blocking(move || plan_sketch(&tensors.iter().collect::<Vec<_>>())).await?;
    let reads: Vec<_> = plan.iter().map(|planned| sample(app, weights, planned, until)).collect();
    let mut reads = stream::iter(reads).buffered(READS_AT_ONCE);
    let mut sketch = Sketch::default();
    while let Some(tensor) = reads.next().await {
        sketch.tensors.extend(tensor?);
    }
    Ok(sketch)
}

async fn sample(app: &App, weights: &Weights, planned: &PlannedTensor, until: Instant) -> HubResult<Option<SketchedTensor>> {
    let Some((number, tensor)) = weights.tensors.get(planned.index) else { return Ok(None) };
    let Some(file) = weights.files.get(*number) else { return Ok(None) };
    let read = async {
        let mut bytes = BytesMut::new();
        for Range { start, end } in planned.ranges(tensor) {
            bytes.extend_from_slice(&file.read(app, start..end).await?);
        }
        HubResult::Ok(planned.sampled(&bytes))
    };
    match tokio::time::timeout_at(until, read).await {
        Ok(sampled) => sampled,
        Err(_) => Ok(None),
    }
}

/// Since when the repository has the oldest of its weight files; for files in git, since its branch moved.
async fn since(app: &App, repo: &Repo, weights: &Weights) -> HubResult<DateTime<Utc>> {
    let oids = weights.files.iter().filter_map(|file| match file.content {
        Content::Large(oid) => Some(oid),
        Content::Blob(_) => None,
    });
    let oids: Vec<Sha256> = oids.collect();
    let since = objects::list_held_since(&app.pool, repo.pk, &oids).await.map_err(HubError::from)?;
    Ok(since.into_values().min().unwrap_or(repo.last_modified_at))
}
