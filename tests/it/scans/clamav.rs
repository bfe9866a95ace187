//! Malware, which `ClamAV` finds.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hub::accounts::TokenRole;
use hub::scans::clamd::Address;
use hub_tests::{Client, TestHub, Value, json};

use super::{API, binary, fixture, large, run, security};
use crate::lfs::{Large, upload};
use crate::outbox::{mails, the_mail};
use crate::pages::browser::Browser;

/// The test file that every virus scanner knows, put together so that this file is none.
fn eicar() -> String {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"].concat()
}

struct Clamd {
    daemon: Child,
    folder: tempfile::TempDir,
}

impl Clamd {
    /// Starts the real daemon with signatures of its own; `None` when it is not installed, which `scripts/test` does not put up with.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(at("db")).unwrap();
        let signature = format!("Eicar-Test-Signature:0:*:{}\n", hex::encode(eicar()));
        std::fs::write(at("db/test.ndb"), signature).unwrap();
        let settings = format!(
            "Foreground yes\nLocalSocket {}\nDatabaseDirectory {}\nStreamMaxLength 2M\nFixStaleSocket yes\nUser {}\n",
            at("clamd.sock"),
            at("db"),
            std::env::var("USER").unwrap_or_else(|_| "root".to_owned())
        );
        std::fs::write(at("clamd.conf"), settings).unwrap();
        // Not on the path of those who are not root.
        for program in ["clamd", "/usr/sbin/clamd"] {
            let mut command = Command::new(program);
            let started = command.arg("-c").arg(at("clamd.conf")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            if let Ok(daemon) = started {
                return Some(Self { daemon, folder });
            }
        }
        let all = std::env::var("HUB_TEST_STORES").is_ok_and(|stores| stores == "all");
        assert!(!all, "HUB_TEST_STORES is `all`, but clamd is not installed: apt-get install clamav-daemon");
        None
    }

    fn address(&self) -> Address {
        Address::Unix(self.folder.path().join("clamd.sock"))
    }

    async fn ready(&self) {
        for _ in 0..1200 {
            if hub::scans::clamd::ping(&self.address()).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("clamd does not answer");
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[tokio::test]
async fn clamav_finds_malware() {
    let Some(clamd) = Clamd::start() else {
        eprintln!("skipped: clamd is not installed (apt-get install clamav-daemon)");
        return;
    };
    clamd.ready().await;
    let address = clamd.address();
    let hub = TestHub::start_with(|config| config.scan.clamd = Some(address)).await;
    let ada = hub.account("ada").await;
    run(&hub, "update users set email_confirmed_at = now()").await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "ada/bert", false).await;
    let (malware, too_large) = (Large::new(eicar()), Large::of(3_000_000, 7));
    upload(&client, "ada/bert", &malware).await;
    upload(&client, "ada/bert", &too_large).await;
    let lines = [large("setup.exe", &malware), large("big.png", &too_large), Client::file("README.md", "# Bert")];
    client.commit(API, "main", &lines, 200).await;
    hub.jobs_done().await;
    let found = security(&client, API, "main", "setup.exe").await;
    let name = "Eicar-Test-Signature.UNOFFICIAL";
    assert_eq!(found["status"], "unsafe", "{found}");
    let av = &found["avScan"];
    assert_eq!(
        (&av["virusFound"], &av["virusNames"], &av["status"]),
        (&json!(true), &json!([name]), &json!("unsafe")),
        "{found}"
    );
    let clean = security(&client, API, "main", "README.md").await;
    assert_eq!((&clean["avScan"]["status"], &clean["avScan"]["virusFound"]), (&json!("safe"), &json!(false)), "{clean}");
    assert_eq!(security(&client, API, "main", "big.png").await["avScan"]["status"], "error");
    the_mail(&mails(&hub, 1).await, "ada@example.org", "Secrets or malware in ada/bert");
    let page = Browser::new(&hub).open("/ada/bert/blob/main/setup.exe").await;
    assert!(page.has("A virus scanner knows this file as") && page.has(name), "{}", page.text);
    hub.stop().await;
}

/// A daemon that is away keeps nobody from the rest; when it is back, it is asked about what it missed.
#[tokio::test]
async fn without_clamav_the_rest_is_looked_at() {
    let hub = TestHub::start_with(|config| config.scan.clamd = Address::parse("127.0.0.1:1")).await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada.commit(API, "main", &[binary("model.pkl", &fixture("evil_4.pkl"))], 200).await;
    hub.jobs_done().await;
    let found = security(&ada, API, "main", "model.pkl").await;
    assert_eq!((found["status"].as_str(), &found["avScan"]), (Some("unsafe"), &Value::Null));
    let with_av: bool = sqlx::query_scalar("select with_av from repo_scans").fetch_one(&hub.app().pool).await.unwrap();
    assert!(!with_av, "somebody comes back to it");
    hub.stop().await;
}
