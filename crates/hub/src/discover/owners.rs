//! Users and organisations by name. Names are public, so everybody finds everybody.
//!
//! Each node holds all names in memory ([`super::names`]). A trigger tells every node which owner changed, and that one is read again
//! with the next question; whom a question finds is read from the database before it is shown.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::names::{Changed, Matches, Names, Owner, OwnerKind, Way, lower};
use super::queries;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// On which channel of the database nodes hear whose names changed.
pub(crate) const CHANNEL: &str = "owners";

/// The longest name that anybody has, in characters: what was typed beyond it is not looked at.
const MAX_CHARS: usize = 96;
/// From this length on, a name may have one letter wrong: of shorter ones, too many are one letter apart.
const FORGIVEN_FROM: usize = 4;
/// With more changes than these, the text that is searched through is made anew; when so many wait to be read, all names are read again.
const MOST_CHANGED: usize = 1000;

/// The names of this node; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    known: RwLock<Known>,
    to_read: Mutex<ToRead>,
    /// Held by the one that reads.
    turn: tokio::sync::Mutex<()>,
}

/// What is known; cheap to clone.
#[derive(Debug, Clone, Default)]
struct Known {
    names: Arc<Names>,
    changed: Arc<Changed>,
}

/// What is to be read before the next question is answered.
#[derive(Debug, Default)]
enum ToRead {
    #[default]
    All,
    Some(HashSet<i64>),
}

impl ToRead {
    fn nothing() -> Self {
        Self::Some(HashSet::new())
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Some(keys) if keys.is_empty())
    }
}

/// What one who reads has taken upon themselves: unless it was read, it is left to the next one.
#[derive(Debug)]
struct Taken<'a> {
    directory: &'a Directory,
    wanted: ToRead,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.directory.note(std::mem::replace(&mut self.wanted, ToRead::nothing()));
    }
}

impl Directory {
    /// Notes that an owner changed.
    pub(crate) fn changed(&self, namespace_pk: i64) {
        self.note(ToRead::Some(HashSet::from([namespace_pk])));
    }

    /// Notes that owners may have changed without a word.
    pub(crate) fn forget(&self) {
        self.note(ToRead::All);
    }

    fn note(&self, more: ToRead) {
        let mut to_read = self.to_read();
        let is_much = match (&mut *to_read, more) {
            (ToRead::Some(keys), ToRead::Some(more)) => {
                keys.extend(more);
                keys.len() > MOST_CHANGED
            }
            _ => true,
        };
        if is_much {
            *to_read = ToRead::All;
        }
    }

    fn to_read(&self) -> std::sync::MutexGuard<'_, ToRead> {
        self.inner.to_read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Taken<'_> {
        let wanted = std::mem::replace(&mut *self.to_read(), ToRead::nothing());
        Taken { directory: self, wanted }
    }

    fn known(&self) -> Known {
        self.inner.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what changed.
    async fn read(&self, app: &App) -> HubResult<Known> {
        // Mostly, nothing did, and nobody reads.
        if self.inner.turn.try_lock().is_ok_and(|_turn| self.to_read().is_nothing()) {
            return Ok(self.known());
        }
        // By itself: who types on does not wait for the answer, and the next one would begin anew.
        let (directory, app) = (self.clone(), app.clone());
        tokio::spawn(async move { directory.read_in_turn(&app).await }).await.map_err(HubError::internal)?
    }

    async fn read_in_turn(&self, app: &App) -> HubResult<Known> {
        // Who comes while others read waits for what they find.
        let _turn = self.inner.turn.lock().await;
        // Taken before it is read: what changes meanwhile is noted for the next time.
        let mut taken = self.take();
        let known = match &taken.wanted {
            ToRead::Some(keys) if keys.is_empty() => self.known(),
            ToRead::Some(keys) => self.read_some(app, keys).await?,
            ToRead::All => read_all(app).await?,
        };
        *self.inner.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
        taken.wanted = ToRead::nothing();
        Ok(known)
    }

    async fn read_some(&self, app: &App, keys: &HashSet<i64>) -> HubResult<Known> {
        let Known { names, changed } = self.known();
        let mut changed = Changed::clone(&changed);
        changed.extend(keys.iter().map(|key| (*key, None)));
        let keys: Vec<i64> = keys.iter().copied().collect();
        for owner in queries::list_names(&app.pool, Some(&keys)).await? {
            changed.insert(owner.namespace_pk, Some(owner));
        }
        if changed.len() <= MOST_CHANGED {
            return Ok(Known { names, changed: Arc::new(changed) });
        }
        // Of a million names, this takes some hundredths of a second, and reading them some seconds.
        let names = tokio::task::spawn_blocking(move || names.with(&changed)).await.map_err(HubError::internal)?;
        Ok(Known { names: Arc::new(names), changed: Arc::default() })
    }

    /// Whether this node knows of everybody what the database does now. This reads all of it, and is for tests.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_current(&self, app: &App) -> HubResult<bool> {
        let Known { names, changed } = self.read(app).await?;
        let owners = queries::list_names(&app.pool, None).await?;
        let compare = move || names.with(&changed) == Names::new(owners);
        tokio::task::spawn_blocking(compare).await.map_err(HubError::internal)
    }
}

