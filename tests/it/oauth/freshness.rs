//! How long a sign-in to an application lasts at most, and applications that want to know who is there now.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::config::OauthLimits;
use hub_tests::{TestHub, Value};
use url::Url;

use super::{Application, CALLBACK, answer, application, asking, exchange_plain, hub_with, refresh, sign_in, told};
use crate::pages::browser::{Browser, PASSWORD, Page};

async fn hub() -> TestHub {
    hub_with(|config| config.oauth = OauthLimits { days: 40, command_line_days: 365 }).await
}

/// Where somebody comes back to who is sent to `path`.
fn back_from(page: &Page, path: &str) -> String {
    assert_eq!(page.status, 303, "{}", page.text);
    let url = Url::parse("http://hub.example").unwrap().join(page.location()).unwrap();
    assert_eq!(url.path(), path, "{url}");
    url.query_pairs().find(|(name, _)| name == "next").unwrap().1.into_owned()
}

/// When the ID token says that the person proved who they are.
fn auth_time(got: &Value) -> i64 {
    let payload = got["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["auth_time"].as_i64().unwrap()
}

async fn grows_old(hub: &TestHub) {
    hub.sql("update sessions set created_at = now() - interval '2 hours', proved_at = now() - interval '2 hours'").await;
}

#[tokio::test]
async fn a_sign_in_to_an_application_ends_in_any_case() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut ada, "confidential", CALLBACK, &["openid", "profile"]).await;
    let got = sign_in(&hub, &mut ada, &painter, "openid").await;
    let text = |got: &Value, name: &str| got[name].as_str().unwrap().to_owned();
    // However often it is renewed: its tokens do not outlast it either.
    hub.sql("update oauth_grants set created_at = now() - interval '39 days 20 hours'").await;
    let last = refresh(&hub, &painter, &text(&got, "refresh_token"), 200).await;
    assert!((14_000..=14_400).contains(&last["expires_in"].as_i64().unwrap()), "{last}");
    let days = "select extract(day from ends_at - created_at)::bigint from oauth_grants";
    let days: i64 = sqlx::query_scalar(days).fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(days, 40);
    // One from before there was such an end.
    hub.sql("update oauth_grants set created_at = now() - interval '41 days'").await;
    let over = refresh(&hub, &painter, &text(&last, "refresh_token"), 400).await;
    assert_eq!(over["error"], "invalid_grant");
    assert!(over["error_description"].as_str().unwrap().contains("sign in again"), "{over}");
    hub.stop().await;
}

#[tokio::test]
async fn an_application_asks_for_somebody_who_is_there_now() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut ada, "confidential", CALLBACK, &["openid", "profile"]).await;
    let other = application(&mut ada, "confidential", CALLBACK, &["openid", "profile"]).await;
    sign_in(&hub, &mut ada, &painter, "openid profile").await;
    sign_in(&hub, &mut ada, &other, "openid profile").await;
    let login = |application: &Application| asking(application, &[("prompt", "login")]);

    // Whatever was proved before does not count, nor does saying yes at once.
    let back = back_from(&ada.get(&login(&painter)).await, "/sudo");
    let csrf = ada.open("/settings/profile").await.csrf();
    let yes = [("csrf_token", csrf.as_str()), ("shown", "openid profile"), ("answer", "allow")];
    for address in [&login(&painter), &back] {
        back_from(&ada.post(address, &yes).await, "/sudo");
    }
    let wrong = ada.submit("/sudo", "/sudo", &[("next", &back), ("current_password", "wrong")]).await;
    assert_eq!(wrong.status, 403);
    back_from(&ada.get(&back).await, "/sudo");
    grows_old(&hub).await;
    let page = ada.submit("/sudo", "/sudo", &[("next", &back), ("current_password", PASSWORD)]).await;
    assert_eq!(page.location(), back);
    let page = answer(&mut ada, &back, "allow", &[]).await;
    let got = exchange_plain(&hub, &painter, &told(&page, "code").unwrap()).await;
    let now = "select extract(epoch from now())::bigint";
    let now: i64 = sqlx::query_scalar(now).fetch_one(&hub.app().pool).await.unwrap();
    assert!((now - auth_time(&got)).abs() < 60, "the proof is what is told");
    // What was proved for one application is not proved for another, and nobody signs for the hub.
    let foreign = back.replace(&painter.id, &other.id);
    let forged = format!("{}&asked_at=1.{}", login(&painter), back.split("asked_at=").nth(1).unwrap().split('.').nth(1).unwrap());
    for address in [foreign, forged, login(&painter)] {
        back_from(&ada.get(&address).await, "/sudo");
    }

    // Not longer ago than this: a proof of now will do, one of before will not.
    let hour = asking(&painter, &[("max_age", "3600")]);
    assert!(told(&ada.get(&hour).await, "code").is_some());
    grows_old(&hub).await;
    let silent = ada.get(&asking(&painter, &[("max_age", "3600"), ("prompt", "none")])).await;
    assert_eq!(told(&silent, "error").as_deref(), Some("login_required"));
    let back = back_from(&ada.get(&hour).await, "/sudo");
    ada.submit("/sudo", "/sudo", &[("next", &back), ("current_password", PASSWORD)]).await;
    assert_eq!(ada.get(&back).await.status, 200);
    assert!(told(&ada.get(&hour).await, "code").is_some());
    let odd = ada.get(&asking(&painter, &[("max_age", "soon")])).await;
    assert_eq!(told(&odd, "error").as_deref(), Some("invalid_request"));

    // Who was not logged in is asked once.
    let mut fresh = Browser::new(&hub);
    let back = back_from(&fresh.get(&login(&painter)).await, "/login");
    let fields = [("username", "ada"), ("password", PASSWORD), ("next", back.as_str())];
    assert_eq!(fresh.submit("/login", "/login", &fields).await.location(), back);
    assert_eq!(fresh.get(&back).await.status, 200);
    hub.stop().await;
}
