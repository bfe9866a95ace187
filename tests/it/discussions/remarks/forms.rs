//! The forms for comments on lines: where they stand, and what stays in them when something was refused.

use hub_tests::{Client, TestHub, json};
use reqwest::multipart::{Form, Part};

use super::{NEW, OLD, anchor, proposed, remark, reply, resolve};
use crate::discussions::pulls::propose;
use crate::discussions::{API, path};
use crate::pages::browser::{Browser, Page};

#[tokio::test]
async fn a_form_stands_at_its_line_and_says_what_is_wrong() {
    let (hub, ada, _, num, commit) = proposed().await;
    let mut bob = Browser::logged_in(&hub, "bob").await;
    let (files, comment) = (format!("/ada/bert/discussions/{num}/files"), format!("/ada/bert/discussions/{num}/comment"));
    assert!(!Browser::new(&hub).open(&files).await.has("?comment="), "strangers are offered no form");
    let page = bob.open(&files).await;
    // From a page that was refused, too, which has the address of the form.
    let link = |side: &str| format!("href=\"files?comment=a.txt:{side}:3#remark-form\"");
    assert!(page.has(&link("new")) && page.has(&link("old")));
    assert!(!page.has("data-remark-form"), "{}", page.text);
    let asked = format!("{files}?comment=a.txt:new:3");
    let page = bob.open(&asked).await;
    assert!(page.has("data-remark-form") && page.has(&format!("name=\"commit\" value=\"{commit}\"")), "{}", page.text);
    let fields = |text: &'static str| vec![("comment", text), ("path", "a.txt"), ("side", "new"), ("line", "3"), ("commit", "")];
    let refused = bob.submit(&asked, &comment, &fields("")).await;
    assert!(refused.status == 400 && refused.has("A comment cannot be empty.") && refused.has("data-remark-form"));
    let mut elsewhere = fields("Not here");
    elsewhere[3] = ("line", "77");
    let refused = bob.submit(&asked, &comment, &elsewhere).await;
    assert!(refused.status == 400 && refused.has("is not among those that are shown") && refused.has("Not here</textarea>"));
    let sent = bob.submit(&asked, &comment, &fields("Is it **so**?")).await;
    let (to, id) = sent.location().rsplit_once('#').unwrap();
    assert!(to == files && bob.open(&files).await.has(&format!("id=\"{id}\"")));
    let id = id.to_owned();
    let edit = [("id", id.as_str()), ("comment", "Is it **really** so?"), ("at", "files")];
    let edited = bob.submit(&files, &format!("/ada/bert/discussions/{num}/edit"), &edit).await;
    assert_eq!(edited.location(), format!("{files}#{id}"), "it leads back to where it was sent from");
    let answer = [("comment", "It is."), ("reply", id.as_str()), ("at", "files")];
    assert!(bob.submit(&files, &comment, &answer).await.location().starts_with(&format!("{files}#")));
    let resolve = format!("/ada/bert/discussions/{num}/resolve");
    let settle = [("thread", id.as_str()), ("resolved", "yes")];
    assert_eq!(bob.submit(&files, &resolve, &settle).await.location(), format!("/ada/bert/discussions/{num}#thread-{id}"));
    assert!(bob.open(&format!("/ada/bert/discussions/{num}")).await.has("Resolved by bob"));
    assert_eq!(anchor(&ada, num, &id).await["resolved"], true);
    bob.submit(&files, &resolve, &[("thread", id.as_str())]).await;
    assert_eq!(anchor(&ada, num, &id).await["resolved"], true);

    // When the line has gone, what was said stays under its file, and when the file is changed no more, below all.
    let change = async |text: &str| ada.commit(API, &format!("refs%2Fpr%2F{num}"), &[Client::file("a.txt", text)], 200).await;
    change(&NEW.replace("THREE", "3")).await;
    let page = bob.open(&files).await;
    assert!(page.has("1 conversation on lines that have changed") && page.has("Outdated") && page.has("THREE"), "{}", page.text);
    change(OLD).await;
    assert!(bob.open(&files).await.has("On files that are not changed any more"));
    hub.stop().await;
}

/// Whether the form of a thread, and no other, has what was refused, and says why.
fn has_refused(page: &Page, thread: &str, text: &str, why: &str) -> bool {
    let form = page.text.split(&format!("id=\"reply-{thread}\"")).nth(1).unwrap_or_default();
    let (typed, rest) = form.split_once("</textarea>").unwrap_or_default();
    let said = rest.split("</form>").next().unwrap_or_default();
    let only = page.text.matches("aria-invalid").count() == 1 && page.text.matches("class=\"remark-reply\" open").count() == 1;
    only && typed.contains("aria-invalid") && typed.ends_with(&format!(">{text}")) && said.contains(why)
}

