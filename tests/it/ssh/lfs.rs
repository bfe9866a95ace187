//! Large files beside git over SSH: they go by HTTP, with what `git-lfs-authenticate` gives out.

use hub::accounts::TokenRole;
use serde_json::{Value, json};

use super::{Machine, start};

#[tokio::test]
async fn large_files_come_along() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    hub.token(&ada, TokenRole::Write).await.create_repo("model", "ada/bert", true).await;
    let machine = Machine::of(&hub, &ada).await;
    let work = machine.clone("ada/bert").await;
    work.git(&["lfs", "install", "--local"]).await;
    work.git(&["lfs", "track", "*.weights"]).await;
    work.commit("model.weights", &[7; 200_000]).await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main"]).await;
    assert_eq!(hub.count("lfs_objects").await, 1);

    let clone = machine.clone("ada/bert").await;
    clone.git(&["lfs", "install", "--local"]).await;
    machine.git(&clone, &["lfs", "pull"]).await;
    assert_eq!(std::fs::read(clone.file("model.weights")).unwrap(), [7; 200_000]);
    hub.stop().await;
}

#[tokio::test]
async fn the_token_is_for_one_repository_and_one_thing() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "ada/bert", true).await;
    client.create_repo("model", "ada/other", true).await;
    let machine = Machine::of(&hub, &ada).await;
    let leave = async |operation: &str| -> Value {
        let output = machine.ssh(&["git@127.0.0.1", &format!("git-lfs-authenticate /ada/bert.git {operation}")]).await;
        assert!(output.status.success(), "{}", super::said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let token_of = |leave: &Value| leave["header"]["Authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let (download, upload) = (leave("download").await, leave("upload").await);
    assert_eq!(download["href"], format!("{}/ada/bert.git/info/lfs", hub.base()));
    let ask = |operation: &str| json!({"operation": operation, "objects": [{"oid": "a".repeat(64), "size": 5}]});
    let (reads, writes) = (hub.with_token(&token_of(&download)), hub.with_token(&token_of(&upload)));
    let (here, there) = ("/ada/bert.git/info/lfs/objects/batch", "/ada/other.git/info/lfs/objects/batch");
    writes.post_json(here, &ask("upload"), 200).await;
    reads.post_json(here, &ask("download"), 200).await;
    reads.post_json(here, &ask("upload"), 403).await;
    writes.post_json(there, &ask("upload"), 401).await;
    writes.get("/api/whoami-v2", 401).await;
    hub.sql("delete from ssh_keys").await;
    writes.post_json(here, &ask("upload"), 401).await;
    hub.stop().await;
}
