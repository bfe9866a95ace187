//! Opening an index: from the documents of the text index to the columns.

use std::{
    collections::HashMap,
    mem,
    sync::mpsc::{self, SyncSender},
    thread,
};

use tantivy::TantivyDocument;

use crate::{
    Counters, RepoDoc, SearchError,
    embedded::{
        columns::Columns,
        schema::Fields,
        segments::{Segment, Segments},
    },
};

/// How many documents are handed over at once, and how many such batches may wait.
const READ_AT_ONCE: usize = 500;
const READ_AHEAD: usize = 8;

/// The columns of all documents of the text index, with their counters as they were last. One thread reads the documents,
/// another puts them in.
///
/// # Errors
/// If the index is damaged or cannot be read.
pub(crate) fn restore(segments: &Segments, fields: &Fields, counters: &HashMap<i64, Counters>) -> Result<Columns, SearchError> {
    let mut columns = Columns::default();
    thread::scope(|scope| {
        let (send, received) = mpsc::sync_channel(READ_AHEAD);
        let reading = scope.spawn(move || segments.list.iter().try_for_each(|segment| read(segment, fields, counters, &send)));
        for (ord, doc) in received.into_iter().flatten() {
            columns.load(ord, &doc)?;
        }
        reading.join().map_err(|_| SearchError::Damaged)?
    })?;
    columns.finish_loading()?;
    Ok(columns)
}

/// Sends the documents of a segment with their ordinals, some at once.
fn read(
    segment: &Segment,
    fields: &Fields,
    counters: &HashMap<i64, Counters>,
    send: &SyncSender<Vec<(u32, RepoDoc)>>,
) -> Result<(), SearchError> {
    let store = segment.reader.get_store_reader(1)?;
    let alive = segment.reader.alive_bitset();
    let mut ords = segment.kept.ords.iter().zip(0..).filter(|(_, doc)| alive.is_none_or(|alive| alive.is_alive(*doc)));
    let mut some = Vec::with_capacity(READ_AT_ONCE);
    for document in store.iter::<TantivyDocument>(alive) {
        let (ord, _) = ords.next().ok_or(SearchError::Damaged)?;
        let mut doc = fields.stored(&document?)?;
        if let Some(counters) = counters.get(&doc.pk) {
            doc.counters = *counters;
        }
        some.push((*ord, doc));
        // Nobody receives any more only if something else has failed, which is told there.
        if some.len() == READ_AT_ONCE && send.send(mem::replace(&mut some, Vec::with_capacity(READ_AT_ONCE))).is_err() {
            return Ok(());
        }
    }
    let _ = send.send(some);
    Ok(())
}
