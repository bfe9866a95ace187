//! Pages and API of tasks.

pub(crate) mod statements;

use std::collections::BTreeSet;

use hub_tests::{TestHub, Value};
use hub_types::RepoType;

use crate::pages::browser::Browser;
use crate::repos::seeded::Seeded;
use statements::Statements;

/// The ids of `PIPELINE_DATA` (`@huggingface/tasks` 0.21.54, `src/pipelines.ts`), one a line.
const PIPELINE_IDS: &str = include_str!("tasks/pipeline_ids.txt");

fn ids() -> BTreeSet<&'static str> {
    PIPELINE_IDS.lines().collect()
}

fn card(yaml: &str) -> String {
    format!("---\n{yaml}\n---\n# Card\n")
}

/// Two models, one of them private, and a dataset, all for translation.
async fn shelf() -> Seeded {
    let translator = card("pipeline_tag: translation\nlibrary_name: transformers");
    let seeded = Seeded::model(&[("README.md", &translator)]).await;
    seeded.another(RepoType::Model, "ada/hidden", true, &[("README.md", &translator)]).await;
    let data = card("task_categories: [translation, summarization]");
    seeded.another(RepoType::Dataset, "ada/corpus", false, &[("README.md", &data), ("a.csv", "a\n")]).await;
    seeded.hub.indexed().await;
    seeded
}

