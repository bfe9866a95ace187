//! GPG keys, and commits that they signed with the real `gpg`.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};

use hub::accounts::TokenRole;
use hub_tests::TestHub;
use tempfile::TempDir;

use crate::pages::browser::Browser;
use crate::work::Work;

/// Somebody's keyring.
struct Keyring {
    home: TempDir,
    options: Vec<String>,
}

impl Keyring {
    /// With a key for a user id; as if it were made then, if a time is given.
    async fn new(user_id: &str, kind: &str, expires: &str, at: Option<&str>) -> Self {
        let options = at.map(|at| format!("--faked-system-time={at}")).into_iter().collect();
        let keyring = Self { home: tempfile::tempdir().unwrap(), options };
        let words: Vec<&str> = keyring.options.iter().map(String::as_str).collect();
        let program = format!("#!/bin/sh\nexec gpg --batch --homedir {} {} \"$@\"\n", keyring.path(), words.join(" "));
        let file = keyring.home.path().join("program");
        std::fs::write(&file, program).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        keyring.gpg(&["--passphrase", "", "--quick-gen-key", user_id, kind, "sign", expires]).await;
        keyring
    }

    fn path(&self) -> &str {
        self.home.path().to_str().unwrap()
    }

    async fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let mut gpg = tokio::process::Command::new("gpg");
        gpg.args(["--batch", "--quiet", "--homedir", self.path()]).args(&self.options).args(arguments).stdin(Stdio::null());
        let output: Output = gpg.output().await.unwrap();
        assert!(output.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    async fn public_key(&self) -> String {
        String::from_utf8(self.gpg(&["--armor", "--export"]).await).unwrap()
    }

    async fn fingerprint(&self) -> String {
        let listing = String::from_utf8(self.gpg(&["--with-colons", "--list-keys"]).await).unwrap();
        listing.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':').to_owned()
    }

    /// Signs a commit.
    async fn commit(&self, work: &Work, text: &str) -> String {
        work.write("a.txt", text.as_bytes());
        work.git(&["add", "-A"]).await;
        let (program, key) =
            (format!("gpg.program={}/program", self.path()), format!("user.signingKey={}", self.fingerprint().await));
        work.git(&["-c", &program, "-c", &key, "commit", "-q", "-S", "-m", "signed"]).await;
        work.head().await
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let _ = std::process::Command::new("gpgconf").args(["--homedir", self.path(), "--kill", "gpg-agent"]).output();
    }
}

/// What the page of a commit says of its signature.
async fn shown(hub: &TestHub, commit: &str) -> (String, String) {
    let page = hub.anonymous().get(&format!("/ada/bert/commit/{commit}"), 200).await.text().await.unwrap();
    let mark = |label: &str| page.contains(&format!(">{label}</span>"));
    let label = ["Verified", "Unverified", "Signed"].into_iter().find(|label| mark(label)).unwrap_or_default();
    (label.to_owned(), page)
}

const PATH: &str = "/settings/gpg-keys";

