//! What people try who mean no good.

use hub_tests::TestHub;

use crate::outbox::outbox;
use crate::pages::browser::{Browser, PASSWORD, Page};

#[tokio::test]
async fn logging_in_leads_nowhere_else() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    for next in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "/é",
        "javascript:alert(1)",
        "",
        "/a\nb",
    ] {
        let fields = [("username", "ada"), ("password", PASSWORD), ("next", next)];
        let page = Browser::new(&hub).submit("/login", "/login", &fields).await;
        assert_eq!((page.status, page.location()), (303, "/"), "{next}");
    }
    let mut browser = Browser::logged_in(&hub, "ada").await;
    for page in ["/login", "/join"] {
        assert_eq!(browser.get(&format!("{page}?next=//evil.example")).await.location(), "/", "{page}");
        assert_eq!(browser.get(&format!("{page}?next=/models")).await.location(), "/models", "{page}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_session_is_new_with_each_login_and_cannot_be_given() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let first = browser.cookie("session").unwrap().to_owned();
    let page = browser.submit("/settings/profile", "/logout", &[]).await;
    assert_eq!(browser.cookie("session"), None);
    assert_eq!(page.headers["clear-site-data"], "\"cache\"", "nobody goes back to what was shown");
    browser.plant("session", &first);
    assert_eq!(browser.get("/settings/profile").await.status, 303, "it is over, and not only forgotten");
    browser.forget("session");
    browser.submit("/login", "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
    assert_ne!(browser.cookie("session").unwrap(), first);
    hub.stop().await;
}

#[tokio::test]
async fn by_tls_only_cookies_count_that_no_neighbour_can_set() {
    let hub = TestHub::start_with(|config| {
        config.public_url = Some("https://hub.example.org".to_owned());
        config.hsts = Some("max-age=31536000".to_owned());
    })
    .await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    let page = browser.submit("/login", "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert!(browser.cookie("__Host-visit").is_some() && browser.cookie("visit").is_none());
    let session = browser.cookie("__Host-session").expect("a session").to_owned();
    let set = page.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).find(|set| set.contains("session"));
    let set = set.unwrap();
    for rule in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(rule), "{set}");
    }
    let fields = [("name", "laptop"), ("role", "read"), ("expires", "")];
    let page = browser.submit("/settings/tokens", "/settings/tokens", &fields).await;
    for set in page.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()) {
        assert!(set.starts_with("__Host-") && set.contains("Secure") && set.contains("Path=/"), "{set}");
    }
    let made = browser.cookie("__Host-new_token").unwrap().split(' ').next().unwrap().to_owned();
    assert!(browser.open("/settings/tokens").await.has(&made), "it is shown");
    assert!(!browser.open("/settings/tokens").await.has(&made), "once");
    let ask =
        |cookie: String| reqwest::Client::new().get(format!("{}/api/whoami-v2", hub.base())).header("Cookie", cookie).send();
    assert_eq!(ask(format!("__Host-session={session}")).await.unwrap().status(), 200);
    assert_eq!(ask(format!("session={session}")).await.unwrap().status(), 401);
    let preflight = hub.anonymous().request(reqwest::Method::OPTIONS, "/api/whoami-v2");
    let preflight = preflight.header("Origin", "https://a.example").header("Access-Control-Request-Method", "GET").send();
    let answers = [hub.anonymous().get("/healthz", 200).await, hub.anonymous().get("/a/b", 404).await, preflight.await.unwrap()];
    for answer in answers {
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{}", answer.url());
    }
    // Nothing is sent back that scripts may not read.
    let traced = hub.anonymous().request(reqwest::Method::TRACE, "/").header("Cookie", "__Host-session=secret").send().await;
    let traced = traced.unwrap();
    assert!(traced.status().is_client_error(), "{}", traced.status());
    assert!(!traced.text().await.unwrap().contains("secret"));
    hub.stop().await;
}

