//! The mails of a hub without a mail server.

use std::time::{Duration, Instant};

use hub_tests::TestHub;

/// The mails in the folder, in no order, with the breaks of long lines undone.
pub(crate) fn outbox(hub: &TestHub) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(hub.app().config.data_dir.join("outbox")) else { return Vec::new() };
    let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.unwrap().path()).unwrap();
    folder.map(read).map(|mail| mail.replace("=\r\n", "").replace("\r\n ", " ").replace("=3D", "=")).collect()
}

/// Waits for as many mails and until nothing more is being sent.
pub(crate) async fn mails(hub: &TestHub, count: usize) -> Vec<String> {
    let started = Instant::now();
    while outbox(hub).len() < count {
        assert!(started.elapsed() < Duration::from_secs(60), "{} mails, not {count}", outbox(hub).len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    hub.jobs_done().await;
    let all = outbox(hub);
    assert_eq!(all.len(), count, "{all:#?}");
    all
}

/// The one mail about this, to this address.
pub(crate) fn the_mail<'a>(mails: &'a [String], to: &str, subject: &str) -> &'a String {
    let is_it =
        |mail: &&String| mail.contains(&format!("\r\nTo: {to}\r\n")) && mail.contains(&format!("\r\nSubject: {subject}\r\n"));
    let found: Vec<_> = mails.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{to}, {subject}: {mails:#?}");
    found[0]
}

/// The path of the first link in a mail's plain text.
pub(crate) fn link(mail: &str) -> String {
    let rest = mail.split("http://").nth(1).expect("the mail has a link");
    let address = rest.split(|c: char| c.is_whitespace() || c == '"').next().unwrap();
    address[address.find('/').unwrap()..].to_owned()
}
