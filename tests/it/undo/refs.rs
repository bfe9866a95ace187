//! Branches and tags that were deleted or moved elsewhere.

use hub::gc::{self, Item, Limits, Mode};
use hub_tests::{Client, Value, json};
use reqwest::Method;

use super::{API, age, changes, ref_of, start, undo_last};
use crate::lfs::{Large, download, upload};
use crate::work::Work;

const MAIN: &str = "refs/heads/main";

async fn commit(client: &Client, text: &str) -> String {
    let done = client.commit(API, "main", &[Client::file("notes.txt", text)], 200).await;
    done["commitOid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_forced_push_is_undone_and_done_again() {
    let (hub, ada) = start().await;
    let work = Work::clone(&ada, "/ada/bert").await;
    let first = work.head().await;
    let lost = work.commit("a.txt", b"lost").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    assert_eq!(changes(&ada, API).await, Vec::<Value>::new(), "a push that goes on is no change to undo");
    work.git(&["reset", "-q", "--hard", &first]).await;
    let other = work.commit("b.txt", b"other").await;
    work.git(&["push", "-q", "--force", "origin", "HEAD:main"]).await;

    let found = changes(&ada, API).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["kind"], &found[0]["undoable"], &found[0]["actor"]),
        (&json!("replace_ref"), &json!(true), &json!("ada"))
    );
    assert_eq!(found[0]["details"], json!({ "name": MAIN, "old": lost, "new": other }));
    let undone = undo_last(&ada, API, json!({}), 200).await;
    assert_eq!((&undone["ref"], &undone["id"]), (&json!(MAIN), &json!("ada/bert")));
    let clone = Work::clone(&ada, "/ada/bert").await;
    assert_eq!(clone.head().await, lost);
    assert_eq!(std::fs::read(clone.file("a.txt")).unwrap(), b"lost");
    let tree = ada.get_json(&format!("{API}/tree/main"), 200).await;
    assert!(tree.to_string().contains("a.txt") && !tree.to_string().contains("b.txt"), "{tree}");
    let model = ada.get_json(API, 200).await;
    assert_eq!(model["sha"], lost, "what pages show was derived again");

    // The undo is a change of its own.
    let found = changes(&ada, API).await;
    assert_eq!((found.len(), &found[0]["undoes"], &found[1]["undoneBy"]), (2, &found[1]["id"], &json!("ada")));
    assert_eq!(found[1]["undoable"], false);
    undo_last(&ada, API, json!({}), 200).await;
    assert_eq!(ref_of(&ada, MAIN).await, Some(other));
    let again = ada.post_json(&format!("{API}/changes/{}/undo", found[1]["id"]), &json!({}), 409).await;
    assert!(again["error"].as_str().unwrap().contains("undone already, by ada"), "{again}");
    hub.stop().await;
}

#[tokio::test]
async fn deleted_branches_and_tags_come_back_where_they_were() {
    let (hub, ada) = start().await;
    let head = commit(&ada, "one").await;
    ada.post_json(&format!("{API}/branch/dev"), &json!({}), 200).await;
    ada.post_json(&format!("{API}/tag/main"), &json!({ "tag": "v1", "message": "The first" }), 200).await;
    for (path, name) in [("branch/dev", "refs/heads/dev"), ("tag/v1", "refs/tags/v1")] {
        ada.call(Method::DELETE, &format!("{API}/{path}"), &json!({}), 200).await;
        assert_eq!(ref_of(&ada, name).await, None);
        undo_last(&ada, API, json!({}), 200).await;
        assert_eq!(ref_of(&ada, name).await, Some(head.clone()), "{name}");
        // That was an undo: taking it back deletes it again, and once more.
        undo_last(&ada, API, json!({}), 200).await;
        assert_eq!(ref_of(&ada, name).await, None, "{name}");
        undo_last(&ada, API, json!({}), 200).await;
        assert_eq!(ref_of(&ada, name).await, Some(head.clone()), "{name}");
    }
    let clone = Work::clone(&ada, "/ada/bert").await;
    assert!(clone.git(&["cat-file", "-t", "v1"]).await == "tag", "with its message");
    hub.stop().await;
}

#[tokio::test]
async fn a_squashed_history_and_a_moved_branch_come_back() {
    let (hub, ada) = start().await;
    let first = commit(&ada, "one").await;
    let second = commit(&ada, "two").await;
    ada.post_json(&format!("{API}/super-squash/main"), &json!({}), 200).await;
    undo_last(&ada, API, json!({}), 200).await;
    assert_eq!(ref_of(&ada, MAIN).await, Some(second.clone()));
    assert_eq!(ada.get_json(&format!("{API}/commits/main"), 200).await.as_array().unwrap().len(), 3);

    let before = changes(&ada, API).await.len();
    let onto = |start: &str, name: &str| (format!("{API}/branch/{name}"), json!({ "startingPoint": start, "overwrite": true }));
    let (path, body) = onto(&first, "dev");
    ada.post_json(&path, &body, 200).await;
    let (path, body) = onto(&second, "dev");
    ada.post_json(&path, &body, 200).await;
    assert_eq!(changes(&ada, API).await.len(), before, "forwards leaves nothing behind");
    let (path, body) = onto(&first, "dev");
    ada.post_json(&path, &body, 200).await;
    assert_eq!(changes(&ada, API).await.len(), before + 1);
    undo_last(&ada, API, json!({}), 200).await;
    assert_eq!(ref_of(&ada, "refs/heads/dev").await, Some(second));
    hub.stop().await;
}

