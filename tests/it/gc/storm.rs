//! Everything at once on a real hub of two nodes: people upload, commit, reuse, squash, branch and delete the same few
//! contents, undo and restore, copy repositories, change a bucket, join packs, files are put into chunks, and garbage is
//! collected all the while, without any grace, and cut off at random moments. Others download and clone what stays, whose
//! chunks and packs are in the midst of it, and get all of it each time. In the end nothing that is named is lost, and
//! nothing else is left.

mod copies;
mod readers;
mod worker;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub::app::App;
use hub::gc::{self, Limits, Mode};
use hub::repos::{lfs_files, queries as repo_queries};
use hub_tests::TestHub;
use hub_types::{RepoType, Sha256};

use self::readers::{Kept, read_whole};
use self::worker::{Worker, contents};
use super::{AT_ONCE, assert_sound, count, expire_leases, run, stored};

const WORKERS: u64 = 5;
const REPOS: [&str; 3] = ["one", "two", "gone"];

/// How long the storm lasts.
fn length() -> Duration {
    let secs = std::env::var("HUB_TEST_GC_SECS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(secs.unwrap_or(8))
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides) as usize
    }
}

/// Collects until told to stop; every other run is cut off.
async fn collect(app: &App, stop: &AtomicBool, runs: &AtomicU64, swept: &AtomicU64) {
    let limits = Limits { plain: Some(Duration::ZERO), ..AT_ONCE };
    let mut dice = Dice(7);
    while !stop.load(Ordering::Relaxed) {
        // In the order in which the hub takes hold of them, or the two wait for each other.
        let expire = "with held as (select xorb_hash from xet_xorbs order by xorb_hash for update)
            update xet_xorbs x set lease_until = now() from held where x.xorb_hash = held.xorb_hash";
        sqlx::query(expire).execute(&app.pool).await.unwrap();
        let patience = Duration::from_millis(if dice.roll(2) == 0 { 60_000 } else { dice.roll(300) as u64 });
        match tokio::time::timeout(patience, gc::collect(app, limits, Mode::Real)).await {
            Ok(report) => {
                let report = report.unwrap();
                runs.fetch_add(u64::from(report.is_some()), Ordering::Relaxed);
                let files = report.map(|report| report.get(gc::Item::SweptFiles).count).unwrap_or_default();
                swept.fetch_add(files, Ordering::Relaxed);
            }
            Err(_cut_off) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gc_loses_nothing_in_a_storm() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for name in REPOS {
        ada.create_repo("model", &format!("ada/{name}"), false).await;
    }
    let kept = Kept::put(&ada).await;
    let disk = tempfile::tempdir().unwrap();
    let mut config = hub.app().config.as_ref().clone();
    config.data_dir = disk.path().to_owned();
    let node = hub::start(config, TcpListener::bind("127.0.0.1:0").unwrap()).await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let [runs, reads, swept, undone, copied] = [(); 5].map(|()| Arc::new(AtomicU64::new(0)));
    let readers = {
        let (ada, stop, reads) = (ada.clone(), Arc::clone(&stop), Arc::clone(&reads));
        tokio::spawn(async move { kept.read(&ada, &stop, &reads).await })
    };
    let until = Instant::now() + length();
    let people = futures::future::join_all((0..WORKERS).map(|seed| {
        let (undone, copied, copy) = (Arc::clone(&undone), Arc::clone(&copied), copies::name(seed));
        let (client, dice) = (ada.clone(), Dice(seed));
        let mut worker = Worker { client, dice, contents: contents(), commits: 0, undone, copy, copied };
        let app = hub.app().clone();
        let (runs, reads, swept) = (Arc::clone(&runs), Arc::clone(&reads), Arc::clone(&swept));
        tokio::spawn(async move {
            // On a slow machine it lasts until it has had some effect.
            let had = |counter: &AtomicU64, more: u64| counter.load(Ordering::Relaxed) > more;
            let of_others = || had(&runs, 2) && had(&reads, 1) && had(&swept, 2);
            let has_effect = |worker: &Worker| of_others() && had(&worker.undone, 0) && had(&worker.copied, 0);
            let latest = until + Duration::from_secs(60);
            while Instant::now() < until || (!has_effect(&worker) && Instant::now() < latest) {
                worker.work(&app).await;
            }
            worker.commits
        })
    }));
    let storm = async {
        let commits: u64 = people.await.into_iter().map(|done| done.expect("a worker found a fault")).sum();
        stop.store(true, Ordering::Relaxed);
        commits
    };
    let here = collect(hub.app(), &stop, &runs, &swept);
    let there = collect(&node.app, &stop, &runs, &swept);
    let (commits, (), ()) = tokio::join!(storm, here, there);
    readers.await.expect("a reader found a fault");
    let [runs, reads, swept, undone, copied] =
        [runs, reads, swept, undone, copied].map(|counter| counter.load(Ordering::Relaxed));
    println!(
        "{commits} commits, {undone} undos, {copied} copies and {reads} times reading beside {runs} whole runs, which removed \
         {swept} files"
    );
    assert!(commits > 5 && runs > 2 && swept > 2 && reads > 1 && undone > 0 && copied > 0, "the storm was no storm");

    calm(&hub).await;
    assert_sound(&hub).await;
    assert_nothing_else_is_left(&hub).await;
    for name in names_left(&hub).await {
        read_whole(&ada, &name).await;
    }
    node.stop().await;
    hub.stop().await;
}

/// The repositories of the storm that are there, and the copies.
async fn names_left(hub: &TestHub) -> Vec<String> {
    let sql = "select name from repos where repo_type = 'model' and deleted_at is null and name <> 'kept'";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(&hub.app().pool).await.unwrap();
    assert!(REPOS.iter().all(|name| names.iter().any(|there| there == name)), "{names:?}");
    names
}

/// Lets the jobs come to their end, and garbage collection as well.
async fn calm(hub: &TestHub) {
    let asked = Instant::now();
    while hub::jobs::queries::count(&hub.app().pool).await.unwrap().0 > 0 {
        assert!(asked.elapsed().as_secs() < 60, "jobs are left");
        // Those that failed because a file went while they read it wait for their next try.
        sqlx::query("update jobs set run_at = now() where run_at > now()").execute(&hub.app().pool).await.unwrap();
        hub.app().jobs.wake();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for _ in 0..5 {
        expire_leases(hub).await;
        run(hub, AT_ONCE).await;
    }
}

async fn assert_nothing_else_is_left(hub: &TestHub) {
    let app = hub.app();
    for name in names_left(hub).await {
        let repo = repo_queries::find_repo(&app.pool, RepoType::Model, "ada", &name).await.unwrap().unwrap();
        let refs = repo_queries::list_refs(&app.pool, repo.pk).await.unwrap();
        let named = lfs_files::named_oids(app, &repo, &refs).await.unwrap().unwrap();
        let has = sqlx::query_scalar::<_, Sha256>("select oid from repo_lfs_objects where repo_pk = $1").bind(repo.pk);
        let has: std::collections::HashSet<Sha256> = has.fetch_all(&app.pool).await.unwrap().into_iter().collect();
        assert_eq!(has, named, "{name}");
    }
    let idle = "lfs_objects o where not exists (select from repo_lfs_objects l where l.oid = o.oid)";
    assert_eq!(count(hub, idle).await, 0);
    let idle = "xet_xorbs x where not exists (select from xet_file_xorbs f where f.xorb_hash = x.xorb_hash)";
    assert_eq!(count(hub, idle).await, 0);
    let rows = count(hub, "lfs_objects where is_plain").await + 2 * count(hub, "xet_xorbs").await;
    assert_eq!(count(hub, "doomed_objects").await, 0);
    // A run that was cut off while an upload discarded its bytes leaves nothing either: those go by themselves.
    let left = stored(hub).await;
    assert_eq!(left.len() as i64, rows, "{left:?}");
}
