//! Licences explained, and what follows for a model from what it was made from.

use hub_tests::{TestHub, json};

use super::repo;
use crate::pages::browser::Browser;

#[tokio::test]
async fn every_licence_has_a_page() {
    let hub = TestHub::start().await;
    let mut browser = Browser::new(&hub);
    let index = browser.open("/licences").await;
    for licence in hub::licences::terms::every() {
        assert!(index.has(&format!("href=\"{}\"", licence.href())), "{}", licence.id);
        let page = browser.open(&licence.href()).await;
        assert!(page.has("not legal advice"), "{}", licence.id);
    }
    assert_eq!(browser.get("/licences/none-such").await.status, 404);
    assert_eq!(browser.get("/licenses/mit").await.location(), "/licences/mit");
    hub.stop().await;
}

#[tokio::test]
async fn a_model_page_says_what_its_parts_ask() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    repo(&ada, "model", "ada/root", false, "license: cc-by-nc-4.0", "Root.").await;
    repo(&ada, "model", "ada/middle", false, "license: cc-by-nc-4.0\nbase_model: ada/root", "Middle.").await;
    repo(&ada, "dataset", "ada/letters", false, "license: cc-by-sa-4.0", "Letters.").await;
    let yaml = "license: mit\nbase_model: ada/middle\ndatasets: [ada/letters, elsewhere/unknown]";
    repo(&ada, "model", "ada/top", false, yaml, "Top.").await;
    repo(&ada, "model", "ada/clean", false, "license: mit", "Clean.").await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/ada/top").await;
    assert!(page.has("forbids commercial use, which MIT License here allows: what comes from it stays so."), "{}", page.text);
    assert!(
        page.has("<a href=\"/ada/middle\">ada/middle</a>") && page.has("<a href=\"/ada/root\">ada/root</a>"),
        "the whole line"
    );
    assert!(page.has("because of ada/middle"));
    assert!(page.has("is disputed"), "data only warn");
    assert!(page.has("elsewhere/unknown"), "what is not here is said");
    let clean = browser.open("/ada/clean").await;
    assert!(clean.has("id=\"licence\"") && !clean.has("notice-error"));
    assert!(browser.open("/datasets/ada/letters").await.has("Keep the same licence"));
    hub.stop().await;
}

#[tokio::test]
async fn a_part_that_moved_is_still_a_part() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    repo(&ada, "model", "ada/Base", false, "license: cc-by-nc-4.0", "Base.").await;
    repo(&ada, "model", "ada/top", false, "license: mit\nbase_model: ada/Base", "Top.").await;
    repo(&ada, "space", "ada/demo", false, "models: [ada/Base]", "Demo.").await;
    let names = json!({ "fromRepo": "ada/Base", "toRepo": "ada/moved", "type": "model" });
    ada.post_json("/api/repos/move", &names, 200).await;
    let mut browser = Browser::new(&hub);
    let top = browser.open("/ada/top").await;
    assert!(top.has("forbids commercial use") && top.has("href=\"/ada/moved\"") && !top.has("Not on this hub"), "{}", top.text);
    let moved = browser.open("/ada/moved").await;
    assert!(moved.has("Fine-tunes") && moved.has("href=\"/spaces/ada/demo\""), "{}", moved.text);
    let info = ada.get_json("/api/models/ada/moved?expand=childrenModelCount&expand=spaces", 200).await;
    assert_eq!((&info["childrenModelCount"], &info["spaces"]), (&json!({ "finetune": 1 }), &json!(["ada/demo"])));
    hub.stop().await;
}

#[tokio::test]
async fn private_parts_are_not_told_to_strangers() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    repo(&ada, "model", "ada/hidden", true, "license: gpl-3.0", "Hidden.").await;
    repo(&ada, "model", "ada/shown", false, "license: mit\nbase_model: ada/hidden", "Shown.").await;
    let stranger = Browser::new(&hub).open("/ada/shown").await;
    assert!(!stranger.has("GNU General") && stranger.has("Not on this hub, or not visible to you"));
    assert!(stranger.has("because of ada/hidden") && !stranger.has("allowed-yes"), "nothing is promised: {}", stranger.text);
    let own = Browser::logged_in(&hub, "ada").await.open("/ada/shown").await;
    assert!(own.has("GNU General Public License 3.0 asks for the same licence"));
    hub.stop().await;
}
