//! Garbage collection as a small machine: every step is one transaction or one request to the store, as in the hub, and
//! steps of any number of uploads, commits, pushes, batches of buckets, downloads, clones and collectors mix in any order;
//! each may be cut off between two of them. All graces are zero and leases end at any time, so nothing is safe by being young;
//! only what is being read stays as long: that a quarantine outlasts every download is a rule like the others.
//!
//! With all rules in force no schedule loses a byte that is needed. Without any one of them some schedule does, and is
//! found: so every rule is there for a reason.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// What the hub does to be safe.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// The commit point refuses what was prepared before the repository last lost files.
    generation: bool,
    /// Before files are taken from a repository, its refs are read again under its lock.
    refs_again: bool,
    /// Before a file or xorb is removed, it is asked again under its lock whether somebody has it.
    needed_again: bool,
    /// Who links a file looks under its lock whether it is still there.
    link_looks: bool,
    /// A shard's xorbs are looked for again in the transaction that makes its files.
    xorbs_again: bool,
    /// No key of the store is used twice.
    fresh_keys: bool,
    /// A row goes before its bytes.
    row_first: bool,
    /// What a branch named before a change that can be undone counts as named.
    undos_kept: bool,
    /// That is read again, too, before files are taken from a repository.
    undos_again: bool,
    /// What an undo puts back must be there, in case its time was over and is no longer.
    undo_looks: bool,
    /// Whoever takes everything from a deleted repository looks under its lock whether it is still deleted.
    deleted_again: bool,
    /// What lost its files cannot be restored.
    purged_stays: bool,
    /// Bytes stay in quarantine until nobody reads them who found them before.
    quarantine: bool,
    /// Joining packs replaces those that were read, and only if all of them are still there.
    joined_alone: bool,
}

const ALL: Rules = Rules {
    generation: true,
    refs_again: true,
    needed_again: true,
    link_looks: true,
    xorbs_again: true,
    fresh_keys: true,
    row_first: true,
    undos_kept: true,
    undos_again: true,
    undo_looks: true,
    deleted_again: true,
    purged_stays: true,
    quarantine: true,
    joined_alone: true,
};

/// What a branch was before it was deleted or moved elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Undo {
    repo: Repo,
    branch: Branch,
    named: BTreeSet<Content>,
    /// Whether its time is over.
    expired: bool,
}

/// A deleted repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deleted {
    Restorable,
    /// Its time is over.
    Expired,
    /// Its files were taken.
    Purged,
}

type Repo = u8;
type Branch = u8;
/// A content: as a file, and as the one xorb that the file is made of.
type Content = u8;
type Nonce = u32;
/// A push's commit, and the pack that it comes in; joined packs have further numbers.
type Pack = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Plain(Content, Nonce),
    Xorb(Content, Nonce),
    Pack(Pack),
}

#[derive(Debug, Clone, Copy)]
struct FileRow {
    plain: Option<Nonce>,
    in_chunks: bool,
    condemned: bool,
}

#[derive(Debug, Clone, Copy)]
struct XorbRow {
    nonce: Nonce,
    leased: bool,
    condemned: bool,
}

/// A process at work, named by what it has done so far.
#[derive(Debug, Clone)]
enum Actor {
    Upload(Repo, Content),
    UploadStored(Repo, Content, Nonce),
    Commit(Repo, Branch, Content),
    CommitChecked(Repo, Branch, Content, u32),
    /// A push whose commits build on those of a branch.
    Fork(Repo, Branch, Branch),
    ForkRead(Repo, Branch, BTreeSet<Content>, u32),
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

struct World {
    rules: Rules,
    store: BTreeSet<Key>,
    files: BTreeMap<Content, FileRow>,
    xorbs: BTreeMap<Content, XorbRow>,
    links: BTreeSet<(Repo, Content)>,
    refs: BTreeMap<(Repo, Branch), BTreeSet<Content>>,
    generations: BTreeMap<Repo, u32>,
    undos: Vec<Undo>,
    deleted: BTreeMap<Repo, Deleted>,
    doomed: BTreeSet<Key>,
    last_nonce: Nonce,
    /// The packs of each repository, and whose commits are in them.
    packs: BTreeMap<Repo, BTreeMap<Pack, BTreeSet<Pack>>>,
    /// The pushes that were acknowledged.
    pushed: BTreeSet<(Repo, Pack)>,
    last_pack: Pack,
    /// What somebody was reading, and is gone.
    broken: Option<Key>,
    actors: Vec<Actor>,
}

impl World {
    fn new(rules: Rules) -> Self {
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
    fn step(&mut self, choice: u32) {
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
            14 => Actor::Clone(a),
            15 => Actor::Undo(a, (choice / 8 % 8) as usize),
            16 => Actor::Purge(a),
            _ => Actor::Delete,
        });
    }

