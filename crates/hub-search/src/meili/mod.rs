//! The engine in another process: Meilisearch.
//!
//! Two indexes: the repositories, and how far each index has read. Meilisearch carries out tasks in order, and the
//! position is the last of a batch, so that it is never ahead of the documents.

mod document;
mod filter;
mod http;
mod search;

use std::time::Duration;

use hub_types::RepoType;
use meilisearch_sdk::{
    client::{Client, SwapIndexes},
    documents::DocumentsQuery,
    errors::{Error, ErrorCode},
    indexes::Index,
    search::{MatchingStrategies, SearchQuery as Query, Selectors},
    task_info::TaskInfo,
    tasks::Task,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Change, Counters, Position, RepoDoc, SearchError, SearchQuery, SearchResults, Stats, SuggestQuery, Suggestion};
use document::{CounterUpdate, MAX_BATCH};
use http::Http;

/// How long a task may take. Those before it in the queue count too.
const TASK_DEADLINE: Duration = Duration::from_secs(600);
const TASK_INTERVAL: Duration = Duration::from_millis(50);

/// An index in Meilisearch.
#[derive(Debug, Clone)]
pub struct MeiliIndex {
    client: Client<Http>,
    uid: String,
}

/// How far an index has read, as a document.
#[derive(Debug, Serialize, Deserialize)]
struct Read {
    index: String,
    position: Position,
}

impl MeiliIndex {
    /// Connects to the Meilisearch at `url` and sees to it that the index `uid` is there with its settings.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached, or refuses the key.
    pub async fn open(url: &str, key: Option<&str>, uid: &str) -> Result<Self, SearchError> {
        let http = Http::new(key)?;
        let client = Client::new_with_client(url.trim_end_matches('/'), key, http);
        let index = Self { client, uid: uid.to_owned() };
        index.prepare(&index.uid).await?;
        index.create(&index.positions_uid(), "index").await?;
        Ok(index)
    }

    fn index(&self) -> Index<Http> {
        self.client.index(&self.uid)
    }

    fn fresh_uid(&self) -> String {
        format!("{}-fresh", self.uid)
    }

    fn positions_uid(&self) -> String {
        format!("{}-positions", self.uid)
    }

    async fn prepare(&self, uid: &str) -> Result<(), SearchError> {
        self.create(uid, "pk").await?;
        self.done(self.client.index(uid).set_settings(&document::settings()).await?).await
    }

    async fn create(&self, uid: &str, key: &str) -> Result<(), SearchError> {
        let task = self.client.create_index(uid, Some(key)).await?;
        match self.client.wait_for_task(task, Some(TASK_INTERVAL), Some(TASK_DEADLINE)).await? {
            Task::Failed { content } if content.error.error_code != ErrorCode::IndexAlreadyExists => {
                Err(SearchError::Task(content.error.error_message))
            }
            _ => Ok(()),
        }
    }

    /// Waits until a task was carried out.
    async fn done(&self, task: TaskInfo) -> Result<(), SearchError> {
        match self.client.wait_for_task(task, Some(TASK_INTERVAL), Some(TASK_DEADLINE)).await? {
            Task::Succeeded { .. } => Ok(()),
            Task::Failed { content } => Err(SearchError::Task(content.error.error_message)),
            Task::Enqueued { .. } | Task::Processing { .. } => Err(Error::Timeout.into()),
        }
    }