#[tokio::test]
async fn what_moved_on_is_told_and_restored_beside() {
    let (hub, ada) = start().await;
    commit(&ada, "one").await;
    let old = commit(&ada, "two").await;
    ada.post_json(&format!("{API}/super-squash/main"), &json!({}), 200).await;
    let since = commit(&ada, "three").await;
    let refused = undo_last(&ada, API, json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().starts_with("The branch `main` has moved on since. Restore it"), "{refused}");
    let aside = refused["restoreAs"].as_str().unwrap().to_owned();
    assert!(aside.starts_with("refs/heads/restored/main-"), "{aside}");
    assert_eq!(changes(&ada, API).await[0]["undoable"], true, "nothing has changed");
    let undone = undo_last(&ada, API, json!({ "asNew": true }), 200).await;
    assert_eq!(undone["ref"], aside);
    assert_eq!((ref_of(&ada, &aside).await, ref_of(&ada, MAIN).await), (Some(old), Some(since)));

    // A branch of the same name that somebody made since.
    ada.post_json(&format!("{API}/branch/dev"), &json!({}), 200).await;
    ada.call(Method::DELETE, &format!("{API}/branch/dev"), &json!({}), 200).await;
    ada.post_json(&format!("{API}/branch/dev/two"), &json!({}), 200).await;
    let refused = undo_last(&ada, API, json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("The branch `dev/two` is in the way"), "{refused}");
    undo_last(&ada, API, json!({ "asNew": true }), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn collection_keeps_the_large_files_of_what_can_be_undone() {
    let (hub, ada) = start().await;
    let file = Large::of(100_000, 3);
    upload(&ada, "ada/bert", &file).await;
    let pointer = json!({ "path": "w.bin", "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    ada.commit(API, "main", &[json!({ "key": "lfsFile", "value": pointer })], 200).await;
    let gone = json!({ "key": "deletedFile", "value": { "path": "w.bin" } });
    ada.commit(API, "main", &[gone], 200).await;
    ada.post_json(&format!("{API}/super-squash/main"), &json!({}), 200).await;
    hub.jobs_done().await;
    let run = async || gc::collect(hub.app(), Limits::of(&hub.app().config), Mode::Real).await.unwrap().unwrap();

    age(&hub, 29).await;
    assert_eq!(run().await.get(Item::Unused).count, 0, "it can be undone for a day more");
    undo_last(&ada, API, json!({}), 200).await;
    let old = ada.get_json(&format!("{API}/commits/main"), 200).await[1]["id"].as_str().unwrap().to_owned();
    let read = ada.get(&format!("/ada/bert/resolve/{old}/w.bin"), 200).await.bytes().await.unwrap();
    assert!(read == file.bytes);

    // Squashed again: now its time goes by.
    undo_last(&ada, API, json!({}), 200).await;
    assert_eq!(run().await.get(Item::Unused).count, 0);
    age(&hub, 31).await;
    let over = undo_last(&ada, API, json!({}), 409).await;
    assert!(over["error"].as_str().unwrap().contains("could be undone until"), "{over}");
    sqlx::query("update events set created_at = created_at - interval '9 days'").execute(&hub.app().pool).await.unwrap();
    assert_eq!(run().await.get(Item::Unused).count, 1, "though nothing else happened to the repository");
    // The setting was raised, but what was needed is gone.
    sqlx::query("update repo_changes set created_at = now()").execute(&hub.app().pool).await.unwrap();
    let refused = undo_last(&ada, API, json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("names the large file"), "{refused}");
    hub.stop().await;
}

#[tokio::test]
async fn large_files_of_a_former_history_are_listed_and_deleted_for_good() {
    let (hub, ada) = start().await;
    let file = Large::of(100_000, 5);
    upload(&ada, "ada/bert", &file).await;
    let pointer = json!({ "path": "w.bin", "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    ada.commit(API, "main", &[json!({ "key": "lfsFile", "value": pointer })], 200).await;
    let gone = json!({ "key": "deletedFile", "value": { "path": "w.bin" } });
    ada.commit(API, "main", &[gone], 200).await;
    ada.post_json(&format!("{API}/super-squash/main"), &json!({}), 200).await;
    hub.jobs_done().await;
    let files = format!("{API}/lfs-files");
    let listed = ada.get_json(&files, 200).await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["oid"], listed[0].get("ref")), (1, &json!(file.oid), None));

    let head = ref_of(&ada, MAIN).await;
    let deletion = format!("{files}/{}?rewriteHistory=true", file.oid);
    ada.call(Method::DELETE, &deletion, &json!({}), 200).await;
    assert_eq!(ada.get_json(&files, 200).await, json!([]));
    assert_eq!(ref_of(&ada, MAIN).await, head, "no branch names it");
    let refused = undo_last(&ada, API, json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("names the large file"), "{refused}");
    hub.stop().await;
}

#[tokio::test]
async fn a_download_is_the_same_after_an_undo() {
    let (hub, ada) = start().await;
    let file = Large::of(50_000, 4);
    upload(&ada, "ada/bert", &file).await;
    let pointer = json!({ "path": "w.bin", "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    ada.commit(API, "main", &[json!({ "key": "lfsFile", "value": pointer })], 200).await;
    let empty = json!({ "emptyBranch": true, "overwrite": true });
    ada.post_json(&format!("{API}/branch/main"), &empty, 200).await;
    ada.get("/ada/bert/resolve/main/w.bin", 404).await;
    undo_last(&ada, API, json!({}), 200).await;
    assert_eq!(download(&ada, "ada/bert", &file).await, file.bytes);
    hub.stop().await;
}
