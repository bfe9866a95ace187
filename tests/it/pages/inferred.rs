//! What a card leaves out and files say, and the button that puts it into the card.

use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::Browser;

const MIT: &str = "MIT License\n\nCopyright (c) 2026 Ada Lovelace\n\nPermission is hereby granted, free of charge, to any person \
    obtaining a copy of this software and associated documentation files (the \"Software\"), to deal in the Software without \
    restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell \
    copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following \
    conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or substantial portions of \
    the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED \
    TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR \
    COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, \
    ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";
const CARD: &str = "---\n# mine\ntags: [letters]\n---\n\n# Briefe\n\nDieses Modell erkennt, wovon eine Anfrage an die Verwaltung \
    handelt, und leitet sie an das richtige Amt weiter. Es wurde mit Briefen trainiert, die Bürgerinnen und Bürger über mehrere \
    Jahre geschrieben haben, und irrt sich vor allem dann, wenn eine Frage mehrere Ämter zugleich betrifft.\n";
const CONFIG: &str = r#"{"architectures": ["BertForSequenceClassification"], "model_type": "bert"}"#;
const API: &str = "/api/models/ada/letters";
const FORM: &str = "/ada/letters/add-facts";
const PANEL: &str = "Not in the card, read from the files";

async fn letters(hub: &TestHub) -> (Client, Browser) {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/letters", false).await;
    let files = [
        Client::file("README.md", CARD),
        Client::file("LICENSE", MIT),
        Client::file("config.json", CONFIG),
        Client::file("tokenizer.json", "{}"),
    ];
    ada.commit(API, "main", &files, 200).await;
    hub.jobs_done().await;
    (ada, Browser::logged_in(hub, "ada").await)
}

async fn card(ada: &Client) -> String {
    ada.get("/ada/letters/raw/main/README.md", 200).await.text().await.unwrap()
}

/// The value of the hidden field with the commit.
fn base_of(page: &str) -> String {
    page.split("name=\"base-commit\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn facts_are_shown_with_where_they_were_read() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = letters(&hub).await;
    let page = browser.open("/ada/letters").await;
    assert!(page.has(PANEL));
    for text in
        ["<span class=\"inferred-value\">mit</span>", "the words of MIT", "written in German", "BertForSequenceClassification"]
    {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    assert!(page.has("chip-inferred") && page.has("Add all that are certain"), "the language is not certain");
    // To somebody who may not write, without buttons; to programs, the card alone.
    let other = Browser::new(&hub).open("/ada/letters").await;
    assert!(other.has(PANEL) && !other.has("Add all") && !other.has(FORM));
    let info = ada.get_json(API, 200).await;
    assert_eq!(info["cardData"], json!({ "tags": ["letters"] }));
    assert_eq!((&info["pipeline_tag"], &info["library_name"]), (&"text-classification".into(), &"transformers".into()));
    hub.stop().await;
}

#[tokio::test]
async fn a_button_puts_a_fact_into_the_card() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = letters(&hub).await;
    let page = browser.open("/ada/letters").await;
    let (csrf, base) = (page.csrf(), base_of(&page.text));
    let one = browser.post(FORM, &[("csrf_token", &csrf), ("base-commit", &base), ("fact", "license")]).await;
    assert_eq!((one.status, one.location()), (303, "/ada/letters"), "{}", one.text);
    let with_license = CARD.replace("tags: [letters]\n", "tags: [letters]\nlicense: mit\n");
    assert_eq!(card(&ada).await, with_license);
    // What texts say stays, though the job has not run again: neither the licence nor the text has changed.
    let page = browser.open("/ada/letters").await;
    assert!(page.has("Added to the card: license") && page.has("written in German") && !page.has("the words of MIT"));
    let base = base_of(&page.text);
    let all = browser.post(FORM, &[("csrf_token", &csrf), ("base-commit", &base), ("fact", "all")]).await;
    assert_eq!(all.status, 303, "{}", all.text);
    let added = "license: mit\nlibrary_name: transformers\npipeline_tag: text-classification\n";
    assert_eq!(card(&ada).await, with_license.replace("license: mit\n", added));
    let page = browser.open("/ada/letters").await;
    assert!(page.has("written in German") && !page.has("chip-inferred") && !page.has("Add all"));
    assert!(browser.open("/ada/letters/commits/main").await.has("Add library_name, pipeline_tag to the card"));
    hub.stop().await;
}

#[tokio::test]
async fn who_may_not_write_proposes_it_to_the_owner() {
    let hub = TestHub::start().await;
    let (ada, mut owner) = letters(&hub).await;
    hub.account("bob").await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    let page = bob.open("/ada/letters").await;
    assert!(page.has("Propose to the owner") && page.has("Propose all that are certain") && !page.has(FORM));
    let (csrf, base) = (page.csrf(), base_of(&page.text));
    let proposal = "/ada/letters/propose-facts";
    let fields = |fact| [("csrf_token", csrf.as_str()), ("base-commit", base.as_str()), ("fact", fact)];
    let sent = bob.post(proposal, &fields("license")).await;
    assert_eq!((sent.status, sent.location()), (303, "/ada/letters/discussions/1"), "{}", sent.text);
    let thread = bob.open(sent.location()).await;
    assert!(
        thread.has("Proposed to the owner: license.") && thread.has("Add license to the card") && thread.has("the words of MIT")
    );
    assert_eq!(card(&ada).await, CARD, "no branch moves");
    // A second press, by whomever, leads to the same one.
    let again = bob.post(proposal, &fields("license")).await;
    assert_eq!(again.location(), "/ada/letters/discussions/1");
    assert!(bob.open(again.location()).await.has("This is proposed already."));
    let changed = ada.get("/ada/letters/raw/refs%2Fpr%2F1/README.md", 200).await.text().await.unwrap();
    assert_eq!(changed, CARD.replace("tags: [letters]\n", "tags: [letters]\nlicense: mit\n"));
    // The owner takes it, and the panel has one fact less.
    let merged = owner.submit("/ada/letters/discussions/1", "/ada/letters/discussions/1/merge", &[("comment", "")]).await;
    assert_eq!(merged.status, 303, "{}", merged.text);
    assert_eq!(card(&ada).await, changed);
    assert!(!bob.open("/ada/letters").await.has("the words of MIT"));
    assert_eq!(bob.post(proposal, &fields("pipeline_tag")).await.status, 409, "of an older commit");
    let fields = [("base-commit", base.as_str()), ("fact", "license")];
    assert_eq!(bob.post(proposal, &fields).await.status, 403, "the form's token is missing");
    // Strangers are asked to log in, and writers need no proposal.
    assert!(!Browser::new(&hub).open("/ada/letters").await.has("propose-facts"));
    assert!(!owner.open("/ada/letters").await.has("propose-facts"));
    // Without pull requests nothing can be proposed, and the owner goes on as before.
    assert!(bob.open("/ada/letters").await.has("propose-facts"));
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "discussionsDisabled": true }), 200).await;
    let page = bob.open("/ada/letters").await;
    assert!(page.has(PANEL) && !page.has("propose-facts") && !page.has("Propose"), "{}", page.text);
    assert!(owner.open("/ada/letters").await.has(FORM));
    hub.stop().await;
}

