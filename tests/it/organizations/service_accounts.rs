//! Service accounts: made by admins, with tokens and nothing to sign in with, at home in one organisation.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::outbox::{mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD};

const SETTINGS: &str = "/organizations/acme/settings";
const LIST: &str = "/organizations/acme/settings/service-accounts";
const CI: &str = "/organizations/acme/settings/service-accounts/acme-ci";

/// An organisation with a private model, and another one of `eve`'s.
async fn acme() -> (TestHub, Client, Browser) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, eve) = (hub.account("ada").await, hub.account("eve").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    hub.organization("other", &[(&eve, OrgRole::Admin)]).await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "acme/private", true).await;
    let browser = Browser::logged_in(&hub, "ada").await;
    (hub, client, browser)
}

/// Makes `acme-ci`.
async fn make(ada: &mut Browser, role: &str) {
    let page = ada.submit(LIST, LIST, &[("name", "acme-ci"), ("purpose", "Builds at night."), ("role", role)]).await;
    assert_eq!((page.status, page.location()), (303, CI), "{}", page.text);
}

/// Makes a token of it and gives its text, which is shown once.
async fn token(hub: &TestHub, ada: &mut Browser, fields: &[(&str, &str)]) -> Client {
    let all = [&[("name", "runner"), ("expires", "30")], fields].concat();
    let page = ada.submit(CI, &format!("{CI}/tokens"), &all).await;
    assert_eq!((page.status, page.location()), (303, CI), "{}", page.text);
    let page = ada.open(CI).await;
    let text = page.text.split("value=\"hf_").nth(1).expect("the token is shown").split('"').next().unwrap().to_owned();
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(!ada.open(CI).await.has("value=\"hf_"), "it is shown once");
    hub.with_token(&format!("hf_{text}"))
}

