//! What an application gets that nobody gave it: by what was said before, by what changes while somebody reads, with an open browser,
//! after an account, a password or a token is worth nothing any more.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{TestHub, json};
use reqwest::Method;

use super::{CALLBACK, answer, application, asking, exchange_plain, hub, organization_id, refresh, shown, sign_in, told};
use crate::pages::browser::Browser;

const REPOS: [&str; 5] = ["openid", "profile", "read-repos", "write-repos", "manage-repos"];

#[tokio::test]
async fn what_was_allowed_without_an_organization_is_not_allowed_with_it() {
    let hub = hub().await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    hub.token(&ada, TokenRole::Write).await.create_repo("model", "acme/theirs", true).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut browser, "confidential", CALLBACK, &REPOS).await;
    let (write, read) = (asking(&painter, &[("scope", "write-repos")]), asking(&painter, &[("scope", "read-repos")]));
    answer(&mut browser, &write, "allow", &[]).await;
    assert!(told(&browser.get(&write).await, "code").is_some(), "that was allowed");
    let acme = organization_id(&hub, "acme").await;
    // It asks for no less than it has, so the page comes again only with the organization.
    let with_acme = format!("{read}&orgIds={acme}");
    answer(&mut browser, &with_acme, "allow", &[("organization", &acme)]).await;
    let page = browser.get(&write).await;
    assert_eq!(page.status, 200, "it may read what acme has, and change what ada has: it must ask to change what acme has");
    assert!(told(&browser.get(&read).await, "code").is_some());
    // The page of what is allowed says all that some token can do.
    let code = told(&answer(&mut browser, &with_acme_again(&with_acme), "allow", &[]).await, "code").unwrap();
    let got = exchange_plain(&hub, &painter, &code).await;
    hub.with_token(got["access_token"].as_str().unwrap()).get("/api/models/acme/theirs", 404).await;
    let connected = browser.open("/settings/connected-applications").await;
    assert!(connected.has("repositories of acme") && connected.has("Read and change"), "{}", connected.text);
    // Each time that somebody says yes, their log tells of it.
    assert_eq!(count_log(&hub, "app.authorize").await, 3);
    // Of very many sign-ins the oldest end.
    hub.sql(
        "insert into oauth_grants (consent_pk, scopes, organization_pks, auth_time, ends_at)
         select consent_pk, scopes, '{}', now(), now() + interval '1 day' from oauth_consents, generate_series(1, 120)",
    )
    .await;
    browser.get(&read).await;
    assert_eq!(hub.count("oauth_grants").await, 100);
    hub.stop().await;
}

fn with_acme_again(asking: &str) -> String {
    format!("{asking}&prompt=consent")
}