#[tokio::test]
async fn a_refused_answer_stays_in_the_form_of_its_thread() {
    let (hub, ada, bob, num, _) = proposed().await;
    let (id, _other) = (remark(&ada, num).await, remark(&bob, num).await);
    let answered = reply(&ada, num, &id, 201).await["newMessage"]["id"].as_str().unwrap().to_uppercase();
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let talk = format!("/ada/bert/discussions/{num}");
    let (files, comment) = (format!("{talk}/files"), format!("{talk}/comment"));
    assert!(!browser.open(&files).await.has("class=\"remark-reply\" open"), "no form is open by itself");
    let refused = browser.submit(&files, &comment, &[("comment", " "), ("reply", id.as_str()), ("at", "files")]).await;
    assert!(refused.status == 400 && has_refused(&refused, &id, "", "A comment cannot be empty."), "{}", refused.text);
    assert!(refused.has("Choose the number of a line"), "it is the page that it was sent from");

    // A thread that is settled is folded, but not with what somebody typed in it.
    resolve(&ada, num, &id, true, 200).await;
    let (folded, open) = (format!("id=\"thread-{id}\">"), format!("id=\"thread-{id}\" open>"));
    assert!(browser.open(&talk).await.has(&folded));
    let long = "x".repeat(65_537);
    let refused =
        browser.submit(&talk, &comment, &[("comment", long.as_str()), ("reply", answered.as_str()), ("at", "talk")]).await;
    assert!(refused.status == 400 && has_refused(&refused, &id, &long, "65536 characters"), "{}", refused.status);
    assert!(refused.has(&open) && refused.has("id=\"field-comment\" name=\"comment\"></textarea>"));

    // Nor is one whose line is gone.
    bob.commit(API, &format!("refs%2Fpr%2F{num}"), &[Client::file("a.txt", &NEW.replace("THREE", "3"))], 200).await;
    assert!(browser.open(&files).await.has("<details class=\"remark-outdated\">"));
    let refused = browser.submit(&files, &comment, &[("comment", ""), ("reply", answered.as_str()), ("at", "files")]).await;
    assert!(refused.status == 400 && has_refused(&refused, &id, "", "A comment cannot be empty."), "{}", refused.text);
    assert!(refused.has("<details class=\"remark-outdated\" open>") && refused.has(&open));

    // Without such a thread it is a comment that was refused, or nothing.
    let refused = browser.submit(&talk, &comment, &[("comment", ""), ("reply", "none")]).await;
    assert!(refused.status == 400 && refused.has("id=\"field-comment\" name=\"comment\" aria-invalid"), "{}", refused.text);
    assert_eq!(browser.submit(&talk, &comment, &[("comment", "x"), ("reply", "none")]).await.status, 404);

    ada.post_json(&path(num, "/lock"), &json!({ "locked": true }), 200).await;
    for at in ["talk", "files"] {
        let fields = [("comment", "But why?"), ("reply", id.as_str()), ("at", at)];
        let refused = browser.submit(&talk, &comment, &fields).await;
        assert!(refused.status == 403 && has_refused(&refused, &id, "But why?", "is locked"), "{at}: {}", refused.text);
    }
    assert_eq!(hub.count("remark_replies").await, 1);
    hub.stop().await;
}

#[tokio::test]
async fn an_answer_that_came_too_soon_can_be_sent_later() {
    let hub = TestHub::start_with(|config| {
        config.rules.new_account_days = 7;
        config.rules.comments = 1;
    })
    .await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[Client::file("a.txt", OLD)], 200).await;
    let (num, _) = propose(&bob, "a.txt", NEW).await;
    let id = remark(&ada, num).await;
    reply(&bob, num, &id, 201).await;
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let talk = format!("/ada/bert/discussions/{num}");
    let (files, comment) = (format!("{talk}/files"), format!("{talk}/comment"));
    for (page, at) in [(&talk, "talk"), (&files, "files")] {
        let refused = browser.submit(page, &comment, &[("comment", "Once more"), ("reply", id.as_str()), ("at", at)]).await;
        assert!(refused.status == 429 && has_refused(&refused, &id, "Once more", "Your account is new"), "{}", refused.text);
    }
    let fields = [("comment", "There, too"), ("path", "a.txt"), ("side", "new"), ("line", "3")];
    let refused = browser.submit(&files, &comment, &fields).await;
    assert!(refused.status == 429 && refused.has("data-remark-form") && refused.has("There, too</textarea>"), "{}", refused.text);
    let refused = browser.submit(&talk, &comment, &[("comment", "And on nothing in particular")]).await;
    assert!(refused.status == 429 && refused.has("And on nothing in particular</textarea>"), "{}", refused.text);
    hub.stop().await;
}

