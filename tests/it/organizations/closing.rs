//! Deleting an organisation: gone for all at once, kept by its admins, or gone for good.

use hub::gc::{self, Limits, Mode};
use hub::personal_data::{self, organizations as closing};
use hub_tests::{Client, Value, json};
use reqwest::Method;

use super::groups::{Acme, GROUPS};
use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD, Page};

const SETTINGS: &str = "/organizations/acme/settings";
const DELETE: &str = "/organizations/acme/settings/delete";
const KEEP: &str = "/organizations/acme/keep";
const MINE: &str = "/settings/organizations";

/// What shows something of the organisation, by whatever door. All of it is 200 for its admin while it is open.
const DOORS: &[&str] = &[
    "/acme",
    "/acme/public",
    "/acme/private",
    "/acme/public/tree/main",
    "/acme/public/resolve/main/data.txt",
    "/acme/public/info/refs?service=git-upload-pack",
    "/acme/private/info/refs?service=git-receive-pack",
    "/api/models/acme/public",
    "/api/models/acme/private/tree/main",
    "/api/models/acme/public/xet-read-token/main",
    "/api/models/acme/public/xet-write-token/main",
    "/api/organizations/acme/overview",
    "/api/organizations/acme/members",
    GROUPS,
    "/acme/-/activity.atom",
];

async fn delete(browser: &mut Browser, name: &str) -> Page {
    browser.submit(DELETE, DELETE, &[("confirmation", name)]).await
}

async fn check_doors(client: &Client, is_open: bool) {
    for path in DOORS {
        let status = client.request(Method::GET, path).send().await.unwrap().status().as_u16();
        // Of what was public, people and git learn that it was deleted; the rest is as if it had never been.
        let is_told = path.starts_with("/acme/public") && !path.contains("/resolve/");
        let closed = if is_told { 410 } else { 404 };
        assert_eq!(status, if is_open { 200 } else { closed }, "{path}");
    }
    let batch = json!({ "operation": "upload", "transfers": ["basic"], "objects": [{ "oid": "0".repeat(64), "size": 1 }] });
    let asked = client.request(Method::POST, "/acme/public.git/info/lfs/objects/batch").json(&batch).send().await.unwrap();
    assert_eq!(asked.status().as_u16(), if is_open { 200 } else { 404 }, "LFS");
    let names = |value: &Value| value.to_string().contains("acme");
    for path in ["/api/models?author=acme", "/api/collections?owner=acme", "/api/quicksearch?q=quagga", "/api/quicksearch?q=acm"]
    {
        assert_eq!(names(&client.get_json(path, 200).await), is_open, "{path}");
    }
    let me = client.get_json("/api/whoami-v2", 200).await;
    assert_eq!(names(&me["orgs"]), is_open, "{me}");
}

/// The organisation of [`Acme`], with a collection and an invitation, whose admins have confirmed their addresses.
async fn start() -> (Acme, Browser) {
    let acme = Acme::start().await;
    acme.hub.sql("update users set email_confirmed_at = now()").await;
    let head = acme.client("head");
    let collection = json!({ "title": "Fine", "namespace": "acme", "private": false });
    let made = head.post_json("/api/collections", &collection, 200).await;
    let item = json!({ "item": { "type": "model", "id": "acme/public" } });
    head.post_json(&format!("/api/collections/{}/items", made["slug"].as_str().unwrap()), &item, 200).await;
    head.create_repo("dataset", "acme/old", false).await;
    head.call(Method::DELETE, "/api/repos/delete", &json!({ "type": "dataset", "organization": "acme", "name": "old" }), 200)
        .await;
    let mut browser = Browser::logged_in(&acme.hub, "head").await;
    browser.submit(SETTINGS, "/organizations/acme/invitation-links", &[("link_role", "read"), ("days", "7")]).await;
    (acme, browser)
}

