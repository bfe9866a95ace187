//! Accounts and organisations under another name: what goes on under the old one, and who does not get that.

use hub::accounts::rename::rename_user;
use hub::accounts::{OrgRole, TokenRole, User};
use hub_tests::{Client, TestHub, Value, json, until};
use reqwest::Method;
use reqwest::redirect::Policy;

use crate::git_http::nodes::another_node;
use crate::outbox::{outbox, the_mail};
use crate::pages::browser::{Browser, Page};
use crate::work::Work;

const PROFILE: &str = "/settings/profile";
const ALL: &[&str] = &["repo.content.read", "repo.write"];

async fn rename(browser: &mut Browser, name: &str) -> Page {
    browser.submit(PROFILE, "/settings/username", &[("name", name)]).await
}

/// A token of somebody's for these things, each `type name`.
async fn scoped(hub: &TestHub, user: &User, entities: &[&str], permissions: &[&str]) -> Client {
    let entry = |entity: &&str| {
        let (kind, name) = entity.split_once(' ').unwrap();
        json!({ "entity": { "type": kind, "name": name }, "permissions": permissions })
    };
    let scoped: Vec<Value> = entities.iter().map(entry).collect();
    hub.scoped_token(user, TokenRole::FineGrained, json!({ "scoped": scoped })).await
}

/// Waits until there are so many rows.
async fn wait_for(hub: &TestHub, rows: &str, count: i64) {
    until(rows, async || hub.count(rows).await == count).await;
}

/// A hub with ada's public model and her private dataset, and a model of grace's that was made from the first.
async fn start() -> (TestHub, [User; 2], Client) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, grace) = (hub.account("ada").await, hub.account("grace").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "ada/bert", false).await;
    client.commit("/api/models/ada/bert", "main", &[Client::file("a", "ada's")], 200).await;
    client.create_repo("dataset", "ada/secret", true).await;
    client.commit("/api/datasets/ada/secret", "main", &[Client::file("a", "ada's")], 200).await;
    let other = hub.token(&grace, TokenRole::Write).await;
    other.create_repo("model", "grace/tuned", false).await;
    let card = Client::file("README.md", "---\nbase_model: ada/bert\n---\nTuned.\n");
    other.commit("/api/models/grace/tuned", "main", &[card], 200).await;
    (hub, [ada, grace], client)
}

