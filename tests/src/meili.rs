//! A stand-in for Meilisearch: keeps documents in memory and answers in the form that version 1.50 does. It refuses what Meilisearch
//! does not take. How well it finds says nothing of Meilisearch, of which no package holds a binary.

mod filter;
#[path = "../../crates/hub-search/tests/it/protocol.rs"]
mod protocol;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use self::protocol::Request;

/// The key that it asks for.
const KEY: &str = "a-key";
/// The fields that are searched when none are named.
const SEARCHED: [&str; 6] = ["name", "id", "owner_name", "author", "tag", "card"];

/// A Meilisearch of a test's own.
#[derive(Debug)]
pub struct Meili {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    indexes: BTreeMap<String, Index>,
    tasks: Vec<Outcome>,
    is_down: bool,
    holds_swaps: bool,
}

#[derive(Debug, Default)]
struct Index {
    key: String,
    documents: BTreeMap<String, Value>,
}

/// What became of a task.
#[derive(Debug)]
enum Outcome {
    Done,
    Failed(&'static str),
    /// A swap that has not happened yet.
    Held(Value),
}

impl Meili {
    /// Starts one without any index.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let state: Arc<Mutex<State>> = Arc::default();
        let kept = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&kept);
                std::thread::spawn(move || answer(stream, &state));
            }
        });
        Self { url, state }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that it asks for.
    pub fn key(&self) -> &'static str {
        KEY
    }

    /// From now on connections break off, or are answered again.
    pub fn set_down(&self, is_down: bool) {
        lock(&self.state).is_down = is_down;
    }

    /// From now on indexes wait before they change places.
    pub fn hold_swaps(&self) {
        lock(&self.state).holds_swaps = true;
    }

    /// Whether indexes wait for it.
    pub fn has_held(&self) -> bool {
        lock(&self.state).tasks.iter().any(|task| matches!(task, Outcome::Held(_)))
    }

    /// Lets indexes that wait, and all later ones, change places.
    pub fn release_swaps(&self) {
        let mut state = lock(&self.state);
        state.holds_swaps = false;
        for number in 0..state.tasks.len() {
            if matches!(state.tasks[number], Outcome::Held(_))
                && let Outcome::Held(body) = std::mem::replace(&mut state.tasks[number], Outcome::Done)
            {
                state.swap(&body);
            }
        }
    }

    /// The indexes that are there, each with the number of its documents.
    pub fn indexes(&self) -> Vec<(String, usize)> {
        let state = lock(&self.state);
        state.indexes.iter().map(|(uid, index)| (uid.clone(), index.documents.len())).collect()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    if lock(state).is_down {
        return;
    }
    let request = protocol::read(&stream);
    protocol::check(&request);
    let (status, reply) = lock(state).reply(&request);
    let reply = reply.to_string();
    let head = format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nConnection: close\r\n");
    // Who asked may be gone.
    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{reply}", reply.len());
}

/// The values of a field as texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

fn text(value: &Value) -> String {
    texts(value).pop().unwrap_or_default()
}

