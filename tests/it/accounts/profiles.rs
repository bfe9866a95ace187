//! What people show of themselves: texts, addresses, pictures.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::TestHub;
use reqwest::multipart::{Form, Part};

use crate::pages::browser::{Browser, Page};

const PROFILE: &str = "/settings/profile";

/// A PNG of one colour that follows from its width, made without a library.
fn png(width: u32, height: u32) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        let length = u32::try_from(data.len()).unwrap();
        [&length.to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
    };
    let colour = u8::try_from(width % 251).unwrap();
    let row = [&[0][..], &vec![colour; usize::try_from(width).unwrap() * 3]].concat();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..height {
        std::io::Write::write_all(&mut encoder, &row).unwrap();
    }
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let body = encoder.finish().unwrap();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &head), chunk(b"IDAT", &body), chunk(b"IEND", b"")].concat()
}

async fn upload(browser: &mut Browser, page: &str, action: &str, bytes: Vec<u8>) -> Page {
    let csrf = browser.open(page).await.csrf();
    let form = Form::new().text("csrf_token", csrf).part("picture", Part::bytes(bytes).file_name("me.png"));
    browser.send_form(action, form).await
}

#[tokio::test]
async fn a_picture_is_shown_wherever_its_owner_is() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    let client = hub.token(&ada, TokenRole::Write).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert!(!browser.open("/ada").await.has("<img class=\"avatar"));
    let drawing = browser.open("/avatars/ada.svg").await;
    assert_eq!((drawing.headers["content-type"].to_str().unwrap(), drawing.has(">A<")), ("image/svg+xml", true));

    let page = upload(&mut browser, PROFILE, "/settings/picture", png(600, 400)).await;
    assert_eq!((page.status, page.location()), (303, PROFILE), "{}", page.text);
    let whoami = client.get_json("/api/whoami-v2", 200).await;
    let address = whoami["avatarUrl"].as_str().unwrap().to_owned();
    assert!(address.starts_with("/avatars/ada/") && address.ends_with(".png"), "{address}");
    for path in ["/ada", "/acme", "/settings/profile", "/organizations/acme/settings"] {
        assert!(browser.open(path).await.has(&format!("src=\"{address}\"")), "{path}");
    }
    let overview = client.get_json("/api/users/ada/overview", 200).await;
    assert_eq!(overview["avatarUrl"], address.as_str());
    let moved = browser.get("/avatars/ada.svg").await;
    assert_eq!((moved.status, moved.location()), (302, address.as_str()));
    let picture = browser.open(&address).await;
    assert_eq!(picture.headers["content-type"], "image/png");
    assert_eq!(picture.headers["x-content-type-options"], "nosniff");
    assert!(picture.headers["cache-control"].to_str().unwrap().contains("immutable"));

    // Another takes its place, and the old address leads there.
    let page = upload(&mut browser, PROFILE, "/settings/picture", png(30, 30)).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let second = client.get_json("/api/whoami-v2", 200).await["avatarUrl"].as_str().unwrap().to_owned();
    assert_eq!(browser.get(&address).await.location(), second);
    assert_eq!(browser.submit(PROFILE, "/settings/picture/remove", &[]).await.status, 303);
    assert_eq!(client.get_json("/api/whoami-v2", 200).await["avatarUrl"], "/avatars/ada.svg");
    assert_eq!(browser.open(&second).await.headers["content-type"], "image/svg+xml");

    let settings = "/organizations/acme/settings";
    assert_eq!(upload(&mut browser, settings, "/organizations/acme/picture", png(64, 64)).await.status, 303);
    let organization = client.get_json("/api/organizations/acme/overview", 200).await;
    assert!(organization["avatarUrl"].as_str().unwrap().starts_with("/avatars/acme/"), "{organization}");
    hub.stop().await;
}

#[tokio::test]
async fn only_pictures_of_a_bearable_size_are_taken() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec();
    // A small file that would become 147 MB.
    let bomb = png(7_000, 7_000);
    assert!(bomb.len() < 4_000_000, "{}", bomb.len());
    for (bytes, said) in [
        (svg, "This is no picture"),
        (b"<html><script>alert(1)</script>".to_vec(), "This is no picture"),
        (bomb, "This picture is too large"),
        (vec![7; 5 * 1024 * 1024], "a picture has at most 4 MB"),
        (Vec::new(), "Choose a picture first."),
    ] {
        let page = upload(&mut browser, PROFILE, "/settings/picture", bytes).await;
        assert!(page.status == 400 && page.has(said) && page.has("aria-invalid"), "{said}: {} {}", page.status, page.text);
    }
    assert_eq!(hub.count("pictures").await, 0);
    for path in ["/avatars/ada/x%00.png", "/avatars/ada/0123456789abcdef.png", "/avatars/%2e%2e/0.png", "/avatars/%0d%0aX: y.svg"]
    {
        let page = browser.get(path).await;
        assert!(page.status < 500 && !page.headers.contains_key("x"), "{path}: {}", page.status);
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_profile_has_texts_and_addresses_that_lead_where_they_say() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let fields = [
        ("fullname", "Ada Lovelace"),
        ("details", "Analyst"),
        ("homepage", "https://www.example.org/ada/"),
        ("links", "https://example.com/@ada\r\n\r\n  https://example.net  "),
    ];
    assert_eq!(browser.submit(PROFILE, PROFILE, &fields).await.status, 303);
    let page = Browser::new(&hub).open("/ada").await;
    for text in
        ["Ada Lovelace", "Analyst", ">example.org/ada<", ">example.com/@ada<", ">example.net<", "rel=\"nofollow ugc noopener\""]
    {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    let many = "https://example.org/\n".repeat(6);
    let long = format!("https://example.org/{}", "x".repeat(300));
    for (field, value, said) in [
        ("homepage", "javascript:alert(1)", "Give whole addresses"),
        ("homepage", "//example.org", "Give whole addresses"),
        ("homepage", "https://ada:secret@example.org", "Give whole addresses"),
        ("homepage", long.as_str(), "under 300 characters"),
        ("links", "https://example.org\ndata:text/html,x", "Give whole addresses"),
        ("links", many.as_str(), "Keep it to 5 links"),
        ("fullname", "Ada\u{202e}", "control characters"),
        ("fullname", "Ada\u{0}", "control characters"),
        ("details", &"x".repeat(1001), "under 1000 characters"),
    ] {
        let page = browser.submit(PROFILE, PROFILE, &[(field, value)]).await;
        assert!(page.status == 400 && page.has(said), "{field} {value}: {} {}", page.status, page.text);
    }
    assert!(Browser::new(&hub).open("/ada").await.has("Ada Lovelace"), "nothing has changed");
    hub.stop().await;
}