    /// One transaction: a deleted repository takes none.
    fn delete_branch(&mut self, repo: Repo, branch: Branch) {
        if !self.deleted.contains_key(&repo) {
            let named = self.refs.remove(&(repo, branch));
            self.note_undo(repo, branch, named);
        }
    }

    fn note_undo(&mut self, repo: Repo, branch: Branch, named: Option<BTreeSet<Content>>) {
        self.undos.extend(named.map(|named| Undo { repo, branch, named, expired: false }));
    }

    fn delete_or_restore(&mut self, repo: Repo) {
        match self.deleted.get(&repo) {
            None => drop(self.deleted.insert(repo, Deleted::Restorable)),
            // Another one takes its place. What was prepared for the old one is not for it.
            Some(Deleted::Purged) if self.rules.purged_stays => {
                self.refs.retain(|(of, _), _| *of != repo);
                self.deleted.remove(&repo);
                *self.generations.entry(repo).or_default() += 1;
            }
            // Also after its time, as long as it has not been purged: the setting may have been raised.
            Some(_) => drop(self.deleted.remove(&repo)),
        }
    }

    /// Again, too: an upload may have come late.
    fn may_purge(&self, repo: Repo) -> bool {
        matches!(self.deleted.get(&repo), Some(Deleted::Expired | Deleted::Purged))
    }

    fn undos_of(&self, repo: Repo) -> Vec<Undo> {
        self.undos.iter().filter(|undo| undo.repo == repo && !undo.expired).cloned().collect()
    }

    fn nonce(&mut self) -> Nonce {
        self.last_nonce += u32::from(self.rules.fresh_keys);
        self.last_nonce
    }

    fn generation(&self, repo: Repo) -> u32 {
        self.generations.get(&repo).copied().unwrap_or_default()
    }

    fn go_on(&mut self, actor: Actor) -> Option<Actor> {
        match actor {
            Actor::Upload(repo, content) => {
                let nonce = self.nonce();
                self.store.insert(Key::Plain(content, nonce));
                Some(Actor::UploadStored(repo, content, nonce))
            }
            Actor::UploadStored(repo, content, nonce) => {
                let row = self.files.entry(content).or_insert(FileRow { plain: None, in_chunks: false, condemned: false });
                row.condemned = false;
                if *row.plain.get_or_insert(nonce) != nonce {
                    self.store.remove(&Key::Plain(content, nonce));
                }
                self.links.insert((repo, content));
                None
            }
            Actor::Commit(repo, branch, content) => {
                let generation = self.generation(repo);
                self.links.contains(&(repo, content)).then_some(Actor::CommitChecked(repo, branch, content, generation))
            }
            Actor::CommitChecked(repo, branch, content, generation) => {
                if self.commits(repo, generation) {
                    self.refs.entry((repo, branch)).or_default().insert(content);
                }
                None
            }
            Actor::Fork(repo, from, to) => {
                let generation = self.generation(repo);
                let base = self.refs.get(&(repo, from))?.clone();
                Some(Actor::ForkRead(repo, to, base, generation))
            }
            Actor::ForkRead(repo, to, base, generation) => {
                if self.commits(repo, generation) {
                    let before = self.refs.insert((repo, to), base);
                    self.note_undo(repo, to, before);
                }
                None
            }
            Actor::Reuse(repo, content) => self.links.contains(&(1 - repo, content)).then_some(Actor::ReuseFound(repo, content)),
            Actor::ReuseFound(repo, content) => {
                let row = self.files.get_mut(&content);
                if row.is_some() || !self.rules.link_looks {
                    row.into_iter().for_each(|row| row.condemned = false);
                    self.links.insert((repo, content));
                }
                None
            }
            Actor::Undo(repo, which) => {
                let generation = self.generation(repo);
                let undo = self.undos.iter().filter(|undo| undo.repo == repo).nth(which)?.clone();
                let is_held = undo.named.iter().all(|content| self.links.contains(&(repo, *content)));
                (is_held || !self.rules.undo_looks).then_some(Actor::UndoRead(undo, generation))
            }
            Actor::UndoRead(undo, generation) => {
                // One that somebody else undid meanwhile is not there any more.
                let at = self.undos.iter().position(|there| there.repo == undo.repo && there.named == undo.named)?;
                if self.commits(undo.repo, generation) {
                    self.undos.remove(at);
                    let before = self.refs.insert((undo.repo, undo.branch), undo.named);
                    self.note_undo(undo.repo, undo.branch, before);
                }
                None
            }
            Actor::Batch(repo, content) => {
                if self.links.contains(&(repo, content)) && !self.deleted.contains_key(&repo) {
                    self.refs.entry((repo, 1)).or_default().insert(content);
                }
                None
            }
            other => self.go_on_with_packs(other),
        }
    }

