//! Changes that are proposed in the browser, without a script.

use hub_tests::{Client, TestHub, json};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use super::{API, open, path, start};
use crate::pages::browser::{Browser, Page};
use crate::work::Work;
use crate::xet::client::random;

const EDIT: &str = "/ada/bert/edit/main/a.txt";

/// A hub with files in ada's model, and a browser of bob's, who may only read it.
async fn with_files() -> (TestHub, Client, Browser) {
    let (hub, ada, _) = start().await;
    let files = [("README.md", "# Bert\n"), ("a.txt", "one\n"), ("d/x.txt", "x\n")];
    ada.commit(API, "main", &files.map(|(path, text)| Client::file(path, text)), 200).await;
    let bob = Browser::logged_in(&hub, "bob").await;
    (hub, ada, bob)
}

/// The value of a hidden field, if the page has it.
fn hidden(page: &str, name: &str) -> Option<String> {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
    rest.split('"').next().map(str::to_owned)
}

/// Opens the page of a form that changes files and sends it.
async fn send(browser: &mut Browser, address: &str, more: &[(&str, &str)]) -> Page {
    let page = browser.open(address).await;
    let names = ["csrf_token", "base-blob", "base-commit", "seen", "from"];
    let kept: Vec<_> = names.into_iter().filter_map(|name| Some((name, hidden(&page.text, name)?))).collect();
    let mut fields: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.extend_from_slice(more);
    browser.post(address, &fields).await
}

/// Where a form led that was not refused.
fn led_to(page: &Page) -> &str {
    assert_eq!(page.status, 303, "{}", page.text);
    page.location()
}

async fn text_at(client: &Client, revision: &str, file: &str) -> String {
    client.get(&format!("/ada/bert/raw/{revision}/{file}"), 200).await.text().await.unwrap()
}

