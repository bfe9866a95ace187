//! Lineage and tensor diffs over real HTTP, on small models made here; `hub-weights` tries the thresholds on real weights.

use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::lfs::{Large, upload};
use crate::pages::browser::Browser;

const LAYERS: usize = 4;
const SIDE: usize = 64;

/// Noise that differs by seed.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The matrices of a small model, by layer.
fn matrices(seed: u64) -> Vec<Vec<f32>> {
    (0..LAYERS).map(|layer| noise(seed + layer as u64, SIDE * SIDE)).collect()
}

/// The matrices moved by a share of their size; those of `kept` layers stay.
fn trained(from: &[Vec<f32>], by: f32, kept: usize) -> Vec<Vec<f32>> {
    let moved = |(layer, numbers): (usize, &Vec<f32>)| match layer < kept {
        true => numbers.clone(),
        false => numbers.iter().zip(noise(900 + layer as u64, SIDE * SIDE)).map(|(a, step)| a + by * step).collect(),
    };
    from.iter().enumerate().map(moved).collect()
}

fn safetensors(tensors: &[(String, &str, Vec<usize>, Vec<u8>)]) -> Large {
    let mut at = 0;
    let entries: Vec<String> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            at += bytes.len();
            format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{},{at}]}}"#, at - bytes.len())
        })
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    tensors.iter().for_each(|(.., bytes)| file.extend_from_slice(bytes));
    Large::new(file)
}

fn model(matrices: &[Vec<f32>]) -> Large {
    let tensor = |(layer, numbers): (usize, &Vec<f32>)| {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        (format!("encoder.layer.{layer}.weight"), "F32", vec![SIDE, SIDE], bytes)
    };
    safetensors(&matrices.iter().enumerate().map(tensor).collect::<Vec<_>>())
}

/// The upper halves of the numbers, rounded as converters do.
fn model_bf16(matrices: &[Vec<f32>]) -> Large {
    let half = |number: &f32| {
        let bits = number.to_bits();
        ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
    };
    let tensor = |(layer, numbers): (usize, &Vec<f32>)| {
        let bytes = numbers.iter().flat_map(|number| half(number).to_le_bytes()).collect();
        (format!("encoder.layer.{layer}.weight"), "BF16", vec![SIDE, SIDE], bytes)
    };
    safetensors(&matrices.iter().enumerate().map(tensor).collect::<Vec<_>>())
}

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
async fn those_who_run_the_hub_see_all_undeclared_parents() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob) = (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await);
    let base = matrices(1);
    publish(&ada, "ada/base", true, &model(&base), &card("mit", "")).await;
    hub.jobs_done().await;
    publish(&bob, "bob/copy", false, &model(&base), &card("apache-2.0", "")).await;
    publish(&bob, "bob/tuned", false, &model(&trained(&base, 0.3, 0)), &card("mit", "")).await;
    publish(&bob, "bob/honest", false, &model(&trained(&base, 0.1, 0)), &card("mit", "ada/base")).await;
    publish(&bob, "bob/stranger", false, &model(&matrices(50)), &card("mit", "")).await;
    hub.jobs_done().await;
    let mut browser = Browser::logged_in(&hub, "operator").await;
    let found = browser.open("/settings/lineage").await;
    let place = |page: &str, id: &str| page.find(&format!("href=\"/{id}/lineage\""));
    let (copy, tuned) = (place(&found.text, "bob/copy"), place(&found.text, "bob/tuned"));
    assert!(copy.is_some() && tuned > copy, "the most certain first: {}", found.text);
    for id in ["bob/honest", "bob/stranger", "ada/base"] {
        assert!(place(&found.text, id).is_none(), "{id}");
    }
    assert!(found.has("apache-2.0 here, mit there") && found.has("Identical") && found.has("Fine-tune"));
    assert!(found.has("href=\"/ada/base\""), "also when it is private");
    // What a card names later is none any more, also by a name that it had.
    let moving = json!({ "fromRepo": "ada/base", "toRepo": "ada/first", "type": "model" });
    ada.post_json("/api/repos/move", &moving, 200).await;
    bob.commit("/api/models/bob/copy", "main", &[Client::file("README.md", &card("mit", "ada/base"))], 200).await;
    bob.commit("/api/models/bob/tuned", "main", &[Client::file("README.md", &card("mit", "ada/other"))], 200).await;
    let found = browser.open("/settings/lineage").await;
    assert!(place(&found.text, "bob/copy").is_none() && found.has("href=\"/ada/first\""), "{}", found.text);
    // Nor are deleted ones.
    let body = json!({ "type": "model", "organization": "bob", "name": "tuned" });
    bob.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
    assert!(browser.open("/settings/lineage").await.has("Nothing was found"));
    assert_eq!(browser.get("/settings/lineage?after=x").await.status, 400);
    for name in ["ada", "bob"] {
        let mut other = Browser::logged_in(&hub, name).await;
        assert_eq!(other.get("/settings/lineage").await.status, 404);
        assert!(!other.open("/settings/profile").await.has("/settings/lineage"));
    }
    hub.stop().await;
}

