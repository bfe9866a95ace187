//! Writing a card in the browser.

use hub_tests::{Client, TestHub, json};

use super::Browser;

const CARD: &str = "---\n# kept\nlicense: mit\nwidget:\n- text: Hello\n---\n\n# Old\n";
const EDITOR: &str = "/ada/told/edit-card";

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect(name);
    rest.split('"').next().unwrap().to_owned()
}

async fn told(hub: &TestHub) -> (Client, Browser) {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/told", false).await;
    ada.commit("/api/models/ada/told", "main", &[Client::file("README.md", CARD)], 200).await;
    (ada, Browser::logged_in(hub, "ada").await)
}

async fn card(ada: &Client) -> String {
    ada.get("/ada/told/raw/main/README.md", 200).await.text().await.unwrap()
}

#[tokio::test]
async fn fields_change_the_metadata_and_leave_the_rest() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = told(&hub).await;
    assert!(browser.open("/ada/told").await.has("href=\"/ada/told/edit-card\""));
    let page = browser.open(EDITOR).await;
    assert!(page.has("<option value=\"mit\" selected>") && page.has("# Old") && page.has("# kept"));
    let (csrf, blob, commit) = (page.csrf(), hidden(&page.text, "base-blob"), hidden(&page.text, "base-commit"));
    let yaml = "# kept\r\nlicense: mit\r\nwidget:\r\n- text: Hello\r\n";
    let mut fields = vec![
        ("csrf_token", csrf.as_str()),
        ("base-blob", &blob),
        ("base-commit", &commit),
        ("yaml", yaml),
        ("body", "# New\r\n\r\nText <script>alert(1)</script>"),
        ("meta-license", "apache-2.0"),
        ("was-license", "mit"),
        ("meta-tags", "one, two"),
        ("meta-datasets", "ada/missing"),
        ("meta-language", "de, xx"),
        ("summary", "Tell more"),
    ];
    fields.push(("action", "preview"));
    let preview = browser.post(EDITOR, &fields).await;
    assert_eq!(preview.status, 200);
    let shown = preview.text.split("Preview of the card").nth(1).unwrap();
    assert!(shown.contains("New") && shown.contains("Text") && !preview.has("<script>alert"), "the preview is safe");
    assert!(preview.has("<code>ada/missing</code> is not on this hub") && preview.has("<code>xx</code> is not a known value"));
    assert_eq!(card(&ada).await, CARD, "nothing is saved");
    fields.pop();
    // The YAML changed by hand, and the field not.
    let by_hand = "license: gpl-3.0\n";
    let mut other: Vec<_> = fields.iter().copied().filter(|(name, _)| !name.contains("license") && *name != "yaml").collect();
    other.extend([("yaml", by_hand), ("meta-license", "mit"), ("was-license", "mit"), ("action", "preview")]);
    assert!(browser.post(EDITOR, &other).await.has("<option value=\"gpl-3.0\" selected>"), "the field follows");
    fields.push(("action", "save"));
    let saved = browser.post(EDITOR, &fields).await;
    assert_eq!((saved.status, saved.location()), (303, "/ada/told"));
    let expected = "---\n# kept\nlicense: apache-2.0\nwidget:\n- text: Hello\nlanguage:\n- de\n- xx\ndatasets:\n- ada/missing\ntags:\n- one\n- two\n---\n\n\
        # New\n\nText <script>alert(1)</script>\n";
    assert_eq!(card(&ada).await, expected);
    assert!(browser.open("/ada/told/commits/main").await.has("Tell more"));
    hub.stop().await;
}

#[tokio::test]
async fn another_card_meanwhile_is_told_and_no_text_is_lost() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = told(&hub).await;
    let page = browser.open(EDITOR).await;
    let (csrf, blob, commit) = (page.csrf(), hidden(&page.text, "base-blob"), hidden(&page.text, "base-commit"));
    ada.commit("/api/models/ada/told", "main", &[Client::file("other.txt", "x")], 200).await;
    ada.commit("/api/models/ada/told", "main", &[Client::file("README.md", "# Theirs\n")], 200).await;
    let fields = [
        ("csrf_token", csrf.as_str()),
        ("base-blob", &blob),
        ("base-commit", &commit),
        ("body", "# Mine"),
        ("yaml", "license: mit"),
        ("action", "save"),
    ];
    let conflict = browser.post(EDITOR, &fields).await;
    assert_eq!(conflict.status, 409);
    assert!(
        conflict.has("Somebody else has committed another card")
            && conflict.has("# Mine")
            && conflict.has("/ada/told/compare?base=")
    );
    assert_eq!(card(&ada).await, "# Theirs\n");
    let (blob, commit) = (hidden(&conflict.text, "base-blob"), hidden(&conflict.text, "base-commit"));
    let mut fields = fields;
    (fields[1].1, fields[2].1) = (&blob, &commit);
    // Other files do not matter.
    ada.commit("/api/models/ada/told", "main", &[Client::file("third.txt", "x")], 200).await;
    assert_eq!(browser.post(EDITOR, &fields).await.status, 303);
    assert_eq!(card(&ada).await, "---\nlicense: mit\n---\n\n# Mine\n");
    hub.stop().await;
}

#[tokio::test]
async fn broken_metadata_is_refused_with_the_text_kept() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = told(&hub).await;
    let page = browser.open(EDITOR).await;
    let (csrf, blob) = (page.csrf(), hidden(&page.text, "base-blob"));
    let fields =
        [("csrf_token", csrf.as_str()), ("base-blob", &blob), ("body", "# Mine"), ("yaml", "license: [mit"), ("action", "save")];
    let refused = browser.post(EDITOR, &fields).await;
    assert!(
        refused.status == 400 && refused.has("Invalid YAML metadata") && refused.has("# Mine") && refused.has("license: [mit")
    );
    let fields = [
        ("csrf_token", csrf.as_str()),
        ("base-blob", &blob),
        ("yaml", "{license: mit}"),
        ("meta-license", "x"),
        ("action", "save"),
    ];
    assert!(browser.post(EDITOR, &fields).await.has("could not be put into the YAML"));
    assert_eq!(card(&ada).await, CARD);
    hub.stop().await;
}

#[tokio::test]
async fn an_empty_card_starts_with_a_template() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    for (kind, prefix, text) in [
        ("model", "", "## How it was trained"),
        ("dataset", "/datasets", "## What is in it"),
        ("space", "/spaces", "What the app does"),
    ] {
        let body = json!({ "type": kind, "organization": "ada", "name": format!("new-{kind}"), "sdk": "static" });
        ada.post_json("/api/repos/create", &body, 200).await;
        let page = browser.open(&format!("{prefix}/ada/new-{kind}/edit-card")).await;
        assert!(page.has(&format!("# new-{kind}")) && page.has(text), "{kind}");
    }
    hub.stop().await;
}
