//! Pictures and other files that people add to what they say. What they are is told by their content; what a browser could run is not
//! among them. Comments lead to them by their address, and what no comment leads to is collected (`gc`).
//!
//! A file is sent for a repository, or before it is known what for: then only who sent it sees it, until a comment of theirs names it.

mod kinds;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use bytes::BytesMut;
use futures::{StreamExt as _, stream};
use hub_storage::{Expect, StorageKey};
use kinds::{HEAD_BYTES, Kind};
use sqlx::PgConnection;

use super::{metadata, participant};
use crate::accounts::queries::lock_user;
use crate::accounts::{UserPk, Viewer};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::quotas;
use crate::repos::access::RepoRead;
use crate::repos::queries::attachments::{NewAttachment, count_lately, insert_attachment, place_attachments};

/// The largest file that is no film, in bytes.
const MAX_ATTACHMENT_BYTES: usize = 10 * 1024 * 1024;
/// The largest film.
const MAX_FILM_BYTES: u64 = 50 * 1024 * 1024;
/// How many files somebody adds in a day.
const MOST_A_DAY: i64 = 200;
/// How large they are together, in bytes.
const MOST_BYTES_A_DAY: i64 = 500 * 1024 * 1024;

/// A file that was added.
#[derive(Debug)]
pub struct Attached {
    /// Where it is.
    pub url: String,
    /// How a comment shows it.
    pub markdown: String,
}

/// Who sends a file, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    user_pk: UserPk,
    /// Nothing while it is not known yet.
    repo_pk: Option<i64>,
}

impl Sender {
    /// Somebody who takes part in what is said about a repository.
    ///
    /// # Errors
    /// As [`participant`].
    pub fn to(read: &RepoRead) -> HubResult<Self> {
        Ok(Self { user_pk: participant(read)?, repo_pk: Some(read.repo.pk) })
    }

    /// Somebody who will say where with a comment.
    ///
    /// # Errors
    /// 401 for anonymous viewers, 403 for tokens that write nothing.
    pub fn somewhere(viewer: &Viewer) -> HubResult<Self> {
        Ok(Self { user_pk: viewer.require_talker()?.pk, repo_pk: None })
    }
}

/// Adds a file that is in memory to what somebody is about to say about a repository.
///
/// # Errors
/// 400 for what is none of the kinds, or too much for a day; 401 or 403 for those who take no part; 413 for a large one, and when the
/// repository's owner has no room for it.
pub async fn attach(app: &App, read: &RepoRead, name: &str, bytes: Bytes) -> HubResult<Attached> {
    attach_bytes(app, Sender::to(read)?, name, bytes).await
}

/// Adds a file that comes in. A film goes to the store as it comes, everything else is small.
///
/// # Errors
/// As [`attach`].
pub async fn receive(app: &App, sender: Sender, name: &str, mut payload: Payload) -> HubResult<Attached> {
    let mut taken = BytesMut::new();
    let mut is_film = false;
    while let Some(part) = payload.next().await {
        taken.extend_from_slice(&part.map_err(|error| broken_off(&error))?);
        is_film = taken.get(..HEAD_BYTES).and_then(Kind::of).is_some_and(Kind::is_film);
        if is_film {
            break;
        }
        if taken.len() > MAX_ATTACHMENT_BYTES {
            return Err(too_large());
        }
    }
    let taken = taken.freeze();
    if is_film { attach_film(app, sender, name, taken, payload).await } else { attach_bytes(app, sender, name, taken).await }
}

async fn attach_bytes(app: &App, sender: Sender, name: &str, bytes: Bytes) -> HubResult<Attached> {
    if bytes.len() > MAX_ATTACHMENT_BYTES {
        return Err(too_large());
    }
    let size_of = |bytes: &Bytes| i64::try_from(bytes.len()).map_err(HubError::internal);
    check_room(app, sender, size_of(&bytes)?).await?;
    let (kind, bytes) = tokio::task::spawn_blocking(move || inspect(bytes)).await??;
    let size_bytes = size_of(&bytes)?;
    let public_id = new_id();
    app.store.put_bytes(&StorageKey::attachment(&public_id), bytes).await?;
    keep(app, sender, &public_id, name, (kind, size_bytes)).await
}

async fn attach_film(app: &App, sender: Sender, name: &str, head: Bytes, rest: Payload) -> HubResult<Attached> {
    let kind = Kind::of(&head).ok_or_else(kinds::unknown)?;
    check_room(app, sender, 1).await?;
    let public_id = new_id();
    let bytes = stream::iter([Ok(head)]).chain(rest);
    let stored = app.store.put_stream(&StorageKey::attachment(&public_id), bytes, Expect::at_most(MAX_FILM_BYTES)).await;
    let stored = stored.map_err(|error| match error {
        hub_storage::Error::TooLarge { .. } => too_large(),
        other => HubError::from(other),
    })?;
    let size_bytes = i64::try_from(stored.size).map_err(HubError::internal)?;
    keep(app, sender, &public_id, name, (kind, size_bytes)).await
}