#[tokio::test]
async fn what_came_with_a_refused_file_stays_where_it_was_typed() {
    let (hub, ada, _, num, _) = proposed().await;
    let id = remark(&ada, num).await;
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let talk = format!("/ada/bert/discussions/{num}");
    let csrf = browser.open(&talk).await.csrf();
    let form = |fields: &[(&'static str, &str)]| {
        let mut form = Form::new().text("csrf_token", csrf.clone()).text("comment", "A program");
        for (name, value) in fields {
            form = form.text(*name, (*value).to_owned());
        }
        form.part("files", Part::bytes(b"MZ\0".to_vec()).file_name("x.exe"))
    };
    let comment = format!("{talk}/comment");
    let line = form(&[("path", "a.txt"), ("side", "new"), ("line", "3")]);
    let refused = browser.send_form(&comment, line).await;
    assert!(refused.status == 400 && refused.has("data-remark-form"), "{}", refused.text);
    assert!(refused.has("A program</textarea>") && refused.has("Comments take pictures"), "{}", refused.text);
    for (at, sign) in [("files", "Choose the number of a line"), ("talk", "id=\"field-comment\" name=\"comment\"></textarea>")] {
        let refused = browser.send_form(&comment, form(&[("reply", id.as_str()), ("at", at)])).await;
        assert!(refused.status == 400 && refused.has(sign), "{at}: {}", refused.text);
        assert!(has_refused(&refused, &id, "A program", "Comments take pictures"), "{at}: {}", refused.text);
    }
    assert_eq!((hub.count("remark_threads").await, hub.count("remark_replies").await), (1, 0));
    hub.stop().await;
}

/// Whether the form of a comment, and no other, has an edit that was refused, and says why.
fn has_refused_edit(page: &Page, id: &str, text: &str, why: &str) -> bool {
    let form = page.text.split(&format!("id=\"edit-{id}\"")).nth(1).unwrap_or_default();
    let (typed, rest) = form.split_once("</textarea>").unwrap_or_default();
    let said = rest.split("</form>").next().unwrap_or_default();
    let only = page.text.matches("aria-invalid").count() == 1;
    only && typed.contains("aria-invalid") && typed.ends_with(&format!(">{text}")) && said.contains(why)
}

#[tokio::test]
async fn a_refused_edit_stays_in_the_form_of_its_comment() {
    let (hub, ada, bob, num, _) = proposed().await;
    let said = bob.post_json(&path(num, "/comment"), &json!({ "comment": "Short" }), 201).await["newMessage"]["id"].clone();
    let (said, on_line) = (said.as_str().unwrap(), remark(&bob, num).await);
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let talk = format!("/ada/bert/discussions/{num}");
    let (files, edit) = (format!("{talk}/files"), format!("{talk}/edit"));
    let long = "x".repeat(65_537);
    for (page, id, at) in [(&talk, said, "talk"), (&talk, on_line.as_str(), "talk"), (&files, on_line.as_str(), "files")] {
        let fields = [("id", id), ("comment", long.as_str()), ("at", at)];
        let refused = browser.submit(page, &edit, &fields).await;
        assert!(refused.status == 400 && has_refused_edit(&refused, id, &long, "65536 characters"), "{at}: {}", refused.status);
        assert_eq!(refused.has("Choose the number of a line"), at == "files", "it is the page that it was sent from");
    }
    // A folded thread is shown with what was typed in it.
    resolve(&ada, num, &on_line, true, 200).await;
    let refused = browser.submit(&talk, &edit, &[("id", on_line.as_str()), ("comment", " "), ("at", "talk")]).await;
    assert!(refused.status == 400 && has_refused_edit(&refused, &on_line, "", "A comment cannot be empty."), "{}", refused.text);
    assert!(refused.has(&format!("id=\"thread-{on_line}\" open>")), "{}", refused.text);

    // What came too late for a lock can be copied; what is somebody else's is in no form.
    ada.post_json(&path(num, "/lock"), &json!({ "locked": true }), 200).await;
    let refused = browser.submit(&talk, &edit, &[("id", said), ("comment", "Longer"), ("at", "talk")]).await;
    assert!(refused.status == 403 && has_refused_edit(&refused, said, "Longer", "is locked"), "{}", refused.text);
    let mut owner = Browser::logged_in(&hub, "ada").await;
    let refused = owner.submit(&talk, &edit, &[("id", said), ("comment", "Not mine"), ("at", "talk")]).await;
    assert!(refused.status == 403 && !refused.has(&format!("id=\"edit-{said}\"")), "{}", refused.text);
    assert_eq!(hub.count("discussion_edits").await, 0);
    hub.stop().await;
}
