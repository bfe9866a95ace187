//! What the new objects of a push may be. Objects that git itself finds broken never get here.

use hub_git::{EntryKind, Inspection, NewPointer, PushError, PushLimits, Quarantine, Tip, Violation};
use hub_types::{Oid, Sha256};

use super::snapshot::Snapshot;
use crate::app::App;
use crate::error::HubError;
use crate::objects;
use crate::repos::refs::RefUpdate;
use crate::repos::{Repo, pickles};

/// Pointers asked for in one query.
const POINTERS_PER_QUERY: usize = 10_000;
/// More names would scroll the first out of sight.
const MAX_NAMED_FILES: usize = 10;
/// The card of a repository. Longer ones are not read for their front matter.
const CARD: &str = "README.md";
const MAX_CARD_BYTES: u64 = 10 * 1024 * 1024;

/// Why new objects are not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The hub's rules.
    Policy {
        /// In a few words, for each ref.
        reason: String,
        /// In full, for the person.
        messages: Vec<String>,
    },
    /// They are not complete.
    Objects(PushError),
    /// The hub cannot say.
    Hub(HubError),
}

impl<E: Into<HubError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Hub(error.into())
    }
}

pub(super) struct Checks<'a> {
    pub(super) app: &'a App,
    pub(super) repo: &'a Repo,
    pub(super) snapshot: &'a Snapshot,
    pub(super) limits: PushLimits,
}

impl Checks<'_> {
    /// Looks at everything the updates bring.
    pub(super) async fn look(&self, quarantine: &Quarantine, updates: &[&RefUpdate]) -> Result<(), Refusal> {
        let head = self.head();
        let tip = |update: &&RefUpdate| Some(Tip { new: update.new?, base: update.expected.or(head) });
        let tips: Vec<Tip> = updates.iter().filter_map(tip).collect();
        if tips.is_empty() {
            return Ok(());
        }
        let inspection = quarantine.inspect(&tips, self.limits).await.map_err(|error| match error.is_server_fault() {
            true => Refusal::Hub(HubError::internal(error)),
            false => Refusal::Objects(error),
        })?;
        refuse_violations(&inspection)?;
        refuse_tags_as_branches(quarantine, updates).await?;
        self.pointers(&inspection.pointers).await?;
        self.pickles(quarantine, tips.into_iter().map(|tip| tip.new).collect()).await?;
        let card_tip = updates.iter().find(|update| update.name == self.snapshot.head).and_then(|update| update.new);
        match card_tip {
            Some(commit) => self.card(quarantine, commit).await,
            None => Ok(()),
        }
    }

    fn head(&self) -> Option<Oid> {
        self.snapshot.refs.iter().find(|(name, _)| *name == self.snapshot.head).map(|(_, oid)| *oid)
    }

    /// Every LFS pointer must stand for an object this repository has.
    async fn pointers(&self, pointers: &[NewPointer]) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for pointers in pointers.chunks(POINTERS_PER_QUERY) {
            let mut oids: Vec<Sha256> = pointers.iter().map(|pointer| pointer.sha256).collect();
            oids.sort_unstable();
            oids.dedup();
            let held = objects::has_objects(self.app, self.repo.pk, &oids).await?;
            let absent = |pointer: &&NewPointer| held.get(&pointer.sha256) != Some(&pointer.size_bytes);
            missing.extend(pointers.iter().filter(absent).map(|pointer| format!("  {} ({})", pointer.path, pointer.sha256)));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let mut messages = vec![format!("{} large file(s) of this push are not in the hub's Git LFS store:", missing.len())];
        messages.extend(missing.into_iter().take(MAX_NAMED_FILES));
        messages.push("Upload them with `git lfs push --all <remote>`, then push again.".to_owned());
        Err(Refusal::Policy { reason: "Git LFS objects are missing".to_owned(), messages })
    }

    /// Where no pickles are taken, none may come to any ref.
    async fn pickles(&self, quarantine: &Quarantine, tips: Vec<Oid>) -> Result<(), Refusal> {
        if !pickles::are_refused(self.app, self.repo).await? {
            return Ok(());
        }
        let head = self.head();
        let refs: Vec<Oid> = self.snapshot.refs.iter().map(|(_, oid)| *oid).collect();
        let looked = quarantine.read(move |reader| pickles::of_push(reader, &tips, &refs, head)).await;
        let looked = looked.map_err(HubError::internal)?;
        let Some(suspects) = looked else {
            let messages = pickles::TOO_MUCH.map(str::to_owned).into();
            return Err(Refusal::Policy { reason: "too much at once".to_owned(), messages });
        };
        let found = pickles::find(self.app, self.repo, suspects).await?;
        if found.is_empty() {
            return Ok(());
        }
        Err(Refusal::Policy { reason: "no pickles are taken here".to_owned(), messages: pickles::words(&found).into() })
    }

    /// A card that changes on the default branch must have valid front matter.
    async fn card(&self, quarantine: &Quarantine, commit: Oid) -> Result<(), Refusal> {
        let (before, repo_type) = (self.head(), self.repo.repo_type);
        let looked = quarantine.read(move |reader| {
            let find = |commit: Oid| {
                Ok::<_, hub_git::Error>(match reader.peel(commit)? {
                    Some(commit) => reader.entry_at(commit, CARD)?.filter(|entry| entry.kind == EntryKind::File),
                    None => None,
                })
            };
            let Some(card) = find(commit)? else { return Ok(Vec::new()) };
            let known = before.map(find).transpose()?.flatten().is_some_and(|before| before.oid == card.oid);
            if known || card.lfs.is_some() || card.size > MAX_CARD_BYTES {
                return Ok(Vec::new());
            }
            let text = reader.blob(card.oid, MAX_CARD_BYTES)?;
            let report = hub_cards::validate(&String::from_utf8_lossy(&text), repo_type);
            Ok(report.errors.into_iter().map(|finding| format!("  {}", finding.message)).collect())
        });
        let errors: Vec<String> = looked.await.map_err(HubError::internal)?;
        if errors.is_empty() {
            return Ok(());
        }
        let mut messages = vec![format!("The metadata at the top of {CARD} is not valid:")];
        messages.extend(errors.into_iter().take(MAX_NAMED_FILES));
        messages.push("Correct it, amend the commit, and push again.".to_owned());
        Err(Refusal::Policy { reason: format!("invalid metadata in {CARD}"), messages })
    }
}

/// A tag may point to a tag object, a branch only to a commit.
async fn refuse_tags_as_branches(quarantine: &Quarantine, updates: &[&RefUpdate]) -> Result<(), Refusal> {
    let branches = updates.iter().filter(|update| update.name.tag_name().is_none()).filter_map(|update| update.new);
    let commits: Vec<Oid> = branches.collect();
    let looked = quarantine.read(move |reader| {
        for commit in commits {
            if reader.peel(commit)? != Some(commit) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    });
    match looked.await.map_err(HubError::internal)? {
        None => Ok(()),
        Some(oid) => {
            Err(Refusal::Policy { reason: format!("{oid} is a tag; a branch must point to a commit"), messages: Vec::new() })
        }
    }
}

fn refuse_violations(inspection: &Inspection) -> Result<(), Refusal> {
    let mut messages: Vec<String> = inspection.violations.iter().map(ToString::to_string).collect();
    let Some(reason) = messages.first().cloned() else { return Ok(()) };
    let mut advice: Vec<String> = inspection.violations.iter().filter_map(Violation::advice).collect();
    advice.sort();
    advice.dedup();
    messages.extend(advice);
    Err(Refusal::Policy { reason, messages })
}
