//! Lineage and tensor diffs over real HTTP, on small models made here; `hub-weights` tries the thresholds on real weights.

mod models;
mod tensor_diff;
mod undeclared;

use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use self::models::{SIDE, matrices, model, model_bf16, noise, safetensors, trained};
use crate::lfs::{Large, upload};
use crate::pages::browser::Browser;

async fn commit_large(client: &Client, id: &str, path: &str, file: &Large, card: &str) -> String {
    upload(client, id, file).await;
    let large =
        json!({ "key": "lfsFile", "value": { "path": path, "algo": "sha256", "oid": file.oid, "size": file.bytes.len() } });
    let lines = [large, Client::file("README.md", card)];
    let api = format!("/api/models/{id}");
    client.commit(&api, "main", &lines, 200).await["commitOid"].as_str().unwrap().to_owned()
}

async fn publish(client: &Client, id: &str, private: bool, file: &Large, card: &str) -> String {
    client.create_repo("model", id, private).await;
    commit_large(client, id, "model.safetensors", file, card).await
}

async fn lineage(client: &Client, id: &str) -> Value {
    client.get_json(&format!("/api/models/{id}/lineage"), 200).await
}

fn card(license: &str, base: &str) -> String {
    format!(
        "---\nlicense: {license}\n{}---\n# A model\n",
        if base.is_empty() { String::new() } else { format!("base_model: {base}\n") }
    )
}

#[tokio::test]
async fn a_finetune_is_told_from_where_it_comes() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob) = (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await);
    let base = matrices(1);
    publish(&ada, "ada/base", false, &model(&base), &card("mit", "")).await;
    publish(&ada, "ada/stranger", false, &model(&matrices(50)), &card("mit", "")).await;
    let tuned = model(&trained(&base, 0.05, 1));
    publish(&bob, "bob/tuned", false, &tuned, &card("apache-2.0", "")).await;
    hub.jobs_done().await;

    let found = lineage(&bob, "bob/tuned").await;
    assert_eq!((&found["likelyParent"], &found["sketched"]), (&json!("ada/base"), &json!(true)), "{found}");
    assert_eq!(found["relatives"].as_array().unwrap().len(), 1, "a model trained apart is no relative: {found}");
    let parent = &found["relatives"][0];
    assert_eq!((parent["relation"].as_str(), parent["direction"].as_str()), (Some("finetune"), Some("source")));
    assert_eq!((&parent["declared"], &parent["licenseConflict"]), (&json!(false), &json!(true)));
    let weights = &parent["evidence"]["weights"];
    assert_eq!((&weights["tensorsCompared"], &weights["tensorsEqual"]), (&json!(4), &json!(1)), "{parent}");
    assert!(weights["correlation"].as_f64().unwrap() > 0.99 && weights["relativeDelta"].as_f64().unwrap() < 0.06, "{weights}");

    let child = &lineage(&ada, "ada/base").await["relatives"][0];
    assert_eq!((child["id"].as_str(), child["direction"].as_str()), (Some("bob/tuned"), Some("derived")));

    commit_large(&bob, "bob/tuned", "model.safetensors", &tuned, &card("mit", "ada/base")).await;
    let parent = &lineage(&bob, "bob/tuned").await["relatives"][0];
    assert_eq!((&parent["declared"], &parent["licenseConflict"]), (&json!(true), &json!(false)));
    let page = Browser::logged_in(&hub, "bob").await.get("/bob/tuned/lineage").await;
    assert!(page.status == 200 && page.has("trained from ada/base") && page.has("/bob/tuned/tensor-diff?base=ada%2Fbase"));
    hub.stop().await;
}

#[tokio::test]
async fn copies_and_conversions_are_recognised() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob) = (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await);
    let base = matrices(1);
    publish(&ada, "ada/base", false, &model(&base), &card("mit", "")).await;
    publish(&bob, "bob/copy", false, &model(&base), &card("mit", "")).await;
    publish(&bob, "bob/half", false, &model_bf16(&base), &card("mit", "")).await;
    hub.jobs_done().await;
    let copy = lineage(&bob, "bob/copy").await;
    let source = copy["relatives"].as_array().unwrap().iter().find(|relative| relative["id"] == "ada/base").unwrap();
    assert_eq!(
        (source["relation"].as_str(), &source["evidence"]["identicalFiles"]),
        (Some("identical"), &json!(["model.safetensors"]))
    );
    assert_eq!(source["evidence"]["sharedShare"], 1.0);
    let half = lineage(&bob, "bob/half").await;
    assert_eq!(
        (&half["likelyParent"], half["relatives"][0]["relation"].as_str()),
        (&json!("ada/base"), Some("converted")),
        "{half}"
    );
    hub.stop().await;
}

