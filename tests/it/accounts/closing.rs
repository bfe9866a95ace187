//! Deleting an account, keeping it after all, and a copy of one's data.

use hub::accounts::{OrgRole, TokenRole};
use hub::gc::{self, Limits, Mode};
use hub::personal_data;
use hub_tests::{TestHub, Value, json};
use reqwest::Method;

use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD, Page};

const DATA: &str = "/settings/data";
const DELETE: &str = "/settings/data/delete-account";
const KEEP: &str = "/login/keep-account";

async fn delete(browser: &mut Browser, name: &str) -> Page {
    browser.submit(DATA, DELETE, &[("confirmation", name)]).await
}

/// What somebody reads who asks for what is not there.
async fn told(client: &hub_tests::Client, path: &str) -> String {
    client.get(path, 404).await.headers()["x-error-message"].to_str().unwrap().to_owned()
}

/// A hub that somebody else runs, with ada, who has something of everything, and bob, with whom she talks.
async fn start() -> (TestHub, hub_tests::Client, hub_tests::Client) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Write)]).await;
    hub.organization("alone", &[(&ada, OrgRole::Admin)]).await;
    let (ada, bob) = (hub.token(&ada, TokenRole::Write).await, hub.token(&bob, TokenRole::Write).await);
    for id in ["ada/bert", "alone/gpt"] {
        ada.create_repo("model", id, false).await;
    }
    ada.create_repo("dataset", "ada/old", false).await;
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "type": "dataset", "organization": "ada", "name": "old" }), 200).await;
    bob.create_repo("model", "bob/his", false).await;
    let body = json!({ "title": "How?", "description": "Why is it *so*?", "pullRequest": false });
    ada.post_json("/api/models/bob/his/discussions", &body, 200).await;
    let collection = json!({ "title": "Fine", "namespace": "ada", "private": false });
    ada.post_json("/api/collections", &collection, 200).await;
    let gone = json!({ "title": "Gone", "namespace": "ada", "private": false });
    let gone = ada.post_json("/api/collections", &gone, 200).await;
    ada.call(Method::DELETE, &format!("/api/collections/{}", gone["slug"].as_str().unwrap()), &json!({}), 200).await;
    (hub, ada, bob)
}

/// A file of an archive, by a program that reads such archives.
fn part_of(archive: &[u8], part: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.zip"), archive).unwrap();
    let unpack =
        std::process::Command::new("python3").args(["-m", "zipfile", "-e", "data.zip", "."]).current_dir(&folder).status();
    assert!(unpack.unwrap().success());
    std::fs::read_to_string(folder.path().join(format!("{part}.json"))).unwrap()
}

