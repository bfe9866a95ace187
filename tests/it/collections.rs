//! Collections: the API as clients use it, who sees what, and the pages without JavaScript.

mod lists;
mod pages;

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, Value, json};
use hub_types::RepoType;
use reqwest::Method;

use crate::pages::browser::Browser;
use crate::repos::seeded::Seeded;

async fn create(client: &Client, body: Value, status: u16) -> Value {
    client.post_json("/api/collections", &body, status).await
}

async fn add(client: &Client, api: &str, kind: &str, id: &str, status: u16) -> Value {
    client.post_json(&format!("{api}/items"), &json!({ "item": { "type": kind, "id": id } }), status).await
}

fn api_of(collection: &Value) -> String {
    format!("/api/collections/{}", collection["slug"].as_str().unwrap())
}

fn ids(collection: &Value) -> Vec<&str> {
    collection["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// A hub with `ada/bert`, a dataset and a private model of acme, and bob who writes there.
async fn shelf() -> (Seeded, Client) {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let (bob, carol) = (seeded.hub.account("bob").await, seeded.hub.account("carol").await);
    seeded.hub.organization("acme", &[(&bob, OrgRole::Write), (&carol, OrgRole::Read)]).await;
    seeded.another(RepoType::Dataset, "ada/corpus", false, &[("a.csv", "a\n")]).await;
    seeded.another(RepoType::Model, "acme/secret", true, &[("README.md", "# x\n")]).await;
    let bob = seeded.hub.token(&bob, TokenRole::Write).await;
    (seeded, bob)
}

#[tokio::test]
async fn a_collection_lives_through_the_api() {
    let (seeded, bob) = shelf().await;
    let made = create(&bob, json!({ "title": "Recent Models!", "namespace": "bob", "description": "some" }), 200).await;
    let slug = made["slug"].as_str().unwrap().to_owned();
    assert!(slug.starts_with("bob/recent-models-") && slug.rsplit('-').next().unwrap().len() == 24, "{slug}");
    assert_eq!((&made["items"], &made["upvotes"], &made["theme"]), (&json!([]), &json!(0), &json!("orange")));
    let taken = create(&bob, json!({ "title": "recent models!", "namespace": "bob" }), 409).await;
    assert_eq!(taken["slug"], json!(slug));
    let api = api_of(&made);
    add(&bob, &api, "model", "ada/bert", 200).await;
    add(&bob, &api, "dataset", "ada/corpus", 200).await;
    let full = add(&bob, &api, "paper", "2307.09288", 200).await;
    assert_eq!(ids(&full), ["ada/bert", "ada/corpus", "2307.09288"]);
    add(&bob, &api, "model", "ada/bert", 409).await;
    let third = full["items"][2]["_id"].as_str().unwrap();
    bob.call(Method::PATCH, &format!("{api}/items/{third}"), &json!({ "position": 0, "note": "read <this>" }), 200).await;
    let moved = seeded.hub.anonymous().get_json(&api, 200).await;
    assert_eq!(ids(&moved), ["2307.09288", "ada/bert", "ada/corpus"]);
    assert_eq!(moved["items"][0]["note"], json!({ "text": "read <this>", "html": "read &lt;this&gt;" }));
    assert_eq!(
        moved["items"].as_array().unwrap().iter().map(|item| item["position"].as_i64().unwrap()).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    let patched = bob.call(Method::PATCH, &api, &json!({ "title": "Other", "theme": "pink", "private": true }), 200).await;
    let data = &patched["data"];
    assert_eq!((&data["title"], &data["theme"], &data["private"]), (&json!("Other"), &json!("pink"), &json!(true)));
    assert!(data["slug"].as_str().unwrap().starts_with("bob/other-"));
    assert_eq!(bob.get_json(&api, 200).await["title"], "Other", "the old slug leads there");
    bob.call(Method::DELETE, &format!("{api}/items/{third}"), &json!({}), 200).await;
    bob.call(Method::DELETE, &format!("{api}/items/{third}"), &json!({}), 404).await;
    bob.call(Method::PATCH, &format!("{api}/items/none"), &json!({ "position": 0 }), 404).await;
    assert_eq!(ids(&bob.get_json(&api, 200).await), ["ada/bert", "ada/corpus"]);
    bob.call(Method::POST, &format!("{api}/resource-group"), &json!({ "resourceGroupId": null }), 200).await;
    bob.call(Method::DELETE, &api, &json!({}), 200).await;
    bob.get(&api, 404).await;
    bob.call(Method::DELETE, &api, &json!({}), 404).await;
    seeded.stop().await;
}

#[tokio::test]
async fn in_a_resource_group_only_the_roles_of_the_group_count() {
    let (seeded, bob) = shelf().await;
    let hub = &seeded.hub;
    let (head, reader, writer) = (hub.account("head").await, hub.account("reader").await, hub.account("writer").await);
    hub.organization("lab", &[(&head, OrgRole::Admin), (&reader, OrgRole::Read), (&writer, OrgRole::Write)]).await;
    let (reader, writer) = (hub.token(&reader, TokenRole::Write).await, hub.token(&writer, TokenRole::Write).await);
    let wanted = json!({ "name": "Research", "users": [{ "user": "reader", "role": "write" }] });
    let group = seeded.ada.post_json("/api/organizations/lab/resource-groups", &wanted, 200).await["id"].clone();
    let in_group = |title: &str| json!({ "title": title, "namespace": "lab", "private": true, "resourceGroupId": group });
    let made = create(&reader, in_group("Plans"), 200).await;
    let api = api_of(&made);
    let listed = async |client: &Client| client.get_json("/api/collections?owner=lab", 200).await.as_array().unwrap().len();
    reader.call(Method::PATCH, &api, &json!({ "description": "What we do next" }), 200).await;
    assert_eq!((listed(&reader).await, listed(&writer).await, listed(&bob).await), (1, 0, 0));
    writer.get(&api, 404).await;
    writer.call(Method::PATCH, &api, &json!({ "title": "Mine" }), 404).await;
    create(&writer, in_group("More"), 400).await;
    // That a title is taken is no secret, but which collection has it is.
    let other = api_of(&create(&writer, json!({ "title": "Notes", "namespace": "lab" }), 200).await);
    let taken = create(&writer, json!({ "title": "plans", "namespace": "lab" }), 409).await;
    assert_eq!(taken["slug"], "", "{taken}");
    let taken = writer.call(Method::PATCH, &other, &json!({ "title": "Plans" }), 409).await;
    assert_eq!(taken["slug"], "", "{taken}");
    writer.call(Method::DELETE, &other, &json!({}), 200).await;
    assert_eq!(create(&reader, in_group("Plans"), 409).await["slug"], made["slug"]);
    // In the organisation at large they only read: nothing goes there by them.
    create(&reader, json!({ "title": "Open", "namespace": "lab" }), 403).await;
    let to = async |client: &Client, api: &str, group: &Value, status: u16| {
        client.post_json(&format!("{api}/resource-group"), &json!({ "resourceGroupId": group }), status).await
    };
    to(&reader, &api, &Value::Null, 403).await;
    to(&seeded.ada, &api, &Value::Null, 200).await;
    assert_eq!((listed(&reader).await, listed(&writer).await, listed(&bob).await), (1, 1, 0));
    reader.call(Method::PATCH, &api, &json!({ "title": "Mine" }), 403).await;
    to(&writer, &api, &group, 400).await;
    to(&seeded.ada, &api, &group, 200).await;
    writer.get(&api, 404).await;
    // Groups are of their organisation, and not deleted while there is something in them.
    let own = api_of(&create(&reader, json!({ "title": "Own" }), 200).await);
    to(&reader, &own, &group, 400).await;
    to(&reader, &own, &Value::Null, 200).await;
    let path = format!("/api/organizations/lab/resource-groups/{}", group.as_str().unwrap());
    let refused = seeded.ada.call(Method::DELETE, &path, &json!({}), 409).await;
    assert!(refused["error"].as_str().unwrap().contains("collections"), "{refused}");
    reader.call(Method::DELETE, &api, &json!({}), 200).await;
    for (name, sees) in [("reader", true), ("writer", false)] {
        let page = Browser::logged_in(hub, name).await.open("/settings/deleted/collections").await;
        assert_eq!(page.has("Plans"), sees, "{name}: {}", page.text);
    }
    seeded.ada.call(Method::DELETE, &path, &json!({}), 200).await;
    seeded.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_a_reason() {
    let (seeded, bob) = shelf().await;
    for (body, said) in [
        (json!({ "title": " " }), "title"),
        (json!({ "title": "x".repeat(61) }), "60"),
        (json!({ "title": "a\nb" }), "line"),
        (json!({ "title": "\u{200b}" }), "seen"),
        (json!({ "title": "\u{202e}evil" }), "seen"),
        (json!({ "title": "x", "description": "y".repeat(501) }), "description"),
        (json!({ "title": "x", "theme": "black" }), "theme"),
        (json!({}), "title"),
    ] {
        let refusal = create(&bob, body, 400).await;
        assert!(refusal["error"].as_str().unwrap().contains(said), "{refusal}");
    }
    create(&bob, json!({ "title": "x", "namespace": "ada" }), 403).await;
    create(&bob, json!({ "title": "x", "namespace": "nobody" }), 403).await;
    create(&seeded.hub.anonymous(), json!({ "title": "x" }), 401).await;
    let made = create(&bob, json!({ "title": "x" }), 200).await;
    let api = api_of(&made);
    for (kind, id, status) in [
        ("model", "ada/none", 404),
        ("model", "bert", 404),
        ("kernel", "ada/bert", 400),
        ("paper", "../x y", 404),
        ("collection", "ada/none", 404),
        ("collection", made["slug"].as_str().unwrap(), 400),
    ] {
        add(&bob, &api, kind, id, status).await;
    }
    let long = json!({ "item": { "type": "model", "id": "ada/bert" }, "note": "n".repeat(501) });
    bob.post_json(&format!("{api}/items"), &long, 400).await;
    for query in ["sort=colour", "cursor=x", "item=bert", "limit=many"] {
        bob.get(&format!("/api/collections?{query}"), 400).await;
    }
    for path in ["/api/collections/bob/none", "/api/collections/bob/%00", "/api/collections/bob/0123456789abcdef01234567"] {
        bob.get(path, 404).await;
    }
    seeded.stop().await;
}

#[tokio::test]
async fn nobody_sees_more_through_a_collection() {
    let (seeded, bob) = shelf().await;
    let hub = &seeded.hub;
    let open = create(&bob, json!({ "title": "open", "namespace": "acme" }), 200).await;
    let hidden = create(&bob, json!({ "title": "hidden", "namespace": "acme", "private": true }), 200).await;
    let (api, hidden_api) = (api_of(&open), api_of(&hidden));
    add(&bob, &api, "model", "acme/secret", 200).await;
    add(&bob, &api, "collection", hidden["slug"].as_str().unwrap(), 200).await;
    add(&bob, &api, "model", "ada/bert", 200).await;
    assert_eq!(bob.get_json(&api, 200).await["items"].as_array().unwrap().len(), 3);
    let (anyone, eve) = (hub.anonymous(), hub.user("eve").await);
    for client in [&anyone, &eve] {
        assert_eq!(ids(&client.get_json(&api, 200).await), ["ada/bert"]);
        let listed = client.get_json("/api/collections", 200).await;
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert_eq!(ids(&listed[0]), ["ada/bert"]);
        assert_eq!(listed[0].get("position"), None, "Python numbers them itself");
        let (private, missing) =
            (client.get_json(&hidden_api, 404).await, client.get_json("/api/collections/acme/none", 404).await);
        assert_eq!(private, missing);
        add(client, &hidden_api, "model", "ada/bert", 404).await;
        assert_eq!(
            client.get_json("/api/collections?item=models/acme/secret", 200).await,
            json!([]),
            "it tells of nothing hidden"
        );
        assert_eq!(client.get_json("/api/collections?item=models/ada/bert", 200).await.as_array().unwrap().len(), 1);
    }
    assert_eq!(bob.get_json("/api/collections?item=models/acme/secret", 200).await.as_array().unwrap().len(), 1);
    add(&eve, &api, "model", "ada/bert", 403).await;
    add(&eve, &api, "model", "acme/secret", 403).await;
    add(&anyone, &api, "model", "ada/bert", 401).await;
    // What a stranger adds must be what the stranger may see.
    let own = create(&eve, json!({ "title": "own" }), 200).await;
    add(&eve, &api_of(&own), "model", "acme/secret", 404).await;
    seeded.stop().await;
}

#[tokio::test]
async fn roles_and_tokens_decide_who_changes_it() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let mut people = Vec::new();
    for (name, role) in
        [("reader", OrgRole::Read), ("maker", OrgRole::Contributor), ("writer", OrgRole::Write), ("boss", OrgRole::Admin)]
    {
        people.push((hub.account(name).await, role));
    }
    let members: Vec<_> = people.iter().map(|(user, role)| (user, *role)).collect();
    hub.organization("acme", &members).await;
    let writer = hub.token(&people[2].0, TokenRole::Write).await;
    let api = api_of(&create(&writer, json!({ "title": "ours", "namespace": "acme", "private": true }), 200).await);
    for (user, role) in &people {
        let may = *role >= OrgRole::Write;
        let client = hub.token(user, TokenRole::Write).await;
        client.get(&api, 200).await;
        client.call(Method::PATCH, &api, &json!({ "theme": "blue" }), if may { 200 } else { 403 }).await;
        hub.token(user, TokenRole::Read).await.get(&api, 200).await;
        hub.token(user, TokenRole::Read).await.call(Method::PATCH, &api, &json!({ "theme": "blue" }), 403).await;
        let scoped = hub.scoped_token(user, TokenRole::FineGrained, json!({ "scoped": [] })).await;
        scoped.get(&api, 404).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn places_are_counted_among_what_one_sees() {
    let (seeded, bob) = shelf().await;
    let hub = &seeded.hub;
    let made = create(&bob, json!({ "title": "ours", "namespace": "acme" }), 200).await;
    let api = api_of(&made);
    bob.create_repo("model", "bob/gone", false).await;
    for (kind, id) in [("model", "bob/gone"), ("model", "ada/bert"), ("dataset", "ada/corpus"), ("paper", "2307.09288")] {
        add(&bob, &api, kind, id, 200).await;
    }
    bob.call(Method::DELETE, "/api/repos/delete", &json!({ "type": "model", "name": "gone", "organization": "bob" }), 200).await;
    let item = |full: &Value, at: usize| full["items"][at]["_id"].as_str().unwrap().to_owned();
    let before = bob.get_json(&api, 200).await;
    assert_eq!(ids(&before), ["ada/bert", "ada/corpus", "2307.09288"]);
    for (place, order) in [
        (1, ["ada/bert", "ada/corpus", "2307.09288"]),
        (0, ["ada/corpus", "ada/bert", "2307.09288"]),
        (2, ["ada/bert", "2307.09288", "ada/corpus"]),
        (99, ["ada/bert", "2307.09288", "ada/corpus"]),
    ] {
        bob.call(Method::PATCH, &format!("{api}/items/{}", item(&before, 1)), &json!({ "position": place }), 200).await;
        assert_eq!(ids(&hub.anonymous().get_json(&api, 200).await), order, "to {place}");
    }
    // Collections of an owner go in an order, too.
    let mut all = vec![made];
    for title in ["second", "third"] {
        all.push(create(&bob, json!({ "title": title, "namespace": "acme" }), 200).await);
    }
    bob.call(Method::PATCH, &api_of(&all[2]), &json!({ "position": 0 }), 200).await;
    bob.call(Method::PATCH, &api_of(&all[0]), &json!({ "position": 4_000_000_000_u32 }), 200).await;
    let mut places = Vec::new();
    for collection in &all {
        places.push(bob.get_json(&api_of(collection), 200).await["position"].as_i64().unwrap());
    }
    assert_eq!(places, [2, 1, 0]);
    seeded.stop().await;
}

#[tokio::test]
async fn what_was_deleted_comes_back() {
    let (seeded, bob) = shelf().await;
    let hub = &seeded.hub;
    let made = create(&bob, json!({ "title": "Shelf", "namespace": "acme", "description": "some", "private": true }), 200).await;
    let (api, id) = (api_of(&made), made["slug"].as_str().unwrap().rsplit('-').next().unwrap().to_owned());
    let outer = api_of(&create(&bob, json!({ "title": "Of shelves", "namespace": "bob" }), 200).await);
    for (kind, item) in [("model", "ada/bert"), ("dataset", "ada/corpus"), ("paper", "2307.09288"), ("model", "acme/secret")] {
        add(&bob, &api, kind, item, 200).await;
    }
    add(&bob, &outer, "collection", made["slug"].as_str().unwrap(), 200).await;
    bob.post_json(&format!("{api}/upvote"), &json!({}), 200).await;
    let whole = bob.get_json(&api, 200).await;
    bob.call(Method::DELETE, &api, &json!({}), 200).await;
    assert_eq!(ids(&bob.get_json(&outer, 200).await), Vec::<&str>::new());
    assert_eq!(hub.count("collections").await, 1, "no list must leave it out");

    // Who may write there brings it back, and nobody else; readers do not see it.
    let list = "/settings/deleted/collections";
    let restore = format!("{list}/{id}/restore");
    let mut carol = Browser::logged_in(hub, "carol").await;
    assert!(!carol.open(list).await.has("Shelf"));
    assert_eq!(carol.submit("/settings/profile", &restore, &[]).await.status, 404);
    let mut browser = Browser::logged_in(hub, "bob").await;
    let page = browser.open(list).await;
    assert_eq!(page.text.matches("<h1").count(), 1);
    assert!(page.has("Shelf") && page.has("Of acme, deleted"));
    // The title is another's meanwhile.
    let other = api_of(&create(&bob, json!({ "title": "shelf", "namespace": "acme" }), 200).await);
    let refused = browser.submit(list, &restore, &[]).await;
    assert!(refused.status == 409 && refused.has("another title first"), "{}", refused.text);
    bob.call(Method::PATCH, &other, &json!({ "title": "Another" }), 200).await;
    let back = browser.submit(list, &restore, &[]).await;
    assert_eq!(back.location(), format!("/collections/{}", made["slug"].as_str().unwrap()));
    let again = bob.get_json(&api, 200).await;
    for field in ["slug", "title", "description", "private", "theme", "upvotes", "items"] {
        assert_eq!(again[field], whole[field], "{field}");
    }
    assert_eq!(bob.get_json(&outer, 200).await["items"].as_array().unwrap().len(), 1, "also where it was in another one");
    assert_eq!(browser.submit("/settings/profile", &restore, &[]).await.status, 404, "once");

    // After its time it is gone for good.
    bob.call(Method::DELETE, &api, &json!({}), 200).await;
    hub.sql("update deleted_collections set deleted_at = now() - interval '31 days'").await;
    assert!(!browser.open(list).await.has("Shelf"));
    assert_eq!(browser.submit("/settings/profile", &restore, &[]).await.status, 404);
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_collections").await, 0);
    seeded.stop().await;
}
