//! Limits of what owners hold: every way by which bytes come in knows them, clients hear why, and owners see how much is left.

use hub::accounts::site_roles::find_by_name;
use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::last;
use crate::lfs::Large;
use crate::pages::browser::Browser;
use crate::work::Work;
use crate::xet::client::{Packed, random, send_shard, write_token};

const FULL: &str = "The storage of acme is full";

#[tokio::test]
async fn nothing_comes_in_where_there_is_no_room() {
    let hub = TestHub::start_with(|config| config.owner_storage_limit_bytes = Some(300_000)).await;
    hub.account("boss").await;
    let user = hub.account("ada").await;
    hub.organization("acme", &[(&user, OrgRole::Admin)]).await;
    let ada = hub.token(&user, TokenRole::Write).await;
    let mut boss = Browser::logged_in(&hub, "boss").await;
    ada.create_repo("model", "acme/bert", false).await;
    let first = Large::of(100_000, 1);
    crate::lfs::upload(&ada, "acme/bert", &first).await;

    // Large files, by what they are announced with.
    let second = Large::of(250_000, 2);
    let batch = json!({ "operation": "upload", "objects": [{ "oid": second.oid, "size": second.bytes.len() }] });
    let path = "/acme/bert.git/info/lfs/objects/batch";
    let refused = ada.post_json(path, &batch, 413).await;
    assert!(refused["message"].as_str().unwrap().starts_with(FULL), "{refused}");
    // What is there already needs no room.
    let again = json!({ "operation": "upload", "objects": [{ "oid": first.oid, "size": first.bytes.len() }] });
    ada.post_json(path, &again, 200).await;
    let preupload = |size: usize| json!({ "files": [{ "path": "w.bin", "sample": "AAEC", "size": size }] });
    let path = "/api/models/acme/bert/preupload/main";
    ada.post_json(path, &preupload(250_000), 413).await;
    ada.post_json(path, &preupload(100_000), 200).await;
    ada.post_json(path, &preupload(20), 200).await;

    // Chunks are sent before the limit is lowered, and are no file of the repository afterwards.
    let packed = Packed::new(random(150_000, 5), 8);
    let cas = write_token(&ada, "acme/bert").await;
    packed.send_xorbs(&cas).await;

    // What git brings: by a commit and by a push; small things are let in, so that there can be less.
    let noise = |len: usize| {
        Large::of(len, 7)
            .oid
            .repeat(len / 64 + 1)
            .chars()
            .zip(0..len)
            .map(|(c, i)| format!("{c}{}", i * 7919 % 1009))
            .collect::<String>()
    };
    hub.sql("insert into storage_quotas (namespace_pk, limit_bytes, reason) select namespace_pk, 0, 'full' from namespaces where name = 'acme'").await;
    let big = [Client::file("big.txt", &noise(200_000))];
    let refused = ada.commit("/api/models/acme/bert", "main", &big, 413).await;
    assert!(refused.to_string().contains(FULL), "{refused}");
    ada.commit("/api/models/acme/bert", "main", &[Client::file("small.txt", "small")], 200).await;
    ada.commit("/api/models/acme/bert", "main", &[json!({ "key": "deletedFile", "value": { "path": "small.txt" } })], 200).await;
    let work = Work::clone(&ada, "/acme/bert").await;
    std::fs::write(work.path().join("big.txt"), noise(200_000)).unwrap();
    work.git(&["add", "."]).await;
    work.git(&["-c", "user.name=ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Big"]).await;
    let complaint = work.refused(&["push", "origin", "HEAD:main"]).await;
    assert!(complaint.contains(FULL), "{complaint}");
    let said = send_shard(&cas, packed.shard(), 413).await;
    assert!(said.contains(FULL), "{said}");
    let held = "select count(*) from repo_lfs_objects join repos using (repo_pk) where name = 'bert'";
    assert_eq!(sqlx::query_scalar::<_, i64>(held).fetch_one(&hub.app().pool).await.unwrap(), 1);
    // Others' repositories that would come here.
    ada.create_repo("model", "ada/other", false).await;
    crate::lfs::upload(&ada, "ada/other", &second).await;
    let moved = json!({ "fromRepo": "ada/other", "toRepo": "acme/other", "type": "model" });
    ada.post_json("/api/repos/move", &moved, 413).await;
    ada.get_json("/api/models/ada/other", 200).await;

    // Administrators say how much; owners see it.
    let page = "/admin/storage/acme";
    for fields in [
        [("kind", "own"), ("gib", "much"), ("reason", "asked")],
        [("kind", "odd"), ("gib", "1"), ("reason", "asked")],
        [("kind", "own"), ("gib", "1"), ("reason", "")],
    ] {
        assert_eq!(boss.submit(page, page, &fields).await.status, 400, "{fields:?}");
    }
    assert_eq!(boss.submit(page, page, &[("kind", "own"), ("gib", "1"), ("reason", "a project")]).await.status, 303);
    let (whose, actor, details) = last(&hub, "admin.quota").await;
    assert_eq!((whose.as_str(), actor.as_str(), details["limit_bytes"].as_i64()), ("acme", "boss", Some(1 << 30)));
    assert!(boss.open(page).await.has("a project"));
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page_of_ada = browser.open("/settings/storage").await;
    assert!(
        page_of_ada.has(" of 1.07 GB") && page_of_ada.has(" of 300 kB") && page_of_ada.has("Storage of acme"),
        "{}",
        page_of_ada.text
    );
    send_shard(&cas, packed.shard(), 200).await;
    crate::lfs::upload(&ada, "acme/bert", &second).await;
    ada.post_json("/api/repos/move", &moved, 200).await;
    assert_eq!(boss.submit(page, page, &[("kind", "none"), ("reason", "a bigger one")]).await.status, 303);
    assert!(boss.open(page).await.has("There is no limit."));
    assert_eq!(boss.submit(page, page, &[("kind", "default"), ("reason", "it is over")]).await.status, 303);
    assert_eq!(boss.submit(page, page, &[("kind", "default"), ("reason", "again")]).await.status, 409);
    let tiny = json!({ "operation": "upload", "objects": [{ "oid": Large::of(10, 9).oid, "size": 10 }] });
    ada.post_json("/acme/bert.git/info/lfs/objects/batch", &tiny, 413).await;
    // Deleting makes room, at once.
    let gone = json!({ "type": "model", "organization": "acme", "name": "other" });
    ada.call(Method::DELETE, "/api/repos/delete", &gone, 200).await;
    let gone = json!({ "type": "model", "organization": "acme", "name": "bert" });
    ada.call(Method::DELETE, "/api/repos/delete", &gone, 200).await;
    ada.create_repo("model", "acme/new", false).await;
    crate::lfs::upload(&ada, "acme/new", &first).await;
    assert!(find_by_name(hub.app(), "acme").await.is_err(), "an organisation is no account");
    hub.stop().await;
}