#[tokio::test]
async fn every_task_of_the_hub_has_a_page_and_an_entry() {
    let hub = TestHub::start().await;
    // The entries come from the index, which is filled in a moment.
    hub.indexed().await;
    let anonymous = hub.anonymous();
    let tasks = anonymous.get_json("/api/tasks", 200).await;
    let tasks = tasks.as_object().unwrap();
    assert_eq!(tasks.keys().map(String::as_str).collect::<BTreeSet<_>>(), ids());
    let mut browser = Browser::new(&hub);
    for (id, task) in tasks {
        let page = browser.get(&format!("/tasks/{id}")).await;
        assert_eq!(page.status, 200, "{id}");
        assert!(page.has(&format!("<h1>{}</h1>", task["label"].as_str().unwrap())), "{id}");
        assert!(page.has(&format!("pipeline_tag={id}")), "{id}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn entries_have_the_shape_that_clients_read() {
    let seeded = shelf().await;
    let tasks = seeded.hub.anonymous().get_json("/api/tasks", 200).await;
    for (id, task) in tasks.as_object().unwrap() {
        assert_eq!(task["id"], id.as_str());
        for key in ["label", "summary"] {
            assert!(task[key].as_str().is_some_and(|text| !text.is_empty()), "{id}: {key}");
        }
        for key in ["datasets", "libraries", "metrics", "models", "spaces", "widgetModels"] {
            assert!(task[key].is_array(), "{id}: {key}");
        }
        for example in ["datasets", "metrics", "models"].iter().flat_map(|key| task[*key].as_array().unwrap()) {
            assert!(example["id"].is_string() && example["description"].is_string(), "{id}: {example}");
        }
        for entry in ["inputs", "outputs"].iter().flat_map(|side| task["demo"][*side].as_array().unwrap()) {
            assert!(is_demo_entry(entry), "{id}: {entry}");
        }
    }
    let translation = &tasks["translation"];
    assert_eq!(translation["widgetModels"], hub_tests::json!(["ada/bert"]), "private models are not named");
    assert_eq!(translation["models"][0]["id"], "ada/bert");
    assert_eq!(translation["datasets"][0]["id"], "ada/corpus");
    assert_eq!(tasks["summarization"]["datasets"][0]["id"], "ada/corpus");
    let tokens = &tasks["token-classification"]["demo"]["outputs"][0];
    assert_eq!(tokens["tokens"][1], hub_tests::json!({ "type": "PER", "start": 17, "end": 32 }));
    assert_eq!(&tokens["text"].as_str().unwrap()[17..32], "Charles Babbage");
    seeded.hub.stop().await;
}

/// `TaskDemoEntry` of `@huggingface/tasks`.
fn is_demo_entry(entry: &Value) -> bool {
    match entry["type"].as_str() {
        Some("text") => entry["label"].is_string() && entry["content"].is_string(),
        Some("chart") => entry["data"].as_array().unwrap().iter().all(|item| item["label"].is_string() && item["score"].is_f64()),
        Some("tabular") => entry["table"].as_array().unwrap().iter().all(Value::is_array),
        Some("text-with-tokens") => entry["text"].is_string() && entry["tokens"].is_array(),
        _ => false,
    }
}

#[tokio::test]
async fn a_page_shows_what_is_here_for_the_task() {
    let seeded = shelf().await;
    let mut browser = Browser::new(&seeded.hub);
    let page = browser.open("/tasks/translation").await;
    for text in ["href=\"/ada/bert\"", "href=\"/datasets/ada/corpus\"", "from_pretrained(&#34;ada/bert&#34;)", "HF_ENDPOINT="] {
        assert!(page.has(text), "{text}\n{}", page.text);
    }
    assert!(!page.has("/ada/hidden"), "strangers do not see private models");
    assert!(Browser::logged_in(&seeded.hub, "ada").await.open("/tasks/translation").await.has("href=\"/ada/hidden\""));
    let index = browser.open("/tasks").await;
    assert!(index.has("1 model · 1 dataset"), "{}", index.text);
    let list = browser.open("/models?pipeline_tag=translation").await;
    assert!(list.has("href=\"/tasks/translation\""));
    assert!(browser.open("/models").await.has("href=\"/tasks\""));
    assert!(browser.open("/ada/bert").await.has("href=\"/tasks/translation\""));
    seeded.hub.stop().await;
}

/// A card with one result for translation.
fn measured(dataset: &str, metric: &str, value: &str) -> String {
    card(&format!(
        "pipeline_tag: translation\nmodel-index:\n- name: m\n  results:\n  - task: {{type: translation}}\n    dataset: {{name: {dataset}, type: x}}\n    metrics: [{{type: {metric}, value: {value}}}]"
    ))
}

#[tokio::test]
async fn models_are_suggested_by_their_results_where_they_can_be_compared() {
    let seeded = shelf().await;
    // Cards write a name as they like, and the index keeps the start of a long one.
    let long = format!("WMT14 {}", "x".repeat(120));
    let other = format!("\"{} \"", long.to_lowercase());
    for (name, private, text) in [
        ("good", false, measured(&other, "bleu", "41.5")),
        ("better", false, measured(&long, "sacrebleu", "0.43")),
        ("best", false, measured(&long, "bleu", "44")),
        ("alone", false, measured("Tatoeba", "bleu", "99")),
        ("length", false, measured(&long, "length", "100")),
        ("secret", true, measured(&long, "bleu", "50")),
    ] {
        seeded.another(RepoType::Model, &format!("ada/{name}"), private, &[("README.md", &text)]).await;
    }
    seeded.hub.indexed().await;
    let page = Browser::logged_in(&seeded.hub, "ada").await.open("/tasks/translation").await;
    let best = page.text.split("id=\"best\"").nth(1).unwrap().split("</section>").next().unwrap();
    let places = ["href=\"/ada/best\"", ">44<", "href=\"/ada/good\"", ">41.5<"].map(|text| best.find(text).expect(text));
    assert!(places.is_sorted(), "{best}");
    assert!(best.to_lowercase().contains("wmt14") && best.contains("higher is better"));
    // `sacrebleu` is another way to count, other data are other data, and what is private is not suggested.
    assert!(["better", "alone", "length", "secret"].iter().all(|name| !best.contains(&format!("/ada/{name}\""))), "{best}");
    let list = best.split("href=\"").find(|rest| rest.starts_with("/models?")).unwrap().split('"').next().unwrap();
    let found = Browser::new(&seeded.hub).open(&list.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert!(found.has("href=\"/ada/best\"") && found.has("href=\"/ada/good\"") && !found.has("href=\"/ada/alone\""));
    assert!(!Browser::new(&seeded.hub).open("/tasks/fill-mask").await.has("id=\"best\""));
    seeded.hub.stop().await;
}

#[tokio::test]
async fn former_tasks_have_pages_and_no_entry() {
    let former = card("pipeline_tag: text2text-generation\nlibrary_name: transformers");
    let seeded = Seeded::model(&[("README.md", &former)]).await;
    let chat = card("pipeline_tag: text-generation\nlibrary_name: transformers");
    let template = r#"{"chat_template": "{{ messages }}"}"#;
    seeded.another(RepoType::Model, "ada/chat", false, &[("README.md", &chat), ("tokenizer_config.json", template)]).await;
    seeded.hub.indexed().await;
    let mut browser = Browser::new(&seeded.hub);
    let index = browser.open("/tasks").await;
    let entries = seeded.hub.anonymous().get_json("/api/tasks", 200).await;
    for (task, label, model, list) in [
        ("text2text-generation", "Text-to-Text Generation", "ada/bert", "pipeline_tag=text2text-generation"),
        ("conversational", "Conversational", "ada/chat", "other=conversational"),
    ] {
        let page = browser.open(&format!("/tasks/{task}")).await;
        assert!(page.has(&format!("<h1>{label}</h1>")) && page.has(&format!("href=\"/{model}\"")), "{task}: {}", page.text);
        assert!(index.has(&format!("href=\"/tasks/{task}\"")), "{task}");
        assert!(page.has(&format!("/models?{list}&#38;sort=trending")), "{task}");
        assert!(browser.open(&format!("/models?{list}")).await.has(&format!("href=\"/{model}\"")), "{task}");
        assert!(entries.get(task).is_none(), "{task}: clients do not know it");
    }
    assert!(browser.open("/models?pipeline_tag=text2text-generation").await.has("href=\"/tasks/text2text-generation\""));
    seeded.hub.stop().await;
}

#[tokio::test]
async fn old_names_lead_on_and_unknown_ones_to_suggestions() {
    let hub = TestHub::start().await;
    let mut browser = Browser::new(&hub);
    for (old, task) in [("graph-machine-learning", "graph-ml"), ("ner", "token-classification")] {
        let page = browser.get(&format!("/tasks/{old}")).await;
        assert_eq!((page.status, page.location()), (303, format!("/tasks/{task}").as_str()));
    }
    let page = browser.get("/tasks/text-clasification").await;
    assert_eq!(page.status, 404);
    assert!(page.has("href=\"/tasks/text-classification\"") && page.has("<code>text-clasification</code>"), "{}", page.text);
    for nonsense in ["qqq", "%3Cscript%3E", "%00", &"a".repeat(5000)] {
        let page = browser.get(&format!("/tasks/{nonsense}")).await;
        assert_eq!(page.status, 404, "{nonsense}");
        assert!(page.has("href=\"/tasks\"") && !page.has("<script>"), "{nonsense}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_tasks() {
    let statements = Statements::watch();
    let seeded = shelf().await;
    seeded.hub.jobs_done().await;
    let mut browser = Browser::new(&seeded.hub);
    for (path, most) in [("/tasks", 0), ("/tasks/translation", 2), ("/tasks/fill-mask", 0), ("/api/tasks", 0)] {
        let mut taken = Vec::new();
        for _ in 0..12 {
            let before = statements.about_repos();
            assert_eq!(browser.get(path).await.status, 200);
            taken.push(statements.about_repos() - before);
        }
        // Work behind the pages may fall into any of the visits. The first may fill what is remembered.
        assert!(taken.iter().min() <= Some(&most) && taken[0] < 30, "{path}: {taken:?}");
    }
    seeded.hub.stop().await;
}
