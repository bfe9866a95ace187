use hub::accounts::{OrgRole, TokenRole};
use hub_tests::json;
use reqwest::Method;

use super::{API, Gated, ask};
use crate::outbox::{link, mails, outbox, the_mail};

async fn run(gated: &Gated, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&gated.hub.app().pool).await.unwrap();
}

/// Waits until the job has put itself off.
async fn is_put_off(gated: &Gated) {
    let waits = "select count(*) from jobs where kind = 'announce_requests' and run_at > now() + interval '50 minutes'";
    let is_put_off = async || sqlx::query_scalar::<_, i64>(waits).fetch_one(&gated.hub.app().pool).await.unwrap() == 1;
    hub_tests::until("the job is put off", is_put_off).await;
}

#[tokio::test]
async fn those_who_decide_hear_of_a_request_and_who_asked_of_the_decision() {
    let gated = Gated::start().await;
    run(&gated, "update users set email_confirmed_at = now()").await;
    ask(&gated.bob).await;
    let sent = mails(&gated.hub, 1).await;
    let mail = the_mail(&sent, "ada@example.org", "bob asks for access to the model acme/gated");
    assert_eq!(link(mail), "/acme/gated/settings/access-requests");
    assert!(!mail.contains("bob@example.org") && !mail.contains("Acme"), "what he wrote stays on the hub: {mail}");
    gated.decide("bob", "accepted").await;
    let sent = mails(&gated.hub, 2).await;
    let mail = the_mail(&sent, "bob@example.org", "You have access to the model acme/gated");
    assert_eq!(link(mail), "/acme/gated");
    // That it was taken back is no news.
    gated.decide("bob", "pending").await;
    let body = json!({ "user": "bob", "status": "rejected", "rejectionReason": "Write from your <b>work</b> account." });
    gated.ada.post_json(&format!("{API}/user-access-request/handle"), &body, 200).await;
    let sent = mails(&gated.hub, 3).await;
    let mail = the_mail(&sent, "bob@example.org", "You have no access to the model acme/gated");
    assert!(mail.contains("The reason that was given: Write from your <b>work</b> account."), "{mail}");
    assert!(mail.contains("&#60;b&#62;work") || mail.contains("&lt;b&gt;work"), "as a page, it is text: {mail}");
    gated.hub.stop().await;
}

#[tokio::test]
async fn many_requests_make_one_mail_an_hour_to_each_admin() {
    let gated = Gated::start().await;
    let (other, writer) = (gated.hub.account("other").await, gated.hub.account("writer").await);
    let mut conn = gated.hub.app().pool.acquire().await.unwrap();
    let acme = hub::accounts::queries::find_namespace(&mut conn, "acme").await.unwrap().unwrap().namespace_pk;
    for (user, role) in [(&other, OrgRole::Admin), (&writer, OrgRole::Write)] {
        hub::accounts::queries::upsert_member(&mut conn, acme, user.pk, role).await.unwrap();
    }
    drop(conn);
    run(&gated, "update users set email_confirmed_at = now() where email <> 'other@example.org'").await;
    ask(&gated.bob).await;
    mails(&gated.hub, 1).await;
    for number in 0..12 {
        ask(&gated.hub.user(&format!("person-{number:02}")).await).await;
    }
    is_put_off(&gated).await;
    assert_eq!(outbox(&gated.hub).len(), 1);
    run(&gated, "update access_request_mails set told_at = told_at - interval '2 hours'; update jobs set run_at = now()").await;
    gated.hub.app().jobs.wake();
    let sent = mails(&gated.hub, 2).await;
    let mail = the_mail(&sent, "ada@example.org", "12 people ask for access to the model acme/gated");
    assert!(mail.contains("person-00, person-01") && mail.contains("and 2 more"), "{mail}");
    gated.hub.stop().await;
}

#[tokio::test]
async fn whoever_takes_a_request_back_and_asks_again_makes_no_second_mail() {
    let gated = Gated::start().await;
    run(&gated, "update users set email_confirmed_at = now()").await;
    ask(&gated.bob).await;
    mails(&gated.hub, 1).await;
    gated.bob.post_json(&format!("{API}/user-access-request/cancel"), &json!({}), 200).await;
    ask(&gated.bob).await;
    is_put_off(&gated).await;
    assert_eq!(outbox(&gated.hub).len(), 1);
    // Once the hour is over, nobody who waits is forgotten.
    run(&gated, "update access_request_mails set told_at = told_at - interval '2 hours'; update jobs set run_at = now()").await;
    gated.hub.app().jobs.wake();
    mails(&gated.hub, 2).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn whoever_made_it_hears_of_requests_if_they_may_decide() {
    let gated = Gated::start().await;
    let mut conn = gated.hub.app().pool.acquire().await.unwrap();
    let acme = hub::accounts::queries::find_namespace(&mut conn, "acme").await.unwrap().unwrap().namespace_pk;
    let makers = [("clara", OrgRole::Contributor), ("wanda", OrgRole::Write)];
    for (name, role) in makers {
        let maker = gated.hub.account(name).await;
        hub::accounts::queries::upsert_member(&mut conn, acme, maker.pk, role).await.unwrap();
        gated.hub.token(&maker, TokenRole::Write).await.create_repo("model", &format!("acme/of-{name}"), false).await;
    }
    drop(conn);
    run(&gated, "update users set email_confirmed_at = now()").await;
    for (number, (name, _)) in makers.into_iter().enumerate() {
        let (id, api) = (format!("acme/of-{name}"), format!("/api/models/acme/of-{name}"));
        gated.ada.call(Method::PUT, &format!("{api}/settings"), &json!({ "gated": "manual" }), 200).await;
        gated.bob.send(gated.bob.request(Method::POST, &format!("/{id}/ask-access")), 303).await;
        let sent = mails(&gated.hub, 2 * (number + 1)).await;
        for to in ["ada", name] {
            the_mail(&sent, &format!("{to}@example.org"), &format!("bob asks for access to the model {id}"));
        }
    }
    gated.hub.stop().await;
}

#[tokio::test]
async fn nobody_is_written_to_who_did_not_ask() {
    let gated = Gated::start().await;
    run(&gated, "update users set email_confirmed_at = now()").await;
    gated.ada.post_json(&format!("{API}/user-access-request/grant"), &json!({ "user": "bob" }), 200).await;
    gated.decide("bob", "rejected").await;
    gated.gate(json!("auto")).await;
    ask(&gated.hub.user("dave").await).await;
    gated.hub.jobs_done().await;
    assert_eq!(outbox(&gated.hub), Vec::<String>::new());
    gated.hub.stop().await;
}
