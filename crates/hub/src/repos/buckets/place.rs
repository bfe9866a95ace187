//! Files that came whole, from a browser, find their places in a bucket as soon as they are in chunks, by which clients
//! fetch them.

use std::collections::HashMap;
use std::time::Duration;

use hub_types::{Sha256, XetHash};
use tokio::time::Instant;

use super::batch::{Action, EMPTY_FILE, FileFacts, MAX_OPERATIONS, Operation, Outcome, apply};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::objects;
use crate::repos::access::RepoWrite;
use crate::xet::convert;

/// How often is looked whether a job has put the files in chunks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A file that has come.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Where it is to be.
    pub path: String,
    /// Its SHA-256; `None` for an empty file.
    pub oid: Option<Sha256>,
}

/// Puts files into a bucket to which they were sent, all of them or none. Waits so long for those that are not in chunks yet.
///
/// # Errors
/// 422 when one was not sent or its path cannot be, 503 when they take longer to be put in chunks: ask again then.
pub async fn place(app: &App, write: &RepoWrite, sent: Vec<Sent>, patience: Duration) -> HubResult<()> {
    if sent.is_empty() {
        return Ok(());
    }
    if sent.len() > MAX_OPERATIONS {
        return Err(HubError::bad_request(format!("At most {MAX_OPERATIONS} files go at once. Send the others after them.")));
    }
    let hashes = hashes_of(app, write, &sent, patience).await?;
    let add = |file: Sent| {
        let hash = file.oid.and_then(|oid| hashes.get(&oid).copied()).unwrap_or(EMPTY_FILE);
        Operation { path: file.path, action: Action::Add(FileFacts { hash, mtime: crate::clock::now(), content_type: None }) }
    };
    done(apply(app, write, sent.into_iter().map(add).collect()).await?)
}

/// What a batch came to, as an error when nothing was done.
pub(super) fn done(outcome: Outcome) -> HubResult<()> {
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Refused(failures) => {
            let said = failures.first().map(|first| format!("`{}`: {}", first.path.replace('`', "'"), first.error));
            Err(HubError::unprocessable(format!("{} Nothing was changed.", said.unwrap_or_default())))
        }
    }
}

/// The hashes by which the chunks of these files are found.
async fn hashes_of(app: &App, write: &RepoWrite, sent: &[Sent], patience: Duration) -> HubResult<HashMap<Sha256, XetHash>> {
    let oids: Vec<Sha256> = sent.iter().filter_map(|file| file.oid).collect();
    let until = Instant::now() + patience;
    loop {
        let held = objects::list_held(&app.pool, write.repo.pk, &oids).await?;
        if let Some(missing) = sent.iter().find(|file| file.oid.is_some_and(|oid| !held.contains_key(&oid))) {
            let path = missing.path.replace('`', "'");
            return Err(HubError::unprocessable(format!(
                "`{path}` was not sent to this bucket. Send it first; nothing was changed."
            )));
        }
        let hashes: HashMap<Sha256, XetHash> = held.iter().filter_map(|(oid, held)| Some((*oid, held.file_hash?))).collect();
        let waiting: Vec<Sha256> = held.keys().filter(|oid| !hashes.contains_key(*oid)).copied().collect();
        match waiting.as_slice() {
            [] => return Ok(hashes),
            _ if Instant::now() > until => {
                let why = format!("{} of {} files wait for the job that puts them in chunks", waiting.len(), oids.len());
                let told = "The files have arrived and are still being put in chunks. Try again in a moment.";
                return Err(HubError::unavailable(told, why));
            }
            // No job does it.
            [first, ..] if !app.allows(Flag::Xet) => convert::put_in_chunks(app, *first).await?,
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
