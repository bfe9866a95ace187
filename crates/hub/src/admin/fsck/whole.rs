//! The database beside the store as wholes: rows whose objects are gone, whoever they belong to, and objects that no row names.

use std::collections::HashMap;

use futures::TryStreamExt as _;
use hub_storage::StorageKey;

use super::{Tally, check_stored};
use crate::admin::named::{Named, list_named};
use crate::app::App;
use crate::error::HubResult;
use crate::gc::Amount;

/// Compares all rows with all objects. The hub may run meanwhile: what is not there at first is looked at again.
pub(super) async fn check(app: &App, tally: &mut Tally, tell: &mut impl FnMut(String)) -> HubResult<()> {
    let named = list_named(&mut *app.pool.acquire().await?).await?;
    let stored = list_stored(app).await?;
    let fits = |object: &Named| stored.get(&object.key).is_some_and(|bytes| object.size.is_none_or(|size| size == *bytes));
    let doubtful: Vec<&Named> = named.iter().filter(|object| !fits(object)).collect();
    if !doubtful.is_empty() {
        let still: HashMap<StorageKey, Named> =
            list_named(&mut *app.pool.acquire().await?).await?.into_iter().map(|object| (object.key.clone(), object)).collect();
        for object in doubtful.into_iter().filter_map(|object| still.get(&object.key)) {
            if let Some(problem) = check_stored(&app.store, &object.key, object.size).await? {
                tally.problems += 1;
                tell(format!("the database names what is not there: {problem}"));
            }
        }
    }
    let unnamed = unnamed(app, &named, stored).await?;
    tally.unnamed = Amount { count: unnamed.len() as u64, bytes: unnamed.values().sum() };
    Ok(())
}

async fn list_stored(app: &App) -> HubResult<HashMap<StorageKey, u64>> {
    let mut stored = HashMap::new();
    for folder in StorageKey::LASTING {
        let mut listed = app.store.list(folder);
        while let Some(info) = listed.try_next().await? {
            // Under a name of another form is nothing that the hub wrote.
            let key = StorageKey::of_content(info.key.as_str()).unwrap_or(info.key);
            stored.insert(key, info.size);
        }
    }
    Ok(stored)
}

/// Objects without a row, neither when the look began nor now.
async fn unnamed(app: &App, named: &[Named], mut stored: HashMap<StorageKey, u64>) -> HubResult<HashMap<StorageKey, u64>> {
    for object in named {
        stored.remove(&object.key);
    }
    if !stored.is_empty() {
        for object in list_named(&mut *app.pool.acquire().await?).await? {
            stored.remove(&object.key);
        }
    }
    Ok(stored)
}
