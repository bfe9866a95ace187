//! Which model fits somebody, what goes with a repository, and why something stands where it does.

use hub_tests::{Client, TestHub, Value, json};

use super::repo;
use crate::pages::browser::{Browser, Page};

/// A safetensors file of one tensor of zeros with so many values of two bytes.
pub(super) fn weights(values: usize) -> String {
    let header = json!({ "w": { "dtype": "BF16", "shape": [values], "data_offsets": [0, values * 2] } }).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; values * 2]);
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn model(client: &Client, id: &str, yaml: &str, values: usize) {
    repo(client, "model", id, false, yaml, "A model.").await;
    let shape =
        json!({ "num_hidden_layers": 40, "num_attention_heads": 40, "hidden_size": 5120, "max_position_embeddings": 4096 });
    let lines = [
        Client::file("config.json", &shape.to_string()),
        json!({ "key": "file", "value": { "path": "model.safetensors", "content": weights(values), "encoding": "base64" } }),
    ];
    client.commit(&format!("/api/models/{id}"), "main", &lines, 200).await;
}

/// Numbers behind an attribute, in hundredths.
fn numbers(text: &str, attribute: &str) -> Vec<i64> {
    let start = format!("<td {attribute}>");
    let found = text.split(&start).skip(1);
    found.map(|rest| rest.split('<').next().unwrap().replace('.', "").parse().unwrap()).collect()
}

/// Each table's terms add up to the sum below them; gives how many tables there are.
fn sums_hold(page: &Page) -> usize {
    let tables: Vec<&str> =
        page.text.split("<table class=\"why-table\">").skip(1).map(|rest| rest.split("</table>").next().unwrap()).collect();
    let tables: Vec<&&str> = tables.iter().filter(|table| table.contains("data-sum")).collect();
    for table in &tables {
        assert_eq!(numbers(table, "data-term").iter().sum::<i64>(), numbers(table, "data-sum")[0], "{table}");
    }
    tables.len()
}

