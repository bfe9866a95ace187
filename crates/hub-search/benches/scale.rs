//! How fast an index is filled and searched, and how large it is, with invented repositories.
//!
//!     cargo bench -p hub-search --bench scale -- 10000 100000 1000000
//!
//! Each number of documents is measured in a folder of its own, which is removed. With `SCALE_FOLDER` the index is made
//! there and stays, and the next run only asks it. Times are what one thread computed, as Linux counts it, so that others
//! at work change little. Every query but the quick search comes with the counts of all facets of a list page.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a program for its developers")]

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use hub_search::{
    Change, Clause, Counters, Facet, FacetRequest, Narrow, Number, Position, Range, Rule, SearchQuery, Snippets, Sort,
    SuggestQuery, TantivyIndex, Visible, synth::Synth,
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
    let kept = std::env::var_os("SCALE_FOLDER").map(PathBuf::from);
    for docs in sizes {
        match &kept {
            Some(folder) => measure(docs, &folder.join(docs.to_string())),
            None => measure(docs, tempfile::tempdir().unwrap().path()),
        }
    }
}

fn measure(docs: u64, folder: &Path) {
    let synth = Synth::new(1);
    println!("\n## {docs} documents");
    if !folder.join("current").exists() {
        fill_fresh(folder, &synth, docs);
    }
    let before = resident();
    let started = Instant::now();
    let index = TantivyIndex::open(folder).unwrap();
    println!("opened in {:.2} s", started.elapsed().as_secs_f64());
    println!("{:44} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "first ms", "min ms", "p50 ms", "p99 ms", "max ms", "found");
    let only = std::env::var("SCALE_ONLY").unwrap_or_default();
    for (name, queries) in lists() {
        if name.contains(&only) {
            time(&index, name, &queries);
        }
    }
    time_suggest(&index);
    println!(
        "columns and lists {} MB; process grew by {} MB",
        index.stats().unwrap().memory_bytes >> 20,
        (resident() - before) >> 20
    );
    if std::env::var_os("SCALE_FOLDER").is_none() {
        time_writes(&index, &synth, docs);
    }
}

fn fill_fresh(folder: &Path, synth: &Synth, docs: u64) {
    let index = Arc::new(TantivyIndex::open(folder).unwrap());
    let before = resident();
    let (filled, invented) = fill(&index, synth, docs);
    let stats = index.stats().unwrap();
    println!(
        "filled in {:.1} s ({:.0} docs/s; inventing them took {:.1} s more); disk {} MB; columns {} MB; process grew by {} MB",
        filled.as_secs_f64(),
        docs as f64 / filled.as_secs_f64(),
        invented.as_secs_f64(),
        stats.disk_bytes >> 20,
        stats.memory_bytes >> 20,
        resident().saturating_sub(before) >> 20,
    );
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

/// What a list page asks for.
fn list() -> SearchQuery {
    let most = |facet| if facet == Facet::Tag { 300 } else { 60 };
    let facets = FACETS.map(|facet| FacetRequest::top(facet, most(facet))).to_vec();
    SearchQuery { facets, snippets: Snippets::Card, ..SearchQuery::new(RepoType::Model) }
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
        // Each list is longer than what is kept of questions asked before.
        (
            "text, 1 word",
            texts(&[
                "bert ",
                "llama ",
                "privacy ",
                "whisper ",
                "transformers ",
                "mistral ",
                "qwen ",
                "gemma ",
                "phi ",
                "falcon ",
                "chat ",
                "lora ",
            ]),
        ),
        ("text, 1 word, asked again", texts(&["bert ", "llama ", "privacy ", "whisper ", "transformers "])),
        (
            "text, 1 word that is in every card",
            texts(&["model ", "trained ", "repository ", "data ", "parameters ", "below ", "how ", "use ", "with ", "this "]),
        ),
        (
            "text, 2 words",
            texts(&[
                "bert uncased ",
                "qwen2.5 instruct ",
                "medical chat ",
                "text generation ",
                "llama chat ",
                "llama 7b ",
                "mistral gguf ",
                "gemma instruct ",
                "whisper small ",
                "image classification ",
            ]),
        ),
        ("text, a beginning", texts(&["ber", "qwen2.5-7", "lla", "me", "whi", "mis", "gem", "fal", "tr", "gene"])),
        (
            "text, mistyped",
            texts(&[
                "privcy ",
                "whsiper ",
                "distlbert ",
                "lamma ",
                "mitsral ",
                "gmma ",
                "flacon ",
                "trasformers ",
                "instrcut ",
                "clasification ",
            ]),
        ),
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
    let times = (0..ROUNDS).map(|round| {
        let query = &queries[round % queries.len()];
        computed(|| found = found.max(black_box(index.search(query).unwrap()).total))
    });
    let times: Vec<Duration> = times.collect();
    report(name, &times, queries.len(), found);
}

fn time_suggest(index: &TantivyIndex) {
    let typed = ["b", "be", "bert", "llama-3", "qwen2.5-7b-ins", "mistral", "xyz"];
    let mut found = 0;
    let times = (0..ROUNDS).map(|round| {
        let query = SuggestQuery { text: typed[round % typed.len()].to_owned(), visible: Visible::Public, limit: 5 };
        computed(|| found = found.max(black_box(index.suggest(&query).unwrap()).len()))
    });
    let times: Vec<Duration> = times.collect();
    report("quick search", &times, typed.len(), found as u64);
}

fn time_writes(index: &TantivyIndex, synth: &Synth, docs: u64) {
    let times = (0..10).map(|round| {
        let changes: Vec<Change> = (0..50)
            .map(|n| Change::Upsert(Box::new(synth.repo(RepoType::Model, (n * 10) as i64, docs + round * 50 + n))))
            .collect();
        computed(|| index.apply(&changes, Position(2 + round.cast_signed())).unwrap())
    });
    let times: Vec<Duration> = times.collect();
    report("write: 50 changes and commit", &times, 1, 50);
    let counters: Vec<(i64, Counters)> = (0..1_000).map(|pk| (pk, Counters { trending: 1.0, downloads: 9, likes: 1 })).collect();
    let times: Vec<Duration> = (0..10).map(|_| computed(|| index.update_counters(&counters).unwrap())).collect();
    report("write: counters of 1,000", &times, 1, 1_000);
    time(index, "list, no filter, after writing", &[list()]);
}

/// How long this thread computes.
fn computed(work: impl FnOnce()) -> Duration {
    let before = on_processor();
    work();
    on_processor().saturating_sub(before)
}

/// How long this thread was on a processor. The system adds it up when the thread gives way, which it is told to do first.
fn on_processor() -> Duration {
    thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The first question of each kind is told apart: it fills what is kept for the others.
fn report(name: &str, times: &[Duration], different: usize, found: u64) {
    let (first, others) = times.split_at(different);
    let mut others = others.to_vec();
    others.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let at = |part: usize| millis(others[(others.len() * part / 100).min(others.len() - 1)]);
    let first = first.iter().max().map_or(0.0, |time| millis(*time));
    println!("{name:44} {first:9.2} {:9.2} {:9.2} {:9.2} {:9.2} {found:9}", at(0), at(50), at(99), at(100));
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
