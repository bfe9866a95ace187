//! What people try who are not who they say they are.

use hub_tests::{TestHub, Value, json};
use reqwest::Method;

use super::{
    Application, CALLBACK, VERIFIER, answer, application, asking, challenge, exchange, hub, refresh, sign_in, token, told,
};
use crate::pages::browser::Browser;

const ALL: [&str; 3] = ["openid", "profile", "read-repos"];

type Fields<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_applications() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut ada, "confidential", CALLBACK, &ALL).await;
    for uri in [
        "https://evil.example/callback",
        "https://app.example.org/callback/",
        "https://app.example.org/callback/../../evil",
        "https://app.example.org/callback#x",
        "https://app.example.org@evil.example/callback",
        "https://app.example.org/callback?next=evil",
        "https://app.example.org%2f@evil.example/callback",
        "//app.example.org/callback",
        "javascript:alert(1)",
        "http://app.example.org/callback",
    ] {
        let page = ada.get(&asking(&painter, &[("redirect_uri", uri)])).await;
        assert_eq!((page.status, page.headers.get("location")), (400, None), "{uri}");
        // Nor by the form, nor when something else is wrong, too.
        let csrf = ada.open("/settings/profile").await.csrf();
        let address = asking(&painter, &[("redirect_uri", uri), ("prompt", "none")]);
        let page = ada.post(&address, &[("csrf_token", &csrf), ("answer", "allow")]).await;
        assert_eq!((page.status, page.headers.get("location")), (400, None), "{uri}");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", asking(&painter, &[]));
    assert_eq!(ada.get(&twice).await.status, 400);
    let stranger = Application { id: "nobody".to_owned(), secret: None };
    assert_eq!(ada.get(&asking(&stranger, &[])).await.status, 400);
    hub.stop().await;
}

#[tokio::test]
async fn the_application_is_told_what_was_wrong_with_its_request() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let server = application(&mut ada, "confidential", CALLBACK, &ALL).await;
    let public = application(&mut ada, "public", CALLBACK, &ALL).await;
    let challenge = challenge();
    let cases: [(&Application, Fields, &str); 10] = [
        (&server, &[("request", "x")], "request_not_supported"),
        (&server, &[("request_uri", "https://evil.example")], "request_uri_not_supported"),
        (&server, &[("response_mode", "fragment")], "invalid_request"),
        (&server, &[("scope", "act-as-you")], "invalid_scope"),
        (&server, &[("scope", "manage-repos")], "invalid_scope"),
        (&server, &[("code_challenge", &challenge), ("code_challenge_method", "plain")], "invalid_request"),
        (&server, &[("code_challenge", &challenge)], "invalid_request"),
        (&server, &[("code_challenge", "short"), ("code_challenge_method", "S256")], "invalid_request"),
        (&server, &[("prompt", "none")], "consent_required"),
        (&public, &[], "invalid_request"),
    ];
    for (application, more, code) in cases {
        let page = ada.get(&asking(application, more)).await;
        assert_eq!(page.status, 303, "{more:?}: {}", page.text);
        assert_eq!(told(&page, "error").as_deref(), Some(code), "{more:?}");
        assert_eq!(told(&page, "state").as_deref(), Some("a state & more"));
        assert!(told(&page, "code").is_none() && told(&page, "iss").is_some());
    }
    let implicit = asking(&server, &[]).replace("response_type=code", "response_type=token");
    assert_eq!(told(&ada.get(&implicit).await, "error").as_deref(), Some("unsupported_response_type"));
    let nobody = Browser::new(&hub).get(&asking(&server, &[("prompt", "none")])).await;
    assert_eq!(told(&nobody, "error").as_deref(), Some("login_required"));
    let no = answer(&mut ada, &asking(&server, &[]), "deny", &[]).await;
    assert_eq!(told(&no, "error").as_deref(), Some("access_denied"));
    hub.stop().await;
}

