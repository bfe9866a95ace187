//! What is to come first for what people type.

use hub_search::{
    Clause, Counters, Facet, FacetRequest, RepoDoc, Rule, SearchQuery, SearchResults, Snippets, Sort, SuggestQuery, TantivyIndex,
    Visible,
};
use hub_types::RepoType;

use crate::corpus::{downloaded, index_of, model, with};

fn corpus() -> Vec<RepoDoc> {
    let rows: &[(&str, u64, &[&str], &str)] = &[
        (
            "google-bert/bert-base-uncased",
            60_000_000,
            &["fill-mask", "bert"],
            "Pretrained model on English language using masking.",
        ),
        ("google-bert/bert-base-multilingual-cased", 4_000_000, &["fill-mask"], "104 languages, masked."),
        ("google-bert/bert-large-uncased", 1_200_000, &["fill-mask"], "A large model, see bert-base-uncased."),
        ("distilbert/distilbert-base-uncased", 10_000_000, &["fill-mask"], "A distilled version of the BERT base model."),
        ("FacebookAI/roberta-base", 12_000_000, &["fill-mask"], "A robustly optimized BERT."),
        ("nobody/bert", 3, &[], "my first model"),
        ("openai/whisper-large-v3", 5_000_000, &["automatic-speech-recognition"], "Whisper is a model for speech recognition."),
        ("openai/whisper-tiny", 900_000, &["automatic-speech-recognition"], "Whisper, tiny."),
        ("Qwen/Qwen2.5-7B-Instruct", 9_000_000, &["text-generation"], "Qwen2.5 is the latest series of large language models."),
        ("Qwen/Qwen2.5-0.5B", 800_000, &["text-generation"], "Qwen2.5, small."),
        ("bartowski/Qwen2.5-7B-Instruct-GGUF", 200_000, &["text-generation"], "Quantizations of Qwen2.5-7B-Instruct."),
        ("meta-llama/Llama-3.1-8B-Instruct", 7_000_000, &["text-generation", "llama"], "Meta Llama 3.1."),
        (
            "iiiorg/piiranha-privacy-mask",
            150_000,
            &["token-classification", "privacy"],
            "Detects personal information, for privacy.",
        ),
        ("someone/test-upload-privacy", 12, &[], "test"),
        ("someone/notes", 180, &[], "We care about privacy. Privacy policy: privacy privacy privacy."),
        ("rinna/日本語-placeholder", 0, &[], ""),
        ("almanach/camembert-base", 900_000, &["fill-mask"], "CamemBERT est un modèle de langue française."),
        ("sentence-transformers/all-MiniLM-L6-v2", 80_000_000, &["sentence-similarity"], "Maps sentences to vectors."),
        ("rinna/japanese-gpt2", 40_000, &["text-generation"], "日本語のテキスト生成モデルです。"),
    ];
    rows.iter()
        .zip(1..)
        .filter(|((id, ..), _)| id.is_ascii())
        .map(|((id, downloads, tags, card), pk)| {
            let mut doc = downloaded(with(model(pk, id), Facet::Tag, tags), *downloads);
            doc.card = (*card).to_owned();
            doc.counters.likes = downloads / 5_000;
            doc
        })
        .collect()
}

fn search(index: &TantivyIndex, text: &str) -> SearchResults {
    let query = SearchQuery {
        text: text.to_owned(),
        sort: Sort::Relevance,
        snippets: Snippets::Card,
        ..SearchQuery::new(RepoType::Model)
    };
    index.search(&query).unwrap()
}

#[test]
fn what_people_mean_comes_first() {
    let (index, _folder) = index_of(corpus());
    let expected = [
        ("bert-base-uncased", "google-bert/bert-base-uncased"),
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
        ("bert base", "google-bert/bert-base-uncased"),
        ("BERT", "google-bert/bert-base-uncased"),
        ("nobody/bert", "nobody/bert"),
        ("whisper", "openai/whisper-large-v3"),
        ("whisper tiny", "openai/whisper-tiny"),
        ("whsiper", "openai/whisper-large-v3"),
        ("openai whisper", "openai/whisper-large-v3"),
        ("qwen2.5", "Qwen/Qwen2.5-7B-Instruct"),
        ("qwen 2.5", "Qwen/Qwen2.5-7B-Instruct"),
        ("qwen gguf", "bartowski/Qwen2.5-7B-Instruct-GGUF"),
        ("llama3.1", "meta-llama/Llama-3.1-8B-Instruct"),
        ("llama 8b instr", "meta-llama/Llama-3.1-8B-Instruct"),
        ("privacy", "iiiorg/piiranha-privacy-mask"),
        ("minilm", "sentence-transformers/all-MiniLM-L6-v2"),
        ("camem", "almanach/camembert-base"),
        ("francaise", "almanach/camembert-base"),
        ("speech recognition", "openai/whisper-large-v3"),
        ("テキスト生成", "rinna/japanese-gpt2"),
        ("multilingal", "google-bert/bert-base-multilingual-cased"),
        ("distilled version", "distilbert/distilbert-base-uncased"),
    ];
    for (text, first) in expected {
        let found = search(&index, text);
        assert_eq!(found.hits.first().map(|hit| hit.id.as_str()), Some(first), "{text}: {:#?}", found.hits);
    }
}

