//! Passwords are not tried without end.

use hub_tests::TestHub;

use crate::pages::browser::{Browser, PASSWORD};

async fn whoami(hub: &TestHub, name: &str, password: &str, from: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(format!("{}/api/whoami-v2", hub.base()));
    request.basic_auth(name, Some(password)).header("X-Forwarded-For", from).send().await.unwrap()
}

#[tokio::test]
async fn wrong_passwords_are_counted_by_account_and_address_in_browsers_and_programs() {
    let hub = TestHub::start_with(|config| config.sign_in_tries = 3).await;
    hub.account("ada").await;
    hub.account("bob").await;
    for _ in 0..5 {
        assert_eq!(whoami(&hub, "ada", PASSWORD, "198.51.100.1").await.status(), 200, "right ones are not counted");
    }
    for _ in 0..3 {
        assert_eq!(whoami(&hub, "ADA", "wrong", "198.51.100.1").await.status(), 401, "each counts once");
    }
    let refused = whoami(&hub, "ada", PASSWORD, "198.51.100.1").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    assert_eq!(whoami(&hub, "ada", PASSWORD, "198.51.100.2").await.status(), 200, "nobody is locked out");
    assert_eq!(whoami(&hub, "bob", PASSWORD, "198.51.100.1").await.status(), 200);

    let mut browser = Browser::new(&hub);
    for (name, known) in [("bob", true), ("nobody", false)] {
        for _ in 0..3 {
            let page = browser.submit("/login", "/login", &[("username", name), ("password", "wrong")]).await;
            assert_eq!(page.status, 422);
        }
        let page = browser.submit("/login", "/login", &[("username", name), ("password", PASSWORD)]).await;
        assert!(page.status == 429 && page.has("Too many wrong passwords."), "{known}: {}", page.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn one_address_does_not_try_all_accounts() {
    let hub = TestHub::start_with(|config| config.sign_in_tries = 1).await;
    for number in 0..10 {
        assert_eq!(whoami(&hub, &format!("user-{number}"), "wrong", "2001:db8::1").await.status(), 401);
    }
    assert_eq!(whoami(&hub, "another", "wrong", "2001:db8::2").await.status(), 429, "a network is one address");
    assert_eq!(whoami(&hub, "another", "wrong", "2001:db8:0:1::1").await.status(), 401);
    hub.stop().await;
}
