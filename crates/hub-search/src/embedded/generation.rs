//! One index: a folder with the text index and the counters, and the columns in memory.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, directory::MmapDirectory};

use crate::{
    Change, Counters, Position, RepoDoc, SearchError, Stats,
    document::last_of_each,
    embedded::{
        columns::{Columns, kind_index},
        counters::CounterLog,
        matching::Found,
        restore::restore,
        schema::{Fields, VERSION},
        segments::Segments,
    },
};

/// How many changes reach the columns while readers wait.
const CHANGES_AT_ONCE: usize = 100;

/// How much memory and how many threads write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriterSize {
    pub(crate) threads: usize,
    /// For all threads.
    pub(crate) bytes: usize,
}

/// For changes as they come.
pub(crate) const LIVE: WriterSize = WriterSize { threads: 1, bytes: 48 << 20 };
/// For filling an index: larger parts need less merging.
pub(crate) const FILLING: WriterSize = WriterSize { threads: 2, bytes: 400 << 20 };

/// What readers see.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) columns: Columns,
    pub(crate) segments: Segments,
}

struct Writer {
    index: Index,
    /// Nothing only if it could not be opened anew.
    tantivy: Option<IndexWriter>,
    reader: IndexReader,
    log: CounterLog,
    next_ord: u32,
    position: Option<Position>,
}

/// What is written beside the text index with each commit.
#[derive(serde::Serialize, serde::Deserialize)]
struct Payload {
    version: u32,
    position: Option<Position>,
}

/// An open index.
pub(crate) struct Generation {
    folder: PathBuf,
    pub(crate) fields: Fields,
    writer: Mutex<Writer>,
    state: RwLock<State>,
    discarded: AtomicBool,
}

