//! Bytes that clients sent to S3 by presigned URL, and parts that they sent through the hub. They lie under `uploads/<repo>/` where
//! nobody reads them, until the hub has read them back and found the SHA-256 they were announced with.

use chrono::Utc;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub_storage::{Error as StoreError, StorageKey, UploadedPart};
use hub_types::Sha256;

use super::receive::Upload;
use super::{list_held, receive};
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};

/// Where an upload by one `PUT` lands. Two uploads of the same object meet there: they are the same bytes, or one
/// of them is a lie and is found out.
pub fn put_key(repo_pk: i64, oid: &Sha256) -> StorageKey {
    StorageKey::upload(&format!("{repo_pk}/{oid}"))
}

/// Verifies an upload by one `PUT` and lets the repository have it. Gives its size, or `None` when nothing has been
/// uploaded.
///
/// # Errors
/// 422 when the bytes are not those of the SHA-256 (or, if given, the size); they are deleted then.
pub async fn adopt(app: &App, repo_pk: i64, oid: Sha256, size: Option<u64>) -> HubResult<Option<u64>> {
    let work = Adoption { app: app.clone(), repo_pk, oid, size, staged: put_key(repo_pk, &oid), sealed: false };
    run(work).await
}

/// An upload in parts, as its signed URL describes it.
#[derive(Debug, Clone)]
pub struct PartUpload {
    /// The repository it is for.
    pub repo_pk: i64,
    /// The announced SHA-256.
    pub oid: Sha256,
    /// The announced size in bytes.
    pub size: u64,
    /// The size of all parts but the last, in bytes.
    pub part_bytes: u64,
    /// Which upload: a name of ours, then on S3 `~` and its name there.
    pub handle: String,
}

impl PartUpload {
    /// How long part `number` (from 1) must be.
    pub fn part_size(&self, number: u16) -> u64 {
        let start = self.part_bytes.saturating_mul(u64::from(number.saturating_sub(1)));
        self.size.saturating_sub(start).min(self.part_bytes)
    }

    /// How many parts there must be.
    pub fn part_count(&self) -> u16 {
        u16::try_from(self.size.div_ceil(self.part_bytes.max(1))).unwrap_or(u16::MAX)
    }

    /// Where S3 puts the whole together. No two uploads share a key, and clients get URLs for parts only: once
    /// complete, the object there cannot change any more.
    pub fn whole_key(&self) -> StorageKey {
        let (name, _) = self.handle.split_once('~').unwrap_or((&self.handle, ""));
        StorageKey::upload(&format!("{}/{}.{name}", self.repo_pk, self.oid))
    }

    /// Where a part lands on a store that knows no uploads in parts.
    pub fn part_key(&self, number: u16) -> StorageKey {
        StorageKey::upload(&format!("{}/{}.parts-{}/{number:05}", self.repo_pk, self.oid, self.part_bytes))
    }

    /// S3's name for the upload.
    pub fn upload_id(&self) -> &str {
        self.handle.split_once('~').map_or("", |(_, id)| id)
    }
}

/// Puts an upload in parts together on S3, if all parts are there, and verifies it. Safe to repeat.
///
/// # Errors
/// 422 when parts are missing or the whole is not what was announced.
pub async fn complete_parts(app: &App, upload: &PartUpload, client_etags: &[(u16, String)]) -> HubResult<()> {
    let key = upload.whole_key();
    match app.store.list_parts(&key, upload.upload_id()).await {
        Ok(parts) => {
            let etags = choose_parts(upload, &parts, client_etags)?;
            app.store.complete_upload(&key, upload.upload_id(), etags).await?;
        }
        // Completed before, by a request whose answer got lost.
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    super::delete_upload(&app.pool, &upload.handle).await?;
    let (repo_pk, oid) = (upload.repo_pk, upload.oid);
    let work = Adoption { app: app.clone(), repo_pk, oid, size: Some(upload.size), staged: key, sealed: true };
    match run(work).await? {
        Some(_) => Ok(()),
        None => Err(HubError::unprocessable("This upload is over. Ask for a new one and send the file again.")),
    }
}

/// Joins the parts of an upload on a store that knows none, if all are there: reads them one after the other into the object, which is
/// hashed on the way like any upload. Safe to repeat.
///
/// # Errors
/// 422 when parts are missing or the whole is not what was announced.
pub async fn join_parts(app: &App, upload: &PartUpload) -> HubResult<()> {
    let work = Box::pin(join(app.clone(), upload.clone()));
    in_turn(app, upload.repo_pk, upload.oid, work).await.map(|_| ())
}

async fn join(app: App, upload: PartUpload) -> HubResult<Option<u64>> {
    let count = upload.part_count();
    for number in 1..=count {
        let expected = upload.part_size(number);
        match app.store.head(&upload.part_key(number)).await {
            Ok(part) if part.size == expected => {}
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => return Err(part_missing(number, count, expected)),
        }
    }
    let keys: Vec<StorageKey> = (1..=count).map(|number| upload.part_key(number)).collect();
    let store = app.store.clone();
    let parts = stream::iter(keys.clone()).then(move |key| {
        let store = store.clone();
        async move { store.get_stream(&key, None).await.map(|part| part.stream) }
    });
    let outcome = receive::receive(&app, upload.repo_pk, upload.oid, upload.size, parts.try_flatten().boxed()).await;
    // Wrong bytes stay wrong; after a failure of ours the parts are still good.
    if outcome.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::Unprocessable) {
        for key in &keys {
            app.store.delete(key).await?;
        }
    }
    outcome.map(|()| Some(upload.size))
}

