//! A push: commands and pack in, checks, the object store, the commit point, a report out.
//!
//! The answer starts when the whole pack has arrived. From then on the push is a task of its own: it comes to its
//! end even if the client goes away, and while it works the client gets a sign of life.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use bytes::Bytes;
use hub_git::pkt_line::{Band, write_band};
use hub_git::receive_pack::{self, PushRequest};
use hub_git::{GitReader, IndexPack, PackEnd, PushError, PushLimits, Quarantine, ReceivedPack};
use hub_types::{Oid, RefName};
use tokio::io::AsyncRead;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::Instrument as _;

use super::body;
use super::object_checks::{Checks, Refusal};
use super::push_outcome::PushOutcome;
use super::push_right::PushRight;
use super::ref_rules::{self, Verdict};
use super::snapshot::Snapshot;
use crate::accounts::audit;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::git_cache::NewPack;
use crate::repos::metadata::{self, Before, HeadMetadata};
use crate::repos::refs::{RefChange, RefError, RefUpdate, StoredPack, apply_replacing};
use crate::repos::{Repo, RepoRead, queries, reading};
use crate::web::base_url::BaseUrl;
use crate::web::extract::raw_param;

/// Proxies and people lose patience with a silent connection.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

pub(super) async fn advertise(app: &App, repo: &Repo) -> HubResult<HttpResponse> {
    let mut refs = queries::list_refs(&app.pool, repo.pk).await?;
    refs.sort_by(|one, other| one.name.cmp(&other.name));
    let advertisement = receive_pack::advertise(refs.iter().map(|row| (row.name.as_str(), row.oid)));
    Ok(body::answer("application/x-git-receive-pack-advertisement").body(advertisement))
}

/// The first word to whoever pushes over a connection that stays open: which refs there are.
pub(crate) async fn advertise_refs(app: &App, repo: &Repo) -> HubResult<Vec<u8>> {
    let mut refs = queries::list_refs(&app.pool, repo.pk).await?;
    refs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(receive_pack::advertise_refs(refs.iter().map(|row| (row.name.as_str(), row.oid))))
}

pub(super) async fn post_receive_pack(
    app: web::Data<App>,
    read: RepoRead,
    base: BaseUrl,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    let right = PushRight::of(&app, read).await?;
    body::require_type(&request, "application/x-git-receive-pack-request")?;
    let mut reader = body::reader(&request, payload);
    let push_request = receive_pack::read_request(&mut reader).await.map_err(|error| HubError::bad_request(error.to_string()))?;
    let mut response = body::answer("application/x-git-receive-pack-result");
    if push_request.commands.is_empty() {
        return Ok(response.finish());
    }
    let asked = AskedAt {
        url: base.join(&right.read().repo.path()),
        moved: !names(&request, &right.read().repo),
        end: PackEnd::WithStream,
    };
    let receiver = take_in(&app, right, push_request, &mut reader, asked).await?;
    let stream = futures::stream::unfold(receiver, |mut receiver: mpsc::Receiver<Bytes>| async move {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(chunk), receiver))
    });
    Ok(response.streaming(stream))
}

/// Where and how a push was asked for.
#[derive(Debug)]
pub(crate) struct AskedAt {
    /// The address of the repository's page.
    pub url: String,
    /// Whether the repository was asked for by a former name.
    pub moved: bool,
    /// Where the pack ends.
    pub end: PackEnd,
}

/// Takes in the pack of a push and starts a task that brings it to its end, whatever becomes of the client. What it says comes
/// from the channel.
///
/// # Errors
/// Too much is running, or the pack did not arrive.
pub(crate) async fn take_in<R: AsyncRead + Unpin>(
    app: &App,
    right: PushRight,
    request: PushRequest,
    reader: &mut R,
    asked: AskedAt,
) -> HubResult<mpsc::Receiver<Bytes>> {
    let turn = app.transfers.push_turn().await?;
    let snapshot = Snapshot::read(app, &right.read().repo).await?;
    let incoming = match request.has_pack() {
        true => Some(receive(app, &snapshot, reader, asked.end).await?),
        false => None,
    };
    let AskedAt { url, moved, .. } = asked;
    let push = Push { url, moved, app: app.clone(), right, request, snapshot, _turn: turn };
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(audit::carry(push.answer(incoming, sender).in_current_span()));
    Ok(receiver)
}

/// Whether the request's path has the present name of the repository.
fn names(request: &HttpRequest, repo: &Repo) -> bool {
    let name = raw_param(request, "name");
    let asked = format!("{}/{}", raw_param(request, "namespace"), name.strip_suffix(".git").unwrap_or(name));
    asked.eq_ignore_ascii_case(&repo.id.to_string())
}