    fn go_on_with_packs(&mut self, actor: Actor) -> Option<Actor> {
        match actor {
            Actor::Push(repo) => Some(Actor::PushStored(repo, self.store_pack())),
            Actor::PushStored(repo, pack) => {
                self.packs.entry(repo).or_default().insert(pack, BTreeSet::from([pack]));
                self.pushed.insert((repo, pack));
                None
            }
            Actor::Join(repo) => {
                let seen = self.packs.get(&repo).filter(|packs| packs.len() > 1)?.clone();
                Some(Actor::JoinStored(repo, seen, self.store_pack()))
            }
            Actor::JoinStored(repo, seen, joined) => {
                let packs = self.packs.entry(repo).or_default();
                let old: Vec<Pack> = match self.rules.joined_alone {
                    true if !seen.keys().all(|pack| packs.contains_key(pack)) => return None,
                    true => seen.keys().copied().collect(),
                    false => packs.keys().copied().collect(),
                };
                packs.retain(|pack, _| !old.contains(pack));
                packs.insert(joined, seen.into_values().flatten().collect());
                old.into_iter().for_each(|pack| self.doom(Key::Pack(pack)));
                None
            }
            Actor::Read(repo, content, whole) => {
                let row = self.files.get(&content).filter(|_| self.links.contains(&(repo, content)))?;
                let plain = row.plain.filter(|_| whole || !row.in_chunks).map(|nonce| Key::Plain(content, nonce));
                let key = plain.or_else(|| Some(Key::Xorb(content, self.xorbs.get(&content)?.nonce)))?;
                Some(Actor::ReadFound(vec![key]))
            }
            Actor::Clone(repo) => Some(Actor::ReadFound(self.packs.get(&repo)?.keys().map(|pack| Key::Pack(*pack)).collect())),
            Actor::ReadFound(keys) => {
                self.broken = self.broken.or(keys.into_iter().find(|key| !self.store.contains(key)));
                None
            }
            other => self.go_on_with_chunks(other),
        }
    }

    /// Whether the commit point takes what was prepared under a generation.
    fn commits(&self, repo: Repo, generation: u32) -> bool {
        !self.deleted.contains_key(&repo) && (!self.rules.generation || generation == self.generation(repo))
    }

    fn store_pack(&mut self) -> Pack {
        self.last_pack += 1;
        self.store.insert(Key::Pack(self.last_pack));
        self.last_pack
    }

    fn is_read(&self, key: &Key) -> bool {
        self.actors.iter().any(|actor| matches!(actor, Actor::ReadFound(keys) if keys.contains(key)))
    }

