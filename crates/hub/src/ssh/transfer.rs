//! What is asked for by SSH, done: a greeting, clones and fetches, pushes, leave to speak Git LFS. Who may, and what comes of it, is
//! said by the same functions as for HTTP.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hub_git::{PackEnd, ProcessError, ProtocolVersion, receive_pack};
use russh::server::Msg;
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf};
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tracing::Instrument as _;

use super::commands::{Command, Place};
use super::lfs_token::{self, Operation};
use super::queries::{self, OwnedKey};
use super::server::Door;
use crate::accounts::sign_in::must_confirm;
use crate::accounts::{Auth, User, Viewer, audit, rate_limits};
use crate::app::App;
use crate::downloads::client::Client;
use crate::error::{Family, HubError, HubResult};
use crate::fetches::Fetcher;
use crate::flags::Flag;
use crate::git_http::push::{AskedAt, advertise_refs, take_in};
use crate::git_http::{PushRight, Snapshot};
use crate::repos::RepoRead;
use crate::repos::access::find_addressed;

/// The stream of what people read, beside that of the program.
const STDERR: Option<u32> = Some(1);
/// How long a client may take before it says what it pushes: `git lfs` uploads large files meanwhile.
const BEFORE_PUSH: Duration = Duration::from_secs(6 * 3600);
/// A client that takes nothing for this long has gone, even if its connection has not.
const STALL: Duration = Duration::from_secs(120);

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller {
    pub door: Arc<Door>,
    pub key: OwnedKey,
    pub address: IpAddr,
}

/// Does what is asked for on a channel, and closes it.
pub(super) async fn answer(caller: Caller, channel: Channel<Msg>, protocol: Option<String>, text: String) {
    // The client may have put anything into the text.
    let span = tracing::info_span!("ssh", user.pk = caller.key.user_pk, client.address = %caller.address, command = ?text);
    let (mut reading, writing) = channel.split();
    let command = Command::parse(&text);
    let name = command.as_ref().map_or("none", Command::name);
    let work = async {
        if caller.door.stop.is_cancelled() {
            return Err(HubError::forbidden("The hub is stopping. Try again in a moment."));
        }
        caller.door.app.require(Flag::Ssh)?;
        Call { caller: &caller, reading: &mut reading, writing: &writing, protocol }.carry_out(command).await
    };
    let work = audit::by_ssh(caller.key.user_pk, &caller.key.title, caller.address, work).instrument(span.clone());
    let ended = work.await;
    // What else comes is of no use to anybody.
    drop(reading);
    let (status, outcome) = match ended {
        Ok(Ended::Well) => (0, "done"),
        Ok(Ended::Early) => (1, "early"),
        Err(error) => {
            let failed = error.is_failure();
            if failed {
                let _entered = span.enter();
                tracing::error!(cause = ?std::error::Error::source(&error), "a command by SSH failed: {error}");
            }
            let said = format!("hub: {}\n", error.message());
            let _ = send(&mut writing.make_writer_ext(STDERR), said.as_bytes()).await;
            (1, if failed { "failed" } else { "refused" })
        }
    };
    caller.door.app.metrics.ssh_command(name, outcome);
    let goodbye = async {
        writing.exit_status(status).await?;
        writing.eof().await?;
        writing.close().await
    };
    // A client that went away hears none of it.
    let _ = tokio::time::timeout(STALL, goodbye).await;
}

/// How a command ended that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    /// The client went away, or git has told it why.
    Early,
}

/// A command and its channel.
struct Call<'a> {
    caller: &'a Caller,
    reading: &'a mut ChannelReadHalf,
    writing: &'a ChannelWriteHalf<Msg>,
    protocol: Option<String>,
}

