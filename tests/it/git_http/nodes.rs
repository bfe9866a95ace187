//! Several nodes over one database and one store are one hub.

use std::net::TcpListener;

use hub_tests::TestHub;

use super::{new_repo, ref_of};
use crate::work::Work;

/// A second node of a hub, with a disk of its own.
pub(crate) async fn another_node(hub: &TestHub) -> (hub::RunningHub, String, tempfile::TempDir) {
    let disk = tempfile::tempdir().unwrap();
    let mut config = hub.app().config.as_ref().clone();
    config.data_dir = disk.path().to_owned();
    let running = hub::start(config, TcpListener::bind("127.0.0.1:0").unwrap()).await.unwrap();
    let address = running.address.to_string();
    (running, address, disk)
}

async fn pushes_on_one_node_are_seen_on_the_other(hub: TestHub) {
    let ada = hub.user("ada").await;
    new_repo(&hub, "ada/bert", false).await;
    let (node, address, _disk) = another_node(&hub).await;
    let work = Work::clone(&ada, "/ada/bert").await;
    let here = work.remote().to_owned();
    let there = here.replace(hub.base().trim_start_matches("http://"), &address);
    assert_ne!(here, there);
    for round in 0..4 {
        let (push_to, read_from) = if round % 2 == 0 { (&here, &there) } else { (&there, &here) };
        let new = work.commit("file", format!("round {round}").as_bytes()).await;
        work.git(&["push", "-q", push_to, "HEAD:main"]).await;
        for version in ["0", "2"] {
            let option = format!("protocol.version={version}");
            let seen = work.git(&["-c", &option, "ls-remote", read_from, "refs/heads/main"]).await;
            assert!(seen.starts_with(&new), "round {round}: {seen}");
        }
        work.git(&["clone", "-q", "--bare", read_from, &format!(".git/clone-{round}")]).await;
        assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, Some(new));
    }
    // What the other node's push left is the base of this one's check.
    work.git(&["push", "-q", &here, "HEAD:same"]).await;
    node.stop().await;
    hub.stop().await;
}

#[tokio::test]
async fn nodes_agree_over_a_folder() {
    pushes_on_one_node_are_seen_on_the_other(TestHub::start().await).await;
}

#[tokio::test]
async fn nodes_agree_over_s3() {
    let Some(store) = hub_tests::s3_store() else { return };
    pushes_on_one_node_are_seen_on_the_other(TestHub::start_with(|config| config.store = store).await).await;
}
