//! The keys that sign links and forms are changed while several nodes run.

use hub::signing::{self, Rotated};
use hub_tests::TestHub;

use crate::git_http::nodes::another_node;
use crate::pages::browser::Browser;

const PAGE: &str = "/settings/sessions";

async fn until(done: impl Fn() -> bool) {
    hub_tests::until("another key is heard of", async || done()).await;
}

#[tokio::test]
async fn a_new_key_signs_on_all_nodes_and_former_ones_verify_until_they_are_forgotten() {
    let hub = TestHub::start().await;
    let (node, _address, _disk) = another_node(&hub).await;
    let (pool, here, there) = (hub.app().pool.clone(), hub.app().signer.clone(), node.app.signer.clone());
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let form = ada.open(PAGE).await.csrf();
    let end = [("csrf_token", form.as_str())];
    let signed = || [here.sign("test", "text"), there.sign("test", "text")];
    let [first, same] = signed();
    assert_eq!(first, same);

    // At first a new key only verifies: a node may not know it yet.
    assert_eq!(signing::rotate(&pool, None).await.unwrap(), Some(Rotated { forgotten: 0, left: 2 }));
    here.reload(&pool).await.unwrap();
    assert_eq!(signed(), [first.clone(), first.clone()]);
    hub.sql(
        "update hub_secrets set created_at = created_at - interval '1 day' where name = 'signing';
         update hub_secrets set created_at = created_at - interval '3 minutes' where name like 'signing-%';
         select pg_notify('signing', '')",
    )
    .await;
    until(|| signed().iter().all(|signature| *signature != first)).await;
    let [second, same] = signed();
    assert_eq!(second, same);
    for signer in [&here, &there] {
        assert!(signer.verify("test", "text", &first) && signer.verify("test", "text", &second));
    }
    assert_eq!(ada.post("/settings/sessions/end-others", &end).await.status, 303, "a form from before");

    // What stopped signing three minutes ago is too young to be forgotten after a day.
    assert_eq!(signing::rotate(&pool, Some(1)).await.unwrap(), Some(Rotated { forgotten: 0, left: 3 }));
    hub.sql("update hub_secrets set created_at = created_at - interval '2 days'").await;
    assert_eq!(signing::rotate(&pool, Some(1)).await.unwrap(), Some(Rotated { forgotten: 2, left: 2 }));
    until(|| [&here, &there].iter().all(|signer| !signer.verify("test", "text", &first))).await;
    assert_eq!(ada.post("/settings/sessions/end-others", &end).await.status, 403, "its key was forgotten");

    // After a leak.
    let third = here.sign("test", "text");
    assert_eq!(signing::rotate(&pool, Some(0)).await.unwrap(), Some(Rotated { forgotten: 2, left: 1 }));
    until(|| [&here, &there].iter().all(|signer| !signer.verify("test", "text", &third))).await;
    assert!(there.verify("test", "text", &here.sign("test", "text")));
    for left in 2..=signing::MAX_KEYS {
        assert_eq!(signing::rotate(&pool, None).await.unwrap(), Some(Rotated { forgotten: 0, left }));
    }
    assert_eq!(signing::rotate(&pool, None).await.unwrap(), None, "there are enough");
    node.stop().await;
    hub.stop().await;
}
