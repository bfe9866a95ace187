//! The pages: what people do with their webhooks, and that nobody else can.

use hub_tests::TestHub;

use super::receiver::Receiver;
use super::{hub, sending};
use crate::pages::browser::{Browser, Page};

const PATH: &str = "/settings/webhooks";

/// Makes a webhook and gives the path of its page.
async fn make(browser: &mut Browser, url: &str, watched: &str) -> String {
    let fields = [("url", url), ("watched", watched), ("domains", "repo"), ("domains", "discussion"), ("secret", "s3cret")];
    let page = browser.submit(&format!("{PATH}/new"), PATH, &fields).await;
    assert_eq!(page.status, 303, "{}", page.text);
    page.location().to_owned()
}

/// The path of the newest delivery.
async fn newest(hub: &TestHub, webhook: &str) -> String {
    let question = "select public_id from webhook_deliveries order by delivery_pk desc limit 1";
    let id: String = sqlx::query_scalar(question).fetch_one(&hub.app().pool).await.unwrap();
    format!("{webhook}/deliveries/{id}")
}

fn assert_shows(page: &Page, texts: &[&str]) {
    for text in texts {
        assert!(page.has(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn a_webhook_is_made_tried_out_replayed_and_deleted() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("dataset", "ada/squad", false).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert_shows(&browser.open(PATH).await, &["No webhooks yet", "New webhook"]);
    let webhook = make(&mut browser, &receiver.url("/<hook>"), "ada\n\n datasets/ADA/squad ").await;
    let page = browser.open(&webhook).await;
    assert_shows(
        &page,
        &["Webhook created.", "/%3Chook%3E", "datasets/ada/squad", "Changes and discussions", "Nothing was sent yet"],
    );
    assert_shows(&browser.open(PATH).await, &[&webhook, "datasets/ada/squad"]);

    let sent = browser.submit(&webhook, &format!("{webhook}/test"), &[]).await;
    assert_eq!((sent.status, sent.location()), (303, webhook.as_str()));
    let got = receiver.wait_for(1).await;
    assert_eq!((got[0].event().as_str(), got[0].body["repo"]["name"].as_str()), ("ping update", Some("ada/ping")));
    sending::settled(&hub).await;
    let delivery = newest(&hub, &webhook).await;
    assert_shows(&browser.open(&webhook).await, &[&delivery, ">ping<", "Delivered 200"]);
    let page = browser.open(&delivery).await;
    assert_shows(&page, &["Delivered 200", got[0].id(), "&#34;scope&#34;: &#34;ping&#34;", "thanks x", "Send it again"]);
    assert!(!page.has("s3cret"));

    let again = browser.submit(&delivery, &format!("{delivery}/replay"), &[]).await;
    assert_eq!((again.status, again.location()), (303, newest(&hub, &webhook).await.as_str()));
    let got = receiver.wait_for(2).await;
    assert!(got[0].id() != got[1].id() && got[0].body == got[1].body);

    let fields =
        [("url", receiver.url("/other")), ("watched", "ada".into()), ("domains", "repo".into()), ("secret", String::new())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(browser.submit(&format!("{webhook}/edit"), &webhook, &fields).await.status, 303);
    let page = browser.open(&webhook).await;
    assert_shows(&page, &["Webhook changed.", "/other", "None"]);
    assert!(!page.has("squad"));
    sending::settled(&hub).await;
    let off = browser.submit(&webhook, &format!("{webhook}/switch"), &[("to", "off")]).await;
    assert_eq!(off.status, 303);
    let page = browser.open(&webhook).await;
    assert!(page.has("Webhook disabled.") && !page.has("Send a ping</button>"));
    for action in [format!("{webhook}/test"), format!("{delivery}/replay")] {
        let refused = browser.submit(&webhook, &action, &[]).await;
        assert!(refused.status == 409 && refused.has("This webhook is disabled. Enable it first."), "{}", refused.text);
    }
    browser.submit(&webhook, &format!("{webhook}/switch"), &[("to", "on")]).await;
    assert!(browser.open(&webhook).await.has("Webhook enabled."));
    assert_eq!(browser.submit(&webhook, &format!("{webhook}/delete"), &[]).await.location(), PATH);
    assert!(browser.open(PATH).await.has("No webhooks yet"));
    assert_eq!(hub.count("webhook_deliveries").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_shown_with_what_was_typed() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let many = "ada\n".repeat(51);
    for (url, watched, domain, secret, text) in [
        ("ftp://example.org/", "ada", "repo", "", "must begin with"),
        ("https://example.org/", "", "repo", "", "Say what to watch"),
        ("https://example.org/", "https://x/ada/bert", "repo", "", "names nothing"),
        ("https://example.org/", "nobody-here", "repo", "", "There is no user or organization <code>nobody-here</code>"),
        ("https://example.org/", &many, "repo", "", "at most 50"),
        ("https://example.org/", "ada", "none", "", "Choose what to hear of"),
        ("https://example.org/", "ada", "repo", "two words", "no spaces"),
    ] {
        let fields = [("url", url), ("watched", watched), ("domains", domain), ("secret", secret)];
        let page = browser.submit(&format!("{PATH}/new"), PATH, &fields).await;
        assert!(page.status == 400 && page.has(text) && page.has(url), "{text}: {} {}", page.status, page.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn webhooks_and_their_logs_are_their_owners_alone() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let (ada, _) = (hub.user("ada").await, hub.account("eve").await);
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let webhook = make(&mut browser, &receiver.url("/"), "ada").await;
    ada.create_repo("model", "ada/bert", true).await;
    receiver.wait_for(1).await;
    sending::settled(&hub).await;
    let delivery = newest(&hub, &webhook).await;
    for mut other in [Browser::logged_in(&hub, "eve").await, Browser::logged_in(&hub, "operator").await] {
        let csrf = other.open("/settings/profile").await.csrf();
        for path in [webhook.clone(), format!("{webhook}/edit"), delivery.clone()] {
            assert_eq!(other.get(&path).await.status, 404, "{path}");
        }
        let fields = [("csrf_token", csrf.as_str()), ("url", "https://example.org"), ("watched", "eve"), ("domains", "repo")];
        for end in ["", "/switch", "/test", "/delete"] {
            assert_eq!(other.post(&format!("{webhook}{end}"), &fields).await.status, 404, "{end}");
        }
        assert_eq!(other.post(&format!("{delivery}/replay"), &fields).await.status, 404);
    }
    // Another webhook of the same owner does not lead to it, either.
    let second = make(&mut browser, &receiver.url("/"), "eve").await;
    assert_eq!(browser.get(&delivery.replace(&webhook, &second)).await.status, 404);

    // What was told of a repository is no longer shown when its owner may not see it any more.
    assert!(browser.open(&delivery).await.has("ada/bert"));
    hub.sql("update repos set namespace_pk = (select namespace_pk from namespaces where name = 'eve')").await;
    let page = browser.open(&delivery).await;
    assert!(page.has("that you can no longer see") && !page.has("ada/bert") && !page.has("Send it again"), "{}", page.text);
    let replayed = browser.submit(&webhook, &format!("{delivery}/replay"), &[]).await;
    assert_eq!(replayed.status, 303);
    sending::settled(&hub).await;
    assert_eq!((receiver.got().len(), hub.count("webhook_deliveries").await), (1, 1), "it was asked again before it was sent");
    hub.stop().await;
}

#[tokio::test]
async fn the_log_goes_back_page_by_page_and_keeps_the_newest() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let webhook = make(&mut browser, &receiver.url("/"), "ada").await;
    let fill = "insert into webhook_deliveries (webhook_pk, event, payload, state)
                select webhook_pk, 'number ' || n, '{}', 'delivered' from webhooks, generate_series(1, 520) n";
    hub.sql(fill).await;
    let page = browser.open(&webhook).await;
    assert!(page.has("number 520") && page.has("number 496") && !page.has("number 495"), "{}", page.text);
    let older =
        page.text.split(&format!("{webhook}?before=")).nth(1).expect("there is more").split('"').next().unwrap().to_owned();
    let page = browser.open(&format!("{webhook}?before={older}")).await;
    assert!(page.has("number 495") && !page.has("number 496") && page.has("Newest"), "{}", page.text);
    assert_eq!(browser.get(&format!("{webhook}?before=x")).await.status, 400);
    browser.submit(&webhook, &format!("{webhook}/test"), &[]).await;
    receiver.wait_for(1).await;
    sending::settled(&hub).await;
    assert_eq!(hub.count("webhook_deliveries").await, 500);
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_webhook_comes_back_with_its_secret() {
    let hub = hub().await;
    let receiver = Receiver::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("dataset", "ada/squad", false).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let webhook = make(&mut browser, &receiver.url("/hook"), "ada\n\n datasets/ada/squad ").await;
    let id = webhook.rsplit('/').next().unwrap().to_owned();
    let api = format!("/api/settings/webhooks/{id}");
    let whole = ada.get_json(&api, 200).await;
    let gone = browser.submit(&webhook, &format!("{webhook}/delete"), &[]).await;
    assert_eq!((gone.status, gone.location()), (303, PATH));
    assert_shows(&browser.open(PATH).await, &["It can be restored for 30 days", "/settings/deleted/webhooks"]);
    ada.get(&api, 404).await;

    let (list, restore) = ("/settings/deleted/webhooks", format!("/settings/deleted/webhooks/{id}/restore"));
    hub.user("bob").await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    assert_shows(&bob.open(list).await, &["Nothing here"]);
    assert_eq!(bob.submit("/settings/profile", &restore, &[]).await.status, 404);
    let page = browser.open(list).await;
    assert_shows(&page, &["/hook", &restore]);
    assert!(page.text.matches("<h1").count() == 1 && !page.has("s3cret"), "{}", page.text);
    let back = browser.submit(list, &restore, &[]).await;
    assert_eq!((back.status, back.location()), (303, webhook.as_str()));
    assert_eq!(ada.get_json(&api, 200).await, whole, "with its secret and what it watched");
    browser.submit(&webhook, &format!("{webhook}/test"), &[]).await;
    let got = receiver.wait_for(1).await;
    assert_eq!(got[0].headers["x-webhook-secret"], "s3cret");
    assert_eq!(browser.submit("/settings/profile", &restore, &[]).await.status, 404, "once");

    // After its time it is gone for good.
    sending::settled(&hub).await;
    browser.submit(&webhook, &format!("{webhook}/delete"), &[]).await;
    hub.sql("update deleted_webhooks set deleted_at = now() - interval '31 days'").await;
    assert_shows(&browser.open(list).await, &["Nothing here"]);
    assert_eq!(browser.submit("/settings/profile", &restore, &[]).await.status, 404);
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_webhooks").await, 0);
    hub.stop().await;
}