#[tokio::test]
async fn nobody_says_yes_for_another() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let painter = application(&mut ada, "confidential", CALLBACK, &ALL).await;
    let asking = asking(&painter, &[]);
    for csrf in ["", "forged"] {
        assert_eq!(ada.post(&asking, &[("csrf_token", csrf), ("answer", "allow")]).await.status, 403);
    }
    // A token, which programs have, does not say yes either.
    let token = hub.token(&hub.account("bob").await, hub::accounts::TokenRole::Write).await;
    let request = token.request(Method::POST, &asking).form(&[("answer", "allow")]);
    token.send(request, 403).await;
    assert_eq!(hub.count("oauth_consents").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn a_code_works_once_for_its_client_its_address_and_who_asked_for_it() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let server = application(&mut ada, "confidential", CALLBACK, &ALL).await;
    let public = application(&mut ada, "public", CALLBACK, &ALL).await;
    let challenge = challenge();
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256"), ("prompt", "consent")];
    let mut new_code = async |application: &Application, more: &[(&str, &str)]| {
        let page = answer(&mut ada, &asking(application, more), "allow", &[]).await;
        told(&page, "code").unwrap()
    };
    let secret = server.secret.as_deref().unwrap();
    let plain = [("prompt", "consent")];
    // Each: how the code was asked for, and how it is exchanged, all but the code.
    let (right, id) = (("redirect_uri", CALLBACK), ("client_id", server.id.as_str()));
    let (verifier, proof) = (("code_verifier", VERIFIER), ("client_secret", secret));
    let wrong = ("code_verifier", "another-verifier-that-is-long-enough-for-the-rule-of-43");
    let public_id = ("client_id", public.id.as_str());
    let cases: [(&Application, Fields, Fields, u16, &str); 11] = [
        (&server, &plain, &[right, id], 401, "invalid_client"),
        (&server, &plain, &[right, id, ("client_secret", "wrong")], 401, "invalid_client"),
        (&server, &plain, &[right], 401, "invalid_client"),
        (&server, &plain, &[right, id, proof, verifier], 400, "invalid_grant"),
        (&server, &pkce, &[right, id, proof], 400, "invalid_grant"),
        (&server, &pkce, &[right, id, proof, wrong], 400, "invalid_grant"),
        (&server, &plain, &[("redirect_uri", "https://app.example.org/other"), id, proof], 400, "invalid_grant"),
        (&server, &plain, &[id, proof], 400, "invalid_request"),
        (&server, &pkce, &[right, public_id, verifier], 400, "invalid_grant"),
        (&public, &pkce, &[right, public_id], 400, "invalid_grant"),
        (&public, &pkce, &[right, public_id, ("client_secret", "x"), verifier], 401, "invalid_client"),
    ];
    for (application, asked, shown, status, error) in cases {
        let code = new_code(application, asked).await;
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        fields.extend_from_slice(shown);
        assert_eq!(token(&hub, &fields, status).await["error"], error, "{shown:?}");
    }
    // One that does not say who it is, as `@huggingface/hub` does: the code does.
    let code = new_code(&public, &pkce).await;
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), right, verifier];
    let got = token(&hub, &fields, 200).await;
    let first = hub.with_token(got["access_token"].as_str().unwrap());
    first.get("/api/whoami-v2", 200).await;
    // Shown again, it ends all that was granted for it.
    assert_eq!(token(&hub, &fields, 400).await["error"], "invalid_grant");
    first.get("/api/whoami-v2", 401).await;
    assert_eq!(refresh(&hub, &public, got["refresh_token"].as_str().unwrap(), 400).await["error"], "invalid_grant");
    // A minute later it is worth nothing.
    let code = new_code(&server, &pkce).await;
    hub.sql("update oauth_codes set expires_at = now() - interval '1 second'").await;
    assert_eq!(exchange(&hub, &server, &code, 400).await["error"], "invalid_grant");
    // What is sent twice is refused.
    let fields = [("grant_type", "authorization_code"), ("code", "a"), ("code", "b"), right];
    assert_eq!(token(&hub, &fields, 400).await["error"], "invalid_request");
    assert_eq!(token(&hub, &[("grant_type", "password")], 400).await["error"], "unsupported_grant_type");
    hub.stop().await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_the_sign_in() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let server = application(&mut ada, "confidential", CALLBACK, &ALL).await;
    let other = application(&mut ada, "public", CALLBACK, &ALL).await;
    let got = sign_in(&hub, &mut ada, &server, "openid profile").await;
    let text = |got: &hub_tests::Value, name: &str| got[name].as_str().unwrap().to_owned();
    let first = text(&got, "refresh_token");
    assert_eq!(refresh(&hub, &other, &first, 400).await["error"], "invalid_grant", "of another client");
    let second = refresh(&hub, &server, &first, 200).await;
    assert!(second["id_token"].is_string() && second["refresh_token"] != json!(first));
    hub.with_token(&text(&second, "access_token")).get("/api/whoami-v2", 200).await;
    let third = refresh(&hub, &server, &text(&second, "refresh_token"), 200).await;
    assert_eq!(hub.count("access_tokens").await, 2, "older ones are gone");
    assert_eq!(refresh(&hub, &server, &first, 400).await["error"], "invalid_grant");
    hub.with_token(&text(&third, "access_token")).get("/api/whoami-v2", 401).await;
    assert_eq!(refresh(&hub, &server, &text(&third, "refresh_token"), 400).await["error"], "invalid_grant");
    // Less can be asked for, more cannot.
    let got = sign_in(&hub, &mut ada, &server, "openid profile").await;
    let secret = server.secret.as_deref().unwrap();
    let refresh_token = text(&got, "refresh_token");
    let with = |scope: &'static str| {
        vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("client_id", server.id.as_str()),
            ("client_secret", secret),
            ("scope", scope),
        ]
    };
    assert_eq!(token(&hub, &with("openid read-repos"), 400).await["error"], "invalid_scope");
    let less = token(&hub, &with("openid"), 200).await;
    assert_eq!(less["scope"], "openid");
    hub.stop().await;
}

