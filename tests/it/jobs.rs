//! Lanes of background work, and claims to jobs.

use std::future::pending;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use hub::config::Role;
use hub::db::LockKey;
use hub::jobs::queries::{self, ClaimedJob};
use hub::jobs::{Job, Lease, Queue};
use hub_tests::{TestHub, until};
use hub_types::Sha256;
use sqlx::postgres::PgPoolOptions;
use tokio::time::{sleep, timeout};

use crate::outbox::outbox;

/// The claims of these tests: extended after a third, so that a machine may stand still for some seconds.
const LEASE: Duration = Duration::from_secs(9);

/// A hub that works through no jobs, and has none.
async fn idle_hub() -> TestHub {
    let hub = TestHub::start_with(|config| config.role = Role::Web).await;
    hub.sql("delete from jobs").await;
    hub
}

async fn enqueue(hub: &TestHub, job: Job) {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    job.enqueue(&mut conn).await.unwrap();
    hub.app().jobs.wake();
}

async fn claim(hub: &TestHub, queue: Queue) -> Option<ClaimedJob> {
    queries::claim(&hub.app().pool, queue, LEASE, &[]).await.unwrap()
}

#[tokio::test]
async fn a_mail_waits_for_no_job_that_takes_long() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    hub.jobs_done().await;
    let mut held = hub.app().begin().await.unwrap();
    hub::db::lock(&mut held, LockKey::MeasureStorage).await.unwrap();
    enqueue(&hub, Job::MeasureStorage).await;
    until("the long one is in hand", async || hub.count("jobs where locked_until > now()").await == 1).await;
    enqueue(&hub, Job::CountActivity).await;
    enqueue(&hub, Job::SendPasswordLink { email: "ada@example.org".to_owned() }).await;
    until("there is a mail", async || outbox(&hub).len() == 1).await;
    assert_eq!(hub.count("jobs where kind = 'measure_storage'").await, 1, "the long one goes on");
    assert_eq!(hub.count("jobs where kind = 'count_activity' and attempts = 0").await, 1, "one that may be long waits for it");
    held.rollback().await.unwrap();
    hub.jobs_done().await;
    hub.stop().await;
}

#[tokio::test]
async fn a_mail_waits_for_nothing_that_reads_a_repository() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    hub.jobs_done().await;
    let mut held = hub.app().begin().await.unwrap();
    sqlx::query("lock table repos in access exclusive mode").execute(&mut *held).await.unwrap();
    enqueue(&hub, Job::ReadHeaders { repo_pk: -1 }).await;
    until("it is in hand", async || hub.count("jobs where locked_until > now()").await == 1).await;
    enqueue(&hub, Job::ReadTexts { repo_pk: -1 }).await;
    enqueue(&hub, Job::SendPasswordLink { email: "ada@example.org".to_owned() }).await;
    until("there is a mail", async || outbox(&hub).len() == 1).await;
    assert_eq!(hub.count("jobs where kind = 'read_headers' and locked_until > now()").await, 1, "it is still being done");
    assert_eq!(hub.count("jobs where kind = 'read_texts' and attempts = 0").await, 1, "one that reads waits for it");
    held.rollback().await.unwrap();
    hub.jobs_done().await;
    hub.stop().await;
}

