use hub_tests::TestHub;

use super::Browser;
use super::browser::PASSWORD;

#[tokio::test]
async fn forms_without_their_token_are_refused() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.user("grace").await.create_repo("model", "grace/bert", false).await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let mut stranger = Browser::new(&hub);
    let foreign = stranger.open("/login").await.csrf();
    for path in [
        "/login",
        "/join",
        "/logout",
        "/settings/profile",
        "/settings/password",
        "/settings/tokens",
        "/settings/tokens/1/revoke",
        "/settings/sessions/00/end",
        "/organizations/new",
        "/new",
        "/grace/bert/settings/delete",
    ] {
        for token in ["", "nonsense", &foreign] {
            let page = ada.post(path, &[("csrf_token", token), ("username", "ada"), ("password", PASSWORD)]).await;
            assert_eq!(page.status, 403, "{path} with {token:?}");
            assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        }
    }
    assert!(ada.open("/").await.has("Account menu of ada"), "still logged in");
    hub.stop().await;
}

#[tokio::test]
async fn a_token_is_bound_to_its_browser() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::new(&hub);
    let csrf = browser.open("/login").await.csrf();
    browser.forget("visit");
    let fields = [("csrf_token", csrf.as_str()), ("username", "ada"), ("password", PASSWORD)];
    assert_eq!(browser.post("/login", &fields).await.status, 403);
    assert!(browser.cookie("session").is_none());
    hub.stop().await;
}

#[tokio::test]
async fn what_another_sites_page_sends_is_refused_with_a_token_too() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let csrf = ada.open("/settings/profile").await.csrf();
    let fields = [("csrf_token", csrf.as_str()), ("fullname", "Ada")];
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 303)] {
        assert_eq!(ada.post_by_a_page_of("/settings/profile", &fields, site).await.status, status, "{site}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn pages_say_what_they_may_load_and_error_pages_do_too() {
    let hub = TestHub::start().await;
    let mut browser = Browser::new(&hub);
    for (path, status) in
        [("/", 200), ("/models", 200), ("/login", 200), ("/nothing-here", 404), ("/a/b", 404), ("/datasets/a/b", 404)]
    {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("script-src 'self';")
                && policy.contains("frame-ancestors 'none'")
        );
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert!(page.has("<h1") && page.has("id=\"main\""), "{path} is a whole page");
        assert!(!page.has("<style") && !page.has(" style=") && !page.has("onclick"), "{path} has nothing inline");
    }
    let api = hub.anonymous().get("/api/models/a/b", 401).await;
    assert!(api.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    hub.stop().await;
}

#[tokio::test]
async fn static_files_are_kept_for_good_under_their_version() {
    let hub = TestHub::start().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/").await;
    let href = page.text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let style = browser.open(&href).await;
    assert!(style.headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    let version = href.split('/').nth(2).unwrap();
    let other = browser.open(&href.replace(version, "0123456789ab")).await;
    assert_eq!(other.headers["cache-control"], "no-store", "a page of another version is served, not kept");
    for path in ["/static/x/nope.js", "/static/x/../../Cargo.toml", "/static/x/%2e%2e/Cargo.toml"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn static_files_are_sent_as_small_as_the_browser_can_read_them() {
    let hub = TestHub::start().await;
    let page = Browser::new(&hub).open("/").await;
    let href = page.text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let client = hub.anonymous();
    let sent = async |accepted: &str| {
        let answer = client.request(reqwest::Method::GET, &href).header("Accept-Encoding", accepted).send().await.unwrap();
        assert_eq!(answer.headers()["vary"], "Accept-Encoding");
        let encoding = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        (encoding, answer.bytes().await.unwrap().len())
    };
    let (_, plain) = sent("identity").await;
    let (encoding, gzip) = sent("gzip, br;q=0").await;
    assert_eq!(encoding.as_deref(), Some("gzip"));
    // Nobody waits for the better one: the first answers may be in the other.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let brotli = loop {
        match sent("gzip, deflate, br, zstd").await {
            (Some(encoding), length) if encoding == "br" => break length,
            (encoding, _) => assert_eq!(encoding.as_deref(), Some("gzip")),
        }
        assert!(std::time::Instant::now() < deadline, "no brotli");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(brotli < gzip && gzip * 2 < plain, "{brotli}, {gzip} and {plain} bytes");
    assert_eq!(sent("").await, (None, plain));
    hub.stop().await;
}

#[tokio::test]
async fn pages_answer_head_like_get() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    for (path, status) in
        [("/", 200), ("/models", 200), ("/ada", 200), ("/login", 200), ("/signup", 308), ("/nobody", 404), ("/robots.txt", 200)]
    {
        let response = hub.anonymous().head(path, status).await;
        assert!(response.bytes().await.unwrap().is_empty(), "{path}");
    }
    hub.stop().await;
}