#[tokio::test]
async fn what_owners_hold_is_known_at_once_and_two_do_not_pass_together() {
    let hub = TestHub::start_with(|config| config.owner_storage_limit_bytes = Some(300_000)).await;
    let user = hub.account("ada").await;
    hub.organization("acme", &[(&user, OrgRole::Admin)]).await;
    let ada = hub.token(&user, TokenRole::Write).await;
    for repo in ["acme/one", "acme/two", "ada/own"] {
        ada.create_repo("model", repo, false).await;
    }
    hub::quotas::measure(hub.app()).await.unwrap();

    // Each of these would find room, did the other not end at the same time.
    let files = [Large::of(160_000, 1), Large::of(160_000, 2)];
    let one = crate::lfs::entry(&ada, "acme/one", "upload", &files[0]).await;
    let two = crate::lfs::entry(&ada, "acme/two", "upload", &files[1]).await;
    let (one, two) = tokio::join!(crate::lfs::follow(&one, &files[0].bytes), crate::lfs::follow(&two, &files[1].bytes));
    let statuses = [one.status(), two.status()];
    assert_eq!(statuses.iter().filter(|status| status.is_success()).count(), 1, "{statuses:?}");
    assert!(statuses.contains(&reqwest::StatusCode::PAYLOAD_TOO_LARGE), "{statuses:?}");
    let full = if one.status().is_success() { "one" } else { "two" };

    // Whatever comes, moves, goes and comes back, what is counted is what there is, before and after it is added up.
    let miscounted = async || {
        let wrong = hub::quotas::queries::count_miscounted(&hub.app().pool).await.unwrap();
        hub::quotas::measure(hub.app()).await.unwrap();
        (wrong, hub::quotas::queries::count_miscounted(&hub.app().pool).await.unwrap())
    };
    assert_eq!(miscounted().await, (0, 0));
    let moved = json!({ "fromRepo": format!("acme/{full}"), "toRepo": "ada/moved", "type": "model" });
    ada.post_json("/api/repos/move", &moved, 200).await;
    let attached = ada.request(Method::POST, "/api/models/ada/own/discussions/uploads?name=x.txt").body("so much".repeat(1000));
    ada.send(attached, 200).await;
    // So it is with one of which it was not known yet where it would be.
    let early = ada.send(ada.request(Method::POST, "/uploads").body("early".repeat(1000)), 200).await.text().await.unwrap();
    assert_eq!(miscounted().await, (0, 0));
    let talk = json!({ "title": "A file", "description": format!("[it]({early})") });
    ada.post_json("/api/models/ada/own/discussions", &talk, 200).await;
    assert_eq!(miscounted().await, (0, 0));
    crate::lfs::upload(&ada, "ada/own", &Large::of(50_000, 3)).await;
    let gone = json!({ "type": "model", "organization": "ada", "name": "moved" });
    ada.call(Method::DELETE, "/api/repos/delete", &gone, 200).await;
    assert_eq!(miscounted().await, (0, 0));
    let deleted = ada.get_json("/api/settings/deleted-repos", 200).await;
    ada.post_json(&format!("/api/deleted-repos/{}/restore", deleted[0]["_id"].as_str().unwrap()), &json!({}), 200).await;
    ada.commit("/api/models/ada/own", "main", &[Client::file("a.txt", "a")], 200).await;
    assert_eq!(miscounted().await, (0, 0));

    // What is counted wrong all the same is seen, and counted anew.
    hub.sql("update owner_sizes set bytes = bytes + 7").await;
    let tally = hub::admin::fsck::check(hub.app(), None, hub::admin::fsck::Depth::Sizes, |problem| panic!("{problem}")).await;
    assert_eq!(tally.unwrap().miscounted, 2);
    assert_eq!(miscounted().await, (2, 0));
    // A full owner's discussions take no files either.
    hub.sql("insert into storage_quotas (namespace_pk, limit_bytes, reason) select namespace_pk, 0, 'full' from namespaces where name = 'ada'").await;
    let attached = ada.request(Method::POST, "/api/models/ada/own/discussions/uploads?name=x.txt").body("more");
    let said = ada.send(attached, 413).await.text().await.unwrap();
    assert!(said.contains("The storage of ada is full"), "{said}");
    let early = ada.send(ada.request(Method::POST, "/uploads").body("more"), 200).await.text().await.unwrap();
    let comment = json!({ "comment": format!("[it]({early})") });
    let said = ada.post_json("/api/models/ada/own/discussions/1/comment", &comment, 413).await;
    assert!(said["error"].as_str().unwrap().contains("The storage of ada is full"), "{said}");
    hub.stop().await;
}
