use hub::repos::head::Derive;
use hub::repos::queries::{NewRepoRow, Repo, find_repo_by_pk, insert_repo};
use hub::repos::refs::{RefChange, RefUpdate, apply_ref_updates};
use hub::repos::{new_objects, reading};
use hub_git::{Change, CommitMeta, CommitPlan, Content, LfsPointer, Person, build_commit};
use hub_tests::{Client, TestHub, Value};
use hub_types::{Oid, RefName, RepoPath, RepoType, Sha256};

/// A repository with commits made in process.
pub struct Seeded {
    pub hub: TestHub,
    pub ada: Client,
    pub api: String,
    pk: i64,
    clock: std::cell::Cell<i64>,
}

impl Seeded {
    /// A hub whose user `ada` has an empty repository `ada/bert` of a type.
    pub async fn empty(repo_type: RepoType, private: bool) -> Self {
        let hub = TestHub::start().await;
        let ada = hub.user("ada").await;
        let mut conn = hub.app().pool.acquire().await.unwrap();
        let namespace_pk = hub::accounts::queries::find_namespace(&mut conn, "ada").await.unwrap().unwrap().namespace_pk;
        let row = NewRepoRow { repo_type, namespace_pk, name: "bert", private, created_by: None, resource_group_pk: None };
        let pk = insert_repo(&mut conn, &row).await.unwrap();
        drop(conn);
        let api = format!("/api/{}/ada/bert", repo_type.plural());
        Self { hub, ada, api, pk, clock: std::cell::Cell::new(1_700_000_000) }
    }

    /// A public model with one commit of some files.
    pub async fn model(files: &[(&str, &str)]) -> Self {
        let seeded = Self::empty(RepoType::Model, false).await;
        seeded.commit("main", "first", files.iter().map(|(path, text)| add(path, text)).collect()).await;
        seeded
    }

    pub async fn repo(&self) -> Repo {
        find_repo_by_pk(&self.hub.app().pool, self.pk).await.unwrap().unwrap()
    }

    /// Another repository on the same hub, with one commit; `id` is `namespace/name`.
    pub async fn another(&self, repo_type: RepoType, id: &str, private: bool, files: &[(&str, &str)]) -> i64 {
        let (namespace, name) = id.split_once('/').unwrap();
        let mut conn = self.hub.app().pool.acquire().await.unwrap();
        let namespace = hub::accounts::queries::find_namespace(&mut conn, namespace).await.unwrap().unwrap();
        let row = NewRepoRow {
            repo_type,
            namespace_pk: namespace.namespace_pk,
            name,
            private,
            created_by: None,
            resource_group_pk: None,
        };
        let pk = insert_repo(&mut conn, &row).await.unwrap();
        drop(conn);
        self.commit_to(pk, "main", "first", files.iter().map(|(path, text)| add(path, text)).collect()).await;
        pk
    }

    /// Commits to a branch, which is made when needed.
    pub async fn commit(&self, branch: &str, message: &str, changes: Vec<Change>) -> Oid {
        self.commit_to(self.pk, branch, message, changes).await
    }

    /// As [`Self::commit`], in another repository.
    pub async fn commit_to(&self, pk: i64, branch: &str, message: &str, changes: Vec<Change>) -> Oid {
        let app = self.hub.app();
        let repo = find_repo_by_pk(&app.pool, pk).await.unwrap().unwrap();
        let name = RefName::branch(branch).unwrap();
        let parent = hub::repos::queries::find_ref(&app.pool, repo.pk, &name).await.unwrap();
        self.clock.set(self.clock.get() + 60);
        let author = Person::new("Ada L", "ada@users.noreply.hub", self.clock.get());
        let meta = CommitMeta { committer: author.clone(), author, message: message.to_owned() };
        let scratch = app.git.temp_dir();
        let derive = Derive::for_branch(&repo, &name).unwrap();
        let built = reading::read(app, &repo, move |reader| {
            let plan = CommitPlan { parent, changes: &changes, meta: &meta, cover_lfs: false };
            let built = build_commit(reader, &scratch, plan)?;
            let metadata = derive.of_commit(reader, built.commit, built.pack.as_ref())?;
            Ok((built, metadata))
        });
        let (built, metadata) = built.await.unwrap();
        let change = RefChange {
            repo: &repo,
            actor_pk: None,
            kind: "commit",
            metadata,
            updates: vec![RefUpdate { name, expected: parent, new: Some(built.commit) }],
            packs: new_objects::store(app, built.pack).await.unwrap(),
        };
        assert!(apply_ref_updates(app, change).await.is_ok());
        built.commit
    }

    /// `GET` below the repository's API.
    pub async fn get(&self, path: &str, status: u16) -> Value {
        self.ada.get_json(&format!("{}/{path}", self.api), status).await
    }

    /// The values of one member in all pages from a path on.
    pub async fn pages(&self, path: &str, member: &str) -> Vec<Vec<String>> {
        let mut url = self.ada.url(&format!("{}/{path}", self.api));
        let mut pages = Vec::new();
        loop {
            let response = self.ada.get_url(&url).await;
            let next = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            let rows: Vec<Value> = response.json().await.unwrap();
            pages.push(rows.iter().map(|row| row[member].as_str().unwrap().to_owned()).collect());
            match next {
                None => return pages,
                Some(link) => {
                    url = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
                }
            }
        }
    }

    pub async fn stop(self) {
        self.hub.stop().await;
    }
}

pub fn add(path: &str, text: &str) -> Change {
    Change::AddBlob { path: RepoPath::new(path).unwrap(), content: Content::Bytes(text.as_bytes().to_vec()) }
}

pub fn add_lfs(path: &str, digest: u8, size: u64) -> Change {
    Change::AddLfs { path: RepoPath::new(path).unwrap(), pointer: LfsPointer::new(Sha256::from_bytes([digest; 32]), size) }
}
