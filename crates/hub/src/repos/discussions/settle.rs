//! Settling what a pull request and its branch both changed: one commit on the pull request that joins the two.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hub_cards::Side;
use hub_git::{BuiltCommit, CommitMeta, GitReader, Settled};
use hub_types::RepoPath;

use super::conflicts::{Heads, Labels, MAX_FILES, MAX_TEXT_BYTES, Settleable, heads};
use super::merge::check_held;
use super::{PullWrite, get_to_change};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::quotas;
use crate::repos::access::RepoRead;
use crate::repos::commit::{self, FileContent, Operation};
use crate::repos::merging::{self, CARD, CardSides, Joined, JoinedCard};
use crate::repos::queries::{self, Repo, discussions::Discussion};
use crate::repos::refs::{RefChange, RefError, RefUpdate, StoredPack, apply_in, bring_packs};
use crate::repos::{new_objects, pickles, reading};

/// How often it is tried again because the repository lost large files meanwhile.
const MAX_ROUNDS: usize = 5;
/// How git marks what both sides changed.
const MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// What somebody decided, looking at two commits.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The commits.
    pub heads: Heads,
    /// What becomes of each file, by path.
    pub files: HashMap<String, Choice>,
}

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The version of the branch.
    Ours,
    /// The version of the pull request.
    Theirs,
    /// This text.
    Text(String),
    /// A card: its metadata as decided, one for each conflict in order, and the text below, if both changed that.
    Card(Vec<Option<Side>>, String),
}

/// A pull request that goes on, with the right to settle it, or nothing for what is none.
///
/// # Errors
/// 401 or 403 for those who may not add commits to it, 404 for an unknown number.
pub async fn pull_to_settle(app: &App, read: RepoRead, num: i64) -> HubResult<Option<(PullWrite, Discussion)>> {
    let found = get_to_change(app, &read, num).await?;
    if !found.is_pull_request() || !found.status.is_open() {
        return Ok(None);
    }
    Ok(Some((PullWrite::check(app, read, num).await?, found)))
}

