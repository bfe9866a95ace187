//! What moderators say was written beforehand, and who writes it.

use super::stage;
use crate::pages::browser::Browser;

#[tokio::test]
async fn moderators_choose_what_was_written_beforehand() {
    const PATH: &str = "/moderation/replies";
    let stage = stage().await;
    let hub = &stage.hub;
    let mut operator = Browser::logged_in(hub, "operator").await;
    let mut moderator = Browser::logged_in(hub, "moderator").await;
    let case = format!("/moderation/cases/{}", stage.report("/ada/bert").await);
    assert!(!moderator.open(&case).await.has("Canned reply"), "there is nothing to choose");
    let (long_title, long) = ("x".repeat(81), "y".repeat(501));
    for (used, title, body, status) in [
        ("decision", "Links", "It links to <a shop>, again and again.", 303),
        ("decision", "Twice", "It is here twice.", 303),
        ("appeal", "Looked again", "We looked at it again.", 303),
        ("nothing", "Title", "Text", 422),
        ("appeal", "", "Text", 422),
        ("appeal", long_title.as_str(), "Text", 422),
        ("appeal", "Title", long.as_str(), 422),
    ] {
        let sent = operator.submit(PATH, PATH, &[("do", "add"), ("used", used), ("title", title), ("body", body)]).await;
        assert_eq!(sent.status, status, "{used} {title}: {}", sent.text);
    }
    let pk = async |title: &str| -> String {
        let sql = "select reply_pk::text from moderation_replies where title = $1";
        sqlx::query_scalar(sql).bind(title).fetch_one(&hub.app().pool).await.unwrap()
    };
    // Moderators read them, and nobody but who runs the hub changes one.
    let seen = moderator.open(PATH).await;
    assert!(seen.has("It links to &#60;a shop&#62;, again and again.") && !seen.has("Write one"), "{}", seen.text);
    let (links, twice, again) = (pk("Links").await, pk("Twice").await, pk("Looked again").await);
    let change = [("do", "save"), ("pk", twice.as_str()), ("title", "Twice"), ("body", "It is here two times.")];
    assert_eq!(moderator.submit(&case, PATH, &change).await.status, 404);
    assert_eq!(operator.submit(PATH, PATH, &change).await.status, 303);
    let refused = operator.submit(PATH, PATH, &[("do", "save"), ("pk", &links), ("title", "Links"), ("body", &long)]).await;
    assert!(
        refused.status == 422 && refused.has("Write a text of 1 to 500 characters.") && refused.has(&long),
        "{}",
        refused.text
    );

    // A decision says it, before the moderator's own words.
    let page = moderator.open(&case).await;
    assert!(page.has("Links: It links to &#60;a shop&#62;") && !page.has("Looked again"), "{}", page.text);
    let with = |reply: &str| {
        [("do", "decide"), ("act", "disable_repo"), ("category", "spam"), ("reply", reply), ("reason", "Ask us.")]
            .map(|(name, value)| (name, value.to_owned()))
    };
    for reply in [again.as_str(), "0", "x"] {
        let fields = with(reply);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = moderator.submit(&case, &case, &fields).await;
        assert!(refused.status == 409 && refused.has("This reply is not there any more."), "{reply}: {}", refused.text);
        assert!(refused.has("Ask us."), "what was typed stays");
    }
    // There is an end of both together: the reply has 21 characters, and a space comes after it.
    let own = "z".repeat(979);
    let too_long =
        [("do", "decide"), ("act", "disable_repo"), ("category", "spam"), ("reply", twice.as_str()), ("reason", own.as_str())];
    let refused = moderator.submit(&case, &case, &too_long).await;
    let why = "The reply and your words have more than 1000 characters together.";
    assert!(refused.status == 422 && refused.has(why) && refused.has(&own), "{}", refused.text);
    let fields = with(&twice);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(moderator.submit(&case, &case, &fields).await.status, 303);
    let mut ada = Browser::logged_in(hub, "ada").await;
    let notice = ada.open("/moderation/notice/models/ada/bert").await;
    assert!(notice.has("It is here two times. Ask us."), "{}", notice.text);

    // What is deleted is chosen by nobody, and what was said with it stays.
    assert_eq!(operator.submit(PATH, PATH, &[("do", "delete"), ("pk", &twice)]).await.status, 303);
    assert_eq!(operator.submit(PATH, PATH, &change).await.status, 409);
    assert!(ada.open("/moderation/notice/models/ada/bert").await.has("It is here two times."));
    let appeal = notice.text.split("href=\"/moderation/appeal/").nth(1).unwrap().split('"').next().unwrap();
    let appeal = format!("/moderation/appeal/{appeal}");
    assert_eq!(ada.submit(&appeal, &appeal, &[("text", "It is here once only.")]).await.status, 303);
    let waiting = operator.open("/moderation/appeals").await;
    assert!(waiting.has("Looked again: We looked at it again.") && !waiting.has("Links: It links"), "{}", waiting.text);
    let action = waiting.text.split("action=\"/moderation/appeals/").nth(1).unwrap().split('"').next().unwrap();
    let action = format!("/moderation/appeals/{action}");
    let upheld = [("decision", "uphold"), ("reply", again.as_str()), ("answer", "")];
    assert_eq!(operator.submit("/moderation/appeals", &action, &upheld).await.status, 303);
    assert!(ada.open(&appeal).await.has("We looked at it again."));

    // Many cases get the same, too.
    let case = stage.report("/ada").await.to_string();
    let many = [("act", "take_down"), ("chosen", case.as_str()), ("reply", links.as_str())];
    assert_eq!(moderator.submit("/moderation", "/moderation", &many).await.status, 303);
    assert!(moderator.open("/moderation/log").await.has("<p>It links to &#60;a shop&#62;, again and again. <span"));

    // There is an end of them.
    hub.sql(
        "insert into moderation_replies (used_for, title, body) select 'appeal', 'T' || n, 'B' from generate_series(1, 98) n",
    )
    .await;
    let more = [("do", "add"), ("used", "appeal"), ("title", "One more"), ("body", "Text")];
    let refused = operator.submit(PATH, PATH, &more).await;
    assert!(refused.status == 409 && refused.has("Delete one first."), "{}", refused.text);
    stage.hub.stop().await;
}
