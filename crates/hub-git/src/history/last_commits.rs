use std::collections::{HashMap, HashSet};
use std::time::Instant;

use git2::{ObjectType, Odb};
use hub_types::Oid;

use super::{Queue, missing_parent};
use crate::diff::differing;
use crate::object::{CommitLinks, MODE_FOLDER, rows};
use crate::reader::{GitReader, find, read};
use crate::{Error, Result};

type Names = HashSet<Vec<u8>>;

/// What spares [`GitReader::last_commits`] work.
pub struct LastCommitsHelp<'a> {
    /// What was found before for the same folder of a commit. With the commit before known, only what the newest
    /// changed is looked at.
    pub known: &'a dyn Fn(Oid) -> Option<HashMap<String, Oid>>,
    /// When to give up: what is not found then is left out.
    pub until: Option<Instant>,
}

/// A commit that has been reached, with the names whose history leads through it: its folder has them as the
/// commit has them where the walk started.
struct Reached {
    links: CommitLinks,
    folder: Oid,
    names: Names,
}

impl GitReader {
    /// For each entry of a folder, the commit that last changed it: what
    /// `git log -1 -- path` gives, in one walk for all of them that ends when the last is found.
    ///
    /// # Errors
    /// [`Error::EntryNotFound`] when the commit has no such folder.
    pub fn last_commits(&self, commit: Oid, path: &str, help: &LastCommitsHelp<'_>) -> Result<HashMap<String, Oid>> {
        let odb = self.odb()?;
        let folder = self.folder(&odb, commit, path)?;
        let start = folder_names(&odb, folder)?;
        let links = self.links(&odb, commit)?;
        let mut walk =
            Walk { reader: self, odb: &odb, path, queue: Queue::default(), reached: HashMap::new(), found: HashMap::new() };
        walk.queue.push(links.time, commit);
        walk.reached.insert(commit, Reached { links, folder, names: start });
        while let Some(oid) = walk.queue.pop() {
            if help.until.is_some_and(|until| Instant::now() > until) {
                break;
            }
            // A commit can be queued again by a child with a wrong clock; then its names are gone already.
            if let Some(mut reached) = walk.reached.remove(&oid) {
                walk.recall((help.known)(oid).unwrap_or_default(), &mut reached.names);
                walk.step(oid, reached)?;
            }
        }
        Ok(walk.found)
    }
}

struct Walk<'a> {
    reader: &'a GitReader,
    odb: &'a Odb<'a>,
    path: &'a str,
    queue: Queue,
    reached: HashMap<Oid, Reached>,
    found: HashMap<String, Oid>,
}

impl Walk<'_> {
    /// Takes what was found before. Names that are not among it are still to be found.
    fn recall(&mut self, mut known: HashMap<String, Oid>, names: &mut Names) {
        if !known.is_empty() {
            let found = &mut self.found;
            names.retain(|name| {
                let recalled = std::str::from_utf8(name).ok().and_then(|name| known.remove_entry(name));
                let is_open = recalled.is_none();
                found.extend(recalled);
                is_open
            });
        }
    }

    /// Hands each name on to the first parent that has the same; what no parent has, this commit changed.
    fn step(&mut self, oid: Oid, mut reached: Reached) -> Result<()> {
        for parent in std::mem::take(&mut reached.links.parents) {
            if reached.names.is_empty() {
                return Ok(());
            }
            let links = self.reader.links(self.odb, parent).map_err(|error| missing_parent(error, parent))?;
            let folder = if links.tree == reached.links.tree { Some(reached.folder) } else { self.folder(links.tree)? };
            let Some(folder) = folder else { continue };
            let same = self.split_same(reached.folder, folder, &mut reached.names)?;
            if same.is_empty() {
                continue;
            }
            self.queue.push(links.time, parent);
            match self.reached.get_mut(&parent) {
                Some(other) => other.names.extend(same),
                None => drop(self.reached.insert(parent, Reached { links, folder, names: same })),
            }
        }
        let changed = reached.names.into_iter().filter_map(|name| String::from_utf8(name).ok());
        self.found.extend(changed.map(|name| (name, oid)));
        Ok(())
    }

    fn folder(&self, root: Oid) -> Result<Option<Oid>> {
        let found = find(self.odb, root, self.path)?;
        Ok(found.filter(|(mode, _)| *mode == MODE_FOLDER).map(|(_, tree)| tree))
    }

    /// Takes out the names that are alike in both trees. Costs a pass over the trees and a look at what differs,
    /// however many names there are.
    fn split_same(&self, here: Oid, there: Oid, names: &mut Names) -> Result<Names> {
        let mut same = std::mem::take(names);
        if here == there {
            return Ok(same);
        }
        let (here_data, there_data) = (read(self.odb, here, ObjectType::Tree)?, read(self.odb, there, ObjectType::Tree)?);
        differing(rows(here, here_data.data()), rows(there, there_data.data()), |here, _| {
            if let Some(name) = here.and_then(|row| same.take(row.name)) {
                names.insert(name);
            }
            Ok(true)
        })?;
        Ok(same)
    }
}

fn folder_names(odb: &Odb<'_>, tree: Oid) -> Result<Names, Error> {
    let object = read(odb, tree, ObjectType::Tree)?;
    rows(tree, object.data()).map(|row| row.map(|row| row.name.to_vec())).collect()
}