#[tokio::test]
async fn many_files_that_are_put_in_chunks_leave_turns_to_others() {
    let hub = TestHub::start().await;
    hub.jobs_done().await;
    let mut no_files = hub.app().begin().await.unwrap();
    sqlx::query("lock table lfs_objects in access exclusive mode").execute(&mut *no_files).await.unwrap();
    for byte in 1..=5 {
        enqueue(&hub, Job::PutInChunks { oid: Sha256::from_bytes([byte; 32]) }).await;
    }
    until("one of them is in hand", async || hub.count("jobs where locked_until > now()").await == 1).await;
    let mut held = hub.app().begin().await.unwrap();
    hub::db::lock(&mut held, LockKey::MeasureStorage).await.unwrap();
    enqueue(&hub, Job::MeasureStorage).await;
    no_files.rollback().await.unwrap();
    until("the other comes", async || hub.count("jobs where kind = 'measure_storage' and attempts = 1").await == 1).await;
    assert_eq!(hub.count("jobs where kind = 'put_in_chunks' and attempts = 0").await, 4);
    held.rollback().await.unwrap();
    hub.jobs_done().await;
    hub.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_the_jobs_in_hand_of_all_lanes() {
    let hub = idle_hub().await;
    let mut config = hub.app().config.as_ref().clone();
    config.role = Role::Jobs;
    let worker = hub::start(config, TcpListener::bind("127.0.0.1:0").unwrap()).await.unwrap();
    let mut held = hub.app().begin().await.unwrap();
    hub::db::lock(&mut held, LockKey::MeasureStorage).await.unwrap();
    sqlx::query("lock table users, repos in access exclusive mode").execute(&mut *held).await.unwrap();
    enqueue(&hub, Job::MeasureStorage).await;
    enqueue(&hub, Job::ReadTexts { repo_pk: -1 }).await;
    enqueue(&hub, Job::SendPasswordLink { email: "nobody@example.org".to_owned() }).await;
    until("all are in hand", async || hub.count("jobs where locked_until > now()").await == 3).await;
    let release = async {
        sleep(Duration::from_millis(500)).await;
        enqueue(&hub, Job::ReadHeaders { repo_pk: -1 }).await;
        sleep(Duration::from_millis(500)).await;
        assert_eq!(hub.count("jobs where locked_until > now()").await, 3, "they are still being done");
        held.rollback().await.unwrap();
    };
    tokio::join!(worker.stop(), release);
    assert_eq!(hub.count("jobs").await, 1);
    assert_eq!(hub.count("jobs where kind = 'read_headers' and attempts = 0").await, 1, "nothing new was begun");
    hub.stop().await;
}

#[tokio::test]
async fn a_job_that_nobody_brings_to_an_end_is_given_up() {
    let hub = TestHub::start().await;
    hub.jobs_done().await;
    // As begun by nodes that died each time.
    hub.sql(
        r#"insert into jobs (kind, payload, attempts) values ('read_headers', '{"repo_pk": -1}', 15),
                                                            ('read_headers', '{"repo_pk": -2}', 16)"#,
    )
    .await;
    until("neither waits", async || hub.count("jobs where failed_at is null").await == 0).await;
    assert_eq!(hub.count("jobs where payload @> '{\"repo_pk\": -2}' and last_error like '%broken off%'").await, 1);
    assert_eq!(hub.count("jobs").await, 1, "the other was done");
    hub.stop().await;
}

#[tokio::test]
async fn each_queue_gives_its_own_kinds() {
    let hub = idle_hub().await;
    let slow = [
        Job::CollectGarbage,
        Job::ConvertWeights { conversion_pk: 1 },
        Job::CountActivity,
        Job::DeriveAgain { after: 0 },
        Job::ExportData { export_pk: 1 },
        Job::MeasureStorage,
        Job::PruneAuditLog,
        Job::Repack { repo_pk: 1 },
        Job::ScanAgain { after: 0 },
        Job::ScanFiles { repo_pk: 1 },
        Job::SketchWeights { repo_pk: 1 },
        Job::SweepPersonalData,
        Job::SweepSignIns,
        Job::SweepUploads,
    ];
    let mut conn = hub.app().pool.acquire().await.unwrap();
    Job::enqueue_all(&slow, &mut conn).await.unwrap();
    drop(conn);
    enqueue(&hub, Job::PutInChunks { oid: Sha256::from_bytes([1; 32]) }).await;
    enqueue(&hub, Job::ReadHeaders { repo_pk: 1 }).await;
    enqueue(&hub, Job::ReadTexts { repo_pk: 1 }).await;
    enqueue(&hub, Job::LookAtCard { repo_pk: 1, user_pk: 1 }).await;
    enqueue(&hub, Job::SendPasswordLink { email: "ada@example.org".to_owned() }).await;
    hub.sql("insert into jobs (kind, payload) values ('of_a_later_version', 'null')").await;
    let all_of = async |queue: Queue| {
        let mut kinds = Vec::new();
        while let Some(job) = queries::claim(&hub.app().pool, queue, LEASE * 60, &[]).await.unwrap() {
            kinds.push(job.kind);
        }
        kinds
    };
    assert_eq!(all_of(Queue::Chunks).await, ["put_in_chunks"]);
    assert_eq!(all_of(Queue::Slow).await.len(), slow.len());
    assert_eq!(all_of(Queue::Reads).await, ["read_headers", "read_texts", "look_at_card"]);
    assert_eq!(all_of(Queue::Quick).await, ["send_password_link", "of_a_later_version"]);
    hub.stop().await;
}

#[tokio::test]
async fn what_is_derived_again_does_not_fill_the_lane_of_reads() {
    let hub = idle_hub().await;
    hub.sql(
        r#"insert into jobs (kind, dedup_key, payload)
           select 'read_headers', n::text, jsonb_build_object('repo_pk', -n) from generate_series(1, 60) n"#,
    )
    .await;
    hub::repos::metadata::derive_again(hub.app(), 7).await.unwrap();
    let later = "jobs where kind = 'derive_again' and payload @> '{\"after\": 7}' and run_at > now()";
    assert_eq!(hub.count(later).await, 1, "it waits until most of them are done");
    hub.sql("delete from jobs").await;
    hub::repos::metadata::derive_again(hub.app(), 7).await.unwrap();
    assert_eq!(hub.count("jobs").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn a_claim_reads_nothing_of_other_queues() {
    let hub = idle_hub().await;
    hub.sql(
        "insert into jobs (kind, payload, run_at)
         select kind, 'null', now() - make_interval(secs => n)
         from unnest(array['put_in_chunks', 'scan_files', 'read_headers', 'tell_user']) kind, generate_series(1, 3000) n",
    )
    .await;
    hub.sql("analyze jobs").await;
    // A connection tells what it did when it is used again some time later.
    let options = hub.app().pool.connect_options().as_ref().clone();
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    for queue in [Queue::Chunks, Queue::Slow, Queue::Reads, Queue::Quick] {
        assert!(queries::claim(&pool, queue, LEASE, &[]).await.unwrap().is_some());
    }
    let used = "select count(*) from pg_stat_user_indexes
                where indexrelname in ('jobs_chunks_idx', 'jobs_slow_idx', 'jobs_reads_idx', 'jobs_told_idx') and idx_scan > 0";
    until("each has its index", async || sqlx::query_scalar::<_, i64>(used).fetch_one(&pool).await.unwrap() == 4).await;
    pool.close().await;
    hub.stop().await;
}

#[tokio::test]
async fn a_claim_lasts_as_long_as_the_work_and_ends_some_time_after_a_node_was_killed() {
    let hub = idle_hub().await;
    enqueue(&hub, Job::ReadHeaders { repo_pk: -1 }).await;
    let lease = Lease::from_now(LEASE);
    let job = claim(&hub, Queue::Reads).await.expect("the job");
    let work = async {
        let begun = Instant::now();
        while begun.elapsed() < LEASE * 3 / 2 {
            assert!(claim(&hub, Queue::Reads).await.is_none(), "another node took it up");
            sleep(Duration::from_millis(100)).await;
        }
        "done"
    };
    assert_eq!(lease.keep(&hub.app().pool, &job, work).await, Some("done"));
    // Nobody notes that, as when the node dies here.
    until("it comes again", async || claim(&hub, Queue::Reads).await.is_some()).await;
    hub.stop().await;
}

#[tokio::test]
async fn work_is_stopped_when_another_node_has_it() {
    let hub = idle_hub().await;
    let pool = &hub.app().pool;
    enqueue(&hub, Job::ReadHeaders { repo_pk: -1 }).await;
    let lease = Lease::from_now(LEASE);
    let job = claim(&hub, Queue::Reads).await.expect("the job");
    hub.sql("update jobs set locked_until = now() - interval '1 second'").await;
    let other = claim(&hub, Queue::Reads).await.expect("another node takes it up");
    assert_eq!(other.job_pk, job.job_pk);
    let kept = timeout(LEASE * 2, lease.keep(pool, &job, pending::<()>())).await;
    assert_eq!(kept.expect("it is told soon"), None);
    queries::fail(pool, &job, "too late", 1).await.unwrap();
    assert_eq!(hub.count("jobs where last_error is null and failed_at is null").await, 1, "it is the other node's");
    queries::fail(pool, &other, "in time", 1).await.unwrap();
    assert_eq!(hub.count("jobs where last_error = 'in time' and failed_at is not null").await, 1);
    hub.stop().await;
}

#[tokio::test]
async fn work_is_stopped_when_the_claim_ends_while_the_database_is_away() {
    let away = PgPoolOptions::new().acquire_timeout(Duration::from_millis(100));
    let away = away.connect_lazy("postgres://hub@127.0.0.1:1/hub").unwrap();
    let job = ClaimedJob { job_pk: 1, kind: "read_headers".to_owned(), payload: serde_json::Value::Null, attempts: 1 };
    let length = Duration::from_secs(15);
    let begun = Instant::now();
    let kept = timeout(length * 2, Lease::from_now(length).keep(&away, &job, pending::<()>())).await;
    assert_eq!(kept.expect("it ends"), None);
    assert!(begun.elapsed() > length / 2, "a moment without the database is no harm: {:?}", begun.elapsed());
    assert!(begun.elapsed() < length + length / 3, "nobody else may have begun: {:?}", begun.elapsed());
}