#[tokio::test]
async fn a_commit_meanwhile_is_told_and_nothing_is_added() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = letters(&hub).await;
    let page = browser.open("/ada/letters").await;
    let (csrf, base) = (page.csrf(), base_of(&page.text));
    let theirs = CARD.replace("tags:", "license: apache-2.0\ntags:");
    ada.commit(API, "main", &[Client::file("README.md", &theirs)], 200).await;
    let refused = browser.post(FORM, &[("csrf_token", &csrf), ("base-commit", &base), ("fact", "license")]).await;
    assert!(refused.status == 409 && refused.has("Nothing was added"), "{} {}", refused.status, refused.text);
    assert_eq!(card(&ada).await, theirs);
    // What the card says now is not offered, and cannot be sent either.
    let base = base_of(&browser.open("/ada/letters").await.text);
    let refused = browser.post(FORM, &[("csrf_token", &csrf), ("base-commit", &base), ("fact", "license")]).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        browser.post(FORM, &[("base-commit", &base), ("fact", "language")]).await.status,
        403,
        "the form's token is missing"
    );
    hub.stop().await;
}

#[tokio::test]
async fn repositories_without_a_card_get_one_and_odd_ones_are_left_alone() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = letters(&hub).await;
    let delete = json!({ "key": "deletedFile", "value": { "path": "README.md" } });
    ada.commit(API, "main", &[delete], 200).await;
    let page = browser.open("/ada/letters").await;
    let (csrf, base) = (page.csrf(), base_of(&page.text));
    hub.jobs_done().await;
    assert_eq!(browser.post(FORM, &[("csrf_token", &csrf), ("base-commit", &base), ("fact", "license")]).await.status, 303);
    assert_eq!(card(&ada).await, "---\nlicense: mit\n---\n");
    // A licence that is no text.
    ada.create_repo("dataset", "ada/odd", false).await;
    let files = [Client::file("LICENSE", "\u{0}\u{1}".repeat(3_000).as_str())];
    ada.commit("/api/datasets/ada/odd", "main", &files, 200).await;
    hub.jobs_done().await;
    assert!(!browser.open("/datasets/ada/odd").await.has(PANEL));
    hub.stop().await;
}

#[tokio::test]
async fn filters_take_files_for_tasks_and_the_card_for_licences() {
    let hub = TestHub::start().await;
    let (_ada, mut browser) = letters(&hub).await;
    hub.indexed().await;
    let tasks = browser.open("/models?pipeline_tag=text-classification").await;
    assert!(tasks.has("/ada/letters") && tasks.has("what its files say counts"));
    let licences = browser.open("/models?license=mit").await;
    assert!(!licences.has("href=\"/ada/letters\"") && !licences.has("files say counts"));
    hub.stop().await;
}
