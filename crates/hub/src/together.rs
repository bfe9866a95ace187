//! Asking the database for many requests at once: those that come while it is asked share the next question. Each answer is as
//! of after its request came, so nothing has to be kept or forgotten.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::error::{HubError, HubResult};

/// How many keys one statement asks for: all who wait, so that nobody waits for more than two statements, also when each
/// only ends with a database that does not answer.
const MOST: usize = 1024;

type Answer<V> = Result<Option<V>, Arc<HubError>>;

/// Asks for values by key. Cheap to clone.
pub struct Together<K, V> {
    questions: mpsc::Sender<(K, oneshot::Sender<Answer<V>>)>,
}

impl<K, V> Clone for Together<K, V> {
    fn clone(&self) -> Self {
        Self { questions: self.questions.clone() }
    }
}

impl<K, V> fmt::Debug for Together<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<K, V> Together<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    /// Starts what asks with `ask`, one question at a time; it ends with the last clone. Must be called inside a runtime.
    pub fn start<A, F>(ask: A) -> Self
    where
        A: Fn(Vec<K>) -> F + Send + 'static,
        F: Future<Output = sqlx::Result<HashMap<K, V>>> + Send + 'static,
    {
        let (questions, asked) = mpsc::channel(MOST);
        tokio::spawn(answer_all(ask, asked));
        Self { questions }
    }

    /// Finds the value of a key.
    ///
    /// # Errors
    /// 503 when the database does not answer.
    pub async fn find(&self, key: K) -> HubResult<Option<V>> {
        let (sender, answer) = oneshot::channel();
        self.questions.send((key, sender)).await.map_err(HubError::internal)?;
        answer.await.map_err(HubError::internal)?.map_err(|error| HubError::again(&error))
    }
}

async fn answer_all<K, V, A, F>(ask: A, mut asked: mpsc::Receiver<(K, oneshot::Sender<Answer<V>>)>)
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + 'static,
    A: Fn(Vec<K>) -> F + Send + 'static,
    F: Future<Output = sqlx::Result<HashMap<K, V>>> + Send,
{
    let mut batch = Vec::new();
    while asked.recv_many(&mut batch, MOST).await > 0 {
        let different: HashSet<K> = batch.iter().map(|(key, _)| key.clone()).collect();
        let found = ask(different.into_iter().collect()).await.map_err(|error| Arc::new(HubError::from(error)));
        for (key, sender) in batch.drain(..) {
            // Nobody waits any more if the request was dropped.
            _ = sender.send(found.as_ref().map(|found| found.get(&key).cloned()).map_err(Arc::clone));
        }
    }
}
