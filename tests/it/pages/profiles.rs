use hub_tests::TestHub;

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
