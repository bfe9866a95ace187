use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

async fn start() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    (hub, ada)
}

#[tokio::test]
async fn a_new_repository_has_a_first_commit() {
    let (hub, ada) = start().await;
    for (repo_type, prefix) in [("model", ""), ("dataset", "datasets/")] {
        let answer = ada.create_repo(repo_type, "ada/bert", false).await;
        assert_eq!(answer["url"], ada.url(&format!("/{prefix}ada/bert")));
        let tree = ada.get_json(&format!("/api/{repo_type}s/ada/bert/tree/main"), 200).await;
        assert_eq!(tree[0]["path"], ".gitattributes");
        let text = ada.get(&format!("/{prefix}ada/bert/resolve/main/.gitattributes"), 200).await.text().await.unwrap();
        assert!(text.contains("*.safetensors filter=lfs diff=lfs merge=lfs -text\n"));
        assert_eq!(text.contains("*.wav"), repo_type == "dataset");
    }
    hub.stop().await;
}

#[tokio::test]
async fn creating_twice_names_the_address() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/bert", false).await;
    let again = ada.post_json("/api/repos/create", &json!({ "name": "BERT", "type": "model" }), 409).await;
    assert_eq!(again["error"], "You already created this model repo");
    assert_eq!(again["url"], ada.url("/ada/bert"));
    let eve = hub.user("eve").await;
    eve.post_json("/api/repos/create", &json!({ "name": "x", "organization": "ada" }), 403).await;
    hub.anonymous().post_json("/api/repos/create", &json!({ "name": "x" }), 401).await;
    for name in ["-a", "a..b", "x.git", ""] {
        ada.post_json("/api/repos/create", &json!({ "name": name }), 400).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_moved_repository_answers_to_its_old_name() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/old", false).await;
    ada.create_repo("model", "ada/taken", false).await;
    let to = |name: &str| json!({ "fromRepo": "ada/old", "toRepo": name, "type": "model" });
    let taken = ada.post_json("/api/repos/move", &to("ada/taken"), 409).await;
    assert_eq!(taken["error"], "A model repository called ada/taken already exists");
    ada.post_json("/api/repos/move", &to("ada/new"), 200).await;
    let response = ada.get("/api/models/ada/old/tree/main?recursive=true", 307).await;
    assert_eq!(response.headers()["location"], "/api/models/ada/new/tree/main?recursive=true");
    ada.commit("/api/models/ada/old", "main", &[Client::file("a", "1")], 200).await;
    ada.get_json("/api/models/ada/new/tree/main/", 200).await;
    ada.create_repo("model", "ada/old", false).await;
    let tree = ada.get_json("/api/models/ada/old/tree/main", 200).await;
    assert_eq!(tree.as_array().unwrap().len(), 1, "the name belongs to the new repository");
    hub.stop().await;
}

