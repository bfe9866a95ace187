use hub_tests::{Client, json};

use super::{API, Gated, ask};
use crate::pages::browser::Browser;

const REQUESTS: &str = "/acme/gated/settings/access-requests";

#[tokio::test]
async fn the_gate_says_how_everybody_stands() {
    let gated = Gated::start().await;
    let mut stranger = Browser::new(&gated.hub);
    let page = stranger.open("/acme/gated").await;
    assert!(page.has("Say who you are") && page.has("You agree to <strong>nothing bad</strong>"), "{}", page.text);
    assert!(page.has("Log in to ask for access") && !page.has("name=\"Company\""), "{}", page.text);
    let mut bob = Browser::logged_in(&gated.hub, "bob").await;
    let page = bob.open("/acme/gated").await;
    let order: Vec<usize> =
        ["Company", "Country", "I agree"].iter().map(|label| page.text.find(&format!("name=\"{label}\"")).unwrap()).collect();
    assert!(order.is_sorted(), "the card's own order: {}", page.text);
    // What was typed is there again, beside what is missing.
    let fields = [("Company", "Acme \"&\" Sons"), ("Country", "France")];
    let page = bob.submit("/acme/gated", "/acme/gated/ask-access", &fields).await;
    assert!(
        page.status == 400 && page.has("Check this box to go on.") && page.has("<option value=\"France\" selected>"),
        "{}",
        page.text
    );
    assert!(page.has("value=\"Acme &#34;&amp;&#34; Sons\"") || page.has("value=\"Acme &#34;&#38;&#34; Sons\""), "{}", page.text);
    assert_eq!(gated.hub.count("access_requests").await, 0);
    let fields = [("Company", "Acme"), ("Country", "France"), ("I agree", "true")];
    let page = bob.submit("/acme/gated", "/acme/gated/ask-access", &fields).await;
    assert_eq!((page.status, page.location()), (303, "/acme/gated"));
    assert!(bob.open("/acme/gated").await.has("awaiting a review from the repo authors"));
    assert!(bob.open("/settings/gated-repos").await.has("acme/gated"));
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    assert!(ada.open("/acme/gated").await.has("1 person asks for access."));
    gated.decide("bob", "accepted").await;
    assert!(bob.open("/acme/gated").await.has("You have been granted access to this model"));
    let body = json!({ "user": "bob", "status": "rejected", "rejectionReason": "Because <i>so</i>." });
    gated.ada.post_json(&format!("{API}/user-access-request/handle"), &body, 200).await;
    let page = bob.open("/acme/gated").await;
    assert!(page.has("has been rejected by the repo's authors") || page.has("has been rejected by the repo&#39;s authors"));
    assert!(page.has("Because ") && !page.has("<i>so"), "{}", page.text);
    gated.hub.stop().await;
}

#[tokio::test]
async fn forms_need_their_token() {
    let gated = Gated::start().await;
    let mut bob = Browser::logged_in(&gated.hub, "bob").await;
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let fields = [("Company", "Acme"), ("Country", "France"), ("I agree", "true"), ("csrf_token", "x")];
    assert_eq!(bob.post("/acme/gated/ask-access", &fields).await.status, 403);
    assert_eq!(bob.post("/acme/gated/ask-access", &fields[..3]).await.status, 403);
    assert_eq!(bob.call(reqwest::Method::POST, "/acme/gated/ask-access", "x", "{}").await.status, 403);
    ask(&gated.bob).await;
    assert_eq!(bob.post("/acme/gated/ask-access/cancel", &[]).await.status, 403);
    for path in ["/settings/access-requests", "/settings/access-requests/grant", "/settings/gating"] {
        assert_eq!(ada.post(&format!("/acme/gated{path}"), &[("user", "dave"), ("gating", "off")]).await.status, 403, "{path}");
    }
    assert_eq!(gated.list("pending").await, ["bob"]);
    gated.hub.stop().await;
}