async fn newest(client: &Client, revision: &str) -> (String, String) {
    let commits = client.get_json(&format!("{API}/commits/{revision}"), 200).await;
    (commits[0]["id"].as_str().unwrap().to_owned(), commits[0]["title"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_reader_edits_makes_moves_deletes_and_uploads_in_pull_requests() {
    let (hub, ada, mut bob) = with_files().await;
    let main = newest(&ada, "main").await;
    let page = bob.open("/ada/bert/blob/main/a.txt").await;
    assert!(page.has(EDIT) && page.has("Propose changes") && page.has("Propose to delete"), "{}", page.text);
    assert!(bob.open("/ada/bert/tree/main").await.has("Propose a new file"));
    let stranger = Browser::new(&hub).open("/ada/bert/blob/main/a.txt").await;
    assert!(!stranger.has("/edit/main/") && !stranger.has("Propose"));
    let page = bob.open(EDIT).await;
    assert!(page.has("Title of the pull request") && page.has("This opens a pull request") && !page.has("value=\"branch\""));

    let form =
        [("to", "pull"), ("text", "two\n"), ("action", "save"), ("summary", "Count on"), ("description", "As **two** follows.")];
    assert_eq!(led_to(&send(&mut bob, EDIT, &form).await), "/ada/bert/discussions/1");
    let thread = bob.open("/ada/bert/discussions/1").await;
    assert!(thread.has("Your change is proposed in #1.") && thread.has("<strong>two</strong>"), "{}", thread.text);
    let found = ada.get_json(&path(1, "?diff=1"), 200).await;
    assert_eq!(
        (&found["title"], &found["status"], &found["isPullRequest"], &found["author"]["name"]),
        (&json!("Count on"), &json!("open"), &json!(true), &json!("bob"))
    );
    assert_eq!(text_at(&ada, "refs%2Fpr%2F1", "a.txt").await, "two\n");

    let form = [("to", "pull"), ("path", "deep/y.txt"), ("text", "y\n"), ("action", "save")];
    assert_eq!(led_to(&send(&mut bob, "/ada/bert/new/main/d", &form).await), "/ada/bert/discussions/2");
    assert_eq!(text_at(&ada, "refs%2Fpr%2F2", "d/deep/y.txt").await, "y\n");
    assert_eq!(newest(&ada, "refs%2Fpr%2F2").await.1, "Create d/deep/y.txt");
    let moved = send(&mut bob, "/ada/bert/move/main/a.txt", &[("to", "pull"), ("target", "b.txt")]).await;
    assert_eq!(led_to(&moved), "/ada/bert/discussions/3");
    assert_eq!(text_at(&ada, "refs%2Fpr%2F3", "b.txt").await, "one\n");
    ada.get("/ada/bert/raw/refs%2Fpr%2F3/a.txt", 404).await;
    assert!(bob.open("/ada/bert/delete/main/d").await.has("gone from the branch once the pull request is merged"));
    let gone = send(&mut bob, "/ada/bert/delete/main/d", &[("to", "pull")]).await;
    assert_eq!(led_to(&gone), "/ada/bert/discussions/4");
    ada.get("/ada/bert/raw/refs%2Fpr%2F4/d/x.txt", 404).await;

    let upload = "/ada/bert/upload/main/d";
    let csrf = bob.open(upload).await.csrf();
    let file = |name: &str, bytes: &[u8]| Part::bytes(bytes.to_vec()).file_name(name.to_owned());
    let form = Form::new().text("csrf_token", csrf).text("to", "pull").part("files", file("z.txt", b"z\n"));
    assert_eq!(led_to(&bob.send_form(upload, form).await), "/ada/bert/discussions/5");
    assert_eq!(text_at(&ada, "refs%2Fpr%2F5", "d/z.txt").await, "z\n");

    assert!(bob.open("/ada/bert").await.has("Propose changes"));
    let form = [("to", "pull"), ("yaml", "license: mit"), ("body", "# Better"), ("description", "Why not?"), ("action", "save")];
    assert_eq!(led_to(&send(&mut bob, "/ada/bert/edit-card", &form).await), "/ada/bert/discussions/6");
    assert_eq!(text_at(&ada, "refs%2Fpr%2F6", "README.md").await, "---\nlicense: mit\n---\n\n# Better\n");
    assert_eq!(newest(&ada, "main").await, main, "no branch moved");
    hub.stop().await;
}

#[tokio::test]
async fn who_may_write_chooses_between_a_commit_and_a_pull_request() {
    let (hub, ada, _) = with_files().await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let page = browser.open(EDIT).await;
    assert!(page.has("name=\"to\" value=\"branch\" checked") && page.has("name=\"to\" value=\"pull\">"), "{}", page.text);
    let form = [("to", "branch"), ("text", "two\n"), ("action", "save")];
    assert_eq!(led_to(&send(&mut browser, EDIT, &form).await), "/ada/bert/blob/main/a.txt");
    let form = [("to", "pull"), ("text", "three\n"), ("action", "save")];
    assert_eq!(led_to(&send(&mut browser, EDIT, &form).await), "/ada/bert/discussions/1");
    assert_eq!(
        (text_at(&ada, "main", "a.txt").await, text_at(&ada, "refs%2Fpr%2F1", "a.txt").await),
        ("two\n".into(), "three\n".into())
    );
    // What was chosen stays chosen while the text is looked at.
    let preview =
        send(&mut browser, "/ada/bert/edit/main/README.md", &[("to", "pull"), ("text", "# B"), ("action", "preview")]).await;
    assert!(preview.has("name=\"to\" value=\"pull\" checked"), "{}", preview.text);
    // Large files of a pull request are no matter for those who may write.
    let upload = "/ada/bert/upload/main";
    let part = Part::bytes(b"\0\x01".to_vec()).file_name("w.bin");
    let form = Form::new().text("csrf_token", browser.open(upload).await.csrf()).text("to", "pull").part("files", part);
    assert_eq!(led_to(&browser.send_form(upload, form).await), "/ada/bert/discussions/2");
    let entry = ada.post_json(&format!("{API}/paths-info/refs%2Fpr%2F2"), &json!({ "paths": ["w.bin"] }), 200).await;
    assert_eq!(entry[0]["lfs"]["size"], 2);

    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "discussionsDisabled": true }), 200).await;
    assert!(!browser.open(EDIT).await.has("name=\"to\""), "there is nothing to choose");
    let refused = send(&mut browser, EDIT, &[("to", "pull"), ("text", "mine\n"), ("action", "save")]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.has("are turned off") && refused.has("mine"), "{}", refused.text);
    assert_eq!(led_to(&send(&mut browser, EDIT, &[("text", "four\n"), ("action", "save")]).await), "/ada/bert/blob/main/a.txt");
    hub.stop().await;
}