impl State {
    fn reply(&mut self, request: &Request) -> (u16, Value) {
        let (method, address) = request.line.split_once(' ').expect("a method and an address");
        let path = address.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["tasks", number]) => (200, self.task(number.parse().expect("a number"))),
            ("POST", ["multi-search"]) => {
                let queries = request.body["queries"].as_array().expect("queries");
                (200, json!({ "results": queries.iter().map(|query| self.search(query)).collect::<Vec<_>>() }))
            }
            ("GET", ["indexes", uid, "documents", key]) => {
                match self.indexes.get(*uid).and_then(|index| index.documents.get(*key)) {
                    Some(document) => (200, document.clone()),
                    None => (404, error("document_not_found")),
                }
            }
            ("POST", ["indexes", uid, "documents", "fetch"]) => {
                let wanted = request.body["filter"].as_str().expect("a filter");
                let documents = self.indexes[*uid].documents.values().filter(|document| filter::holds(wanted, document));
                let found: Vec<&Value> = documents.collect();
                (200, json!({ "results": found, "offset": 0, "limit": found.len(), "total": found.len() }))
            }
            (method, parts) => {
                let outcome = self.carry_out(method, parts, &request.body);
                self.tasks.push(outcome);
                let number = self.tasks.len() - 1;
                let when = "2026-11-01T10:00:00.000000Z";
                let task = json!({
                    "taskUid": number, "indexUid": "repos", "status": "enqueued", "type": "indexCreation", "enqueuedAt": when,
                });
                (202, task)
            }
        }
    }

    fn task(&self, number: usize) -> Value {
        let when = "2026-11-01T10:00:00.000000Z";
        let mut task = json!({
            "uid": number, "indexUid": "repos", "status": "succeeded", "type": "indexCreation", "canceledBy": null,
            "details": {"primaryKey": "pk"}, "error": null, "duration": "PT0.1S", "enqueuedAt": when, "startedAt": when,
            "finishedAt": when,
        });
        match &self.tasks[number] {
            Outcome::Done => {}
            Outcome::Failed(code) => {
                task["status"] = "failed".into();
                task["error"] = error(code);
            }
            Outcome::Held(_) => {
                task["status"] = "processing".into();
                task["duration"] = Value::Null;
                task["finishedAt"] = Value::Null;
            }
        }
        task
    }

    fn carry_out(&mut self, method: &str, parts: &[&str], body: &Value) -> Outcome {
        match (method, parts) {
            ("POST", ["indexes"]) => {
                let uid = text(&body["uid"]);
                if self.indexes.contains_key(&uid) {
                    return Outcome::Failed("index_already_exists");
                }
                self.indexes.insert(uid, Index { key: text(&body["primaryKey"]), ..Index::default() });
            }
            ("PATCH", ["indexes", uid, "settings"]) => assert!(self.indexes.contains_key(*uid), "{uid} is not there"),
            ("DELETE", ["indexes", uid]) => _ = self.indexes.remove(*uid),
            ("DELETE", ["indexes", uid, "documents"]) => self.index(uid).documents.clear(),
            ("POST", ["indexes", uid, "documents", "delete-batch"]) => {
                let index = self.index(uid);
                texts(body).iter().for_each(|key| _ = index.documents.remove(key));
            }
            ("POST" | "PUT", ["indexes", uid, "documents"]) => self.index(uid).put(body, method == "PUT"),
            ("POST", ["swap-indexes"]) if self.holds_swaps => return Outcome::Held(body.clone()),
            ("POST", ["swap-indexes"]) => self.swap(body),
            _ => panic!("{method} {parts:?} is not known here"),
        }
        Outcome::Done
    }

    fn index(&mut self, uid: &str) -> &mut Index {
        self.indexes.get_mut(uid).expect("the index is there")
    }

    fn swap(&mut self, body: &Value) {
        let names = texts(&body[0]["indexes"]);
        let [one, other] = names.as_slice() else { panic!("two indexes change places: {body}") };
        let (first, second) = (self.indexes.remove(one), self.indexes.remove(other));
        self.indexes.insert(one.clone(), second.expect("the second is there"));
        self.indexes.insert(other.clone(), first.expect("the first is there"));
    }

    /// One search: a page of hits, or an exact total with counts.
    fn search(&self, query: &Value) -> Value {
        let uid = text(&query["indexUid"]);
        let words: Vec<String> = text(&query["q"]).to_lowercase().split_whitespace().map(str::to_owned).collect();
        let needed = if query["matchingStrategy"] == "last" { words.len().min(1) } else { words.len() };
        let mut searched = texts(&query["attributesToSearchOn"]);
        if searched.is_empty() {
            searched = SEARCHED.map(str::to_owned).to_vec();
        }
        let wanted = text(&query["filter"]);
        let fits = |document: &&Value| {
            filter::holds(&wanted, document) && words.iter().take(needed).all(|word| has_word(document, &searched, word))
        };
        let found: Vec<&Value> = self.indexes[&uid].documents.values().filter(fits).collect();
        if query["hitsPerPage"].is_null() { page(query, &uid, &words, found) } else { counts(query, &uid, &found) }
    }
}