#[tokio::test]
async fn passwords_that_are_guessed_first_are_refused() {
    let hub = TestHub::start().await;
    for (password, why) in [
        ("1q2w3e4r", "among the first that anybody tries"),
        ("PASSWORD123", "among the first that anybody tries"),
        ("lovelace-1815", "little more than your name"),
        ("engines.example.org!", "little more than your name"),
        ("HuggingFace!", "little more than your name"),
        ("seven77", "at least 8 characters"),
    ] {
        let fields = [("username", "lovelace"), ("email", "ada@engines.example.org"), ("password", password)];
        let page = Browser::new(&hub).submit("/join", "/join", &fields).await;
        assert!(page.status == 400 && page.has(why), "{password}: {}", page.text);
    }
    // Whatever is long enough and not known is taken as it is.
    let long = "ä b\u{1f40e}".repeat(20);
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let fields = |new| [("current_password", PASSWORD), ("new_password", new)];
    let page = ada.submit("/settings/profile", "/settings/password", &fields("iloveyou2")).await;
    assert!(page.status == 400 && page.has("among the first"), "{}", page.text);
    assert_eq!(ada.submit("/settings/profile", "/settings/password", &fields(&long)).await.status, 303);
    for (password, status) in [(long.clone(), 303), (long.to_uppercase(), 422), (long[..long.len() - 4].to_owned(), 422)] {
        let page = Browser::new(&hub).submit("/login", "/login", &[("username", "ada"), ("password", &password)]).await;
        assert_eq!(page.status, status, "{password}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn addresses_that_no_mail_can_go_to_are_refused_and_nothing_typed_becomes_a_header() {
    let hub = TestHub::start().await;
    for (number, email) in [
        "a,b@example.org",
        "ada@example.org\r\nBcc: eve@example.org",
        "Ada <ada@example.org>",
        "a@b@c",
        "ada@",
        "<a>@example.org",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("ada-{number}");
        let fields = [("username", name.as_str()), ("email", email), ("password", PASSWORD)];
        let page = Browser::new(&hub).submit("/join", "/join", &fields).await;
        assert!(page.status == 400 && page.has("Give a mail address"), "{email}: {}", page.status);
        let page = Browser::new(&hub).submit("/forgot-password", "/forgot-password", &[("email", email)]).await;
        assert_eq!(page.status, 400, "{email}");
    }
    assert_eq!(hub.count("users").await, 0);
    hub.jobs_done().await;
    assert_eq!(outbox(&hub), Vec::<String>::new());
    hub.stop().await;
}

#[tokio::test]
async fn who_has_an_account_is_not_found_out_by_signing_up_again_and_again() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    let csrf = browser.open("/join").await.csrf();
    let fields = [("csrf_token", csrf.as_str()), ("username", "x y"), ("email", "ada@example.org"), ("password", PASSWORD)];
    for _ in 0..30 {
        assert_eq!(browser.post_from("/join", &fields, "198.51.100.1").await.status, 400);
    }
    let page = browser.post_from("/join", &fields, "198.51.100.1").await;
    assert!(page.status == 429 && page.has("Too many accounts were asked for"), "{}", page.text);
    assert_eq!(browser.post_from("/join", &fields, "198.51.100.2").await.status, 400, "others go on");
    hub.stop().await;
}

/// Everything of an answer but what is another each time: the status, the headers and the body.
fn told(page: &Page, typed: &str) -> (u16, Vec<String>, String) {
    let own = |name: &str| matches!(name, "x-request-id" | "date" | "set-cookie");
    let headers = page.headers.iter().filter(|(name, _)| !own(name.as_str()));
    let mut headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers
        .extend(page.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap().split('=').next().unwrap().to_owned()));
    headers.sort();
    let body = if page.has("csrf_token") { page.text.replace(&page.csrf(), "CSRF") } else { page.text.clone() };
    (page.status, headers, body.replace(typed, "TYPED"))
}

