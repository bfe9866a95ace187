//! Changing files in the browser, without a script.

use hub_tests::{Client, TestHub};

use super::Browser;
use crate::lfs::{Large, upload};

const API: &str = "/api/models/ada/files";

async fn with_files(hub: &TestHub, files: &[(&str, &str)]) -> (Client, Browser) {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/files", false).await;
    let lines: Vec<_> = files.iter().map(|(path, text)| Client::file(path, text)).collect();
    ada.commit(API, "main", &lines, 200).await;
    (ada, Browser::logged_in(hub, "ada").await)
}

fn hidden(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect(name);
    rest.split('"').next().unwrap().to_owned()
}

async fn raw(ada: &Client, path: &str) -> String {
    ada.get(&format!("/ada/files/raw/main/{path}"), 200).await.text().await.unwrap()
}

/// The form of an editor, with this text and action.
async fn write(browser: &mut Browser, address: &str, form: &[(&str, &str)]) -> super::browser::Page {
    let page = browser.open(address).await;
    let (csrf, blob, commit) = (page.csrf(), hidden(&page.text, "base-blob"), hidden(&page.text, "base-commit"));
    let mut fields = vec![("csrf_token", csrf.as_str()), ("base-blob", &blob), ("base-commit", &commit)];
    fields.extend_from_slice(form);
    browser.post(address, &fields).await
}

#[tokio::test]
async fn a_file_is_edited_previewed_compared_and_keeps_its_line_breaks() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = with_files(&hub, &[("docs/a.md", "# Old\r\n\r\nText\r\n")]).await;
    let address = "/ada/files/edit/main/docs/a.md";
    assert!(browser.open("/ada/files/blob/main/docs/a.md").await.has(address));
    let text = "# New\r\n\r\nText <script>alert(1)</script>\r\n";
    let preview = write(&mut browser, address, &[("text", text), ("action", "preview")]).await;
    assert!(preview.has("aria-label=\"Preview\"") && !preview.has("<script>alert"), "{}", preview.text);
    let diff = write(&mut browser, address, &[("text", text), ("action", "diff")]).await;
    assert!(diff.has("# <mark>Old</mark>") && diff.has("# <mark>New</mark>"), "{}", diff.text);
    assert_eq!(raw(&ada, "docs/a.md").await, "# Old\r\n\r\nText\r\n", "nothing is saved");
    let form = [("text", text), ("action", "save"), ("summary", "Say more"), ("description", "Because.\r\nTwice.")];
    let saved = write(&mut browser, address, &form).await;
    assert_eq!((saved.status, saved.location()), (303, "/ada/files/blob/main/docs/a.md"), "{}", saved.text);
    assert_eq!(raw(&ada, "docs/a.md").await, text);
    let commits = ada.get_json(&format!("{API}/commits/main"), 200).await;
    assert_eq!((&commits[0]["title"], &commits[0]["message"]), (&"Say more".into(), &"Because.\nTwice.".into()));
    hub.stop().await;
}

#[tokio::test]
async fn another_version_meanwhile_is_told_and_can_be_overwritten() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = with_files(&hub, &[("a.txt", "one\n")]).await;
    let address = "/ada/files/edit/main/a.txt";
    let page = browser.open(address).await;
    let (csrf, blob, commit) = (page.csrf(), hidden(&page.text, "base-blob"), hidden(&page.text, "base-commit"));
    ada.commit(API, "main", &[Client::file("b.txt", "another file does not matter")], 200).await;
    ada.commit(API, "main", &[Client::file("a.txt", "theirs\n")], 200).await;
    let form =
        [("csrf_token", csrf.as_str()), ("base-blob", &blob), ("base-commit", &commit), ("text", "mine\n"), ("action", "save")];
    let told = browser.post(address, &form).await;
    assert_eq!(told.status, 409);
    assert!(told.has("Somebody else has committed") && told.has("mine") && told.has("/ada/files/compare?base="));
    assert_eq!(raw(&ada, "a.txt").await, "theirs\n");
    let (blob, commit) = (hidden(&told.text, "base-blob"), hidden(&told.text, "base-commit"));
    let form =
        [("csrf_token", csrf.as_str()), ("base-blob", &blob), ("base-commit", &commit), ("text", "mine\n"), ("action", "save")];
    assert_eq!(browser.post(address, &form).await.status, 303);
    assert_eq!(raw(&ada, "a.txt").await, "mine\n");
    hub.stop().await;
}