#[tokio::test]
async fn requests_are_withdrawn_in_the_browser() {
    let gated = Gated::start().await;
    let mut bob = Browser::logged_in(&gated.hub, "bob").await;
    ask(&gated.bob).await;
    let page = bob.submit("/settings/gated-repos", "/acme/gated/ask-access/cancel", &[("from", "settings")]).await;
    assert_eq!(page.location(), "/settings/gated-repos");
    assert!(bob.open("/settings/gated-repos").await.has("You have asked for none"));
    // A second window does the same once more.
    let page = bob.submit("/settings/profile", "/acme/gated/ask-access/cancel", &[]).await;
    assert_eq!(page.location(), "/acme/gated");
    gated.hub.stop().await;
}

#[tokio::test]
async fn an_owner_works_through_the_requests() {
    let gated = Gated::start().await;
    let mut people: Vec<Client> = Vec::new();
    for name in ["carol", "dave", "erin"] {
        people.push(gated.hub.user(name).await);
        ask(people.last().unwrap()).await;
    }
    let ids: Vec<String> = {
        let found = gated.ada.get_json(&format!("{API}/user-access-request/pending"), 200).await;
        found.as_array().unwrap().iter().rev().map(|item| item["requestId"].as_str().unwrap().to_owned()).collect()
    };
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let page = ada.open(REQUESTS).await;
    for part in ["carol@example.org", "<dt>Company</dt><dd>Acme</dd>", "<dt>I agree</dt><dd>Yes</dd>"] {
        assert!(page.has(part), "{part}: {}", page.text);
    }
    let page = ada.submit(REQUESTS, REQUESTS, &[("accept", &ids[0]), ("reason", "Not for this button")]).await;
    assert_eq!((page.status, page.location()), (303, &*format!("{REQUESTS}?status=pending")));
    let page = ada.submit(REQUESTS, REQUESTS, &[("all", "reject")]).await;
    assert!(page.status == 400 && page.has("Choose at least one person first."), "{}", page.text);
    let long = "x".repeat(201);
    let page = ada.submit(REQUESTS, REQUESTS, &[("all", "reject"), ("chosen", &ids[1]), ("reason", &long)]).await;
    assert!(page.status == 400 && page.has("at most 200 characters") && page.has(&long), "{}", page.text);
    let both = [("all", "reject"), ("chosen", ids[1].as_str()), ("chosen", ids[2].as_str()), ("reason", "Not now")];
    ada.submit(REQUESTS, REQUESTS, &both).await;
    assert!(ada.open(&format!("{REQUESTS}?status=rejected")).await.has("2 requests were rejected."));
    assert!(ada.open(&format!("{REQUESTS}?status=rejected&q=DAVE")).await.has("dave@example.org"));
    assert!(!ada.open(&format!("{REQUESTS}?status=rejected&q=DAVE")).await.has("erin@example.org"));
    assert_eq!((gated.list("accepted").await, gated.list("rejected").await.len()), (vec!["carol".to_owned()], 2));
    people[0].get("/acme/gated/resolve/main/data.txt", 200).await;
    let page = ada.submit(REQUESTS, &format!("{REQUESTS}/grant"), &[("user", "nobody")]).await;
    assert!(page.status == 400 && page.has("User not found") && page.has("value=\"nobody\""), "{}", page.text);
    let page = ada.submit(REQUESTS, &format!("{REQUESTS}/grant"), &[("user", "bob")]).await;
    assert_eq!(page.status, 303);
    let page = ada.open(&format!("{REQUESTS}?status=accepted")).await;
    assert!(page.has("Let in without asking") && !page.has("bob@example.org"), "{}", page.text);
    // A decision that somebody else made first.
    ada.submit(REQUESTS, REQUESTS, &[("accept", &ids[0])]).await;
    assert!(ada.open(REQUESTS).await.has("Nothing changed"));
    gated.hub.stop().await;
}

#[tokio::test]
async fn long_lists_have_pages() {
    let gated = Gated::start().await;
    let sql = "with made as (insert into namespaces (name, kind) select 'many-' || n, 'user' from generate_series(1, 65) n returning namespace_pk, name),
        people as (insert into users (user_pk, email, password_hash) select namespace_pk, name || '@example.org', 'x' from made returning user_pk)
        insert into access_requests (repo_pk, user_pk, status) select (select repo_pk from repos where name = 'gated'), user_pk, 'pending' from people";
    sqlx::query(sql).execute(&gated.hub.app().pool).await.unwrap();
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let (mut path, mut seen) = (REQUESTS.to_owned(), std::collections::BTreeSet::new());
    for people in [30, 30, 5] {
        let page = ada.open(&path).await;
        let names: Vec<&str> = page
            .text
            .split("@example.org")
            .filter_map(|part| part.rsplit("many-").next())
            .filter(|name| name.parse::<u8>().is_ok())
            .collect();
        assert_eq!(names.len(), people, "{path}");
        seen.extend(names.iter().map(|name| (*name).to_owned()));
        let next = page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
        path = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 65, "each once");
    gated.hub.stop().await;
}

