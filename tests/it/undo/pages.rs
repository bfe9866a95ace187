//! The pages of what was done and of what was deleted.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::json;
use reqwest::Method;

use super::{API, changes, delete_repo, ref_of, start};
use crate::pages::browser::Browser;

#[tokio::test]
async fn a_change_is_undone_on_its_page() {
    let (hub, ada) = start().await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let history = "/ada/bert/settings/history";
    let page = browser.open(history).await;
    assert!(page.has("Nothing to undo") && page.text.matches("<h1").count() == 1);
    assert!(browser.open("/ada/bert/settings").await.has(history));
    ada.post_json(&format!("{API}/branch/dev"), &json!({}), 200).await;
    ada.call(Method::DELETE, &format!("{API}/branch/dev"), &json!({}), 200).await;
    let id = changes(&ada, API).await[0]["id"].clone();
    let page = browser.open(history).await;
    assert!(page.has("Deleted the branch <code>dev</code>") && page.has("Undo: Deleted the branch dev"), "{}", page.text);

    // Somebody made it again: it can be had beside.
    ada.post_json(&format!("{API}/branch/dev"), &json!({ "emptyBranch": true }), 200).await;
    let page = browser.submit(history, &format!("{history}/{id}/undo"), &[]).await;
    assert_eq!(page.status, 409);
    assert!(
        page.has("There is the branch <code>dev</code> again") && page.has("Restore it under a name of its own"),
        "{}",
        page.text
    );
    let page = browser.submit(history, &format!("{history}/{id}/undo"), &[("as", "new")]).await;
    assert_eq!((page.status, page.location()), (303, history));
    let page = browser.open(history).await;
    assert!(page.has("The branch restored/dev-") && page.has("Undone by ada") && page.has(">Undo</span>"), "{}", page.text);
    assert!(ref_of(&ada, "refs/heads/dev").await.is_some());
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_repository_is_restored_on_the_page_one_lands_on() {
    let (hub, ada) = start().await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let settings = "/ada/bert/settings";
    let page = browser.submit(settings, "/ada/bert/settings/delete", &[("confirmation", "ada/bert")]).await;
    assert_eq!(page.location(), "/settings/deleted");
    let page = browser.open("/settings/deleted").await;
    assert!(page.has("ada/bert was deleted. It can be restored for 30 days.") && page.has("30 days"), "{}", page.text);
    let action = page.text.split("action=\"/settings/deleted/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let action = format!("/settings/deleted/{action}");
    let mut eve = {
        hub.account("eve").await;
        Browser::logged_in(&hub, "eve").await
    };
    assert!(eve.open("/settings/deleted").await.has("Nothing here"));
    assert_eq!(eve.submit("/settings/profile", &action, &[]).await.status, 404);

    ada.create_repo("model", "ada/bert", false).await;
    let page = browser.submit("/settings/deleted", &action, &[]).await;
    assert!(
        page.status == 409 && page.has("There is another ada/bert now") && page.has("value=\"bert-restored\""),
        "{}",
        page.text
    );
    let page = browser.submit("/settings/deleted", &action, &[("name", "old-bert")]).await;
    assert_eq!((page.status, page.location()), (303, "/ada/old-bert"));
    assert!(browser.open("/ada/old-bert").await.has("ada/old-bert is back"));
    assert!(browser.open("/settings/deleted").await.has("Nothing here"));
    hub.stop().await;
}

#[tokio::test]
async fn what_an_organisation_lost_is_with_its_settings() {
    let (hub, _ada) = start().await;
    let (grace, writer) = (hub.account("grace").await, hub.account("writer").await);
    hub.organization("acme", &[(&grace, OrgRole::Admin), (&writer, OrgRole::Write)]).await;
    let client = hub.token(&grace, TokenRole::Write).await;
    client.create_repo("model", "acme/gpt", true).await;
    delete_repo(&client, "acme", "gpt").await;
    let path = "/organizations/acme/settings/deleted";
    assert!(Browser::logged_in(&hub, "grace").await.open(path).await.has("acme/gpt"));
    assert!(Browser::logged_in(&hub, "grace").await.open("/organizations/acme/settings").await.has(path));
    assert_eq!(Browser::logged_in(&hub, "writer").await.get(path).await.status, 403);
    hub.stop().await;
}