#[tokio::test]
async fn the_files_of_a_pull_request_change_for_who_opened_it_and_for_writers() {
    let (hub, ada, mut bob) = with_files().await;
    hub.user("carol").await;
    led_to(&send(&mut bob, EDIT, &[("to", "pull"), ("text", "two\n"), ("action", "save")]).await);
    let (blob, edit) = ("/ada/bert/blob/refs%2Fpr%2F1/a.txt", "/ada/bert/edit/refs%2Fpr%2F1/a.txt");
    let page = bob.open(blob).await;
    assert!(page.has(edit) && !page.has("Propose changes"), "{}", page.text);
    assert!(bob.open("/ada/bert/discussions/1").await.has("/ada/bert/tree/refs%2Fpr%2F1"));
    let page = bob.open(edit).await;
    assert!(page.has("This adds a commit to the pull request") && page.has("Add to #1"), "{}", page.text);
    let form = [("text", "three\n"), ("action", "save"), ("summary", "Count on")];
    assert_eq!(led_to(&send(&mut bob, edit, &form).await), "/ada/bert/discussions/1");
    assert!(bob.open("/ada/bert/delete/refs%2Fpr%2F1/d/x.txt").await.has("will be gone from pull request #1."));
    let deleted = send(&mut bob, "/ada/bert/delete/refs%2Fpr%2F1/d/x.txt", &[]).await;
    assert_eq!(led_to(&deleted), "/ada/bert/discussions/1");
    let mut browser = Browser::logged_in(&hub, "ada").await;
    led_to(&send(&mut browser, "/ada/bert/new/refs%2Fpr%2F1", &[("path", "n.txt"), ("text", "n\n"), ("action", "save")]).await);
    let moved = send(&mut browser, "/ada/bert/move/refs%2Fpr%2F1/n.txt", &[("target", "m.txt")]).await;
    assert_eq!(led_to(&moved), "/ada/bert/discussions/1");
    let upload = "/ada/bert/upload/refs%2Fpr%2F1";
    let part = Part::bytes(b"z\n".to_vec()).file_name("z.txt");
    let form = Form::new().text("csrf_token", bob.open(upload).await.csrf()).part("files", part);
    assert_eq!(led_to(&bob.send_form(upload, form).await), "/ada/bert/discussions/1");
    let commits = ada.get_json(&format!("{API}/commits/refs%2Fpr%2F1"), 200).await;
    let titles: Vec<&str> = commits.as_array().unwrap().iter().take(6).map(|row| row["title"].as_str().unwrap()).collect();
    let expected = ["Upload 1 file", "Move n.txt to m.txt", "Create n.txt", "Delete d/x.txt", "Count on", "Update a.txt"];
    assert_eq!(titles, expected);
    assert_eq!(
        (text_at(&ada, "main", "a.txt").await, text_at(&ada, "refs%2Fpr%2F1", "a.txt").await),
        ("one\n".into(), "three\n".into())
    );
    assert_eq!(hub.count("discussions").await, 1);

    let mut carol = Browser::logged_in(&hub, "carol").await;
    assert!(!carol.open(blob).await.has(edit));
    assert_eq!(carol.get(edit).await.status, 403);
    ada.post_json(&path(1, "/status"), &json!({ "status": "closed" }), 200).await;
    assert!(!bob.open(blob).await.has(edit));
    assert_eq!(bob.get(edit).await.status, 409);
    assert_eq!(bob.get("/ada/bert/edit/refs%2Fpr%2F9/a.txt").await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn what_cannot_be_proposed_is_refused_and_the_text_kept() {
    let (hub, ada, mut bob) = with_files().await;
    let save = [("to", "pull"), ("text", "mine\n"), ("action", "save")];
    // A form that was made for a commit proposes nothing.
    for to in ["", "branch"] {
        assert_eq!(send(&mut bob, EDIT, &[("to", to), ("text", "mine\n"), ("action", "save")]).await.status, 403);
    }
    let same = send(&mut bob, EDIT, &[("to", "pull"), ("text", "one\n"), ("action", "save")]).await;
    assert!(same.status == 400 && same.has("nothing to propose"), "{}", same.text);
    // Others were quicker.
    let page = bob.open(EDIT).await;
    let (csrf, blob) = (page.csrf(), hidden(&page.text, "base-blob").unwrap());
    ada.commit(API, "main", &[Client::file("a.txt", "theirs\n")], 200).await;
    let mut form = vec![("csrf_token", csrf.as_str()), ("base-blob", blob.as_str())];
    form.extend(save);
    let stale = bob.post(EDIT, &form).await;
    assert!(stale.status == 409 && stale.has("Somebody else has committed") && stale.has("mine"), "{}", stale.text);
    assert_eq!(hub.count("discussions").await, 0);
    // Saving again proposes it on top of theirs.
    let blob = hidden(&stale.text, "base-blob").unwrap();
    form[1].1 = &blob;
    assert_eq!(led_to(&bob.post(EDIT, &form).await), "/ada/bert/discussions/1");
    // Large files come in chunks.
    let upload = "/ada/bert/upload/main";
    let page = bob.open(upload).await;
    assert!(page.has("Large and binary files are not taken here") && page.has("data-small-only"), "{}", page.text);
    let part = Part::bytes(b"\0\x01".to_vec()).file_name("w.dat");
    let sent = bob.send_form(upload, Form::new().text("csrf_token", page.csrf()).text("to", "pull").part("files", part)).await;
    assert!(sent.status == 422 && sent.has("--create-pr"), "{}", sent.text);
    let form = [("to", "pull"), ("path", "w.bin"), ("text", "large by its name"), ("action", "save")];
    ada.commit(API, "main", &[Client::file(".gitattributes", "*.bin filter=lfs -text\n")], 200).await;
    let sent = send(&mut bob, "/ada/bert/new/main", &form).await;
    assert!(sent.status == 422 && sent.has("large by its name"), "{}", sent.text);
    assert_eq!(hub.count("lfs_objects").await, 0);

    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "discussionsDisabled": true }), 200).await;
    let refused = bob.get(EDIT).await;
    assert!(refused.status == 403 && refused.has("are turned off"), "{}", refused.text);
    assert_eq!(bob.get("/ada/bert/discussions/new-pull-request").await.status, 403);
    assert!(!bob.open("/ada/bert/blob/main/a.txt").await.has("Propose"));
    let changed = json!({ "discussionsDisabled": false, "gated": "manual" });
    ada.call(Method::PUT, &format!("{API}/settings"), &changed, 200).await;
    assert_eq!(bob.get(EDIT).await.status, 403);
    assert!(!bob.open("/ada/bert/tree/main").await.has("Propose"));
    ada.call(Method::PUT, &format!("{API}/settings"), &json!({ "gated": false }), 200).await;
    bob.open(EDIT).await;
    hub.sql("update repos set disabled = true where name = 'bert'").await;
    assert_eq!(bob.get(EDIT).await.status, 403);
    hub.stop().await;
}

