//! Drives real clusters through start, stop and violent ends.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hub_embedded::{EmbeddedPostgres, Error, Options, find_running};

/// Set for the copies of this test binary that play the hub to be killed.
const PLAY_HUB: &str = "HUB_EMBEDDED_TEST_DATA_DIR";

fn sql(url: &str, statement: &str) -> String {
    let output = Command::new("psql").args(["-XAtqd", url, "-c", statement]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "gave up waiting: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn main_process(data_dir: &Path) -> i32 {
    let text = std::fs::read_to_string(data_dir.join("postgres/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn is_alive(pid: i32) -> bool {
    // A zombie keeps its entry but has no working directory any more.
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok()
}

fn kill_hard(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// A second process that runs a cluster until it is killed.
struct OtherHub {
    process: Child,
    url: String,
}

impl OtherHub {
    fn start(mut command: Command, data_dir: &Path) -> Self {
        command.args(["--exact", "plays_a_hub_in_another_process", "--nocapture"]).env(PLAY_HUB, data_dir);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.map(Result::unwrap).find_map(|l| l.split_once("ready ").map(|(_, url)| url.to_owned()));
        Self { process, url: url.unwrap() }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn plays_a_hub_in_another_process() {
    let Some(data_dir) = std::env::var_os(PLAY_HUB) else { return };
    let postgres = EmbeddedPostgres::start(Path::new(&data_dir)).await.unwrap();
    println!("ready {}", postgres.url());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn data_survives_stop_and_drop() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("made/for/me");

    let postgres = EmbeddedPostgres::start(&data_dir).await.unwrap();
    sql(postgres.url(), "create table kept (n int); insert into kept values (7)");
    assert_eq!(sql(postgres.url(), "show server_encoding"), "UTF8");
    assert_eq!(sql(postgres.url(), "select lower('ÄÖ')"), "äö");
    assert_eq!(sql(postgres.url(), "show listen_addresses"), "");
    let pid = main_process(&data_dir);
    postgres.stop().await.unwrap();
    assert!(!is_alive(pid));

    let postgres = EmbeddedPostgres::start(&data_dir).await.unwrap();
    assert_eq!(sql(postgres.url(), "select n from kept"), "7");
    let pid = main_process(&data_dir);
    drop(postgres);
    assert!(!is_alive(pid));
    assert!(!data_dir.join("postgres/postmaster.pid").exists(), "a clean stop leaves no pid file");

    let postgres = EmbeddedPostgres::start(&data_dir).await.unwrap();
    assert_eq!(sql(postgres.url(), "select n from kept"), "7");
}

#[tokio::test]
async fn only_the_owner_may_enter_the_socket_folder_and_nobody_is_root() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = EmbeddedPostgres::start(dir.path()).await.unwrap();
    let socket_dir = sql(postgres.url(), "show unix_socket_directories");
    assert_eq!(std::fs::metadata(&socket_dir).unwrap().mode() & 0o777, 0o700);
    let server = std::fs::metadata(format!("/proc/{}", main_process(dir.path()))).unwrap();
    assert_ne!(server.uid(), 0);
    assert_eq!(std::fs::metadata(dir.path().join("postgres")).unwrap().uid(), server.uid());
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let other = OtherHub::start(Command::new(std::env::current_exe().unwrap()), dir.path());
    let error = EmbeddedPostgres::start(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::InUse { pid: Some(pid), .. } if pid == other.process.id().cast_signed()), "{error}");
    assert!(error.to_string().contains("used by another process"));
    assert_eq!(find_running(dir.path()).as_deref(), Some(other.url.as_str()));
    other.kill();
}

#[tokio::test]
async fn a_killed_hub_leaves_no_server_and_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let other = OtherHub::start(Command::new(std::env::current_exe().unwrap()), dir.path());
    sql(&other.url, "create table kept (n int); insert into kept values (7)");
    let server = main_process(dir.path());
    other.kill();

    // The next start need not wait for the old server to go.
    let postgres = EmbeddedPostgres::start(dir.path()).await.unwrap();
    assert_eq!(sql(postgres.url(), "select n from kept"), "7");
    assert!(!is_alive(server));
    drop(postgres);

    let other = OtherHub::start(Command::new(std::env::current_exe().unwrap()), dir.path());
    let server = main_process(dir.path());
    other.kill();
    wait_for("the server to follow its hub", || !is_alive(server));
    assert_eq!(find_running(dir.path()), None);
}

#[tokio::test]
async fn a_server_that_outlived_its_hub_is_stopped_first() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let postgres = EmbeddedPostgres::start(dir.path()).await.unwrap();
    sql(postgres.url(), "create table kept (n int); insert into kept values (7)");
    let server = std::fs::read_link(format!("/proc/{}/exe", main_process(dir.path()))).unwrap();
    postgres.stop().await.unwrap();

    let cluster = dir.path().join("postgres");
    let owner = std::fs::metadata(&cluster).unwrap();
    let mut orphan = Command::new(server);
    orphan.arg("-D").arg(&cluster).args(["-c", "listen_addresses=", "-c", "unix_socket_directories=."]);
    if rustix::process::geteuid().is_root() {
        orphan.uid(owner.uid()).gid(owner.gid());
    }
    let mut orphan = orphan.stderr(Stdio::null()).spawn().unwrap();
    wait_for("the orphan to come up", || {
        std::fs::read_to_string(cluster.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"))
    });

    let postgres = EmbeddedPostgres::start(dir.path()).await.unwrap();
    assert!(orphan.try_wait().unwrap().is_some());
    assert_eq!(sql(postgres.url(), "select n from kept"), "7");
}

#[tokio::test]
async fn a_pid_file_of_a_stranger_and_a_half_made_cluster_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("postgres.new")).unwrap();
    std::fs::write(dir.path().join("postgres.new/PG_VERSION"), "15").unwrap();
    EmbeddedPostgres::start(dir.path()).await.unwrap().stop().await.unwrap();
    std::fs::write(dir.path().join("postgres/postmaster.pid"), format!("{}\n/x\n1\n5432\n/y\n\n\nready\n", std::process::id()))
        .unwrap();
    let postgres = EmbeddedPostgres::start(dir.path()).await.unwrap();
    assert_eq!(sql(postgres.url(), "select 1"), "1");
}

#[tokio::test]
async fn a_server_that_dies_is_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = EmbeddedPostgres::start(dir.path()).await.unwrap();
    sql(postgres.url(), "create table kept (n int); insert into kept values (7)");
    let killed = main_process(dir.path());
    kill_hard(killed);
    wait_for("a new server", || {
        let text = std::fs::read_to_string(dir.path().join("postgres/postmaster.pid")).unwrap_or_default();
        text.contains("ready") && !text.starts_with(&killed.to_string())
    });
    assert_eq!(sql(postgres.url(), "select n from kept"), "7");
}