#[tokio::test]
async fn new_files_have_their_folders_and_names_that_are_taken_or_bad_are_refused_at_the_field() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = with_files(&hub, &[("src/a.py", "1\n"), (".gitattributes", "*.bin filter=lfs -text\n")]).await;
    let address = "/ada/files/new/main/src";
    assert!(browser.open("/ada/files/tree/main/src").await.has(address));
    let form = [("path", "deep/b \u{e9}.py"), ("text", "print(1)\n"), ("action", "save")];
    let made = write(&mut browser, address, &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    assert_eq!(raw(&ada, "src/deep/b%20%C3%A9.py").await, "print(1)\n");
    for (path, says) in
        [("a.py", "already"), ("deep", "already"), ("", "a name"), ("../x", "not a path"), (".git/config", "not a path")]
    {
        let refused = write(&mut browser, address, &[("path", path), ("text", "mine"), ("action", "save")]).await;
        assert!(matches!(refused.status, 400 | 409), "{path}: {}", refused.status);
        assert!(refused.has(says) && refused.has("mine") && refused.has("aria-invalid=\"true\""), "{path}: {}", refused.text);
    }
    write(&mut browser, "/ada/files/new/main", &[("path", "x.bin"), ("text", "by the rules"), ("action", "save")]).await;
    let entry = ada.post_json(&format!("{API}/paths-info/main"), &hub_tests::json!({ "paths": ["x.bin"] }), 200).await;
    assert_eq!(entry[0]["lfs"]["size"], 12, "what the rules say is large is large");
    let card = write(
        &mut browser,
        "/ada/files/new/main",
        &[("path", "README.md"), ("text", "---\nlicense: [\n---\n"), ("action", "save")],
    )
    .await;
    assert!(card.status == 400 && card.has("Invalid metadata"), "{}", card.text);
    hub.stop().await;
}

#[tokio::test]
async fn what_is_no_text_is_not_edited_here() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = with_files(&hub, &[("a.txt", "a")]).await;
    let weights = Large::of(2000, 1);
    upload(&ada, "ada/files", &weights).await;
    let line =
        hub_tests::json!({ "key": "lfsFile", "value": { "path": "w.bin", "algo": "sha256", "oid": weights.oid, "size": 2000 } });
    ada.commit(API, "main", &[line], 200).await;
    assert!(!browser.open("/ada/files/blob/main/w.bin").await.has("/edit/main/"));
    assert_eq!(browser.get("/ada/files/edit/main/w.bin").await.status, 422);
    assert_eq!(browser.get("/ada/files/edit/main/none.txt").await.status, 404);
    assert_eq!(browser.get("/ada/files/edit/nowhere/a.txt").await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn files_are_moved_deleted_and_restored_large_ones_too() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = with_files(&hub, &[("a.txt", "one\n"), ("d/x.txt", "x"), ("d/y.txt", "y")]).await;
    let weights = Large::of(2000, 1);
    upload(&ada, "ada/files", &weights).await;
    let line =
        hub_tests::json!({ "key": "lfsFile", "value": { "path": "w.bin", "algo": "sha256", "oid": weights.oid, "size": 2000 } });
    ada.commit(API, "main", &[line], 200).await;
    let send = async |browser: &mut Browser, address: &str, more: &[(&str, &str)]| {
        let page = browser.open(address).await;
        let (csrf, seen, from) = (page.csrf(), hidden(&page.text, "seen"), hidden(&page.text, "from"));
        let mut fields = vec![("csrf_token", csrf.as_str()), ("seen", &seen), ("from", &from)];
        fields.extend_from_slice(more);
        browser.post(address, &fields).await
    };

    let moved = send(&mut browser, "/ada/files/move/main/w.bin", &[("target", "weights/w 2.bin")]).await;
    assert_eq!(moved.location(), "/ada/files/blob/main/weights/w%202.bin");
    let bytes = ada.get("/ada/files/resolve/main/weights/w%202.bin", 200).await.bytes().await.unwrap();
    assert!(bytes == weights.bytes);
    let taken = send(&mut browser, "/ada/files/move/main/a.txt", &[("target", "d/x.txt")]).await;
    assert!(taken.status == 409 && taken.has("already"), "{}", taken.text);
    let same = send(&mut browser, "/ada/files/move/main/a.txt", &[("target", "a.txt")]).await;
    assert_eq!(same.status, 400);
    let inside = send(&mut browser, "/ada/files/move/main/a.txt", &[("target", "a.txt/b.txt"), ("summary", "Make room")]).await;
    assert_eq!(inside.location(), "/ada/files/blob/main/a.txt/b.txt", "{}", inside.text);

    let folder = browser.get("/ada/files/move/main/d").await;
    assert!(folder.status == 422 && folder.has("Only files can be moved") && !folder.has("name=\"target\""), "{}", folder.text);
    let gone = send(&mut browser, "/ada/files/delete/main/d", &[]).await;
    assert_eq!(gone.location(), "/ada/files/tree/main");
    assert_eq!(browser.get("/ada/files/tree/main/d").await.status, 404);
    assert_eq!(browser.get("/ada/files/delete/main/d").await.status, 404);

    // The deletion is in the history of the file; the commit before has it.
    let commits = ada.get_json(&format!("{API}/commits/main"), 200).await;
    let title = |index: usize| commits[index]["title"].as_str().unwrap().to_owned();
    assert_eq!((title(0), title(1)), ("Delete d".to_owned(), "Make room".to_owned()));
    let before = commits[1]["id"].as_str().unwrap();
    let history = browser.open("/ada/files/commits/main/d/x.txt").await;
    assert!(history.has("/ada/files/restore/main/d/x.txt?from="), "{}", history.text);
    let address = format!("/ada/files/restore/main/d/x.txt?from={before}");
    let restored = send(&mut browser, &address, &[]).await;
    assert_eq!(restored.location(), "/ada/files/blob/main/d/x.txt", "{}", restored.text);
    assert_eq!(raw(&ada, "d/x.txt").await, "x");

    // Large files come back by their pointer.
    let first = commits[2]["id"].as_str().unwrap();
    let large =
        send(&mut browser, &format!("/ada/files/restore/main/w.bin?from={}", commits[3]["id"].as_str().unwrap()), &[]).await;
    assert_eq!(large.status, 303, "{first}: {}", large.text);
    let bytes = ada.get("/ada/files/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    assert!(bytes == weights.bytes);

    let page = browser.open("/ada/files/delete/main/d/x.txt").await;
    assert!(page.has("This file will be gone from the branch."), "{}", page.text);
    let (csrf, seen) = (page.csrf(), hidden(&page.text, "seen"));
    ada.commit(API, "main", &[Client::file("d/x.txt", "other")], 200).await;
    let stale = browser.post("/ada/files/delete/main/d/x.txt", &[("csrf_token", &csrf), ("seen", &seen)]).await;
    assert!(stale.status == 409 && stale.has("changed while"), "{}", stale.text);
    assert_eq!(raw(&ada, "d/x.txt").await, "other");
    hub.stop().await;
}

#[tokio::test]
async fn tags_are_made_where_branches_are() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = with_files(&hub, &[("a.txt", "one\n")]).await;
    let tree = browser.open("/ada/files/tree/main").await;
    assert!(tree.has("data-menu-create") && !Browser::new(&hub).open("/ada/files/tree/main").await.has("data-menu-create"));
    let form = [("name", "v1"), ("start", "main"), ("kind", "tag")];
    let made = browser.submit("/ada/files/refs", "/ada/files/refs/create", &form).await;
    assert_eq!(made.location(), "/ada/files/tree/v1", "{}", made.text);
    let refs = ada.get_json(&format!("{API}/refs"), 200).await;
    assert_eq!((&refs["tags"][0]["name"], refs["branches"].as_array().unwrap().len()), (&"v1".into(), 1));
    let again = browser.submit("/ada/files/refs", "/ada/files/refs/create", &form).await;
    assert!(again.status == 409 && again.has("aria-invalid"), "{}", again.text);
    hub.stop().await;
}