pub(super) fn names(page: &Page) -> Vec<String> {
    let links = page.text.split("class=\"repo-card-link\" href=\"/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

async fn shelf(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    model(&ada, "ada/free", "license: mit\npipeline_tag: text-generation\nlanguage: de", 4000).await;
    model(&ada, "ada/share", "license: gpl-3.0\npipeline_tag: text-generation\nlanguage: [de, en]", 4000).await;
    model(&ada, "ada/study", "license: cc-by-nc-4.0\npipeline_tag: text-generation\nlanguage: de", 4000).await;
    model(&ada, "ada/unsaid", "pipeline_tag: text-generation\nlanguage: de", 4000).await;
    model(&ada, "ada/english", "license: mit\npipeline_tag: text-generation\nlanguage: en", 4000).await;
    model(&ada, "ada/eyes", "license: mit\npipeline_tag: image-classification", 4000).await;
    hub.jobs_done().await;
    hub.indexed().await;
    ada
}

#[tokio::test]
async fn models_are_found_by_what_one_needs_and_others_are_explained() {
    let hub = TestHub::start().await;
    let ada = shelf(&hub).await;
    let mut browser = Browser::new(&hub);
    assert!(browser.open("/find/model").await.has("One answer is enough to begin"));
    for (query, found) in [
        ("task=text-generation&language=de", vec!["ada/free", "ada/share", "ada/study", "ada/unsaid"]),
        ("task=text-generation&language=de&allow=commercial", vec!["ada/free", "ada/share"]),
        ("task=text-generation&language=de&allow=commercial&allow=own-terms", vec!["ada/free"]),
        ("task=text-generation&language=de&hardware=phone-4gb", vec!["ada/free", "ada/share", "ada/study", "ada/unsaid"]),
        ("task=image-classification&language=de", vec![]),
        ("task=no-such-task", vec![]),
    ] {
        let page = browser.open(&format!("/find/model?{query}")).await;
        let mut shown = names(&page);
        shown.sort();
        assert_eq!(shown, found, "{query}");
        assert_eq!(sums_hold(&page), found.len(), "{query}: each has its sum");
    }
    let page = browser.open("/find/model?task=text-generation&language=de&allow=commercial").await;
    assert!(page.has("<strong>1</strong> have a licence that does not allow it") && page.has("cc-by-nc-4.0"), "{}", page.text);
    assert!(page.has("<strong>1</strong> name no licence") && page.has("ada/unsaid"));
    assert!(page.has("<strong>1</strong> do not say that they know the language") && page.has("ada/english"));
    // A context that no phone has room for: 40 layers x 40 heads x 128 x 4 bytes are 800 kB a token.
    let page = browser.open("/find/model?task=text-generation&hardware=phone-4gb&context=131072").await;
    assert!(names(&page).is_empty() && page.has("do not fit into the memory with a context of this length"));
    let page = browser.open("/find/model?task=text-generation&memory=500&context=131072").await;
    assert!(page.has("more tokens x") && page.has("4096 tokens of context at most"));
    assert_eq!(sums_hold(&page), 5);
    // Three quarters of what a CPU has: 500 GB of 667.
    let page = browser.open("/find/model?task=text-generation&memory=666.7&hardware=cpu&context=131072").await;
    assert!(sums_hold(&page) == 5 && page.has("value=\"666.7\"") && page.has("<option value=\"cpu\" selected>"), "{}", page.text);
    assert!(browser.open("/find/model?hardware=cpu").await.has("Say how much memory goes with the CPU."));
    for query in [
        "task=%00",
        "memory=-1",
        "memory=NaN",
        "memory=99999999999999999999",
        "context=x",
        "allow=all&language=%27",
        "hardware=toaster",
    ] {
        assert_eq!(browser.open(&format!("/find/model?{query}")).await.status, 200, "{query}");
    }
    drop(ada);
    hub.stop().await;
}

#[tokio::test]
async fn datasets_and_models_that_go_with_a_model_are_told_with_reasons() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for (id, yaml) in [
        ("ada/letters", "license: mit\ntask_categories: [text-classification]\nlanguage: [de]"),
        ("ada/novels", "license: cc-by-nc-4.0\ntask_categories: [text-generation]\nlanguage: [en]"),
        ("ada/pictures", "license: mit\ntask_categories: [image-classification]"),
        ("ada/ledgers", "license: mit"),
    ] {
        repo(&ada, "dataset", id, false, yaml, "Data.").await;
    }
    repo(&ada, "dataset", "ada/diary", true, "license: mit\ntask_categories: [text-classification]", "Private data.").await;
    let base = "license: mit\npipeline_tag: text-classification\nlanguage: de";
    repo(&ada, "model", "ada/base", false, base, "Base.").await;
    for at in 0..3 {
        let yaml = format!("{base}\nbase_model: ada/base\ndatasets: [ada/ledgers]");
        repo(&ada, "model", &format!("ada/child-{at}"), false, &yaml, "Child.").await;
    }
    repo(&ada, "model", "ada/fresh", false, &format!("{base}\nbase_model: ada/base"), "Fresh.").await;
    hub.indexed().await;
    let ids = |answer: &Value, key: &str| -> Vec<String> {
        answer[key].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap().to_owned()).collect()
    };
    let anyone = hub.anonymous();
    let found = anyone.get_json("/api/models/ada/fresh/related", 200).await;
    assert_eq!(ids(&found, "datasets"), ["ada/ledgers", "ada/letters"], "what siblings use, then what fits: {found}");
    assert_eq!(found["datasets"][0]["terms"][0]["text"], "2 x log2(1 + 3)");
    let similar = ids(&found, "similarModels");
    assert_eq!((similar.len(), similar[3].as_str()), (4, "ada/base"));
    // What its own card names is known already; as evidence it never counts for itself.
    assert_eq!(ids(&anyone.get_json("/api/models/ada/child-0/related", 200).await, "datasets"), ["ada/letters"]);
    let judged = anyone.get_json("/api/models/ada/child-0/related?declared=true", 200).await;
    assert_eq!(judged["datasets"][0]["terms"][0]["text"], "2 x log2(1 + 2)");
    assert!(ids(&ada.get_json("/api/models/ada/fresh/related", 200).await, "datasets").contains(&"ada/diary".to_owned()));
    assert_eq!(anyone.get_json("/api/datasets/ada/ledgers/related", 200).await["trainedModelsCount"], 3);
    let mut browser = Browser::new(&hub);
    let page = browser.open("/ada/fresh/related").await;
    assert!(page.has("Named by models with the same base") && !page.has("diary"));
    assert_eq!(sums_hold(&page), 6);
    assert!(browser.open("/datasets/ada/ledgers/related").await.has("Models trained on this dataset (3)"));
    assert!(browser.open("/ada/fresh").await.has("href=\"/ada/fresh/related\""));
    hub.stop().await;
}

