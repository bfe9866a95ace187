//! Finding repositories by name, for many requests at once: those that come while the database is asked share the next
//! question. Each answer is as of after its request came, so nothing has to be kept or forgotten.

use std::collections::HashMap;
use std::sync::Arc;

use hub_types::RepoType;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use super::queries::{self, Repo};
use crate::error::{HubError, HubResult};

/// How many names one statement asks for: all who wait, so that nobody waits for more than two statements, also when each
/// only ends with a database that does not answer.
const MOST: usize = 1024;

/// A type, and namespace and name in lower case.
type Key = (RepoType, String, String);
type Answer = Result<Option<Repo>, Arc<HubError>>;

/// Asks for repositories by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lookups {
    questions: mpsc::Sender<(Key, oneshot::Sender<Answer>)>,
}

impl Lookups {
    /// Starts what asks the database; it ends with the last clone. Must be called inside a runtime.
    pub fn start(pool: PgPool) -> Self {
        let (questions, asked) = mpsc::channel(MOST);
        tokio::spawn(answer_all(pool, asked));
        Self { questions }
    }

    /// Finds a repository by its present name, whatever the case.
    ///
    /// # Errors
    /// 503 when the database does not answer.
    pub async fn find(&self, repo_type: RepoType, namespace: &str, name: &str) -> HubResult<Option<Repo>> {
        let key = (repo_type, namespace.to_ascii_lowercase(), name.to_ascii_lowercase());
        let (sender, answer) = oneshot::channel();
        self.questions.send((key, sender)).await.map_err(HubError::internal)?;
        answer.await.map_err(HubError::internal)?.map_err(|error| HubError::again(&error))
    }
}

async fn answer_all(pool: PgPool, mut asked: mpsc::Receiver<(Key, oneshot::Sender<Answer>)>) {
    let mut batch = Vec::new();
    while asked.recv_many(&mut batch, MOST).await > 0 {
        let (keys, senders): (Vec<Key>, Vec<_>) = batch.drain(..).unzip();
        let found = queries::find_repos_by_name(&pool, &keys).await.map_err(|error| Arc::new(HubError::from(error)));
        let found = found.map(by_key);
        for (key, sender) in keys.into_iter().zip(senders) {
            // Nobody waits any more if the request was dropped.
            _ = sender.send(found.as_ref().map(|found| found.get(&key).cloned()).map_err(Arc::clone));
        }
    }
}

fn by_key(repos: Vec<Repo>) -> HashMap<Key, Repo> {
    let key = |repo: &Repo| (repo.repo_type, repo.id.namespace().to_ascii_lowercase(), repo.id.name().to_ascii_lowercase());
    repos.into_iter().map(|repo| (key(&repo), repo)).collect()
}