#[tokio::test]
async fn owners_and_repositories_may_have_the_names_of_routes() {
    let hub = TestHub::start().await;
    let (ada, resolve) = (hub.user("ada").await, hub.user("resolve").await);
    for name in ["raw", "resolve"] {
        for kind in ["model", "dataset"] {
            ada.create_repo(kind, &format!("ada/{name}"), false).await;
            let prefix = if kind == "model" { "" } else { "datasets/" };
            ada.commit(&format!("/api/{kind}s/ada/{name}"), "main", &[Client::file("main/f.txt", name)], 200).await;
            let at = format!("/{prefix}ada/{name}");
            assert!(ada.get(&format!("{at}/tree/main/main"), 200).await.text().await.unwrap().contains("f.txt"));
            assert_eq!(ada.get(&format!("{at}/{name}/main/main/f.txt"), 200).await.text().await.unwrap(), name);
        }
    }
    resolve.create_repo("model", "resolve/bert", false).await;
    assert_eq!(resolve.get_json("/api/models/resolve/bert", 200).await["id"], "resolve/bert");
    resolve.get("/resolve/bert/tree/main", 200).await;
    resolve.get("/resolve/bert/resolve/main/.gitattributes", 200).await;
    // Ids without a namespace are of no repository.
    for path in ["/datasets/squad/resolve/main/f.txt", "/gpt2/resolve/main/f.txt"] {
        assert_eq!(ada.get(path, 404).await.headers()["x-error-code"], "RepoNotFound");
    }
    hub.stop().await;
}

#[tokio::test]
async fn folders_are_not_restored_nor_offered_to_be() {
    let hub = TestHub::start().await;
    let (ada, mut browser) = with_files(&hub, &[("d/x.txt", "x"), ("f", "a file")]).await;
    let commits = ada.get_json(&format!("{API}/commits/main"), 200).await;
    let before = commits[0]["id"].as_str().unwrap();
    let gone = |path: &str| hub_tests::json!({ "key": "deletedFile", "value": { "path": path } });
    ada.commit(API, "main", &[gone("d/x.txt"), gone("f"), Client::file("f/y.txt", "y")], 200).await;
    assert!(!browser.open("/ada/files/commits/main/d").await.has("/restore/main/d?from="));
    assert!(browser.open("/ada/files/commits/main/d/x.txt").await.has("/restore/main/d/x.txt?from="));
    let folder = browser.get(&format!("/ada/files/restore/main/d?from={before}")).await;
    assert!(folder.status == 422 && folder.has("Only files can be moved and restored here"), "{}", folder.text);
    // A file in whose place a folder is can be looked at.
    let page = browser.open(&format!("/ada/files/restore/main/f?from={before}")).await;
    assert!(page.has("a file"), "{}", page.text);
    hub.stop().await;
}
