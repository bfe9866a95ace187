//! What stands next to a card.

use hub_tests::{Client, TestHub, json};

use super::Browser;
use crate::tasks::statements::Statements;

async fn model(ada: &Client, id: &str, card: &str) {
    ada.create_repo("model", id, false).await;
    let card = Client::file("README.md", &format!("---\n{card}\n---\n# A model\n"));
    ada.commit(&format!("/api/models/{id}"), "main", &[card], 200).await;
}

#[tokio::test]
async fn a_model_stands_in_a_tree_with_its_data_and_spaces() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    hub.account("eve").await;
    model(&ada, "ada/root", "base_model: elsewhere/ancient").await;
    model(&ada, "ada/base", "base_model: ada/root").await;
    model(&ada, "ada/tuned", "base_model: ada/base\nbase_model_relation: finetune\ndatasets: [ada/rows, other/rows]").await;
    model(&ada, "ada/lora", "base_model: ada/tuned\nbase_model_relation: adapter").await;
    model(&ada, "ada/small", "base_model: ada/tuned\nbase_model_relation: quantized").await;
    model(&ada, "ada/circle", "base_model: ada/circle").await;
    ada.create_repo("model", "ada/secret", true).await;
    let card = Client::file("README.md", "---\nbase_model: ada/tuned\nbase_model_relation: quantized\n---\n");
    ada.commit("/api/models/ada/secret", "main", &[card], 200).await;
    ada.create_repo("dataset", "ada/rows", false).await;
    ada.commit("/api/datasets/ada/rows", "main", &[Client::file("README.md", "# Rows\n")], 200).await;
    let space = json!({ "type": "space", "organization": "ada", "name": "demo", "sdk": "static" });
    ada.post_json("/api/repos/create", &space, 200).await;
    let card = Client::file("README.md", "---\nsdk: static\nmodels: [ada/tuned]\ndatasets: [ada/rows]\n---\n# Demo\n");
    ada.commit("/api/spaces/ada/demo", "main", &[card], 200).await;

    let mut browser = Browser::new(&hub);
    let page = browser.open("/ada/tuned").await;
    for text in [
        "<a href=\"/ada/base\">ada/base</a>",
        "<a href=\"/ada/root\">ada/root</a>",
        "title=\"Not on this hub\">elsewhere/ancient<",
        "Fine-tuned",
        "<a href=\"/datasets/ada/rows\">ada/rows</a>",
        "title=\"Not on this hub\">other/rows<",
        "<a href=\"/spaces/ada/demo\">ada/demo</a>",
    ] {
        assert!(page.has(text), "{text}");
    }
    let order = ["elsewhere/ancient", ">ada/root<", ">ada/base<", "<strong>this model"].map(|text| page.text.find(text).unwrap());
    assert!(order.is_sorted(), "the oldest stands first: {order:?}");
    let count = |word: &str, page: &str| {
        let link = format!("/models?other=base_model%3A{word}%3Aada%2Ftuned\"><span>");
        let rest = page.split(&link).nth(1)?.split("model-children-count\">").nth(1)?;
        Some(rest.split('<').next()?.to_owned())
    };
    assert_eq!(count("adapter", &page.text).as_deref(), Some("1"));
    assert_eq!(count("quantized", &page.text).as_deref(), Some("1"), "the private one is not counted for strangers");
    let mut own = Browser::logged_in(&hub, "ada").await;
    assert_eq!(count("quantized", &own.open("/ada/tuned").await.text).as_deref(), Some("2"));
    assert!(browser.open("/ada/circle").await.has("this model"), "a circle ends");
    ada.create_repo("model", "ada/new", false).await;
    assert!(!browser.open("/ada/new").await.has("About this model"), "nothing belongs to it");
    let card = Client::file("README.md", "---\nbase_model: ada/tuned\n---\n");
    ada.commit("/api/models/ada/new", "main", &[card], 200).await;
    let new = browser.open("/ada/new").await;
    assert!(new.has("This model has no files yet") && new.has("<a href=\"/ada/tuned\">ada/tuned</a>"), "{}", new.text);

    let page = browser.open("/datasets/ada/rows").await;
    assert!(page.has("Models trained on this dataset") && page.has("<a href=\"/ada/tuned\">ada/tuned</a>"));
    assert!(page.has("Spaces using this dataset") && page.has("/spaces/ada/demo"));
    let page = browser.open("/spaces/ada/demo").await;
    assert!(page.has("Models it uses") && page.has("<a href=\"/ada/tuned\">ada/tuned</a>"));
    hub.stop().await;
}

