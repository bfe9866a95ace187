//! The banner: on every page of every node, for its time, escaped, until it is closed.

use hub_tests::until;

use super::{hub, last};
use crate::pages::browser::Browser;

const PATH: &str = "/admin/banner";

#[tokio::test]
async fn everybody_is_told_until_they_close_it() {
    let (hub, mut boss) = hub().await;
    let mut stranger = Browser::new(&hub);
    assert!(!stranger.open("/").await.has("Announcement"));
    let text = "**Down** on [Friday](/models) <script>alert(1)</script> <b onclick=\"x()\">at 6</b>";
    let shown = [("act", "show"), ("body", text), ("level", "warning"), ("dismissable", "true"), ("reason", "an upgrade")];
    assert_eq!(boss.submit(PATH, PATH, &shown).await.status, 303);
    for path in ["/", "/models", "/login", "/no/such/page/at-all"] {
        let page = stranger.get(path).await;
        assert!(page.has("<strong>Down</strong>") && page.has("href=\"/models\"") && page.has("notice-warning"), "{path}");
        assert!(!page.has("<script>alert") && !page.has("onclick"), "{path}");
    }
    let (whose, actor, details) = last(&hub, "admin.banner").await;
    assert_eq!((whose.as_str(), actor.as_str(), details["text"].as_str()), ("boss", "boss", Some(text)));

    // Closed in one browser, by its own page alone, and back to where it was.
    let page = stranger.open("/models?sort=likes").await;
    let id = page.text.split("name=\"banner\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let csrf = page.csrf();
    let close = |csrf: &str, id: &str, back: &str| {
        [("csrf_token", csrf.to_owned()), ("banner", id.to_owned()), ("back", back.to_owned())]
    };
    for (csrf, id, back, status, to) in [
        ("odd", id.as_str(), "/", 403, ""),
        (csrf.as_str(), "a;b", "/", 400, ""),
        (csrf.as_str(), id.as_str(), "//evil.example", 303, "/"),
        (csrf.as_str(), id.as_str(), "/models?sort=likes", 303, "/models?sort=likes"),
    ] {
        let fields = close(csrf, id, back);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = stranger.post("/banner/close", &fields).await;
        assert_eq!(page.status, status, "{fields:?}");
        assert!(to.is_empty() || page.location() == to, "{}", page.location());
    }
    assert!(!stranger.open("/").await.has("<strong>Down</strong>"));
    assert!(boss.open("/").await.has("<strong>Down</strong>"), "another browser still shows it");

    // What makes no sense is said beside what was typed.
    let field = |name: &'static str, value: &'static str| {
        let mut fields = vec![("act", "show"), ("body", "Again"), ("level", "info"), ("reason", "because")];
        fields.retain(|(other, _)| *other != name);
        fields.push((name, value));
        fields
    };
    for (name, value) in [
        ("ends", "2020-01-01T00:00"),
        ("ends", "soon"),
        ("starts", "99999-01-01T00:00"),
        ("body", ""),
        ("level", "odd"),
        ("reason", ""),
    ] {
        let page = boss.submit(PATH, PATH, &field(name, value)).await;
        assert_eq!(page.status, 400, "{name}={value}");
        assert!(name == "body" || page.has("Again"), "what was typed is there again");
    }
    // Not before its time; and another one is shown to those who closed the one before.
    assert_eq!(boss.submit(PATH, PATH, &field("starts", "2999-01-01T00:00")).await.status, 303);
    assert!(!stranger.open("/").await.has("Again"));
    assert_eq!(boss.submit(PATH, PATH, &field("starts", "2020-01-01T00:00")).await.status, 303);
    let page = stranger.open("/").await;
    assert!(page.has("Again") && page.has("notice-info") && !page.has("/banner/close"));

    // What another node changes is heard of.
    hub.sql("update site_banner set body = 'From afar'; select pg_notify('banner', '')").await;
    until("the banner of another node is shown", async || stranger.open("/").await.has("From afar")).await;
    let remove = [("act", "remove"), ("reason", "it is over")];
    assert_eq!(boss.submit(PATH, PATH, &remove).await.status, 303);
    assert_eq!(boss.submit(PATH, PATH, &remove).await.status, 409);
    assert!(!stranger.open("/").await.has("Announcement"));
    hub.stop().await;
}