#[tokio::test]
async fn an_application_gives_tokens_back_and_asks_about_its_own() {
    let hub = hub().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let server = application(&mut ada, "confidential", CALLBACK, &ALL).await;
    let other = application(&mut ada, "confidential", CALLBACK, &ALL).await;
    let got = sign_in(&hub, &mut ada, &server, "openid").await;
    let ask = async |path: &str, application: &Application, token: &str| -> hub_tests::Value {
        let anonymous = hub.anonymous();
        let request = anonymous.request(Method::POST, path).form(&[("token", token)]);
        let request = request.basic_auth(&application.id, application.secret.as_deref());
        anonymous.send(request, 200).await.json().await.unwrap()
    };
    let access = got["access_token"].as_str().unwrap();
    let known = ask("/oauth/introspect", &server, access).await;
    assert_eq!((&known["active"], &known["username"], &known["scope"]), (&json!(true), &json!("ada"), &json!("openid")));
    assert_eq!(ask("/oauth/introspect", &other, access).await, json!({ "active": false }), "of another client");
    ask("/oauth/revoke", &other, access).await;
    ask("/oauth/revoke", &other, got["refresh_token"].as_str().unwrap()).await;
    hub.with_token(access).get("/api/whoami-v2", 200).await;
    ask("/oauth/revoke", &server, access).await;
    hub.with_token(access).get("/api/whoami-v2", 401).await;
    let again = refresh(&hub, &server, got["refresh_token"].as_str().unwrap(), 200).await;
    ask("/oauth/revoke", &server, again["refresh_token"].as_str().unwrap()).await;
    hub.with_token(again["access_token"].as_str().unwrap()).get("/api/whoami-v2", 401).await;
    hub.stop().await;
}