#[tokio::test]
async fn a_card_gives_results_citation_emissions_papers_and_an_outline() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/told", false).await;
    let card = "---\nco2_eq_emissions:\n  emissions: 1500\n  source: a meter\nmodel-index:\n- name: told\n  results:\n  - task:\n      type: \
        text-classification\n    dataset:\n      name: GLUE\n      type: glue\n    metrics:\n    - type: accuracy\n      value: 0.93\n      \
        verified: true\n    source:\n      url: https://example.org/board\n      name: The board\n---\n# One\n## Two\n## Three\n\
        ## Four\nSee https://arxiv.org/abs/1706.03762.\n```bibtex\n@article{told2026,\n  title={Told}\n}\n```\n";
    ada.commit("/api/models/ada/told", "main", &[Client::file("README.md", card)], 200).await;
    let page = Browser::new(&hub).open("/ada/told").await;
    for text in [
        "Evaluation results",
        "GLUE",
        "0.93",
        "<a href=\"https://example.org/board\" rel=\"nofollow noopener noreferrer\">The board</a>",
        "1.5 kg",
        "a meter",
        "href=\"https://arxiv.org/abs/1706.03762\"",
        "On this page",
        "<a href=\"#user-content-three\">Three</a>",
    ] {
        assert!(page.has(text), "{text}");
    }
    assert!(!page.has("Verified"), "an author's word is not a check");
    assert!(page.has("Cite it") && page.has("<code>@article{told2026,"), "to copy, without colours");
    hub.stop().await;
}

#[tokio::test]
async fn a_dataset_shows_its_configurations() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("dataset", "ada/parts", false).await;
    let card = "---\nconfigs:\n- config_name: small\n  default: true\n  data_files:\n  - split: train\n    path: small/*.csv\n\
        dataset_info:\n- config_name: small\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n          '0': \
        'no'\n          '1': 'yes'\n  splits:\n  - name: train\n    num_examples: 12345\n    num_bytes: 2048\n---\n# Parts\n";
    ada.commit("/api/datasets/ada/parts", "main", &[Client::file("README.md", card)], 200).await;
    let page = Browser::new(&hub).open("/datasets/ada/parts").await;
    for text in ["small/*.csv", "12,345", "class label (2)", ">Default<"] {
        assert!(page.has(text), "{text}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn the_tensors_of_a_model_are_listed_searched_and_turned() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/weights", false).await;
    let tensors = (0..450)
        .map(|n| (format!("layer.{n}.weight"), json!({ "dtype": "F32", "shape": [2, 1], "data_offsets": [n * 8, n * 8 + 8] })));
    let header = serde_json::Value::Object(tensors.collect()).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(file.len() + 450 * 8, 0);
    let form = reqwest::multipart::Form::new();
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let csrf = browser.open("/ada/weights/upload/main").await.csrf();
    let part = reqwest::multipart::Part::bytes(file).file_name("model.safetensors");
    let form = form.text("csrf_token", csrf).text("summary", "Weights").part("files", part);
    assert_eq!(browser.send_form("/ada/weights/upload/main", form).await.status, 303);

    let first = browser.open("/ada/weights/tensors/main/model.safetensors").await;
    assert!(first.has("layer.0.weight") && first.has("2 × 1") && first.has(">450<"), "{}", first.text);
    assert_eq!(first.text.matches("tensor-name").count(), 200);
    let last = browser.open("/ada/weights/tensors/main/model.safetensors?p=2").await;
    assert_eq!(last.text.matches("tensor-name").count(), 50);
    let found = browser.open("/ada/weights/tensors/main/model.safetensors?search=LAYER.44").await;
    assert_eq!(found.text.matches("tensor-name").count(), 11, "44 and 440 to 449");
    let page = browser.get("/ada/weights/tensors/main/README.md").await;
    assert_eq!(page.location(), "/ada/weights/blob/main/README.md");

    let broken = [Client::file("broken.safetensors", "no header"), Client::file("broken.gguf", "GGUF")];
    ada.commit("/api/models/ada/weights", "main", &broken, 200).await;
    for name in ["broken.safetensors", "broken.gguf"] {
        assert_eq!(browser.get(&format!("/ada/weights/tensors/main/{name}")).await.status, 422, "{name}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn many_relatives_take_as_many_statements_as_few() {
    let statements = Statements::watch();
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    model(&ada, "ada/root", "license: mit").await;
    for (name, relatives) in [("few", 1), ("many", 10)] {
        let rows: Vec<String> = (0..relatives).map(|number| format!("ada/{name}-rows-{number}")).collect();
        for id in &rows {
            ada.create_repo("dataset", id, false).await;
        }
        model(&ada, &format!("ada/{name}"), &format!("base_model: ada/root\ndatasets: [{}]", rows.join(", "))).await;
        for number in 0..relatives {
            model(&ada, &format!("ada/{name}-child-{number}"), &format!("base_model: ada/{name}")).await;
        }
    }
    // What looks at pushed files asks about repositories, too, and so does the index, which hears of what it found.
    hub.jobs_done().await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let mut counts = Vec::new();
    for path in ["/ada/few", "/ada/many"] {
        // The least of a few visits: the first fills what is remembered, and work behind the pages may fall into any.
        let mut fewest = usize::MAX;
        for _ in 0..8 {
            let before = statements.about_repos();
            browser.open(path).await;
            fewest = fewest.min(statements.about_repos() - before);
        }
        counts.push(fewest);
    }
    assert!(counts[0] > 0 && counts[0] == counts[1], "{counts:?}");
    hub.stop().await;
}