    fn go_on_with_chunks(&mut self, actor: Actor) -> Option<Actor> {
        match actor {
            Actor::Shard(repo, content) => match self.hold_xorb(content) {
                true => Some(Actor::ShardXorbKnown(repo, content)),
                false => {
                    let nonce = self.nonce();
                    self.store.insert(Key::Xorb(content, nonce));
                    Some(Actor::ShardXorbStored(repo, content, nonce))
                }
            },
            Actor::ShardXorbStored(repo, content, nonce) => {
                self.insert_xorb(content, nonce);
                Some(Actor::ShardXorbKnown(repo, content))
            }
            Actor::ShardXorbKnown(repo, content) => {
                if self.insert_file(content) {
                    self.links.insert((repo, content));
                }
                None
            }
            Actor::Convert(content) => {
                let row = self.files.get(&content)?;
                let plain = row.plain.filter(|nonce| !row.in_chunks && self.store.contains(&Key::Plain(content, *nonce)));
                plain?;
                if !self.hold_xorb(content) {
                    let nonce = self.nonce();
                    self.store.insert(Key::Xorb(content, nonce));
                    self.insert_xorb(content, nonce);
                }
                Some(Actor::ConvertXorbKnown(content))
            }
            Actor::ConvertXorbKnown(content) => {
                self.insert_file(content);
                None
            }
            other => self.collect(other),
        }
    }

    fn hold_xorb(&mut self, content: Content) -> bool {
        let Some(row) = self.xorbs.get_mut(&content) else { return false };
        (row.leased, row.condemned) = (true, false);
        true
    }

    fn insert_xorb(&mut self, content: Content, nonce: Nonce) {
        let row = self.xorbs.entry(content).or_insert(XorbRow { nonce, leased: true, condemned: false });
        (row.leased, row.condemned) = (true, false);
        if row.nonce != nonce {
            self.store.remove(&Key::Xorb(content, nonce));
        }
    }

    fn insert_file(&mut self, content: Content) -> bool {
        if !self.hold_xorb(content) && self.rules.xorbs_again {
            return false;
        }
        let row = self.files.entry(content).or_insert(FileRow { plain: None, in_chunks: true, condemned: false });
        (row.in_chunks, row.condemned) = (true, false);
        true
    }

    fn branches(&self, repo: Repo) -> Vec<(Branch, BTreeSet<Content>)> {
        self.refs.iter().filter(|((of, _), _)| *of == repo).map(|((_, branch), named)| (*branch, named.clone())).collect()
    }

    fn uses_xorb(&self, content: Content) -> bool {
        self.files.get(&content).is_some_and(|row| row.in_chunks)
    }

    fn is_linked(&self, content: Content) -> bool {
        self.links.iter().any(|(_, linked)| *linked == content)
    }

    fn condemn(&mut self) {
        let linked: BTreeSet<Content> = self.links.iter().map(|(_, content)| *content).collect();
        self.files.iter_mut().for_each(|(content, row)| row.condemned = !linked.contains(content));
        let used: BTreeSet<Content> = self.files.iter().filter(|(_, row)| row.in_chunks).map(|(content, _)| *content).collect();
        self.xorbs.iter_mut().for_each(|(content, row)| row.condemned = !row.leased && !used.contains(content));
    }

    fn doom(&mut self, key: Key) {
        match self.rules.row_first {
            true => drop(self.doomed.insert(key)),
            false => drop(self.store.remove(&key)),
        }
    }