#[tokio::test]
async fn a_model_of_pictures_and_words_finds_its_kind_of_data() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    repo(&ada, "dataset", "ada/captions", false, "task_categories: [image-text-to-text]", "Captions.").await;
    repo(&ada, "model", "ada/looker", false, "pipeline_tag: image-text-to-text", "Looks.").await;
    hub.indexed().await;
    let related = hub.anonymous().get_json("/api/models/ada/looker/related", 200).await;
    let terms = related["datasets"][0]["terms"].as_array().unwrap();
    let kind = terms.iter().find(|term| term["label"] == "Right kind of data");
    assert_eq!(kind.map(|term| &term["text"]), Some(&Value::from("image")), "{related}");
    hub.stop().await;
}

#[tokio::test]
async fn a_field_is_told_by_tags_names_and_cards() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for (id, yaml, text) in [
        ("ada/wards", "tags: [medical]", "Notes of a ward."),
        ("ada/clinical-notes", "language: [fi]", "Notes."),
        ("ada/letters", "language: [fi]", "What doctors told their patients in writing."),
        ("ada/lawns", "language: [fi]", "Grass, flawless, for physicians and preclinical gardeners."),
        ("ada/verdicts", "tags: [legal]", "What courts said."),
    ] {
        repo(&ada, "dataset", id, false, yaml, text).await;
    }
    repo(&ada, "model", "ada/nurse", false, "tags: [healthcare]\nlanguage: fi", "Helps on a ward.").await;
    repo(&ada, "model", "ada/plain", false, "language: fi", "Finnish. All code is below.").await;
    hub.indexed().await;
    let related = hub.anonymous().get_json("/api/models/ada/nurse/related", 200).await;
    let reason = |id: &str| {
        let found = related["datasets"].as_array().unwrap().iter().find(|found| found["id"] == id)?;
        let terms = found["terms"].as_array().unwrap();
        Some(
            terms
                .iter()
                .find(|term| term["label"] == "Of its field")
                .map_or("", |term| term["text"].as_str().unwrap())
                .to_owned(),
        )
    };
    assert_eq!(reason("ada/wards").as_deref(), Some("medicine: its tag says “medical”"), "{related}");
    assert_eq!(reason("ada/clinical-notes").as_deref(), Some("medicine: its name says “clinical”"));
    assert_eq!(reason("ada/letters").as_deref(), Some("medicine: its card says “patients”"));
    assert_eq!(reason("ada/lawns").as_deref(), Some(""), "in its language, and no more");
    assert_eq!(reason("ada/verdicts"), None);
    let plain = hub.anonymous().get_json("/api/models/ada/plain/related", 200).await;
    assert!(!plain.to_string().contains("Of its field"), "{plain}");
    let page = Browser::new(&hub).open("/ada/nurse/related").await;
    assert!(page.has("Of its field") && sums_hold(&page) >= 4);
    hub.stop().await;
}

#[tokio::test]
async fn lists_say_why_something_is_where_it_is() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/models?search=free&why=ada/free").await;
    assert!(page.has("Place 1 of 1") && page.has("the name is what was typed"), "{}", page.text);
    assert_eq!(sums_hold(&page), 1);
    assert!(page.has("4000 BF16 x 16 bits / 8") && page.has("Phone, 4 GB"), "the estimate is shown");
    let page = browser.open("/models?sort=created&why=ada/eyes").await;
    assert!(page.has("Place 1 of 6") && page.has("Recently created: it was made on"));
    for id in ["ada/none", "%00", "<script>"] {
        assert!(!browser.open(&format!("/models?why={id}")).await.has("id=\"why\""), "{id}");
    }
    hub.stop().await;
}
