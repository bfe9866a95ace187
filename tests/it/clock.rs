//! What a database left whose clock was ahead for a while.

use hub::accounts::{OrgRole, TokenRole};
use hub::clock;
use hub_tests::TestHub;

use crate::pages::browser::Browser;

/// Everything as if it had been made within a year in which the clock of the database was ahead.
const A_YEAR_AHEAD: &str = "
    update sessions set created_at = created_at + interval '1 year', expires_at = expires_at + interval '1 year'
        where user_pk = (select namespace_pk from namespaces where name = 'eve');
    update sessions set proved_at = proved_at + interval '1 year';
    update access_tokens set created_at = now() + interval '1 year', expires_at = now() + interval '1 year 30 days';
    insert into authenticator_apps (user_pk, secret, last_step)
        select namespace_pk, decode(repeat('ab', 20), 'hex'), extract(epoch from now() + interval '1 year')::bigint / 30
        from namespaces where name = 'bob';
    insert into wrong_codes (user_pk, count, since)
        select namespace_pk, 100, now() + interval '1 year' from namespaces where name = 'bob';
    insert into mail_links (link_hash, user_pk, purpose, email, sent_at, expires_at)
        select sha256('x'), namespace_pk, 'reset_password', 'bob@example.org', now() + interval '1 year', now() + interval '366 days'
        from namespaces where name = 'bob';
    insert into sign_ups (name, email, password_hash, next_path, expires_at)
        values ('mallory', 'mallory@example.org', '', '/', now() + interval '366 days');
    insert into organization_invitations (organization_pk, role, invited_by, created_at, expires_at)
        select o.namespace_pk, 'read', u.namespace_pk, now() + interval '1 year', now() + interval '1 year 7 days'
        from namespaces o, namespaces u where o.name = 'acme' and u.name = 'ada';
    insert into jobs (kind, payload, created_at, run_at) values
        ('sweep_sign_ins', 'null', now() + interval '1 year', now() + interval '1 year');
    insert into jobs (kind, dedup_key, payload, run_at, locked_until) values
        ('count_activity', '', 'null', now() - interval '1 day', now() + interval '1 year');
    insert into gc_runs (started_at, finished_at, report) values (now() + interval '1 year', now() + interval '1 year', '{}');
";

#[tokio::test]
async fn what_is_dated_in_the_future_neither_lives_nor_waits_for_ever() {
    let hub = TestHub::start().await;
    let (ada, bob, _) = (hub.account("ada").await, hub.account("bob").await, hub.account("eve").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    let token = hub.token(&bob, TokenRole::Write).await;
    hub.jobs_done().await;
    let adas = Browser::logged_in(&hub, "ada").await;
    let eves = Browser::logged_in(&hub, "eve").await;
    let leave = async |pool: &sqlx::PgPool| {
        sqlx::raw_sql(A_YEAR_AHEAD).execute(pool).await.unwrap();
    };
    let hub = hub.restart_after(leave).await;
    let again = |before: &Browser| {
        let mut browser = Browser::new(&hub);
        browser.plant("session", before.cookie("session").unwrap());
        browser
    };
    let (mut adas, mut eves) = (again(&adas), again(&eves));
    let pool = &hub.app().pool;
    let wrong = "select array_to_string(array_remove(array[
        case when exists (select from sessions where created_at > now() or proved_at > now()) then 'sessions' end,
        case when exists (select from access_tokens where expires_at > now() + interval '31 days' or expires_at is null) then 'tokens' end,
        case when exists (select from authenticator_apps where last_step > extract(epoch from now())::bigint / 30 + 2) then 'codes' end,
        case when exists (select from wrong_codes where since > now()) then 'wrong codes' end,
        case when exists (select from mail_links) then 'links' end,
        case when exists (select from sign_ups) then 'sign-ups' end,
        case when exists (select from organization_invitations where expires_at > now() + interval '8 days') then 'invitations' end,
        case when exists (select from jobs where failed_at is null) then 'jobs' end,
        case when exists (select from gc_runs where finished_at > now()) then 'runs of garbage collection' end], null), ', ')";
    let mut left = String::new();
    for _ in 0..1200 {
        left = sqlx::query_scalar::<_, Option<String>>(wrong).fetch_one(pool).await.unwrap().unwrap_or_default();
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(left, "");
    // A session that began in the future is over, others are not; nobody is locked out.
    assert!(eves.get("/settings/profile").await.location().starts_with("/login"));
    assert_eq!(adas.get("/settings/profile").await.status, 200);
    Browser::logged_in(&hub, "eve").await;
    let client = hub.with_token(token.token());
    client.get("/api/whoami-v2", 200).await;
    // This machine's clock is the database's here.
    assert!(clock::ahead().is_some_and(|ahead| ahead.num_seconds() == 0));
    clock::check_ages().unwrap();
    hub.stop().await;
}