#[tokio::test]
async fn new_accounts_propose_so_much_an_hour_and_keep_what_they_wrote() {
    let hub = TestHub::start_with(|config| (config.rules.new_account_days, config.rules.discussions) = (7, 1)).await;
    let ada = hub.user("ada").await;
    hub.user("bob").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[Client::file("a.txt", "one\n")], 200).await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    led_to(&send(&mut bob, EDIT, &[("to", "pull"), ("text", "two\n"), ("action", "save")]).await);
    let refused = send(&mut bob, EDIT, &[("to", "pull"), ("text", "three\n"), ("action", "save")]).await;
    assert!(refused.status == 429 && refused.has("Your account is new") && refused.has("three"), "{}", refused.text);
    let new = "/ada/bert/discussions/new";
    let refused = bob.submit(new, new, &[("title", "Owls"), ("description", "Which owls?")]).await;
    let kept = refused.has("value=\"Owls\"") && refused.has("Which owls?</textarea>");
    assert!(refused.status == 429 && kept && refused.has("Your account is new"), "{}", refused.text);
    hub.stop().await;
}

#[tokio::test]
async fn a_proposal_finds_no_more_room_than_a_commit() {
    let hub = TestHub::start_with(|config| config.owner_storage_limit_bytes = Some(100_000)).await;
    let ada = hub.user("ada").await;
    let token = hub.user("bob").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[Client::file("a.txt", "one\n")], 200).await;
    // Hex digits are packed into no less than half of their length.
    let noise = hex::encode(random(150_000, 3));
    let mut bob = Browser::logged_in(&hub, "bob").await;
    let refused = send(&mut bob, EDIT, &[("to", "pull"), ("text", &noise), ("action", "save")]).await;
    assert!(refused.status == 413 && refused.has("The storage of ada is full") && refused.has(&noise[..100]));
    token.commit(API, "main?create_pr=1", &[Client::file("a.txt", &noise)], 413).await;
    assert_eq!(hub.count("discussions").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_proposes_once() {
    let (hub, ada, mut bob) = with_files().await;
    let mut again = Browser::logged_in(&hub, "bob").await;
    let form = [("to", "pull"), ("text", "two\n"), ("action", "save"), ("description", "Because.\r\nTwice.")];
    let (first, second) = tokio::join!(send(&mut bob, EDIT, &form), send(&mut again, EDIT, &form));
    assert_eq!((led_to(&first), led_to(&second)), ("/ada/bert/discussions/1", "/ada/bert/discussions/1"));
    assert_eq!(led_to(&send(&mut bob, EDIT, &form).await), "/ada/bert/discussions/1");
    // Another text, title or person is another proposal.
    let other = [("to", "pull"), ("text", "three\n"), ("action", "save")];
    assert_eq!(led_to(&send(&mut bob, EDIT, &other).await), "/ada/bert/discussions/2");
    let other = [("to", "pull"), ("text", "two\n"), ("action", "save"), ("summary", "Say two")];
    assert_eq!(led_to(&send(&mut bob, EDIT, &other).await), "/ada/bert/discussions/3");
    let mut owner = Browser::logged_in(&hub, "ada").await;
    assert_eq!(led_to(&send(&mut owner, EDIT, &form).await), "/ada/bert/discussions/4");
    // So it is after a while, and when the first is over.
    ada.post_json(&path(3, "/status"), &json!({ "status": "closed" }), 200).await;
    assert_eq!(led_to(&send(&mut bob, EDIT, &other).await), "/ada/bert/discussions/5");
    hub.sql("update discussions set created_at = created_at - interval '2 minutes'").await;
    assert_eq!(led_to(&send(&mut bob, EDIT, &form).await), "/ada/bert/discussions/6");
    // Programs mean what they say.
    let program = hub.user("dave").await;
    for number in [7, 8] {
        let made = program.commit(API, "main?create_pr=1", &[Client::file("a.txt", "four\n")], 200).await;
        assert!(made["pullRequestUrl"].as_str().unwrap().ends_with(&format!("/discussions/{number}")));
    }
    hub.stop().await;
}

#[tokio::test]
async fn an_empty_pull_request_is_started_and_pushed_to() {
    const NEW: &str = "/ada/bert/discussions/new-pull-request";
    let (hub, ada, pusher) = start().await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    assert!(bob.open("/ada/bert/discussions").await.has(NEW));
    let page = bob.open(NEW).await;
    assert!(page.has("hf upload ada/bert . --create-pr") && page.has("git push origin HEAD:refs/pr/N"), "{}", page.text);
    let refused = bob.submit(NEW, NEW, &[("title", "x"), ("description", "kept")]).await;
    assert!(refused.status == 400 && refused.has("kept") && refused.has("aria-invalid"), "{}", refused.text);
    let form = [("title", "With git"), ("description", "Later *today*.")];
    assert_eq!(led_to(&bob.submit(NEW, NEW, &form).await), "/ada/bert/discussions/1");
    assert_eq!(led_to(&bob.submit(NEW, NEW, &form).await), "/ada/bert/discussions/1", "a double click");
    let thread = bob.open("/ada/bert/discussions/1").await;
    assert!(thread.has("git push origin HEAD:refs/pr/1") && thread.has("<em>today</em>"), "{}", thread.text);
    assert!(!Browser::new(&hub).open("/ada/bert/discussions/1").await.has("git push origin"));
    assert_eq!(ada.get_json(&path(1, ""), 200).await["status"], "draft");
    let work = Work::clone(&pusher, "/ada/bert").await;
    work.commit("b.txt", b"pushed\n").await;
    work.git(&["push", "-q", "origin", "HEAD:refs/pr/1"]).await;
    assert_eq!(text_at(&ada, "refs%2Fpr%2F1", "b.txt").await, "pushed\n");
    hub.stop().await;
}

#[tokio::test]
async fn lines_of_hf_name_the_type_of_what_they_are_about() {
    let (hub, ada, _) = start().await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    for (list, option) in [("/datasets", " --repo-type dataset"), ("/spaces", " --repo-type space")] {
        let page = bob.open(list).await;
        assert!(page.has(&format!("<code>hf upload{option}</code>")), "{list}: {}", page.text);
    }
    for (kind, plural, prefix, option) in [
        ("model", "models", "", ""),
        ("dataset", "datasets", "datasets/", " --repo-type dataset"),
        ("space", "spaces", "spaces/", " --repo-type space"),
    ] {
        let new = json!({ "type": kind, "organization": "ada", "name": "thing", "sdk": "static" });
        ada.post_json("/api/repos/create", &new, 200).await;
        let at = format!("/{prefix}ada/thing");
        let upload = format!("{at}/upload/main");
        let page = bob.open(&upload).await;
        assert!(page.has(&format!("<code>hf upload ada/thing … --create-pr{option}</code>")), "{kind}: {}", page.text);
        let part = Part::bytes(b"\0\x01".to_vec()).file_name("w.dat");
        let form = Form::new().text("csrf_token", page.csrf()).text("to", "pull").part("files", part);
        let sent = bob.send_form(&upload, form).await;
        let told = format!("Propose it with <code>hf upload ada/thing … --create-pr{option}</code>");
        assert!(sent.status == 422 && sent.has(&told), "{kind}: {}", sent.text);

        let new = format!("{at}/discussions/new-pull-request");
        assert!(bob.open(&new).await.has(&format!("hf upload ada/thing . --create-pr{option}<")), "{kind}");
        let made = bob.submit(&new, &new, &[("title", "With git"), ("description", "Later.")]).await;
        let made = led_to(&made).to_owned();
        let files = bob.open(&format!("{made}/files")).await;
        assert!(files.has(&format!("hf upload ada/thing . --revision refs/pr/1{option}</code>")), "{kind}: {}", files.text);
        let page = bob.open(&format!("{at}/upload/refs%2Fpr%2F1")).await;
        assert!(page.has(&format!("hf upload ada/thing … --revision refs/pr/1{option}</code>")), "{kind}: {}", page.text);

        let found = ada.get_json(&format!("/api/{plural}/ada/thing"), 200).await;
        let names = found["siblings"].as_array().unwrap().iter().map(|file| file["rfilename"].as_str().unwrap());
        let gone: Vec<_> = names.map(|name| json!({ "key": "deletedFile", "value": { "path": name } })).collect();
        ada.commit(&format!("/api/{plural}/ada/thing"), "main", &gone, 200).await;
        let tree = bob.open(&format!("{at}/tree/main")).await;
        assert!(tree.has(&format!("<code>hf upload ada/thing .{option}</code>")), "{kind}: {}", tree.text);
    }
    hub.stop().await;
}

#[tokio::test]
async fn nothing_proposed_is_called_as_what_moderators_hid() {
    let (hub, _ada, mut bob) = with_files().await;
    let form = [("to", "pull"), ("text", "two\n"), ("action", "save"), ("summary", "Hidden by  the moderators")];
    let page = send(&mut bob, EDIT, &form).await;
    assert!(page.status == 400 && page.has("choose another") && page.has("two"), "{}", page.text);
    assert_eq!(hub.count("discussions").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn owners_of_a_disabled_repository_read_why_they_cannot_answer() {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let num = open(&ada, "Owls", false).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let thread = format!("/ada/bert/discussions/{num}");
    assert!(browser.open(&thread).await.has("name=\"comment\""));
    hub.sql("update repos set disabled = true where name = 'bert'").await;
    let page = browser.open(&thread).await;
    assert!(page.has("nothing can be said here") && !page.has("to take part") && !page.has("name=\"comment\""), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn who_may_only_propose_sends_so_much_at_once() {
    let hub = TestHub::start_with(|config| config.inline_limit_bytes = 4_000).await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[Client::file("a.txt", "one\n")], 200).await;
    let text = "x".repeat(3_900);
    let files = |count: usize| (0..count).map(|number| Client::file(&format!("{number}.txt"), &text)).collect::<Vec<_>>();
    let refused = bob.commit(API, "main?create_pr=1", &files(103), 413).await.to_string();
    assert!(refused.contains("400 kB of text") && refused.contains("several commits"), "{refused}");
    bob.commit(API, "main?create_pr=1", &files(102), 200).await;
    let mut more = files(103);
    more.push(Client::file("b.txt", "two\n"));
    bob.commit(API, "refs%2Fpr%2F1", &more, 413).await;

    let mut browser = Browser::logged_in(&hub, "bob").await;
    let upload = "/ada/bert/upload/main";
    let mut form = Form::new().text("csrf_token", browser.open(upload).await.csrf()).text("to", "pull");
    for number in 0..103 {
        form = form.part("files", Part::bytes(text.clone().into_bytes()).file_name(format!("{number}.txt")));
    }
    let refused = browser.send_form(upload, form).await;
    assert!(refused.status == 413 && refused.has("several commits"), "{}", refused.text);
    // Who may write is asked for room alone.
    ada.commit(API, "main", &more, 200).await;
    ada.commit(API, "refs%2Fpr%2F1", &more, 200).await;
    hub.stop().await;
}
