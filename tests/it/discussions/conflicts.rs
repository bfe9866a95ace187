//! Conflicts that are settled in a browser, and cards that need nobody for it.

use std::collections::BTreeMap;

use super::pulls::propose;
use super::{API, events, path, start};
use crate::lfs::{Large, upload};
use crate::pages::browser::{Browser, Page};
use hub_tests::{Client, Value, json};

const PAGE: &str = "/ada/bert/discussions/1/conflicts";

fn delete(path: &str) -> Value {
    json!({ "key": "deletedFile", "value": { "path": path } })
}

fn large(path: &str, file: &Large) -> Value {
    json!({ "key": "lfsFile", "value": { "path": path, "algo": "sha256", "oid": file.oid, "size": file.bytes.len() } })
}

async fn text(client: &Client, revision: &str, name: &str) -> String {
    client.get(&format!("/ada/bert/resolve/{revision}/{name}"), 200).await.text().await.unwrap()
}

async fn in_conflict(client: &Client, num: i64) -> Value {
    client.get_json(&path(num, ""), 200).await["filesWithConflicts"].clone()
}

async fn merge(client: &Client, num: i64, status: u16) {
    let request = client.request(reqwest::Method::POST, &path(num, "/merge"));
    client.send(request, status).await;
}

/// What the form of a page has in its hidden fields and its text areas.
fn form_of(page: &Page) -> BTreeMap<String, String> {
    let plain = |text: &str| {
        ["<#60", ">#62", "&#38", "\"#34", "'#39"]
            .iter()
            .fold(text.to_owned(), |text, pair| text.replace(&format!("&{};", &pair[1..]), &pair[..1]))
    };
    let form = page.text.split("data-conflicts").nth(1).and_then(|form| form.split("</form>").next()).expect("a form");
    let value = |part: &str, before: &str, end: &str| Some(plain(part.split_once(before)?.1.split_once(end)?.0));
    let hidden = form.split("<input type=\"hidden\" name=\"").skip(1);
    let hidden = hidden.filter_map(|part| Some((part.split_once('"')?.0.to_owned(), value(part, "value=\"", "\"")?)));
    let texts = form
        .split("<textarea ")
        .skip(1)
        .filter_map(|part| Some((value(part, " name=\"", "\"")?, value(part, ">\n", "</textarea>")?)));
    hidden.chain(texts).collect()
}

/// The number that a file has in a form.
fn number(form: &BTreeMap<String, String>, path: &str) -> String {
    let found = form.iter().find(|(name, value)| name.starts_with("path-") && *value == path);
    found.unwrap_or_else(|| panic!("{path} is in {form:?}")).0.replace("path-", "")
}

fn set(form: &mut BTreeMap<String, String>, what: &str, path: &str, value: &str) {
    let name = format!("{what}-{}", number(form, path));
    form.insert(name, value.to_owned());
}

async fn send(browser: &mut Browser, form: &BTreeMap<String, String>) -> Page {
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(PAGE, &fields).await
}

fn card(license: &str, tags: &[&str], text: &str) -> String {
    let tags: String = tags.iter().map(|tag| format!("- {tag}\n")).collect();
    format!("---\nlicense: {license} # ours\ntags:\n{tags}---\n# Bert\n\n{text}\n")
}

#[tokio::test]
async fn cards_that_both_changed_merge_by_themselves() {
    let (hub, ada, bob) = start().await;
    ada.commit(API, "main", &[Client::file("README.md", &card("mit", &["a"], "Old."))], 200).await;
    let (num, _) = propose(&bob, "README.md", &card("mit", &["a", "bob"], "Old.")).await;
    ada.commit(API, "main", &[Client::file("README.md", &card("apache-2.0", &["a", "ada"], "New."))], 200).await;
    assert_eq!(in_conflict(&ada, num).await, json!([]));
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert!(browser.open("/ada/bert/discussions/1").await.has("it merges by itself, key by key"));
    assert_eq!(browser.get(PAGE).await.location(), "/ada/bert/discussions/1");
    merge(&ada, num, 200).await;
    assert_eq!(text(&ada, "main", "README.md").await, card("apache-2.0", &["a", "ada", "bob"], "New."));
    assert_eq!(ada.get_json(API, 200).await["cardData"]["tags"], json!(["a", "ada", "bob"]));
    // Lines that git would join to a card that says it twice.
    let twice = |first: &str, last: &str| format!("---\n{first}a: 1\nb: 2\nc: 3\n{last}---\n");
    ada.commit(API, "main", &[Client::file("README.md", &twice("", ""))], 200).await;
    let (second, _) = propose(&bob, "README.md", &twice("", "license: mit\n")).await;
    ada.commit(API, "main", &[Client::file("README.md", &twice("license: bsd-3-clause\n", ""))], 200).await;
    assert_eq!(in_conflict(&ada, second).await, json!(["README.md"]));
    hub.stop().await;
}

