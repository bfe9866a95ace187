use hub_tests::{Client, TestHub};

use super::Browser;

const CARD: &str = "---\nlicense: other\nlicense_name: \"<script>alert(1)</script>\"\ntags: [\"<img src=x onerror=alert(1)>\"]\n---\n\
    # T<script>document.title='owned'</script>\n\n<img src=\"x\" onerror=\"alert(1)\">\n\n[x](javascript:alert(1))\n\n\
    <form action=\"/logout\" method=\"post\"><button>x</button></form>\n\n<div class=\"site-header\" style=\"position:fixed\">x</div>\n";

#[tokio::test]
async fn cards_names_and_messages_cannot_bring_markup_of_their_own() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bad", false).await;
    let lines = [
        Client::file("README.md", CARD),
        Client::file("<script>alert(1)<.py", "</code><script>alert(1)</script>\n"),
        Client::file("\"onmouseover=alert(1) x=\".txt", "x"),
    ];
    ada.commit("/api/models/ada/bad", "main", &lines, 200).await;
    let mut browser = Browser::new(&hub);
    for path in [
        "/ada/bad",
        "/ada/bad/tree/main",
        "/ada/bad/blob/main/README.md",
        "/ada/bad/blob/main/README.md?plain=1",
        "/ada/bad/blob/main/%3Cscript%3Ealert(1)%3C.py",
        "/ada/bad/blob/main/%22onmouseover=alert(1)%20x=%22.txt",
        "/ada/bad/commit/main",
        "/ada/bad/commits/main",
        "/models?search=%3Cscript%3Ealert(1)%3C/script%3E&other=%22%3E%3Cscript%3Ealert(1)",
        "/models",
        "/login?next=%22%3E%3Cscript%3Ealert(1)",
    ] {
        let page = browser.open(path).await;
        // The page has one script element of its own, which loads a file.
        assert_eq!(page.text.matches("<script").count(), 1, "{path}");
        for text in ["<img src=\"x\"", "<img src=x", " onerror=\"", "href=\"javascript:", "\"onmouseover", " style=\""] {
            assert!(!page.has(text), "{path} has {text}");
        }
        assert_eq!(page.text.matches("class=\"site-header\"").count(), 1, "{path}");
        assert!(!page.has("<form action=\"/logout\""), "{path}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_card_with_broken_metadata_is_shown_with_a_warning() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/odd", false).await;
    let page = Browser::new(&hub).open("/ada/odd").await;
    assert!(page.has("has no files yet"));
    let big = "x".repeat(3000);
    let lines = [
        Client::file("notes.txt", &format!("{big}\n\u{0}")),
        Client::file("empty.py", ""),
        Client::file("long.txt", &"line\n".repeat(6000)),
    ];
    ada.commit("/api/models/ada/odd", "main", &lines, 200).await;
    let mut browser = Browser::new(&hub);
    assert!(browser.open("/ada/odd").await.has("No model card"));
    assert!(browser.open("/ada/odd/blob/main/notes.txt").await.has("This file is not text."));
    assert!(browser.open("/ada/odd/blob/main/empty.py").await.has("This file is empty."));
    let page = browser.open("/ada/odd/blob/main/long.txt").await;
    assert!(page.has("id=\"L5000\"") && !page.has("id=\"L5001\"") && page.has("not shown here"));
    hub.stop().await;
}
