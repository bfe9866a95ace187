use hub_tests::{Client, TestHub, Value, json};
use hub_types::RepoType;

use super::seeded::{Seeded, add, add_lfs};
use crate::lfs::{Large, upload};

const CARD: &str = "---\nlicense: mit\nlanguage: [en, de]\npipeline_tag: text-classification\nbase_model: ada/parent\ndatasets: [ada/corpus]\ntags: [fun]\n---\n# Bert\n\nIt classifies. See arXiv:1810.04805.\n";
const CONFIG: &str = r#"{"model_type":"bert","architectures":["BertForSequenceClassification"],"hidden_size":3}"#;

async fn show(seeded: &Seeded, query: &str, status: u16) -> Value {
    seeded.ada.get_json(&format!("{}{query}", seeded.api), status).await
}

fn names(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

fn tags(info: &Value) -> Vec<&str> {
    info["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect()
}

/// A safetensors file with one `F32` tensor of so many numbers.
fn safetensors(count: usize) -> Vec<u8> {
    let header = format!(r#"{{"w":{{"dtype":"F32","shape":[{count}],"data_offsets":[0,{}]}}}}"#, count * 4);
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; count * 4]].concat()
}

#[tokio::test]
async fn an_info_has_all_that_the_files_tell() {
    let seeded = Seeded::model(&[("README.md", CARD), ("config.json", CONFIG), ("vocab.txt", "a\n"), ("x/y.txt", "b")]).await;
    let info = show(&seeded, "", 200).await;
    assert_eq!(info["id"], "ada/bert");
    assert_eq!(info["modelId"], "ada/bert");
    assert_eq!(info["_id"].as_str().unwrap().len(), 24);
    assert_eq!(info["sha"].as_str().unwrap().len(), 40);
    assert_eq!((&info["private"], &info["gated"], &info["disabled"]), (&json!(false), &json!(false), &json!(false)));
    assert!(info["lastModified"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&info["pipeline_tag"], &info["library_name"]), (&json!("text-classification"), &json!("transformers")));
    assert_eq!(info["cardData"]["language"], json!(["en", "de"]));
    assert_eq!(info["config"], json!({"model_type": "bert", "architectures": ["BertForSequenceClassification"]}));
    assert_eq!(
        info["transformersInfo"],
        json!({"auto_model": "AutoModelForSequenceClassification", "pipeline_tag": "text-classification", "processor": "AutoTokenizer"})
    );
    assert_eq!(
        tags(&info),
        [
            "transformers",
            "bert",
            "text-classification",
            "fun",
            "en",
            "de",
            "dataset:ada/corpus",
            "arxiv:1810.04805",
            "base_model:ada/parent",
            "base_model:finetune:ada/parent",
            "license:mit",
            "region:us"
        ]
    );
    assert_eq!(
        info["siblings"],
        json!([{"rfilename": "README.md"}, {"rfilename": "config.json"}, {"rfilename": "vocab.txt"}, {"rfilename": "x/y.txt"}])
    );
    assert!(info["usedStorage"].as_i64().unwrap() > 0);
    seeded.stop().await;
}

#[tokio::test]
async fn blobs_have_sizes_and_hashes() {
    let seeded = Seeded::model(&[("a.txt", "hello")]).await;
    seeded.commit("main", "large", vec![add_lfs("m.bin", 7, 1_000_000)]).await;
    let info = show(&seeded, "?blobs=true", 200).await;
    let files = info["siblings"].as_array().unwrap();
    assert_eq!(files[0], json!({"rfilename": "a.txt", "size": 5, "blobId": "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"}));
    assert_eq!(files[1]["size"], 1_000_000);
    assert_eq!(files[1]["lfs"]["sha256"], "07".repeat(32));
    assert_eq!((files[1]["lfs"]["size"].as_i64(), files[1]["lfs"]["pointerSize"].as_i64()), (Some(1_000_000), Some(132)));
    seeded.stop().await;
}

#[tokio::test]
async fn expand_gives_what_is_asked_and_no_more() {
    let seeded = Seeded::model(&[("README.md", CARD)]).await;
    let info = show(&seeded, "?expand=downloads&expand=sha&expand[]=usedStorage", 200).await;
    assert_eq!(names(&info), ["_id", "downloads", "id", "sha", "usedStorage"]);
    let every = "author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults gated \
        gguf inference inferenceProviderMapping lastModified library_name likes mask_token model-index pipeline_tag private \
        resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore usedStorage widgetData gitalyUid";
    let query: Vec<String> = every.split_whitespace().map(|name| format!("expand={name}")).collect();
    let info = show(&seeded, &format!("?{}", query.join("&")), 200).await;
    assert_eq!(info["baseModels"], json!({"relation": "finetune", "models": [{"id": "ada/parent"}]}));
    assert_eq!(info["childrenModelCount"], json!({}));
    let refusal = show(&seeded, "?expand=colour", 400).await;
    assert!(refusal["error"].as_str().unwrap().contains("`colour`"), "{refusal}");
    show(&seeded, "?expand=citation", 400).await;
    seeded.stop().await;
}

#[tokio::test]
async fn the_info_of_a_revision_is_as_of_then() {
    let seeded = Seeded::model(&[("README.md", "---\nlicense: mit\n---\n")]).await;
    let first = show(&seeded, "?expand=sha", 200).await["sha"].as_str().unwrap().to_owned();
    seeded.commit("main", "second", vec![add("README.md", "---\nlicense: apache-2.0\n---\n"), add("b.txt", "b")]).await;
    for revision in [first.as_str(), &first[..8]] {
        let info = seeded.get(&format!("revision/{revision}"), 200).await;
        assert_eq!(info["sha"], first);
        assert_eq!(info["cardData"]["license"], "mit");
        assert_eq!(info["siblings"], json!([{"rfilename": "README.md"}]));
    }
    for revision in ["main", "HEAD", "refs%2Fheads%2Fmain", "refs/heads/main"] {
        let info = seeded.get(&format!("revision/{revision}"), 200).await;
        assert_eq!(
            (&info["cardData"]["license"], info["siblings"].as_array().unwrap().len()),
            (&json!("apache-2.0"), 2),
            "{revision}"
        );
    }
    let response = seeded.ada.get(&format!("{}/revision/nowhere", seeded.api), 404).await;
    assert_eq!(response.headers()["x-error-code"], "RevisionNotFound");
    seeded.stop().await;
}

#[tokio::test]
async fn a_commit_on_another_branch_changes_nothing_shown() {
    let seeded = Seeded::model(&[("README.md", CARD)]).await;
    seeded.commit("side", "other", vec![add("README.md", "---\nlicense: gpl\n---\n")]).await;
    assert_eq!(show(&seeded, "", 200).await["cardData"]["license"], "mit");
    seeded.stop().await;
}

#[tokio::test]
async fn count_and_size_follow_what_changes() {
    let seeded = Seeded::model(&[("a.txt", "12345"), ("d/b.txt", "123")]).await;
    let totals = async || {
        let repo = seeded.repo().await;
        (repo.file_count, repo.size_bytes)
    };
    assert_eq!(totals().await, (2, 8));
    seeded.commit("main", "grow", vec![add("a.txt", "1234567"), add_lfs("m.bin", 1, 1_000)]).await;
    assert_eq!(totals().await, (3, 1_010));
    seeded.commit("main", "shrink", vec![hub_git::Change::DeleteFolder("d".to_owned())]).await;
    assert_eq!(totals().await, (2, 1_007));
    seeded.stop().await;
}

#[tokio::test]
async fn weights_are_counted_by_a_job_or_the_first_who_asks() {
    let seeded = Seeded::model(&[("README.md", CARD)]).await;
    let weights = |count| hub_git::Change::AddBlob {
        path: hub_types::RepoPath::new("model.safetensors").unwrap(),
        content: hub_git::Content::Bytes(safetensors(count)),
    };
    seeded.commit("main", "weights", vec![weights(12)]).await;
    let expected = json!({"parameters": {"F32": 12}, "total": 12});
    assert_eq!(show(&seeded, "", 200).await["safetensors"], expected);
    // A commit that leaves the weights alone leaves the count in place, before any job runs.
    seeded.commit("main", "card", vec![add("b.txt", "b")]).await;
    assert_eq!(show(&seeded, "?expand=safetensors", 200).await["safetensors"], expected);
    seeded.commit("main", "other weights", vec![weights(5)]).await;
    seeded.hub.jobs_done().await;
    assert_eq!(show(&seeded, "", 200).await["safetensors"]["total"], 5);
    seeded.commit("main", "no weights", vec![add("model.safetensors", "not weights at all")]).await;
    seeded.hub.jobs_done().await;
    assert_eq!(show(&seeded, "", 200).await.get("safetensors"), None);
    seeded.stop().await;
}

#[tokio::test]
async fn all_files_of_an_index_are_counted_or_none() {
    let seeded = Seeded::model(&[("README.md", CARD)]).await;
    let name = |number: usize| format!("model-{number:05}-of-00020.safetensors");
    let shard = |number: usize| hub_git::Change::AddBlob {
        path: hub_types::RepoPath::new(&name(number)).unwrap(),
        content: hub_git::Content::Bytes(safetensors(number)),
    };
    let names: Value = (1..=20).map(|number| (format!("w{number}"), name(number))).collect();
    let mut changes = vec![add("model.safetensors.index.json", &json!({ "weight_map": names }).to_string())];
    changes.extend((1..=20).filter(|number| *number != 17).map(shard));
    seeded.commit("main", "all but one", changes).await;
    seeded.hub.jobs_done().await;
    assert_eq!(show(&seeded, "", 200).await.get("safetensors"), None);
    seeded.commit("main", "the last", vec![shard(17)]).await;
    seeded.hub.jobs_done().await;
    assert_eq!(show(&seeded, "", 200).await["safetensors"], json!({"parameters": {"F32": 210}, "total": 210}));
    seeded.stop().await;
}

#[tokio::test]
async fn files_in_git_and_in_the_store_are_counted_together() {
    let seeded = Seeded::model(&[("README.md", CARD)]).await;
    let name = |number: usize| format!("model-{number:05}-of-00004.safetensors");
    let names: Value = (1..=4).map(|number| (format!("w{number}"), name(number))).collect();
    let mut changes = vec![add("model.safetensors.index.json", &json!({ "weight_map": names }).to_string())];
    changes.extend([1, 3].map(|number| hub_git::Change::AddBlob {
        path: hub_types::RepoPath::new(&name(number)).unwrap(),
        content: hub_git::Content::Bytes(safetensors(number)),
    }));
    seeded.commit("main", "those in git", changes).await;
    let mut lines = Vec::new();
    for number in [2, 4] {
        let file = Large::new(safetensors(number));
        upload(&seeded.ada, "ada/bert", &file).await;
        let value = json!({ "path": name(number), "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
        lines.push(json!({ "key": "lfsFile", "value": value }));
    }
    seeded.ada.commit(&seeded.api, "main", &lines, 200).await;
    seeded.hub.jobs_done().await;
    assert_eq!(show(&seeded, "", 200).await["safetensors"], json!({"parameters": {"F32": 10}, "total": 10}));
    seeded.stop().await;
}

#[tokio::test]
async fn a_card_with_broken_yaml_or_a_nul_breaks_nothing() {
    let seeded = Seeded::model(&[("README.md", "---\nlicense: [\n---\n# x\n")]).await;
    assert_eq!(show(&seeded, "", 200).await.get("cardData"), None);
    seeded.commit("main", "nul", vec![add("README.md", "---\ntags: [\"a\\0b\"]\ntitle: \"x\\0\"\n---\n")]).await;
    assert_eq!(show(&seeded, "", 200).await["cardData"]["title"], "x\u{fffd}");
    seeded.stop().await;
}

#[tokio::test]
async fn a_private_repo_answers_strangers_as_a_missing_one() {
    let seeded = Seeded::empty(RepoType::Dataset, true).await;
    seeded.commit("main", "first", vec![add("a.csv", "a,b\n1,2\n")]).await;
    let eve = seeded.hub.user("eve").await;
    for (client, status) in [(&eve, 404), (&seeded.hub.anonymous(), 401)] {
        for path in ["", "/revision/main", "?expand=sha"] {
            let response = client.get(&format!("{}{path}", seeded.api), status).await;
            assert_eq!(response.headers()["x-error-code"], "RepoNotFound");
        }
    }
    let info = show(&seeded, "", 200).await;
    assert!(tags(&info).contains(&"format:csv"));
    seeded.stop().await;
}

#[tokio::test]
async fn a_model_knows_its_spaces_and_children() {
    let seeded = Seeded::model(&[("README.md", CARD)]).await;
    seeded.another(RepoType::Space, "ada/demo", false, &[("README.md", "---\nsdk: gradio\nmodels: [ada/bert]\n---\n")]).await;
    seeded.another(RepoType::Space, "ada/hidden", true, &[("README.md", "---\nsdk: gradio\nmodels: [ada/bert]\n---\n")]).await;
    seeded.another(RepoType::Model, "ada/child", false, &[("README.md", "---\nbase_model: ada/bert\n---\n")]).await;
    let info = seeded.hub.anonymous().get_json(&format!("{}?expand=spaces&expand=childrenModelCount", seeded.api), 200).await;
    assert_eq!(info["spaces"], json!(["ada/demo"]));
    assert_eq!(info["childrenModelCount"], json!({"finetune": 1}));
    let space = seeded.ada.get_json("/api/spaces/ada/demo", 200).await;
    assert_eq!(
        (&space["sdk"], &space["models"], &space["runtime"]["stage"]),
        (&json!("gradio"), &json!(["ada/bert"]), &json!("NO_APP_FILE"))
    );
    seeded.ada.commit("/api/spaces/ada/demo", "main", &[Client::file("app.py", "print(1)\n")], 200).await;
    let space = seeded.ada.get_json("/api/spaces/ada/demo?expand=runtime", 200).await;
    assert_eq!(space["runtime"]["stage"], json!("STOPPED"));
    seeded.stop().await;
}

#[tokio::test]
async fn all_files_are_told_even_of_a_large_repo() {
    let seeded = Seeded::model(&[("README.md", CARD)]).await;
    let many = (0..5_500).map(|number| add(&format!("d{}/f{number}.txt", number % 7), "x")).collect();
    seeded.commit("main", "many", many).await;
    seeded.commit("main", "last", vec![add("z.gguf", "x")]).await;
    for query in ["", "?blobs=true", "?expand=siblings"] {
        let info = show(&seeded, query, 200).await;
        let names: Vec<_> = info["siblings"].as_array().unwrap().iter().filter_map(|file| file["rfilename"].as_str()).collect();
        assert_eq!(names.len(), 5_502, "{query}");
        assert!(names.is_sorted(), "in the order of the tree: {query}");
    }
    let info = show(&seeded, "", 200).await;
    assert!(tags(&info).contains(&"gguf"), "the root's files count however many come before them");
    let listed = seeded.ada.get_json("/api/models?full=true", 200).await;
    assert_eq!(listed[0]["siblings"].as_array().unwrap().len(), 1_000, "lists have the first");
    seeded.stop().await;
}

#[tokio::test]
async fn many_who_ask_at_once_each_get_the_repository_they_asked_for() {
    let hub = TestHub::start().await;
    let (ada, eve) = (hub.user("ada").await, hub.user("eve").await);
    for n in 0..8 {
        ada.create_repo("model", &format!("ada/m{n}"), n % 2 == 1).await;
    }
    ada.create_repo("dataset", "ada/m0", false).await;
    let asked = (0..200).map(|n| {
        let (client, name) = (if n % 3 == 0 { &eve } else { &ada }, n % 10);
        async move {
            // In any case of letters; the last two are not there, and every other one is private.
            let kind = if n % 20 == 0 { "datasets" } else { "models" };
            let is_shown = name < 8 && (name % 2 == 0 || n % 3 != 0);
            let found = client.get_json(&format!("/api/{kind}/Ada/M{name}"), if is_shown { 200 } else { 404 }).await;
            if is_shown {
                assert_eq!(
                    (found["id"].as_str(), found["private"].as_bool()),
                    (Some(&*format!("ada/m{name}")), Some(name % 2 == 1))
                );
                assert_eq!(found.get("modelId").is_some(), kind == "models");
            }
        }
    });
    futures::future::join_all(asked).await;
    hub.stop().await;
}
