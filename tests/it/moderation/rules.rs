//! What the hub does by itself about new accounts, and accounts that are removed with all they made.

use hub::accounts::{OrgRole, TokenRole};
use hub::config::RulesConfig;
use hub_tests::{Client, json};
use reqwest::Method;

use super::{Stage, stage, stage_with};
use crate::pages::browser::Browser;

const LINKS: &str = "[a](https://a.example) https://b.example <https://c.example>";
const COMMENTS: &str = "/api/models/ada/bert/discussions/1/comment";

/// Rules that are broken soon.
fn strict(names: &[&str]) -> RulesConfig {
    RulesConfig {
        new_account_days: 7,
        repos: 2,
        discussions: 2,
        comments: 5,
        mentions: 2,
        invitations: 1,
        organizations: 1,
        links: 2,
        copies: 3,
        alike: 3,
        empty_repos: 2,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

impl Stage {
    async fn say(&self, client: &Client, text: &str) -> String {
        let said = client.post_json(COMMENTS, &json!({ "comment": text }), 201).await;
        self.hub.jobs_done().await;
        said["newMessage"]["id"].as_str().unwrap().to_owned()
    }

    /// The newest case that waits: what it is about, and why.
    async fn newest(&self) -> (i64, String, String) {
        let sql = "select case_pk, subject, r.body from moderation_cases join moderation_reports r using (case_pk)
                   where closed_at is null order by report_pk desc limit 1";
        sqlx::query_as(sql).fetch_one(&self.hub.app().pool).await.unwrap()
    }
}

#[tokio::test]
async fn new_accounts_do_so_much_an_hour() {
    let stage = stage_with(|config| config.rules = strict(&[])).await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    ada.create_repo("model", "ada/two", false).await;
    let third = json!({ "type": "model", "name": "three" });
    let said = ada.post_json("/api/repos/create", &third, 429).await.to_string();
    assert!(said.contains("Your account is new: it can make 2 repositories within an hour."), "{said}");
    ada.post_json("/api/buckets/ada/three", &json!({}), 429).await;
    let open = json!({ "title": "A question", "description": "For @bob and @carol?" });
    ada.post_json("/api/models/ada/bert/discussions", &open, 200).await;
    ada.post_json(COMMENTS, &json!({ "comment": "And @dave?" }), 429).await;
    ada.post_json(COMMENTS, &json!({ "comment": "Nobody." }), 201).await;
    // An hour later, or for an account that is older, it goes on.
    hub.sql("update rule_counts set since = now() - interval '61 minutes'").await;
    ada.post_json(COMMENTS, &json!({ "comment": "And @dave?" }), 201).await;
    hub.sql("update namespaces set created_at = now() - interval '8 days'").await;
    for _ in 0..3 {
        ada.post_json("/api/models/ada/bert/discussions", &open, 200).await;
    }
    ada.post_json("/api/repos/create", &third, 200).await;
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_new_accounts_say_as_they_merge_is_looked_at() {
    let stage = stage_with(|config| config.rules = strict(&[])).await;
    let hub = &stage.hub;
    let bob = hub.token(&stage.bob, TokenRole::Write).await;
    bob.create_repo("model", "bob/tiny", false).await;
    let api = "/api/models/bob/tiny";
    bob.commit(api, "main?create_pr=1", &[Client::file("a.txt", "one\n")], 200).await;
    let merge = format!("{api}/discussions/1/merge");
    let refused = bob.post_json(&merge, &json!({ "comment": "For @ada, @operator and @moderator" }), 429).await.to_string();
    assert!(refused.contains("it can mention 2 people within an hour"), "{refused}");
    assert_eq!(bob.get_json(&format!("{api}/discussions/1"), 200).await["status"], "open");
    bob.post_json(&merge, &json!({ "comment": LINKS }), 200).await;
    hub.jobs_done().await;
    assert!(!hub.anonymous().get_json(&format!("{api}/discussions/1"), 200).await.to_string().contains("a.example"));
    let (_, subject, why) = stage.newest().await;
    assert_eq!(subject, "a comment of bob in bob/tiny#1");
    assert_eq!(why, "It has 3 links to elsewhere, and the account is new: a.example, b.example, c.example.");
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_new_accounts_say_is_looked_at() {
    let stage = stage_with(|config| config.rules = strict(&["Acme-Labs"])).await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let bob = hub.token(&stage.bob, TokenRole::Write).await;
    let api = "/api/models/ada/bert/discussions/1";
    ada.post_json("/api/models/ada/bert/discussions", &json!({ "title": "Questions", "description": "" }), 200).await;
    let told = async || ada.get_json("/api/notifications?readStatus=unread", 200).await["count"]["unread"].clone();

    // With many links it is hidden, and shown when a moderator lets it: then people are told.
    stage.say(&bob, LINKS).await;
    assert!(!hub.anonymous().get_json(api, 200).await.to_string().contains("a.example"));
    assert_eq!(told().await, 0);
    let (case, subject, why) = stage.newest().await;
    assert_eq!(subject, "a comment of bob in ada/bert#1");
    assert_eq!(why, "It has 3 links to elsewhere, and the account is new: a.example, b.example, c.example.");
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    assert!(moderator.open(&format!("/moderation/cases/{case}")).await.has("a rule of this hub"));
    assert!(moderator.open("/moderation/log").await.has("the hub"));
    let mut owner = Browser::logged_in(hub, "bob").await;
    assert!(owner.open("/settings/reports").await.has("hidden until a moderator has looked at it"));
    let dismiss = [("act", "dismiss"), ("chosen", &case.to_string())];
    assert_eq!(moderator.submit("/moderation", "/moderation", &dismiss).await.status, 303);
    hub.jobs_done().await;
    assert!(hub.anonymous().get_json(api, 200).await.to_string().contains("a.example"));
    assert_eq!(told().await, 1);
    // Nor does it help to write it first and put the links in later. If it goes, it is gone by the moderator's act alone.
    let count = async || hub.anonymous().get_json(api, 200).await.to_string().matches("a.example").count();
    let before = count().await;
    let id = stage.say(&bob, "A good idea, I think so, too.").await;
    bob.post_json(&format!("{api}/comment/{id}/edit"), &json!({ "content": LINKS }), 200).await;
    assert_eq!(count().await, before);
    let (case, ..) = stage.newest().await;
    let act = stage.decide(case, hub::moderation::acts::Act::HideComment).await.unwrap();
    assert_eq!(count().await, before);
    stage.undo(act).await.unwrap();
    assert!(count().await > before);

    // The same words again and again.
    hub.sql("delete from rule_counts").await;
    for (client, text) in [(&bob, "Buy cheap watches at our shop, now!"), (ada, "BUY cheap watches: at our shop now 77")] {
        stage.say(client, text).await;
    }
    stage.say(&bob, "buy cheap watches at our shop now").await;
    let (_, _, why) = stage.newest().await;
    assert_eq!(why, "New accounts have said the same 3 times within a week.");
    assert!(hub.anonymous().get_json(api, 200).await.to_string().contains("BUY cheap"), "which only reports it");

    // A card, but no private one.
    ada.create_repo("model", "ada/secret", true).await;
    for id in ["ada/secret", "ada/bert"] {
        let card = Client::file("README.md", &format!("---\nlicense: mit\n---\n# Watches\n{LINKS}\n"));
        ada.commit(&format!("/api/models/{id}"), "main", &[card], 200).await;
    }
    hub.jobs_done().await;
    assert_eq!(stage.newest().await.1, "model ada/bert");
    assert_eq!(stage.hub.count("moderation_cases where subject like '%secret%'").await, 0);

    // Names that look like one that is known, or one that is here.
    hub.organization("acme.1abs", &[(&stage.bob, OrgRole::Admin)]).await;
    let (_, subject, why) = stage.newest().await;
    assert_eq!((subject.as_str(), why.as_str()), ("organization acme.1abs", "The name looks like Acme-Labs."));
    hub.account("m0derat0r").await;
    let (_, subject, why) = stage.newest().await;
    assert_eq!((subject.as_str(), why.as_str()), ("user m0derat0r", "The name looks like moderator."));
    hub.account("4cm3-1ab5").await;
    let (_, subject, why) = stage.newest().await;
    assert_eq!((subject.as_str(), why.as_str()), ("user 4cm3-1ab5", "The name looks like Acme-Labs."));
    hub.account("acme-lapbs").await;
    let (_, subject, why) = stage.newest().await;
    assert_eq!((subject.as_str(), why.as_str()), ("user acme-lapbs", "The name is one letter away from Acme-Labs."));
    // Of names that nobody guards, a letter is enough to be another.
    let before = hub.count("moderation_cases").await;
    hub.account("moderatora").await;
    assert_eq!(hub.count("moderation_cases").await, before);
    stage.hub.stop().await;
}

#[tokio::test]
async fn an_account_is_removed_with_all_it_made_and_comes_back_with_it() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let bob = hub.token(&stage.bob, TokenRole::Write).await;
    bob.create_repo("model", "bob/tiny", false).await;
    hub.sql("update users set details = 'Sells watches', homepage = 'https://w.example', links = '{https://v.example}' where email = 'ada@example.org';
             insert into pictures (namespace_pk, version, content) select user_pk, '0123456789abcdef', 'picture' from users where email = 'ada@example.org'")
        .await;
    let api = "/api/models/bob/tiny/discussions/1";
    ada.post_json("/api/models/bob/tiny/discussions", &json!({ "title": "Watches", "description": "Cheap!" }), 200).await;
    let made = json!({ "title": "Watches", "namespace": "ada", "private": false });
    let slug = ada.post_json("/api/collections", &made, 200).await["slug"].as_str().unwrap().to_owned();
    let (one, other) = (stage.report("/bob/tiny/discussions/1").await, stage.report("/ada/bert").await);

    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let chosen =
        [("act", "remove"), ("chosen", &one.to_string()), ("chosen", &other.to_string()), ("reason", "It sells watches.")];
    let done = moderator.submit("/moderation", "/moderation", &chosen).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let queue = moderator.open("/moderation").await;
    assert!(queue.has("2 cases were decided.") && queue.has("Nothing waits"), "{}", queue.text);
    assert!(!queue.has("can be undone at once"), "one act is taken back by itself: {}", queue.text);
    assert_eq!(hub.count("moderation_acts").await, 1, "one act");
    let stranger = hub.anonymous();
    stranger.get("/api/models/ada/bert", 401).await;
    stranger.get(&format!("/api/collections/{slug}"), 404).await;
    let left = stranger.get_json(api, 200).await;
    assert!(
        left["title"] == "Hidden by the moderators" && left["locked"] == true && !left.to_string().contains("Cheap"),
        "{left}"
    );
    let page = stranger.get("/ada", 200).await.text().await.unwrap();
    assert!(!page.contains("atches") && !page.contains("v.example") && !page.contains("w.example"));
    ada.get("/api/whoami-v2", 403).await;
    assert_eq!(hub.count("pictures").await, 0);

    let act: i64 = sqlx::query_scalar("select act_pk from moderation_acts").fetch_one(&hub.app().pool).await.unwrap();
    stage.undo(act).await.unwrap();
    ada.get("/api/whoami-v2", 200).await;
    stranger.get("/ada/bert/resolve/main/data.txt", 200).await;
    stranger.get(&format!("/api/collections/{slug}"), 200).await;
    let back = stranger.get_json(api, 200).await;
    assert!(back["title"] == "Watches" && back["locked"] == false && back.to_string().contains("Cheap!"), "{back}");
    let page = stranger.get("/ada", 200).await.text().await.unwrap();
    assert!(page.contains("Sells watches") && page.contains("https://v.example") && page.contains("https://w.example"));
    assert_eq!(hub.count("pictures").await, 1);

    // When its time is over, what was there is forgotten, and it stays so.
    let act = stage.decide(stage.report("/ada").await, hub::moderation::acts::Act::RemoveUser).await.unwrap();
    hub.sql("alter table moderation_acts disable trigger user; update moderation_acts set created_at = created_at - interval '31 days'; alter table moderation_acts enable trigger user").await;
    hub::moderation::removal::forget(hub.app()).await.unwrap();
    let late = stage.undo(act).await.unwrap_err();
    assert!(late.message().contains("can be taken back for 30 days"), "{}", late.message());
    let kept: i64 = sqlx::query_scalar("select count(*) from moderation_covers where act_pk = $1 and body <> ''")
        .bind(act)
        .fetch_one(&hub.app().pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
    bob.call(Method::POST, "/api/models/bob/tiny/discussions", &json!({ "title": "Hello", "description": "" }), 200).await;
    stage.hub.stop().await;
}

#[tokio::test]
async fn what_a_limited_person_has_is_in_no_list_and_links_to_it_work() {
    let stage = stage().await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    let bob = hub.token(&stage.bob, TokenRole::Write).await;
    let act = stage.decide(stage.report("/ada").await, hub::moderation::acts::Act::LimitUser).await.unwrap();
    bob.call(Method::PATCH, "/api/settings/watch", &json!({ "add": [{ "type": "user", "id": "ada" }] }), 200).await;
    ada.create_repo("model", "ada/new", false).await;
    let made = json!({ "title": "Watches", "namespace": "ada", "private": false });
    let slug = ada.post_json("/api/collections", &made, 200).await["slug"].as_str().unwrap().to_owned();
    let talk = json!({ "title": "A question", "description": "Is @bob here?" });
    ada.post_json("/api/models/ada/bert/discussions", &talk, 200).await;
    hub.jobs_done().await;
    hub.indexed().await;
    let lists =
        ["/api/models?author=ada", "/api/models?search=bert", "/api/trending", "/api/collections", "/api/quicksearch?q=bert"];
    let seen = async |client: &Client| {
        let mut seen = Vec::new();
        for list in lists {
            seen.push(client.get_json(list, 200).await.to_string().contains("ada/"));
        }
        seen
    };
    for client in [&bob, &hub.anonymous()] {
        assert_eq!(seen(client).await, [false; 5]);
        client.get("/api/models/ada/new", 200).await;
        client.get("/ada/bert/resolve/main/data.txt", 200).await;
        client.get(&format!("/api/collections/{slug}"), 200).await;
        assert!(client.get_json("/api/models/ada/bert/discussions/1", 200).await.to_string().contains("Is @bob here?"));
    }
    let unread = bob.get_json("/api/notifications?readStatus=unread", 200).await;
    assert_eq!(unread["count"]["unread"], 0, "{unread}");
    assert_eq!(ada.get_json("/api/models?author=ada", 200).await.as_array().unwrap().len(), 2, "their own they see");
    assert!(Browser::logged_in(hub, "ada").await.open("/settings/reports").await.has("User limited"), "and are told");
    stage.undo(act).await.unwrap();
    hub.indexed().await;
    assert_eq!(hub.anonymous().get_json("/api/models?author=ada", 200).await.as_array().unwrap().len(), 2);
    assert!(hub.anonymous().get_json("/api/quicksearch?q=bert", 200).await.to_string().contains("ada/bert"));
    stage.hub.stop().await;
}

#[tokio::test]
async fn new_accounts_that_take_names_or_say_nearly_the_same_are_reported() {
    let stage = stage_with(|config| {
        config.rules = RulesConfig { repos: 0, discussions: 0, comments: 0, copies: 0, ..strict(&[]) };
    })
    .await;
    let (hub, ada) = (&stage.hub, &stage.ada);
    // Names without anything behind them. One that is private, and one with files, are none of them.
    let bob = hub.token(&stage.bob, TokenRole::Write).await;
    bob.create_repo("model", "bob/google-bert", false).await;
    bob.create_repo("model", "bob/mine", true).await;
    assert_eq!(hub.count("moderation_cases").await, 0);
    bob.create_repo("dataset", "bob/openai-evals", false).await;
    let (_, subject, why) = stage.newest().await;
    assert_eq!(subject, "user bob");
    assert_eq!(why, "The account is new, and has made 2 repositories or more that have nothing in them.");
    let mut browser = Browser::logged_in(hub, "bob").await;
    let make = async |browser: &mut Browser, name: &str| {
        let fields = [("name", name), ("fullname", "")];
        browser.submit("/organizations/new", "/organizations/new", &fields).await.status
    };
    assert_eq!((make(&mut browser, "one-house").await, make(&mut browser, "two-house").await), (303, 429));

    // Nearly the same by three people: the third is reported, and one alone who says it again is not.
    ada.post_json("/api/models/ada/bert/discussions", &json!({ "title": "Questions", "description": "" }), 200).await;
    let text = |pack: &str| {
        format!(
            "We found that this model works best with our own free {pack} pack, which you can get from the page of our community; \
                 just follow the pinned link there and sign in with your wallet to have it at once."
        )
    };
    let carol = hub.user("carol").await;
    for (client, pack) in [(&bob, "booster"), (&bob, "rocket"), (ada, "turbo")] {
        stage.say(client, &text(pack)).await;
    }
    assert_eq!(hub.count("moderation_reports where rule = 'alike'").await, 0);
    stage
        .say(
            &carol,
            "The tokenizer knows no Basque, and the numbers of two of the languages are not those of the card. Is there another?",
        )
        .await;
    assert_eq!(hub.count("moderation_reports where rule = 'alike'").await, 0);
    stage.say(&carol, &text("starter")).await;
    let (_, subject, why) = stage.newest().await;
    assert_eq!(subject, "a comment of carol in ada/bert#1");
    assert_eq!(why, "3 new accounts have said nearly the same within a week.");
    stage.hub.stop().await;
}

#[tokio::test]
async fn names_that_many_know_are_guarded_without_rules() {
    let stage = stage().await;
    let hub = &stage.hub;
    hub.organization("googly", &[(&stage.bob, OrgRole::Admin)]).await;
    hub.organization("goo-gly", &[(&stage.bob, OrgRole::Admin)]).await;
    assert_eq!(hub.count("moderation_cases").await, 0, "nobody knows it");
    hub.token(&stage.bob, TokenRole::Write).await.create_repo("model", "googly/gum", false).await;
    hub.sql(
        "insert into repo_counters (repo_pk, repo_type, downloads) select repo_pk, repo_type, 1000 from repos where name = 'gum'
         on conflict (repo_pk) do update set downloads = excluded.downloads",
    )
    .await;
    hub.account("g00gly").await;
    let (_, subject, why) = stage.newest().await;
    assert_eq!((subject.as_str(), why.as_str()), ("user g00gly", "The name looks like googly."));

    // In a full name, with letters that only look like these. Members may, and so may everybody of whom nobody knows.
    let full = async |who: &str, fullname: &str| {
        let mut browser = Browser::logged_in(hub, who).await;
        let fields = [("fullname", fullname), ("details", ""), ("homepage", ""), ("links", "")];
        assert_eq!(browser.submit("/settings/profile", "/settings/profile", &fields).await.status, 303, "{who}");
        hub.count("moderation_cases").await
    };
    assert_eq!(full("bob", "G\u{43e}\u{43e}gly").await, 1);
    assert_eq!(full("ada", "Moderator").await, 1);
    assert_eq!(full("ada", "G\u{43e}\u{43e}gly\u{200b}!").await, 2);
    let (_, subject, why) = stage.newest().await;
    assert_eq!((subject.as_str(), why.as_str()), ("user ada", "The full name looks like googly."));
    assert_eq!(full("ada", "G\u{43e}\u{43e}gly\u{200b}!").await, 2, "once");
    for (name, why) in [("gooogly", "one letter away from googly."), ("googy", ""), ("g00g1yy", "one letter away from googly.")] {
        hub.account(name).await;
        let (_, subject, said) = stage.newest().await;
        assert_eq!(subject == format!("user {name}") && said.ends_with(why), !why.is_empty(), "{subject}: {said}");
    }
    stage.hub.stop().await;
}