#[tokio::test]
async fn who_has_an_account_is_not_found_out_by_logging_in_or_asking_for_mail() {
    let hub = TestHub::start().await;
    for name in ["ada", "bob", "cyd"] {
        hub.account(name).await;
    }
    // One who signs in elsewhere has no password, and one is suspended.
    hub.sql("update users set password_hash = '' where email = 'bob@example.org'").await;
    hub.sql("update users set suspended_at = now(), email_confirmed_at = now() where email = 'cyd@example.org'").await;
    // All of one length, as is what is sent back, and in no word of the pages.
    let mut answers = Vec::new();
    for name in ["zoe", "ada", "bob", "cyd"] {
        let address = format!("{name}@example.org");
        let wrong = [("username", name), ("password", "wrong horse")];
        let by_name = Browser::new(&hub).submit("/login", "/login", &wrong).await;
        let wrong = [("username", address.as_str()), ("password", "wrong horse")];
        let by_address = Browser::new(&hub).submit("/login", "/login", &wrong).await;
        let asked = Browser::new(&hub).submit("/forgot-password", "/forgot-password", &[("email", &address)]).await;
        assert_eq!((by_name.status, by_address.status, asked.status), (422, 422, 200));
        let request = reqwest::Client::new().get(format!("{}/api/whoami-v2", hub.base())).basic_auth(name, Some("wrong horse"));
        let program = request.send().await.unwrap();
        let (status, headers) = (program.status().as_u16(), program.headers().clone());
        let program = Page { status, headers, text: program.text().await.unwrap() };
        answers.push([told(&by_name, name), told(&by_address, &address), told(&asked, &address), told(&program, name)]);
    }
    hub.jobs_done().await;
    let nobody = &answers[0];
    assert_eq!(nobody[3].0, 401);
    for answer in &answers[1..] {
        assert_eq!(answer, nobody);
    }
    hub.stop().await;
}

#[tokio::test]
async fn long_fields_are_refused() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let long = "x".repeat(100_000);
    let mut browser = Browser::new(&hub);
    let page = browser.submit("/join", "/join", &[("username", &long), ("email", "x@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 400);
    let page = browser.submit("/join", "/join", &[("username", "eve"), ("email", "x@example.org"), ("password", &long)]).await;
    assert!(page.status == 400 && page.has("too long"), "{}", page.status);
    let page = browser.submit("/login", "/login", &[("username", &long), ("password", &long)]).await;
    assert_eq!(page.status, 422);
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let page = ada.submit("/settings/tokens", "/settings/tokens", &[("name", &long), ("role", "read"), ("expires", "")]).await;
    assert_eq!(page.status, 400);
    hub.stop().await;
}

#[tokio::test]
async fn secrets_in_addresses_are_passed_on_by_no_page() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    browser.submit("/forgot-password", "/forgot-password", &[("email", "ada@example.org")]).await;
    let path = crate::outbox::link(&crate::outbox::mails(&hub, 1).await[0]);
    let page = browser.open(&path).await;
    assert_eq!(page.headers["referrer-policy"], "same-origin", "no other site is told the address");
    assert!(!page.has("next=%2Freset"), "the login is not told it either");
    assert_eq!(page.headers["cache-control"], "no-store");
    for (path, kept) in [("/settings/profile", "no-store"), ("/api/whoami-v2", "no-store"), ("/", "private, no-cache")] {
        assert_eq!(Browser::logged_in(&hub, "ada").await.open(path).await.headers["cache-control"], kept, "{path}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_form_elsewhere_does_not_do_what_programs_do() {
    let hub = TestHub::start().await;
    hub.user("ada").await.create_repo("model", "ada/bert", false).await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let csrf = ada.open("/settings/profile").await.csrf();
    for (path, body) in [
        ("/ada/bert.git/info/lfs/locks", r#"{"path": "README.md"}"#),
        ("/ada/bert.git/info/lfs/objects/batch", r#"{"operation": "upload", "objects": []}"#),
        ("/api/models/ada/bert/like", "{}"),
    ] {
        assert_eq!(ada.call(reqwest::Method::POST, path, "", body).await.status, 401, "{path}");
        let page = ada.call(reqwest::Method::POST, path, &csrf, body).await;
        assert!((200..300).contains(&page.status), "{path}: {} {}", page.status, page.text);
    }
    hub.stop().await;
}
