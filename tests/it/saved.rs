//! Saved searches: the pages, who may do what with them, feeds, and mails.

mod mails;

use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub};
use reqwest::Method;

use crate::discover::repo;
use crate::pages::browser::{Browser, Page};

const PATH: &str = "/settings/saved-searches";
const MIT: &str = "search=&pipeline_tag=&license=license:mit&p=2";

/// A hub on which the first account, which is the administrator's, is nobody's here.
async fn hub() -> TestHub {
    let hub = TestHub::start_with(|config| config.alerts_every_secs = 1).await;
    hub.account("operator").await;
    hub
}

/// Saves a search of models.
async fn save(browser: &mut Browser, query: &str, name: &str, alerts: &str) -> Page {
    let fields = [("list", "models"), ("query", query), ("name", name), ("alerts", alerts)];
    browser.submit(&format!("{PATH}/new?list=models"), PATH, &fields).await
}

/// The key of the only saved search of a name.
async fn key_of(hub: &TestHub, name: &str) -> i64 {
    let row = sqlx::query_scalar("select saved_search_pk from saved_searches where name = $1").bind(name);
    row.fetch_one(&hub.app().pool).await.unwrap()
}

/// The address of the only feed on a page, without the hub's.
fn feed_of(hub: &TestHub, page: &Page) -> String {
    let start = format!("value=\"{}/saved-searches/", hub.base());
    let path = page.text.split(&start).nth(1).expect("the page shows a feed").split('"').next().unwrap();
    format!("/saved-searches/{path}")
}

#[tokio::test]
async fn a_search_is_saved_from_its_list_changed_and_deleted() {
    let hub = hub().await;
    let ada = hub.user("ada").await;
    repo(&ada, "model", "ada/harbour", false, "license: mit", "Ships.").await;
    repo(&ada, "model", "ada/hidden", true, "license: mit", "Ships.").await;
    repo(&ada, "model", "ada/other", false, "license: apache-2.0", "Ships.").await;
    hub.indexed().await;
    assert!(!Browser::new(&hub).open("/models?license=license:mit").await.has("Save this search"));
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert!(browser.open(PATH).await.has("No saved searches yet"));
    assert!(!browser.open("/models").await.has("Save this search"), "nothing is narrowed");
    let list = browser.open(&format!("/models?{MIT}")).await;
    let link =
        list.text.split("href=\"/settings/saved-searches/new").nth(1).expect("the list offers it").split('"').next().unwrap();
    let form = format!("{PATH}/new{}", link.replace("&#38;", "&").replace("&amp;", "&"));
    let page = browser.open(&form).await;
    assert!(page.has("name=\"query\" value=\"license=mit\"") && page.has("value=\"Licence: mit\""), "{}", page.text);
    let fields = [("list", "models"), ("query", "license=mit"), ("name", "Free <models>"), ("alerts", "off")];
    let saved = browser.submit(&form, PATH, &fields).await;
    assert_eq!((saved.status, saved.location()), (303, PATH));
    let page = browser.open(PATH).await;
    for shown in ["Search saved.", "Free &#60;models&#62;", "2 in all", "href=\"/models?license=mit\"", "No mail"] {
        assert!(page.has(shown), "{shown}: {}", page.text);
    }
    assert!(!page.has("badge-accent\">"), "what was there when it was saved is not new");

    // What is made after the last look is new, until the next.
    repo(&ada, "model", "ada/later", false, "license: mit", "Ships.").await;
    hub.indexed().await;
    assert!(browser.open(PATH).await.has("1 new"));
    let pk = key_of(&hub, "Free <models>").await;
    let opened = browser.submit(PATH, &format!("{PATH}/{pk}/open"), &[]).await;
    assert_eq!((opened.status, opened.location()), (303, "/models?license=mit&sort=created"));
    assert!(!browser.open(PATH).await.has("1 new"));

    let changed = browser.submit(PATH, &format!("{PATH}/{pk}"), &[("name", "Freedom"), ("alerts", "weekly")]).await;
    assert_eq!(changed.status, 303);
    let page = browser.open(PATH).await;
    assert!(page.has("Freedom") && page.has("Mail once a week") && page.has("until you confirm"), "{}", page.text);
    let deleted = browser.submit(PATH, &format!("{PATH}/{pk}/delete"), &[]).await;
    assert_eq!(deleted.status, 303);
    assert!(browser.open(PATH).await.has("No saved searches yet"));
    assert_eq!(browser.submit(PATH_WITH_FORM, &format!("{PATH}/{pk}/delete"), &[]).await.status, 404);
    hub.stop().await;
}