impl Generation {
    /// Makes an empty index in a folder that does not exist.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn create(folder: &Path, size: WriterSize) -> Result<Self, SearchError> {
        fs::create_dir_all(folder)?;
        let (schema, fields) = Fields::schema();
        let index = Index::create_in_dir(folder, schema)?;
        Self::with(folder, &index, fields, size)
    }

    /// Opens the index of a folder as its last commit left it; nothing if it is damaged or of another version.
    ///
    /// # Errors
    /// If the folder cannot be read for another reason.
    pub(crate) fn open(folder: &Path, size: WriterSize) -> Result<Option<Self>, SearchError> {
        if !folder.is_dir() {
            return Ok(None);
        }
        let (schema, fields) = Fields::schema();
        let Ok(index) = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from).and_then(Index::open) else {
            return Ok(None);
        };
        if index.schema() != schema {
            return Ok(None);
        }
        match Self::with(folder, &index, fields, size) {
            Ok(generation) => Ok(Some(generation)),
            Err(SearchError::Io(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    fn with(folder: &Path, index: &Index, fields: Fields, size: WriterSize) -> Result<Self, SearchError> {
        Fields::register(index);
        let position = match index.load_metas()?.payload {
            Some(payload) => {
                let payload: Payload = serde_json::from_str(&payload).map_err(|_| SearchError::Damaged)?;
                if payload.version != VERSION {
                    return Err(SearchError::Damaged);
                }
                payload.position
            }
            None => None,
        };
        let (log, counters) = CounterLog::open(folder)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let segments = Segments::open(&reader.searcher(), &fields, &HashMap::new())?;
        let columns = restore(&segments, &fields, &counters)?;
        let next_ord = u32::try_from(columns.ordinals()).map_err(|_| SearchError::Full)?;
        let tantivy = index.writer_with_num_threads(size.threads, size.bytes)?;
        Ok(Self {
            folder: folder.to_owned(),
            fields,
            writer: Mutex::new(Writer { index: index.clone(), tantivy: Some(tantivy), reader, log, next_ord, position }),
            state: RwLock::new(State { columns, segments }),
            discarded: AtomicBool::new(false),
        })
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, SearchError> {
        self.writer.lock().map_err(|_| SearchError::Broken)
    }

    /// What can be searched now.
    ///
    /// # Errors
    /// If a writer failed half-way.
    pub(crate) fn state(&self) -> Result<RwLockReadGuard<'_, State>, SearchError> {
        self.state.read().map_err(|_| SearchError::Broken)
    }

    /// The position of the last commit.
    ///
    /// # Errors
    /// If a writer failed half-way.
    pub(crate) fn position(&self) -> Result<Option<Position>, SearchError> {
        Ok(self.writer()?.position)
    }

    /// Carries out changes and commits them with the position. Either all of it is on disk then, or nothing.
    ///
    /// # Errors
    /// If the index cannot be written; it is then as before.
    pub(crate) fn apply(&self, changes: &[Change], position: Position) -> Result<(), SearchError> {
        let mut writer = self.writer()?;
        let last = last_of_each(changes);
        let planned = match self.write(&mut writer, &last, position) {
            Ok(planned) => planned,
            Err(error) => {
                writer.tantivy()?.rollback()?;
                return Err(error);
            }
        };
        writer.position = Some(position);
        for some in planned.chunks(CHANGES_AT_ONCE) {
            let mut state = self.state.write().map_err(|_| SearchError::Broken)?;
            for planned in some {
                match planned {
                    Planned::Put(ord, doc) => state.columns.put(*ord, doc)?,
                    Planned::Remove(pk) => state.columns.remove(*pk)?,
                }
            }
        }
        self.show(&writer)
    }

    /// Writes changes to disk, and says what they mean for the columns.
    fn write<'a>(
        &self,
        writer: &mut Writer,
        changes: &[&'a Change],
        position: Position,
    ) -> Result<Vec<Planned<'a>>, SearchError> {
        let mut planned = Vec::with_capacity(changes.len());
        for change in changes {
            match change {
                Change::Upsert(doc) if kind_index(doc.kind).is_some() => {
                    let known = self.state()?.columns.ord_of(doc.pk);
                    let ord = writer.ord(known)?;
                    writer.tantivy()?.delete_term(self.fields.key(doc.pk));
                    writer.tantivy()?.add_document(self.fields.document(ord, doc)?)?;
                    planned.push(Planned::Put(ord, doc));
                }
                Change::Upsert(doc) => {
                    writer.tantivy()?.delete_term(self.fields.key(doc.pk));
                    planned.push(Planned::Remove(doc.pk));
                }
                Change::Delete(pk) => {
                    writer.tantivy()?.delete_term(self.fields.key(*pk));
                    planned.push(Planned::Remove(*pk));
                }
            }
        }
        writer.log.append(planned.iter().filter_map(|planned| match planned {
            Planned::Put(_, doc) => Some((doc.pk, doc.counters)),
            Planned::Remove(_) => None,
        }))?;
        writer.commit(Some(position))?;
        Ok(planned)
    }

    /// Lets readers see what was committed.
    fn show(&self, writer: &Writer) -> Result<(), SearchError> {
        writer.reader.reload()?;
        let known = self.state()?.segments.kept();
        let segments = Segments::open(&writer.reader.searcher(), &self.fields, &known)?;
        self.state.write().map_err(|_| SearchError::Broken)?.segments = segments;
        Ok(())
    }

    /// Adds documents that are not in the index, without committing them. Readers see them after [`Self::finish_filling`].
    ///
    /// # Errors
    /// If the index cannot be written.
    pub(crate) fn fill(&self, docs: &[RepoDoc]) -> Result<(), SearchError> {
        let mut writer = self.writer()?;
        let mut state = self.state.write().map_err(|_| SearchError::Broken)?;
        let docs = docs.iter().filter(|doc| kind_index(doc.kind).is_some());
        for doc in docs.clone() {
            let known = state.columns.ord_of(doc.pk);
            if known.is_some() {
                writer.tantivy()?.delete_term(self.fields.key(doc.pk));
            }
            let ord = writer.ord(known)?;
            writer.tantivy()?.add_document(self.fields.document(ord, doc)?)?;
            state.columns.load(ord, doc)?;
        }
        Ok(writer.log.append(docs.map(|doc| (doc.pk, doc.counters)))?)
    }

    /// Commits what was filled in.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub(crate) fn finish_filling(&self, position: Position) -> Result<(), SearchError> {
        let mut writer = self.writer()?;
        writer.commit(Some(position))?;
        writer.position = Some(position);
        self.state.write().map_err(|_| SearchError::Broken)?.columns.finish_loading()?;
        self.show(&writer)
    }

    /// Goes on with a writer of another size.
    ///
    /// # Errors
    /// If it cannot be opened; nothing can be written then.
    pub(crate) fn resize(&self, size: WriterSize) -> Result<(), SearchError> {
        let mut writer = self.writer()?;
        // There can be only one at a time.
        writer.tantivy = None;
        writer.tantivy = Some(writer.index.writer_with_num_threads(size.threads, size.bytes)?);
        Ok(())
    }

    /// Sets counters, of those documents that there are.
    ///
    /// # Errors
    /// If they cannot be written down.
    pub(crate) fn update_counters(&self, counters: &[(i64, Counters)]) -> Result<(), SearchError> {
        let mut writer = self.writer()?;
        let known: Vec<(i64, Counters)> = {
            let state = self.state()?;
            counters.iter().filter(|(pk, _)| state.columns.ord_of(*pk).is_some()).copied().collect()
        };
        writer.log.append(known.iter().copied())?;
        for some in known.chunks(CHANGES_AT_ONCE * 10) {
            let mut state = self.state.write().map_err(|_| SearchError::Broken)?;
            for (pk, counters) in some {
                state.columns.set_counters(*pk, counters);
            }
        }
        Ok(())
    }

    /// Its size.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn stats(&self) -> Result<Stats, SearchError> {
        let position = self.position()?;
        let state = self.state()?;
        let kept: usize = state.segments.list.iter().map(|segment| segment.kept.memory_bytes()).sum();
        Ok(Stats {
            docs: state.columns.len() as u64,
            disk_bytes: disk_bytes(&self.folder)?,
            memory_bytes: state.columns.memory_bytes()
                + (kept + state.segments.recent_words.memory_bytes(Found::memory_bytes)) as u64,
            position,
        })
    }

    /// Whether to remove the folder when nobody uses the index any more.
    pub(crate) fn discard(&self, discarded: bool) {
        self.discarded.store(discarded, Ordering::Relaxed);
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.discarded.load(Ordering::Relaxed) {
            let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
            // What is left is removed when the index is opened the next time.
            writer.tantivy = None;
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Writer {
    fn tantivy(&mut self) -> Result<&mut IndexWriter, SearchError> {
        self.tantivy.as_mut().ok_or(SearchError::Broken)
    }

    fn ord(&mut self, known: Option<u32>) -> Result<u32, SearchError> {
        if let Some(ord) = known {
            return Ok(ord);
        }
        let ord = self.next_ord;
        self.next_ord = ord.checked_add(1).ok_or(SearchError::Full)?;
        Ok(ord)
    }

    fn commit(&mut self, position: Option<Position>) -> Result<(), SearchError> {
        self.log.sync()?;
        let payload = serde_json::to_string(&Payload { version: VERSION, position }).map_err(io::Error::from)?;
        let mut prepared = self.tantivy()?.prepare_commit()?;
        prepared.set_payload(&payload);
        prepared.commit()?;
        Ok(())
    }
}

/// What a change means for the columns.
enum Planned<'a> {
    Put(u32, &'a RepoDoc),
    Remove(i64),
}

fn disk_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        // Files come and go while parts are merged.
        bytes += entry?.metadata().map_or(0, |file| file.len());
    }
    Ok(bytes)
}
