//! The audit log: every act that matters is in it, with who did it, and nothing takes it out.

use hub::accounts::{OrgRole, TokenRole, audit};
use hub_tests::{TestHub, Value, json};
use reqwest::Method;

use crate::pages::browser::{Browser, PASSWORD, Page};

/// The lines of a log, oldest first: actor, how, action, subject.
async fn lines(hub: &TestHub, whose: &str) -> Vec<(String, String, String, String)> {
    let sql = "select coalesce(actor, ''), via || coalesce(' ' || token, ''), action, subject from audit_log
               join namespaces n using (namespace_pk) where n.name = $1 order by audit_pk";
    sqlx::query_as(sql).bind(whose).fetch_all(&hub.app().pool).await.unwrap()
}

fn line(actor: &str, via: &str, action: &str, subject: &str) -> (String, String, String, String) {
    (actor.to_owned(), via.to_owned(), action.to_owned(), subject.to_owned())
}

async fn acme() -> (TestHub, Browser) {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&bob, OrgRole::Read)]).await;
    let browser = Browser::logged_in(&hub, "ada").await;
    (hub, browser)
}

#[tokio::test]
async fn what_admins_do_with_an_organisation_is_in_its_log() {
    let (hub, mut ada) = acme().await;
    hub.account("eve").await;
    let settings = "/organizations/acme/settings";
    for (action, fields) in [
        ("/organizations/acme/members", vec![("user", "eve"), ("role", "read")]),
        ("/organizations/acme/members/eve", vec![("role", "write"), ("action", "change")]),
        ("/organizations/acme/members/eve", vec![("action", "remove")]),
        ("/organizations/acme/invitation-links", vec![("link_role", "read"), ("days", "7")]),
        (settings, vec![("fullname", "Acme"), ("default_private", "true")]),
    ] {
        assert_eq!(ada.submit(settings, action, &fields).await.status, 303, "{action}");
    }
    let found = lines(&hub, "acme").await;
    let expected = [
        line("", "hub", "organization.create", ""),
        line("", "hub", "member.add", "ada"),
        line("", "hub", "member.add", "bob"),
        line("ada", "session", "member.add", "eve"),
        line("ada", "session", "member.role", "eve"),
        line("ada", "session", "member.remove", "eve"),
        line("ada", "session", "invitation.create", "a link"),
        line("ada", "session", "organization.settings", ""),
    ];
    assert_eq!(found, expected);
    hub.stop().await;
}

/// The page's buttons, by what they take back.
fn undo_buttons(page: &Page) -> Vec<String> {
    let forms = page.text.split("/undo\" data-confirm=\"Undo this? ").skip(1);
    forms.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Presses the first button of the log.
async fn undo_first(browser: &mut Browser) -> Page {
    let page = browser.open("/organizations/acme/settings/audit-log").await;
    let (before, _) = page.text.split_once("/undo\" data-confirm").expect("there is something to undo");
    let action = format!("{}/undo", before.rsplit('"').next().unwrap());
    browser.post(&action, &[("csrf_token", &page.csrf())]).await
}

#[tokio::test]
async fn what_was_done_to_members_is_undone_in_the_log() {
    let (hub, mut ada) = acme().await;
    let settings = "/organizations/acme/settings";
    let log = "/organizations/acme/settings/audit-log";
    let groups = "insert into resource_groups (organization_pk, name) select namespace_pk, g from namespaces, unnest(array['speech', 'vision', 'old']) g
                  where name = 'acme';
                  insert into resource_group_members (resource_group_pk, organization_pk, user_pk, role)
                  select g.resource_group_pk, g.organization_pk, n.namespace_pk, 'write' from resource_groups g, namespaces n where n.name = 'bob'";
    hub.sql(groups).await;
    for fields in [[("role", "write"), ("action", "change")], [("role", "write"), ("action", "remove")]] {
        assert_eq!(ada.submit(settings, "/organizations/acme/members/bob", &fields).await.status, 303);
    }
    // Another group of the same name is not the one that he was in.
    hub.sql("delete from resource_groups where name = 'vision'; insert into resource_groups (organization_pk, name) select namespace_pk, 'vision' from namespaces where name = 'acme'").await;
    hub.sql("update resource_groups set name = 'older' where name = 'old'; insert into resource_groups (organization_pk, name) select namespace_pk, 'old' from namespaces where name = 'acme'").await;
    let buttons = async |ada: &mut Browser| undo_buttons(&ada.open(log).await);
    assert_eq!(buttons(&mut ada).await, ["Member removed: bob"]);
    assert_eq!(undo_first(&mut ada).await.status, 303);
    let roles = "select role || coalesce(' ' || (select string_agg(g.name || ' ' || m.role, ',') from resource_group_members m
                     join resource_groups g using (resource_group_pk) where m.user_pk = o.user_pk), '')
                 from organization_members o join namespaces n on n.namespace_pk = o.user_pk where n.name = 'bob'";
    let role = async || sqlx::query_scalar::<_, String>(roles).fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(role().await, "write speech write");
    assert!(buttons(&mut ada).await.is_empty(), "only what was done last");
    let fields = [("role", "admin"), ("action", "change")];
    assert_eq!(ada.submit(settings, "/organizations/acme/members/bob", &fields).await.status, 303);
    assert_eq!(undo_first(&mut ada).await.status, 303);
    assert_eq!(role().await, "write speech write");
    assert_eq!(buttons(&mut ada).await, ["Role of a member changed: bob"], "an undo is a change, too");

    // What came in between, lines of another kind and of another log, and what is too old.
    let csrf = ada.open(log).await.csrf();
    let pk = async |action: &str| -> i64 {
        let sql = "select min(audit_pk) from audit_log where action = $1";
        sqlx::query_scalar(sql).bind(action).fetch_one(&hub.app().pool).await.unwrap()
    };
    let (removed, added, account) = (pk("member.remove").await, pk("member.add").await, pk("account.create").await);
    for (line, status) in [(removed, 409), (added, 404), (account, 404), (i64::MAX, 404)] {
        assert_eq!(ada.post(&format!("{log}/{line}/undo"), &[("csrf_token", &csrf)]).await.status, status, "{line}");
    }
    // Who left is not brought back by others; the last admin stays one.
    let mut bob = Browser::logged_in(&hub, "bob").await;
    assert_eq!(bob.submit("/settings/organizations", "/organizations/acme/leave", &[]).await.status, 303);
    assert!(buttons(&mut ada).await.is_empty());
    hub.sql("insert into audit_log (namespace_pk, via, action, subject, details, created_at) select namespace_pk, 'hub', 'member.role', 'ada', '{\"from\": \"read\", \"to\": \"admin\"}', now() - make_interval(days => d) from namespaces, unnest(array[31, 29]) d where name = 'acme'").await;
    assert_eq!(buttons(&mut ada).await, ["Role of a member changed: ada"], "for 30 days");
    assert_eq!(undo_first(&mut ada).await.status, 409);
    hub.stop().await;
}