#[tokio::test]
async fn every_kind_of_conflict_is_settled_by_who_opened_it() {
    let (hub, ada, bob) = start().await;
    let [first, second, third] = [1, 2, 3].map(|seed| Large::of(5_000, seed));
    for file in [&first, &second, &third] {
        upload(&ada, "ada/bert", file).await;
    }
    let file = Client::file;
    let base = [
        file("README.md", &card("mit", &["a"], "Old.")),
        file("both.txt", "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n"),
        file("dir/here.txt", "old\n"),
        file("there.txt", "old\n"),
        file("alone.txt", "old\n"),
        file("bin.dat", "\0old"),
        large("w.bin", &first),
    ];
    ada.commit(API, "main", &base, 200).await;
    let theirs = [
        file("README.md", &card("bsd-3-clause", &["a", "bob"], "Bob's.")),
        file("both.txt", "1\r\nbob\r\n3\r\n4\r\n5\r\nBOB\r\n"),
        file("dir/here.txt", "bob\n"),
        delete("there.txt"),
        file("alone.txt", "bob\n"),
        file("bin.dat", "\0bob"),
        file("new.txt", "bob\n"),
        large("w.bin", &second),
    ];
    bob.commit(API, "main?create_pr=1", &theirs[..1], 200).await;
    // The large file is in the repository, whoever names it.
    bob.commit(API, "refs%2Fpr%2F1", &theirs[1..], 200).await;
    let ours = [
        file("README.md", &card("apache-2.0", &["a", "ada"], "Ada's.")),
        file("both.txt", "1\r\nada\r\n3\r\n4\r\n5\r\n6\r\n"),
        delete("dir/here.txt"),
        file("there.txt", "ada\n"),
        file("bin.dat", "\0ada"),
        file("new.txt", "ada\n"),
        large("w.bin", &third),
    ];
    let main = ada.commit(API, "main", &ours, 200).await["commitOid"].clone();
    let named = json!(["README.md", "bin.dat", "both.txt", "dir/here.txt", "new.txt", "there.txt", "w.bin"]);
    assert_eq!(in_conflict(&bob, 1).await, named);

    let mut browser = Browser::logged_in(&hub, "bob").await;
    assert!(browser.open("/ada/bert/discussions/1").await.has(PAGE));
    let page = browser.open(PAGE).await;
    for shown in [
        "Deleted on the branch",
        "Deleted in the pull request",
        "Both added it",
        "It is no text.",
        "It is a large file.",
        ">license<",
        "apache-2.0",
    ] {
        assert!(page.has(shown), "{shown}");
    }
    let mut form = form_of(&page);
    let marked = form[&format!("text-{}", number(&form, "both.txt"))].clone();
    assert_eq!(marked, "1\n<<<<<<< main\nada\n=======\nbob\n>>>>>>> #1\n3\n4\n5\nBOB\n");
    for (path, side) in [
        ("README.md", "card"),
        ("both.txt", "text"),
        ("dir/here.txt", "theirs"),
        ("there.txt", "theirs"),
        ("bin.dat", "ours"),
        ("new.txt", "text"),
        ("w.bin", "theirs"),
    ] {
        set(&mut form, "side", path, side);
    }
    set(&mut form, "text", "both.txt", "1\r\nada and bob\r\n3\r\n4\r\n5\r\nBOB\r\n");
    set(&mut form, "text", "new.txt", "both\n");
    set(&mut form, "text", "README.md", "# Bert\n\nBoth.\n");
    let key = format!("key-{}-0", number(&form, "README.md"));
    form.insert(key, "theirs".to_owned());
    let done = send(&mut browser, &form).await;
    assert_eq!(
        (done.status, done.headers.get("location").unwrap().to_str().unwrap()),
        (303, "/ada/bert/discussions/1"),
        "{}",
        done.text
    );

    assert_eq!(in_conflict(&bob, 1).await, json!([]));
    assert_eq!(ada.get_json(API, 200).await["sha"], main, "the branch is where it was");
    let commits = ada.get_json(&format!("{API}/commits/refs%2Fpr%2F1"), 200).await;
    assert_eq!(commits[0]["title"], "Merge main into refs/pr/1");
    // What came from the branch is nothing that bob proposes.
    let told: Vec<Value> = events(&bob, 1).await.into_iter().filter(|(kind, _)| kind == "commit").map(|(_, data)| data).collect();
    assert_eq!(told.last().unwrap()["oid"], commits[0]["id"]);
    assert_eq!(told.len(), 3, "{told:?}");
    merge(&ada, 1, 200).await;
    assert_eq!(text(&ada, "main", "README.md").await, card("bsd-3-clause", &["a", "ada", "bob"], "Both."));
    assert_eq!(text(&ada, "main", "both.txt").await, "1\r\nada and bob\r\n3\r\n4\r\n5\r\nBOB\r\n");
    for (name, expected) in [("dir/here.txt", "bob\n"), ("bin.dat", "\0ada"), ("new.txt", "both\n"), ("alone.txt", "bob\n")] {
        assert_eq!(text(&ada, "main", name).await, expected, "{name}");
    }
    ada.get("/ada/bert/resolve/main/there.txt", 404).await;
    let bytes = ada.get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    assert!(bytes == second.bytes);
    hub.stop().await;
}

