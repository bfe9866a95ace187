//! What must hold at any moment, and in the end.

use std::collections::BTreeSet;

use super::world::{Actor, Content, Deleted, Key, Repo, World};

impl World {
    /// What must hold at any moment.
    pub(super) fn check(&self) -> Result<(), String> {
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
    pub(super) fn settle(&mut self) -> Result<(), String> {
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
