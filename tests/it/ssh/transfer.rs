//! Clones, fetches and pushes.

use super::{Machine, said, start};
use crate::work::Work;

#[tokio::test]
async fn clones_and_pushes_go_by_a_key_alone() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    let client = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    client.create_repo("model", "ada/bert", true).await;
    let machine = Machine::of(&hub, &ada).await;

    let greeting = machine.ssh(&["-T", "git@127.0.0.1"]).await;
    assert_eq!(String::from_utf8_lossy(&greeting.stdout), format!("Hi ada, welcome to {}.\n", &hub.base()["http://".len()..]));
    assert!(greeting.status.success(), "{}", said(&greeting));

    let work = machine.clone("ada/bert.git").await;
    let first = work.commit("a.txt", b"1").await;
    let told = machine.git(&work, &["push", "--progress", "origin", "HEAD:main", "HEAD:refs/tags/v1"]).await;
    assert!(told.contains(&format!("remote: View your model at {}/ada/bert", hub.base())), "{told}");
    let second = work.commit("a.txt", &b"a line\n".repeat(100_000)).await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main"]).await;

    // It is noted who was sent it, by which a recall of a file finds them: a row a day.
    for times in [1, 2] {
        hub::fetches::flush(hub.app()).await.unwrap();
        assert_eq!(hub.count(&format!("git_fetches where times = {times}")).await, 1, "{times}");
        machine.clone("ada/bert.git").await;
    }

    // By HTTP it is the same, and each version of the protocol tells it.
    let by_http = Work::clone(&client, "/ada/bert").await;
    assert_eq!(by_http.head().await, second);
    for version in ["0", "1", "2"] {
        let clone = Work::empty();
        let url = machine.url("ada/bert");
        let setting = format!("protocol.version={version}");
        machine.git(&clone, &["-c", &setting, "clone", "-q", &url, "."]).await;
        assert_eq!((clone.head().await, clone.git(&["rev-parse", "v1"]).await), (second.clone(), first.clone()), "{version}");
    }
    let shallow = Work::empty();
    machine.git(&shallow, &["clone", "-q", "--depth", "1", &machine.url("ada/bert"), "."]).await;
    assert_eq!(shallow.git(&["rev-list", "--count", "HEAD"]).await, "1");

    // What there is already needs no pack; branches go; a stale clone is told to fetch.
    machine.git(&work, &["push", "-q", "origin", "HEAD:other"]).await;
    machine.git(&work, &["push", "-q", "origin", ":other"]).await;
    by_http.commit("b.txt", b"2").await;
    by_http.git(&["push", "-q", "origin", "HEAD:main"]).await;
    work.commit("c.txt", b"3").await;
    assert!(machine.refused(&work, &["push", "origin", "HEAD:main"]).await.contains("fetch first"));
    machine.git(&work, &["pull", "-q", "--rebase", "origin", "main"]).await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main"]).await;
    hub.stop().await;
}

#[tokio::test]
async fn pushes_are_refused_by_the_same_rules() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    hub.token(&ada, hub::accounts::TokenRole::Write).await.create_repo("dataset", "ada/squad", false).await;
    let machine = Machine::of(&hub, &ada).await;
    let work = machine.clone("datasets/ada/squad").await;
    work.commit("a.txt", b"1").await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main"]).await;
    assert!(machine.refused(&work, &["push", "origin", ":main"]).await.contains("default branch"));
    assert!(machine.refused(&work, &["push", "origin", "HEAD:refs/notes/x"]).await.contains("only branches and tags"));
    work.commit("README.md", b"---\nlicense: [\n---\n").await;
    assert!(machine.refused(&work, &["push", "origin", "HEAD:main"]).await.contains("not valid"));
    work.git(&["reset", "-q", "--hard", "HEAD~"]).await;
    // Random, so that the pack is as large.
    let large: Vec<u8> = (0u32..3_000_000).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    work.commit("large.bin", &large).await;
    assert!(machine.refused(&work, &["push", "origin", "HEAD:main"]).await.contains("git lfs track"));
    hub.stop().await;
}

#[tokio::test]
async fn there_is_no_shell_and_no_way_through() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    let machine = Machine::of(&hub, &ada).await;
    for command in ["ls", "git-upload-archive 'ada/bert'", "git-upload-pack 'ada/bert'; ls", "bash"] {
        let output = machine.ssh(&["git@127.0.0.1", command]).await;
        assert!(!output.status.success() && output.stdout.is_empty(), "{command}");
        assert!(said(&output).starts_with("hub: "), "{}", said(&output));
    }
    let through = machine.ssh(&["-W", "127.0.0.1:1", "git@127.0.0.1"]).await;
    assert!(!through.status.success() && said(&through).contains("forwarding failed"), "{}", said(&through));
    let subsystem = machine.ssh(&["-s", "git@127.0.0.1", "sftp"]).await;
    assert!(!subsystem.status.success(), "{}", said(&subsystem));
    hub.stop().await;
}

#[tokio::test]
async fn the_old_name_of_an_owner_who_was_renamed_works_as_well() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    hub.token(&ada, hub::accounts::TokenRole::Write).await.create_repo("model", "ada/bert", true).await;
    let machine = Machine::of(&hub, &ada).await;
    hub::accounts::rename::rename_user(hub.app(), &ada, "lovelace").await.unwrap();
    let work = machine.clone("ada/bert").await;
    let pushed = work.commit("a.txt", b"1").await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main"]).await;
    assert_eq!(machine.clone("lovelace/bert").await.head().await, pushed);
    hub.stop().await;
}

#[tokio::test]
async fn of_a_deleted_repository_is_told_what_everybody_knew() {
    let hub = start().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    let client = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    for (name, private) in [("open", false), ("hidden", true)] {
        client.create_repo("model", &format!("ada/{name}"), private).await;
        let body = hub_tests::json!({ "name": name, "organization": "ada", "type": "model" });
        client.call(reqwest::Method::DELETE, "/api/repos/delete", &body, 200).await;
    }
    let (machine, work) = (Machine::of(&hub, &bob).await, Work::empty());
    let told = machine.refused(&work, &["clone", &machine.url("ada/open"), "."]).await;
    assert!(told.contains("The public model ada/open was deleted, with all its files and commits."), "{told}");
    let untold = machine.refused(&work, &["clone", &machine.url("ada/hidden"), "."]).await;
    assert!(untold.contains("Repository not found") && !untold.contains("deleted"), "{untold}");
    hub.stop().await;
}

#[tokio::test]
async fn while_the_hub_takes_no_changes_clones_go_on_and_pushes_are_told() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    let client = hub.token(&ada, hub::accounts::TokenRole::Write).await;
    client.create_repo("model", "ada/bert", false).await;
    let machine = Machine::of(&hub, &ada).await;
    let work = machine.clone("ada/bert").await;
    work.commit("a.txt", b"1").await;
    crate::read_only::switch(&hub, true).await;
    let told = machine.refused(&work, &["push", "origin", "HEAD:main"]).await;
    assert!(told.contains("hub: The hub takes no changes at the moment: "), "{told}");
    let told = said(&machine.ssh(&["git@127.0.0.1", "git-lfs-authenticate", "ada/bert", "upload"]).await);
    assert!(told.contains("The hub takes no changes"), "{told}");
    let leave = said(&machine.ssh(&["git@127.0.0.1", "git-lfs-authenticate", "ada/bert", "download"]).await);
    assert!(!leave.contains("takes no changes"), "{leave}");
    machine.clone("ada/bert").await;
    crate::read_only::switch(&hub, false).await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main"]).await;
    hub.stop().await;
}