    fn collect(&mut self, actor: Actor) -> Option<Actor> {
        match actor {
            Actor::Unlink(repo) => {
                let kept = if self.rules.undos_kept { self.undos_of(repo) } else { Vec::new() };
                (!self.deleted.contains_key(&repo)).then(|| Actor::UnlinkWalked(repo, self.branches(repo), kept))
            }
            Actor::UnlinkWalked(repo, seen, kept) => {
                if self.deleted.contains_key(&repo) || (self.rules.refs_again && seen != self.branches(repo)) {
                    return None;
                }
                if self.rules.undos_kept && self.rules.undos_again && kept != self.undos_of(repo) {
                    return None;
                }
                let kept = kept.into_iter().flat_map(|undo| undo.named);
                let named: BTreeSet<Content> = seen.into_iter().flat_map(|(_, named)| named).chain(kept).collect();
                let before = self.links.len();
                self.links.retain(|(of, content)| *of != repo || named.contains(content));
                if self.links.len() < before {
                    *self.generations.entry(repo).or_default() += 1;
                }
                None
            }
            Actor::Purge(repo) => self.may_purge(repo).then_some(Actor::PurgeChosen(repo)),
            Actor::PurgeChosen(repo) => {
                if self.rules.deleted_again && !self.may_purge(repo) {
                    return None;
                }
                self.links.retain(|(of, _)| *of != repo);
                self.undos.retain(|undo| undo.repo != repo);
                self.deleted.entry(repo).and_modify(|state| *state = Deleted::Purged);
                None
            }
            Actor::SweepFile(content) => self.files.get(&content)?.condemned.then(|| {
                if let Some(nonce) = self.files[&content].plain.filter(|_| !self.rules.row_first) {
                    self.doom(Key::Plain(content, nonce));
                }
                Actor::SweepFileChosen(content)
            }),
            Actor::SweepFileChosen(content) => {
                let row = *self.files.get(&content)?;
                if self.rules.needed_again && (!row.condemned || self.is_linked(content)) {
                    return None;
                }
                self.files.remove(&content);
                row.plain.into_iter().for_each(|nonce| self.doom(Key::Plain(content, nonce)));
                None
            }
            Actor::SweepXorb(content) => self.xorbs.get(&content)?.condemned.then_some(Actor::SweepXorbChosen(content)),
            Actor::SweepXorbChosen(content) => {
                let row = *self.xorbs.get(&content)?;
                if self.rules.needed_again && (!row.condemned || row.leased || self.uses_xorb(content)) {
                    return None;
                }
                self.xorbs.remove(&content);
                self.doom(Key::Xorb(content, row.nonce));
                None
            }
            Actor::DropPlain(content) => {
                let row = self.files.get_mut(&content).filter(|row| row.in_chunks)?;
                let nonce = row.plain.take()?;
                self.doom(Key::Plain(content, nonce));
                None
            }
            Actor::Delete => {
                let may_go = |key: &&Key| !self.rules.quarantine || !self.is_read(key);
                self.doomed.iter().find(may_go).copied().map(Actor::DeleteSent)
            }
            // The request may arrive late, and again.
            Actor::DeleteSent(key) => {
                self.store.remove(&key);
                self.doomed.remove(&key);
                None
            }
            done => unreachable!("{done:?} is no collector's"),
        }
    }

    /// What must hold at any moment.
    fn check(&self) -> Result<(), String> {
        let is_purged = |repo: &Repo| self.deleted.get(repo) == Some(&Deleted::Purged);
        for undo in self.undos.iter().filter(|undo| !undo.expired) {
            if let Some(content) = undo.named.iter().find(|content| !self.links.contains(&(undo.repo, **content))) {
                return Err(format!("what branch {} was can be undone, but {content} is gone", undo.branch));
            }
        }
        if let Some(key) = self.broken {
            return Err(format!("{key:?} went while it was read"));
        }
        for (repo, commit) in &self.pushed {
            let packs = self.packs.get(repo).into_iter().flatten();
            let mut holding = packs.filter(|(pack, of)| of.contains(commit) && self.store.contains(&Key::Pack(**pack)));
            holding.next().ok_or(format!("push {commit} to repository {repo} is gone"))?;
        }
        for ((repo, branch), named) in self.refs.iter().filter(|((repo, _), _)| !is_purged(repo)) {
            for content in named {
                if !self.links.contains(&(*repo, *content)) {
                    return Err(format!("branch {branch} of repository {repo} names {content}, which it does not have"));
                }
            }
        }
        for (repo, content) in &self.links {
            let row = self.files.get(content).ok_or(format!("repository {repo} has {content}, which is gone"))?;
            if row.plain.is_some_and(|nonce| !self.store.contains(&Key::Plain(*content, nonce))) {
                return Err(format!("the bytes of {content} are gone"));
            }
            let xorb = self.xorbs.get(content).filter(|xorb| self.store.contains(&Key::Xorb(*content, xorb.nonce)));
            if row.in_chunks && xorb.is_none() {
                return Err(format!("the chunks of {content} are gone"));
            }
        }
        Ok(())
    }

