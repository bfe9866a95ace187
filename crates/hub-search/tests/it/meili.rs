//! What is said to Meilisearch, against a conversation.
//!
//! No server could be had where these tests run. Instead the answers are fixed, in the form that Meilisearch 1.50 gives
//! them, and each request is checked against the fields that its routes accept: it refuses unknown ones, and so does this.
//! Whether Meilisearch finds and counts as it says is not tested here.

use std::{
    io::Write,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use hub_search::{
    Change, Clause, Counters, Facet, FacetRequest, MeiliIndex, Position, Rule, SearchError, SearchQuery, Snippets, Sort,
    SuggestQuery, Visible,
};
use hub_types::RepoType;
use serde_json::{Value, json};

use crate::{
    corpus::{model, upserts, with},
    protocol::{Request, check, read},
};

/// Answers as Meilisearch does, and keeps what it was asked.
#[derive(Clone)]
struct Conversation {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Conversation {
    /// `answer` is asked for what is not a task: whatever it does not know is a task that is enqueued. The task with the
    /// number `failing` fails.
    fn start(answer: impl Fn(&Request) -> Option<Value> + Send + 'static, failing: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&stream);
                let (status, reply) = reply(&request, kept.lock().unwrap().len(), failing, &answer);
                if !request.line.starts_with("GET /tasks/") {
                    kept.lock().unwrap().push(request);
                }
                let reply = reply.to_string();
                let head = format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nConnection: close\r\n");
                write!(stream, "{head}Content-Length: {}\r\n\r\n{reply}", reply.len()).unwrap();
            }
        });
        Self { url, requests }
    }

    async fn index(&self) -> MeiliIndex {
        // Both programs that use this crate install one at their start.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let index = MeiliIndex::open(&self.url, Some("a-key"), "repos").await.unwrap();
        self.take();
        index
    }

    fn take(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    fn lines(&self) -> Vec<String> {
        self.take().into_iter().map(|request| request.line).collect()
    }
}

fn reply(request: &Request, number: usize, failing: Option<usize>, answer: &impl Fn(&Request) -> Option<Value>) -> (u16, Value) {
    check(request);
    let when = "2026-11-01T10:00:00.000000Z";
    if let Some(task) = request.line.strip_prefix("GET /tasks/") {
        let task: usize = task.parse().unwrap();
        let mut reply = json!({
            "uid": task, "indexUid": "repos", "status": "succeeded", "type": "indexCreation", "canceledBy": null,
            "details": {"primaryKey": "pk"}, "error": null, "duration": "PT0.1S", "enqueuedAt": when, "startedAt": when,
            "finishedAt": when,
        });
        if failing == Some(task) {
            reply["status"] = "failed".into();
            reply["error"] = json!({
                "message": "no space left", "code": "no_space_left_on_device", "type": "system", "link": "https://docs",
            });
        }
        return (200, reply);
    }
    match answer(request) {
        Some(reply) => (200, reply),
        None if request.line.starts_with("GET ") => (
            404,
            json!({"message": "not found", "code": "document_not_found", "type": "invalid_request", "link": "https://docs"}),
        ),
        None => (
            202,
            json!({"taskUid": number, "indexUid": "repos", "status": "enqueued", "type": "indexCreation", "enqueuedAt": when}),
        ),
    }
}

fn nothing(_: &Request) -> Option<Value> {
    None
}

fn page(hits: Value) -> Value {
    json!({"indexUid": "repos", "hits": hits, "query": "", "processingTimeMs": 1, "limit": 30, "offset": 0, "estimatedTotalHits": 900})
}

fn count(total: usize, distribution: Value) -> Value {
    json!({
        "indexUid": "repos", "hits": [], "query": "", "processingTimeMs": 1, "page": 1, "hitsPerPage": 0, "totalPages": 0,
        "totalHits": total, "facetDistribution": distribution, "facetStats": {},
    })
}

#[tokio::test]
async fn opening_makes_both_indexes_with_their_settings() {
    let conversation = Conversation::start(nothing, None);
    let _ = rustls::crypto::ring::default_provider().install_default();
    MeiliIndex::open(&conversation.url, Some("a-key"), "repos").await.unwrap();
    let requests = conversation.take();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(lines, ["POST /indexes", "PATCH /indexes/repos/settings", "POST /indexes"]);
    let settings = &requests[1].body;
    assert_eq!(settings["pagination"]["maxTotalHits"], 100_000_000);
    assert_eq!(settings["faceting"]["sortFacetValuesBy"]["*"], "count");
    for facet in Facet::EVERY {
        assert!(settings["filterableAttributes"].as_array().unwrap().contains(&facet.as_str().into()), "{facet:?}");
    }
}

