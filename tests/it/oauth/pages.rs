//! The applications that somebody keeps, and those that they use.

use hub_tests::TestHub;

use super::{CALLBACK, application, hub, refresh, sign_in};
use crate::pages::browser::Browser;

/// What the log of an account tells of applications and tokens.
async fn logged(hub: &TestHub, name: &str) -> Vec<String> {
    let sql = "select action from audit_log join namespaces n using (namespace_pk)
               where n.name = $1 and (action like 'app.%' or action like 'token.%') order by audit_pk";
    sqlx::query_scalar(sql).bind(name).fetch_all(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn somebody_keeps_an_application() {
    let hub = hub().await;
    hub.account("ada").await;
    hub.account("bob").await;
    let (mut ada, mut bob) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    for (uris, text) in [
        ("http://app.example.org/cb", "use `https`"),
        ("https://*.example.org/cb", "without `*`"),
        ("https://app.example.org/cb#x", "leave the part after"),
    ] {
        let fields = [("name", "Painter"), ("redirect_uris", uris), ("kind", "public"), ("scope", "openid")];
        let page = ada.submit("/settings/applications/new", "/settings/applications", &fields).await;
        assert_eq!(page.status, 400);
        assert!(page.has("cannot be a redirect URI") && text.split('`').all(|part| page.has(part)), "{text}: {}", page.text);
    }
    let painter = application(&mut ada, "confidential", CALLBACK, &["openid"]).await;
    let path = format!("/settings/applications/{}", painter.id);
    assert!(!ada.open(&path).await.has("oauth_app_secret_"), "it is shown once");
    for page in [bob.get(&path).await, bob.submit("/settings/applications/new", &format!("{path}/delete"), &[]).await] {
        assert_eq!(page.status, 404);
    }
    let mut all = sign_in(&hub, &mut bob, &painter, "openid").await;
    let fields = [("name", "Etcher"), ("redirect_uris", CALLBACK), ("scope", "openid"), ("scope", "profile")];
    assert_eq!(ada.submit(&path, &path, &fields).await.status, 303);
    assert!(ada.open("/settings/applications").await.has("Etcher"));
    // A new secret takes the place of the old one.
    assert_eq!(ada.submit(&path, &format!("{path}/secret"), &[]).await.status, 303);
    let answer = refresh(&hub, &painter, all["refresh_token"].take().as_str().unwrap(), 401).await;
    assert_eq!(answer["error"], "invalid_client");
    // With the application goes what everybody let it do.
    let access = hub.with_token(all["access_token"].as_str().unwrap());
    access.get("/api/whoami-v2", 200).await;
    assert_eq!(ada.submit(&path, &format!("{path}/delete"), &[]).await.status, 303);
    access.get("/api/whoami-v2", 401).await;
    assert_eq!(logged(&hub, "ada").await, ["app.create", "app.change", "app.change", "app.delete"]);
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_application_comes_back_with_its_id_and_secret() {
    const LIST: &str = "/settings/applications";
    let hub = hub().await;
    hub.account("ada").await;
    hub.account("bob").await;
    let (mut ada, mut bob) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    let painter = application(&mut ada, "confidential", CALLBACK, &["openid"]).await;
    let path = format!("{LIST}/{}", painter.id);
    let before = sign_in(&hub, &mut bob, &painter, "openid").await;
    assert!(!ada.open(LIST).await.has("Deleted applications"));
    assert_eq!(ada.submit(&path, &format!("{path}/delete"), &[]).await.status, 303);
    let page = ada.open(LIST).await;
    for text in ["No applications yet", "Deleted applications", "Restore Painter", painter.id.as_str()] {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    assert!(!bob.open(LIST).await.has("Deleted applications"));
    let key: i64 = sqlx::query_scalar("select client_pk from deleted_applications").fetch_one(&hub.app().pool).await.unwrap();
    let key = key.to_string();
    let restore = [("restore", key.as_str())];
    assert_eq!(bob.submit(LIST, LIST, &restore).await.status, 409, "it was not his");
    hub.sql("update sessions set proved_at = now() - interval '1 hour'").await;
    assert!(ada.submit(LIST, LIST, &restore).await.location().starts_with("/sudo?next="));
    hub.sql("update sessions set proved_at = now()").await;
    let page = ada.submit(LIST, LIST, &restore).await;
    assert_eq!((page.status, page.location()), (303, path.as_str()), "{}", page.text);

    // What was allowed stays taken back; who signs in anew does so with the id and secret of before.
    hub.with_token(before["access_token"].as_str().unwrap()).get("/api/whoami-v2", 401).await;
    refresh(&hub, &painter, before["refresh_token"].as_str().unwrap(), 400).await;
    assert_eq!(hub.count("oauth_consents").await, 0);
    let again = sign_in(&hub, &mut bob, &painter, "openid").await;
    hub.with_token(again["access_token"].as_str().unwrap()).get("/api/whoami-v2", 200).await;
    assert_eq!(ada.submit(LIST, LIST, &restore).await.status, 409, "once");
    assert_eq!(logged(&hub, "ada").await, ["app.create", "app.delete", "app.restore"]);

    // After its time it is gone for good.
    ada.submit(&path, &format!("{path}/delete"), &[]).await;
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_applications").await, 1);
    hub.sql("update deleted_applications set deleted_at = now() - interval '31 days'").await;
    assert!(!ada.open(LIST).await.has("Deleted applications"));
    let page = ada.submit(LIST, LIST, &restore).await;
    assert!(page.status == 409 && page.has("the time for that is over"), "{}", page.text);
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_applications").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn somebody_takes_back_what_an_application_may_do() {
    let hub = hub().await;
    hub.account("ada").await;
    hub.account("bob").await;
    let (mut ada, mut bob) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    let painter = application(&mut ada, "confidential", CALLBACK, &["openid", "read-repos"]).await;
    let got = sign_in(&hub, &mut bob, &painter, "openid read-repos").await;
    let access = hub.with_token(got["access_token"].as_str().unwrap());
    access.get("/api/whoami-v2", 200).await;
    let page = bob.open("/settings/connected-applications").await;
    assert!(page.has("Painter") && page.has("Kept by ada") && page.has("Read your repositories"));
    let revoke = page.text.split("action=\"").find(|part| part.contains("/revoke\"")).unwrap();
    let revoke = revoke.split('"').next().unwrap();
    let csrf = ada.open("/settings/profile").await.csrf();
    assert_eq!(ada.post(revoke, &[("csrf_token", &csrf)]).await.status, 404, "it is bob's to take back");
    access.get("/api/whoami-v2", 200).await;
    assert_eq!(bob.submit("/settings/connected-applications", revoke, &[]).await.status, 303);
    access.get("/api/whoami-v2", 401).await;
    refresh(&hub, &painter, got["refresh_token"].as_str().unwrap(), 400).await;
    assert!(bob.open("/settings/connected-applications").await.has("No applications yet"));
    // The tokens of applications are not told of one by one.
    assert_eq!(logged(&hub, "bob").await, ["app.authorize", "app.revoke"]);
    hub.stop().await;
}