#[tokio::test]
async fn the_gate_is_set_in_the_settings() {
    let gated = Gated::start().await;
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let settings = "/acme/gated/settings";
    assert!(ada.open(settings).await.has("value=\"manual\" checked"));
    for (choice, expected) in [("auto", json!("auto")), ("off", json!(false)), ("manual", json!("manual"))] {
        ada.submit(settings, "/acme/gated/settings/gating", &[("gating", choice)]).await;
        assert_eq!(gated.ada.get_json(API, 200).await["gated"], expected);
    }
    assert_eq!(ada.submit(settings, "/acme/gated/settings/gating", &[("gating", "half")]).await.status, 400);
    gated.hub.stop().await;
}

#[tokio::test]
async fn pull_requests_are_offered_to_those_who_may_download() {
    const NEW: &str = "/acme/gated/discussions/new-pull-request";
    let gated = Gated::start().await;
    let mut bob = Browser::logged_in(&gated.hub, "bob").await;
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    assert!(ada.open("/acme/gated/discussions").await.has(NEW));
    assert!(!Browser::new(&gated.hub).open("/acme/gated/discussions").await.has(NEW));
    for path in ["/acme/gated/discussions", "/acme/gated/discussions/new"] {
        let page = bob.open(path).await;
        assert!(!page.has(NEW) && page.has("iscussion"), "{path}: {}", page.text);
    }
    // Whoever types the address is told what to do.
    let told = "Changes are proposed by those who may download the files.";
    for path in [NEW, "/acme/gated/edit/main/data.txt"] {
        let refused = bob.get(path).await;
        assert!(refused.status == 403 && refused.has(told), "{path}: {}", refused.text);
        assert!(refused.has("to ask for access") && refused.has("href=\"/acme/gated\""), "{path}: {}", refused.text);
    }
    ask(&gated.bob).await;
    let refused = bob.get(NEW).await;
    assert!(refused.status == 403 && refused.has(told) && refused.has("awaiting a review"), "{}", refused.text);
    gated.decide("bob", "accepted").await;
    for path in ["/acme/gated/discussions", "/acme/gated/discussions/new"] {
        assert!(bob.open(path).await.has(NEW), "{path}");
    }
    assert_eq!(bob.get(NEW).await.status, 200);
    gated.hub.stop().await;
}

#[tokio::test]
async fn while_the_gate_is_off_nothing_is_offered_that_is_refused() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let offers = ["name=\"accept\"", "name=\"chosen\"", "name=\"all\"", "name=\"reason\"", "Let somebody in"];
    let page = ada.open(REQUESTS).await;
    assert!(offers.iter().all(|offer| page.has(offer)), "{}", page.text);
    gated.gate(json!(false)).await;
    let page = ada.open(REQUESTS).await;
    assert!(page.has("The gate is off") && page.has("bob@example.org"), "{}", page.text);
    assert!(!offers.iter().any(|offer| page.has(offer)), "{}", page.text);
    gated.hub.stop().await;
}

#[tokio::test]
async fn what_somebody_decided_who_left_is_not_laid_to_the_gate() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    gated.decide("bob", "rejected").await;
    gated.gate(json!("auto")).await;
    ask(&gated.hub.user("carol").await).await;
    gated.hub.sql("update access_requests set decided_by = null").await;
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let page = ada.open(&format!("{REQUESTS}?status=rejected")).await;
    assert!(page.has("by somebody who left") && !page.has("the gate itself"), "{}", page.text);
    let page = ada.open(&format!("{REQUESTS}?status=accepted")).await;
    assert!(page.has("by the gate itself") && !page.has("somebody who left"), "{}", page.text);
    gated.hub.stop().await;
}
