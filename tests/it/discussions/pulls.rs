use super::{API, events, open, path, start};
use crate::pages::browser::Browser;
use crate::work::Work;
use hub_tests::{Client, json};
use reqwest::Method;

/// Opens a pull request with one file, and gives its number and commit.
pub(super) async fn propose(client: &Client, name: &str, text: &str) -> (i64, String) {
    let made = client.commit(API, "main?create_pr=1", &[Client::file(name, text)], 200).await;
    let url = made["pullRequestUrl"].as_str().unwrap();
    let num = url.rsplit_once("/ada/bert/discussions/").unwrap().1.parse().unwrap();
    (num, made["commitOid"].as_str().unwrap().to_owned())
}

async fn head_of(client: &Client, name: &str) -> Option<String> {
    let refs = client.get_json(&format!("{API}/refs?include_prs=1"), 200).await;
    let all = ["branches", "pullRequests"].map(|kind| refs[kind].as_array().unwrap().clone()).concat();
    let found = all.into_iter().find(|row| row["ref"] == name)?;
    Some(found["targetCommit"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_reader_proposes_a_commit_and_no_branch_moves() {
    let (hub, ada, bob) = start().await;
    let main = head_of(&ada, "refs/heads/main").await;
    bob.commit(API, "main", &[Client::file("a.txt", "mine")], 403).await;
    let (num, commit) = propose(&bob, "a.txt", "mine\n").await;
    assert_eq!(head_of(&ada, "refs/heads/main").await, main);
    assert_eq!(head_of(&ada, &format!("refs/pr/{num}")).await.as_ref(), Some(&commit));
    for revision in ["refs%2Fpr%2F1", "refs/pr/1"] {
        let text = hub.anonymous().get(&format!("/ada/bert/resolve/{revision}/a.txt"), 200).await.text().await.unwrap();
        assert_eq!(text, "mine\n");
        ada.get(&format!("{API}/tree/{revision}"), 200).await;
        let commits = ada.get_json(&format!("{API}/commits/{revision}"), 200).await;
        assert_eq!((commits[0]["id"].as_str(), commits[1]["id"].as_str()), (Some(commit.as_str()), main.as_deref()));
    }
    let found = ada.get_json(&path(num, "?diff=1"), 200).await;
    assert_eq!(
        (&found["status"], &found["isPullRequest"], &found["title"]),
        (&json!("open"), &json!(true), &json!("test commit"))
    );
    assert_eq!((&found["changes"], &found["filesWithConflicts"]), (&json!({ "base": "refs/heads/main" }), &json!([])));
    assert!(found["diff"].as_str().unwrap().contains("+mine"), "{found}");
    assert_eq!(events(&ada, num).await[1], ("commit".to_owned(), json!({ "subject": "test commit", "oid": commit })));
    hub.anonymous().commit(API, "main?create_pr=1", &[Client::file("a.txt", "x")], 401).await;
    bob.commit(API, "nowhere?create_pr=1", &[Client::file("a.txt", "x")], 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn commits_are_added_by_its_author_and_by_writers_while_it_is_open() {
    let (hub, ada, bob) = start().await;
    let num = open(&bob, "A change", true).await;
    assert_eq!(ada.get_json(&path(num, ""), 200).await["status"], "draft");
    let carol = hub.user("carol").await;
    for revision in ["refs%2Fpr%2F1", "refs/pr/1"] {
        bob.post_json(&format!("{API}/preupload/{revision}"), &json!({ "files": [] }), 200).await;
        carol.post_json(&format!("{API}/preupload/{revision}"), &json!({ "files": [] }), 403).await;
        bob.commit(API, revision, &[Client::file(&format!("{}.txt", revision.len()), "bob")], 200).await;
        carol.commit(API, revision, &[Client::file("c.txt", "carol")], 403).await;
    }
    bob.post_json(&format!("{API}/preupload/main?create_pr=1"), &json!({ "files": [] }), 200).await;
    bob.post_json(&format!("{API}/preupload/main"), &json!({ "files": [] }), 403).await;
    ada.commit(API, "refs%2Fpr%2F1", &[Client::file("a.txt", "ada")], 200).await;
    let authors: Vec<String> = ada.get_json(&path(num, ""), 200).await["events"].as_array().unwrap()[1..]
        .iter()
        .map(|event| event["author"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(authors, ["bob", "bob", "ada"]);
    bob.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 200).await;
    bob.commit(API, "refs%2Fpr%2F1", &[Client::file("d.txt", "late")], 409).await;
    ada.commit(API, "refs%2Fpr%2F2", &[Client::file("d.txt", "nowhere")], 404).await;
    let discussion = open(&bob, "Not a change", false).await;
    bob.commit(API, &format!("refs%2Fpr%2F{discussion}"), &[Client::file("d.txt", "nowhere")], 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn its_author_pushes_to_it_with_git_and_to_nothing_else() {
    let (hub, ada, bob) = start().await;
    hub.anonymous().get("/ada/bert/info/refs?service=git-receive-pack", 401).await;
    bob.get("/ada/bert/info/refs?service=git-receive-pack", 403).await;
    let (num, _) = propose(&bob, "a.txt", "one\n").await;
    let work = Work::clone(&bob, "/ada/bert").await;
    work.git(&["fetch", "-q", "origin", "refs/pr/1"]).await;
    work.git(&["checkout", "-q", "FETCH_HEAD"]).await;
    for text in ["two", "three"] {
        work.commit("a.txt", text.as_bytes()).await;
    }
    work.git(&["push", "-q", "origin", "HEAD:refs/pr/1"]).await;
    assert_eq!(head_of(&ada, "refs/pr/1").await, Some(work.head().await));
    assert_eq!(events(&ada, num).await.iter().filter(|(kind, _)| kind == "commit").count(), 3);
    for target in ["HEAD:main", "HEAD:refs/heads/mine", "HEAD:refs/tags/v1", "HEAD:refs/pr/7"] {
        let said = work.refused(&["push", "origin", target]).await;
        assert!(said.contains("rejected"), "{target}: {said}");
    }
    let theirs = open(&ada, "Of ada", true).await;
    let said = work.refused(&["push", "-f", "origin", &format!("HEAD:refs/pr/{theirs}")]).await;
    assert!(said.contains("not yours"), "{said}");
    let own = Work::clone(&ada, "/ada/bert").await;
    own.commit("b.txt", b"by a writer").await;
    own.git(&["push", "-q", "-f", "origin", "HEAD:refs/pr/1"]).await;
    ada.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 200).await;
    bob.get("/ada/bert/info/refs?service=git-receive-pack", 403).await;
    own.commit("b.txt", b"too late").await;
    assert!(own.refused(&["push", "origin", "HEAD:refs/pr/1"]).await.contains("closed"));
    hub.stop().await;
}

#[tokio::test]
async fn a_gated_or_private_repository_takes_proposals_of_those_it_lets_in() {
    let (hub, ada, bob) = start().await;
    propose(&ada, "a.txt", "hers\n").await;
    ada.call(reqwest::Method::PUT, &format!("{API}/settings"), &json!({ "gated": "manual" }), 200).await;
    bob.commit(API, "main?create_pr=1", &[Client::file("a.txt", "x")], 403).await;
    assert!(bob.get_json(&path(1, "?diff=1"), 200).await.get("diff").is_none(), "the files are not for everybody");
    assert!(ada.get_json(&path(1, "?diff=1"), 200).await.get("diff").is_some());
    open(&bob, "Let me in", false).await;
    ada.call(reqwest::Method::PUT, &format!("{API}/settings"), &json!({ "gated": false, "private": true }), 200).await;
    bob.get(&path(1, ""), 404).await;
    bob.commit(API, "main?create_pr=1", &[Client::file("a.txt", "x")], 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn chunks_for_a_pull_request_are_sent_with_a_token_of_its_own() {
    let (hub, _, bob) = start().await;
    bob.get(&format!("{API}/xet-write-token/main"), 403).await;
    hub.anonymous().get(&format!("{API}/xet-write-token/None?create_pr=1"), 401).await;
    let token = bob.get_json(&format!("{API}/xet-write-token/None?create_pr=1"), 200).await;
    assert!(token["accessToken"].as_str().unwrap().starts_with("xet_p_"), "{token}");
    let num = open(&bob, "A change", true).await;
    bob.get(&format!("{API}/xet-write-token/refs%2Fpr%2F{num}"), 200).await;
    hub.user("carol").await.get(&format!("{API}/xet-write-token/refs%2Fpr%2F{num}"), 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_commit_that_comes_after_the_end_is_refused_at_the_last_moment() {
    use hub::repos::queries::find_repo;
    use hub::repos::refs::{RefChange, RefUpdate, apply_ref_updates};
    let (hub, ada, bob) = start().await;
    let (num, commit) = propose(&bob, "a.txt", "mine\n").await;
    let main = head_of(&ada, "refs/heads/main").await.unwrap();
    ada.post_json(&path(num, "/status"), &json!({ "status": "closed" }), 200).await;
    // As by a commit or push that was prepared while it was open.
    let repo = find_repo(&hub.app().pool, hub_types::RepoType::Model, "ada", "bert").await.unwrap().unwrap();
    let (name, expected, new) = (hub_types::RefName::new("refs/pr/1").unwrap(), commit.parse().unwrap(), main.parse().unwrap());
    let updates = vec![RefUpdate { name, expected: Some(expected), new: Some(new) }];
    let change = |updates| RefChange { repo: &repo, actor_pk: None, kind: "commit", updates, packs: Vec::new(), metadata: None };
    assert!(apply_ref_updates(hub.app(), change(updates.clone())).await.is_err());
    assert_eq!(head_of(&ada, "refs/pr/1").await, Some(commit));
    ada.post_json(&path(num, "/status"), &json!({ "status": "open" }), 200).await;
    assert!(apply_ref_updates(hub.app(), change(updates)).await.is_ok());
    assert_eq!(head_of(&ada, "refs/pr/1").await, Some(main));
    hub.stop().await;
}

#[tokio::test]
async fn what_is_proposed_is_no_news_of_the_owner() {
    let (hub, ada, bob) = start().await;
    propose(&bob, "a.txt", "mine\n").await;
    bob.commit(API, "refs%2Fpr%2F1", &[Client::file("b.txt", "two\n")], 200).await;
    ada.commit(API, "main", &[Client::file("c.txt", "three\n")], 200).await;
    let kinds = sqlx::query_scalar::<_, String>("select kind from events where kind <> 'create_repo' order by event_pk");
    assert_eq!(kinds.fetch_all(&hub.app().pool).await.unwrap(), ["open_pull_request", "propose", "commit"]);
    hub.stop().await;
}

#[tokio::test]
async fn a_pull_request_whose_branch_is_gone_says_so() {
    let (hub, ada, bob) = start().await;
    ada.post_json(&format!("{API}/branch/dev"), &json!({}), 200).await;
    bob.commit(API, "dev?create_pr=1", &[Client::file("a.txt", "bob\n")], 200).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    let (thread, merge) = ("/ada/bert/discussions/1", "/discussions/1/merge\"");
    assert!(browser.open(thread).await.has(merge));
    ada.call(Method::DELETE, &format!("{API}/branch/dev"), &json!({}), 200).await;
    let page = browser.open(thread).await;
    assert!(page.has("is gone, so this cannot be merged") && !page.has(merge), "{}", page.text);
    let files = browser.open(&format!("{thread}/files")).await;
    assert!(files.has("Nothing to compare with") && !files.has("No changes yet"), "{}", files.text);
    // Who may add changes to an empty one reads how.
    open(&bob, "A draft", true).await;
    let empty = "/ada/bert/discussions/2/files";
    assert!(browser.open(empty).await.has("Add some: "));
    let stranger = Browser::new(&hub).open(empty).await;
    assert!(stranger.has("has not added any") && !stranger.has("hf upload"), "{}", stranger.text);
    hub.stop().await;
}

#[tokio::test]
async fn all_the_files_of_a_large_pull_request_are_reached_by_pages() {
    let (hub, ada, bob) = start().await;
    let files: Vec<_> = (0..310).map(|number| Client::file(&format!("f{number:03}.txt"), "one line\n")).collect();
    let made = bob.commit(API, "main?create_pr=1", &files, 200).await;
    let num: i64 = made["pullRequestUrl"].as_str().unwrap().rsplit_once('/').unwrap().1.parse().unwrap();
    let said = |name: &str| json!({ "comment": "Why so?", "anchor": { "path": name, "line": 1 } });
    let late = ada.post_json(&path(num, "/comment"), &said("f305.txt"), 201).await;
    let late = format!("id=\"{}\"", late["newMessage"]["id"].as_str().unwrap());

    let address = format!("/ada/bert/discussions/{num}/files");
    let mut browser = Browser::logged_in(&hub, "bob").await;
    for (number, heading) in ["1 to 100", "101 to 200", "201 to 300", "301 to 310"].into_iter().enumerate() {
        let page = browser.open(&format!("{address}?p={number}")).await;
        assert!(page.has(&format!("Changed files {heading}")), "{number}: {}", page.text);
        for (name, on) in [("f000", 0), ("f099", 0), ("f100", 1), ("f250", 2), ("f309", 3)] {
            assert_eq!(page.has(&format!("Changes in {name}.txt")), on == number, "{name} on {number}");
        }
        assert_eq!(page.has(&format!("href=\"{address}?p={}\" rel=\"next\"", number + 1)), number < 3, "{number}");
        assert_eq!(page.has("rel=\"prev\""), number > 0, "{number}");
        // Comments on files of other pages are not lost.
        assert!(page.has(&late), "{number}");
        assert_eq!(page.has("On other files"), number != 3, "{number}");
        assert!(!page.has("not all of it is shown"), "{number}");
    }
    assert!(browser.open(&format!("{address}?p=9")).await.has("Nothing comes after this."));

    // What is said there leads back there, and so does a form that was refused.
    let asked = format!("{address}?comment=f309.txt:new:1&p=3");
    let page = browser.open(&asked).await;
    assert!(page.has("data-remark-form") && page.has("name=\"p\" value=\"3\""), "{}", page.text);
    let comment = format!("/ada/bert/discussions/{num}/comment");
    let fields = |text: &'static str| {
        [("comment", text), ("path", "f309.txt"), ("side", "new"), ("line", "1"), ("commit", ""), ("p", "3")]
    };
    let refused = browser.submit(&asked, &comment, &fields("")).await;
    assert!(refused.status == 400 && refused.has("data-remark-form"), "{}", refused.text);
    let sent = browser.submit(&asked, &comment, &fields("Here")).await;
    assert!(sent.location().starts_with(&format!("{address}?p=3#")), "{}", sent.location());

    // So do the forms under comments.
    let asked = format!("{address}?p=3");
    let page = browser.open(&asked).await;
    assert!(page.has("name=\"at\" value=\"files-3\"") && !page.has("name=\"at\" value=\"files\""), "{}", page.text);
    let thread = sent.location().rsplit_once('#').unwrap().1.to_owned();
    let answer = |text: &'static str| [("comment", text), ("reply", thread.as_str()), ("at", "files-3")];
    let refused = browser.submit(&asked, &comment, &answer("")).await;
    assert!(refused.status == 400 && refused.has("Changed files 301 to 310"), "{}", refused.text);
    let answered = browser.submit(&asked, &comment, &answer("Because")).await;
    assert!(answered.location().starts_with(&format!("{address}?p=3#")), "{}", answered.location());
    let liked = [("id", thread.as_str()), ("at", "files-3"), ("add", "👍")];
    let liked = browser.submit(&asked, &format!("/ada/bert/discussions/{num}/react"), &liked).await;
    assert_eq!(liked.location(), format!("{address}?p=3#{thread}"));

    // The commit itself likewise.
    let address = format!("/ada/bert/commit/{}", made["commitOid"].as_str().unwrap());
    for (number, heading) in ["1 to 200", "201 to 310"].into_iter().enumerate() {
        let page = browser.open(&format!("{address}?p={number}")).await;
        assert!(page.has(&format!("Changed files {heading}")) && !page.has("not all of it is shown"), "{number}: {}", page.text);
        assert_eq!(page.has("rel=\"next\""), number == 0, "{number}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn files_that_were_moved_are_on_one_page_each() {
    let (hub, ada, bob) = start().await;
    let at = |folder: &str| -> Vec<_> {
        (0..150).map(|number| Client::file(&format!("{folder}/f{number:03}.txt"), &format!("this is {number}\n"))).collect()
    };
    ada.commit(API, "main", &at("a"), 200).await;
    let mut lines = vec![json!({ "key": "deletedFolder", "value": { "path": "a/" } })];
    lines.extend(at("z"));
    let made = bob.commit(API, "main?create_pr=1", &lines, 200).await;
    let num: i64 = made["pullRequestUrl"].as_str().unwrap().rsplit_once('/').unwrap().1.parse().unwrap();
    let mut browser = Browser::logged_in(&hub, "bob").await;
    let address = format!("/ada/bert/discussions/{num}/files");
    let pages = [browser.open(&address).await, browser.open(&format!("{address}?p=1")).await];
    for (page, heading) in pages.iter().zip(["1 to 100", "101 to 150"]) {
        assert!(page.has(&format!("Changed files {heading}")), "{}", page.text);
    }
    for number in 0..150 {
        let moved = format!("a/f{number:03}.txt → z/f{number:03}.txt");
        let on: Vec<bool> = pages.iter().map(|page| page.has(&moved)).collect();
        assert_eq!(on, [number < 100, number >= 100], "{moved}");
    }
    assert!(pages[0].has("rel=\"next\"") && !pages[1].has("rel=\"next\""));
    hub.stop().await;
}