async fn names(hub: &TestHub, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn an_account_is_closed_kept_closed_again_and_removed() {
    let (hub, token, bob) = start().await;
    let collections: Value = bob.get_json("/api/collections?owner=ada", 200).await;
    let collection = format!("/collections/{}", collections[0]["slug"].as_str().unwrap());
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let mut operator = Browser::logged_in(&hub, "operator").await;
    let page = delete(&mut operator, "operator").await;
    assert!(page.status == 409 && page.has("Nobody else runs this hub"), "{}", page.text);

    // Others are left with somebody who runs what is theirs.
    let page = ada.open(DATA).await;
    assert!(page.has("only admin of <strong>acme</strong>") && page.has("<strong>alone</strong>"), "{}", page.text);
    let page = delete(&mut ada, "ada").await;
    assert!(page.status == 409 && page.has("only admin of acme"), "{}", page.text);
    let fields = [("role", "admin")];
    let page = ada.submit("/organizations/acme/settings", "/organizations/acme/members/bob", &fields).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let page = delete(&mut ada, "adam").await;
    assert!(page.status == 400 && page.has("the name of your account"), "{}", page.text);
    // A browser that was left open deletes nothing.
    hub.sql("update sessions set proved_at = now() - interval '1 hour'").await;
    assert!(delete(&mut ada, "ada").await.location().starts_with("/sudo?next="));
    hub.sql(
        "insert into trusted_publishers (repo_pk, issuer, project, added_by)
         select repo_pk, 'https://ci.example.org', 'octo/bert', n.namespace_pk from repos r, namespaces n
         where r.name = 'bert' and n.name = 'ada'",
    )
    .await;
    hub.sql("update sessions set proved_at = now()").await;

    let page = delete(&mut ada, "ada").await;
    assert!(page.status == 200 && page.has("Your account is closed"), "{}", page.text);
    assert!(ada.cookie("session").is_none_or(str::is_empty));
    assert_eq!(hub.count("sessions").await, 1, "the operator's");
    assert_eq!(hub.count("trusted_publishers").await, 0, "nobody acts by the account");
    token.get("/api/whoami-v2", 401).await;
    for path in ["/api/models/ada/bert", "/api/models/alone/gpt", "/ada", "/api/users/ada/overview", collection.as_str()] {
        bob.get(path, 404).await;
    }
    let members = bob.get_json("/api/organizations/acme/members", 200).await;
    assert!(!members.to_string().contains("\"ada\""), "{members}");
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let page = Browser::new(&hub).submit("/login", "/login", &fields).await;
    assert!(page.status == 403 && page.has("This account is being deleted"), "{}", page.text);
    let fields = [("username", "Ada"), ("email", "eve@example.org"), ("password", PASSWORD)];
    assert_eq!(Browser::new(&hub).submit("/join", "/join", &fields).await.status, 409, "the name is hers");

    let sent = mails(&hub, 1).await;
    let path = link(the_mail(&sent, "ada@example.org", "Your account is being deleted"));
    let secret = path.split("link=").nth(1).unwrap().to_owned();
    let mut browser = Browser::new(&hub);
    browser.submit("/forgot-password", "/forgot-password", &[("email", "ada@example.org")]).await;
    hub.jobs_done().await;
    assert!(browser.open(&path).await.has("<strong>ada</strong>"), "no other mail ends the link");
    let page = browser.submit(&path, KEEP, &[("link", &secret)]).await;
    assert_eq!((page.status, page.location()), (303, "/login"));
    assert_eq!(browser.get(&path).await.status, 404, "it worked once");
    let mut ada = Browser::logged_in(&hub, "ada").await;
    for path in ["/api/models/ada/bert", "/api/models/alone/gpt", "/ada", collection.as_str()] {
        bob.get(path, 200).await;
    }
    bob.get("/api/datasets/ada/old", 404).await;
    token.get("/api/whoami-v2", 401).await;
    let log = ada.open("/settings/security-log").await;
    assert!(log.has("Deletion of the account asked for") && log.has("Account kept"), "{}", log.text);

    assert_eq!(delete(&mut ada, "ada").await.status, 200);
    personal_data::sweep(hub.app()).await.unwrap();
    assert_eq!(hub.count("users").await, 3, "not yet");
    hub.sql("update users set deletes_at = now() - interval '1 minute' where deletes_at is not null").await;
    hub.sql("update repos set deleted_at = deleted_at - interval '31 days'").await;
    let second = mails(&hub, 2).await.iter().map(|mail| link(mail)).find(|found| *found != path);
    let path = second.expect("another link");
    assert_eq!(browser.get(&path).await.status, 200, "the page is there until the account is gone");
    personal_data::sweep(hub.app()).await.unwrap();
    assert_eq!(browser.get(&path).await.status, 404);
    gc::collect(hub.app(), Limits::of(&hub.app().config), Mode::Real).await.unwrap().expect("no other run is under way");
    assert_eq!(
        names(&hub, "select name from users join namespaces on namespace_pk = user_pk order by 1").await,
        ["bob", "operator"]
    );
    assert_eq!(names(&hub, "select name from organizations join namespaces on namespace_pk = organization_pk").await, ["acme"]);
    assert_eq!((hub.count("collections").await, hub.count("deleted_collections").await), (0, 0));
    let left = names(&hub, "select name from repos where purged_at is null").await;
    assert_eq!(left, ["his"], "the rest is collected");
    // What she said stays, without her; her name is nobody's, and her address is free.
    let said = bob.get_json("/api/models/bob/his/discussions/1?diff=1", 200).await;
    assert!(said.to_string().contains("Why is it *so*?") && !said.to_string().contains("\"ada\""), "{said}");
    bob.get("/bob/his/discussions/1", 200).await;
    for (name, status) in [("ada", 409), ("alone", 409), ("ada-2", 303)] {
        let fields = [("username", name), ("email", "ada@example.org"), ("password", PASSWORD)];
        assert_eq!(Browser::new(&hub).submit("/join", "/join", &fields).await.status, status, "{name}");
    }
    let mut bobs = Browser::logged_in(&hub, "bob").await;
    let fields = [("user", "ada"), ("role", "read")];
    let page = bobs.submit("/organizations/acme/settings", "/organizations/acme/members", &fields).await;
    assert_eq!(page.status, 404, "{}", page.text);
    for path in ["/ada", "/alone", "/api/users/ada/overview", "/api/organizations/alone/overview"] {
        bob.get(path, 404).await;
    }
    // Whoever pinned a commit of hers is told, though nothing else is left.
    bob.get("/ada/bert", 410).await;
    assert!(told(&bob, "/ada/bert/resolve/main/README.md").await.starts_with("The public model ada/bert was deleted"));
    assert!(told(&bob, "/api/models/alone/gpt").await.starts_with("The public model alone/gpt was deleted"));
    hub.stop().await;
}

#[tokio::test]
async fn a_copy_of_the_data_is_for_its_owner_once_a_day_and_for_a_week() {
    let (hub, token, bob) = start().await;
    hub.sql(
        "update users set email_confirmed_at = now();
         insert into notification_settings (user_pk, participating_mail) select user_pk, 'never' from users",
    )
    .await;
    bob.post_json("/api/models/bob/his/discussions/1/comment", &json!({ "comment": "Because." }), 201).await;
    hub.jobs_done().await;
    hub.sql(
        "insert into gpg_keys (user_pk, fingerprint, parts, emails, public_key)
             select namespace_pk, repeat('A', 40), '[]', '{}', 'hello' from namespaces where name = 'ada';
         insert into attachments (public_id, repo_pk, user_pk, name, content_type, size_bytes)
             select repeat('a', 32), repo_pk, n.namespace_pk, 'plot.png', 'image/png', 5 from repos r, namespaces n
             where r.name = 'his' and n.name = 'ada';
         insert into rule_counts (user_pk, what, count) select namespace_pk, 'comments', 3 from namespaces where name = 'ada';
         insert into trusted_publishers (repo_pk, issuer, project, added_by)
             select repo_pk, 'https://ci.example.org', 'octo/bert', n.namespace_pk from repos r, namespaces n
             where r.name = 'bert' and n.name = 'ada';
         insert into deleted_applications (client_pk, client_id, user_pk, name, homepage, redirect_uris, scopes, created_at)
             select 1, 'an-id-of-before', namespace_pk, 'Painter', '', '{}', '{openid}', now() from namespaces where name = 'ada';
         insert into rule_texts (hash, user_pk)
             select decode(repeat('ab', 32), 'hex'), namespace_pk from namespaces where name = 'ada';
         insert into audit_log (namespace_pk, via, action, subject, details)
             select namespace_pk, 'hub', 'moderation.disable_repo', 'model ada/gone', '{\"category\": \"spam\", \"batch\": 26001}'
             from namespaces where name = 'ada'",
    )
    .await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let asked = ada.submit(DATA, "/settings/data/export", &[]).await;
    assert_eq!((asked.status, asked.location()), (303, DATA));
    let page = ada.submit(DATA, "/settings/data/export", &[]).await;
    assert!(page.status == 409 && page.has("within the last day"), "{}", page.text);
    let page = link(the_mail(&mails(&hub, 1).await, "ada@example.org", "The copy of your data is ready"));
    assert_eq!(page, DATA);
    let page = ada.open(DATA).await;
    let path = page.text.split('"').find(|part| part.ends_with("/download")).expect("it is ready").to_owned();

    let answer =
        hub.anonymous().request(Method::GET, &path).header("Cookie", format!("session={}", ada.cookie("session").unwrap()));
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"ada-data.zip\"");
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    let bytes = answer.bytes().await.unwrap();
    assert!(bytes.starts_with(b"PK\x03\x04"), "a zip");
    for name in ["profile.json", "comments.json", "repositories.json", "security_log.json", "README.txt"] {
        assert!(bytes.windows(name.len()).any(|part| part == name.as_bytes()), "{name}");
    }
    let has = |part: &str, text: &str| assert!(part_of(&bytes, part).contains(text), "{part}: {}", part_of(&bytes, part));
    has("notifications", "\"because\":\"taking part\"");
    has("gpg_keys", "aGVsbG8=");
    has("attachments", "\"plot.png\"");
    has("rule_counts", "\"comments\"");
    has("rule_texts", &"ab".repeat(32));
    has("trusted_publishers", "octo/bert");
    has("deleted_applications", "an-id-of-before");
    has("security_log", "model ada/gone");
    assert!(!part_of(&bytes, "security_log").contains("batch"), "what moderators did at once is for those who run the hub");
    let mut bobs = Browser::logged_in(&hub, "bob").await;
    assert_eq!(bobs.get(&path).await.status, 404, "it is not his");
    for client in [&token, &bob] {
        client.get(&path, 403).await;
    }
    hub.sql("update sessions set proved_at = now() - interval '1 hour'").await;
    assert!(ada.get(&path).await.location().starts_with("/sudo?next="));
    hub.sql("update sessions set proved_at = now()").await;

    hub.sql("update data_exports set asked_at = asked_at - interval '8 days', ready_at = ready_at - interval '8 days'").await;
    assert_eq!(ada.get(&path).await.status, 404, "its time is over");
    personal_data::sweep(hub.app()).await.unwrap();
    assert_eq!(hub.count("data_exports").await, 0);
    // A closed account leaves none in the store.
    ada.submit(DATA, "/settings/data/export", &[]).await;
    hub.jobs_done().await;
    let stored = || std::fs::read_dir(hub.app().config.data_dir.join("store/exports")).map_or(0, Iterator::count);
    assert!(stored() > 0, "where is the store?");
    ada.submit("/organizations/acme/settings", "/organizations/acme/members/bob", &[("role", "admin")]).await;
    assert_eq!(delete(&mut ada, "ada").await.status, 200);
    assert_eq!(stored(), 1, "the old one goes by its age");
    hub.stop().await;
}