fn new_id() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// Notes a file whose bytes are in the store. If that is refused they go at once: many may come together.
async fn keep(app: &App, sender: Sender, public_id: &str, name: &str, (kind, size_bytes): (Kind, i64)) -> HubResult<Attached> {
    let (name, stem) = kinds::name_of(name, kind);
    let new = NewAttachment {
        public_id,
        repo_pk: sender.repo_pk,
        user_pk: sender.user_pk,
        name: &name,
        content_type: kind.content_type(),
        size_bytes,
    };
    let mut tx = app.begin().await?;
    if let Err(refused) = insert(app, &mut tx, &new).await {
        drop(tx);
        if let Err(error) = app.store.delete(&StorageKey::attachment(public_id)).await {
            tracing::warn!(attachment = public_id, %error, "the bytes of a refused file are still in the store");
        }
        return Err(refused);
    }
    tx.commit().await?;
    let url = format!("/uploads/{public_id}/{name}");
    Ok(Attached { markdown: kinds::markdown(kind, &url, &name, &stem), url })
}

async fn insert(app: &App, conn: &mut PgConnection, new: &NewAttachment<'_>) -> HubResult<()> {
    lock_user(&mut *conn, new.user_pk).await?;
    check_day(&mut *conn, new.user_pk, new.size_bytes).await?;
    insert_attachment(&mut *conn, new).await?;
    match new.repo_pk {
        Some(repo_pk) => quotas::check_added(app, conn, repo_pk, new.size_bytes.unsigned_abs()).await,
        None => Ok(()),
    }
}

/// Makes files that their author sent before it was known what for those of a repository, where a text names them that they are about
/// to say there; before it is noted, so that what it leads to is. Gives how large they are, for [`check_placed`].
///
/// # Errors
/// The database does not answer.
pub(super) async fn place(conn: &mut PgConnection, repo_pk: i64, author_pk: UserPk, text: &str) -> HubResult<u64> {
    let ids = kinds::ids_in(text);
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(place_attachments(conn, repo_pk, author_pk, &ids).await?.unsigned_abs())
}

/// Refuses what was [`place`]d, at the end of its transaction, if the repository's owner has no room for it.
///
/// # Errors
/// 413 then.
pub(super) async fn check_placed(app: &App, conn: &mut PgConnection, repo_pk: i64, placed: u64) -> HubResult<()> {
    if placed == 0 { Ok(()) } else { quotas::check_added(app, conn, repo_pk, placed).await }
}

/// 413 for a file that is too large.
pub fn too_large() -> HubError {
    let (megabytes, film) = (MAX_ATTACHMENT_BYTES / 1024 / 1024, MAX_FILM_BYTES / 1024 / 1024);
    HubError::too_large(format!(
        "Files in comments have at most {megabytes} MB, films {film} MB: make it smaller, or put it into the repository."
    ))
}

fn broken_off(error: &actix_web::error::PayloadError) -> HubError {
    HubError::bad_request(format!("The file did not come whole ({error}). Send it again."))
}

/// Refuses before bytes are kept what there would be no room for.
async fn check_room(app: &App, sender: Sender, more: i64) -> HubResult<()> {
    check_day(&mut *app.pool.acquire().await?, sender.user_pk, more).await?;
    match sender.repo_pk {
        Some(repo_pk) => quotas::require_room(app, repo_pk, more.unsigned_abs()).await,
        None => Ok(()),
    }
}

async fn check_day(conn: &mut PgConnection, user_pk: UserPk, more: i64) -> HubResult<()> {
    let (count, bytes) = count_lately(conn, user_pk).await?;
    if count < MOST_A_DAY && bytes + more <= MOST_BYTES_A_DAY {
        return Ok(());
    }
    let megabytes = MOST_BYTES_A_DAY / 1024 / 1024;
    let text = format!(
        "You added as much today as one may: {MOST_A_DAY} files, or {megabytes} MB. Go on tomorrow, or put files into a repository."
    );
    Err(HubError::bad_request(text).at("comment"))
}

/// Finds out what a file is, and takes out of pictures what they say besides what they show.
fn inspect(bytes: Bytes) -> HubResult<(Kind, Bytes)> {
    let kind = Kind::of(&bytes).ok_or_else(kinds::unknown)?;
    if kind.is_picture() {
        kinds::check_sides(kind, &bytes)?;
    }
    let stripped = match kind {
        Kind::Jpeg => metadata::strip_jpeg(&bytes),
        Kind::Png => metadata::strip_png(&bytes),
        Kind::WebP => metadata::strip_webp(&bytes),
        Kind::Gif | Kind::Mp4 | Kind::QuickTime | Kind::WebM | Kind::Mp3 | Kind::Wav | Kind::Pdf | Kind::Zip | Kind::Text => {
            return Ok((kind, bytes));
        }
    };
    Ok((kind, stripped.ok_or_else(kinds::damaged)?.into()))
}