/// A pack that has arrived whole but is not yet proved good.
type Incoming = Result<(Quarantine, IndexPack), PushError>;

/// Takes in the pack. Fails only when there is nobody left to tell.
async fn receive<R: AsyncRead + Unpin>(app: &App, snapshot: &Snapshot, reader: &mut R, end: PackEnd) -> HubResult<Incoming> {
    let quarantine = Quarantine::new(snapshot.view(app).await?);
    let mut index = match IndexPack::start(&quarantine, limits(app)) {
        Ok(index) => index,
        Err(error) => return Ok(Err(error)),
    };
    match index.feed(reader, end).await {
        Ok(()) => Ok(Ok((quarantine, index))),
        Err(error @ PushError::Body(_)) => Err(HubError::bad_request(error.to_string())),
        Err(error) => Ok(Err(error)),
    }
}

fn limits(app: &App) -> PushLimits {
    PushLimits { max_file_bytes: app.config.inline_limit_bytes, ..PushLimits::default() }
}

/// Everything a push needs to come to its end.
struct Push {
    app: App,
    right: PushRight,
    request: PushRequest,
    snapshot: Snapshot,
    /// The address of its page.
    url: String,
    /// Whether it was asked for by a former name.
    moved: bool,
    _turn: OwnedSemaphorePermit,
}

impl Push {
    async fn answer(self, incoming: Option<Incoming>, sender: mpsc::Sender<Bytes>) {
        let work = self.carry_out(incoming);
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(SIGN_OF_LIFE);
        ticks.tick().await;
        let outcome = loop {
            tokio::select! {
                outcome = &mut work => break outcome,
                _ = ticks.tick() => {
                    if self.request.capabilities.side_band_64k {
                        let mut sign = Vec::new();
                        write_band(&mut sign, Band::Progress, b"");
                        // A client that went away does not undo its push.
                        let _ = sender.try_send(sign.into());
                    }
                }
            }
        };
        let count = self.request.commands.len();
        let outcome = outcome.unwrap_or_else(|error| {
            if error.status_code().is_server_error() {
                tracing::error!(repo.id = %self.right.read().repo.id, cause = ?std::error::Error::source(&error), "push failed: {error}");
            }
            PushOutcome::failed(count, &error)
        });
        let _ = sender.send(outcome.encode(self.request.commands.clone(), self.request.capabilities).into()).await;
    }

    async fn carry_out(&self, incoming: Option<Incoming>) -> HubResult<PushOutcome> {
        let count = self.request.commands.len();
        let proved = match incoming {
            None => None,
            Some(incoming) => match self.prove(incoming).await {
                Ok(proved) => Some(proved),
                Err(error) if error.is_server_fault() => return Err(HubError::internal(error)),
                Err(error) => return Ok(PushOutcome::unpack_failed(count, error.to_string())),
            },
        };
        let mut verdicts = ref_rules::judge(&self.request.commands, &self.snapshot, &self.right);
        self.bind_together(&mut verdicts);
        let mut packs = Vec::new();
        if let Some((quarantine, pack)) = &proved {
            let updates: Vec<&RefUpdate> = verdicts.iter().filter_map(|verdict| verdict.as_ref().ok()?.as_ref()).collect();
            let checks =
                Checks { app: &self.app, repo: &self.right.read().repo, snapshot: &self.snapshot, limits: limits(&self.app) };
            match checks.look(quarantine, &updates).await {
                Ok(()) => {}
                Err(Refusal::Policy { reason, messages }) => return Ok(PushOutcome::refused(count, &reason, messages)),
                Err(Refusal::Objects(error)) => return Ok(PushOutcome::unpack_failed(count, error.to_string())),
                Err(Refusal::Hub(error)) => return Err(error),
            }
            if let Some(pack) = pack {
                let hash = pack.hash.parse().map_err(HubError::internal)?;
                let files = NewPack::Files { pack: &pack.pack, idx: &pack.idx };
                packs.push(self.app.git.store_pack(hash, files, u64::from(pack.objects)).await?);
            }
        }
        let quarantine = proved.as_ref().map(|(quarantine, _)| quarantine);
        self.move_refs(&mut verdicts, packs, quarantine).await?;
        let refs: Vec<Result<(), String>> = verdicts.into_iter().map(|verdict| verdict.map(|_update| ())).collect();
        let messages = if refs.iter().any(Result::is_ok) { self.greeting() } else { Vec::new() };
        Ok(PushOutcome { unpack: Ok(()), refs, messages })
    }

    async fn prove(&self, incoming: Incoming) -> Result<(Quarantine, Option<ReceivedPack>), PushError> {
        let (quarantine, index) = incoming?;
        let pack = index.finish(&quarantine).await?;
        Ok((quarantine, pack))
    }