/// A page with the token of a form, also for those who have saved nothing.
const PATH_WITH_FORM: &str = "/settings/profile";

#[tokio::test]
async fn what_is_refused_says_why() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert_eq!(save(&mut browser, "license=mit", "Free", "daily").await.status, 303);
    let long = "x".repeat(101);
    let filters: String = (0..20).map(|n| format!("language={}{n}&", "x".repeat(120))).collect();
    for (query, name, alerts, status, text) in [
        ("license=bsd", "", "off", 400, "Give it a name."),
        ("license=bsd", &long, "off", 400, "Keep the name under 100 characters."),
        ("license=bsd", "a\nb", "off", 400, "Keep the name on one line."),
        ("license=bsd", "FREE", "off", 409, "You have a saved search of this name already."),
        ("license=license:mit&p=7", "Other", "off", 409, "You have saved this search already, under another name."),
        (&filters, "Long", "off", 400, "This search is too long to be saved."),
        ("license=bsd", "Bsd", "hourly", 400, "Choose how often you want mail."),
    ] {
        let page = save(&mut browser, query, name, alerts).await;
        assert!(page.status == status && page.has(text), "{name} {text}: {} {}", page.status, page.text);
    }
    let new = format!("{PATH}/new");
    assert_eq!(browser.get(&format!("{new}?list=buckets")).await.status, 400);
    assert_eq!(browser.post(PATH, &[("list", "models"), ("name", "x"), ("alerts", "off")]).await.status, 403, "no token");
    assert_eq!(save(&mut browser, "license=bsd", "Bsd", "off").await.status, 303);
    let pk = key_of(&hub, "Bsd").await;
    let refused = browser.submit(PATH, &format!("{PATH}/{pk}"), &[("name", "free"), ("alerts", "off")]).await;
    assert!(refused.status == 422 && refused.has("of this name already") && refused.has("value=\"free\""), "{}", refused.text);
    let fill = "insert into saved_searches (user_pk, name, repo_type, query, alerts)
                select user_pk, 'n' || n, 'model', 'search=n' || n, 'off' from saved_searches, generate_series(1, 98) n where name = 'Free'";
    sqlx::raw_sql(fill).execute(&hub.app().pool).await.unwrap();
    let page = save(&mut browser, "license=gpl-3.0", "One more", "off").await;
    assert!(page.status == 409 && page.has("that is as many as there may be"), "{}", page.status);
    let page = browser.open(PATH).await;
    assert_eq!(page.text.matches("saved-search-head").count(), 100);
    hub.stop().await;
}

/// What each person gets: the owner, somebody else, and somebody without a login. No row changes what a later one needs.
const ROUTES: &[(&str, &str, u16, u16, u16)] = &[
    ("GET", "", 200, 200, 303),
    ("POST", "", 303, 303, 401),
    ("GET", "/new?list=models", 200, 200, 303),
    ("POST", "/{pk}", 303, 404, 401),
    ("POST", "/{pk}/open", 303, 404, 401),
    ("POST", "/{pk}/feed", 303, 404, 401),
    ("POST", "/{pk}/delete", 303, 404, 401),
];

