//! Clients that mean harm, or are cut off from their rights while they are connected.

use std::process::Stdio;
use std::time::Duration;

use hub::accounts::TokenRole;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Machine, said, start};

#[tokio::test]
async fn no_client_brings_its_connection_to_a_halt() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    let machine = Machine::of(&hub, &ada).await;
    // More than a channel keeps of what is not taken.
    let many: Vec<String> = (0..300).map(|number| format!("A{number}=1")).collect();
    let setting = format!("SetEnv={}", many.join(" "));
    let arguments = ["-o", &setting, "-T", "git@127.0.0.1"];
    let greeting = machine.ssh(&arguments);
    let greeting = tokio::time::timeout(Duration::from_secs(20), greeting).await.expect("the connection stands still");
    assert!(greeting.status.success() && greeting.stdout.starts_with(b"Hi ada"), "{}", said(&greeting));
    let metrics = hub.app().metrics.render().unwrap();
    assert!(metrics.contains(r#"hub_ssh_commands_total{command="greet",outcome="done"} 1"#), "{metrics}");

    // Keys are agreed on by curves, in the strict order; not by what is old or dear.
    let weak = machine.ssh(&["-v", "-o", "KexAlgorithms=diffie-hellman-group18-sha512", "-T", "git@127.0.0.1"]).await;
    assert!(said(&weak).contains("no matching key exchange method"), "{}", said(&weak));
    let told = machine.ssh(&["-vv", "-T", "git@127.0.0.1"]).await;
    assert!(said(&told).contains("kex-strict-s-v00@openssh.com"), "{}", said(&told));
    hub.stop().await;
}

#[tokio::test]
async fn who_loses_the_right_to_push_does_not_push_by_a_connection_that_is_open() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "ada/bert", false).await;
    let machine = Machine::of(&hub, &ada).await;
    let work = machine.clone("ada/bert").await;
    let head = work.commit("a.txt", b"1").await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main", "HEAD:other"]).await;

    let mut push = tokio::process::Command::new("ssh")
        .args(machine.options())
        .args(["-p", &machine.port.to_string(), "git@127.0.0.1", "git-receive-pack 'ada/bert'"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut refs = [0; 4];
    push.stdout.as_mut().unwrap().read_exact(&mut refs).await.unwrap();
    hub.sql("delete from ssh_keys").await;
    let command = format!("{head} {} refs/heads/other\0 report-status", "0".repeat(40));
    let request = format!("{:04x}{command}0000", command.len() + 4);
    push.stdin.take().unwrap().write_all(request.as_bytes()).await.unwrap();
    let ended = push.wait_with_output().await.unwrap();
    assert!(!ended.status.success() && said(&ended).contains("removed from its account"), "{ended:?}");
    assert!(work.git(&["ls-remote", &client.url("/ada/bert")]).await.contains("refs/heads/other"));
    hub.stop().await;
}

#[tokio::test]
async fn keys_change_in_the_midst_of_a_transfer() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    hub.token(&ada, TokenRole::Write).await.create_repo("model", "ada/bert", false).await;
    let mut machine = Machine::of(&hub, &ada).await;
    machine.extra = vec!["-o".to_owned(), "RekeyLimit=256K".to_owned()];
    let work = machine.clone("ada/bert").await;
    let large: Vec<u8> = (0u32..600_000).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let head = work.commit("large.txt", &large).await;
    machine.git(&work, &["push", "-q", "origin", "HEAD:main"]).await;
    assert_eq!(machine.clone("ada/bert").await.head().await, head);
    hub.stop().await;
}
