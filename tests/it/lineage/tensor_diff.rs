//! Tensor diffs.

use hub_tests::{Client, TestHub, Value, json};

use super::models::safetensors;
use super::{card, commit_large, publish};
use crate::pages::browser::Browser;

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
