use hub::accounts::TokenRole;
use hub_tests::Client;

use super::{new_repo, start};
use crate::work::Work;

async fn statuses(client: &Client, path: &str) -> (u16, u16) {
    let mut found = [0, 0];
    for (status, service) in found.iter_mut().zip(["git-upload-pack", "git-receive-pack"]) {
        let request = client.request(reqwest::Method::GET, &format!("{path}/info/refs?service={service}"));
        *status = request.send().await.unwrap().status().as_u16();
    }
    found.into()
}

#[tokio::test]
async fn who_may_fetch_and_push() {
    let (hub, ada, _) = start().await;
    new_repo(&hub, "ada/secret", true).await;
    let bob_account = hub.account("bob").await;
    let bob = hub.token(&bob_account, TokenRole::Write).await;
    let bob_reads = hub.token(&bob_account, TokenRole::Read).await;
    new_repo(&hub, "bob/own", true).await;
    let nobody = hub.anonymous();
    let unknown = hub.with_token("hf_unknown");
    for (who, client, path, expected) in [
        ("anonymous, public", &nobody, "/ada/bert", (200, 401)),
        ("anonymous, private", &nobody, "/ada/secret", (401, 401)),
        ("anonymous, missing", &nobody, "/ada/none", (401, 401)),
        ("stranger, public", &bob, "/ada/bert", (200, 403)),
        ("stranger, private", &bob, "/ada/secret", (404, 404)),
        ("stranger, missing", &bob, "/ada/none", (404, 404)),
        ("owner, private", &ada, "/ada/secret.git", (200, 200)),
        ("read token, own", &bob_reads, "/bob/own", (200, 403)),
        ("unknown token, public", &unknown, "/ada/bert", (401, 401)),
        ("impossible name", &nobody, "/ada/%00", (401, 401)),
        ("impossible name", &nobody, "/ada/..%2f..", (401, 401)),
    ] {
        assert_eq!(statuses(client, path).await, expected, "{who}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn posts_are_checked_as_much_as_their_advertisement() {
    let (hub, _, _) = start().await;
    new_repo(&hub, "ada/secret", true).await;
    let bob = hub.user("bob").await;
    for (client, path, service, status) in [
        (&hub.anonymous(), "/ada/secret", "git-upload-pack", 401),
        (&bob, "/ada/secret", "git-upload-pack", 404),
        (&hub.anonymous(), "/ada/bert", "git-receive-pack", 401),
        (&bob, "/ada/bert", "git-receive-pack", 403),
        (&bob, "/ada/secret", "git-receive-pack", 404),
    ] {
        let request = client.request(reqwest::Method::POST, &format!("{path}/{service}"));
        let request = request.header("Content-Type", format!("application/x-{service}-request")).body("0000");
        client.send(request, status).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_401_asks_git_for_credentials() {
    let (hub, _, _) = start().await;
    let response = hub.anonymous().get("/ada/none/info/refs?service=git-upload-pack", 401).await;
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    let response = hub.anonymous().get("/ada/bert/info/refs?service=git-receive-pack", 401).await;
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    hub.stop().await;
}

#[tokio::test]
async fn passwords_and_tokens_open_the_door() {
    let (hub, ada, _) = start().await;
    new_repo(&hub, "ada/secret", true).await;
    let url = ada.url("/ada/secret/info/refs?service=git-receive-pack");
    let http = reqwest::Client::new();
    for (name, password, status) in [
        ("ada", "correct horse", 200),
        ("ada", ada.token(), 200),
        ("hf_user", ada.token(), 200),
        ("anything at all", ada.token(), 200),
        (ada.token(), "", 200),
        ("ada", "wrong horse", 401),
        ("ada", "", 401),
        ("bob", "correct horse", 401),
    ] {
        let response = http.get(&url).basic_auth(name, Some(password)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{name}:{password}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_read_token_clones_but_does_not_push() {
    let (hub, _, _) = start().await;
    let bob = hub.account("bob").await;
    new_repo(&hub, "bob/own", true).await;
    let reader = hub.token(&bob, TokenRole::Read).await;
    let work = Work::clone(&reader, "/bob/own").await;
    work.commit("x", b"x").await;
    assert!(work.refused(&["push", "origin", "HEAD:main"]).await.contains("403"));
    hub.stop().await;
}

#[tokio::test]
async fn a_page_of_another_site_cannot_push_with_the_viewers_cookies() {
    let (hub, ada, _) = start().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        for service in ["git-receive-pack", "git-upload-pack"] {
            let request = ada.request(reqwest::Method::POST, &format!("/ada/bert/{service}"));
            let request = request.header("Content-Type", content_type).body("0000");
            ada.send(request, 400).await;
        }
    }
    hub.stop().await;
}