#[tokio::test]
async fn what_is_not_decided_is_refused_and_what_was_typed_stays() {
    let (hub, ada, bob) = start().await;
    let base =
        [Client::file("README.md", &card("mit", &["a"], "Old.")), Client::file("a.txt", "old\n"), Client::file("b.dat", "\0old")];
    ada.commit(API, "main", &base, 200).await;
    let theirs = [
        Client::file("README.md", &card("bsd-3-clause", &["a"], "Old.")),
        Client::file("a.txt", "bob\n"),
        Client::file("b.dat", "\0bob"),
    ];
    let head = bob.commit(API, "main?create_pr=1", &theirs, 200).await["commitOid"].clone();
    let ours = [
        Client::file("README.md", &card("apache-2.0", &["a"], "Old.")),
        Client::file("a.txt", "ada\n=======\n"),
        Client::file("b.dat", "\0ada"),
    ];
    ada.commit(API, "main", &ours, 200).await;
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let mut form = form_of(&browser.open(PAGE).await);
    for (path, side) in [("README.md", "card"), ("a.txt", "text")] {
        set(&mut form, "side", path, side);
    }
    let key = format!("key-{}-0", number(&form, "README.md"));
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    for (what, path, value, status, said) in [
        ("side", "b.dat", "", 400, "Choose what <code>license</code>"),
        ("key", "README.md", "theirs", 400, "Line 1 of <code>a.txt</code> still has a marker"),
        ("text", "a.txt", "typed\n>>>>>>> #1\n", 400, "Line 2 of <code>a.txt</code> still has a marker"),
        ("text", "a.txt", "typed\n", 400, "Choose what becomes of <code>b.dat</code>"),
        ("side", "b.dat", "text", 400, "Choose what becomes of <code>b.dat</code>"),
        ("text", "b.dat", "forged", 400, "cannot be edited here"),
        ("side", "b.dat", "theirs", 303, ""),
    ] {
        match what {
            "key" => drop(form.insert(key.clone(), value.to_owned())),
            _ => set(&mut form, what, path, value),
        }
        if status == 303 {
            // Neither files that are in no conflict nor paths that are none.
            for (number, forged) in [("3", "../../x"), ("4", "other.txt"), ("5", ".git/config")] {
                form.insert(format!("path-{number}"), forged.to_owned());
                form.insert(format!("side-{number}"), "text".to_owned());
                form.insert(format!("text-{number}"), "forged".to_owned());
            }
            let mut broken = form.clone();
            set(&mut broken, "text", "a.txt", pointer);
            let refused = send(&mut browser, &broken).await;
            assert!(refused.status == 409 && refused.has("which this repository does not have"), "{}", refused.text);
            broken.insert("onto".to_owned(), "main".to_owned());
            assert_eq!(send(&mut browser, &broken).await.status, 400);
        }
        let page = send(&mut browser, &form).await;
        assert!(page.status == status && page.has(said), "{what} {path}: {} {}", page.status, page.text);
        if status == 400 {
            assert_eq!(ada.get_json(&format!("{API}/commits/refs%2Fpr%2F1"), 200).await[0]["id"], head);
            let kept = form_of(&page);
            assert_eq!(kept[&format!("text-{}", number(&kept, "a.txt"))], form[&format!("text-{}", number(&form, "a.txt"))]);
        }
    }
    // A line that one side has is no marker that somebody forgot; and nothing else came.
    assert_eq!(text(&ada, "refs%2Fpr%2F1", "a.txt").await, "typed\n");
    let names = ada.get_json(&format!("{API}/tree/refs%2Fpr%2F1"), 200).await;
    assert_eq!(names.as_array().unwrap().len(), 4, "{names}");
    hub.stop().await;
}