#[tokio::test]
async fn a_data_folder_with_a_long_and_odd_path_works() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("ä b&c?".repeat(12)).join("d".repeat(80));
    let postgres = EmbeddedPostgres::start(&long).await.unwrap();
    assert_eq!(sql(postgres.url(), "select 1"), "1");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_what_it_logged() {
    let dir = tempfile::tempdir().unwrap();
    let bad = Options { settings: vec![("shared_buffers".to_owned(), "much".to_owned())] };
    let error = EmbeddedPostgres::start_with(dir.path(), bad).await.unwrap_err().to_string();
    assert!(error.contains("shared_buffers") && error.contains("postgres.log"), "{error}");
    let postgres = EmbeddedPostgres::start(dir.path()).await.unwrap();
    assert_eq!(sql(postgres.url(), "select 1"), "1");
}

/// Runs where the other tests run as root; as an ordinary user they are this test.
#[tokio::test]
async fn an_ordinary_user_needs_no_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let program: PathBuf = dir.path().join("hub");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let data_dir = dir.path().join("data");
    std::fs::create_dir(&data_dir).unwrap();
    let nobody = 65534;
    for path in [dir.path(), &data_dir] {
        std::os::unix::fs::chown(path, Some(nobody), Some(nobody)).unwrap();
    }
    let command = || {
        let mut command = Command::new(&program);
        command.uid(nobody).gid(nobody).current_dir("/").env_remove("XDG_RUNTIME_DIR");
        command
    };
    let other = OtherHub::start(command(), &data_dir);
    sql(&other.url, "create table kept (n int); insert into kept values (7)");
    assert!(other.url.contains("/data/socket"), "{}", other.url);
    other.kill();
    let other = OtherHub::start(command(), &data_dir);
    assert_eq!(sql(&other.url, "select n from kept"), "7");
    other.kill();
    // Root finds the folder owned by another account, and keeps to it.
    let postgres = EmbeddedPostgres::start(&data_dir).await.unwrap();
    assert_eq!(sql(postgres.url(), "select n from kept"), "7");
}