impl Call<'_> {
    async fn carry_out(self, command: Result<Command, &'static str>) -> HubResult<Ended> {
        let user = self.caller.user().await?;
        match command.map_err(HubError::bad_request)? {
            Command::Greet => self.greet(&user).await,
            Command::UploadPack(place) => self.fetch(user, &place).await,
            Command::ReceivePack(place) => self.push(user, &place).await,
            Command::LfsAuthenticate(place, operation) => self.authenticate(user, &place, operation).await,
        }
    }

    async fn say(&self, text: &str) -> HubResult<Ended> {
        let sent = send(&mut self.writing.make_writer(), text.as_bytes()).await;
        Ok(if sent.is_ok() { Ended::Well } else { Ended::Early })
    }

    async fn greet(self, user: &User) -> HubResult<Ended> {
        let base = self.caller.door.app.config.base();
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
        self.say(&format!("Hi {}, welcome to {host}.\n", user.name)).await
    }

    async fn fetch(self, user: User, place: &Place) -> HubResult<Ended> {
        let (app, user_pk) = (&self.caller.door.app, user.pk);
        let content = find(app, user, place).await?.into_content(app).await?;
        let _turn = self.caller.door.fetch_turn(user_pk).await?;
        let snapshot = Snapshot::read(app, &content.repo).await?;
        let view = snapshot.view(app).await?;
        let version = ProtocolVersion::from_header(self.protocol.as_deref());
        let mut writer = self.writing.make_writer();
        match app.transfers.converse_fetch(&view, &version, self.reading.make_reader(), &mut writer).await {
            Ok(wanted) => {
                if wanted {
                    let (repo_pk, commit) = (content.repo.pk, snapshot.repo.head_oid);
                    app.downloads.note(repo_pk, commit, Client::Account(user_pk));
                    app.fetches.note_pack(Fetcher { repo_pk, commit, user_pk: Some(user_pk) });
                }
                Ok(Ended::Well)
            }
            Err(ProcessError::Broken(error)) => {
                tracing::debug!(%error, "a fetch by SSH ended early");
                Ok(Ended::Early)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn push(self, user: User, place: &Place) -> HubResult<Ended> {
        let app = &self.caller.door.app;
        app.require_changes()?;
        let right = PushRight::of(app, find(app, user, place).await?).await?;
        let mut writer = self.writing.make_writer();
        if send(&mut writer, &advertise_refs(app, &right.read().repo).await?).await.is_err() {
            return Ok(Ended::Early);
        }
        let mut reader = self.reading.make_reader();
        let Ok(request) = tokio::time::timeout(BEFORE_PUSH, receive_pack::read_request(&mut reader)).await else {
            return Ok(Ended::Early);
        };
        let request = request.map_err(|error| HubError::bad_request(error.to_string()))?;
        if request.commands.is_empty() {
            return Ok(Ended::Well);
        }
        // Git uploads large files by HTTP meanwhile, which takes hours: is it still so?
        app.require_changes()?;
        let user = self.caller.holder().await?;
        let _turn = self.caller.door.push_turn(user.pk).await?;
        let right = PushRight::of(app, find(app, user, place).await?).await?;
        let repo = &right.read().repo;
        let url = format!("{}{}", app.config.base(), repo.path());
        let asked = AskedAt { url, moved: !place.is(&repo.id.to_string()), end: PackEnd::WithPack };
        let mut answers = take_in(app, right, request, &mut reader, asked).await?;
        while let Some(part) = answers.recv().await {
            // The push comes to its end all the same.
            if send(&mut writer, &part).await.is_err() {
                return Ok(Ended::Early);
            }
        }
        Ok(Ended::Well)
    }

    /// Large files go by HTTP, with a token instead of the key.
    async fn authenticate(self, user: User, place: &Place, operation: Operation) -> HubResult<Ended> {
        let app = &self.caller.door.app;
        let read = find(app, user, place).await?;
        let path = format!("{}.git", read.repo.path());
        match operation {
            Operation::Download => drop(read.into_content(app).await?),
            Operation::Upload => {
                app.require_changes()?;
                drop(PushRight::of(app, read).await?);
            }
        }
        let token = lfs_token::make(app, operation, self.caller.key.user_pk, self.caller.key.key_pk, &path);
        let leave = json!({
            "href": format!("{}{path}/info/lfs", app.config.base()),
            "header": { "Authorization": format!("Bearer {token}") },
            "expires_in": lfs_token::VALID_SECS,
        });
        self.say(&leave.to_string()).await
    }
}

impl Caller {
    /// The account, if it still has the key and nothing keeps it out.
    async fn holder(&self) -> HubResult<User> {
        let OwnedKey { key_pk, user_pk, .. } = self.key;
        let pool = &self.door.app.pool;
        let (held, user) =
            tokio::try_join!(queries::has_key(pool, user_pk, key_pk), crate::accounts::queries::find_user(pool, user_pk))?;
        let removed =
            || HubError::forbidden("This SSH key was removed from its account. Add it again on the hub, or use another.");
        let user = user.filter(|_| held).ok_or_else(removed)?;
        if user.suspended {
            return Err(HubError::suspended(None));
        }
        if must_confirm(&self.door.app, &user) {
            return Err(HubError::unconfirmed_email());
        }
        Ok(user)
    }

    /// The same, with its request counted.
    async fn user(&self) -> HubResult<User> {
        let app = &self.door.app;
        let user = self.holder().await?;
        if let Some(secs) = rate_limits::excess_of(app, user.pk) {
            return Err(HubError::too_many_requests("Your account has made too many requests.", secs));
        }
        if let Err(error) = queries::note_use(&app.pool, self.key.key_pk, &self.address.to_string()).await {
            tracing::warn!(%error, "the use of an SSH key could not be written down");
        }
        Ok(user)
    }
}

async fn find(app: &App, user: User, place: &Place) -> HubResult<RepoRead> {
    let viewer = Viewer { user: Some(user), auth: Auth::Password };
    find_addressed(app, &viewer, Family::Git, place.repo_type, &place.namespace, &place.name).await
}

/// Sends bytes to a client that takes them.
async fn send(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    let sent = tokio::time::timeout(STALL, writer.write_all(bytes)).await;
    sent.unwrap_or_else(|_elapsed| Err(std::io::ErrorKind::TimedOut.into()))
}
