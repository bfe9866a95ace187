use std::time::{Duration, Instant};

use hub_tests::{Client, TestHub, json};

#[tokio::test]
async fn a_card_is_checked_for_anybody() {
    let hub = TestHub::start().await;
    let check = async |content: &str, status| {
        let body = json!({"content": content, "repoType": "model"});
        hub.anonymous().post_json("/api/validate-yaml", &body, status).await
    };
    assert_eq!(check("---\nlicense: mit\n---\n# Card\n", 200).await, json!({"errors": [], "warnings": []}));
    let bare = check("# Card\n", 200).await;
    assert_eq!(bare["warnings"][0]["message"], "empty or missing yaml metadata in repo card");
    let unknown = check("---\nlicense: asdf\n---\n", 400).await;
    let message = unknown["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("\"license\" must be one of") && message.ends_with("(line 2)"), "{message}");
    assert_eq!(unknown["warnings"], json!([]));
    let broken = check("---\ntags: [a\n---\n", 400).await;
    assert!(broken["errors"][0]["message"].as_str().unwrap().starts_with("Invalid YAML metadata"), "{broken}");
    hub.stop().await;
}

#[tokio::test]
async fn numbers_that_are_none_are_kept_and_mistakes_are_told_in_words() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/diverged", false).await;
    let card = "---\nmodel-index:\n- name: x\n  results:\n  - task: {type: fill-mask}\n    dataset: {type: a, name: a}\n    \
                metrics:\n    - {type: loss, value: .nan}\n    - {type: worst, value: .inf}\n---\n";
    ada.commit("/api/models/ada/diverged", "main", &[Client::file("README.md", card)], 200).await;
    for (yaml, words) in
        [("license: mit\nlicense: mit", "`license` is there twice"), ("a: &a [*a]", "part of what it stands for")]
    {
        let body = json!({"content": format!("---\n{yaml}\n---\n"), "repoType": "model"});
        let told = hub.anonymous().post_json("/api/validate-yaml", &body, 400).await;
        assert!(told["errors"][0]["message"].as_str().unwrap().contains(words), "{told}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_card_that_is_a_bomb_is_refused_quickly() {
    let hub = TestHub::start().await;
    let mut card = "---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        card += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(","));
    }
    let started = Instant::now();
    let body = json!({"content": format!("{card}---\n"), "repoType": "dataset"});
    hub.anonymous().post_json("/api/validate-yaml", &body, 400).await;
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    hub.stop().await;
}

#[tokio::test]
async fn the_answer_is_json_whatever_is_asked() {
    let hub = TestHub::start().await;
    let anyone = hub.anonymous();
    for (body, status) in [("{", 400), ("[]", 400), ("{\"content\": 3}", 400), ("{}", 200)] {
        let request = anyone.request(reqwest::Method::POST, "/api/validate-yaml").body(body);
        let response = anyone.send(request, status).await;
        response.json::<hub_tests::Value>().await.unwrap();
    }
    let kernel = json!({"content": "---\nlicense: mit\n---\n", "repoType": "kernel"});
    anyone.post_json("/api/validate-yaml", &kernel, 200).await;
    hub.stop().await;
}
