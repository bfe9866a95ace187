//! Clone, fetch and push with the real `git`.

mod fetch;
mod fsck;
mod hostile;
mod names;
pub(crate) mod nodes;
mod packs;
mod permissions;
mod policy;
mod push;
mod races;

use crate::work::Work;
use hub_tests::{Client, TestHub};
use hub_types::RepoType;

/// A hub, its first user `ada`, her public model `ada/bert`, and a clone of it.
async fn start() -> (TestHub, Client, Work) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let work = Work::clone(&ada, "/ada/bert").await;
    (hub, ada, work)
}

async fn new_repo(hub: &TestHub, id: &str, private: bool) {
    new_repo_of_type(hub, RepoType::Model, id, private).await;
}

/// A repository without any commit, which no other door than git can fill.
async fn new_repo_of_type(hub: &TestHub, repo_type: RepoType, id: &str, private: bool) {
    let (namespace, name) = id.split_once('/').unwrap();
    let mut conn = hub.app().pool.acquire().await.unwrap();
    let namespace = hub::accounts::queries::find_namespace(&mut conn, namespace).await.unwrap().unwrap();
    let row = hub::repos::queries::NewRepoRow {
        repo_type,
        namespace_pk: namespace.namespace_pk,
        name,
        private,
        created_by: None,
        resource_group_pk: None,
    };
    hub::repos::queries::insert_repo(&mut conn, &row).await.unwrap();
}

/// What the database says a ref is.
async fn ref_of(hub: &TestHub, repo_name: &str, name: &str) -> Option<String> {
    let sql = "select encode(oid, 'hex') from refs join repos using (repo_pk) where repos.name = $1 and refs.name = $2";
    sqlx::query_scalar(sql).bind(repo_name).bind(name).fetch_optional(&hub.app().pool).await.unwrap()
}

/// What requests left in the scratch folder, once they are done.
async fn scratch_is_empty(hub: &TestHub) {
    let scratch = hub.app().git.temp_dir();
    for _ in 0..1200 {
        if std::fs::read_dir(&scratch).unwrap().count() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("left behind: {:?}", std::fs::read_dir(&scratch).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>());
}
