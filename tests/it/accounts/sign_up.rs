//! Signing up where it goes by mail: what a stranger sees is the same, whether an address has an account or not.

use hub_tests::TestHub;

use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD};

const OTHER: &str = "quite another horse";

/// A hub where addresses must be confirmed, with an account.
async fn start() -> TestHub {
    let hub = TestHub::start_with(|config| config.require_confirmed_email = true).await;
    hub.account("ada").await;
    hub
}

/// Signs up, and gives the page but for the address.
async fn sign_up(hub: &TestHub, name: &str, email: &str, password: &str) -> (u16, String) {
    let fields = [("username", name), ("email", email), ("password", password), ("next", "/settings/tokens")];
    let page = Browser::new(hub).submit("/join", "/join", &fields).await;
    (page.status, page.text.replace(email, "ADDRESS"))
}

#[tokio::test]
async fn whether_an_address_has_an_account_is_told_to_its_owner_alone() {
    let hub = start().await;
    let free = sign_up(&hub, "newbie", "new@example.org", PASSWORD).await;
    let taken = sign_up(&hub, "stranger", "ADA@example.org", PASSWORD).await;
    assert!(free.0 == 200 && free.1.contains("We sent a mail to <strong>ADDRESS</strong>"), "{}", free.1);
    assert_eq!(free, taken);

    let sent = mails(&hub, 2).await;
    let told = the_mail(&sent, "ada@example.org", "Somebody tried to sign up with your address");
    assert!(told.contains("/login") && told.contains("/forgot-password"), "{told}");
    assert!(!told.contains("link=") && !told.contains("stranger"), "nothing that confirms, nor what a stranger typed: {told}");
    the_mail(&sent, "new@example.org", "Confirm your new account");

    // Nor do the names tell, by their pages, by signing in, or by being taken.
    for name in ["newbie", "stranger"] {
        let mut browser = Browser::new(&hub);
        assert_eq!(browser.get(&format!("/{name}")).await.status, 404, "{name}");
        let page = browser.submit("/login", "/login", &[("username", name), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 422, "{name}");
        assert_eq!(sign_up(&hub, name, "third@example.org", PASSWORD).await.0, 200, "{name}");
    }
    assert_eq!(hub.count("users").await, 1);
    // Names that are taken are public.
    let (status, text) = sign_up(&hub, "Ada", "fourth@example.org", PASSWORD).await;
    assert!(status == 409 && text.contains("is taken"), "{text}");
    hub.stop().await;
}

#[tokio::test]
async fn the_link_in_the_mail_and_the_password_make_the_account() {
    let hub = start().await;
    assert_eq!(sign_up(&hub, "bob", "bob@example.org", PASSWORD).await.0, 200);
    let path = link(the_mail(&mails(&hub, 1).await, "bob@example.org", "Confirm your new account"));
    let secret = path.split("link=").nth(1).unwrap().to_owned();
    let kept: String = sqlx::query_scalar("select sign_ups::text from sign_ups").fetch_one(&hub.app().pool).await.unwrap();
    assert!(!kept.contains(&secret) && !kept.contains(PASSWORD), "{kept}");

    let mut browser = Browser::new(&hub);
    let page = browser.open(&path).await;
    assert!(page.has("<strong>bob</strong>") && page.has("bob@example.org"), "{}", page.text);
    assert_eq!(page.headers["cache-control"], "no-store", "no browser writes down what the link leads to");
    assert_eq!(page.text.matches(&secret).count(), 1, "in the form alone: {}", page.text);
    assert_eq!(hub.count("users").await, 1, "opening the link changes nothing");
    let page = browser.submit(&path, "/join/confirm", &[("link", &secret), ("password", OTHER)]).await;
    assert!(page.status == 403 && page.has("not the password that you chose"), "{}", page.text);
    assert_eq!(hub.count("users").await, 1);
    let page = browser.submit(&path, "/join/confirm", &[("link", &secret), ("password", PASSWORD)]).await;
    assert_eq!((page.status, page.location()), (303, "/settings/tokens"), "{}", page.text);
    assert!(browser.open("/").await.has("Account menu of bob"));
    let confirmed = "select email_confirmed_at is not null and not is_admin from users where email = 'bob@example.org'";
    assert!(sqlx::query_scalar::<_, bool>(confirmed).fetch_one(&hub.app().pool).await.unwrap());
    assert_eq!(browser.get(&path).await.status, 404, "the link worked once");
    assert_eq!(hub.count("sign_ups").await, 0);
    Browser::logged_in(&hub, "bob").await;
    hub.stop().await;
}

#[tokio::test]
async fn who_signed_up_with_the_address_of_another_gets_no_account_by_their_click() {
    let hub = start().await;
    assert_eq!(sign_up(&hub, "eve", "grace@example.org", OTHER).await.0, 200);
    let thiefs = link(the_mail(&mails(&hub, 1).await, "grace@example.org", "Confirm your new account"));
    assert_eq!(sign_up(&hub, "grace", "grace@example.org", PASSWORD).await.0, 200);
    let sent = mails(&hub, 2).await;
    let hers = sent.iter().map(|mail| link(mail)).find(|path| *path != thiefs).unwrap();
    let mut browser = Browser::new(&hub);
    let answer = |path: &str| path.split("link=").nth(1).unwrap().to_owned();
    let page = browser.submit(&thiefs, "/join/confirm", &[("link", &answer(&thiefs)), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 403, "she does not know the other's password");
    let page = browser.submit(&hers, "/join/confirm", &[("link", &answer(&hers)), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(browser.get(&thiefs).await.status, 404, "it ends with the address");
    hub.stop().await;
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_is_told_and_links_end() {
    let hub = start().await;
    assert_eq!(sign_up(&hub, "bob", "robert@example.org", PASSWORD).await.0, 200);
    let path = link(&mails(&hub, 1).await[0]);
    let secret = path.split("link=").nth(1).unwrap();
    hub.account("bob").await;
    let mut browser = Browser::new(&hub);
    let page = browser.submit(&path, "/join/confirm", &[("link", secret), ("password", PASSWORD)]).await;
    assert!(page.status == 409 && page.has("is taken, please choose another"), "{}", page.text);
    assert_eq!(hub.count("users").await, 2);
    hub.sql("update sign_ups set expires_at = now() - interval '1 second'").await;
    assert_eq!(browser.get(&path).await.status, 404);
    assert_eq!(sign_up(&hub, "robert", "robert@example.org", PASSWORD).await.0, 200);
    assert_eq!(hub.count("sign_ups").await, 1, "what is over goes");
    hub.stop().await;
}

#[tokio::test]
async fn a_link_says_at_once_that_sign_up_was_closed_meanwhile() {
    let hub = start().await;
    assert_eq!(sign_up(&hub, "bob", "bob@example.org", PASSWORD).await.0, 200);
    let path = link(&mails(&hub, 1).await[0]);
    let secret = path.split("link=").nth(1).unwrap();
    let mut browser = Browser::new(&hub);
    let csrf = browser.open(&path).await.csrf();
    hub.sql("insert into flag_changes (flag, after, reason) values ('sign-up', false, 'a flood')").await;
    hub::flags::load(hub.app()).await.unwrap();
    let page = browser.get(&path).await;
    assert!(page.status == 403 && page.has("Sign-up is closed on this hub"), "{}", page.text);
    assert!(!page.has("action=\"/join/confirm\""), "{}", page.text);
    let fields = [("csrf_token", csrf.as_str()), ("link", secret), ("password", PASSWORD)];
    assert_eq!(browser.post("/join/confirm", &fields).await.status, 403);
    assert_eq!(hub.count("users").await, 1);
    hub.stop().await;
}

#[tokio::test]
async fn of_two_links_at_once_one_makes_an_account_and_a_third_one_is_over() {
    let hub = start().await;
    for name in ["grace", "gracie"] {
        assert_eq!(sign_up(&hub, name, "grace@example.org", PASSWORD).await.0, 200);
    }
    let paths: Vec<String> = mails(&hub, 2).await.iter().map(|mail| link(mail)).collect();
    let confirm = async |path: &str| {
        let secret = path.split("link=").nth(1).unwrap().to_owned();
        let mut browser = Browser::new(&hub);
        let csrf = browser.open("/login").await.csrf();
        let fields = [("csrf_token", csrf.as_str()), ("link", secret.as_str()), ("password", PASSWORD)];
        browser.post("/join/confirm", &fields).await.status
    };
    let (first, again, other) = tokio::join!(confirm(&paths[0]), confirm(&paths[0]), confirm(&paths[1]));
    let mut told = [first, again, other];
    told.sort_unstable();
    assert_eq!(told[0], 303, "{told:?}");
    assert!(told[1..].iter().all(|status| [404, 409].contains(status)), "{told:?}");
    assert_eq!(hub.count("users").await, 2, "ada, and one more");
    hub.stop().await;
}

#[tokio::test]
async fn nobody_is_locked_out_by_the_number_of_their_sign_up() {
    let hub = TestHub::start_with(|config| {
        config.require_confirmed_email = true;
        config.sign_in_tries = 2;
    })
    .await;
    hub.account("ada").await;
    let long = format!("/{}", "x".repeat(5_000));
    let fields = [("username", "bob"), ("email", "bob@example.org"), ("password", PASSWORD), ("next", long.as_str())];
    assert_eq!(Browser::new(&hub).submit("/join", "/join", &fields).await.status, 200);
    let path = link(&mails(&hub, 1).await[0]);
    let secret = path.split("link=").nth(1).unwrap();
    let number: i64 = sqlx::query_scalar("select sign_up_pk from sign_ups").fetch_one(&hub.app().pool).await.unwrap();
    let mut eve = Browser::new(&hub);
    for status in [422, 422, 429] {
        let guess = [("username", format!("sign-up {number}")), ("password", OTHER.to_owned())];
        let guess: Vec<(&str, &str)> = guess.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(eve.submit("/login", "/login", &guess).await.status, status);
    }
    let mut bob = Browser::new(&hub);
    let page = bob.submit(&path, "/join/confirm", &[("link", secret), ("password", PASSWORD)]).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.text);

    // Guesses at the password of one link end, too.
    assert_eq!(sign_up(&hub, "carl", "carl@example.org", PASSWORD).await.0, 200);
    let path = mails(&hub, 2).await.iter().map(|mail| link(mail)).find(|found| *found != path).unwrap();
    let secret = path.split("link=").nth(1).unwrap();
    let mut carl = Browser::new(&hub);
    for status in [403, 403, 429] {
        let page = carl.submit(&path, "/join/confirm", &[("link", secret), ("password", OTHER)]).await;
        assert_eq!(page.status, status, "{}", page.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn one_address_gets_three_mails_an_hour_however_often_somebody_signs_up() {
    let hub = start().await;
    for email in ["ada@example.org", "new@example.org"] {
        for number in 0..5 {
            assert_eq!(sign_up(&hub, &format!("name-{number}"), email, PASSWORD).await.0, 200, "{email}");
            // One mail after the other, so that each is counted.
            hub.jobs_done().await;
        }
    }
    mails(&hub, 6).await;
    hub.stop().await;
}
