//! What people do: they upload, commit, push, download, delete and undo.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{Actor, Branch, Content, Deleted, FileRow, Key, Nonce, Pack, Repo, Undo, World, XorbRow};

impl World {
    pub(super) fn upload(&mut self, repo: Repo, content: Content) -> Option<Actor> {
        let nonce = self.nonce();
        self.store.insert(Key::Plain(content, nonce));
        Some(Actor::UploadStored(repo, content, nonce))
    }

    pub(super) fn upload_stored(&mut self, repo: Repo, content: Content, nonce: Nonce) -> Option<Actor> {
        let row = self.files.entry(content).or_insert(FileRow { plain: None, in_chunks: false, condemned: false });
        row.condemned = false;
        if *row.plain.get_or_insert(nonce) != nonce {
            self.store.remove(&Key::Plain(content, nonce));
        }
        self.links.insert((repo, content));
        None
    }

    pub(super) fn commit(&mut self, repo: Repo, branch: Branch, content: Content) -> Option<Actor> {
        let generation = self.generation(repo);
        self.links.contains(&(repo, content)).then_some(Actor::CommitChecked(repo, branch, content, generation))
    }

    pub(super) fn commit_checked(&mut self, repo: Repo, branch: Branch, content: Content, generation: u32) -> Option<Actor> {
        if self.commits(repo, generation) {
            self.refs.entry((repo, branch)).or_default().insert(content);
        }
        None
    }

    pub(super) fn fork(&mut self, repo: Repo, from: Branch, to: Branch) -> Option<Actor> {
        let generation = self.generation(repo);
        let base = self.refs.get(&(repo, from))?.clone();
        Some(Actor::ForkRead(repo, to, base, generation))
    }

    pub(super) fn fork_read(&mut self, repo: Repo, to: Branch, base: BTreeSet<Content>, generation: u32) -> Option<Actor> {
        if self.commits(repo, generation) {
            let before = self.refs.insert((repo, to), base);
            self.note_undo(repo, to, before);
        }
        None
    }

    /// One transaction, in which the copy first gets packs and files, and then the refs.
    pub(super) fn copy(&mut self, from: Repo) -> Option<Actor> {
        if self.deleted.contains_key(&from) {
            return None;
        }
        let files = self.links.iter().filter(|(of, _)| *of == from).map(|(_, content)| *content).collect();
        let packs = self.packs.get(&from).cloned().unwrap_or_default();
        match self.rules.copied_at_once {
            true => self.copy_shared(from, files, packs),
            false => Some(Actor::CopyShared(from, files, packs)),
        }
    }

    pub(super) fn copy_shared(
        &mut self,
        from: Repo,
        files: BTreeSet<Content>,
        packs: BTreeMap<Pack, BTreeSet<Pack>>,
    ) -> Option<Actor> {
        let to = 1 - from;
        // What is gone already fails the transaction: rows refer to it.
        let is_there = files.iter().all(|content| self.files.contains_key(content))
            && packs.keys().all(|pack| self.packs.values().any(|packs| packs.contains_key(pack)));
        if !is_there || !self.is_free(to) {
            return None;
        }
        self.begin_anew(to);
        self.links.extend(files.into_iter().map(|content| (to, content)));
        self.packs.entry(to).or_default().extend(packs);
        let pushed: Vec<Pack> = self.pushed.iter().filter(|(of, _)| *of == from).map(|(_, commit)| *commit).collect();
        self.pushed.extend(pushed.into_iter().map(|commit| (to, commit)));
        let branches: Vec<(Branch, BTreeSet<Content>)> =
            self.refs.iter().filter(|((of, _), _)| *of == from).map(|((_, branch), named)| (*branch, named.clone())).collect();
        self.refs.extend(branches.into_iter().map(|(branch, named)| ((to, branch), named)));
        None
    }

    /// Whether a copy finds nothing in its place: a repository was purged there, or none has ever had anything.
    fn is_free(&self, repo: Repo) -> bool {
        let has_nothing = !self.refs.keys().any(|(of, _)| *of == repo)
            && !self.links.iter().any(|(of, _)| *of == repo)
            && !self.undos.iter().any(|undo| undo.repo == repo)
            && !self.pushed.iter().any(|(of, _)| *of == repo);
        match self.deleted.get(&repo) {
            Some(Deleted::Purged) => true,
            Some(Deleted::Restorable | Deleted::Expired) => false,
            None => has_nothing,
        }
    }

    pub(super) fn reuse(&mut self, repo: Repo, content: Content) -> Option<Actor> {
        self.links.contains(&(1 - repo, content)).then_some(Actor::ReuseFound(repo, content))
    }

    pub(super) fn reuse_found(&mut self, repo: Repo, content: Content) -> Option<Actor> {
        let row = self.files.get_mut(&content);
        if row.is_some() || !self.rules.link_looks {
            row.into_iter().for_each(|row| row.condemned = false);
            self.links.insert((repo, content));
        }
        None
    }

    pub(super) fn batch(&mut self, repo: Repo, content: Content) -> Option<Actor> {
        if self.links.contains(&(repo, content)) && !self.deleted.contains_key(&repo) {
            self.refs.entry((repo, 1)).or_default().insert(content);
        }
        None
    }

