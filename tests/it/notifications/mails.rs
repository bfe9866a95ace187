//! What is told by mail: at once, once a day or never, and to whom not.

use hub::jobs::Job;
use hub_tests::json;
use reqwest::Method;

use super::{enqueue, open, say, start, unread};
use crate::outbox::mails;
use crate::pages::browser::Browser;

#[tokio::test]
async fn mails_tell_at_once_once_a_day_or_never_and_end_with_one_request() {
    let (hub, ada, bob) = start().await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let num = open(&hub, &bob, "ada/bert", "A question", "Is it <new>?").await;
    mails(&hub, 0).await;
    // Watching: once a day.
    hub.sql("update notifications set mail_due_at = now() - interval '1 minute' where mail_due_at is not null").await;
    enqueue(&hub, Job::TendNotifications).await;
    let sent = mails(&hub, 1).await;
    let digest = &sent[0];
    for part in [
        "To: ada@example.org",
        "Subject: [ada/bert] A question (#1)",
        "bob opened it.",
        "Is it <new>?",
        "Is it &lt;new&gt;?",
        "you watch it",
    ] {
        assert!(digest.replace("&#60;", "&lt;").replace("&#62;", "&gt;").contains(part), "{part}: {digest}");
    }
    assert!(digest.contains("/ada/bert/discussions/1#"), "{digest}");
    enqueue(&hub, Job::TendNotifications).await;
    mails(&hub, 1).await;

    // Taking part: at once. What was read is told no more, and what may not be read is not, either.
    say(&hub, &ada, "ada/bert", num, "It is.").await;
    let sent = mails(&hub, 2).await;
    let at_once = sent.iter().find(|mail| mail.contains("To: bob@example.org")).unwrap();
    assert!(
        at_once.contains("ada commented.") && at_once.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{at_once}"
    );
    hub.sql("update notifications set mail_due_at = now(), unread = true").await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    let bob_pk: i64 =
        sqlx::query_scalar("select namespace_pk from namespaces where name = 'bob'").fetch_one(&hub.app().pool).await.unwrap();
    enqueue(&hub, Job::MailNotifications { user_pk: bob_pk }).await;
    mails(&hub, 2).await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": false }), 200).await;

    // Opening the address changes nothing, a POST ends all, and nothing else is opened by it.
    let header = at_once.split("List-Unsubscribe: <").nth(1).unwrap().split('>').next().unwrap();
    let path = header[header.find("/notifications/").unwrap()..].to_owned();
    let mut anybody = Browser::new(&hub);
    assert!(anybody.open(&path).await.has("No more mails?"));
    assert_eq!(anybody.get(&path.replace("/unsubscribe", "x/unsubscribe")).await.status, 404);
    let request = hub.anonymous().request(Method::POST, &path).form(&[("List-Unsubscribe", "One-Click")]);
    hub.anonymous().send(request, 200).await;
    say(&hub, &ada, "ada/bert", num, "And @bob?").await;
    mails(&hub, 2).await;
    assert_eq!(unread(&bob).await.len(), 1, "the inbox has it all the same");
    let page = Browser::logged_in(&hub, "bob").await.open("/settings/notifications").await;
    assert_eq!(page.text.matches("<option value=\"never\" selected>").count(), 3, "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn who_is_called_again_and_again_gets_one_mail_in_five_minutes() {
    let (hub, ada, bob) = start().await;
    hub.user("carol").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let num = open(&hub, &bob, "ada/bert", "First", "@carol").await;
    mails(&hub, 1).await;
    // What it told of goes, and with it the notification.
    ada.call(Method::DELETE, &format!("/api/models/ada/bert/discussions/{num}"), &json!({}), 200).await;
    for title in ["Second", "Third"] {
        let num = open(&hub, &bob, "ada/bert", title, "@carol").await;
        say(&hub, &bob, "ada/bert", num, "@carol!").await;
    }
    enqueue(&hub, Job::TendNotifications).await;
    mails(&hub, 1).await;
    hub.sql("update notifications set mail_due_at = mail_due_at - interval '5 minutes' where reason = 3").await;
    enqueue(&hub, Job::TendNotifications).await;
    let sent = mails(&hub, 2).await;
    assert!(
        sent.iter().any(|mail| mail.contains("Subject: 2 notifications") && mail.contains("To: carol@example.org")),
        "{sent:#?}"
    );
    hub.stop().await;
}

#[tokio::test]
async fn what_a_node_was_mailing_when_it_died_is_mailed_by_the_next_try() {
    let (hub, _ada, bob) = start().await;
    hub.sql("update users set email_confirmed_at = now()").await;
    open(&hub, &bob, "ada/bert", "A question", "").await;
    mails(&hub, 0).await;
    hub.sql(
        "update notifications set mail_due_at = now() - interval '1 minute', mailing_until = now() + interval '1 hour'
         where mail_due_at is not null",
    )
    .await;
    let ada_pk: i64 =
        sqlx::query_scalar("select namespace_pk from namespaces where name = 'ada'").fetch_one(&hub.app().pool).await.unwrap();
    assert!(hub::notifications::mail::send(hub.app(), ada_pk).await.is_err(), "the job comes again");
    hub.sql("update notifications set mailing_until = now() - interval '1 second'").await;
    hub::notifications::mail::send(hub.app(), ada_pk).await.unwrap();
    mails(&hub, 1).await;
    hub.stop().await;
}

#[tokio::test]
async fn mails_that_wait_for_the_mail_server_are_not_asked_for_again() {
    let (hub, _ada, bob) = start().await;
    hub.sql("update users set email_confirmed_at = now()").await;
    open(&hub, &bob, "ada/bert", "A question", "").await;
    // As a job that has failed.
    hub.sql(
        "update notifications set mail_due_at = now() - interval '1 minute';
         insert into jobs (kind, payload, attempts, run_at, locked_until)
         select 'mail_notifications', jsonb_build_object('user_pk', user_pk), 1, now() + interval '1 hour', now() from notifications",
    )
    .await;
    hub::notifications::mail::tend(hub.app()).await.unwrap();
    assert_eq!(hub.count("jobs").await, 1);
    hub.sql("update jobs set failed_at = now()").await;
    hub::notifications::mail::tend(hub.app()).await.unwrap();
    hub.sql("delete from jobs where failed_at is not null").await;
    mails(&hub, 1).await;
    hub.stop().await;
}

#[tokio::test]
async fn no_mail_goes_to_addresses_that_nobody_confirmed() {
    let (hub, ada, bob) = start().await;
    open(&hub, &bob, "ada/bert", "A question", "@ada").await;
    mails(&hub, 0).await;
    let due: i64 = sqlx::query_scalar("select count(mail_due_at) from notifications").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!((due, unread(&ada).await.len()), (0, 1));
    hub.stop().await;
}
