//! Copies of all that is kept of a person: an archive of JSON files, made in the background, kept in the store for a week.

use std::io;

use actix_web::web::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{TryStreamExt as _, stream};
use hub_storage::{Expect, StorageKey};
use serde_json::Value;
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::queries::exports as queries;
use super::queries::parts::{self, Part, Row};
use crate::accounts::letters::Notice;
use crate::accounts::queries::{find_user, lock_user};
use crate::accounts::{User, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::moderation;
use crate::repos::archive::Format;
use crate::repos::archive::packer::{Item, Packer};

pub use super::queries::exports::Export;

/// How long an archive is kept.
const KEEP: TimeDelta = TimeDelta::days(7);
/// Until another can be asked for.
const PAUSE: TimeDelta = TimeDelta::days(1);
/// One that was not made in this time is not made any more.
const GIVE_UP: TimeDelta = TimeDelta::days(2);
/// How many rows are read at a time: comments are long.
const PAGE: i64 = 100;
/// How many pieces may wait for the store.
const WAITING: usize = 4;
/// The largest archive.
const MAX_BYTES: u64 = 20 * 1024 * 1024 * 1024;

const README: &str = "This archive has what the hub keeps of your account, one file for each kind of thing.\n\n\
    Files are lists of JSON. Times are in UTC. Secrets are not in it: of passwords, access tokens, webhooks and second factors\n\
    there is only that they are there.\n\n\
    Your repositories are not in it either, but repositories.json has the address of each, to clone it with git or to download it\n\
    with `hf download`. A repository that others made private meanwhile has no name here.\n";

impl Export {
    /// When it goes.
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.ready_at.map(|at| at + KEEP)
    }

    fn key(&self) -> StorageKey {
        StorageKey::export(&self.public_id)
    }
}

/// The copies that somebody asked for, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list(app: &App, user: &User) -> HubResult<Vec<Export>> {
    Ok(queries::list(&app.pool, user.pk).await?)
}

/// Refuses another copy to who asked for one a short time ago.
///
/// # Errors
/// 409 when one was asked for in the last day.
pub async fn check_pause(conn: &mut PgConnection, user: &User) -> HubResult<()> {
    if queries::was_asked_since(conn, user.pk, crate::clock::now() - PAUSE).await? {
        return Err(HubError::conflict(
            "You asked for a copy of your data within the last day. Take that one, or ask again tomorrow.",
        ));
    }
    Ok(())
}

/// Has a copy made.
///
/// # Errors
/// 409 when one was asked for in the last day.
pub async fn ask(app: &App, user: &User) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    check_pause(&mut tx, user).await?;
    let export_pk = queries::insert(&mut tx, user.pk).await?;
    Job::ExportData { export_pk }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// The newest copy that a user can download, if there is one.
///
/// # Errors
/// The database does not answer.
pub async fn find_newest(app: &App, user: &User) -> HubResult<Option<Export>> {
    let now = crate::clock::now();
    Ok(list(app, user).await?.into_iter().find(|export| export.ends_at().is_some_and(|at| at > now)))
}

/// Opens a copy of a user's: what it is, and its bytes.
///
/// # Errors
/// 404 when there is none of this id, or it is over.
pub async fn open(app: &App, user: &User, public_id: &str) -> HubResult<hub_storage::ObjectStream> {
    let gone = || HubError::not_found("This copy of your data is gone: it is kept for a week. Ask for another in your settings.");
    let is_id = public_id.len() == 32 && public_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = if is_id { queries::find_ready(&app.pool, user.pk, public_id).await? } else { None };
    let export = found.filter(|export| export.ends_at().is_some_and(|at| at > crate::clock::now())).ok_or_else(gone)?;
    match app.store.get_stream(&export.key(), None).await {
        // A backup does not have it.
        Err(error) if error.is_not_found() => Err(gone()),
        other => Ok(other?),
    }
}