#[tokio::test]
async fn a_page_is_one_conversation_with_exact_counts() {
    let answer = |request: &Request| {
        let first = &request.body["queries"][0];
        (request.line == "POST /multi-search").then(|| match first["limit"].is_null() {
            // The question which of the chosen values exist.
            true => json!({"results": [count(7, json!({})), count(0, json!({}))]}),
            false => json!({"results": [
                page(json!([{"pk": 5, "id": "a/five", "_rankingScore": 0.75,
                    "_formatted": {"pk": "5", "card": "of \u{e000}bert\u{e001} and more"}}])),
                count(41, json!({"task": {"fill-mask": 30, "translation": 11}})),
                count(90, json!({"license": {"mit": 60, "other": 20, "x\u{2216}y": 10}})),
                count(60, json!({})),
                count(0, json!({})),
            ]}),
        })
    };
    let conversation = Conversation::start(answer, None);
    let index = conversation.index().await;
    let query = SearchQuery {
        text: "\"bert\" -large\0".to_owned(),
        sort: Sort::Relevance,
        clauses: vec![Clause { facet: Facet::License, rule: Rule::AnyOf, values: vec!["mit".to_owned(), "no\"ne".to_owned()] }],
        facets: vec![FacetRequest::top(Facet::Task, 1), FacetRequest::top(Facet::License, 3)],
        visible: Visible::PublicAnd(vec!["Ada".to_owned()]),
        snippets: Snippets::Card,
        ..SearchQuery::new(RepoType::Model)
    };
    let found = index.search(&query).await.unwrap();
    assert_eq!(found.total, 41);
    assert_eq!((found.hits[0].pk, found.hits[0].id.as_str(), found.hits[0].score.total()), (5, "a/five", 0.75));
    let snippet = found.hits[0].snippet.as_ref().unwrap();
    assert_eq!(snippet.text, "of bert and more");
    assert!(snippet.marks.iter().eq([&(3..7)]));
    let counts: Vec<Vec<(&str, u64, bool)>> = found
        .facets
        .iter()
        .map(|facet| facet.values.iter().map(|value| (value.value.as_str(), value.count, value.chosen)).collect())
        .collect();
    assert_eq!(
        counts,
        [vec![("fill-mask", 30, false)], vec![("mit", 60, true), ("other", 20, false), ("x\\y", 10, false), ("no\"ne", 0, true)]]
    );
    assert_eq!(found.unknown, [(Facet::License, "no\"ne".to_owned())]);
    let queries = conversation.take()[0].body["queries"].clone();
    let filters: Vec<&str> = queries.as_array().unwrap().iter().map(|query| query["filter"].as_str().unwrap()).collect();
    let seen = "kind = model AND (public = true OR audience IN [\"ada\"])";
    let chosen = "license IN [\"mit\", \"no\\\"ne\"]";
    assert_eq!(
        filters,
        [
            format!("{seen} AND {chosen}"),
            format!("{seen} AND {chosen}"),
            seen.to_owned(),
            format!("{seen} AND license = \"mit\""),
            format!("{seen} AND license = \"no\\\"ne\""),
        ]
    );
    assert_eq!(queries[0]["q"], "bert large", "quotes, minus signs and control characters are no operators here");
}

#[tokio::test]
async fn words_that_nothing_has_together_are_searched_for_one_by_one() {
    let answer = |request: &Request| {
        let total = usize::from(request.body["queries"][0]["matchingStrategy"] == "last");
        (request.line == "POST /multi-search").then(|| json!({"results": [page(json!([])), count(total, json!({}))]}))
    };
    let conversation = Conversation::start(answer, None);
    let index = conversation.index().await;
    let query = SearchQuery { text: "one two".to_owned(), ..SearchQuery::new(RepoType::Model) };
    let found = index.search(&query).await.unwrap();
    assert!(found.text.any_word && found.total == 1);
    let long = SearchQuery { text: "word ".repeat(2_000), ..SearchQuery::new(RepoType::Model) };
    assert!(index.search(&long).await.unwrap().text.truncated);
    assert!(conversation.take().pop().unwrap().body["queries"][0]["q"].as_str().unwrap().len() < 600);
}