#[tokio::test]
async fn what_one_may_not_download_is_not_told() {
    let hub = TestHub::start().await;
    let (admin, ada, bob) = (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await);
    let base = matrices(1);
    publish(&ada, "ada/secret", true, &model(&base), &card("mit", "")).await;
    publish(&ada, "ada/asked", false, &model(&base), &card("mit", "")).await;
    ada.call(Method::PUT, "/api/models/ada/asked/settings", &json!({ "gated": "manual" }), 200).await;
    publish(&bob, "bob/copy", false, &model(&base), &card("mit", "")).await;
    publish(&bob, "bob/tuned", false, &model(&trained(&base, 0.05, 0)), &card("mit", "")).await;
    hub.jobs_done().await;
    for id in ["bob/copy", "bob/tuned"] {
        let told = lineage(&bob, id).await;
        assert!(!told.to_string().contains("ada/"), "{told}");
        assert!(lineage(&admin, id).await.to_string().contains("ada/secret"), "those who run the hub see all");
        ada.get(&format!("/api/models/{id}/lineage"), 403).await;
        hub.anonymous().get(&format!("/api/models/{id}/lineage"), 401).await;
        let page = Browser::logged_in(&hub, "bob").await.get(&format!("/{id}/lineage")).await;
        assert!(page.status == 200 && !page.has("ada/secret") && !page.has("ada/asked"));
    }
    let diff = |base: &str| format!("/api/models/bob/copy/tensor-diff?base={base}");
    let secret = bob.get(&diff("ada/secret"), 404).await.text().await.unwrap();
    let missing = bob.get(&diff("ada/missing"), 404).await.text().await.unwrap();
    assert_eq!(secret, missing);
    bob.get(&diff("ada/asked"), 403).await;
    bob.get(&diff("not%20an%20id"), 404).await;
    admin.get(&diff("ada/secret"), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn shared_chunks_are_evidence() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob) = (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await);
    let bytes = |seed: u64, count: usize| noise(seed, count).into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let first = bytes(1, 1 << 20);
    // The same beginning: of small files only the first chunk is looked up among those that are known.
    let second = [first.clone(), bytes(2, 1 << 18)].concat();
    publish(&ada, "ada/first", false, &Large::new(first), &card("mit", "")).await;
    hub.jobs_done().await;
    publish(&bob, "bob/second", false, &Large::new(second), &card("mit", "")).await;
    hub.jobs_done().await;
    let found = lineage(&bob, "bob/second").await;
    let source = &found["relatives"][0];
    assert_eq!((source["id"].as_str(), source["relation"].as_str()), (Some("ada/first"), Some("shares_files")), "{found}");
    let share = source["evidence"]["sharedShare"].as_f64().unwrap();
    assert!((0.7..0.85).contains(&share), "four fifths, less what chunks lose at their ends: {share}");
    assert_eq!(found["likelyParent"], Value::Null, "sharing some bytes makes no parent");
    hub.stop().await;
}

#[tokio::test]
async fn a_model_in_several_files_and_with_a_new_head_is_recognised() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob) = (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await);
    let base = matrices(1);
    publish(&ada, "ada/base", false, &model(&base), &card("mit", "")).await;
    bob.create_repo("model", "bob/split", false).await;
    let mut map = serde_json::Map::new();
    for (layer, numbers) in base.iter().enumerate() {
        let name = format!("bert.encoder.layer.{layer}.weight");
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let head = (format!("head.{layer}"), "F32", vec![SIDE], vec![0; SIDE * 4]);
        let mut tensors = vec![(name.clone(), "F32", vec![SIDE, SIDE], bytes)];
        tensors.extend((layer == 0).then_some(head));
        let path = format!("part-{layer}.safetensors");
        map.insert(name, json!(path));
        commit_large(&bob, "bob/split", &path, &safetensors(&tensors), &card("mit", "")).await;
    }
    let index = json!({ "weight_map": map }).to_string();
    bob.commit("/api/models/bob/split", "main", &[Client::file("model.safetensors.index.json", &index)], 200).await;
    hub.jobs_done().await;
    let found = lineage(&bob, "bob/split").await;
    assert_eq!(
        (&found["likelyParent"], found["relatives"][0]["relation"].as_str()),
        (&json!("ada/base"), Some("identical")),
        "{found}"
    );
    hub.stop().await;
}
