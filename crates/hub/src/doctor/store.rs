//! The store: everything that the hub asks of it, once, with objects of its own that it removes again.

use std::time::Duration;

use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use hub_storage::{Expect, PresignedGet, StorageKey, Store, StoreConfig};
use hub_types::Sha256;
use reqwest::Client;
use reqwest::header::{ETAG, RANGE};
use sha2::Digest as _;

use super::{DEADLINE, Finding};
use crate::start::with_causes;

const CHECK: &str = "store";
/// More than one part of an upload in parts.
const LARGE_BYTES: usize = 9 * 1024 * 1024;
/// The least that S3 takes as a part that is not the last.
const PART_BYTES: usize = 5 * 1024 * 1024;
const VALID: Duration = Duration::from_secs(300);

/// What went wrong, in words.
type Outcome = Result<(), String>;

/// Asks the store for everything once.
pub(super) async fn check(config: &StoreConfig) -> Vec<Finding> {
    let place = config.place();
    let mend = match config {
        StoreConfig::Local { .. } => {
            "See that the folder exists, that the hub's user may write it, and that its disk is neither full nor read-only."
        }
        StoreConfig::S3 { .. } => {
            "Check HUB_S3_ENDPOINT, HUB_S3_BUCKET, HUB_S3_REGION and the keys, that this machine reaches the service, and that \
             the key may list, get, put, delete and use multipart uploads."
        }
        StoreConfig::Azure { .. } => {
            "Check HUB_AZURE_ENDPOINT, HUB_AZURE_ACCOUNT, HUB_AZURE_CONTAINER and HUB_AZURE_ACCESS_KEY, that this machine \
             reaches the service, and that the account allows its keys to be used."
        }
        StoreConfig::Gcs { .. } => {
            "Check that the bucket of HUB_GCS_BUCKET exists, that HUB_GCS_KEY_FILE is the key of a service account that may list, \
             get, create and delete objects there, and that this machine reaches the service."
        }
    };
    let opened = async {
        let store = Store::open(config).map_err(said)?;
        store.ensure_bucket().await.map_err(said)?;
        store.probe().await.map_err(said)?;
        Ok::<_, String>(store)
    };
    let store = match within(opened).await {
        Ok(store) => store,
        Err(error) => return vec![Finding::fail(CHECK, format!("{place} cannot be used: {error}"), mend)],
    };
    let mut findings = vec![Finding::pass(CHECK, format!("{place} can be written, read in ranges and deleted from"))];
    let large = Looked::at(&store, "large objects in parts, checked by SHA-256", large_objects(&store)).await;
    let copies = Looked::at(&store, "copies, lists and deletions", copies(&store)).await;
    findings.extend([large, copies].map(|looked| looked.finding(mend)));
    if store.presigns_reads() {
        findings.extend(presigned(&store).await);
    }
    findings
}

struct Looked {
    what: &'static str,
    outcome: Outcome,
}

impl Looked {
    /// Carries a look out, and removes what it leaves.
    async fn at(store: &Store, what: &'static str, look: impl Future<Output = Outcome>) -> Self {
        let outcome = within(look).await;
        for key in [key("large"), key("copy"), key("presigned"), key("parts")] {
            // Whatever stays is swept with unfinished uploads, a day later.
            let _ = within(async { store.delete(&key).await.map_err(said) }).await;
        }
        Self { what, outcome }
    }

    fn finding(self, mend: &str) -> Finding {
        match self.outcome {
            Ok(()) => Finding::pass(CHECK, format!("{} work", self.what)),
            Err(error) => Finding::fail(CHECK, format!("{} fail: {error}", self.what), mend),
        }
    }
}

/// Two processes that look at the same time are in each other's way otherwise.
fn key(name: &str) -> StorageKey {
    StorageKey::upload(&format!("doctor-{}-{name}", std::process::id()))
}

async fn within<T>(look: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = |_| Err(format!("no answer within {} s", 3 * DEADLINE.as_secs()));
    tokio::time::timeout(3 * DEADLINE, look).await.unwrap_or_else(late)
}

fn said(error: hub_storage::Error) -> String {
    with_causes(&error)
}

/// Bytes that are not all the same, so that a range at the wrong place is seen.
fn sample(length: usize) -> Bytes {
    (0..length).map(|index| (index * 31 / 7 % 251) as u8).collect()
}

async fn large_objects(store: &Store) -> Outcome {
    let (key, bytes) = (key("large"), sample(LARGE_BYTES));
    let sha256 = Sha256::from_bytes(sha2::Sha256::digest(&bytes).into());
    let wrong = Expect::exactly(Sha256::from_bytes([0; 32]), LARGE_BYTES as u64);
    if store.put_stream(&key, pieces(&bytes), wrong).await.is_ok() || store.exists(&key).await.map_err(said)? {
        return Err("bytes with another SHA-256 than announced were kept".to_owned());
    }
    let right = Expect::exactly(sha256, LARGE_BYTES as u64);
    store.put_stream(&key, pieces(&bytes), right).await.map_err(said)?;
    let found = store.digest(&key).await.map_err(said)?;
    if (found.sha256, found.size) != (sha256, LARGE_BYTES as u64) {
        return Err("other bytes came back than were written".to_owned());
    }
    Ok(())
}