async fn read_all(app: &App) -> HubResult<Known> {
    let owners = queries::list_names(&app.pool, None).await?;
    let names = tokio::task::spawn_blocking(move || Names::new(owners)).await.map_err(HubError::internal)?;
    Ok(Known { names: Arc::new(names), changed: Arc::default() })
}

/// Reads the names, so that nobody waits for them who asks.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn load(app: &App) -> HubResult<()> {
    app.owners.read(app).await.map(|_| ())
}

/// Some owners, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub list: Vec<Owner>,
    pub total: u64,
}

/// Which of the users and organisations that were found are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct WantedOwners {
    /// Whether users are.
    pub users: bool,
    /// Whether organisations are.
    pub organizations: bool,
    /// How many to leave out.
    pub offset: usize,
    /// How many to give of each.
    pub limit: usize,
}

/// Users and organisations whose name or full name has the text.
///
/// # Errors
/// The database does not answer.
pub(super) async fn find(app: &App, text: &str, wanted: WantedOwners) -> HubResult<(Owners, Owners)> {
    search(app, shortened(text), Way::Within, wanted).await
}

/// Users and organisations whose name begins with something one letter away from the text: for when nothing has the text itself.
///
/// # Errors
/// The database does not answer.
pub(super) async fn find_similar(app: &App, text: &str, wanted: WantedOwners) -> HubResult<(Owners, Owners)> {
    let text = shortened(text);
    if text.chars().count() < FORGIVEN_FROM || text.contains(char::is_whitespace) {
        return Ok((Owners::default(), Owners::default()));
    }
    search(app, text, Way::Similar, wanted).await
}

async fn search(app: &App, text: String, way: Way, wanted: WantedOwners) -> HubResult<(Owners, Owners)> {
    if text.is_empty() || !(wanted.users || wanted.organizations) {
        return Ok((Owners::default(), Owners::default()));
    }
    let known = app.owners.read(app).await?;
    // Of a million names, this takes milliseconds.
    let search = move || known.names.find(&known.changed, &text, way, wanted.offset, wanted.limit);
    let [mut users, mut organizations] = tokio::task::spawn_blocking(search).await.map_err(HubError::internal)?;
    if !wanted.users {
        users = Matches::default();
    }
    if !wanted.organizations {
        organizations = Matches::default();
    }
    let keys: Vec<i64> = users.best.iter().chain(&organizations.best).copied().collect();
    let mut rows = HashMap::new();
    if !keys.is_empty() {
        rows.extend(queries::list_names(&app.pool, Some(&keys)).await?.into_iter().map(|row| (row.namespace_pk, row)));
    }
    let mut owners = |kind: OwnerKind, found: Matches| {
        let list = found.best.iter().filter_map(|key| rows.remove(key)).filter(|row| row.kind == kind).collect();
        Owners { list, total: u64::try_from(found.total).unwrap_or(u64::MAX) }
    };
    Ok((owners(OwnerKind::User, users), owners(OwnerKind::Organization, organizations)))
}

fn shortened(text: &str) -> String {
    lower(text.trim()).chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_and_not_read_is_left_to_the_next_one() {
        let directory = Directory::default();
        drop(directory.take());
        assert!(matches!(*directory.to_read(), ToRead::All), "nothing was read yet");
        let mut taken = directory.take();
        taken.wanted = ToRead::nothing();
        drop(taken);
        assert!(directory.to_read().is_nothing());
        directory.changed(1);
        let taken = directory.take();
        directory.changed(2);
        drop(taken);
        assert!(matches!(&*directory.to_read(), ToRead::Some(keys) if *keys == HashSet::from([1, 2])));
        // What waits is bounded.
        (0..=1000).for_each(|key| directory.changed(key));
        assert!(matches!(*directory.to_read(), ToRead::All));
        directory.changed(1);
        assert!(matches!(*directory.to_read(), ToRead::All));
    }
}
