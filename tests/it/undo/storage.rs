//! `/settings/storage/{owner}`: what is kept of what was deleted.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::json;

use super::{API, delete_repo, start};
use crate::lfs::{Large, upload};
use crate::pages::browser::Browser;

#[tokio::test]
async fn owners_see_what_takes_how_much_and_what_deleted_ones_hold() {
    let (hub, ada) = start().await;
    let (grace, writer) = (hub.account("grace").await, hub.account("writer").await);
    hub.organization("acme", &[(&grace, OrgRole::Admin), (&writer, OrgRole::Write)]).await;
    let client = hub.token(&grace, TokenRole::Write).await;
    let file = Large::of(300_000, 11);
    let line =
        json!({ "key": "lfsFile", "value": { "path": "w.bin", "algo": "sha256", "oid": file.oid, "size": file.bytes.len() } });
    for name in ["gone", "there"] {
        client.create_repo("model", &format!("acme/{name}"), false).await;
        upload(&client, &format!("acme/{name}"), &file).await;
        client.commit(&format!("/api/models/acme/{name}"), "main", std::slice::from_ref(&line), 200).await;
    }
    delete_repo(&client, "acme", "gone").await;

    let mut browser = Browser::logged_in(&hub, "grace").await;
    let list = browser.open("/settings/storage").await;
    assert!(list.has("/settings/storage/grace") && list.has("/settings/storage/acme"), "{}", list.text);
    let page = browser.open("/settings/storage/ACME").await;
    assert_eq!((page.status, page.text.matches("<h1").count()), (200, 1));
    assert!(page.has("Storage of acme") && page.has("in 1 deleted repository that can be"), "{}", page.text);
    assert!(page.has("href=\"/acme/there\"") && page.has("acme/gone") && !page.has("href=\"/acme/gone\""), "{}", page.text);
    assert!(page.has("Deleted. Kept until") && page.has("/organizations/acme/settings/deleted"), "{}", page.text);
    // What each holds is its file, and little of git's.
    assert_eq!(page.text.matches("<strong>30").count(), 2, "{}", page.text);

    // The time is over and its files are removed: nothing is kept of it.
    hub.sql("update repos set purged_at = now() where deleted_at is not null").await;
    let page = browser.open("/settings/storage/acme").await;
    assert!(page.has("in 0 deleted repositories") && !page.has("acme/gone"), "{}", page.text);

    // Members who do not administer it, and others, see none of it; oneself is one's own.
    let mut member = Browser::logged_in(&hub, "writer").await;
    assert!(!member.open("/settings/storage").await.has("/settings/storage/acme"));
    assert_eq!(member.get("/settings/storage/acme").await.status, 403);
    assert_eq!(member.get("/settings/storage/grace").await.status, 404);
    assert!(member.open("/settings/storage/writer").await.has("writer has no repositories"));
    assert_eq!(member.open("/settings/storage/writer?page=99999999").await.status, 200);
    ada.get_json(API, 200).await;
    hub.stop().await;
}