#[tokio::test]
async fn a_signature_is_verified_only_by_a_good_key_of_the_committer() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let client = hub.token(&ada, TokenRole::Write).await;
    client.create_repo("model", "ada/bert", false).await;
    let ada_id = "Ada <ada@example.org>";
    let (own, unknown) = tokio::join!(Keyring::new(ada_id, "ed25519", "0", None), Keyring::new(ada_id, "ed25519", "0", None));
    // With a subkey, which is what signs then.
    own.gpg(&["--passphrase", "", "--quick-add-key", &own.fingerprint().await, "ed25519", "sign"]).await;
    let past = Some("20200101T000000");
    let (other, old) =
        tokio::join!(Keyring::new("Ada <ada@example.com>", "ed25519", "0", None), Keyring::new(ada_id, "ed25519", "1y", past));
    let mut browser = Browser::logged_in(&hub, "ada").await;
    for keyring in [&own, &other, &old] {
        let added = browser.submit(PATH, PATH, &[("key", &keyring.public_key().await)]).await;
        assert_eq!(added.location(), PATH, "{}", added.text);
    }

    let work = Work::clone(&client, "/ada/bert").await;
    let mut signed = Vec::new();
    for (number, keyring) in [&own, &unknown, &other, &old].into_iter().enumerate() {
        signed.push(keyring.commit(&work, &number.to_string()).await);
    }
    let text = work.git(&["cat-file", "commit", &signed[0]]).await;
    let make = async |text: String| {
        let made = work.git_with(&["hash-object", "-w", "-t", "commit", "--stdin"], text.as_bytes()).await;
        String::from_utf8(made).unwrap().trim().to_owned()
    };
    let forged = make(text.replace("\n\nsigned", "\n\nforged")).await;
    let stranger = make(text.replace("committer Ada <ada@example.org>", "committer Bob <bob@example.org>")).await;
    let (forged_ref, stranger_ref) = (format!("{forged}:refs/heads/forged"), format!("{stranger}:refs/heads/stranger"));
    work.git(&["push", "-q", "origin", "HEAD:main", &forged_ref, &stranger_ref]).await;
    // The second time it is remembered.
    for _ in 0..2 {
        for (commit, label, sentence) in [
            (&signed[0], "Verified", "Signed with a GPG key of ada"),
            (&signed[1], "Unverified", "does not have"),
            (&signed[2], "Unverified", "does not name the committer"),
            (&signed[3], "Unverified", "has expired"),
            (&forged, "Unverified", "does not fit this commit"),
            (&stranger, "Unverified", "no account here with a GPG key has confirmed"),
        ] {
            let (found, page) = shown(&hub, commit).await;
            assert_eq!(found, label, "{sentence}: {page}");
            assert!(page.contains(sentence), "{sentence}");
        }
    }
    let list = hub.anonymous().get("/ada/bert/commits/main", 200).await.text().await.unwrap();
    let count = |label: &str| list.matches(&format!(">{label}</span>")).count();
    assert_eq!((count("Verified"), count("Unverified")), (1, 3));

    // A key that is remembered as good is no longer when it is revoked, or its address is not confirmed, or it is removed.
    hub.sql("update users set email_confirmed_at = null").await;
    assert_eq!(shown(&hub, &signed[0]).await.0, "Unverified");
    hub.sql("update users set email_confirmed_at = now()").await;
    assert_eq!(shown(&hub, &signed[0]).await.0, "Verified");
    let certificate = own.home.path().join(format!("openpgp-revocs.d/{}.rev", own.fingerprint().await));
    let revocation = std::fs::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    std::fs::write(&certificate, revocation).unwrap();
    own.gpg(&["--import", certificate.to_str().unwrap()]).await;
    assert_eq!(browser.submit(PATH, PATH, &[("key", &own.public_key().await)]).await.location(), PATH);
    let (label, page) = shown(&hub, &signed[0]).await;
    assert!(label == "Unverified" && page.contains("that its owner has revoked"), "{page}");
    let page = browser.get(PATH).await;
    for text in
        ["GPG key brought up to date.", ">Revoked</span>", ">Expired</span>", "does not name your address ada@example.org"]
    {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    hub.sql("delete from gpg_keys").await;
    assert_eq!(shown(&hub, &signed[0]).await.0, "Unverified");
    hub.stop().await;
}

#[tokio::test]
async fn keys_are_added_shown_and_removed() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    hub.account("bob").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let (mut adas, mut bobs) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    let keyring = Keyring::new("Ada <ada@example.org>", "ed25519", "2y", None).await;
    let weak = Keyring::new("Ada <ada@example.org>", "rsa1024", "0", None).await;
    let (key, weak_key) = (keyring.public_key().await, weak.public_key().await);
    let secret = String::from_utf8(keyring.gpg(&["--armor", "--export-secret-keys"]).await).unwrap();
    let cut: String = key.lines().take(4).collect::<Vec<_>>().join("\n");
    for (text, said) in [
        ("", "Paste one public key"),
        (secret.as_str(), "This is a private key"),
        (&cut, "not one public key"),
        (&format!("{key}\n{weak_key}"), "not one public key"),
        (&weak_key, "less than 2048 bits"),
    ] {
        let refused = adas.submit(PATH, PATH, &[("key", text)]).await;
        assert!(refused.status == 400 && refused.has(said), "{said}: {}", refused.text);
    }
    assert!(adas.get(PATH).await.has("No GPG keys yet"));
    // A key that many can have: whose a signature is follows from the address.
    for browser in [&mut adas, &mut bobs] {
        assert_eq!(browser.submit(PATH, PATH, &[("key", &key)]).await.location(), PATH);
    }
    let page = adas.get(PATH).await;
    let fingerprint = keyring.fingerprint().await;
    for text in [&fingerprint, "ada@example.org", "GPG key added."] {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    assert!(bobs.get(PATH).await.has("does not name your address bob@example.org"));
    let key_pk: i64 = sqlx::query_scalar("select key_pk from gpg_keys where user_pk = $1")
        .bind(ada.pk)
        .fetch_one(&hub.app().pool)
        .await
        .unwrap();
    assert_eq!(bobs.submit(PATH, &format!("{PATH}/{key_pk}/remove"), &[]).await.status, 404);
    adas.submit(PATH, &format!("{PATH}/{key_pk}/remove"), &[]).await;
    assert!(adas.get(PATH).await.has("No GPG keys yet"));
    let log = adas.get("/settings/security-log").await;
    assert!(log.has("GPG key added") && log.has("GPG key removed"), "{}", log.text);
    hub.jobs_done().await;
    let outbox = hub.app().config.data_dir.join("outbox");
    let mut mails = std::fs::read_dir(outbox).unwrap().map(|mail| std::fs::read_to_string(mail.unwrap().path()).unwrap());
    assert!(mails.any(|mail| mail.contains("A GPG key was added to your account")));
    hub.stop().await;
}