/// Makes a copy: the body of [`Job::ExportData`].
///
/// # Errors
/// The database or the store does not answer.
pub async fn make(app: &App, export_pk: i64) -> HubResult<()> {
    let Some(export) = queries::find_waiting(&app.pool, export_pk).await? else { return Ok(()) };
    let user = find_user(&app.pool, export.user_pk).await?.filter(|user| user.deletes_at.is_none());
    let Some(user) = user else { return Ok(()) };
    let (sender, receiver) = mpsc::channel::<HubResult<Bytes>>(WAITING);
    let pieces = stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) });
    let key = export.key();
    let store = app.store.put_stream(&key, Box::pin(pieces), Expect::at_most(MAX_BYTES));
    let ((), stored) = tokio::join!(send_packed(app, &user, sender), store);
    let size = i64::try_from(stored?.size).map_err(HubError::internal)?;
    let notice = notice_of(app, &user).await?;
    let mut tx = app.begin().await?;
    if queries::mark_ready(&mut tx, export_pk, size).await? {
        Job::tell(user.pk, notice).enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// What tells that a copy is ready. Who is suspended cannot open the settings.
async fn notice_of(app: &App, user: &User) -> HubResult<Notice> {
    let page = if user.suspended { moderation::data_path(app, user).await? } else { None };
    Ok(Notice::DataReady { page })
}

/// When packing fails, the store is told so, and keeps nothing.
async fn send_packed(app: &App, user: &User, sender: mpsc::Sender<HubResult<Bytes>>) {
    if let Err(error) = pack(app, user, &sender).await {
        // Who does not listen any more needs no error.
        let _ = sender.send(Err(error)).await;
    }
}

async fn pack(app: &App, user: &User, sender: &mpsc::Sender<HubResult<Bytes>>) -> HubResult<()> {
    let mut packer = Packer::new(Format::Zip, crate::clock::now().timestamp());
    packer = write(packer, sender, Some("README.txt".to_owned()), README.as_bytes().to_vec()).await?;
    for part in Part::ALL.iter().copied() {
        packer = write(packer, sender, Some(format!("{}.json", part.name())), b"[".to_vec()).await?;
        let mut after = 0;
        let mut first = true;
        loop {
            let rows = parts::read(&app.pool, part, user.pk, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = last.key;
            let mut text = Vec::new();
            for row in rows {
                text.extend_from_slice(if first { b"\n" } else { b",\n" });
                first = false;
                serde_json::to_writer(&mut text, &data_of(app, row)).map_err(HubError::internal)?;
            }
            packer = write(packer, sender, None, text).await?;
        }
        packer = write(packer, sender, None, b"\n]\n".to_vec()).await?;
    }
    if let Some(picture) = queries::find_picture(&app.pool, user.pk).await? {
        packer = write(packer, sender, Some("picture.png".to_owned()), picture).await?;
    }
    let output = tokio::task::spawn_blocking(move || packer.finish().map(|()| packer.take_output())).await??;
    hand_over(sender, output).await
}

/// What the archive has of a row. Repositories get the address by which they are cloned.
fn data_of(app: &App, row: Row) -> Value {
    let mut data = row.data.unwrap_or_default();
    if let Some(path) = data.get("path").and_then(Value::as_str) {
        let address = format!("{}/{path}", app.config.base());
        data["address"] = Value::String(address);
    }
    data
}

/// Begins a file, or goes on with it, on a blocking thread, and hands over what comes out.
async fn write(
    mut packer: Packer,
    sender: &mpsc::Sender<HubResult<Bytes>>,
    name: Option<String>,
    text: Vec<u8>,
) -> HubResult<Packer> {
    let work = move || -> io::Result<(Packer, Vec<u8>)> {
        if let Some(name) = name {
            packer.item(&name, &Item::File { size: 0, executable: false, dense: false })?;
        }
        packer.write(&text)?;
        let output = packer.take_output();
        Ok((packer, output))
    };
    let (packer, output) = tokio::task::spawn_blocking(work).await??;
    hand_over(sender, output).await?;
    Ok(packer)
}

async fn hand_over(sender: &mpsc::Sender<HubResult<Bytes>>, output: Vec<u8>) -> HubResult<()> {
    if output.is_empty() {
        return Ok(());
    }
    sender.send(Ok(output.into())).await.map_err(|_| HubError::internal("the store takes no more of an archive"))
}

/// Removes archives that no row names any more. What is left goes by its age.
pub(super) async fn forget(app: &App, public_ids: &[String]) {
    for public_id in public_ids {
        if let Err(error) = app.store.delete(&StorageKey::export(public_id)).await {
            tracing::warn!(%error, "a copy of somebody's data stays in the store until it is old");
        }
    }
}

/// Removes what was kept long enough, and what never became ready. What no row names any more goes by its age.
pub(super) async fn sweep(app: &App) -> HubResult<()> {
    let now = crate::clock::now();
    queries::delete_old(&app.pool, now - KEEP, now - GIVE_UP).await?;
    let mut stored = app.store.list(StorageKey::EXPORTS);
    while let Some(object) = stored.try_next().await? {
        if object.modified_at < now - KEEP {
            app.store.delete(&object.key).await?;
        }
    }
    Ok(())
}