async fn count_log(hub: &TestHub, action: &str) -> i64 {
    let sql = "select count(*) from audit_log where action = $1";
    sqlx::query_scalar(sql).bind(action).fetch_one(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn who_says_yes_says_it_to_what_they_saw_and_proves_who_they_are() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut ada, "confidential", CALLBACK, &["openid"]).await;
    let asking = asking(&painter, &[("scope", "openid manage-repos")]);
    let page = ada.open(&asking).await;
    let (csrf, seen) = (page.csrf(), shown(&page));
    assert_eq!(seen, "openid");
    // Meanwhile whoever keeps the application lets it ask for more.
    hub.sql("update oauth_clients set scopes = '{openid,manage-repos}' where origin = 'person'").await;
    for shown in [seen.as_str(), ""] {
        let page = ada.post(&asking, &[("csrf_token", &csrf), ("shown", shown), ("answer", "allow")]).await;
        assert!(page.location().starts_with("/oauth/authorize?"), "{}", page.location());
    }
    assert_eq!(hub.count("oauth_grants").await, 0);
    // An open browser is not enough for what an access token would do; who somebody is, it tells.
    let page = ada.open(&asking).await;
    hub.sql("update sessions set proved_at = null").await;
    let fields = [("csrf_token", page.csrf()), ("shown", shown(&page)), ("answer", "allow".to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    for page in [ada.get(&asking).await, ada.post(&asking, &fields).await] {
        assert!(page.status == 303 && page.location().starts_with("/sudo?next=%2Foauth%2Fauthorize"), "{}", page.location());
    }
    answer(&mut ada, &super::asking(&painter, &[("scope", "openid")]), "allow", &[]).await;
    let device = hub.anonymous();
    let begin = device.request(Method::POST, "/oauth/device").form(&[("client_id", "26be6b09-91c5-47da-9861-d2d2bb7a7e36")]);
    let device: hub_tests::Value = device.send(begin, 200).await.json().await.unwrap();
    let code = device["user_code"].as_str().unwrap();
    let fields = [("csrf_token", csrf.as_str()), ("user_code", code), ("answer", "allow")];
    let at_device = format!("/oauth/device?user_code={code}");
    for page in [ada.get(&at_device).await, ada.post("/oauth/device/answer", &fields).await] {
        assert!(page.status == 303 && page.location().starts_with("/sudo?next=%2Foauth%2Fdevice"), "{}", page.text);
    }
    // Nor is it enough to speak for an application that others use.
    let path = format!("/settings/applications/{}", painter.id);
    let edit = [("name", "Painter"), ("redirect_uris", "https://evil.example/cb"), ("scope", "openid")];
    for page in [ada.submit(&path, &path, &edit).await, ada.submit(&path, &format!("{path}/secret"), &[]).await] {
        assert!(page.location().starts_with("/sudo?next="), "{}", page.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn who_only_signs_in_is_told_who_it_is_and_nothing_that_is_hidden() {
    let hub = hub().await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    let owner = hub.token(&ada, TokenRole::Write).await;
    for repo in ["ada/unseen", "acme/unseen", "ada/unseen-deleted"] {
        owner.create_repo("model", repo, true).await;
    }
    owner.post_json("/api/models/ada/unseen/like", &json!({}), 200).await;
    owner.call(Method::DELETE, "/api/repos/delete", &json!({ "type": "model", "name": "ada/unseen-deleted" }), 200).await;
    let group = json!({ "name": "unseen-group" });
    owner.post_json("/api/organizations/acme/resource-groups", &group, 200).await;
    let collection = json!({ "title": "unseen collection", "namespace": "ada", "private": true });
    owner.post_json("/api/collections", &collection, 200).await;
    hub.indexed().await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut browser, "confidential", CALLBACK, &["openid", "webhooks"]).await;
    for scope in ["openid", "webhooks"] {
        let token = sign_in(&hub, &mut browser, &painter, scope).await["access_token"].as_str().unwrap().to_owned();
        let client = hub.with_token(&token);
        for path in [
            "/api/whoami-v2",
            "/oauth/userinfo",
            "/api/settings/repositories",
            "/api/settings/deleted-repos",
            "/api/organizations/acme/settings/repositories",
            "/api/organizations/acme/resource-groups",
            "/api/models?author=ada",
            "/api/models?search=unseen",
            "/api/quicksearch?q=unseen",
            "/api/users/ada/likes",
            "/api/collections?owner=ada",
            "/api/settings/webhooks",
            "/api/trending",
            "/search?q=collection",
            "/models?search=model",
            "/ada/-/activity.atom",
        ] {
            let text = client.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
            let hidden: Vec<&str> =
                text.split(|c: char| c.is_whitespace() || "\"<>".contains(c)).filter(|word| word.contains("unseen")).collect();
            assert!(hidden.is_empty(), "{scope} at {path}: {hidden:?}");
        }
        client.get("/ada/unseen", 404).await;
        assert_eq!(client.get_json("/api/whoami-v2", 200).await["orgs"], json!([]));
    }
    hub.stop().await;
}

#[tokio::test]
async fn what_is_worth_nothing_any_more_opens_nothing() {
    let hub = hub().await;
    for name in ["ada", "bob"] {
        hub.account(name).await;
    }
    let (mut ada, mut bob) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    let painter = application(&mut ada, "confidential", CALLBACK, &["openid", "profile"]).await;
    let introspect = async |access: &str| -> bool {
        let anonymous = hub.anonymous();
        let request = anonymous.request(Method::POST, "/oauth/introspect").form(&[("token", access)]);
        let request = request.basic_auth(&painter.id, painter.secret.as_deref());
        anonymous.send(request, 200).await.json::<hub_tests::Value>().await.unwrap()["active"] == true
    };
    // Leaked, however it was found: an access token, and a refresh token with all that it can get.
    let (one, two) = (sign_in(&hub, &mut bob, &painter, "openid").await, sign_in(&hub, &mut bob, &painter, "openid").await);
    let text = |got: &hub_tests::Value, name: &str| got[name].as_str().unwrap().to_owned();
    let (access, other) = (text(&one, "access_token"), text(&two, "access_token"));
    let found = format!("TOKEN='{access}'; REFRESH={}", text(&two, "refresh_token"));
    hub.anonymous().post_json("/api/tokens/revoke-leaked", &json!({ "tokens": [found] }), 202).await;
    hub.jobs_done().await;
    hub.with_token(&access).get("/api/whoami-v2", 401).await;
    hub.with_token(&other).get("/api/whoami-v2", 401).await;
    refresh(&hub, &painter, &text(&two, "refresh_token"), 400).await;
    // Suspended.
    let got = sign_in(&hub, &mut bob, &painter, "openid").await;
    let access = text(&got, "access_token");
    assert!(introspect(&access).await);
    hub.sql("update users set suspended_at = now() where user_pk = (select namespace_pk from namespaces where name = 'bob')")
        .await;
    assert!(!introspect(&access).await);
    hub.with_token(&access).get("/api/whoami-v2", 403).await;
    assert_eq!(refresh(&hub, &painter, &text(&got, "refresh_token"), 400).await["error"], "invalid_grant");
    hub.sql("update users set suspended_at = null where user_pk = (select namespace_pk from namespaces where name = 'bob')")
        .await;
    // A new password, which whoever knew the old one does not know.
    hub.with_token(&access).get("/api/whoami-v2", 200).await;
    hub.sql("update users set password_hash = password_hash || 'x' where user_pk = (select namespace_pk from namespaces where name = 'bob')").await;
    hub.with_token(&access).get("/api/whoami-v2", 401).await;
    assert_eq!(refresh(&hub, &painter, &text(&got, "refresh_token"), 400).await["error"], "invalid_grant");
    // Whoever keeps the application is suspended: nobody signs in to it.
    let got = sign_in(&hub, &mut bob, &painter, "openid").await;
    hub.sql("update users set suspended_at = now() where user_pk = (select namespace_pk from namespaces where name = 'ada')")
        .await;
    assert_eq!(bob.get(&asking(&painter, &[])).await.status, 400);
    assert_eq!(refresh(&hub, &painter, &text(&got, "refresh_token"), 401).await["error"], "invalid_client");
    // What no database keeps, is refused in words.
    for uri in ["https://app.example.org/\u{0}", "https://app.example.org/\u{202e}gpj"] {
        let body = json!({ "redirect_uris": [CALLBACK], "client_uri": uri });
        hub.anonymous().post_json("/oauth/register", &body, 400).await;
    }
    hub.stop().await;
}
