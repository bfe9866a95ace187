//! Commits that were signed with an SSH key.

use hub::accounts::TokenRole;
use hub_tests::TestHub;

use super::{Machine, start};
use crate::work::Work;

/// What the page of a commit says of its signature.
async fn shown(hub: &TestHub, commit: &str) -> (String, String) {
    let page = hub.anonymous().get(&format!("/ada/bert/commit/{commit}"), 200).await.text().await.unwrap();
    let mark = |label: &str| page.contains(&format!(">{label}</span>"));
    let label = ["Verified", "Unverified", "Signed"].into_iter().find(|label| mark(label)).unwrap_or_default();
    (label.to_owned(), page)
}

#[tokio::test]
async fn a_signature_is_verified_only_if_it_is_of_the_committer() {
    let hub = start().await;
    let (ada, bob) = (hub.account("ada").await, hub.account("bob").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "ada/bert", false).await;
    let (adas, bobs, unknown) = (Machine::of(&hub, &ada).await, Machine::of(&hub, &bob).await, Machine::new(&hub).await);
    let work = Work::clone(&client, "/ada/bert").await;
    work.commit("plain.txt", b"0").await;
    let plain = work.head().await;
    let mut signed = Vec::new();
    for (number, machine) in [&adas, &bobs, &unknown].into_iter().enumerate() {
        work.write("a.txt", number.to_string().as_bytes());
        work.git(&["add", "-A"]).await;
        let key = format!("user.signingKey={}", machine.key().display());
        // Whose signature it is must be seen, whoever is named as the author.
        let by = ["--author", "Eve <eve@example.org>"];
        work.git(&[&["-c", "gpg.format=ssh", "-c", &key, "commit", "-q", "-S", "-m", "signed"][..], &by].concat()).await;
        signed.push(work.head().await);
    }
    // The signature of another commit.
    let text = work.git(&["cat-file", "commit", &signed[0]]).await;
    let forged = work
        .git_with(&["hash-object", "-w", "-t", "commit", "--stdin"], text.replace("\n\nsigned", "\n\nforged").as_bytes())
        .await;
    let forged = String::from_utf8(forged).unwrap().trim().to_owned();
    let (header, message) = text.split_once("\ngpgsig").unwrap();
    let message = message.split_once("\n\n").unwrap().1;
    let other = format!("{header}\ngpgsig -----BEGIN SIGNED MESSAGE-----\n abcd\n -----END SIGNED MESSAGE-----\n\n{message}\n");
    let other =
        String::from_utf8(work.git_with(&["hash-object", "-w", "-t", "commit", "--stdin"], other.as_bytes()).await).unwrap();
    work.git(&[
        "push",
        "-q",
        "origin",
        "HEAD:main",
        &format!("{forged}:refs/heads/forged"),
        &format!("{}:refs/heads/other", other.trim()),
    ])
    .await;

    for (commit, label, sentence) in [
        (plain.as_str(), "", ""),
        (&signed[0], "Verified", "Signed with an SSH key of ada"),
        (&signed[1], "Unverified", "is not that of the committer"),
        (&signed[2], "Unverified", "that no account here has"),
        (&forged, "Unverified", "does not fit this commit"),
        (other.trim(), "Signed", "in a way that this hub does not check"),
    ] {
        let (found, page) = shown(&hub, commit).await;
        assert_eq!(found, label, "{sentence}");
        assert_eq!(page.contains("<strong>Eve</strong> wrote, <strong>"), commit != plain, "{sentence}");
        assert!(page.contains(sentence), "{sentence}");
    }
    let list = hub.anonymous().get("/ada/bert/commits/main", 200).await.text().await.unwrap();
    let count = |label: &str| list.matches(&format!(">{label}</span>")).count();
    assert_eq!((count("Verified"), count("Unverified"), count("Signed")), (1, 2, 0));

    // An address that nobody has confirmed proves nothing, nor does a key that was taken away.
    hub.sql("update users set email_confirmed_at = null").await;
    assert_eq!(shown(&hub, &signed[0]).await.0, "Unverified");
    hub.stop().await;
}