/// The numbers of the parts that have arrived whole.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn arrived_parts(app: &App, upload: &PartUpload) -> HubResult<Vec<u16>> {
    if app.store.presigns_uploads() {
        return match app.store.list_parts(&upload.whole_key(), upload.upload_id()).await {
            Ok(parts) => {
                let whole = parts.iter().filter(|part| part.size == upload.part_size(part.number));
                Ok(whole.map(|part| part.number).collect())
            }
            // Over, or begun anew: everything is asked for again.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        };
    }
    let mut arrived = Vec::new();
    for number in 1..=upload.part_count() {
        match app.store.head(&upload.part_key(number)).await {
            Ok(part) if part.size == upload.part_size(number) => arrived.push(number),
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(arrived)
}

fn choose_parts(upload: &PartUpload, parts: &[UploadedPart], client_etags: &[(u16, String)]) -> HubResult<Vec<String>> {
    let count = upload.part_count();
    let mut etags = Vec::new();
    for number in 1..=count {
        let expected = upload.part_size(number);
        let sent = || parts.iter().filter(|part| part.number == number && part.size == expected);
        let named = client_etags.iter().find(|(n, _)| *n == number).map(|(_, etag)| etag.trim_matches('"'));
        // A part that was sent twice may be listed twice; the client knows which one it means.
        let chosen = sent().find(|part| Some(part.etag.trim_matches('"')) == named).or_else(|| sent().next_back());
        let Some(part) = chosen else { return Err(part_missing(number, count, expected)) };
        etags.push(part.etag.clone());
    }
    Ok(etags)
}

/// Says which part is missing.
fn part_missing(number: u16, count: u16, expected: u64) -> HubError {
    HubError::unprocessable(format!(
        "Part {number} of {count} has not arrived with its {expected} bytes. Send it, then complete the upload again."
    ))
}

/// One staged upload on its way to being an object.
struct Adoption {
    app: App,
    repo_pk: i64,
    oid: Sha256,
    size: Option<u64>,
    staged: StorageKey,
    /// Whether nobody but the hub can write to `staged`.
    sealed: bool,
}

async fn run(work: Adoption) -> HubResult<Option<u64>> {
    let (app, repo_pk, oid) = (work.app.clone(), work.repo_pk, work.oid);
    in_turn(&app, repo_pk, oid, Box::pin(async move { work.adopt().await })).await
}

/// The work goes on when the client hangs up, and a second request for the same object waits for the first: a
/// client that loses patience with a very large file finds it verified when it comes again.
async fn in_turn<W>(app: &App, repo_pk: i64, oid: Sha256, work: W) -> HubResult<Option<u64>>
where
    W: Future<Output = HubResult<Option<u64>>> + Send + 'static,
{
    let app = app.clone();
    let task = async move {
        let _turn = app.adoptions.enter((repo_pk, oid)).await;
        let held = list_held(&app.pool, repo_pk, &[oid]).await?;
        match held.get(&oid) {
            Some(held) => Ok(Some(held.size)),
            None => work.await,
        }
    };
    tokio::spawn(task).await?
}

impl Adoption {
    async fn adopt(&self) -> HubResult<Option<u64>> {
        let store = &self.app.store;
        let found = match store.head(&self.staged).await {
            Ok(info) => info.size,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let outcome = match self.size.filter(|size| *size != found) {
            Some(expected) => Err(receive::refusal(StoreError::SizeMismatch { expected, found })),
            None if self.sealed => self.publish(&self.staged).await,
            None => self.publish_copy().await,
        };
        // After a failure of ours the client need not send everything again.
        if !matches!(&outcome, Err(error) if error.kind() != ErrorKind::Unprocessable) {
            self.discard(&self.staged).await;
        }
        outcome.map(Some)
    }

    /// Whoever holds the presigned URL can write to the staged key again at any time, also between hashing and
    /// copying. What is hashed is therefore a copy under a name that nobody was given.
    async fn publish_copy(&self) -> HubResult<u64> {
        let name = format!("{}/{}.sealed-{:016x}", self.repo_pk, self.oid, rand::random::<u64>());
        let sealed = StorageKey::upload(&name);
        self.app.store.copy(&self.staged, &sealed).await?;
        let outcome = self.publish(&sealed).await;
        self.discard(&sealed).await;
        outcome
    }

    async fn publish(&self, key: &StorageKey) -> HubResult<u64> {
        let found = self.app.store.digest(key).await?;
        if found.sha256 != self.oid {
            let mismatch = StoreError::HashMismatch { expected: self.oid, found: found.sha256 };
            return Err(receive::refusal(mismatch));
        }
        let nonce = StorageKey::fresh_nonce();
        self.app.store.copy(key, &StorageKey::lfs(&self.oid, Some(nonce))).await?;
        let upload = Upload { nonce, size: found.size, stored_at: Utc::now() };
        receive::register(&self.app, self.repo_pk, self.oid, upload).await?;
        Ok(found.size)
    }

    async fn discard(&self, key: &StorageKey) {
        if let Err(error) = self.app.store.delete(key).await {
            // The sweep gets it later.
            tracing::warn!(%key, %error, "a staged upload could not be deleted");
        }
    }
}