#[tokio::test]
async fn changes_are_carried_out_before_the_position_is_noted() {
    let conversation = Conversation::start(nothing, None);
    let index = conversation.index().await;
    let mut changes = upserts([model(1, "a/one"), with(model(2, "A/two"), Facet::Tag, &["x\\y"])]);
    changes.extend([Change::Delete(3), Change::Delete(1)]);
    index.apply(&changes, Position(9)).await.unwrap();
    let requests = conversation.take();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /indexes/repos/documents/delete-batch",
            "POST /indexes/repos/documents?primaryKey=pk",
            "POST /indexes/repos-positions/documents?primaryKey=index",
        ]
    );
    assert_eq!(requests[0].body, json!([3, 1]));
    let document = &requests[1].body[0];
    assert_eq!((&document["pk"], &document["author"], &document["tag"]), (&2.into(), &"a".into(), &json!(["x\u{2216}y"])));
    assert!(document.get("parameters").is_none(), "a number that is not known does not exist");
    assert_eq!(requests[2].body, json!([{"index": "repos", "position": 9}]));
}

#[tokio::test]
async fn a_task_that_fails_leaves_the_position() {
    let conversation = Conversation::start(nothing, Some(0));
    let _ = rustls::crypto::ring::default_provider().install_default();
    assert!(matches!(MeiliIndex::open(&conversation.url, Some("a-key"), "repos").await, Err(SearchError::Task(_))));
    let conversation = Conversation::start(nothing, Some(1));
    let index = match MeiliIndex::open(&conversation.url, Some("a-key"), "repos").await {
        Err(SearchError::Task(reason)) => return assert_eq!(reason, "no space left"),
        Ok(index) => index,
        Err(other) => panic!("{other}"),
    };
    assert!(index.apply(&upserts([model(1, "a/one")]), Position(9)).await.is_err());
    assert!(!conversation.lines().iter().any(|line| line.contains("positions/documents")));
}

#[tokio::test]
async fn counters_reach_only_documents_that_are_there() {
    let answer = |request: &Request| {
        request.line.ends_with("/documents/fetch").then(|| json!({"results": [{"pk": 1}], "offset": 0, "limit": 2, "total": 1}))
    };
    let conversation = Conversation::start(answer, None);
    let index = conversation.index().await;
    let counters = Counters { trending: 0.5, downloads: 9, likes: 2 };
    index.update_counters(&[(1, counters), (2, counters)]).await.unwrap();
    let requests = conversation.take();
    assert_eq!(requests[0].body["filter"], "pk IN [1, 2]");
    assert_eq!(requests[1].line, "PUT /indexes/repos/documents?primaryKey=pk");
    assert_eq!((requests[1].body.as_array().unwrap().len(), &requests[1].body[0]["downloads"]), (1, &9.into()));
}

#[tokio::test]
async fn a_rebuild_fills_another_index_and_swaps() {
    let conversation = Conversation::start(nothing, None);
    let index = conversation.index().await;
    assert_eq!(index.position().await.unwrap(), None);
    let rebuild = index.rebuild().await.unwrap();
    rebuild.add(&[model(1, "a/one")]).await.unwrap();
    rebuild.finish(Position(3)).await.unwrap();
    let requests = conversation.take();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /indexes/repos-positions/documents/repos",
            "POST /indexes",
            "PATCH /indexes/repos-fresh/settings",
            "DELETE /indexes/repos-fresh/documents",
            "POST /indexes/repos-fresh/documents?primaryKey=pk",
            "POST /indexes/repos-positions/documents?primaryKey=index",
            "POST /swap-indexes",
            "DELETE /indexes/repos-fresh",
        ]
    );
    assert_eq!(requests[6].body, json!([{"indexes": ["repos", "repos-fresh"]}]));
}

#[tokio::test]
async fn suggestions_come_by_kind() {
    let answer = |request: &Request| {
        let hits = |pk: i64| page(json!([{"pk": pk, "id": format!("a/n{pk}")}]));
        (request.line == "POST /multi-search").then(|| json!({"results": [hits(1), hits(2), page(json!([]))]}))
    };
    let conversation = Conversation::start(answer, None);
    let index = conversation.index().await;
    let query = SuggestQuery { text: "n".to_owned(), visible: Visible::Public, limit: 3 };
    let kinds: Vec<(i64, RepoType)> =
        index.suggest(&query).await.unwrap().into_iter().map(|found| (found.pk, found.kind)).collect();
    assert_eq!(kinds, [(1, RepoType::Model), (2, RepoType::Dataset)]);
}