/// What a request answers.
async fn said(client: &Client, method: Method, path: &str, body: &Value) -> (u16, String) {
    let response = client.request(method, path).json(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn it_works_for_its_organisation_and_nowhere_else() {
    let (hub, head, mut ada) = acme().await;
    assert!(ada.open(LIST).await.has("No service accounts yet"));
    for (name, role, status) in [
        ("acme-ci", "admin", 400),
        ("acme-ci", "king", 400),
        ("settings", "read", 400),
        ("a b", "read", 400),
        ("ADA", "read", 409),
        ("acme", "read", 409),
    ] {
        let page = ada.submit(LIST, LIST, &[("name", name), ("purpose", ""), ("role", role)]).await;
        assert_eq!(page.status, status, "{name} {role}: {}", page.text);
    }
    make(&mut ada, "write").await;
    let bot = token(&hub, &mut ada, &[("role", "write")]).await;
    let me = bot.get_json("/api/whoami-v2", 200).await;
    let org = &me["orgs"][0];
    assert_eq!(
        (&me["name"], &me["type"], &me["email"], &me["isServiceAccount"]),
        (&json!("acme-ci"), &json!("user"), &Value::Null, &json!(true))
    );
    assert_eq!(
        (&org["name"], &org["roleInOrg"], &me["auth"]["accessToken"]["displayName"]),
        (&json!("acme"), &json!("write"), &json!("runner"))
    );

    bot.create_repo("model", "acme/built", true).await;
    bot.commit("/api/models/acme/built", "main", &[Client::file("a.txt", "a\n")], 200).await;
    bot.commit("/api/models/acme/private", "main", &[Client::file("a.txt", "a\n")], 200).await;
    let question = json!({ "title": "It broke", "description": "See the log." });
    bot.post_json("/api/models/acme/built/discussions", &question, 200).await;
    let opened = bot.get_json("/api/models/acme/built/discussions/1", 200).await;
    assert_eq!(opened["author"]["name"], "acme-ci", "{opened}");
    let page = ada.open("/acme/built/commits/main").await;
    assert!(page.has("<strong>acme-ci</strong> <span class=\"badge\">Service account</span>"), "{}", page.text);
    let commits = head.get_json("/api/models/acme/built/commits/main", 200).await;
    assert_eq!(commits[0]["authors"][0]["user"], "acme-ci", "{commits}");
    for (path, text) in [
        ("/acme/built/discussions/1", "<span class=\"badge\">Service account</span>"),
        ("/acme/built/discussions", "by acme-ci (service account)"),
        ("/acme", "acme-ci (service account)"),
        ("/acme-ci", "<span class=\"badge\">Service account</span> of <a href=\"/acme\">acme</a>"),
        ("/acme-ci", "Builds at night."),
        (SETTINGS, "<span class=\"badge\">Service account</span>"),
        (LIST, "1 token"),
    ] {
        let page = ada.open(path).await;
        assert!(page.has(text), "{path}: {}", page.text);
    }

    // Nothing is its own, and what people do it does not.
    let none = json!({});
    for (method, path, body) in [
        (Method::POST, "/api/repos/create", json!({ "name": "own" })),
        (Method::POST, "/api/repos/create", json!({ "name": "x", "organization": "other" })),
        (Method::POST, "/api/repos/create", json!({ "name": "x", "organization": "ada" })),
        (Method::POST, "/api/models/acme/built/like", none.clone()),
        (Method::POST, "/api/users/ada/follow", none.clone()),
        (Method::POST, "/api/organizations/acme/resource-groups", json!({ "name": "Mine" })),
        (Method::GET, "/api/settings/webhooks", none.clone()),
        (Method::PATCH, "/api/settings/watch", json!({ "add": [{ "type": "org", "id": "other" }], "delete": [] })),
        (Method::POST, "/api/collections", json!({ "title": "x", "namespace": "acme-ci" })),
        (Method::GET, SETTINGS, none.clone()),
    ] {
        let (status, text) = said(&bot, method, path, &body).await;
        assert_eq!(status, 403, "{path}: {text}");
    }
    let (_, text) = said(&bot, Method::POST, "/api/repos/create", &json!({ "name": "own" })).await;
    assert!(text.contains("name its organization"), "{text}");
    // It signs in by nothing, and no account is made of it.
    let page = Browser::new(&hub).submit("/login", "/login", &[("username", "acme-ci"), ("password", "")]).await;
    assert!([400, 401, 403, 422].contains(&page.status), "{}", page.status);
    let page = Browser::new(&hub).submit("/login", "/login", &[("username", "acme-ci"), ("password", PASSWORD)]).await;
    assert_ne!(page.status, 303);
    let mut eve = Browser::logged_in(&hub, "eve").await;
    let theirs = "/organizations/other/settings";
    let page = eve.submit(theirs, "/organizations/other/members", &[("user", "acme-ci"), ("role", "read")]).await;
    assert!(page.status == 409 && page.has("is a service account"), "{}", page.text);
    for fields in [vec![("action", "remove")], vec![("role", "admin")]] {
        let page = ada.submit(SETTINGS, "/organizations/acme/members/acme-ci", &fields).await;
        assert!(page.status == 409 && page.has("is a service account"), "{}", page.text);
    }
    assert_eq!(eve.get(CI).await.status, 403);
    assert_eq!(eve.get(&CI.replace("acme/", "other/")).await.status, 404, "it is another's");
    let pool = &hub.app().pool;
    for statement in [
        "insert into organization_members (organization_pk, user_pk, role) select o.namespace_pk, b.namespace_pk, 'read'
         from namespaces o, namespaces b where o.name = 'other' and b.name = 'acme-ci'",
        "update organization_members set role = 'admin' where user_pk = (select namespace_pk from namespaces where name = 'acme-ci')",
        "update users set password_hash = 'x' where service_of is not null",
        "update users set is_admin = true where service_of is not null",
    ] {
        sqlx::raw_sql(statement).execute(pool).await.expect_err("the database keeps it at home");
    }
    // Operators neither.
    let mut operator = Browser::logged_in(&hub, "operator").await;
    let page = operator.open("/admin/users/acme-ci").await;
    assert!(page.has("Service account") && !page.has("services.invalid") && !page.has("password-mail"), "{}", page.text);
    let fields = [("act", "role"), ("role", "admin"), ("reason", "Why not.")];
    assert_eq!(operator.submit("/admin/storage", "/admin/users/acme-ci", &fields).await.status, 409);
    // Search for people finds people, and a mention tells nobody.
    hub.knows_owners().await;
    assert_eq!(bot.get_json("/api/quicksearch?q=acme-ci&type=user", 200).await["users"], json!([]));
    let said = json!({ "comment": "@acme-ci, look." });
    head.post_json("/api/models/acme/built/discussions/1/comment", &said, 201).await;
    hub.jobs_done().await;
    let told: i64 =
        sqlx::query_scalar("select count(*) from notifications join users using (user_pk) where service_of is not null")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(told, 0);
    hub.stop().await;
}

#[tokio::test]
async fn its_tokens_open_what_is_chosen_until_it_is_disabled_or_deleted() {
    let (hub, head, mut ada) = acme().await;
    make(&mut ada, "write").await;
    let page = ada.open(CI).await;
    assert!(page.has("name=\"scope:acme\"") && !page.has("scope:acme-ci") && !page.has("name=\"webhooks\""), "{}", page.text);
    let page = ada.submit(CI, &format!("{CI}/tokens"), &[("name", "x"), ("role", "fineGrained"), ("expires", "")]).await;
    assert!(page.status == 400 && page.has("Choose at least one"), "{}", page.text);
    let reads = token(&hub, &mut ada, &[("role", "fineGrained"), ("scope:acme", "read")]).await;
    reads.get("/api/models/acme/private", 200).await;
    reads.commit("/api/models/acme/private", "main", &[Client::file("a.txt", "a\n")], 403).await;
    let writes = token(&hub, &mut ada, &[("role", "write")]).await;
    writes.commit("/api/models/acme/private", "main", &[Client::file("a.txt", "a\n")], 200).await;
    hub.sql("update sessions set proved_at = now() - interval '1 hour'").await;
    for path in ["tokens", "delete"] {
        let page = ada.submit(CI, &format!("{CI}/{path}"), &[("name", "x"), ("role", "write"), ("expires", "")]).await;
        assert!(page.status == 303 && page.location().starts_with("/sudo?next="), "{path}");
    }
    hub.sql("update sessions set proved_at = now()").await;

    // A second factor is nothing that it could have; who makes its tokens must.
    hub.sql(
        "insert into authenticator_apps (user_pk, secret, last_step)
         select namespace_pk, decode(repeat('ab', 20), 'hex'), 0 from namespaces where name = 'ada'",
    )
    .await;
    let page = ada.submit(SETTINGS, "/organizations/acme/settings/second-factors", &[("action", "require")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert!(ada.open(SETTINGS).await.has("All members have one."));
    writes.get("/api/models/acme/private", 200).await;
    hub.sql("delete from authenticator_apps").await;
    assert_eq!(ada.get(CI).await.status, 403);
    hub.sql("update organizations set requires_second_factor = false").await;

    // Its role is what its tokens can at most; in groups it is added as people are, but administers none.
    let page = ada.submit(CI, CI, &[("purpose", "Reads."), ("role", "read")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    writes.commit("/api/models/acme/private", "main", &[Client::file("b.txt", "b\n")], 403).await;
    let group = head.post_json("/api/organizations/acme/resource-groups", &json!({ "name": "Night" }), 200).await;
    let users = format!("/api/organizations/acme/resource-groups/{}/users", group["id"].as_str().unwrap());
    let named = |role: &str| json!({ "users": [{ "user": "acme-ci", "role": role }] });
    assert_eq!(said(&head, Method::POST, &users, &named("admin")).await.0, 409);
    head.post_json(&users, &named("write"), 200).await;
    let body = json!({ "name": "nightly", "organization": "acme", "resourceGroupId": group["id"], "private": true });
    writes.post_json("/api/repos/create", &body, 200).await;

    for (action, status) in [("disable", 403), ("enable", 200)] {
        assert_eq!(ada.submit(CI, &format!("{CI}/switch"), &[("action", action)]).await.status, 303);
        writes.get("/api/models/acme/private", status).await;
        writes.get("/api/whoami-v2", status).await;
    }
    // Found in public, it is its admins who are told.
    let leaked = hub::accounts::leaks::revoke(hub.app(), &[hex_of(reads.token())]).await.unwrap();
    assert_eq!(leaked.len(), 1);
    let sent = mails(&hub, 1).await;
    assert!(the_mail(&sent, "ada@example.org", "An access token of yours leaked").contains(CI), "{sent:#?}");
    reads.get("/api/whoami-v2", 401).await;

    assert_eq!(ada.submit(CI, &format!("{CI}/delete"), &[]).await.location(), LIST);
    writes.get("/api/whoami-v2", 401).await;
    assert_eq!(ada.get(CI).await.status, 404);
    assert_eq!(ada.get("/acme-ci").await.status, 404);
    let page = ada.open("/acme/private/commits/main").await;
    assert!(
        page.has("<strong>acme-ci</strong> <span class=\"badge\">Service account</span>"),
        "its commits say by whom they are"
    );
    let page = ada.submit(LIST, LIST, &[("name", "acme-ci"), ("purpose", ""), ("role", "read")]).await;
    assert_eq!(page.status, 409, "nobody gets its name");
    let log = ada.open("/organizations/acme/settings/audit-log/export?format=csv").await;
    for action in [
        "service_account.create",
        "service_account.change",
        "service_account.disable",
        "service_account.enable",
        "service_account.delete",
        "token.create",
        "token.leaked",
        "token.revoke",
        "member.add",
        "member.role",
    ] {
        assert!(log.has(action), "{action}: {}", log.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_one_comes_back_without_its_tokens() {
    let (hub, head, mut ada) = acme().await;
    make(&mut ada, "write").await;
    let bot = token(&hub, &mut ada, &[("role", "write")]).await;
    let groups = "/api/organizations/acme/resource-groups";
    let night = head.post_json(groups, &json!({ "name": "Night" }), 200).await["id"].as_str().unwrap().to_owned();
    let day = head.post_json(groups, &json!({ "name": "Day" }), 200).await["id"].as_str().unwrap().to_owned();
    let users = json!({ "users": [{ "user": "acme-ci", "role": "write" }] });
    for group in [&night, &day] {
        head.post_json(&format!("{groups}/{group}/users"), &users, 200).await;
    }
    bot.create_repo("model", "acme/built", true).await;
    bot.create_repo("model", "acme/given", true).await;
    let its_repos = "repos join users on user_pk = created_by where service_of is not null";
    let its_groups = "resource_group_members join users using (user_pk) where service_of is not null and role = 'write'";
    assert_eq!(hub.count(its_groups).await, 2);
    assert!(ada.open(CI).await.has("It can be restored for 30 days, without its tokens."));
    assert!(!ada.open(LIST).await.has("Deleted service accounts"));
    let delete = format!("{CI}/delete");
    assert_eq!(ada.submit(CI, &delete, &[]).await.location(), LIST);
    head.call(Method::DELETE, &format!("{groups}/{day}"), &json!({}), 200).await;
    hub.sql("update repos set namespace_pk = (select namespace_pk from namespaces where name = 'other') where name = 'given'")
        .await;
    let page = ada.open(LIST).await;
    for text in ["Deleted service accounts", "Restore acme-ci", "Builds at night.", "Their tokens stay revoked"] {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    let key: i64 = sqlx::query_scalar("select user_pk from deleted_service_accounts").fetch_one(&hub.app().pool).await.unwrap();
    let key = key.to_string();
    let restore = [("restore", key.as_str())];

    // It is its organisation's, and letting it in again is proved as making its tokens is.
    let mut eve = Browser::logged_in(&hub, "eve").await;
    let others = "/organizations/other/settings/service-accounts";
    assert!(!eve.open(others).await.has("Deleted service accounts"));
    assert_eq!(eve.submit(others, LIST, &restore).await.status, 403);
    assert_eq!(eve.submit(others, others, &restore).await.status, 409);
    hub.sql("update sessions set proved_at = now() - interval '1 hour'").await;
    assert!(ada.submit(LIST, LIST, &restore).await.location().starts_with("/sudo?next="));
    hub.sql("update sessions set proved_at = now()").await;
    assert_eq!(hub.count("deleted_service_accounts").await, 1);

    let page = ada.submit(LIST, LIST, &restore).await;
    assert_eq!((page.status, page.location()), (303, CI), "{}", page.text);
    let page = ada.open(CI).await;
    assert!(page.has("Builds at night.") && page.has("It has none yet."), "{}", page.text);
    bot.get("/api/whoami-v2", 401).await;
    assert_eq!(hub.count(its_groups).await, 1, "in the group that is still there");
    assert_eq!(hub.count(its_repos).await, 1, "a contributor would write to what it made, and not to what is others' by now");
    let again = token(&hub, &mut ada, &[("role", "write")]).await;
    again.commit("/api/models/acme/private", "main", &[Client::file("a.txt", "a\n")], 200).await;
    assert_eq!(again.get_json("/api/whoami-v2", 200).await["name"], "acme-ci");
    assert_eq!(ada.submit(LIST, LIST, &restore).await.status, 409, "once");
    for action in ["create", "delete", "restore"] {
        assert_eq!(hub.count(&format!("audit_log where action = 'service_account.{action}'")).await, 1, "{action}");
    }

    // One that was disabled comes back so.
    assert_eq!(ada.submit(CI, &format!("{CI}/switch"), &[("action", "disable")]).await.status, 303);
    ada.submit(CI, &delete, &[]).await;
    assert_eq!(ada.submit(LIST, LIST, &restore).await.status, 303);
    assert!(ada.open(CI).await.has("It is disabled"));

    // After its time it is gone for good, and its name with it.
    ada.submit(CI, &delete, &[]).await;
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_service_accounts").await, 1);
    hub.sql("update deleted_service_accounts set deleted_at = now() - interval '31 days'").await;
    assert!(!ada.open(LIST).await.has("Deleted service accounts"));
    assert_eq!(ada.submit(LIST, LIST, &restore).await.status, 409, "its time is over");
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_service_accounts").await, 0);
    let page = ada.submit(LIST, LIST, &[("name", "acme-ci"), ("purpose", ""), ("role", "read")]).await;
    assert_eq!(page.status, 409, "nobody gets its name");
    hub.stop().await;
}

fn hex_of(token: &str) -> String {
    hex::encode(hub::accounts::tokens::hash(token))
}

#[tokio::test]
async fn it_goes_with_its_organisation() {
    let (hub, _, mut ada) = acme().await;
    make(&mut ada, "write").await;
    let bot = token(&hub, &mut ada, &[("role", "write")]).await;
    bot.get("/api/models/acme/private", 200).await;
    // Ada is alone in it but for the program: her account takes it along, and brings it back.
    let page = ada.submit("/settings/data", "/settings/data/delete-account", &[("confirmation", "ada")]).await;
    assert!(page.status == 200 && page.has("Your account is closed"), "{}", page.text);
    bot.get("/api/whoami-v2", 403).await;
    hub::personal_data::closing::keep_by_name(hub.app(), "ada").await.unwrap();
    bot.get("/api/models/acme/private", 200).await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    ada.submit("/settings/data", "/settings/data/delete-account", &[("confirmation", "ada")]).await;
    hub.sql("update users set deletes_at = now() - interval '1 minute' where deletes_at is not null").await;
    hub::personal_data::closing::remove_due(hub.app()).await.unwrap();
    bot.get("/api/whoami-v2", 401).await;
    let kind: String =
        sqlx::query_scalar("select kind from namespaces where name = 'acme-ci'").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(kind, "deleted");
    hub.stop().await;
}

#[tokio::test]
async fn its_token_may_have_a_limit_of_requests_of_its_own() {
    let (hub, _, mut ada) = acme().await;
    make(&mut ada, "write").await;
    let page = ada
        .submit(CI, &format!("{CI}/tokens"), &[("name", "x"), ("role", "read"), ("expires", ""), ("requests_limit", "0")])
        .await;
    assert!(page.status == 400 && page.has("a number from 1 to"), "{}", page.text);
    let bot = token(&hub, &mut ada, &[("role", "read"), ("requests_limit", "2")]).await;
    for status in [200, 200, 429] {
        bot.get_json("/api/whoami-v2", status).await;
    }
    let token_pk: i64 =
        sqlx::query_scalar("select token_pk from access_tokens where name = 'runner'").fetch_one(&hub.app().pool).await.unwrap();
    let page = ada.submit(CI, &format!("{CI}/tokens/{token_pk}/limit"), &[("requests_limit", "")]).await;
    assert_eq!((page.status, page.location()), (303, CI), "{}", page.text);
    bot.get_json("/api/whoami-v2", 200).await;
    let log = ada.open("/organizations/acme/settings/audit-log/export?format=csv").await;
    assert!(log.has("token.limit"), "{}", log.text);
    hub.stop().await;
}