    /// Answers a query.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn search(&self, query: &SearchQuery) -> Result<SearchResults, SearchError> {
        if !query.kind.has_git() {
            return Ok(SearchResults::default());
        }
        search::search(&self.client, &self.index(), query).await
    }

    /// Repositories of each kind that go on like what was typed, the best first.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn suggest(&self, query: &SuggestQuery) -> Result<Vec<Suggestion>, SearchError> {
        let text = search::words_of(&query.text);
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let index = self.index();
        let seen = filter::visible(&query.visible).map_or(String::new(), |seen| format!(" AND {seen}"));
        let filters = RepoType::WITH_GIT.map(|kind| format!("kind = {kind}{seen}"));
        let mut request = self.client.multi_search();
        for filter in &filters {
            let mut search = Query::new(&index);
            search
                .with_query(&text)
                .with_filter(filter)
                .with_limit(query.limit)
                .with_attributes_to_search_on(&["name", "id", "author"])
                .with_attributes_to_retrieve(Selectors::Some(&["pk", "id"]))
                .with_matching_strategy(MatchingStrategies::ALL)
                .with_index_uid();
            request.with_search_query(search.build());
        }
        let found = request.execute::<search::Document>().await?.results;
        let of_kind = RepoType::WITH_GIT.into_iter().zip(found);
        Ok(of_kind
            .flat_map(|(kind, found)| found.hits.into_iter().map(move |hit| (kind, hit.result)))
            .map(|(kind, doc)| Suggestion { pk: doc.pk, kind, id: doc.id })
            .collect())
    }

    /// Carries out changes, in order, then notes the position.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses. Some of the changes may have been carried out, but the position is as
    /// before; to repeat them harms nothing.
    pub async fn apply(&self, changes: &[Change], position: Position) -> Result<(), SearchError> {
        let (mut put, mut gone) = (Vec::new(), Vec::new());
        for change in crate::document::last_of_each(changes) {
            match change {
                Change::Upsert(doc) if doc.kind.has_git() => put.push(document::document(doc)),
                Change::Upsert(doc) => gone.push(doc.pk),
                Change::Delete(pk) => gone.push(*pk),
            }
        }
        if !gone.is_empty() {
            self.done(self.index().delete_documents(&gone).await?).await?;
        }
        self.put(&self.index(), &put).await?;
        self.note(position).await
    }

    async fn put(&self, index: &Index<Http>, documents: &[Value]) -> Result<(), SearchError> {
        for some in documents.chunks(MAX_BATCH) {
            self.done(index.add_or_replace(some, Some("pk")).await?).await?;
        }
        Ok(())
    }

    async fn note(&self, position: Position) -> Result<(), SearchError> {
        let read = Read { index: self.uid.clone(), position };
        let positions = self.client.index(self.positions_uid());
        self.done(positions.add_or_replace(&[read], Some("index")).await?).await
    }

    /// Sets counters of documents, by key. Keys that are not there are passed over.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn update_counters(&self, counters: &[(i64, Counters)]) -> Result<(), SearchError> {
        #[derive(Deserialize)]
        struct Key {
            pk: i64,
        }
        let index = self.index();
        for some in counters.chunks(MAX_BATCH) {
            // An update of a document that is not there would make one.
            let wanted: Vec<String> = some.iter().map(|(pk, _)| pk.to_string()).collect();
            let filter = format!("pk IN [{}]", wanted.join(", "));
            let mut known = DocumentsQuery::new(&index);
            known.with_filter(&filter).with_fields(["pk"]).with_limit(some.len());
            let known = index.get_documents_with::<Key>(&known).await?.results;
            let known: std::collections::HashSet<i64> = known.into_iter().map(|key| key.pk).collect();
            let updates = some.iter().filter(|(pk, _)| known.contains(pk)).map(|(pk, counters)| CounterUpdate::of(*pk, counters));
            let updates: Vec<CounterUpdate> = updates.collect();
            if !updates.is_empty() {
                self.done(index.add_or_update(&updates, Some("pk")).await?).await?;
            }
        }
        Ok(())
    }

    /// How far the index has read; nothing if it was never filled.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn position(&self) -> Result<Option<Position>, SearchError> {
        match self.client.index(self.positions_uid()).get_document::<Read>(&self.uid).await {
            Ok(read) => Ok(Some(read.position)),
            Err(Error::Meilisearch(error)) if error.error_code == ErrorCode::DocumentNotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Size and position. Meilisearch's memory is not known.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn stats(&self) -> Result<Stats, SearchError> {
        let stats = self.index().get_stats().await?;
        Ok(Stats {
            docs: stats.number_of_documents as u64,
            disk_bytes: stats.raw_document_db_size as u64,
            memory_bytes: 0,
            position: self.position().await?,
        })
    }

    /// Begins a fresh, empty index beside this one, which goes on being searched and changed.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn rebuild(&self) -> Result<MeiliRebuild, SearchError> {
        let uid = self.fresh_uid();
        self.prepare(&uid).await?;
        // What an earlier rebuild left that did not end.
        self.done(self.client.index(&uid).delete_all_documents().await?).await?;
        Ok(MeiliRebuild { index: self.clone() })
    }
}

/// An index that is being filled.
#[derive(Debug)]
pub struct MeiliRebuild {
    index: MeiliIndex,
}

impl MeiliRebuild {
    /// Adds documents.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn add(&self, docs: &[RepoDoc]) -> Result<(), SearchError> {
        let documents: Vec<Value> = docs.iter().filter(|doc| doc.kind.has_git()).map(document::document).collect();
        self.index.put(&self.index.client.index(self.index.fresh_uid()), &documents).await
    }

    /// Puts the fresh index in the place of the old one, which is deleted. `position` is the one that the outbox had
    /// before the first document was read: what happened since is to be applied again.
    ///
    /// # Errors
    /// If Meilisearch cannot be reached or refuses.
    pub async fn finish(self, position: Position) -> Result<(), SearchError> {
        let MeiliIndex { client, uid } = &self.index;
        let fresh = self.index.fresh_uid();
        // Backwards first: after a crash between the two, the new index would be taken to have read more than it has.
        self.index.note(position).await?;
        let swap = SwapIndexes { indexes: (uid.clone(), fresh.clone()), rename: None };
        self.index.done(client.swap_indexes([&swap]).await?).await?;
        self.index.done(client.index(fresh).delete().await?).await
    }
}
