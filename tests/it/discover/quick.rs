//! The box in the head of every page, its API, and the page of results.

use std::time::{Duration, Instant};

use hub::accounts::OrgRole;
use hub_tests::{TestHub, Value};
use reqwest::Method;

use super::{listed, shelf};
use crate::git_http::nodes::another_node;
use crate::pages::browser::Browser;

/// Asks each node until it finds these owners and no others.
async fn found_soon(nodes: &[String], question: &str, key: &str, expected: &[&str]) {
    let member = if key == "orgs" { "name" } else { "user" };
    let http = reqwest::Client::new();
    for node in nodes {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = http.get(format!("{node}/api/quicksearch?q={question}")).send().await.unwrap();
            let found: Value = answer.json().await.unwrap();
            if listed(&found, key, member) == expected {
                break;
            }
            assert!(Instant::now() < until, "{node}, {question}: {found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn one_question_finds_every_kind_of_thing() {
    let hub = TestHub::start().await;
    let ada = shelf(&hub).await;
    let bob = hub.account("harbourmaster").await;
    hub.organization("harbour-works", &[(&bob, OrgRole::Admin)]).await;
    hub.indexed().await;
    let found = hub.anonymous().get_json("/api/quicksearch?q=harbour", 200).await;
    assert_eq!(listed(&found, "models", "id"), ["ada/harbour-small"]);
    assert_eq!(listed(&found, "datasets", "id"), ["ada/harbour-logs"]);
    assert_eq!(listed(&found, "spaces", "id"), ["ada/harbour-demo"]);
    assert_eq!(listed(&found, "orgs", "name"), ["harbour-works"]);
    assert_eq!(listed(&found, "users", "user"), ["harbourmaster"]);
    for (key, count) in
        [("modelsCount", 1), ("datasetsCount", 1), ("spacesCount", 1), ("orgsCount", 1), ("usersCount", 1), ("tasksCount", 0)]
    {
        assert_eq!(found[key], count, "{key}");
    }
    assert_eq!((&found["q"], found["models"][0]["trendingWeight"].is_number()), (&"harbour".into(), true));
    // Private things are there for their owner.
    let own = ada.get_json("/api/quicksearch?q=harbour", 200).await;
    assert_eq!((listed(&own, "models", "id").len(), &own["modelsCount"]), (2, &2.into()));
    // Unfinished words, wrong letters, words of cards, tasks.
    for (question, key, member, first) in [
        ("harb", "models", "id", "ada/harbour-small"),
        ("ada/harb", "models", "id", "ada/harbour-small"),
        ("habrour", "datasets", "id", "ada/harbour-logs"),
        ("volcano", "models", "id", "ada/harbour-small"),
        ("harbourmastr", "users", "user", "harbourmaster"),
        ("harbuor-works", "orgs", "name", "harbour-works"),
        ("text gen", "tasks", "id", "text-generation"),
        ("summarizaton", "tasks", "id", "summarization"),
    ] {
        let found = hub.anonymous().get_json(&format!("/api/quicksearch?q={question}"), 200).await;
        assert!(listed(&found, key, member).contains(&first), "{question}: {found}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn kinds_and_numbers_can_be_asked_for() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let anyone = hub.anonymous();
    let only = anyone.get_json("/api/quicksearch?q=harbour&type=dataset", 200).await;
    assert_eq!((listed(&only, "datasets", "id").len(), &only["modelsCount"]), (1, &0.into()));
    assert_eq!(anyone.get_json("/api/quicksearch?q=ada&limit=1", 200).await["models"].as_array().unwrap().len(), 1);
    let said = anyone.get_json("/api/quicksearch?q=x&type=paper", 400).await;
    assert!(said["error"].as_str().unwrap().contains("Known are `all`, `model`"), "{said}");
    anyone.get("/api/quicksearch?q=x&limit=many", 400).await;
    hub.stop().await;
}

#[tokio::test]
async fn odd_questions_are_bounded_and_told() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let anyone = hub.anonymous();
    let long = "harbour".repeat(1500);
    let found = anyone.get_json(&format!("/api/quicksearch?q={long}"), 200).await;
    assert!(found["truncated"] == true && found["q"].as_str().unwrap().len() <= 512);
    for question in [
        "%00",
        "%00%01harbour%1b[31m",
        "'%20or%201=1%20--",
        "%25%25%25",
        "_",
        "\\",
        "<script>alert(1)</script>",
        "%ff%fe",
        "",
        "%20",
    ] {
        let found = anyone.get_json(&format!("/api/quicksearch?q={question}"), 200).await;
        assert!(!found["q"].as_str().unwrap().contains(char::is_control), "{question}");
        let mut browser = Browser::new(&hub);
        let page = browser.open(&format!("/search?q={question}")).await;
        assert!(!page.has("<script>alert"), "{question}");
    }
    // A pattern of the database is a text like any other.
    let all = anyone.get_json("/api/quicksearch?q=%25", 200).await;
    assert_eq!((&all["usersCount"], &all["orgsCount"]), (&0.into(), &0.into()));
    let mut browser = Browser::new(&hub);
    assert!(browser.open(&format!("/search?q={long}")).await.has("only its beginning was searched for"));
    assert_eq!(browser.get("/search?q=x&type=paper").await.status, 400);
    hub.stop().await;
}

#[tokio::test]
async fn the_page_of_results_has_tabs_and_passages() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/search?q=volcanoes").await;
    assert!(page.has("questions about <mark>volcanoes</mark>"), "a passage is shown");
    assert!(page.has("/search?q=volcanoes&#38;type=model") || page.has("/search?q=volcanoes&amp;type=model"));
    assert!(!page.has("harbour-secret"), "private things are not shown to strangers");
    let mut own = Browser::logged_in(&hub, "ada").await;
    assert!(own.open("/search?q=volcanoes&type=model").await.has("harbour-secret"));
    let page = browser.open("/search?q=harbour&type=dataset").await;
    assert!(page.has("harbour-logs") && !page.has("/ada/harbour-small"));
    assert!(browser.open("/search").await.has("What are you looking for?"));
    assert!(browser.open("/search?q=xylophone").await.has("Nothing fits"));
    // Every page has the box, which works as a plain form.
    let home = browser.open("/").await;
    assert!(home.has("action=\"/search\"") && home.has("name=\"q\""));
    hub.stop().await;
}

#[tokio::test]
async fn owners_are_found_as_they_are_now_on_every_node() {
    let hub = TestHub::start().await;
    let (node, address, _disk) = another_node(&hub).await;
    let nodes = [hub.base().to_owned(), format!("http://{address}")];
    found_soon(&nodes, "harbour", "orgs", &[]).await;
    let bob = hub.account("bob").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    hub.organization("harbour-works", &[(&bob, OrgRole::Admin)]).await;
    found_soon(&nodes, "harbour", "orgs", &["harbour-works"]).await;
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let settings = "/organizations/harbour-works/settings";
    let page = browser.submit(settings, settings, &[("fullname", "Ships and Quays")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    found_soon(&nodes, "quays", "orgs", &["harbour-works"]).await;
    let page = browser.submit(settings, &format!("{settings}/name"), &[("name", "Lighthouse")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    found_soon(&nodes, "lighth", "orgs", &["Lighthouse"]).await;
    found_soon(&nodes, "harbour", "orgs", &[]).await;
    let delete = "/organizations/Lighthouse/settings/delete";
    let page = browser.submit(delete, delete, &[("confirmation", "Lighthouse")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    found_soon(&nodes, "lighth", "orgs", &[]).await;
    let page = browser.submit("/settings/organizations", "/organizations/Lighthouse/keep", &[]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    found_soon(&nodes, "lighth", "orgs", &["Lighthouse"]).await;

    hub.account("carol").await;
    found_soon(&nodes, "carol", "users", &["carol"]).await;
    hub.sql("update users set fullname = 'Mary Celeste' where email = 'carol@example.org'").await;
    found_soon(&nodes, "celeste", "users", &["carol"]).await;
    hub.sql("update users set deletes_at = now() + interval '9 days' where email = 'carol@example.org'").await;
    found_soon(&nodes, "celeste", "users", &[]).await;
    hub.sql("update users set deletes_at = null where email = 'carol@example.org'").await;
    found_soon(&nodes, "celeste", "users", &["carol"]).await;
    hub.sql("update namespaces set kind = 'deleted' where name = 'carol'").await;
    found_soon(&nodes, "celeste", "users", &[]).await;
    // Many at once, and many more after those.
    hub.sql(
        "with made as (insert into namespaces (name, kind) select 'fleet-' || n, 'organization' from generate_series(1, 1200) n
                       returning namespace_pk)
         insert into organizations (organization_pk, fullname) select namespace_pk, '' from made",
    )
    .await;
    found_soon(&nodes, "fleet-1200", "orgs", &["fleet-1200"]).await;
    for half in [
        "update organizations set fullname = 'Convoy' where organization_pk % 2 = 0",
        "update organizations set fullname = 'Convoy' where organization_pk % 2 = 1",
    ] {
        hub.sql(half).await;
        hub.indexed().await;
    }
    let found = hub.anonymous().get_json("/api/quicksearch?q=convoy&type=org", 200).await;
    assert_eq!(found["orgsCount"], hub.count("organizations").await, "{found}");
    node.stop().await;
    hub.stop().await;
}

#[tokio::test]
async fn what_is_said_while_nobody_listens_is_learnt_afterwards() {
    let hub = TestHub::start().await;
    let bob = hub.account("bob").await;
    hub.organization("harbour-works", &[(&bob, OrgRole::Admin)]).await;
    hub.indexed().await;
    let nodes = [hub.base().to_owned()];
    for name in ["lighthouse", "breakwater", "dockyard"] {
        let until = Instant::now() + Duration::from_secs(60);
        while hub.count("pg_stat_activity where datname = current_database() and query like 'LISTEN %'").await != 1 {
            assert!(Instant::now() < until, "the hub does not listen");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        // The connection that listens is gone when the change is told.
        let statements = format!(
            "do $$ begin
                 update namespaces set name = '{name}' where kind = 'organization';
                 perform pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and query like 'LISTEN %';
             end $$"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&hub.app().pool).await.unwrap();
        found_soon(&nodes, name, "orgs", &[name]).await;
        hub.indexed().await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn who_goes_away_while_names_are_read_leaves_them_to_the_next_one() {
    let hub = TestHub::start().await;
    let bob = hub.account("bob").await;
    hub.indexed().await;
    hub.organization("harbour-works", &[(&bob, OrgRole::Admin)]).await;
    // Whoever reads names waits for this.
    let mut held = hub.app().begin().await.unwrap();
    sqlx::raw_sql("lock table organizations in access exclusive mode").execute(&mut *held).await.unwrap();
    let anyone = hub.anonymous();
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        let asked = anyone.request(Method::GET, "/api/quicksearch?q=harbour&type=org").timeout(Duration::from_millis(200));
        // Those that ask before this node has heard of the change find nothing, and do not wait.
        if asked.send().await.is_err() {
            break;
        }
    }
    held.rollback().await.unwrap();
    found_soon(&[hub.base().to_owned()], "harbour", "orgs", &["harbour-works"]).await;
    hub.stop().await;
}
