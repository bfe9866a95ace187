//! What repositories and accounts take: the sizes of their files, and what the hub keeps for them, to the byte.

use hub::repos::queries::find_repo;
use hub::repos::usage::StorageUse;
use hub::web::filters::size_text;
use hub_tests::{Client, TestHub, Value, json};
use hub_types::RepoType;

use super::client::{Packed, Xorb, commit, cut, entry, random, send_shard, shard, write_token};
use super::{hubs, start};
use crate::lfs::{Large, upload};
use crate::pages::browser::Browser;

/// Bytes of large files: their sizes, and what is kept for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    logical: u64,
    stored: u64,
}

const fn taken(logical: u64, stored: u64) -> Taken {
    Taken { logical, stored }
}

/// What git's packs take of the repositories of a condition: each by itself, and each once.
async fn packs(hub: &TestHub, of: &str) -> Taken {
    let each = format!(
        "select r.repo_pk, p.pack_hash, p.size_bytes from packs p join repo_packs using (pack_hash) join repos r using (repo_pk) where r.deleted_at is null and {of}"
    );
    let sql = format!(
        "with each as ({each}) select coalesce(sum(size_bytes), 0)::bigint,
         (select coalesce(sum(size_bytes), 0)::bigint from (select distinct pack_hash, size_bytes from each) once) from each"
    );
    let (logical, stored): (i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(&hub.app().pool).await.expect("sums");
    taken(logical.unsigned_abs(), stored.unsigned_abs())
}

/// What the large files of `ada/{name}` take.
async fn of_repo(hub: &TestHub, name: &str) -> Taken {
    let repo = find_repo(&hub.app().pool, RepoType::Model, "ada", name).await.expect("an answer").expect("it is there");
    let all = StorageUse::of_repo(hub.app(), &repo).await.expect("sums");
    let git = packs(hub, &format!("r.repo_pk = {}", repo.pk)).await;
    assert!(git.logical > 0, "git's history counts, too");
    taken(all.logical_bytes - git.logical, all.stored_bytes - git.stored)
}

/// What the large files of all of ada's repositories take.
async fn of_ada(hub: &TestHub) -> Taken {
    let ada: i64 = sqlx::query_scalar("select namespace_pk from namespaces where name = 'ada'")
        .fetch_one(&hub.app().pool)
        .await
        .expect("ada is there");
    let all = StorageUse::of_namespaces(hub.app(), &[ada]).await.expect("sums")[&ada];
    let git = packs(hub, &format!("r.namespace_pk = {ada}")).await;
    taken(all.logical_bytes - git.logical, all.stored_bytes - git.stored)
}

fn bodies(xorbs: &[&Xorb]) -> u64 {
    xorbs.iter().map(|xorb| xorb.body.len() as u64).sum()
}

/// Changes a hundredth in the middle of a file that lies in one xorb, and sends what changed. Gives the new xorb.
async fn edit(client: &Client, old: &Packed, repo: &str, path: &str) -> (Large, Xorb) {
    let mut bytes = old.file.bytes.clone();
    let (middle, share) = (bytes.len() / 2, bytes.len() / 100);
    bytes[middle..middle + share].copy_from_slice(&random(share, 99));
    let (before, after) = (cut(&old.file.bytes), cut(&bytes));
    let same = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let same_end = before.iter().rev().zip(after.iter().rev()).take_while(|(one, other)| one == other).count();
    let new = Xorb::of(&after[same..after.len() - same_end]);
    let count = old.xorbs[0].info.chunk_count();
    let runs = [
        (&old.xorbs[0].info, 0, same as u32),
        (&new.info, 0, new.info.chunk_count()),
        (&old.xorbs[0].info, count - same_end as u32, count),
    ];
    let (mut file, large) = (entry(&runs), Large::new(bytes));
    file.sha256 = Some(large.oid.parse().expect("a SHA-256"));
    let cas = write_token(client, repo).await;
    new.send(&cas, 200).await;
    send_shard(&cas, shard(&[file], &[&new.info]), 200).await;
    commit(client, repo, path, &large, 200).await;
    (large, new)
}

#[tokio::test]
async fn what_files_take_adds_up_to_the_byte() {
    const SIZE: u64 = 4_000_000;
    for (hub, ada) in hubs().await {
        ada.create_repo("model", "ada/other", false).await;
        assert_eq!((of_repo(&hub, "bert").await, of_ada(&hub).await), (taken(0, 0), taken(0, 0)));

        let first = Packed::new(random(SIZE as usize, 1), 8192);
        first.upload(&ada, "ada/bert", "w.bin").await;
        let body = bodies(&[&first.xorbs[0]]);
        assert!((SIZE..SIZE + SIZE / 100).contains(&body), "what is random does not compress: {body}");
        assert_eq!(of_repo(&hub, "bert").await, taken(SIZE, body));

        // A duplicate is the same file.
        commit(&ada, "ada/bert", "again.bin", &first.file, 200).await;
        assert_eq!(of_repo(&hub, "bert").await, taken(SIZE, body));

        // Of an edited file what is new is kept, though all of it counts.
        let (edited, new) = edit(&ada, &first, "ada/bert", "w.bin").await;
        let more = bodies(&[&new]);
        assert!(edited.bytes.len() as u64 == SIZE && more <= SIZE / 10, "{more}");
        assert_eq!(of_repo(&hub, "bert").await, taken(2 * SIZE, body + more), "the history has both");
        assert_eq!(of_ada(&hub).await, taken(2 * SIZE, body + more));

        // In a second repository it counts for both, and for their owner once.
        first.upload(&ada, "ada/other", "w.bin").await;
        assert_eq!(of_repo(&hub, "other").await, taken(SIZE, body));
        assert_eq!(of_repo(&hub, "bert").await, taken(2 * SIZE, body + more));
        assert_eq!(of_ada(&hub).await, taken(3 * SIZE, body + more));

        // What is said twice compresses.
        let text = Packed::new(b"what is said again and again compresses. ".repeat(50_000), 8192);
        text.upload(&ada, "ada/other", "t.bin").await;
        let (size, kept) = (text.file.bytes.len() as u64, bodies(&text.xorbs.iter().collect::<Vec<_>>()));
        assert!(kept < size / 4, "{kept} of {size}");
        assert_eq!(of_repo(&hub, "other").await, taken(SIZE + size, body + kept));
        assert_eq!(of_ada(&hub).await, taken(3 * SIZE + size, body + more + kept));

        // A copy of a repository costs nothing.
        let wanted = json!({ "repository": "ada/copy" });
        ada.post_json("/api/models/ada/bert/duplicate", &wanted, 200).await;
        assert_eq!(of_repo(&hub, "copy").await, taken(2 * SIZE, body + more));
        assert_eq!(of_ada(&hub).await, taken(5 * SIZE + size, body + more + kept));

        // Deleted repositories are nobody's.
        for name in ["copy", "bert"] {
            let body = json!({ "type": "model", "organization": "ada", "name": name });
            ada.call(reqwest::Method::DELETE, "/api/repos/delete", &body, 200).await;
        }
        assert_eq!(of_ada(&hub).await, taken(SIZE + size, body + kept));
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_file_that_came_whole_counts_as_it_is() {
    let (hub, ada) = start().await;
    let whole = Large::new(random(1_000_000, 1));
    upload(&ada, "ada/bert", &whole).await;
    commit(&ada, "ada/bert", "w.bin", &whole, 200).await;
    assert_eq!(of_repo(&hub, "bert").await, taken(1_000_000, 1_000_000));
    hub.jobs_done().await;
    assert_eq!(of_repo(&hub, "bert").await, taken(1_000_000, 1_000_000), "the whole copy stands for its chunks");
    hub.stop().await;
}

#[tokio::test]
async fn pages_tell_what_is_stored() {
    let (hub, ada) = start().await;
    hub.user("eve").await;
    let text = Packed::new(b"what is said again and again compresses. ".repeat(50_000), 8192);
    text.upload(&ada, "ada/bert", "t.bin").await;
    let strong = |bytes: u64| format!("<strong>{}</strong>", size_text(bytes));
    let repo = find_repo(&hub.app().pool, RepoType::Model, "ada", "bert").await.expect("an answer").expect("it is there");
    let all = StorageUse::of_repo(hub.app(), &repo).await.expect("sums");
    assert!(all.saves());
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.open("/ada/bert/settings").await;
    let sentence = format!("{}, stored as {}", strong(all.logical_bytes), strong(all.stored_bytes));
    assert!(page.has(&sentence), "{sentence} is not in {}", page.text);
    let page = browser.open("/settings/storage").await;
    let row = format!("<td>{}</td><td>{}</td>", size_text(all.logical_bytes), size_text(all.stored_bytes));
    assert!(page.has(&row), "{row} is not in {}", page.text);

    // Others' bytes are not among one's own.
    let page = Browser::logged_in(&hub, "eve").await.open("/settings/storage").await;
    assert!(page.has("<td>0 B</td><td>0 B</td>"), "{}", page.text);

    // Of a bucket only what is in it now counts.
    ada.post_json("/api/buckets/ada/box", &json!({}), 200).await;
    let token = ada.get_json("/api/buckets/ada/box/xet-write-token", 200).await;
    let cas = hub.with_token(token["accessToken"].as_str().expect("a token"));
    text.send(&cas).await;
    let batch = async |line: Value| {
        let request = ada.request(reqwest::Method::POST, "/api/buckets/ada/box/batch").body(line.to_string());
        ada.send(request, 200).await;
    };
    batch(json!({ "type": "addFile", "path": "t.bin", "xetHash": text.entry.hash })).await;
    let (size, kept) = (text.file.bytes.len() as u64, bodies(&text.xorbs.iter().collect::<Vec<_>>()));
    let page = browser.open("/buckets/ada/box/settings").await;
    let sentence = format!("{} in 1 file, stored as {}", strong(size), strong(kept));
    assert!(page.has(&sentence), "{sentence} is not in {}", page.text);
    batch(json!({ "type": "deleteFile", "path": "t.bin" })).await;
    assert!(browser.open("/buckets/ada/box/settings").await.has("<strong>0 B</strong> in 0 files"));
    hub.stop().await;
}