    /// With `--atomic`, one refusal is everybody's.
    fn bind_together(&self, verdicts: &mut [Verdict]) {
        if self.request.capabilities.atomic && verdicts.iter().any(Result::is_err) {
            for verdict in verdicts.iter_mut().filter(|verdict| verdict.is_ok()) {
                *verdict = Err("atomic push: another ref was refused".to_owned());
            }
        }
    }

    /// Moves the refs. Without `--atomic`, one that somebody else moved meanwhile stays behind alone.
    async fn move_refs(
        &self,
        verdicts: &mut [Verdict],
        packs: Vec<StoredPack>,
        quarantine: Option<&Quarantine>,
    ) -> HubResult<()> {
        let mut metadata = self.derive(verdicts, quarantine).await?;
        let replaced = self.replaced(verdicts, quarantine).await?;
        loop {
            let accepted = verdicts.iter().filter_map(|verdict| verdict.as_ref().ok()?.clone());
            let updates: Vec<RefUpdate> = accepted.collect();
            if updates.is_empty() {
                return Ok(());
            }
            let moves_head = updates.iter().any(|update| update.name == self.snapshot.head);
            metadata = metadata.filter(|_| moves_head);
            let change = RefChange {
                repo: &self.snapshot.repo,
                actor_pk: self.right.read().viewer.user.as_ref().map(|user| user.pk),
                kind: "push",
                updates,
                packs: packs.clone(),
                metadata: metadata.clone(),
            };
            match apply_replacing(&self.app, change, &replaced).await {
                Ok(()) => return Ok(()),
                Err(error @ (RefError::Hub(_) | RefError::Outdated)) => return Err(error.into()),
                Err(RefError::Conflict { name, .. }) => self.reject(verdicts, &name, "fetch first".to_owned()),
                Err(RefError::Blocked { name, by }) => {
                    self.reject(verdicts, &name, format!("'{by}' exists; cannot create '{name}'"));
                }
            }
        }
    }

    /// Takes a ref out of the push, and with `--atomic` the others too.
    fn reject(&self, verdicts: &mut [Verdict], name: &RefName, why: String) {
        for verdict in verdicts.iter_mut().filter(|verdict| matches!(verdict, Ok(Some(update)) if update.name == *name)) {
            *verdict = Err(why.clone());
        }
        self.bind_together(verdicts);
    }

    /// The refs whose new place does not contain the one before: what they were can be put back for a time. A tag that moves
    /// always leaves something behind.
    async fn replaced(&self, verdicts: &[Verdict], quarantine: Option<&Quarantine>) -> HubResult<Vec<RefName>> {
        let updates = verdicts.iter().filter_map(|verdict| verdict.as_ref().ok()?.as_ref());
        let moves: Vec<(RefName, Oid, Oid)> =
            updates.filter_map(|update| Some((update.name.clone(), update.expected?, update.new?))).collect();
        if moves.is_empty() {
            return Ok(Vec::new());
        }
        let leaves = |reader: &GitReader, (name, old, new): &(RefName, Oid, Oid)| {
            // What cannot be told is rather kept.
            let contains = name.branch_name().is_some() && reader.is_ancestor(*old, *new).unwrap_or(false);
            (!contains).then(|| name.clone())
        };
        let look = move |reader: &GitReader| Ok(moves.iter().filter_map(|one| leaves(reader, one)).collect());
        match quarantine {
            Some(quarantine) => quarantine.read(look).await.map_err(HubError::internal),
            None => reading::read(&self.app, &self.snapshot.repo, look).await,
        }
    }

    /// What pages and lists show of the default branch, if it moves.
    async fn derive(&self, verdicts: &[Verdict], quarantine: Option<&Quarantine>) -> HubResult<Option<HeadMetadata>> {
        let mut updates = verdicts.iter().filter_map(|verdict| verdict.as_ref().ok()?.as_ref());
        let moved = updates.find(|update| update.name == self.snapshot.head).and_then(|update| update.new);
        let (Some(commit), Some(quarantine)) = (moved, quarantine) else { return Ok(None) };
        let (repo_type, before) = (self.snapshot.repo.repo_type, Before::of(&self.snapshot.repo));
        let derived = quarantine.read(move |reader| metadata::of_commit(reader, repo_type, commit, before.as_ref()));
        Ok(Some(derived.await.map_err(HubError::internal)?))
    }

    fn greeting(&self) -> Vec<String> {
        let mut lines = vec![format!("View your {} at {}", self.right.read().repo.repo_type, self.url)];
        if self.moved {
            lines.push(format!("It has moved; use its new address: git remote set-url origin {}", self.url));
        }
        lines
    }
}
