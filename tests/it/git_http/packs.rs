//! Many small packs become few, under the eyes of readers and writers.

use hub::admin::fsck::{self, Depth};
use hub::app::App;
use hub::repos::git_cache::GitCache;
use hub::repos::repack::repack;
use hub::repos::{Repo, queries};
use hub_tests::{Client, TestHub};
use hub_types::RepoType;

use super::nodes::another_node;
use super::start;
use crate::work::Work;

async fn commits(ada: &Client, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let file = Client::file(&format!("folder/{}.txt", number % 7), &format!("as of commit {number}\n"));
        ada.commit("/api/models/ada/bert", "main", &[file], 200).await;
    }
}

async fn repo(hub: &TestHub) -> Repo {
    queries::find_repo(&hub.app().pool, RepoType::Model, "ada", "bert").await.unwrap().unwrap()
}

async fn packs(hub: &TestHub) -> usize {
    queries::packs::list(&hub.app().pool, repo(hub).await.pk).await.unwrap().len()
}

async fn assert_sound(hub: &TestHub) {
    let tally = fsck::check(hub.app(), Some("ada/bert"), Depth::Bytes, |problem| panic!("{problem}")).await.unwrap();
    assert_eq!(tally.problems, 0);
}

#[tokio::test]
async fn packs_stay_few_however_many_commits_come() {
    let (hub, ada, work) = start().await;
    let (node, address, _disk) = another_node(&hub).await;
    let there = work.remote().replace(hub.base().trim_start_matches("http://"), &address);
    work.git(&["ls-remote", "-q", &there]).await;

    commits(&ada, 0..40).await;
    hub.jobs_done().await;

    let few = packs(&hub).await;
    assert!(few < 25, "{few} packs after 40 commits");
    for remote in [work.remote(), there.as_str()] {
        let clone = tempfile::tempdir().unwrap();
        let path = clone.path().to_str().unwrap();
        work.git(&["clone", "-q", "--bare", remote, path]).await;
        assert_eq!(work.git(&["-C", path, "rev-list", "--count", "main"]).await, "41");
    }
    assert_sound(&hub).await;
    node.stop().await;
    hub.stop().await;
}

#[tokio::test]
async fn who_reads_keeps_what_was_there() {
    let (hub, ada, _work) = start().await;
    commits(&ada, 0..5).await;
    let app = hub.app();
    let reader = app.git.open(&app.pool, &repo(&hub).await).await.unwrap();
    let files = |reader: &hub::repos::git_cache::RepoDir| std::fs::read_dir(reader.path().join("objects/pack")).unwrap().count();
    let before = files(&reader);

    let done = repack(app, &app.git, repo(&hub).await.pk).await.unwrap();
    assert!(done.after < done.before, "{done:?}");
    assert_eq!(done.after, packs(&hub).await);

    let next = app.git.open(&app.pool, &repo(&hub).await).await.unwrap();
    assert_ne!(reader.path(), next.path());
    assert_eq!(files(&reader), before, "nothing goes under a reader");
    assert_eq!(files(&next), 2 * done.after);
    let old = reader.path().to_owned();
    drop(reader);
    hub_tests::until("what the last reader read is gone", async || !old.exists()).await;
    assert_eq!(repack(app, &app.git, repo(&hub).await.pk).await.unwrap().before, done.after);
    assert_sound(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn joining_at_once_and_while_commits_come_loses_nothing() {
    let (hub, ada, work) = start().await;
    commits(&ada, 0..8).await;
    let (app, pk) = (hub.app(), repo(&hub).await.pk);
    for round in 1..4 {
        let writing = commits(&ada, round * 10..round * 10 + 5);
        let (one, two, ()) = tokio::join!(repack(app, &app.git, pk), repack(app, &app.git, pk), writing);
        assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
    }
    assert_sound(&hub).await;
    work.git(&["pull", "-q"]).await;
    assert_eq!(work.git(&["rev-list", "--count", "HEAD"]).await, "24");
    hub.stop().await;
}

#[tokio::test]
async fn a_fork_keeps_the_packs_that_its_original_joins() {
    let (hub, ada, _work) = start().await;
    commits(&ada, 0..5).await;
    ada.post_json("/api/models/ada/bert/duplicate", &hub_tests::json!({ "repository": "ada/fork" }), 200).await;
    repack(hub.app(), &hub.app().git, repo(&hub).await.pk).await.unwrap();

    let fork = Work::clone(&ada, "/ada/fork").await;
    assert_eq!(fork.git(&["rev-list", "--count", "HEAD"]).await, "6");
    let tally = fsck::check(hub.app(), None, Depth::Bytes, |problem| panic!("{problem}")).await.unwrap();
    assert_eq!(tally.problems, 0);
    hub.stop().await;
}

#[tokio::test]
async fn an_operator_joins_all_beside_a_hub_that_reads() {
    let (hub, ada, work) = start().await;
    let app = hub.app();
    // As another process, with the same folder.
    let folder = app.git.temp_dir().parent().unwrap().to_owned();
    let operator = App { git: GitCache::new(folder, app.store.clone()).await.unwrap(), ..app.clone() };
    let (mut told, mut readers) = (Vec::new(), Vec::new());
    // More than once, since there are packs in the folder then that are no longer the repository's.
    for round in 0..3 {
        commits(&ada, round * 10..round * 10 + 3).await;
        readers.push(app.git.open(&app.pool, &repo(&hub).await).await.unwrap());
        let tally = hub::admin::repack::repack(&operator, None, |line| told.push(line)).await.unwrap();
        assert_eq!((tally.repos, tally.joined), (1, 1), "{told:?}");
    }
    assert_eq!(told.len(), 3, "{told:?}");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(readers.iter().all(|reader| reader.path().join("HEAD").exists()), "nothing goes under a reader");
    work.git(&["pull", "-q"]).await;
    assert_eq!(work.git(&["rev-list", "--count", "HEAD"]).await, "10");
    assert_sound(&hub).await;
    hub.stop().await;
}