#[test]
fn the_terms_add_up_and_explain_the_order() {
    let (index, _folder) = index_of(corpus());
    for text in ["bert", "qwen2.5 instruct", "privacy", "openai/whisper-tiny", "base unc"] {
        let hits = search(&index, text).hits;
        assert!(!hits.is_empty());
        for pair in hits.windows(2) {
            assert!(pair[0].score.total() >= pair[1].score.total() - 1e-3, "{text}: {pair:?}");
        }
        assert!(hits.iter().all(|hit| hit.score.words >= -1e-3 && hit.score.popularity >= 0.0), "{text}");
    }
    assert!(search(&index, "nobody/bert").hits[0].score.name > 10.0);
}

#[test]
fn nothing_found_is_told_with_a_suggestion() {
    let (index, _folder) = index_of(corpus());
    let none = search(&index, "whxspar");
    assert_eq!((none.total, none.suggestion.as_deref()), (0, Some("whisper")));
    let some = search(&index, "whisper bert");
    assert!(some.text.any_word && some.total > 2);
    let similar = search(&index, "whsiper");
    assert!(similar.text.similar && !similar.text.any_word && similar.suggestion.is_none());
}

#[test]
fn hostile_texts_are_words_at_most() {
    let (index, _folder) = index_of(corpus());
    for text in [
        "\0",
        "bert\0base",
        "*",
        "name:bert OR 1=1",
        "\"bert",
        "(((((",
        "bert^1000~2",
        "[a TO z]",
        "\u{202e}treb",
        "/",
        "a/b/c",
        "\\",
        "\u{1f600}",
        "𝔟𝔢𝔯𝔱",
    ] {
        search(&index, text);
    }
    let long = search(&index, &"bert ".repeat(2_000));
    assert!(long.text.truncated && long.total > 0);
    assert!(search(&index, &"x".repeat(10_000)).text.truncated);
    assert_eq!(search(&index, "bert\0base").hits[0].id, "google-bert/bert-base-uncased");
}

#[test]
fn snippets_mark_the_words_in_the_card() {
    let (index, _folder) = index_of(corpus());
    let found = search(&index, "speech recog");
    let snippet = found.hits[0].snippet.as_ref().unwrap();
    let marked: Vec<&str> = snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect();
    assert_eq!(marked, ["speech", "recognition"]);
}

#[test]
fn suggestions_go_on_with_what_was_typed() {
    let mut docs = corpus();
    docs[0].public = false;
    let mut dataset = model(100, "ada/bert-corpus");
    dataset.kind = RepoType::Dataset;
    dataset.counters = Counters { downloads: 5, ..Counters::default() };
    docs.push(dataset);
    let (index, _folder) = index_of(docs);
    let suggest = |text: &str, visible| {
        let found = index.suggest(&SuggestQuery { text: text.to_owned(), visible, limit: 3 }).unwrap();
        found.into_iter().map(|suggestion| suggestion.id).collect::<Vec<_>>()
    };
    let found = suggest("ber", Visible::Public);
    assert_eq!(found[..2], ["google-bert/bert-base-multilingual-cased", "google-bert/bert-large-uncased"]);
    assert!(found.contains(&"ada/bert-corpus".to_owned()), "each kind has its own");
    assert_eq!(suggest("ber", Visible::PublicAnd(vec!["google-bert".to_owned()]))[0], "google-bert/bert-base-uncased");
    assert_eq!(suggest("openai/whisper-t", Visible::Public)[0], "openai/whisper-tiny");
    assert_eq!(suggest("minilm", Visible::Public)[0], "sentence-transformers/all-MiniLM-L6-v2");
    assert_eq!(suggest("openai/", Visible::Public)[0], "openai/whisper-large-v3");
    assert!(suggest("", Visible::Public).is_empty());
}

#[test]
fn what_cards_name_is_the_same_whatever_the_case() {
    let (index, _folder) = index_of([
        with(model(1, "a/one"), Facet::BaseModel, &["finetune:Ada/BERT", "Ada/BERT"]),
        with(model(2, "a/two"), Facet::BaseModel, &["finetune:ada/bert", "ada/bert", "ADA/bert"]),
        with(model(3, "a/three"), Facet::TrainedOn, &["Ada/BERT"]),
        with(model(4, "a/four"), Facet::Evaluated, &["IMDB reviews"]),
        with(model(5, "a/five"), Facet::Evaluated, &["imdb Reviews"]),
    ]);
    for (facet, value, expected) in [
        (Facet::BaseModel, "ada/Bert", vec![2, 1]),
        (Facet::BaseModel, "finetune:ADA/BERT", vec![2, 1]),
        (Facet::TrainedOn, "ada/bert", vec![3]),
        (Facet::Evaluated, "Imdb reviews", vec![5, 4]),
    ] {
        let query = SearchQuery {
            clauses: vec![Clause { facet, rule: Rule::AnyOf, values: vec![value.to_owned()] }],
            facets: vec![FacetRequest::top(facet, 1)],
            ..SearchQuery::new(RepoType::Model)
        };
        let found = index.search(&query).unwrap();
        assert_eq!(found.hits.iter().map(|hit| hit.pk).collect::<Vec<_>>(), expected, "{value}");
        assert_eq!(found.facets[0].values.iter().find(|value| value.chosen).unwrap().count, expected.len() as u64);
        assert!(found.unknown.is_empty());
    }
}