/// Settles a pull request: its new head joins it with its branch. False when either has moved since the settlement was made.
///
/// # Errors
/// 400 for what is not decided or has markers left, 409 for a large file that nobody uploaded.
pub async fn settle(app: &App, pull: &PullWrite, found: &Discussion, settlement: Settlement) -> HubResult<bool> {
    let read = pull.read();
    let settlement = Arc::new(settlement);
    refuse_pickles(app, &read.repo, &settlement).await?;
    let _turn = app.writes.enter(read.repo.pk).await;
    for _ in 0..MAX_ROUNDS {
        let repo = queries::find_repo_by_pk(&app.pool, read.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
        let (base, now) = heads(app, &repo, found).await?;
        if now != settlement.heads {
            return Ok(false);
        }
        let (built, packs) = build(app, pull, &repo, found, &settlement).await?;
        let change = RefChange {
            repo: &repo,
            actor_pk: Some(read.viewer.require_user()?.pk),
            kind: "commit",
            updates: vec![RefUpdate { name: pull.name().clone(), expected: Some(now.from), new: Some(built.commit) }],
            packs,
            metadata: None,
        };
        let mut tx = app.begin().await?;
        let generation = match apply_in(&mut tx, &change).await {
            Err(RefError::Outdated) => continue,
            Err(RefError::Conflict { .. }) => return Ok(false),
            other => other?,
        };
        // No ref of the repository moves until this ends.
        if queries::find_ref(&mut *tx, repo.pk, &base).await? != Some(now.onto) {
            return Ok(false);
        }
        tx.commit().await?;
        app.jobs.wake();
        bring_packs(app, &change, generation).await;
        return Ok(true);
    }
    Err(RefError::Outdated.into())
}

/// Texts may be pickles, too.
async fn refuse_pickles(app: &App, repo: &Repo, settlement: &Settlement) -> HubResult<()> {
    let mut written = Vec::new();
    for (path, choice) in &settlement.files {
        if let (Choice::Text(text), Ok(path)) = (choice, RepoPath::new(path)) {
            written.push(Operation::AddFile { path, content: FileContent::Bytes(text.clone().into_bytes()) });
        }
    }
    let suspects = tokio::task::spawn_blocking(move || pickles::of_operations(&written)).await??;
    pickles::refuse(app, repo, suspects).await
}

/// Builds the commit and stores its objects.
async fn build(
    app: &App,
    pull: &PullWrite,
    repo: &Repo,
    found: &Discussion,
    settlement: &Arc<Settlement>,
) -> HubResult<(BuiltCommit, Vec<StoredPack>)> {
    let branch = found.base.as_ref().and_then(|base| base.branch_name()).unwrap_or_default().to_owned();
    let author = new_objects::person(&pull.read().viewer)?;
    let message = format!("Merge {branch} into {}", pull.name().as_str());
    let meta = CommitMeta { committer: author.clone(), author, message };
    let (scratch, labels, settlement) = (app.git.temp_dir(), Labels::new(&branch, found.num), Arc::clone(settlement));
    let build = move |reader: &GitReader| {
        let Heads { onto, from } = settlement.heads;
        let mut joined = merging::join(reader, onto, from, labels.both())?;
        let card = match decide(&mut joined, &settlement, &labels)? {
            Ok(card) => card,
            Err(error) => return Ok(Err(error)),
        };
        Ok(Ok((joined.merge.commit(reader, &scratch, &[from, onto], &meta)?, card)))
    };
    let (built, card) = reading::read(app, repo, build).await??;
    // What is settled here shall not be refused when it is merged.
    if let Some(card) = card.filter(|_| branch == repo.default_branch) {
        commit::check_card_text(repo, card).await?;
    }
    check_held(app, repo, found.num, &built.lfs).await?;
    quotas::require_room_in_git(app, repo.pk, built.pack.as_ref().map_or(0, hub_git::BuiltPack::size)).await?;
    let packs = new_objects::store(app, built.pack.clone()).await?;
    Ok((built, packs))
}

/// Settles all files as somebody decided. Gives the card that was written, if one was.
fn decide(joined: &mut Joined, settlement: &Settlement, labels: &Labels) -> hub_git::Result<HubResult<Option<Vec<u8>>>> {
    let conflicts = joined.merge.conflicts()?;
    if joined.merge.is_too_much() || conflicts.len() > MAX_FILES {
        return Ok(Err(HubError::bad_request("There is too much to settle for a page. Settle it with git.")));
    }
    let (mut room, mut card, mut settled) = (MAX_TEXT_BYTES, None, Vec::new());
    for found in conflicts {
        let written = match written(joined, &found, settlement.files.get(&found.path), labels, &mut room)? {
            Ok(written) => written,
            Err(error) => return Ok(Err(error)),
        };
        if let (Written::Text(text), CARD) = (&written, found.path.as_str()) {
            card = Some(text.clone().into_bytes());
        }
        settled.push((found, written));
    }
    for (found, written) in &settled {
        let with = match written {
            Written::Ours => Settled::Ours,
            Written::Theirs => Settled::Theirs,
            Written::Text(text) => Settled::Content(text.as_bytes()),
        };
        joined.merge.settle(found, with)?;
    }
    Ok(Ok(card))
}

enum Written {
    Ours,
    Theirs,
    Text(String),
}

/// What is to be written for one file.
fn written(
    joined: &Joined,
    found: &hub_git::FileConflict,
    choice: Option<&Choice>,
    labels: &Labels,
    room: &mut usize,
) -> hub_git::Result<HubResult<Written>> {
    let path = &found.path;
    let settleable = Settleable::of(joined, found, labels, room)?;
    Ok(match (choice, settleable) {
        (None, _) => Err(HubError::bad_request(format!("Choose what becomes of `{path}`."))),
        (Some(Choice::Ours), _) => Ok(Written::Ours),
        (Some(Choice::Theirs), _) => Ok(Written::Theirs),
        (Some(Choice::Text(text)), Settleable::Text { sides, .. }) => {
            let has_line = |line: &str| sides.iter().any(|side| side.lines().any(|other| other == line));
            checked(path, text, sides[0].contains("\r\n"), has_line).map(Written::Text)
        }
        (Some(Choice::Card(keys, body)), Settleable::Card(sides, card)) => {
            card_text(path, (sides, card), keys, body).map(Written::Text)
        }
        (Some(Choice::Text(_) | Choice::Card(..)), _) => {
            Err(HubError::bad_request(format!("`{path}` cannot be edited here: choose one of its versions.")))
        }
    })
}

/// A text without markers and with the line breaks of the branch. Lines that either side has are no markers.
fn checked(path: &str, text: &str, crlf: bool, has_line: impl Fn(&str) -> bool) -> HubResult<String> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(HubError::bad_request(format!("`{path}` is too long to be written here: keep it under 1 MiB.")));
    }
    for (number, line) in text.lines().enumerate() {
        let is_marker =
            MARKERS.iter().any(|marker| line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
        if is_marker && !has_line(line) {
            let (number, line) = (number + 1, line.chars().take(60).collect::<String>().replace('`', "'"));
            return Err(HubError::bad_request(format!(
                "Line {number} of `{path}` still has a marker (`{line}`): choose what shall stand there and take the marker out."
            )));
        }
    }
    Ok(if crlf { text.replace('\n', "\r\n") } else { text.to_owned() })
}

/// The card as somebody decided.
fn card_text(path: &str, (sides, card): (&CardSides, &JoinedCard), keys: &[Option<Side>], body: &str) -> HubResult<String> {
    let mut choices = BTreeMap::new();
    for (at, conflict) in card.keys.iter().enumerate() {
        let Some(side) = keys.get(at).copied().flatten() else {
            return Err(HubError::bad_request(format!("Choose what `{}` in `{path}` shall say.", conflict.key)));
        };
        choices.insert(conflict.key.clone(), side);
    }
    let body = match card.body_is_clean {
        true => card.body.clone(),
        false => checked(path, body, sides.is_crlf(), |line| sides.has_line(line))?,
    };
    match sides.decided(&choices) {
        Some(yaml) => Ok(sides.put_together(&yaml, &body)),
        None => Err(HubError::bad_request(format!(
            "The metadata in `{path}` cannot be put together from these. Choose one of its versions, and change it afterwards."
        ))),
    }
}