    /// Everybody is cut off; then runs of one collector must leave what is named and nothing else.
    fn settle(&mut self) -> Result<(), String> {
        self.actors.clear();
        self.xorbs.values_mut().for_each(|xorb| xorb.leased = false);
        // The time of every undo is over, and deleted repositories go.
        self.undos.iter_mut().for_each(|undo| undo.expired = true);
        self.deleted.values_mut().filter(|state| **state == Deleted::Restorable).for_each(|state| *state = Deleted::Expired);
        for _ in 0..2 {
            let mut work = vec![Actor::Purge(0), Actor::Purge(1), Actor::Unlink(0), Actor::Unlink(1)];
            self.run(&mut work);
            self.condemn();
            let mut work: Vec<Actor> = (0..2).flat_map(|content| [Actor::SweepFile(content)]).collect();
            self.run(&mut work);
            self.condemn();
            let deletes = vec![Actor::Delete; self.doomed.len() + 4];
            let mut work: Vec<Actor> = (0..2).map(Actor::SweepXorb).chain(deletes).collect();
            self.run(&mut work);
        }
        let rows = self.files.iter().filter_map(|(content, row)| Some(Key::Plain(*content, row.plain?)));
        let known: BTreeSet<Key> = rows
            .chain(self.xorbs.iter().map(|(content, row)| Key::Xorb(*content, row.nonce)))
            .chain(self.packs.values().flat_map(|packs| packs.keys().map(|pack| Key::Pack(*pack))))
            .chain(self.doomed.clone())
            .collect();
        // Orphans.
        self.store.retain(|key| known.contains(key));
        let lives = |repo: &Repo| !self.deleted.contains_key(repo);
        let named: BTreeSet<Content> =
            self.refs.iter().filter(|((repo, _), _)| lives(repo)).flat_map(|(_, named)| named.clone()).collect();
        let left: BTreeSet<Content> = self.files.keys().chain(self.xorbs.keys()).copied().collect();
        self.check()?;
        if !self.doomed.is_empty() || !left.is_subset(&named) || self.store.len() != known.len() {
            return Err(format!("left: {:?}, rows {left:?}, named {named:?}", self.store));
        }
        Ok(())
    }

    fn run(&mut self, work: &mut Vec<Actor>) {
        for actor in work.drain(..) {
            let mut next = Some(actor);
            while let Some(actor) = next {
                next = self.go_on(actor);
            }
        }
    }
}

fn play(rules: Rules, schedule: &[u32]) -> Result<(), String> {
    let mut world = World::new(rules);
    for choice in schedule {
        world.step(*choice);
        world.check()?;
    }
    world.settle()
}

/// The shortest schedule that goes wrong, if one of `cases` does.
fn search(rules: Rules, cases: u32) -> Option<(Vec<u32>, String)> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let schedules = prop::collection::vec(any::<u32>(), 0..200);
    let outcome = runner.run(&schedules, |schedule| play(rules, &schedule).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => None,
        Err(TestError::Fail(reason, schedule)) => Some((schedule, reason.to_string())),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn gc_loses_nothing_in_any_schedule() {
    if let Some((schedule, reason)) = search(ALL, 5_000) {
        panic!("{reason}: {schedule:?}");
    }
}

#[test]
fn gc_needs_every_one_of_its_rules() {
    let without = [
        ("generation", Rules { generation: false, ..ALL }),
        ("refs_again", Rules { refs_again: false, ..ALL }),
        ("needed_again", Rules { needed_again: false, ..ALL }),
        ("link_looks", Rules { link_looks: false, ..ALL }),
        ("xorbs_again", Rules { xorbs_again: false, ..ALL }),
        ("fresh_keys", Rules { fresh_keys: false, ..ALL }),
        ("row_first", Rules { row_first: false, ..ALL }),
        ("undos_kept", Rules { undos_kept: false, ..ALL }),
        ("undos_again", Rules { undos_again: false, ..ALL }),
        ("undo_looks", Rules { undo_looks: false, ..ALL }),
        ("deleted_again", Rules { deleted_again: false, ..ALL }),
        ("purged_stays", Rules { purged_stays: false, ..ALL }),
        ("quarantine", Rules { quarantine: false, ..ALL }),
        ("joined_alone", Rules { joined_alone: false, ..ALL }),
    ];
    for (name, rules) in without {
        let found = search(rules, 50_000);
        let (schedule, reason) = found.unwrap_or_else(|| panic!("without `{name}` nothing goes wrong"));
        println!("without `{name}`: {reason} after {} steps", schedule.len());
    }
}