/// Makes a service account, and a token of it.
async fn service_account(acme: &Acme, head: &mut Browser) -> Client {
    let list = "/organizations/acme/settings/service-accounts";
    let page = head.submit(list, list, &[("name", "acme-ci"), ("purpose", ""), ("role", "write")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let one = format!("{list}/acme-ci");
    head.submit(&one, &format!("{one}/tokens"), &[("name", "runner"), ("expires", "30"), ("role", "write")]).await;
    let page = head.open(&one).await;
    let text = page.text.split("value=\"hf_").nth(1).expect("the token is shown").split('"').next().unwrap();
    acme.hub.with_token(&format!("hf_{text}"))
}

#[tokio::test]
async fn a_closed_organization_is_gone_by_every_door_until_it_is_kept() {
    let (acme, mut head) = start().await;
    let (hub, client) = (&acme.hub, acme.client("head"));
    let ci = service_account(&acme, &mut head).await;
    ci.get("/api/whoami-v2", 200).await;
    hub.indexed().await;
    check_doors(client, true).await;
    let mut member = Browser::logged_in(hub, "member").await;
    assert_eq!(member.get(DELETE).await.status, 403);
    let page = head.submit(MINE, "/organizations/acme/leave", &[]).await;
    assert!(page.status == 409 && page.has("or delete the organization under its settings"), "{}", page.text);
    let page = head.open(DELETE).await;
    for words in ["3 models", "1 collection", "1 resource group", "6 memberships", "For 30 days"] {
        assert!(page.has(words), "{words}: {}", page.text);
    }
    let page = delete(&mut head, "acm").await;
    assert!(page.status == 400 && page.has("the name of the organization"), "{}", page.text);
    // A browser that was left open deletes nothing.
    hub.sql("update sessions set proved_at = now() - interval '1 hour'").await;
    assert!(delete(&mut head, "acme").await.location().starts_with("/sudo?next="));
    hub.sql("update sessions set proved_at = now()").await;
    check_doors(client, true).await;

    let page = delete(&mut head, "Acme").await;
    assert_eq!((page.status, page.location()), (303, MINE), "{}", page.text);
    hub.indexed().await;
    for who in ["head", "writer", "outsider"] {
        check_doors(acme.client(who), false).await;
    }
    for path in ["/api/whoami-v2", "/api/models/acme/public"] {
        let status = ci.request(Method::GET, path).send().await.unwrap().status().as_u16();
        assert!(matches!(status, 401 | 403 | 404), "{path}: {status}");
    }
    client.get("/acme-ci", 404).await;
    // Who runs the hub sees nothing of it, either, and it is in nobody's lists.
    let mut operator = Browser::logged_in(hub, "operator").await;
    for path in ["/acme", "/acme/private", SETTINGS, DELETE] {
        assert_eq!(operator.get(path).await.status, 404, "{path}");
    }
    assert!(!operator.open("/admin/organizations").await.has("acme"));
    assert!(!head.open("/settings/deleted").await.has("acme/"), "it comes back whole or not at all");
    for client in [client, acme.client("writer")] {
        assert_eq!(
            super::groups::status(client, Method::POST, "/api/repos/create", &json!({ "name": "new", "organization": "acme" }))
                .await,
            403
        );
        client.commit("/api/models/acme/public", "main", &[Client::file("b.txt", "b\n")], 404).await;
    }
    // Whoever was just about to become a member, or to make a repository, is not and does not.
    hub.sql(
        "insert into organization_members (organization_pk, user_pk, role)
         select o.namespace_pk, u.namespace_pk, 'admin' from namespaces o, namespaces u where o.name = 'acme' and u.name = 'outsider'",
    )
    .await;
    assert_eq!(hub.count("organization_members").await, 0);
    let made = "insert into repos (repo_type, namespace_pk, name) select 'model', namespace_pk, 'late' from namespaces where name = 'acme'";
    let refused = sqlx::query(made).execute(&hub.app().pool).await.unwrap_err();
    assert!(refused.to_string().contains("the owner of the repository is deleted"), "{refused}");
    // The name is nobody's.
    let fields = [("username", "Acme"), ("email", "eve@example.org"), ("password", PASSWORD)];
    assert_eq!(Browser::new(hub).submit("/join", "/join", &fields).await.status, 409);

    let sent = mails(hub, 1).await;
    assert_eq!(link(the_mail(&sent, "head@example.org", "acme is being deleted")), MINE);
    assert!(head.open(MINE).await.has("Being deleted") && !member.open(MINE).await.has("acme"));
    for (who, status) in [(&mut member, 404), (&mut operator, 303)] {
        let page = who.submit("/settings/profile", KEEP, &[]).await;
        assert_eq!(page.status, status, "{}", page.text);
    }
    assert_eq!(head.post(KEEP, &[("csrf_token", "none")]).await.status, 403);
    // An operator brings it back, or who administered it, once.
    let kept = head.submit(MINE, KEEP, &[]).await;
    assert!(kept.status == 404, "the operator has done it: {}", kept.text);
    hub.indexed().await;
    check_doors(client, true).await;
    ci.get("/api/whoami-v2", 200).await;
    client.get("/acme-ci", 200).await;
    let roles = client.get_json(GROUPS, 200).await.to_string();
    for who in ["reader", "contributor", "writer"] {
        assert!(roles.contains(who), "{who} is in the group again: {roles}");
    }
    acme.client("member").get("/api/models/acme/private", 404).await;
    acme.client("writer").commit("/api/models/acme/private", "main", &[Client::file("b.txt", "b\n")], 200).await;
    client.get("/api/datasets/acme/old", 404).await;
    assert_eq!((hub.count("organization_members").await, hub.count("organization_invitations").await), (6, 0));
    let log = head.open("/organizations/acme/settings/audit-log").await;
    assert!(log.has("Deletion of the organization asked for") && log.has("Organization kept"), "{}", log.text);
    acme.hub.stop().await;
}

#[tokio::test]
async fn when_its_time_is_over_a_closed_organization_goes_for_good() {
    let (acme, mut head) = start().await;
    let hub = &acme.hub;
    assert_eq!(delete(&mut head, "acme").await.status, 303);
    // Its last admin with a second factor that it asks for, or none.
    hub.sql("update organizations set requires_second_factor = true").await;
    let page = head.submit(MINE, KEEP, &[]).await;
    assert!(page.status == 403 && page.has("asks its members for a second factor"), "{}", page.text);
    hub.sql("update organizations set requires_second_factor = false").await;
    assert_eq!(head.submit(MINE, KEEP, &[]).await.status, 303);
    assert_eq!(delete(&mut head, "acme").await.status, 303);
    closing::keep_by_name(hub.app(), "acme").await.unwrap();
    assert_eq!(delete(&mut head, "acme").await.status, 303);

    personal_data::sweep(hub.app()).await.unwrap();
    assert_eq!(hub.count("organizations").await, 1, "not yet");
    hub.sql("update closed_organizations set deletes_at = now() - interval '1 minute'").await;
    hub.sql("update repos set deleted_at = deleted_at - interval '31 days'").await;
    assert_eq!(head.submit("/settings/profile", KEEP, &[]).await.status, 404, "its time is over");
    assert!(!head.open(MINE).await.has("Being deleted"));
    personal_data::sweep(hub.app()).await.unwrap();
    gc::collect(hub.app(), Limits::of(&hub.app().config), Mode::Real).await.unwrap().expect("no other run is under way");
    for table in [
        "organizations",
        "closed_organizations",
        "closed_organization_members",
        "closed_group_members",
        "resource_groups",
        "collections",
    ] {
        assert_eq!(hub.count(table).await, 0, "{table}");
    }
    let left: i64 =
        sqlx::query_scalar("select count(*) from repos where purged_at is null").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(left, 0, "what they had is collected");
    hub.knows_owners().await;
    check_doors(acme.client("head"), false).await;
    let new = [("name", "acme"), ("fullname", "")];
    assert_eq!(head.submit("/organizations/new", "/organizations/new", &new).await.status, 409, "not even for who had it");
    acme.hub.stop().await;
}
