use futures::future::join_all;

use super::{ref_of, scratch_is_empty, start};
use crate::work::Work;

#[tokio::test]
async fn of_two_pushers_one_wins_and_the_other_fetches_first() {
    let (hub, ada, work) = start().await;
    work.commit("base.txt", b"base").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let others: Vec<Work> = join_all((0..4).map(|_| Work::clone(&ada, "/ada/bert"))).await;
    join_all(others.iter().enumerate().map(|(index, other)| {
        let path = format!("file-{index}");
        async move { other.commit(&path, path.as_bytes()).await }
    }))
    .await;
    let outputs = join_all(others.iter().map(|other| other.run(&["push", "origin", "HEAD:main"], b""))).await;
    let winners = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!(winners, 1, "exactly one push goes through");
    for (other, output) in others.iter().zip(&outputs) {
        if output.status.success() {
            assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, Some(other.head().await));
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("fetch first") || said.contains("non-fast-forward"), "{said}");
        }
    }
    for other in &others {
        while !other.run(&["push", "-q", "origin", "HEAD:main"], b"").await.status.success() {
            other.git(&["pull", "-q", "--rebase", "origin", "main"]).await;
        }
    }
    let clone = Work::clone(&ada, "/ada/bert").await;
    assert_eq!((0..4).filter(|index| clone.file(&format!("file-{index}")).exists()).count(), 4);
    hub.stop().await;
}

#[tokio::test]
async fn clones_during_pushes_are_always_whole() {
    let (hub, ada, work) = start().await;
    work.commit("base.txt", b"base").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let pushes = async {
        for index in 0..10 {
            work.commit(&format!("dir/{index}.txt"), &vec![index; 2_000]).await;
            work.git(&["push", "-q", "origin", "HEAD:main", &format!("HEAD:b{index}")]).await;
        }
    };
    let clones = join_all((0..3).map(|_| async {
        for _ in 0..6 {
            let clone = Work::clone(&ada, "/ada/bert").await;
            clone.git(&["fsck", "--strict", "--no-dangling"]).await;
        }
    }));
    tokio::join!(pushes, clones);
    let clone = Work::clone(&ada, "/ada/bert").await;
    assert_eq!(clone.head().await, work.head().await);
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn pushes_and_commits_by_the_api_lose_nothing_of_each_other() {
    let (hub, ada, work) = start().await;
    let by_api = async {
        for index in 0..10 {
            let line = hub_tests::Client::file(&format!("api-{index}"), "x");
            ada.commit("/api/models/ada/bert", "main", &[line], 200).await;
        }
    };
    let by_git = async {
        for index in 0..5 {
            work.commit(&format!("git-{index}"), b"x").await;
            while !work.run(&["push", "-q", "origin", "HEAD:main"], b"").await.status.success() {
                work.git(&["pull", "-q", "--rebase", "origin", "main"]).await;
            }
        }
    };
    tokio::join!(by_api, by_git);
    let clone = Work::clone(&ada, "/ada/bert").await;
    clone.git(&["fsck", "--strict", "--no-dangling"]).await;
    let found = clone.git(&["ls-files", "api-*", "git-*"]).await;
    assert_eq!(found.lines().count(), 15, "{found}");
    let tally = hub::admin::fsck::check(hub.app(), None, hub::admin::fsck::Depth::Bytes, |line| panic!("{line}")).await.unwrap();
    assert_eq!(tally.repos, 1);
    hub.stop().await;
}