impl Index {
    fn put(&mut self, documents: &Value, merges: bool) {
        for document in documents.as_array().expect("documents") {
            let key = text(&document[self.key.as_str()]);
            assert!(!key.is_empty(), "a document has its key: {document}");
            if merges && let (Some(Value::Object(known)), Value::Object(new)) = (self.documents.get_mut(&key), document) {
                known.extend(new.clone());
            } else {
                self.documents.insert(key, document.clone());
            }
        }
    }
}

fn error(code: &str) -> Value {
    json!({ "message": code, "code": code, "type": "invalid_request", "link": "https://docs" })
}

/// Whether a word of some fields begins with this one.
fn has_word(document: &Value, fields: &[String], word: &str) -> bool {
    fields.iter().flat_map(|field| texts(&document[field.as_str()])).any(|text| {
        let text = text.to_lowercase();
        text.split(|letter: char| !letter.is_alphanumeric()).any(|found| found.starts_with(word))
    })
}

/// How well a document fits, 0 to 1: what has the words in its name comes first.
fn score(document: &Value, words: &[String]) -> f64 {
    let name = ["name".to_owned()];
    let all = words.iter().all(|word| has_word(document, &name, word));
    if all { 1.0 } else { 0.5 }
}

fn number(document: &Value, field: &str) -> Option<f64> {
    document[field].as_f64()
}

fn page(query: &Value, uid: &str, words: &[String], mut found: Vec<&Value>) -> Value {
    let orders = texts(&query["sort"]);
    found.sort_by(|one, other| {
        let mut by_field = orders.iter().map(|order| {
            let (field, direction) = order.split_once(':').expect("a field and a direction");
            match (number(one, field), number(other, field)) {
                (Some(one), Some(other)) if direction == "desc" => other.total_cmp(&one),
                (Some(one), Some(other)) => one.total_cmp(&other),
                // Without the number they come last, either way.
                (one, other) => other.is_some().cmp(&one.is_some()),
            }
        });
        let by_words = || score(other, words).total_cmp(&score(one, words));
        let by_use = || number(other, "popularity").unwrap_or(0.0).total_cmp(&number(one, "popularity").unwrap_or(0.0));
        let first = by_field.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        first.then_with(by_words).then_with(by_use)
    });
    let at = |key: &str, otherwise: u64| usize::try_from(query[key].as_u64().unwrap_or(otherwise)).expect("a place");
    let shown = found.iter().skip(at("offset", 0)).take(at("limit", 20));
    let hits: Vec<Value> = shown.map(|document| hit(query, words, document)).collect();
    json!({
        "indexUid": uid, "hits": hits, "query": text(&query["q"]), "processingTimeMs": 1, "limit": at("limit", 20),
        "offset": at("offset", 0), "estimatedTotalHits": found.len(),
    })
}

fn hit(query: &Value, words: &[String], document: &Value) -> Value {
    let mut hit = json!({ "pk": document["pk"], "id": document["id"], "_rankingScore": score(document, words) });
    if let (Some(begin), Some(end)) = (query["highlightPreTag"].as_str(), query["highlightPostTag"].as_str()) {
        let mut card = text(&document["card"]);
        for word in words {
            if let Some(start) = card.to_ascii_lowercase().find(word.as_str()) {
                card = format!("{}{begin}{word}{end}{}", &card[..start], &card[start + word.len()..]);
            }
        }
        hit["_formatted"] = json!({ "pk": text(&document["pk"]), "card": card });
    }
    hit
}

fn counts(query: &Value, uid: &str, found: &[&Value]) -> Value {
    let mut distribution = Map::new();
    for facet in texts(&query["facets"]) {
        let mut values: BTreeMap<String, u64> = BTreeMap::new();
        for value in found.iter().flat_map(|document| texts(&document[facet.as_str()])) {
            *values.entry(value).or_default() += 1;
        }
        distribution.insert(facet, json!(values));
    }
    json!({
        "indexUid": uid, "hits": [], "query": text(&query["q"]), "processingTimeMs": 1, "page": 1, "hitsPerPage": 0, "totalPages": 0,
        "totalHits": found.len(), "facetDistribution": distribution, "facetStats": {},
    })
}