fn pieces(bytes: &Bytes) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> + Unpin + use<> {
    let bytes = bytes.clone();
    let step = 1024 * 1024;
    let starts = (0..bytes.len()).step_by(step);
    stream::iter(starts.map(move |start| Ok(bytes.slice(start..(start + step).min(bytes.len())))))
}

async fn copies(store: &Store) -> Outcome {
    let (from, to) = (key("large"), key("copy"));
    store.put_bytes(&from, sample(100)).await.map_err(said)?;
    store.copy(&from, &to).await.map_err(said)?;
    if store.get_bytes(&to).await.map_err(said)? != sample(100) {
        return Err("a copy has other bytes".to_owned());
    }
    let listed: Vec<_> = store.list("uploads").try_collect().await.map_err(said)?;
    if !listed.iter().any(|info| info.key.as_str() == to.as_str() && info.size == 100) {
        return Err("an object that was just written is not in the list".to_owned());
    }
    store.delete(&to).await.map_err(said)?;
    match store.exists(&to).await.map_err(said)? {
        true => Err("an object that was deleted is still there".to_owned()),
        false => Ok(()),
    }
}

/// What clients do themselves: the addresses must work from where they are, which is at least where the hub is.
async fn presigned(store: &Store) -> Vec<Finding> {
    let mend = "Clients move large files by such addresses. Check HUB_S3_PUBLIC_ENDPOINT or HUB_AZURE_PUBLIC_ENDPOINT, which they \
                must reach, HUB_S3_REGION, that the clocks agree, and that no proxy before the service changes requests.";
    let client = Client::builder().timeout(2 * DEADLINE).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return vec![Finding::fail(CHECK, with_causes(&error), mend)],
    };
    if !store.presigns_uploads() {
        let reads = Looked::at(store, "signed addresses to read", signed_objects(store, &client)).await;
        return vec![reads.finding(mend)];
    }
    let single = Looked::at(store, "signed addresses to read and write", signed_objects(store, &client)).await;
    let parts = Looked::at(store, "signed addresses for uploads in parts", signed_parts(store, &client)).await;
    [single, parts].map(|looked| looked.finding(mend)).into()
}

async fn signed_objects(store: &Store, client: &Client) -> Outcome {
    let (key, bytes) = (key("presigned"), sample(100_000));
    if store.presigns_uploads() {
        let put = store.presign_put(&key, VALID).map_err(said)?;
        client.put(put).body(bytes.clone()).send().await.and_then(|answer| answer.error_for_status()).map_err(asked)?;
    } else {
        store.put_bytes(&key, bytes.clone()).await.map_err(said)?;
    }
    let get = store.presign_get(&key, VALID, &PresignedGet::default()).await.map_err(said)?;
    let answer = client.get(get).header(RANGE, "bytes=1000-1999").send().await;
    let answer = answer.and_then(|answer| answer.error_for_status()).map_err(asked)?;
    let status = answer.status();
    let found = answer.bytes().await.map_err(asked)?;
    if status != 206 || found != bytes.slice(1000..2000) {
        return Err(format!("a range was answered with {status} and {} bytes", found.len()));
    }
    Ok(())
}

async fn signed_parts(store: &Store, client: &Client) -> Outcome {
    let (key, bytes) = (key("parts"), sample(PART_BYTES + 1));
    let upload = store.create_upload(&key).await.map_err(said)?;
    let done = send_parts(store, client, &key, &upload, &bytes).await;
    if done.is_err() {
        store.abort_upload(&key, &upload).await.map_err(said)?;
    }
    done
}

async fn send_parts(store: &Store, client: &Client, key: &StorageKey, upload: &str, bytes: &Bytes) -> Outcome {
    let mut etags = Vec::new();
    for (number, part) in [(1, bytes.slice(..PART_BYTES)), (2, bytes.slice(PART_BYTES..))] {
        let url = store.presign_part(key, upload, number, VALID).map_err(said)?;
        let answer = client.put(url).body(part).send().await.and_then(|answer| answer.error_for_status()).map_err(asked)?;
        let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        etags.push(etag.ok_or("an answer has no ETag")?.to_owned());
    }
    if store.list_parts(key, upload).await.map_err(said)?.len() != 2 {
        return Err("parts that were sent are not listed".to_owned());
    }
    store.complete_upload(key, upload, etags).await.map_err(said)?;
    match store.get_bytes(key).await.map_err(said)? == *bytes {
        true => Ok(()),
        false => Err("other bytes came back than were sent in parts".to_owned()),
    }
}

/// An error of a request, without its address: that one is signed.
fn asked(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}
