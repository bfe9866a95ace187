use std::collections::BTreeSet;

use hub_tests::{Client, Value, json};
use hub_types::RepoType;

use super::seeded::Seeded;

const CARD: &str = "---\nlicense: mit\npipeline_tag: text-classification\nbase_model: ada/parent\nwidget: [{text: Hi}]\ntags: [fun]\n---\n# Bert\n\nIt classifies.\n";

/// A repository of each type, and what `huggingface_hub` 2.4 may ask of it, as its `ExpandModelProperty_T` and its siblings say.
const ASKED: [(RepoType, &str, &str); 3] = [
    (
        RepoType::Model,
        "ada/bert",
        "author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults gated \
         gguf inference inferenceProviderMapping lastModified library_name likes mask_token model-index pipeline_tag private \
         resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore usedStorage widgetData",
    ),
    (
        RepoType::Dataset,
        "ada/corpus",
        "author cardData citation createdAt description disabled downloads downloadsAllTime gated lastModified likes mainSize \
         paperswithcode_id private resourceGroup sha siblings tags trendingScore usedStorage",
    ),
    (
        RepoType::Space,
        "ada/demo",
        "author cardData createdAt datasets disabled lastModified likes models private region resourceGroup runtime sdk sha \
         siblings subdomain tags trendingScore usedStorage",
    ),
];

/// A model with bytes of former commits, Spaces, and models made from it; a dataset, and a Space.
async fn shelf() -> Seeded {
    let config = r#"{"model_type":"bert","architectures":["BertForSequenceClassification"]}"#;
    let seeded = Seeded::model(&[("README.md", CARD), ("config.json", config)]).await;
    for statement in [
        "insert into lfs_objects (oid, size_bytes) values (decode(repeat('ab', 32), 'hex'), 5000)",
        "insert into repo_lfs_objects (repo_pk, oid) select repo_pk, decode(repeat('ab', 32), 'hex') from repos",
    ] {
        sqlx::query(statement).execute(&seeded.hub.app().pool).await.unwrap();
    }
    let uses = "---\nsdk: gradio\nmodels: [ada/bert]\ndatasets: [ada/corpus]\n---\n";
    seeded.another(RepoType::Space, "ada/demo", false, &[("README.md", uses)]).await;
    seeded.another(RepoType::Space, "ada/hidden", true, &[("README.md", uses)]).await;
    for (name, private) in [("ada/child", false), ("ada/secret", true)] {
        seeded.another(RepoType::Model, name, private, &[("README.md", "---\nbase_model: ada/bert\n---\n")]).await;
    }
    let adapter = "---\nbase_model: ada/bert\nbase_model_relation: adapter\n---\n";
    seeded.another(RepoType::Model, "ada/adapter", false, &[("README.md", adapter)]).await;
    let data = "---\nlicense: mit\npaperswithcode_id: corpus\n---\n# Corpus\n\nWords.\n";
    seeded.another(RepoType::Dataset, "ada/corpus", false, &[("README.md", data), ("a.csv", "a\n1\n")]).await;
    seeded.hub.jobs_done().await;
    seeded
}

/// The names that `expand` takes, as the hub tells who asks for another one.
async fn known(client: &Client, kind: RepoType) -> Vec<String> {
    let refusal = client.get_json(&format!("/api/{}?expand=colour", kind.plural()), 400).await;
    let (_, names) = refusal["error"].as_str().unwrap().split_once("it takes ").unwrap();
    names.split(", ").map(str::to_owned).collect()
}

async fn listed(client: &Client, path: &str, id: &str) -> Value {
    let list = client.get_json(path, 200).await;
    list.as_array().unwrap().iter().find(|item| item["id"] == id).cloned().unwrap()
}

#[tokio::test]
async fn a_list_says_of_each_what_its_own_address_says() {
    let seeded = shelf().await;
    for (kind, id, asked) in ASKED {
        let names = known(&seeded.ada, kind).await;
        for name in asked.split_whitespace() {
            assert!(names.iter().any(|known| known == name), "{kind}: {name}");
        }
        for client in [&seeded.ada, &seeded.hub.anonymous()] {
            for name in &names {
                let alone = client.get_json(&format!("/api/{}/{id}?expand={name}", kind.plural()), 200).await;
                let one = listed(client, &format!("/api/{}?expand={name}", kind.plural()), id).await;
                assert_eq!(one, alone, "{kind}: {name}");
            }
            let all = names.join("&expand=");
            let alone = client.get_json(&format!("/api/{}/{id}?expand={all}", kind.plural()), 200).await;
            assert_eq!(listed(client, &format!("/api/{}?expand={all}", kind.plural()), id).await, alone, "{kind}: all");
        }
    }
    seeded.stop().await;
}

#[tokio::test]
async fn lists_know_storage_spaces_and_children() {
    let seeded = shelf().await;
    let path = "/api/models?expand=usedStorage&expand=spaces&expand=childrenModelCount";
    let anonymous = seeded.hub.anonymous();
    let bert = listed(&anonymous, path, "ada/bert").await;
    assert_eq!(bert["spaces"], json!(["ada/demo"]), "a hidden one is not told to strangers");
    assert_eq!(bert["childrenModelCount"], json!({"adapter": 1, "finetune": 1}));
    let head = seeded.repo().await.size_bytes;
    assert!(head < 5_000 && bert["usedStorage"].as_i64().unwrap() > 5_000, "what was there before is kept: {bert}");
    let child = listed(&anonymous, path, "ada/child").await;
    assert_eq!((&child["spaces"], &child["childrenModelCount"]), (&json!([]), &json!({})));
    let own = listed(&seeded.ada, path, "ada/bert").await;
    assert_eq!(own["spaces"].as_array().unwrap().len(), 2, "{own}");
    assert_eq!(own["childrenModelCount"], json!({"adapter": 1, "finetune": 2}));
    // What takes more than the row comes in smaller pages, which follow each other.
    let more = "insert into repos (repo_type, namespace_pk, name) select 'model', namespace_pk, 'm' || n
                from namespaces, generate_series(1, 120) n where name = 'ada'";
    sqlx::query(more).execute(&seeded.hub.app().pool).await.unwrap();
    let (mut next, mut pages) = (Some(anonymous.url(&format!("{path}&limit=1000"))), Vec::new());
    while let Some(url) = next {
        let response = anonymous.get_url(&url).await;
        next = response.headers().get("link").map(|link| link.to_str().unwrap().split(['<', '>']).nth(1).unwrap().to_owned());
        pages.push(response.json::<Vec<Value>>().await.unwrap());
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 23]);
    assert!(pages.iter().flatten().all(|model| model["usedStorage"].is_i64() && model["spaces"].is_array()));
    let ids: BTreeSet<&str> = pages.iter().flatten().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 123, "each once");
    seeded.stop().await;
}
