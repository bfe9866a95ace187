//! What the hub does by itself: it collects, and joins packs.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{Actor, Branch, Content, Deleted, Key, Pack, Repo, Undo, World};

impl World {
    pub(super) fn unlink(&mut self, repo: Repo) -> Option<Actor> {
        let kept = if self.rules.undos_kept { self.undos_of(repo) } else { Vec::new() };
        (!self.deleted.contains_key(&repo)).then(|| Actor::UnlinkWalked(repo, self.branches(repo), kept))
    }

    pub(super) fn unlink_walked(&mut self, repo: Repo, seen: Vec<(Branch, BTreeSet<Content>)>, kept: Vec<Undo>) -> Option<Actor> {
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

    pub(super) fn purge(&mut self, repo: Repo) -> Option<Actor> {
        self.may_purge(repo).then_some(Actor::PurgeChosen(repo))
    }

    pub(super) fn purge_chosen(&mut self, repo: Repo) -> Option<Actor> {
        if self.rules.deleted_again && !self.may_purge(repo) {
            return None;
        }
        self.links.retain(|(of, _)| *of != repo);
        self.undos.retain(|undo| undo.repo != repo);
        self.deleted.entry(repo).and_modify(|state| *state = Deleted::Purged);
        None
    }

    pub(super) fn sweep_file(&mut self, content: Content) -> Option<Actor> {
        self.files.get(&content)?.condemned.then(|| {
            if let Some(nonce) = self.files[&content].plain.filter(|_| !self.rules.row_first) {
                self.doom(Key::Plain(content, nonce));
            }
            Actor::SweepFileChosen(content)
        })
    }

    pub(super) fn sweep_file_chosen(&mut self, content: Content) -> Option<Actor> {
        let row = *self.files.get(&content)?;
        if self.rules.needed_again && (!row.condemned || self.is_linked(content)) {
            return None;
        }
        self.files.remove(&content);
        row.plain.into_iter().for_each(|nonce| self.doom(Key::Plain(content, nonce)));
        None
    }

    pub(super) fn sweep_xorb(&mut self, content: Content) -> Option<Actor> {
        self.xorbs.get(&content)?.condemned.then_some(Actor::SweepXorbChosen(content))
    }

    pub(super) fn sweep_xorb_chosen(&mut self, content: Content) -> Option<Actor> {
        let row = *self.xorbs.get(&content)?;
        if self.rules.needed_again && (!row.condemned || row.leased || self.uses_xorb(content)) {
            return None;
        }
        self.xorbs.remove(&content);
        self.doom(Key::Xorb(content, row.nonce));
        None
    }

    pub(super) fn drop_plain(&mut self, content: Content) -> Option<Actor> {
        let row = self.files.get_mut(&content).filter(|row| row.in_chunks)?;
        let nonce = row.plain.take()?;
        self.doom(Key::Plain(content, nonce));
        None
    }

    pub(super) fn delete(&mut self) -> Option<Actor> {
        let may_go = |key: &&Key| !self.rules.quarantine || !self.is_read(key);
        self.doomed.iter().find(may_go).copied().map(Actor::DeleteSent)
    }

    /// The request may arrive late, and again.
    pub(super) fn delete_sent(&mut self, key: Key) -> Option<Actor> {
        self.store.remove(&key);
        self.doomed.remove(&key);
        None
    }

    pub(super) fn join(&mut self, repo: Repo) -> Option<Actor> {
        let seen = self.packs.get(&repo).filter(|packs| packs.len() > 1)?.clone();
        Some(Actor::JoinStored(repo, seen, self.store_pack()))
    }

    pub(super) fn join_stored(&mut self, repo: Repo, seen: BTreeMap<Pack, BTreeSet<Pack>>, joined: Pack) -> Option<Actor> {
        let packs = self.packs.entry(repo).or_default();
        let old: Vec<Pack> = match self.rules.joined_alone {
            true if !seen.keys().all(|pack| packs.contains_key(pack)) => return None,
            true => seen.keys().copied().collect(),
            false => packs.keys().copied().collect(),
        };
        packs.retain(|pack, _| !old.contains(pack));
        packs.insert(joined, seen.into_values().flatten().collect());
        // Copies may share them.
        let unshared: Vec<Pack> =
            old.into_iter().filter(|pack| !self.packs.values().any(|packs| packs.contains_key(pack))).collect();
        unshared.into_iter().for_each(|pack| self.doom(Key::Pack(pack)));
        None
    }

    /// Again, too: an upload may have come late.
    fn may_purge(&self, repo: Repo) -> bool {
        matches!(self.deleted.get(&repo), Some(Deleted::Expired | Deleted::Purged))
    }

    fn undos_of(&self, repo: Repo) -> Vec<Undo> {
        self.undos.iter().filter(|undo| undo.repo == repo && !undo.expired).cloned().collect()
    }

    fn is_read(&self, key: &Key) -> bool {
        self.actors.iter().any(|actor| matches!(actor, Actor::ReadFound(keys) if keys.contains(key)))
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

    pub(super) fn condemn(&mut self) {
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
}
