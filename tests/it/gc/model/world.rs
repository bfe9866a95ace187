//! What there is, who is at work, and how a schedule goes on.

use std::collections::{BTreeMap, BTreeSet};

use super::Rules;

/// What a branch was before it was deleted or moved elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undo {
    pub(super) repo: Repo,
    pub(super) branch: Branch,
    pub(super) named: BTreeSet<Content>,
    /// Whether its time is over.
    pub(super) expired: bool,
}

/// A deleted repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deleted {
    Restorable,
    /// Its time is over.
    Expired,
    /// Its files were taken.
    Purged,
}

pub(super) type Repo = u8;
pub(super) type Branch = u8;
/// A content: as a file, and as the one xorb that the file is made of.
pub(super) type Content = u8;
pub(super) type Nonce = u32;
/// A push's commit, and the pack that it comes in; joined packs have further numbers.
pub(super) type Pack = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Plain(Content, Nonce),
    Xorb(Content, Nonce),
    Pack(Pack),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct FileRow {
    pub(super) plain: Option<Nonce>,
    pub(super) in_chunks: bool,
    pub(super) condemned: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct XorbRow {
    pub(super) nonce: Nonce,
    pub(super) leased: bool,
    pub(super) condemned: bool,
}

/// A process at work, named by what it has done so far.
#[derive(Debug, Clone)]
pub(super) enum Actor {
    Upload(Repo, Content),
    UploadStored(Repo, Content, Nonce),
    Commit(Repo, Branch, Content),
    CommitChecked(Repo, Branch, Content, u32),
    /// A push whose commits build on those of a branch.
    Fork(Repo, Branch, Branch),
    ForkRead(Repo, Branch, BTreeSet<Content>, u32),
    /// A repository is copied to where the other one could be, with what it has.
    Copy(Repo),
    CopyShared(Repo, BTreeSet<Content>, BTreeMap<Pack, BTreeSet<Pack>>),
    Reuse(Repo, Content),
    ReuseFound(Repo, Content),
    /// One transaction puts files into a bucket.
    Batch(Repo, Content),
    Push(Repo),
    PushStored(Repo, Pack),
    Join(Repo),
    JoinStored(Repo, BTreeMap<Pack, BTreeSet<Pack>>, Pack),
    /// A download whole, or by chunks.
    Read(Repo, Content, bool),
    Clone(Repo),
    ReadFound(Vec<Key>),
    Shard(Repo, Content),
    ShardXorbStored(Repo, Content, Nonce),
    ShardXorbKnown(Repo, Content),
    Convert(Content),
    ConvertXorbKnown(Content),
    Unlink(Repo),
    UnlinkWalked(Repo, Vec<(Branch, BTreeSet<Content>)>, Vec<Undo>),
    SweepFile(Content),
    SweepFileChosen(Content),
    SweepXorb(Content),
    SweepXorbChosen(Content),
    DropPlain(Content),
    Undo(Repo, usize),
    UndoRead(Undo, u32),
    Purge(Repo),
    PurgeChosen(Repo),
    Delete,
    DeleteSent(Key),
}

pub(super) struct World {
    pub(super) rules: Rules,
    pub(super) store: BTreeSet<Key>,
    pub(super) files: BTreeMap<Content, FileRow>,
    pub(super) xorbs: BTreeMap<Content, XorbRow>,
    pub(super) links: BTreeSet<(Repo, Content)>,
    pub(super) refs: BTreeMap<(Repo, Branch), BTreeSet<Content>>,
    pub(super) generations: BTreeMap<Repo, u32>,
    pub(super) undos: Vec<Undo>,
    pub(super) deleted: BTreeMap<Repo, Deleted>,
    pub(super) doomed: BTreeSet<Key>,
    pub(super) last_nonce: Nonce,
    /// The packs of each repository, and whose commits are in them.
    pub(super) packs: BTreeMap<Repo, BTreeMap<Pack, BTreeSet<Pack>>>,
    /// The pushes that were acknowledged.
    pub(super) pushed: BTreeSet<(Repo, Pack)>,
    pub(super) last_pack: Pack,
    /// What somebody was reading, and is gone.
    pub(super) broken: Option<Key>,
    pub(super) actors: Vec<Actor>,
}

impl World {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            store: BTreeSet::new(),
            files: BTreeMap::new(),
            xorbs: BTreeMap::new(),
            links: BTreeSet::new(),
            refs: BTreeMap::new(),
            generations: BTreeMap::new(),
            undos: Vec::new(),
            deleted: BTreeMap::new(),
            doomed: BTreeSet::new(),
            last_nonce: 0,
            packs: BTreeMap::new(),
            pushed: BTreeSet::new(),
            last_pack: 0,
            broken: None,
            actors: Vec::new(),
        }
    }

    /// One step of the schedule: something begins, goes on, or is cut off.
    pub(super) fn step(&mut self, choice: u32) {
        let (what, rest) = (choice % 20, choice / 20);
        match what {
            _ if self.actors.is_empty() => self.begin(rest),
            0..=4 if self.actors.len() < 6 => self.begin(rest),
            5 => self.xorbs.values_mut().for_each(|xorb| xorb.leased = false),
            6 => drop(self.actors.remove(rest as usize % self.actors.len())),
            7 => self.delete_branch((rest % 2) as Repo, (rest / 2 % 2) as Branch),
            8 => self.condemn(),
            9 => self.undos.iter_mut().for_each(|undo| undo.expired = true),
            10 => self.delete_or_restore((rest % 2) as Repo),
            11 => self
                .deleted
                .values_mut()
                .filter(|state| **state == Deleted::Restorable)
                .for_each(|state| *state = Deleted::Expired),
            _ => {
                let actor = self.actors.remove(rest as usize % self.actors.len());
                let next = self.go_on(actor);
                self.actors.extend(next);
            }
        }
    }

    fn begin(&mut self, choice: u32) {
        let (kind, choice) = (choice % 18, choice / 18);
        let (a, b, c) = ((choice % 2) as u8, (choice / 2 % 2) as u8, (choice / 4 % 2) as u8);
        self.actors.push(match kind {
            0 => Actor::Upload(a, b),
            1 => Actor::Commit(a, c, b),
            2 => Actor::Fork(a, c, 1 - c),
            3 => Actor::Reuse(a, b),
            4 => Actor::Shard(a, b),
            5 => Actor::Convert(b),
            6 => Actor::Unlink(a),
            7 => Actor::SweepFile(b),
            8 => Actor::SweepXorb(b),
            9 => Actor::DropPlain(b),
            10 => Actor::Batch(a, b),
            11 => Actor::Push(a),
            12 => Actor::Join(a),
            13 => Actor::Read(a, b, c == 0),
            14 if c == 0 => Actor::Clone(a),
            14 => Actor::Copy(a),
            15 => Actor::Undo(a, (choice / 8 % 8) as usize),
            16 => Actor::Purge(a),
            _ => Actor::Delete,
        });
    }

    /// What an actor does next, and what it is then.
    pub(super) fn go_on(&mut self, actor: Actor) -> Option<Actor> {
        match actor {
            Actor::Upload(repo, content) => self.upload(repo, content),
            Actor::UploadStored(repo, content, nonce) => self.upload_stored(repo, content, nonce),
            Actor::Commit(repo, branch, content) => self.commit(repo, branch, content),
            Actor::CommitChecked(repo, branch, content, generation) => self.commit_checked(repo, branch, content, generation),
            Actor::Fork(repo, from, to) => self.fork(repo, from, to),
            Actor::ForkRead(repo, to, base, generation) => self.fork_read(repo, to, base, generation),
            Actor::Copy(from) => self.copy(from),
            Actor::CopyShared(from, files, packs) => self.copy_shared(from, files, packs),
            Actor::Reuse(repo, content) => self.reuse(repo, content),
            Actor::ReuseFound(repo, content) => self.reuse_found(repo, content),
            Actor::Batch(repo, content) => self.batch(repo, content),
            Actor::Push(repo) => self.push(repo),
            Actor::PushStored(repo, pack) => self.push_stored(repo, pack),
            Actor::Join(repo) => self.join(repo),
            Actor::JoinStored(repo, seen, joined) => self.join_stored(repo, seen, joined),
            Actor::Read(repo, content, whole) => self.read(repo, content, whole),
            Actor::Clone(repo) => self.clone_packs(repo),
            Actor::ReadFound(keys) => self.read_found(keys),
            Actor::Shard(repo, content) => self.shard(repo, content),
            Actor::ShardXorbStored(repo, content, nonce) => self.shard_xorb_stored(repo, content, nonce),
            Actor::ShardXorbKnown(repo, content) => self.shard_xorb_known(repo, content),
            Actor::Convert(content) => self.convert(content),
            Actor::ConvertXorbKnown(content) => self.convert_xorb_known(content),
            Actor::Undo(repo, which) => self.undo(repo, which),
            Actor::UndoRead(undo, generation) => self.undo_read(undo, generation),
            Actor::Unlink(repo) => self.unlink(repo),
            Actor::UnlinkWalked(repo, seen, kept) => self.unlink_walked(repo, seen, kept),
            Actor::SweepFile(content) => self.sweep_file(content),
            Actor::SweepFileChosen(content) => self.sweep_file_chosen(content),
            Actor::SweepXorb(content) => self.sweep_xorb(content),
            Actor::SweepXorbChosen(content) => self.sweep_xorb_chosen(content),
            Actor::DropPlain(content) => self.drop_plain(content),
            Actor::Purge(repo) => self.purge(repo),
            Actor::PurgeChosen(repo) => self.purge_chosen(repo),
            Actor::Delete => self.delete(),
            Actor::DeleteSent(key) => self.delete_sent(key),
        }
    }
}
