//! How fast an index is filled and searched, and how large it is, with invented repositories.
//!
//!     cargo bench -p hub-search --bench scale -- 10000 100000 1000000
//!
//! Each number of documents is measured in a folder of its own, which is removed. Times are of one thread. Every query
//! but the quick search comes with the counts of all facets of a list page.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a program for its developers")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use hub_search::{
    Change, Clause, Counters, Facet, FacetRequest, Narrow, Number, Position, Range, Rule, SearchQuery, Sort, SuggestQuery,
    TantivyIndex, Visible, synth::Synth,
};
use hub_types::RepoType;

const FACETS: [Facet; 15] = [
    Facet::Task,
    Facet::Library,
    Facet::Language,
    Facet::License,
    Facet::TrainedOn,
    Facet::BaseModel,
    Facet::Relation,
    Facet::Precision,
    Facet::Quantization,
    Facet::Region,
    Facet::Gated,
    Facet::Inference,
    Facet::Evaluated,
    Facet::App,
    Facet::Tag,
];

const ROUNDS: usize = 200;

fn main() {
    let sizes: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000] } else { sizes };
    for docs in sizes {
        measure(docs);
    }
}

fn measure(docs: u64) {
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    let synth = Synth::new(1);
    let before = resident();
    let (filled, invented) = fill(&index, &synth, docs);
    let stats = index.stats().unwrap();
    println!("\n## {docs} documents");
    println!(
        "filled in {:.1} s ({:.0} docs/s; inventing them took {:.1} s more); disk {} MB; columns {} MB; process grew by {} MB",
        filled.as_secs_f64(),
        docs as f64 / filled.as_secs_f64(),
        invented.as_secs_f64(),
        stats.disk_bytes >> 20,
        stats.memory_bytes >> 20,
        resident().saturating_sub(before) >> 20,
    );
    drop(index);
    let started = Instant::now();
    let index = TantivyIndex::open(folder.path()).unwrap();
    println!("opened in {:.2} s", started.elapsed().as_secs_f64());
    println!("{:44} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "min ms", "p50 ms", "p99 ms", "max ms", "found");
    for (name, queries) in lists() {
        time(&index, name, &queries);
    }
    time_suggest(&index);
    time_writes(&index, &synth, docs);
}

fn fill(index: &Arc<TantivyIndex>, synth: &Synth, docs: u64) -> (Duration, Duration) {
    let rebuild = Arc::clone(index).rebuild().unwrap();
    let (mut filling, mut inventing) = (Duration::ZERO, Duration::ZERO);
    for from in (0..docs).step_by(5_000) {
        let started = Instant::now();
        let page: Vec<_> = (from..docs.min(from + 5_000)).map(|n| synth.repo(kind_of(n), n.cast_signed(), n)).collect();
        inventing += started.elapsed();
        let started = Instant::now();
        rebuild.add(&page).unwrap();
        filling += started.elapsed();
    }
    let started = Instant::now();
    rebuild.finish(Position(1)).unwrap();
    (filling + started.elapsed(), inventing)
}

/// Of ten repositories, seven are models.
fn kind_of(number: u64) -> RepoType {
    match number % 10 {
        0..7 => RepoType::Model,
        7 | 8 => RepoType::Dataset,
        _ => RepoType::Space,
    }
}

fn list() -> SearchQuery {
    SearchQuery { facets: FACETS.map(|facet| FacetRequest::top(facet, 12)).to_vec(), ..SearchQuery::new(RepoType::Model) }
}

fn any_of(facet: Facet, values: &[&str]) -> Clause {
    Clause { facet, rule: Rule::AnyOf, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

fn with(clauses: &[Clause]) -> SearchQuery {
    SearchQuery { clauses: clauses.to_vec(), ..list() }
}

fn texts(texts: &[&str]) -> Vec<SearchQuery> {
    texts.iter().map(|text| SearchQuery { text: (*text).to_owned(), sort: Sort::Relevance, ..list() }).collect()
}

fn lists() -> Vec<(&'static str, Vec<SearchQuery>)> {
    let task = |value| any_of(Facet::Task, &[value]);
    let sorts = [Sort::Trending, Sort::Downloads, Sort::Likes, Sort::Created, Sort::Updated];
    vec![
        ("list, no filter", sorts.map(|sort| SearchQuery { sort, ..list() }).to_vec()),
        (
            "list, own private repositories too",
            vec![SearchQuery { visible: Visible::PublicAnd(vec!["da".to_owned()]), ..list() }],
        ),
        ("list, page 100", vec![SearchQuery { offset: 3_000, ..list() }]),
        ("1 filter", ["text-generation", "text-to-image", "fill-mask"].map(|value| with(&[task(value)])).to_vec()),
        (
            "2 filters",
            vec![
                with(&[task("text-generation"), any_of(Facet::License, &["apache-2.0", "mit"])]),
                with(&[any_of(Facet::Library, &["transformers"]), any_of(Facet::Language, &["en"])]),
            ],
        ),
        (
            "3 filters and a range",
            vec![SearchQuery {
                ranges: vec![Range { number: Number::Parameters, min: Some(1_000_000_000), max: Some(10_000_000_000) }],
                ..with(&[
                    task("text-generation"),
                    any_of(Facet::License, &["apache-2.0", "mit"]),
                    any_of(Facet::Language, &["en", "fr"]),
                ])
            }],
        ),
        (
            "values of a long facet that contain a text",
            vec![SearchQuery {
                facets: vec![FacetRequest {
                    narrow: Narrow::Containing("base-12".to_owned()),
                    ..FacetRequest::top(Facet::BaseModel, 20)
                }],
                ..with(&[task("text-generation")])
            }],
        ),
        ("text, 1 word", texts(&["bert ", "llama ", "privacy ", "whisper ", "transformers "])),
        ("text, 1 word that is in every card", texts(&["model ", "trained "])),
        ("text, 2 words", texts(&["bert uncased ", "qwen2.5 instruct ", "medical chat ", "text generation "])),
        ("text, a beginning", texts(&["ber", "qwen2.5-7", "lla", "me"])),
        ("text, mistyped", texts(&["privcy ", "whsiper ", "distlbert "])),
        (
            "text with 2 filters",
            vec![SearchQuery {
                text: "llama".to_owned(),
                sort: Sort::Downloads,
                ..with(&[task("text-generation"), any_of(Facet::License, &["apache-2.0"])])
            }],
        ),
    ]
}

fn time(index: &TantivyIndex, name: &str, queries: &[SearchQuery]) {
    let mut found = 0;
    let times = sorted((0..ROUNDS).map(|round| {
        let started = Instant::now();
        let results = black_box(index.search(&queries[round % queries.len()]).unwrap());
        found = found.max(results.total);
        started.elapsed()
    }));
    report(name, &times, found);
}

fn time_suggest(index: &TantivyIndex) {
    let typed = ["b", "be", "bert", "llama-3", "qwen2.5-7b-ins", "mistral", "xyz"];
    let mut found = 0;
    let times = sorted((0..ROUNDS).map(|round| {
        let query = SuggestQuery { text: typed[round % typed.len()].to_owned(), visible: Visible::Public, limit: 5 };
        let started = Instant::now();
        found = found.max(black_box(index.suggest(&query).unwrap()).len());
        started.elapsed()
    }));
    report("quick search", &times, found as u64);
}

fn time_writes(index: &TantivyIndex, synth: &Synth, docs: u64) {
    let times = sorted((0..10).map(|round| {
        let changes: Vec<Change> = (0..50)
            .map(|n| Change::Upsert(Box::new(synth.repo(RepoType::Model, (n * 10) as i64, docs + round * 50 + n))))
            .collect();
        let started = Instant::now();
        index.apply(&changes, Position(2 + round.cast_signed())).unwrap();
        started.elapsed()
    }));
    report("write: 50 changes and commit", &times, 50);
    let counters: Vec<(i64, Counters)> = (0..1_000).map(|pk| (pk, Counters { trending: 1.0, downloads: 9, likes: 1 })).collect();
    let times = sorted((0..10).map(|_| {
        let started = Instant::now();
        index.update_counters(&counters).unwrap();
        started.elapsed()
    }));
    report("write: counters of 1,000", &times, 1_000);
    time(index, "list, no filter, after writing", &[list()]);
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times
}

fn report(name: &str, times: &[Duration], found: u64) {
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!("{name:44} {:9.2} {:9.2} {:9.2} {:9.2} {found:9}", at(0), at(50), at(99), at(100));
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