#[tokio::test]
async fn applications_make_themselves_known_within_bounds() {
    let hub = hub().await;
    hub.account("ada").await;
    let anonymous = hub.anonymous();
    let body = json!({
        "client_name": "Cursor", "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none",
        "scope": "openid read-repos act-as-you",
    });
    let made = anonymous.post_json("/oauth/register", &body, 201).await;
    assert_eq!((&made["scope"], made.get("client_secret")), (&json!("openid read-repos"), None));
    let secret = anonymous.post_json("/oauth/register", &json!({ "redirect_uris": [CALLBACK] }), 201).await;
    assert!(secret["client_secret"].is_string() && secret["client_secret_expires_at"] == 0);
    for (body, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://evil.example/"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "tls_client_auth" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "client_name": "a\u{202e}b" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "client_name": "x".repeat(101) }), "invalid_client_metadata"),
        (json!({ "redirect_uris": "x" }), "invalid_client_metadata"),
    ] {
        assert_eq!(anonymous.post_json("/oauth/register", &body, 400).await["error"], error, "{body}");
    }
    let cursor = Application { id: made["client_id"].as_str().unwrap().to_owned(), secret: None };
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let challenge = challenge();
    let asking = asking(
        &cursor,
        &[("redirect_uri", "http://127.0.0.1:50123/cb"), ("code_challenge", &challenge), ("code_challenge_method", "S256")],
    );
    let page = ada.open(&asking).await;
    assert!(page.has("nobody on this hub keeps it"));
    // It gets nobody led to it who was not asked.
    for wrong in [asking.replace("response_type=code", "response_type=token"), format!("{asking}&prompt=none")] {
        let page = ada.get(&wrong).await;
        assert_eq!((page.status, page.headers.get("location")), (400, None), "{wrong}");
    }
    let page = answer(&mut ada, &asking, "allow", &[]).await;
    assert!(page.location().starts_with("http://127.0.0.1:50123/cb?code="), "{}", page.location());
    assert_eq!(ada.get(&asking).await.status, 200, "another program may be at that port: it is asked again");
    // Those that nobody uses go after a day.
    hub.sql("update oauth_clients set created_at = now() - interval '2 days'").await;
    hub::oauth::sweep(hub.app()).await.unwrap();
    let left: Vec<String> =
        sqlx::query_scalar("select name from oauth_clients order by name").fetch_all(&hub.app().pool).await.unwrap();
    assert_eq!(left, ["Cursor", "hf, the command line"]);
    hub.stop().await;
}

#[tokio::test]
async fn keys_change_and_what_old_ones_signed_stays_valid() {
    let hub = TestHub::start().await;
    let anonymous = hub.anonymous();
    let (one, two) = tokio::join!(anonymous.get_json("/oauth/jwks", 200), anonymous.get_json("/oauth/jwks", 200));
    assert_eq!(one, two, "two that need the first key get one");
    let letters = |keys: &Value, at: usize| keys["keys"][at]["n"].as_str().unwrap().len();
    assert_eq!(letters(&one, 0), 512, "3072 bits");
    hub::oauth::sweep(hub.app()).await.unwrap();
    assert_eq!(anonymous.get_json("/oauth/jwks", 200).await, one, "it is neither old nor weak");
    // One of 2048 bits, as hubs made before, signs no longer.
    hub.sql("update oauth_keys set public_jwk = jsonb_set(public_jwk, '{n}', to_jsonb(left(public_jwk ->> 'n', 342)))").await;
    let one = anonymous.get_json("/oauth/jwks", 200).await;
    hub::oauth::sweep(hub.app()).await.unwrap();
    let after = anonymous.get_json("/oauth/jwks", 200).await;
    let keys = after["keys"].as_array().unwrap();
    assert!(keys.len() == 2 && keys[0] != one["keys"][0] && keys[1] == one["keys"][0], "{after}");
    assert_eq!((letters(&after, 0), letters(&after, 1)), (512, 342));
    hub.sql(
        "update oauth_keys set retired_at = now() - interval '25 hours' where retired_at is not null;
         update oauth_keys set created_at = now() - interval '91 days' where retired_at is null",
    )
    .await;
    assert_eq!(anonymous.get_json("/oauth/jwks", 200).await["keys"].as_array().unwrap().len(), 1);
    assert!(hub::oauth::queries::keys::is_over(&hub.app().pool, 90, 512).await.unwrap(), "and one that has signed for long");
    hub.stop().await;
}
