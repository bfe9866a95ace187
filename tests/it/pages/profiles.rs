use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::Browser;

#[tokio::test]
async fn a_profile_lists_its_repositories_by_kind_and_page() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for number in 0..32 {
        ada.create_repo("model", &format!("ada/model-{number:02}"), number == 31).await;
    }
    ada.create_repo("dataset", "ada/rows", false).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/ada").await;
    assert!(page.has("href=\"/ada?tab=models\"") && page.has(">31<") && page.has("href=\"/ada?tab=datasets\""));
    assert!(!page.has("/ada?tab=spaces"), "there are none");
    let first = browser.open("/ada?tab=models").await;
    assert_eq!(first.text.matches("class=\"repo-card-link\"").count(), 30);
    let next = first.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = browser.open(&next).await;
    assert_eq!(second.text.matches("class=\"repo-card-link\"").count(), 1, "the private one is not for strangers");
    assert!(second.has("href=\"/ada?tab=models\" rel=\"prev\""));
    assert_eq!(browser.get("/ada?tab=models&cursor=nonsense").await.status, 400);
    assert!(Browser::logged_in(&hub, "ada").await.open("/ada").await.has(">32<"));
    hub.stop().await;
}

#[tokio::test]
async fn an_organization_says_what_it_is_with_the_readme_of_a_space() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let (bob, carol) = (hub.account("bob").await, hub.account("carol").await);
    hub.organization("acme", &[(&bob, OrgRole::Admin), (&carol, OrgRole::Read)]).await;
    let mut admin = Browser::logged_in(&hub, "bob").await;
    let mut member = Browser::logged_in(&hub, "carol").await;
    let mut stranger = Browser::new(&hub);
    // Its admins are shown how to make one, and nobody else.
    let begin = "/new-space?owner=acme&amp;name=README&amp;sdk=static";
    let page = admin.open("/acme").await;
    assert!(page.text.replace("&#38;", "&amp;").contains(begin), "{}", page.text);
    assert!(!member.open("/acme").await.has("organization card") && !stranger.open("/acme").await.has("organization card"));
    let form = admin.open("/new-space?owner=acme&name=README&sdk=static").await;
    assert!(form.has("value=\"README\"") && form.has("<option value=\"acme\" selected>"), "{}", form.text);
    assert!(form.has("value=\"static\" checked"), "{}", form.text);
    assert!(admin.open("/new-space?sdk=none").await.has("value=\"gradio\" checked"));
    let filled = [("owner", "acme"), ("name", "README"), ("license", ""), ("sdk", "static"), ("visibility", "public")];
    assert_eq!(admin.submit("/new-space", "/new-space", &filled).await.headers["location"], "/spaces/acme/README");
    // Without text there is nothing to show yet.
    let page = admin.open("/acme").await;
    assert!(page.has("href=\"/spaces/acme/README/edit-card\"") && !page.has("aria-label=\"About acme\""), "{}", page.text);
    let token = hub.token(&bob, TokenRole::Write).await;
    let say = async |text: &str| {
        let text = format!("---\ntitle: Acme\nsdk: static\n{text}");
        token.commit("/api/spaces/acme/README", "main", &[Client::file("README.md", &text)], 200).await;
    };
    say("---\n# We make rockets\n\n<script>alert(1)</script>\n\n![It](rocket.png)\n").await;
    let page = stranger.open("/acme").await;
    assert!(page.has("We make rockets") && page.has("src=\"/spaces/acme/README/resolve/main/rocket.png\""), "{}", page.text);
    assert!(!page.has("alert(1)") && page.text.matches("<h1").count() == 1 && !page.has("edit-card"), "{}", page.text);
    assert!(!stranger.open("/acme?tab=spaces").await.has("We make rockets"), "it is on the overview");
    // What is not for all audiences is not shown unasked, and what is private to members only.
    say("tags: [not-for-all-audiences]\n---\n# We make rockets\n").await;
    assert!(!stranger.open("/acme").await.has("We make rockets") && member.open("/acme").await.has("We make rockets"));
    say("---\n# We make rockets\n").await;
    token.call(Method::PUT, "/api/spaces/acme/README/settings", &json!({ "private": true }), 200).await;
    assert!(!stranger.open("/acme").await.has("We make rockets") && member.open("/acme").await.has("We make rockets"));
    token.call(Method::PUT, "/api/spaces/acme/README/settings", &json!({ "private": false }), 200).await;
    // One of another name is the card no more; a user has none.
    token.post_json("/api/repos/move", &json!({ "fromRepo": "acme/README", "toRepo": "acme/old", "type": "space" }), 200).await;
    assert!(!stranger.open("/acme").await.has("aria-label=\"About acme\""));
    hub.stop().await;
}