#[tokio::test]
async fn what_is_done_with_repositories_names_the_token() {
    let (hub, _) = acme().await;
    let user = {
        let mut conn = hub.app().pool.acquire().await.unwrap();
        let found = hub::accounts::queries::find_namespace(&mut conn, "ada").await.unwrap().unwrap();
        hub::accounts::queries::find_user(&hub.app().pool, found.namespace_pk).await.unwrap().unwrap()
    };
    let ada = hub.token(&user, TokenRole::Write).await;
    ada.create_repo("model", "acme/gpt", false).await;
    ada.call(Method::PUT, "/api/models/acme/gpt/settings", &json!({ "private": true }), 200).await;
    ada.post_json("/api/models/acme/gpt/branch/dev", &json!({}), 200).await;
    let work = crate::work::Work::clone(&ada, "/acme/gpt").await;
    work.git(&["push", "-q", "origin", ":dev"]).await;
    ada.post_json("/api/repos/move", &json!({ "fromRepo": "acme/gpt", "toRepo": "ada/gpt", "type": "model" }), 200).await;
    ada.call(Method::DELETE, "/api/repos/delete", &json!({ "organization": "ada", "name": "gpt" }), 200).await;
    let found: Vec<_> = lines(&hub, "acme").await.split_off(3);
    let by_token = |action: &str, subject: &str| line("ada", "token test", action, subject);
    assert_eq!(
        found,
        [
            by_token("repo.create", "model acme/gpt"),
            by_token("repo.update_settings", "model acme/gpt"),
            by_token("repo.delete_ref", "model acme/gpt"),
            by_token("repo.move_repo", "model acme/gpt"),
        ]
    );
    let own = lines(&hub, "ada").await;
    assert!(
        own.ends_with(&[by_token("repo.move_repo", "model ada/gpt"), by_token("repo.delete_repo", "model ada/gpt")]),
        "{own:?}"
    );
    let addresses = "select count(*) from audit_log where via = 'token' and address is distinct from '127.0.0.1'";
    assert_eq!(sqlx::query_scalar::<_, i64>(addresses).fetch_one(&hub.app().pool).await.unwrap(), 0);
    hub.stop().await;
}