#[tokio::test]
async fn searches_are_their_owners_alone() {
    let hub = hub().await;
    let user = hub.account("ada").await;
    hub.account("bob").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    save(&mut ada, "license=mit", "Free", "daily").await;
    let pk = key_of(&hub, "Free").await.to_string();
    let people = [("bob", Browser::logged_in(&hub, "bob").await), ("nobody", Browser::new(&hub)), ("ada", ada)];
    let mut wrong = Vec::new();
    for (who, mut browser) in people {
        let csrf = browser.open(if who == "nobody" { "/login" } else { PATH_WITH_FORM }).await.csrf();
        for (method, path, owner, other, stranger) in ROUTES {
            let path = format!("{PATH}{}", path.replace("{pk}", &pk));
            let (query, name) = (format!("author={who}"), format!("{who}: {method} {path}"));
            let fields =
                [("csrf_token", csrf.as_str()), ("list", "models"), ("query", &query), ("name", &name), ("alerts", "off")];
            let page = if *method == "GET" { browser.get(&path).await } else { browser.post(&path, &fields).await };
            let expected = match who {
                "ada" => owner,
                "bob" => other,
                _ => stranger,
            };
            let to_login = page.headers.get("location").is_some_and(|to| to.to_str().unwrap().starts_with("/login"));
            let status = if to_login && *expected == 401 { 401 } else { page.status };
            if status != *expected || (who != "ada" && page.has("Free")) || (who == "nobody" && *expected == 303 && !to_login) {
                wrong.push(format!("{who}: {method} {path} is {}, not {expected}", page.status));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(hub.count("saved_searches").await, 2, "ada's other one, and bob's");
    // Programs manage no accounts.
    let token = hub.token(&user, TokenRole::Write).await;
    token.get(PATH, 403).await;
    token.send(token.request(Method::POST, PATH).form(&[("name", "x")]), 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_feed_needs_no_login_shows_what_is_public_and_can_be_ended() {
    let hub = hub().await;
    let ada = hub.user("ada").await;
    repo(&ada, "model", "ada/open", false, "license: mit", "Ships.").await;
    repo(&ada, "model", "ada/secret", true, "license: mit", "Ships.").await;
    repo(&ada, "model", "ada/other", false, "license: bsd", "Ships.").await;
    hub.indexed().await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    save(&mut browser, "license=mit", "Free & easy", "off").await;
    let feed = feed_of(&hub, &browser.open(PATH).await);
    for reader in [&mut Browser::new(&hub), &mut browser] {
        let page = reader.get(&feed).await;
        assert_eq!((page.status, page.headers["x-robots-tag"].to_str().unwrap()), (200, "noindex"));
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("application/atom+xml"));
        assert!(page.has("<title>ada/open</title>") && page.has("<title>Free &amp; easy</title>"), "{}", page.text);
        assert!(!page.has("secret") && !page.has("ada/other"), "{}", page.text);
        let json = reader.get(&feed.replace(".atom", ".json")).await;
        assert_eq!((json.status, json.headers["x-robots-tag"].to_str().unwrap()), (200, "noindex"));
        assert_eq!(json.headers["content-type"], "application/feed+json; charset=utf-8");
        assert!(json.has("\"title\":\"ada/open\"") && !json.has("secret") && !json.has("ada/other"), "{}", json.text);
        assert!(json.has(&format!("\"feed_url\":\"{}{}\"", hub.base(), feed.replace(".atom", ".json"))), "{}", json.text);
    }
    // Another key or another signature opens nothing.
    let mut anybody = Browser::new(&hub);
    let (_, tail) = feed.trim_start_matches("/saved-searches/").split_once('/').unwrap();
    for path in [
        format!("/saved-searches/1/{tail}"),
        feed.replace("/feed.atom", "x/feed.atom"),
        "/saved-searches/x/y/feed.atom".to_owned(),
        feed.replace("/feed.atom", "x/feed.json"),
    ] {
        assert_eq!(anybody.get(&path).await.status, 404, "{path}");
    }
    let pk = key_of(&hub, "Free & easy").await;
    browser.submit(PATH, &format!("{PATH}/{pk}/feed"), &[]).await;
    assert_eq!(anybody.get(&feed).await.status, 404, "the old address");
    assert_eq!(anybody.get(&feed.replace(".atom", ".json")).await.status, 404, "the old address");
    let feed = feed_of(&hub, &browser.open(PATH).await);
    assert_eq!(anybody.get(&feed).await.status, 200);
    // What becomes private leaves it.
    let change = hub_tests::json!({ "private": true });
    ada.call(Method::PUT, "/api/models/ada/open/settings", &change, 200).await;
    hub.indexed().await;
    assert!(!anybody.get(&feed).await.has("ada/open"));
    browser.submit(PATH, &format!("{PATH}/{pk}/delete"), &[]).await;
    assert_eq!(anybody.get(&feed).await.status, 404);
    hub.stop().await;
}

/// Makes a model with a licence, as somebody made it some minutes ago.
async fn aged(hub: &TestHub, client: &Client, id: &str, private: bool, minutes: i32) {
    repo(client, "model", id, private, "license: mit", "Ships.").await;
    let (_, name) = id.split_once('/').unwrap();
    let sql = "update repos set created_at = now() - make_interval(mins => $2) where name = $1";
    sqlx::query(sql).bind(name).bind(minutes).execute(&hub.app().pool).await.unwrap();
}
