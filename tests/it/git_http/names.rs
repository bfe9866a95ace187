use hub_types::RepoType;

use super::{new_repo_of_type, ref_of, start};
use crate::work::Work;

#[tokio::test]
async fn datasets_and_spaces_have_their_prefixes() {
    let (hub, ada, _) = start().await;
    for (repo_type, prefix) in [(RepoType::Dataset, "datasets"), (RepoType::Space, "spaces")] {
        new_repo_of_type(&hub, repo_type, "ada/thing", false).await;
        let work = Work::clone(&ada, &format!("/{prefix}/ada/thing")).await;
        work.commit("x", prefix.as_bytes()).await;
        work.git(&["push", "-q", "origin", "HEAD:main"]).await;
        let clone = Work::clone(&hub.anonymous(), &format!("/{prefix}/ada/thing.git")).await;
        assert_eq!(clone.head().await, work.head().await);
    }
    let nobody = hub.anonymous();
    nobody.get("/models/ada/bert/info/refs?service=git-upload-pack", 404).await;
    nobody.get("/ada/thing/info/refs?service=git-upload-pack", 401).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_moved_repo_is_served_under_its_old_name() {
    let (hub, ada, work) = start().await;
    let body = hub_tests::json!({ "fromRepo": "ada/bert", "toRepo": "ada/Bert2", "type": "model" });
    ada.post_json("/api/repos/move", &body, 200).await;
    let new = work.commit("a.txt", b"1").await;
    let output = work.run(&["push", "--progress", "origin", "HEAD:main"], b"").await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("git remote set-url origin {}/ada/Bert2", hub.base())), "{said}");
    assert_eq!(ref_of(&hub, "Bert2", "refs/heads/main").await.as_ref(), Some(&new));
    assert_eq!(Work::clone(&ada, "/ada/bert").await.head().await, new);
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_repo_is_gone_for_git() {
    let (hub, ada, work) = start().await;
    let body = hub_tests::json!({ "name": "bert", "organization": "ada", "type": "model" });
    ada.call(reqwest::Method::DELETE, "/api/repos/delete", &body, 200).await;
    let refs = "/ada/bert/info/refs?service=git-upload-pack";
    ada.get(refs, 410).await;
    // Git is asked for the login that it has: the name may be that of a private repository by now.
    let asked = hub.anonymous().get(refs, 401).await;
    assert!(asked.headers().contains_key("www-authenticate"));
    work.commit("a.txt", b"1").await;
    for arguments in [&["push", "origin", "HEAD:main"][..], &["fetch", "origin"][..]] {
        let said = work.refused(arguments).await;
        assert!(said.contains("The public model ada/bert was deleted, with all its files and commits."), "{said}");
    }
    // Whoever may see the private one that has the name now reaches it with the login that git keeps.
    ada.create_repo("model", "ada/bert", true).await;
    hub.anonymous().get(refs, 401).await;
    hub.user("bob").await.get(refs, 410).await;
    ada.get(refs, 200).await;
    Work::clone(&ada, "/ada/bert").await;
    hub.stop().await;
}

#[tokio::test]
async fn a_gated_repo_is_cloned_by_those_let_in() {
    let (hub, ada, _) = start().await;
    sqlx::query("update repos set gated = 'manual'").execute(&hub.app().pool).await.unwrap();
    let bob = hub.user("bob").await;
    bob.get("/ada/bert/info/refs?service=git-upload-pack", 403).await;
    hub.anonymous().get("/ada/bert/info/refs?service=git-upload-pack", 401).await;
    Work::clone(&ada, "/ada/bert").await;
    hub.stop().await;
}