    pub(super) fn push(&mut self, repo: Repo) -> Option<Actor> {
        Some(Actor::PushStored(repo, self.store_pack()))
    }

    pub(super) fn push_stored(&mut self, repo: Repo, pack: Pack) -> Option<Actor> {
        self.packs.entry(repo).or_default().insert(pack, BTreeSet::from([pack]));
        self.pushed.insert((repo, pack));
        None
    }

    pub(super) fn read(&mut self, repo: Repo, content: Content, whole: bool) -> Option<Actor> {
        let row = self.files.get(&content).filter(|_| self.links.contains(&(repo, content)))?;
        let plain = row.plain.filter(|_| whole || !row.in_chunks).map(|nonce| Key::Plain(content, nonce));
        let key = plain.or_else(|| Some(Key::Xorb(content, self.xorbs.get(&content)?.nonce)))?;
        Some(Actor::ReadFound(vec![key]))
    }

    pub(super) fn clone_packs(&mut self, repo: Repo) -> Option<Actor> {
        Some(Actor::ReadFound(self.packs.get(&repo)?.keys().map(|pack| Key::Pack(*pack)).collect()))
    }

    pub(super) fn read_found(&mut self, keys: Vec<Key>) -> Option<Actor> {
        self.broken = self.broken.or(keys.into_iter().find(|key| !self.store.contains(key)));
        None
    }

    pub(super) fn shard(&mut self, repo: Repo, content: Content) -> Option<Actor> {
        match self.hold_xorb(content) {
            true => Some(Actor::ShardXorbKnown(repo, content)),
            false => {
                let nonce = self.nonce();
                self.store.insert(Key::Xorb(content, nonce));
                Some(Actor::ShardXorbStored(repo, content, nonce))
            }
        }
    }

    pub(super) fn shard_xorb_stored(&mut self, repo: Repo, content: Content, nonce: Nonce) -> Option<Actor> {
        self.insert_xorb(content, nonce);
        Some(Actor::ShardXorbKnown(repo, content))
    }

    pub(super) fn shard_xorb_known(&mut self, repo: Repo, content: Content) -> Option<Actor> {
        if self.insert_file(content) {
            self.links.insert((repo, content));
        }
        None
    }

    pub(super) fn convert(&mut self, content: Content) -> Option<Actor> {
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

    pub(super) fn convert_xorb_known(&mut self, content: Content) -> Option<Actor> {
        self.insert_file(content);
        None
    }

    pub(super) fn undo(&mut self, repo: Repo, which: usize) -> Option<Actor> {
        let generation = self.generation(repo);
        let undo = self.undos.iter().filter(|undo| undo.repo == repo).nth(which)?.clone();
        let is_held = undo.named.iter().all(|content| self.links.contains(&(repo, *content)));
        (is_held || !self.rules.undo_looks).then_some(Actor::UndoRead(undo, generation))
    }

    pub(super) fn undo_read(&mut self, undo: Undo, generation: u32) -> Option<Actor> {
        // One that somebody else undid meanwhile is not there any more.
        let at = self.undos.iter().position(|there| there.repo == undo.repo && there.named == undo.named)?;
        if self.commits(undo.repo, generation) {
            self.undos.remove(at);
            let before = self.refs.insert((undo.repo, undo.branch), undo.named);
            self.note_undo(undo.repo, undo.branch, before);
        }
        None
    }

    /// One transaction: a deleted repository takes none.
    pub(super) fn delete_branch(&mut self, repo: Repo, branch: Branch) {
        if !self.deleted.contains_key(&repo) {
            let named = self.refs.remove(&(repo, branch));
            self.note_undo(repo, branch, named);
        }
    }

    fn note_undo(&mut self, repo: Repo, branch: Branch, named: Option<BTreeSet<Content>>) {
        self.undos.extend(named.map(|named| Undo { repo, branch, named, expired: false }));
    }

    pub(super) fn delete_or_restore(&mut self, repo: Repo) {
        match self.deleted.get(&repo) {
            None => drop(self.deleted.insert(repo, Deleted::Restorable)),
            // Another one takes its place. What was prepared for the old one is not for it.
            Some(Deleted::Purged) if self.rules.purged_stays => self.begin_anew(repo),
            // Also after its time, as long as it has not been purged: the setting may have been raised.
            Some(_) => drop(self.deleted.remove(&repo)),
        }
    }

    /// A new repository takes the place of an old one.
    fn begin_anew(&mut self, repo: Repo) {
        self.refs.retain(|(of, _), _| *of != repo);
        self.deleted.remove(&repo);
        *self.generations.entry(repo).or_default() += 1;
    }

    fn nonce(&mut self) -> Nonce {
        self.last_nonce += u32::from(self.rules.fresh_keys);
        self.last_nonce
    }

    fn generation(&self, repo: Repo) -> u32 {
        self.generations.get(&repo).copied().unwrap_or_default()
    }

    /// Whether the commit point takes what was prepared under a generation.
    fn commits(&self, repo: Repo, generation: u32) -> bool {
        !self.deleted.contains_key(&repo) && (!self.rules.generation || generation == self.generation(repo))
    }

    pub(super) fn store_pack(&mut self) -> Pack {
        self.last_pack += 1;
        self.store.insert(Key::Pack(self.last_pack));
        self.last_pack
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
}