#[tokio::test]
async fn moderators_see_the_lineage_of_what_they_may_download() {
    let hub = TestHub::start().await;
    let (_admin, ada, bob, mona) =
        (hub.user("operator").await, hub.user("ada").await, hub.user("bob").await, hub.account("mona").await);
    hub.sql("update users set is_moderator = true where email = 'mona@example.org'").await;
    let reads_only = hub.token(&mona, TokenRole::Read).await;
    let mona = hub.token(&mona, TokenRole::Write).await;
    let base = matrices(1);
    publish(&ada, "ada/base", true, &model(&base), &card("mit", "")).await;
    hub.jobs_done().await;
    publish(&bob, "bob/copy", false, &model(&base), &card("apache-2.0", "")).await;
    hub.jobs_done().await;
    let mut browser = Browser::logged_in(&hub, "mona").await;
    let settings = async |body: Value| ada.call(Method::PUT, "/api/models/ada/base/settings", &body, 200).await;
    let base_of = "/api/models/ada/base/lineage";
    let mut parent_is_told = async || {
        let list = browser.open("/settings/lineage").await;
        let page = browser.open("/bob/copy/lineage").await;
        let told = lineage(&mona, "bob/copy").await;
        let places = [list.has("href=\"/ada/base\""), page.has("href=\"/ada/base\""), told.to_string().contains("ada/base")];
        assert!(places.iter().all(|place| *place == places[0]) && list.has("/bob/copy/lineage") == places[0], "{places:?}");
        places[0]
    };
    assert!(!parent_is_told().await, "its parent is private");
    mona.get(base_of, 404).await;
    settings(json!({ "private": false })).await;
    assert!(parent_is_told().await);
    mona.get(base_of, 200).await;
    settings(json!({ "gated": "manual" })).await;
    assert!(!parent_is_told().await, "a moderator is let in like everybody");
    mona.get(base_of, 403).await;
    ada.post_json("/api/models/ada/base/user-access-request/grant", &json!({ "user": "mona" }), 200).await;
    assert!(parent_is_told().await);
    mona.get(base_of, 200).await;
    // What may not act in their name shows what others see.
    reads_only.get("/api/models/bob/copy/lineage", 403).await;
    assert!(browser.open("/settings/profile").await.has("/settings/lineage"));
    hub.stop().await;
}

#[tokio::test]
async fn the_list_of_undeclared_parents_has_pages() {
    let hub = TestHub::start().await;
    let admin = hub.user("operator").await;
    for number in 0..61 {
        admin.create_repo("model", &format!("operator/m{number:02}"), false).await;
    }
    // As many as no test uploads.
    sqlx::query(
        "insert into lineage_findings (repo_pk, parent_pk, relation, certainty)
         select r.repo_pk, p.repo_pk, 'finetune', 0.5 + (row_number() over (order by r.repo_pk) / 10) * 0.05
         from repos r, repos p where p.name = 'm00' and r.name <> 'm00'",
    )
    .execute(&hub.app().pool)
    .await
    .unwrap();
    let mut browser = Browser::logged_in(&hub, "operator").await;
    let ids = |page: &str| -> Vec<String> {
        page.split("href=\"/operator/")
            .filter_map(|part| part.split_once("/lineage\""))
            .map(|(id, _)| id.to_owned())
            .filter(|id| !id.contains('"'))
            .collect()
    };
    let first = browser.open("/settings/lineage").await;
    let next = first.text.split("href=\"").find(|link| link.starts_with("/settings/lineage?after=")).unwrap();
    let second = browser.open(next.split('"').next().unwrap()).await;
    let (mut all, rest) = (ids(&first.text), ids(&second.text));
    assert_eq!((all.len(), rest.len()), (50, 10));
    all.extend(rest);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 60, "each once");
    assert!(second.has("First page") && !second.has("rel=\"next\""));
    hub.stop().await;
}