#[tokio::test]
async fn nothing_is_saved_that_was_decided_for_other_commits_or_by_others() {
    let (hub, ada, bob) = start().await;
    ada.commit(API, "main", &[Client::file("a.txt", "old\n"), Client::file("b.txt", "old\n")], 200).await;
    let changed = |who: &str| [Client::file("a.txt", &format!("{who}\n")), Client::file("b.txt", &format!("{who}\n"))];
    bob.commit(API, "main?create_pr=1", &changed("bob"), 200).await;
    ada.commit(API, "main", &changed("ada"), 200).await;
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let mut form = form_of(&browser.open(PAGE).await);
    for path in ["a.txt", "b.txt"] {
        set(&mut form, "side", path, "text");
        set(&mut form, "text", path, &format!("what I wrote in {path}\n"));
    }
    // The branch moves, and one of the files with it.
    ada.commit(API, "main", &[Client::file("b.txt", "ada, later\n")], 200).await;
    let page = send(&mut browser, &form).await;
    assert!(page.status == 409 && page.has("New commits came") && page.has("What you wrote before"), "{}", page.text);
    let kept = form_of(&page);
    assert_eq!(kept[&format!("text-{}", number(&kept, "a.txt"))], "what I wrote in a.txt\n");
    assert!(kept[&format!("text-{}", number(&kept, "b.txt"))].starts_with("<<<<<<< main\nada, later\n"), "{kept:?}");
    assert!(page.has("what I wrote in b.txt"));
    // So it is when the pull request moves.
    bob.commit(API, "refs%2Fpr%2F1", &[Client::file("c.txt", "more\n")], 200).await;
    let mut form = kept;
    for path in ["a.txt", "b.txt"] {
        set(&mut form, "side", path, "ours");
    }
    assert_eq!(send(&mut browser, &form).await.status, 409);
    // Others may not, though they see the repository; nor may anybody once it is over.
    hub.user("carol").await;
    let mut carol = Browser::logged_in(&hub, "carol").await;
    assert!(!carol.open("/ada/bert/discussions/1").await.has(PAGE));
    assert_eq!(carol.get(PAGE).await.status, 403);
    form.insert("csrf_token".to_owned(), carol.open("/settings/profile").await.csrf());
    assert_eq!(send(&mut carol, &form).await.status, 403);
    assert_eq!(carol.get("/ada/bert/discussions/9/conflicts").await.status, 404);
    ada.post_json(&path(1, "/status"), &json!({ "status": "closed" }), 200).await;
    assert_eq!(browser.get(PAGE).await.location(), "/ada/bert/discussions/1");
    form.insert("csrf_token".to_owned(), browser.open("/settings/profile").await.csrf());
    assert_eq!(send(&mut browser, &form).await.status, 409);
    hub.stop().await;
}

#[tokio::test]
async fn recalled_text_is_shown_to_those_alone_who_may_put_it_right() {
    let (hub, ada, bob) = start().await;
    let file = |text: &str| [Client::file("key.txt", text)];
    ada.commit(API, "main", &file("none\n"), 200).await;
    bob.commit(API, "main?create_pr=1", &file("bob's\n"), 200).await;
    ada.commit(API, "main", &file("a password\n"), 200).await;
    let (mut owner, mut author) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    assert!(author.open(PAGE).await.has("a password"));
    let why = "It has a password of mine.";
    let form = [("repo", "ada/bert"), ("revision", "main"), ("files", "key.txt"), ("category", "leak"), ("body", why)];
    let opened = owner.submit("/recalls/new?repo=ada/bert", "/recalls/new", &form).await;
    assert_eq!(opened.status, 303, "{}", opened.text);
    let page = author.open(PAGE).await;
    assert!(page.has("A version of it was recalled.") && !page.has("a password"), "{}", page.text);
    assert!(owner.open(PAGE).await.has("a password"));
    // A version can be chosen all the same.
    let mut form = form_of(&page);
    set(&mut form, "side", "key.txt", "theirs");
    assert_eq!(send(&mut author, &form).await.status, 303);
    assert_eq!(text(&ada, "refs%2Fpr%2F1", "key.txt").await, "bob's\n");
    hub.stop().await;
}