#[tokio::test]
async fn what_was_public_is_gone_and_what_was_private_was_never_there() {
    let (hub, ada) = start().await;
    let (eve, nobody) = (hub.user("eve").await, hub.anonymous());
    for (name, private) in [("open", false), ("hidden", false), ("secret", true)] {
        ada.create_repo("model", &format!("ada/{name}"), private).await;
    }
    ada.call(Method::PUT, "/api/models/ada/hidden/settings", &json!({ "private": true }), 200).await;
    ada.commit("/api/models/ada/open", "main", &[Client::file("a", "1")], 200).await;
    let sha = ada.get_json("/api/models/ada/open", 200).await["sha"].as_str().unwrap().to_owned();
    ada.post_json("/api/repos/move", &json!({ "fromRepo": "ada/open", "toRepo": "ada/moved", "type": "model" }), 200).await;
    for name in ["moved", "hidden", "secret"] {
        let body = json!({ "name": name, "organization": "ada", "type": "model" });
        ada.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
    }

    let doors = |name: &str| {
        [
            format!("/api/models/ada/{name}"),
            format!("/api/models/ada/{name}/revision/{sha}"),
            format!("/api/models/ada/{name}/tree/{sha}"),
            format!("/ada/{name}/resolve/{sha}/a"),
            format!("/ada/{name}/raw/{sha}/a"),
        ]
    };
    // Under each name that it had, in any case, and for everybody.
    for name in ["moved", "Moved", "open"] {
        for (client, missing) in [(&ada, 404), (&eve, 404), (&nobody, 401)] {
            for door in doors(name) {
                let answer = client.get(&door, missing).await;
                assert_eq!(answer.headers()["x-error-code"], "RepoNotFound", "{door}: to clients that ask, it is not there");
                let said = answer.headers()["x-error-message"].to_str().unwrap();
                assert!(said.starts_with(&format!("The public model ada/{name} was deleted")), "{door}: {said}");
            }
            let head = client.request(Method::HEAD, &format!("/ada/{name}/resolve/{sha}/a")).send().await.unwrap();
            assert_eq!(head.status(), missing);
            assert_eq!(head.headers()["x-error-code"], "RepoNotFound");
            client.get(&format!("/ada/{name}/tree/{sha}"), 410).await;
        }
    }
    eve.get("/api/datasets/ada/moved", 404).await;
    // To all others, what was private is as what never was; its owner finds it among what was deleted.
    for name in ["hidden", "secret", "never"] {
        for door in doors(name) {
            eve.get(&door, 404).await;
            ada.get(&door, 404).await;
            let answer = nobody.get(&door, 401).await;
            assert_eq!(answer.headers()["x-error-message"], "Repository not found", "{door}");
        }
        eve.get(&format!("/ada/{name}/tree/{sha}"), 404).await;
    }
    // Who may not know of another one of the name hears the same as before.
    ada.create_repo("model", "ada/moved", true).await;
    ada.get("/api/models/ada/moved", 200).await;
    eve.get("/ada/moved", 410).await;
    for (client, missing) in [(&eve, 404), (&nobody, 401)] {
        let answer = client.get("/api/models/ada/moved", missing).await;
        let said = answer.headers()["x-error-message"].to_str().unwrap();
        assert_eq!(said, "The public model ada/moved was deleted, with all its files and commits.");
    }
    ada.call(Method::PUT, "/api/models/ada/moved/settings", &json!({ "private": false }), 200).await;
    nobody.get("/api/models/ada/moved", 200).await;
    nobody.get(&format!("/ada/moved/resolve/{sha}/a"), 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_repository_is_gone_and_its_name_free() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit("/api/models/ada/bert", "main", &[Client::file("a", "1")], 200).await;
    let body = json!({ "name": "bert", "organization": "ada", "type": "model" });
    hub.user("eve").await.call(Method::DELETE, "/api/repos/delete", &body, 403).await;
    ada.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
    ada.get("/api/models/ada/bert/tree/main", 404).await;
    ada.call(Method::DELETE, "/api/repos/delete", &body, 404).await;
    ada.create_repo("model", "ada/bert", false).await;
    assert_eq!(ada.get_json("/api/models/ada/bert/tree/main", 200).await.as_array().unwrap().len(), 1);
    hub.stop().await;
}

#[tokio::test]
async fn a_duplicate_has_the_files_and_goes_its_own_way() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit("/api/models/ada/bert", "main", &[Client::file("a", "1")], 200).await;
    let eve = hub.user("eve").await;
    let body = json!({ "repository": "eve/copy" });
    let answer = eve.post_json("/api/models/ada/bert/duplicate", &body, 200).await;
    assert_eq!(answer["url"], eve.url("/eve/copy"));
    eve.commit("/api/models/eve/copy", "main", &[Client::file("b", "2")], 200).await;
    let names = |rows: Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(eve.get_json("/api/models/eve/copy/tree/main", 200).await), [".gitattributes", "a", "b"]);
    assert_eq!(names(ada.get_json("/api/models/ada/bert/tree/main", 200).await), [".gitattributes", "a"]);
    eve.post_json("/api/models/ada/bert/duplicate", &body, 409).await;
    hub.stop().await;
}

#[tokio::test]
async fn visibility_is_switched() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/bert", false).await;
    hub.anonymous().get("/api/models/ada/bert/tree/main", 200).await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    hub.anonymous().get("/api/models/ada/bert/tree/main", 401).await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "visibility": "public" }), 200).await;
    hub.anonymous().get("/api/models/ada/bert/tree/main", 200).await;
    hub.user("eve").await.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 403).await;
    hub.stop().await;
}