async fn lines(client: &Client, path: &str) -> Vec<Value> {
    let text = client.get(path, 200).await.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn tensors_are_compared_one_by_one() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let floats = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let tensor = |name: &str, shape: &[usize], numbers: &[f32]| (name.to_owned(), "F32", shape.to_vec(), floats(numbers));
    let before = safetensors(&[
        tensor("l.2.w", &[2], &[3.0, 4.0]),
        tensor("l.10.w", &[2], &[1.0, 1.0]),
        tensor("gone", &[1], &[1.0]),
        tensor("grown", &[1], &[1.0]),
    ]);
    let after = safetensors(&[
        tensor("l.2.w", &[2], &[3.0, 0.0]),
        tensor("l.10.w", &[2], &[1.0, 1.0]),
        tensor("new", &[1], &[1.0]),
        tensor("grown", &[2], &[1.0, 1.0]),
    ]);
    let first = publish(&ada, "ada/m", false, &before, &card("mit", "")).await;
    ada.get("/api/models/ada/m/tensor-diff", 422).await;
    commit_large(&ada, "ada/m", "model.safetensors", &after, &card("mit", "")).await;
    let found = lines(&ada, "/api/models/ada/m/tensor-diff").await;
    let states: Vec<_> = found.iter().filter_map(|line| Some((line["name"].as_str()?, line["state"].as_str()?))).collect();
    let expected = [("l.2.w", "changed"), ("l.10.w", "same"), ("gone", "removed"), ("grown", "reshaped"), ("new", "added")];
    let mut sorted = (states.clone(), expected.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    let place = |name: &str| states.iter().position(|(other, _)| *other == name).unwrap();
    assert!(place("l.2.w") < place("l.10.w"), "layers are in the order of their numbers");
    let changed = found.iter().find(|line| line["name"] == "l.2.w").unwrap();
    assert_eq!(
        (&changed["maxDelta"], &changed["relativeDelta"], &changed["changedShare"]),
        (&json!(4.0), &json!(0.8), &json!(0.5))
    );
    assert_eq!((&changed["cosine"], &changed["shape"], &changed["dtype"]), (&json!(0.6), &json!([2]), &json!("F32")));
    assert_eq!(found.last().unwrap(), &json!({ "end": { "complete": true, "tensors": 5 } }));

    let same = lines(&ada, &format!("/api/models/ada/m/tensor-diff?revision={first}&base_revision={first}")).await;
    assert!(same.iter().take(4).all(|line| line["state"] == "same"));
    ada.get("/api/models/ada/m/tensor-diff?revision=nope", 404).await;
    ada.get("/api/models/ada/m/tensor-diff?file=README.md", 422).await;

    let mut browser = Browser::logged_in(&hub, "ada").await;
    let form = browser.get("/ada/m/tensor-diff").await;
    assert!(
        form.status == 200 && form.has("Base repository") && !form.has("Tensors that differ"),
        "the bare page starts no work"
    );
    let page = browser.get(&format!("/ada/m/tensor-diff?revision=main&base=&base_revision={first}")).await;
    assert!(page.has("4 of 5 tensors differ") && page.has("l.10.w") && page.has("1 → 2"), "{}", page.text);
    let wrong = browser.get("/ada/m/tensor-diff?base=ada%2Fmissing").await;
    assert!(wrong.status == 200 && wrong.has("There is no such base repository"));
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
