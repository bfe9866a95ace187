//! From a pack built in process to a pack in the object store.

use hub_git::{BuiltPack, PackContent, Person};

use super::git_cache::NewPack;
use super::refs::StoredPack;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;

/// The host in the addresses of people's commits.
pub const USER_HOST: &str = "users.noreply.hub";
/// The host in the addresses of commits by service accounts. It says so for good, also when the account is gone.
pub const SERVICE_HOST: &str = "services.noreply.hub";
/// The host in the addresses of commits by trusted publishers. Before the `@` stands who trusts them; by name they are the publisher's.
const PUBLISHER_HOST: &str = "publishers.noreply.hub";

/// Uploads a pack. Nothing points at it until the commit point does.
///
/// # Errors
/// 503 when the store does not take it.
pub async fn store(app: &App, pack: Option<BuiltPack>) -> HubResult<Vec<StoredPack>> {
    let Some(pack) = pack else { return Ok(Vec::new()) };
    let objects = u64::from(pack.object_count());
    let stored = match pack.content() {
        PackContent::Memory { pack: bytes, idx } => {
            app.git.store_pack(pack.hash(), NewPack::Bytes { pack: bytes, idx }, objects).await?
        }
        PackContent::Folder(folder) => {
            let [pack_file, idx] = ["pack", "idx"].map(|extension| pack.path_in(folder.path(), extension));
            app.git.store_pack(pack.hash(), NewPack::Files { pack: &pack_file, idx: &idx }, objects).await?
        }
    };
    Ok(vec![stored])
}

/// Who a commit or tag made now is by.
///
/// # Errors
/// 401 for anonymous viewers.
pub fn person(viewer: &Viewer) -> HubResult<Person> {
    let user = viewer.require_user()?;
    if let Some(publisher) = viewer.auth.publisher() {
        return Ok(Person::new(publisher, &format!("{}@{PUBLISHER_HOST}", user.name), crate::clock::now().timestamp()));
    }
    let name = if user.fullname.is_empty() { &user.name } else { &user.fullname };
    // The address stays private; the name in front of the `@` lets the hub find the account again.
    let host = if user.is_service() { SERVICE_HOST } else { USER_HOST };
    Ok(Person::new(name, &format!("{}@{host}", user.name), crate::clock::now().timestamp()))
}