#[tokio::test]
async fn the_security_log_tells_of_logins_tokens_and_passwords() {
    let (hub, mut ada) = acme().await;
    ada.submit("/settings/tokens", "/settings/tokens", &[("name", "laptop"), ("role", "read"), ("expires", "")]).await;
    let pk: i64 = sqlx::query_scalar("select token_pk from access_tokens").fetch_one(&hub.app().pool).await.unwrap();
    ada.submit("/settings/tokens", &format!("/settings/tokens/{pk}/rename"), &[("name", "phone")]).await;
    ada.submit("/settings/tokens", &format!("/settings/tokens/{pk}/revoke"), &[]).await;
    let passwords = [("current_password", PASSWORD), ("new_password", "another long one")];
    assert_eq!(ada.submit("/settings/profile", "/settings/password", &passwords).await.status, 303);
    let expected = [
        line("ada", "hub", "account.create", ""),
        line("ada", "password", "account.sign_in", ""),
        line("ada", "session", "token.create", "laptop"),
        line("ada", "session", "token.rename", "phone"),
        line("ada", "session", "token.revoke", "phone"),
        line("ada", "session", "account.password", ""),
    ];
    assert_eq!(lines(&hub, "ada").await, expected);
    let page = ada.open("/settings/security-log").await;
    assert_eq!(page.text.matches("<h1").count(), 1);
    for text in ["Logged in", "Access token made", "laptop", "Password changed", "in the browser, from 127.0.0.1"] {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    let secret: Option<String> = sqlx::query_scalar(
        "select details::text from audit_log where details::text like '%argon2%' or details::text like '%hf\\_%'",
    )
    .fetch_optional(&hub.app().pool)
    .await
    .unwrap();
    assert_eq!(secret, None, "no secret is in it");
    hub.stop().await;
}

#[tokio::test]
async fn the_log_is_searched_paged_and_sent_as_a_file() {
    let (hub, mut ada) = acme().await;
    let sql = "insert into audit_log (namespace_pk, actor, via, action, subject, created_at)
               select namespace_pk, case n % 2 when 0 then 'Grace' else 'ada' end, 'session', 'member.add', '=cmd' || n,
                      timestamptz '2026-01-01' + make_interval(days => n)
               from namespaces, generate_series(1, 120) n where name = 'acme'";
    sqlx::query(sql).execute(&hub.app().pool).await.unwrap();
    let log = "/organizations/acme/settings/audit-log";
    let page = ada.open(log).await;
    assert!(page.has("=cmd120") && !page.has("=cmd70<") && page.has("Older"));
    let next =
        page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap().to_owned();
    assert!(ada.open(&next.replace("&#38;", "&")).await.has("=cmd70"), "{next}");
    let page = ada.open(&format!("{log}?actor=grace&action=member.add&from=2026-01-05&to=2026-01-07")).await;
    let found: Vec<&str> =
        ["=cmd2<", "=cmd3<", "=cmd4<", "=cmd5<", "=cmd6<", "=cmd8<"].into_iter().filter(|text| page.has(text)).collect();
    assert_eq!(found, ["=cmd4<", "=cmd6<"]);
    assert_eq!(ada.get(&format!("{log}?from=nonsense")).await.status, 400);
    assert!(ada.open(&format!("{log}?actor=nobody")).await.has("Nothing found"));

    let file = ada.open(&format!("{log}/export?format=jsonl&actor=grace")).await;
    let rows: Vec<Value> = file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), &rows[0]["subject"], &rows[0]["at"]), (60, &json!("=cmd120"), &json!("2026-05-01T00:00:00.000Z")));
    let file = ada.open(&format!("{log}/export?format=csv")).await;
    assert_eq!(file.text.lines().count(), 1 + 120 + 3);
    assert!(file.text.contains("\"'=cmd7\""), "no formula");
    assert_eq!(ada.get(&format!("{log}/export?format=xml")).await.status, 400);
    hub.stop().await;
}

#[tokio::test]
async fn nothing_is_changed_in_the_log_and_it_goes_only_by_age() {
    let hub = TestHub::start_with(|config| config.audit_days = Some(90)).await;
    hub.account("ada").await;
    let pool = &hub.app().pool;
    for sql in ["update audit_log set action = 'x'", "delete from audit_log", "truncate audit_log"] {
        let refused = sqlx::query(sql).execute(pool).await.unwrap_err().to_string();
        assert!(refused.contains("rows of the audit log are not changed"), "{sql}: {refused}");
    }
    let old = "insert into audit_log (namespace_pk, via, action, created_at) values (1, 'hub', 'x', now() - interval '91 days')";
    sqlx::query(old).execute(pool).await.unwrap();
    let before = hub.count("audit_log").await;
    audit::prune(hub.app()).await.unwrap();
    assert_eq!(hub.count("audit_log").await, before - 1);
    hub.stop().await;
}

#[tokio::test]
async fn an_act_that_fails_leaves_no_line() {
    let (hub, mut ada) = acme().await;
    let before = hub.count("audit_log").await;
    let last_admin = [("role", "read"), ("action", "change")];
    let page = ada.submit("/organizations/acme/settings", "/organizations/acme/members/ada", &last_admin).await;
    assert_eq!(page.status, 409);
    assert_eq!(hub.count("audit_log").await, before);
    hub.stop().await;
}

#[tokio::test]
async fn a_sign_up_is_told_as_done_by_somebody_who_is_not_logged_in() {
    let hub = TestHub::start().await;
    let mut ada = Browser::new(&hub);
    let fields = [("username", "ada"), ("email", "ada@example.org"), ("password", PASSWORD)];
    assert_eq!(ada.submit("/join", "/join", &fields).await.status, 303);
    let page = ada.open("/settings/security-log").await;
    assert!(page.has("Account made") && page.has("without being logged in"), "{}", page.text);
    hub.stop().await;
}
