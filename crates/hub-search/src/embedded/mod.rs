//! The engine inside this process: tantivy for words, bitmaps in memory for all else.
//!
//! A folder has a lock, the file `current` that names the index in use, and the indexes, each in a folder of its own.
//! What is not named by `current` is left over from something that did not end, and is removed when the folder is opened.

mod bits;
mod columns;
mod counters;
mod counting;
mod dictionary;
mod docs;
mod facets;
mod filter;
mod generation;
mod heads;
mod lists;
mod matching;
mod names;
#[cfg(test)]
mod plain;
mod rank;
mod recent;
mod restore;
mod schema;
mod search;
mod segments;
mod snippet;
mod two;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use crate::{Change, Counters, Position, RepoDoc, SearchError, SearchQuery, SearchResults, Stats, SuggestQuery, Suggestion};
use generation::{FILLING, Generation, LIVE};

/// An index of this process, in a folder that no other process uses at the same time.
pub struct TantivyIndex {
    root: PathBuf,
    live: RwLock<Arc<Generation>>,
    /// Held while the index in use is changed or replaced.
    changing: Mutex<()>,
    /// Held for as long as the index is open; the system gives it back when the process ends.
    _lock: File,
}

impl TantivyIndex {
    /// Opens the index of a folder as it was last committed, or an empty one if there is none, it is damaged or of
    /// another version. [`Self::position`] is nothing then, and the index is to be rebuilt.
    ///
    /// Reads every document: seconds for a hundred thousand. Blocks.
    ///
    /// # Errors
    /// If another process has the folder, or it cannot be read or written.
    pub fn open(root: &Path) -> Result<Self, SearchError> {
        fs::create_dir_all(root)?;
        let lock = File::create(root.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SearchError::InUse(root.to_owned())),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let current = fs::read_to_string(root.join(CURRENT)).unwrap_or_default();
        let found = match number_of(&current) {
            Some(_) => Generation::open(&root.join(&current), LIVE)?,
            None => None,
        };
        let (name, live) = match found {
            Some(live) => (current, live),
            None => {
                let name = name_of(highest(root)? + 1);
                (name.clone(), Generation::create(&root.join(&name), LIVE)?)
            }
        };
        set_current(root, &name)?;
        remove_others(root, &name)?;
        Ok(Self { root: root.to_owned(), live: RwLock::new(Arc::new(live)), changing: Mutex::new(()), _lock: lock })
    }

    fn live(&self) -> Result<Arc<Generation>, SearchError> {
        Ok(Arc::clone(&*self.live.read().map_err(|_| SearchError::Broken)?))
    }

    /// Answers a query. Computes for milliseconds: not for an async thread.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn search(&self, query: &SearchQuery) -> Result<SearchResults, SearchError> {
        let live = self.live()?;
        search::search(&*live.state()?, &live.fields, query)
    }

    /// Repositories of each kind whose name goes on like what was typed, the most used first. Computes for
    /// milliseconds: not for an async thread.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn suggest(&self, query: &SuggestQuery) -> Result<Vec<Suggestion>, SearchError> {
        let live = self.live()?;
        search::suggest(&*live.state()?, &live.fields, query)
    }

    /// Carries out changes, in order, and commits them together with the position. After a crash the index is as some
    /// commit left it, with the position of that commit. Blocks; readers go on meanwhile.
    ///
    /// # Errors
    /// If the index cannot be written; it is then as before.
    pub fn apply(&self, changes: &[Change], position: Position) -> Result<(), SearchError> {
        let _changing = self.changing.lock().map_err(|_| SearchError::Broken)?;
        self.live()?.apply(changes, position)
    }

    /// Sets counters of documents, by key, without writing the documents anew. Keys that are not there are passed over.
    ///
    /// # Errors
    /// If they cannot be written down.
    pub fn update_counters(&self, counters: &[(i64, Counters)]) -> Result<(), SearchError> {
        let _changing = self.changing.lock().map_err(|_| SearchError::Broken)?;
        self.live()?.update_counters(counters)
    }

    /// How far the index has read; nothing if it was never filled.
    ///
    /// # Errors
    /// If the index failed before.
    pub fn position(&self) -> Result<Option<Position>, SearchError> {
        self.live()?.position()
    }

    /// Size and position.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn stats(&self) -> Result<Stats, SearchError> {
        self.live()?.stats()
    }

    /// Begins a fresh, empty index beside this one, which goes on being searched and changed.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn rebuild(self: Arc<Self>) -> Result<TantivyRebuild, SearchError> {
        let changing = self.changing.lock().map_err(|_| SearchError::Broken)?;
        let name = name_of(highest(&self.root)? + 1);
        let fresh = Generation::create(&self.root.join(&name), FILLING)?;
        fresh.discard(true);
        drop(changing);
        Ok(TantivyRebuild { index: self, name, fresh })
    }
}

/// An index that is being filled. Dropped before it is finished, it leaves nothing behind.
pub struct TantivyRebuild {
    index: Arc<TantivyIndex>,
    name: String,
    fresh: Generation,
}

impl TantivyRebuild {
    /// Adds documents. Blocks.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(&self, docs: &[RepoDoc]) -> Result<(), SearchError> {
        self.fresh.fill(docs)
    }

    /// Puts the fresh index in the place of the old one. `position` is the one that the outbox had before the first
    /// document was read: what happened since is to be applied again.
    ///
    /// # Errors
    /// If it cannot be written; the old index stays in use then.
    pub fn finish(self, position: Position) -> Result<(), SearchError> {
        self.fresh.finish_filling(position)?;
        self.fresh.resize(LIVE)?;
        let _changing = self.index.changing.lock().map_err(|_| SearchError::Broken)?;
        set_current(&self.index.root, &self.name)?;
        let mut live = self.index.live.write().map_err(|_| SearchError::Broken)?;
        self.fresh.discard(false);
        live.discard(true);
        *live = Arc::new(self.fresh);
        Ok(())
    }
}

const CURRENT: &str = "current";

fn name_of(number: u64) -> String {
    format!("index-{number}")
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("index-")?.parse().ok()
}

fn indexes(root: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(number_of) {
            found.push((number, entry.path()));
        }
    }
    Ok(found)
}

fn highest(root: &Path) -> io::Result<u64> {
    Ok(indexes(root)?.into_iter().map(|(number, _)| number).max().unwrap_or(0))
}

fn set_current(root: &Path, name: &str) -> io::Result<()> {
    let fresh = root.join("current.new");
    fs::write(&fresh, name)?;
    File::open(&fresh)?.sync_data()?;
    fs::rename(&fresh, root.join(CURRENT))
}

fn remove_others(root: &Path, name: &str) -> io::Result<()> {
    for (_, path) in indexes(root)? {
        if !path.ends_with(name) {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}
