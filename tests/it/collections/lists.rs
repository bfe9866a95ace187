//! Lists of collections: what narrows them, and their order.

use hub_tests::{Client, Value, json};
use reqwest::Method;

use super::{add, api_of, create, shelf};
use crate::pages::browser::Browser;

#[tokio::test]
async fn lists_are_narrowed_sorted_and_paged() {
    let (seeded, bob) = shelf().await;
    let ada = &seeded.ada;
    for number in 0..5 {
        let made = create(&bob, json!({ "title": format!("shelf {number}") }), 200).await;
        if number % 2 == 0 {
            add(&bob, &api_of(&made), "model", "ada/bert", 200).await;
        }
        if number == 1 {
            ada.call(Method::POST, &format!("{}/upvote", api_of(&made)), &json!({}), 200).await;
            let twice = bob.call(Method::POST, &format!("{}/upvote", api_of(&made)), &json!({}), 200).await;
            assert_eq!(twice["upvotes"], 2);
            assert_eq!(bob.call(Method::DELETE, &format!("{}/upvote", api_of(&made)), &json!({}), 200).await["upvotes"], 1);
        }
    }
    create(ada, json!({ "title": "ada's shelf" }), 200).await;
    let titles = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles(ada.get_json("/api/collections?owner=ADA", 200).await), ["ada's shelf"]);
    assert_eq!(titles(ada.get_json("/api/collections?q=SHELF%203", 200).await), ["shelf 3"]);
    assert_eq!(titles(ada.get_json("/api/collections?item=models/ada/bert", 200).await), ["shelf 4", "shelf 2", "shelf 0"]);
    assert_eq!(titles(ada.get_json("/api/collections?sort=upvotes&limit=1", 200).await), ["shelf 1"]);
    for sort in ["lastModified", "upvotes", "trending"] {
        let all = titles(ada.get_json(&format!("/api/collections?sort={sort}"), 200).await);
        let (mut paged, mut url) = (Vec::new(), ada.url(&format!("/api/collections?sort={sort}&limit=2")));
        loop {
            let response = ada.get_url(&url).await;
            let next = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            paged.extend(titles(response.json().await.unwrap()));
            let Some(link) = next else { break };
            url = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
        }
        assert_eq!((paged.len(), &paged), (6, &all), "{sort}");
    }
    seeded.stop().await;
}

#[tokio::test]
async fn what_people_find_good_lately_comes_first() {
    let (seeded, bob) = shelf().await;
    let (ada, dave) = (&seeded.ada, seeded.hub.user("dave").await);
    let mut apis = Vec::new();
    for title in ["quiet", "old favourite", "fresh"] {
        apis.push(api_of(&create(&bob, json!({ "title": title }), 200).await));
    }
    let vote = async |client: &Client, method: Method, at: usize| {
        client.call(method, &format!("{}/upvote", apis[at]), &json!({}), 200).await["upvotes"].as_i64().unwrap()
    };
    for client in [ada, &bob] {
        vote(client, Method::POST, 1).await;
    }
    let pool = &seeded.hub.app().pool;
    for aged in [
        "update collections set created_at = created_at - interval '60 days'",
        "update collection_upvotes set created_at = created_at - interval '50 days'",
    ] {
        sqlx::query(aged).execute(pool).await.unwrap();
    }
    // Taking back what was never given counts anew and changes nothing.
    assert_eq!((vote(&dave, Method::DELETE, 0).await, vote(&dave, Method::DELETE, 1).await), (0, 2));
    assert_eq!(vote(ada, Method::POST, 2).await, 1);
    let titles = async |sort: &str| {
        let list = ada.get_json(&format!("/api/collections?sort={sort}"), 200).await;
        list.as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles("trending").await, ["fresh", "old favourite", "quiet"]);
    assert_eq!(titles("upvotes").await, ["old favourite", "fresh", "quiet"]);
    let page = Browser::new(&seeded.hub).open("/collections?sort=trending").await.text;
    assert!(page.find(">fresh<").unwrap() < page.find(">old favourite<").unwrap());
    seeded.stop().await;
}