#[tokio::test]
async fn all_that_says_the_old_name_goes_on_working() {
    let (hub, [ada, _], client) = start().await;
    let of_ada = scoped(&hub, &ada, &["user ada", "dataset grace/x"], ALL).await;
    let of_secret = scoped(&hub, &ada, &["dataset Ada/secret"], &["repo.content.read"]).await;
    // What these tokens are for is not there yet.
    let of_nothing = scoped(&hub, &ada, &["user lovelace", "dataset lovelace/secret"], ALL).await;
    hub.sql(
        "insert into webhooks (user_pk, url, domains) select namespace_pk, 'https://hub.invalid/', '{repo}' from namespaces
         where name = 'ada';
         insert into webhook_watches (webhook_pk, namespace_pk, name) select webhook_pk, user_pk, 'ada' from webhooks",
    )
    .await;
    let (node, address, _disk) = another_node(&hub).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = rename(&mut browser, "Lovelace").await;
    assert_eq!((page.status, page.location()), (303, PROFILE), "{}", page.text);
    assert!(browser.open(PROFILE).await.has("You are Lovelace from now on."));

    // At once, and on all nodes.
    let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    for (path, status) in
        [("/Lovelace", 200), ("/lovelace/bert/resolve/main/a", 200), ("/ada", 303), ("/ada/bert/resolve/main/a", 307)]
    {
        let answer = http.get(format!("http://{address}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    node.stop().await;
    let anonymous = hub.anonymous();
    let moved = anonymous.get("/ada/bert/resolve/main/a", 307).await;
    assert_eq!(moved.headers()["location"], "/Lovelace/bert/resolve/main/a");
    assert_eq!(anonymous.get("/ada", 303).await.headers()["location"], "/Lovelace");

    // Both names do, for programs, git and tokens.
    for name in ["ada", "lovelace"] {
        let api = format!("/api/models/{name}/bert");
        client.commit(&api, "main", &[Client::file(name, "by the account")], 200).await;
        of_ada.commit(&api, "main", &[Client::file(name, "by a token for it")], 200).await;
        assert_eq!(anonymous.get_json(&format!("/api/users/{name}/overview"), 200).await["user"], "Lovelace");
        assert_eq!(anonymous.get_json(&format!("/api/models?author={name}"), 200).await[0]["id"], "Lovelace/bert");
        let work = Work::clone(&client, &format!("/{name}/bert")).await;
        work.commit(&format!("{name}.txt"), b"pushed").await;
        work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    }
    let made = client.create_repo("model", "ada/made", false).await;
    assert!(made["url"].as_str().unwrap().ends_with("/Lovelace/made"), "{made}");
    let info = anonymous.get_json("/api/models/Lovelace/bert?expand=childrenModelCount", 200).await;
    assert_eq!(info["childrenModelCount"].as_object().unwrap().len(), 1, "{info}");

    // No token can do more or less than before.
    of_secret.get("/api/datasets/lovelace/secret", 200).await;
    of_secret.commit("/api/datasets/lovelace/secret", "main", &[Client::file("b", "no")], 403).await;
    of_nothing.get("/api/datasets/lovelace/secret", 404).await;
    let shown = of_ada.get_json("/api/whoami-v2", 200).await["auth"]["accessToken"]["fineGrained"]["scoped"].clone();
    assert_eq!((&shown[0]["entity"]["name"], &shown[1]["entity"]["name"]), (&json!("Lovelace"), &json!("grace/x")), "{shown}");

    // The index, webhooks, the log and the owner hear of it.
    hub.indexed().await;
    let ids = |list: &Value| list.as_array().unwrap().iter().map(|row| row["id"].to_string()).collect::<Vec<_>>().join(" ");
    let found = ids(&anonymous.get_json("/api/models?search=lovelace", 200).await);
    assert!(found.contains("Lovelace/bert"), "{found}");
    let found = ids(&anonymous.get_json("/api/models?search=ada", 200).await);
    assert!(!found.contains("bert"), "{found}");
    let told = "webhook_deliveries where event = 'repo move' and payload -> 'repo' ->> 'name' = 'ada/bert'
                and payload -> 'movedTo' ->> 'name' = 'Lovelace/bert'";
    wait_for(&hub, told, 1).await;
    let line =
        "audit_log where action = 'account.rename' and subject = 'Lovelace' and via = 'session' and details ->> 'from' = 'ada'";
    assert_eq!(hub.count(line).await, 1);

    // Nobody else gets the old name; its holder does.
    let mut grace = Browser::logged_in(&hub, "grace").await;
    for (name, status) in [("ADA", 409), ("Lovelace", 409), ("grace", 400), ("settings", 400), ("no/name", 400)] {
        let page = rename(&mut grace, name).await;
        assert_eq!(page.status, status, "{name}: {}", page.text);
        assert!(page.has("id=\"field-name-note\"") && page.has(&format!("value=\"{name}\"")), "{}", page.text);
    }
    assert!(browser.open(PROFILE).await.has("Was called <strong>ada</strong> until"));
    assert_eq!(rename(&mut browser, "ada").await.status, 303);
    anonymous.get("/ada/bert/resolve/main/a", 200).await;
    anonymous.get("/lovelace/bert/resolve/main/a", 307).await;
    of_ada.commit("/api/models/ada/bert", "main", &[Client::file("c", "as ever")], 200).await;
    of_nothing.get("/api/datasets/ada/secret", 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_name_goes_to_one_and_not_too_many_go_to_one() {
    let hub = TestHub::start().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    let (first, second) = tokio::join!(rename_user(hub.app(), &ada, "wanted"), rename_user(hub.app(), &bob, "Wanted"));
    assert_ne!(first.is_ok(), second.is_ok());
    let (winner, old, loser) = if first.is_ok() { (&ada, "ada", &bob) } else { (&bob, "bob", &ada) };
    let refused = first.and(second).unwrap_err();
    assert!(refused.message().ends_with("is taken, please choose another."), "{}", refused.message());
    hub.jobs_done().await;
    let spelled = if old == "ada" { "wanted" } else { "Wanted" };
    the_mail(&outbox(&hub), &format!("{old}@example.org"), &format!("Your account is called {spelled} now"));

    for name in ["WANTED", "third"] {
        rename_user(hub.app(), winner, name).await.unwrap();
    }
    let refused = rename_user(hub.app(), winner, "fourth").await.unwrap_err();
    assert!(refused.message().contains("3 times within a day"), "{}", refused.message());
    // But for its own names.
    rename_user(hub.app(), winner, "wanted").await.unwrap();
    rename_user(hub.app(), winner, old).await.unwrap();
    for name in ["third", "wanted"] {
        let refused = rename_user(hub.app(), loser, name).await.unwrap_err();
        assert!(refused.message().contains("is taken"), "{}", refused.message());
    }
    hub.sql("update users set limited_at = now()").await;
    let refused = rename_user(hub.app(), loser, "anything").await.unwrap_err();
    assert!(refused.message().contains("cannot be renamed now"), "{}", refused.message());
    hub.stop().await;
}

#[tokio::test]
async fn an_organisation_keeps_what_it_has_under_another_name() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (head, con) = (hub.account("head").await, hub.account("con").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    hub.organization("acme", &[(&head, OrgRole::Admin), (&con, OrgRole::Contributor)]).await;
    let (admin, contributor) = (hub.token(&head, TokenRole::Write).await, hub.token(&con, TokenRole::Write).await);
    let of_acme = scoped(&hub, &head, &["org acme"], ALL).await;
    admin.create_repo("model", "acme/moved", true).await;
    admin.post_json("/api/repos/move", &json!({ "fromRepo": "acme/moved", "toRepo": "acme/there", "type": "model" }), 200).await;
    let group = json!({ "name": "research", "users": [{ "user": "con", "role": "read" }] });
    admin.post_json("/api/organizations/acme/resource-groups", &group, 200).await;

    let mut browser = Browser::logged_in(&hub, "head").await;
    let settings = "/organizations/acme/settings";
    let page = browser.submit(settings, "/organizations/acme/settings/name", &[("name", "umbrella")]).await;
    assert_eq!((page.status, page.location()), (303, "/organizations/umbrella/settings"), "{}", page.text);
    hub.jobs_done().await;
    let mail = the_mail(&outbox(&hub), "head@example.org", "acme is called umbrella now").clone();
    assert!(mail.contains("head renamed the organization acme"), "{mail}");

    assert!(browser.open(settings).await.has("umbrella settings"));
    for name in ["acme", "umbrella"] {
        for member in [&admin, &contributor, &of_acme] {
            let groups = member.get_json(&format!("/api/organizations/{name}/resource-groups"), 200).await;
            assert_eq!(groups[0]["name"], "research", "{name}");
        }
        let members = contributor.get_json(&format!("/api/organizations/{name}/members"), 200).await;
        assert_eq!(members.as_array().unwrap().len(), 2);
        of_acme.commit(&format!("/api/models/{name}/there"), "main", &[Client::file(name, "x")], 200).await;
    }
    assert_eq!(contributor.get_json("/api/whoami-v2", 200).await["orgs"][0]["name"], "umbrella");

    // What was said to be somebody's repository under the old name never is another's.
    let wanted = json!({ "name": "moved", "organization": "umbrella", "type": "model" });
    contributor.post_json("/api/repos/create", &wanted, 403).await;
    contributor.post_json("/api/repos/create", &json!({ "name": "moved", "organization": "acme", "type": "model" }), 403).await;
    admin.post_json("/api/repos/create", &wanted, 200).await;
    let moved = admin.get("/api/models/acme/moved", 307).await;
    assert_eq!(moved.headers()["location"], "/api/models/umbrella/there");
    // Taken back, the name has what is there.
    browser.submit("/organizations/umbrella/settings", "/organizations/umbrella/settings/name", &[("name", "acme")]).await;
    assert_eq!(admin.get_json("/api/models/acme/moved", 200).await["id"], "acme/moved");
    assert_eq!(hub.count("repo_redirects where namespace_key = 'acme' and name_key = 'moved'").await, 0);
    // What moves after that is still found by the oldest name.
    admin.post_json("/api/repos/move", &json!({ "fromRepo": "acme/moved", "toRepo": "acme/again", "type": "model" }), 200).await;
    let moved = admin.get("/api/models/umbrella/moved", 307).await;
    assert_eq!(moved.headers()["location"], "/api/models/acme/again");
    let gone = json!({ "name": "moved", "organization": "umbrella", "type": "model" });
    admin.call(Method::DELETE, "/api/repos/delete", &gone, 200).await;
    hub.stop().await;
}
