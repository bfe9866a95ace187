//! Who may see and change a collection: everybody sees public ones, members see private ones of their namespace, and those who may
//! write in the namespace change them. Of one in a resource group only the roles of the group count, as of repositories.

use serde_json::Value;

use super::queries::{self, Collection};
use crate::accounts::queries::{NamespaceRow, find_namespace};
use crate::accounts::{Auth, OrgRole, TokenRole, User, Viewer, scopes};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::oauth;
use crate::repos::access::find_group_pk;
use crate::repos::visibility::{Visibility, visible_to};

/// How many hex digits an address ends in.
const ID_DIGITS: usize = 24;

/// Which collections a viewer may see beside the public ones.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Private ones of these namespaces and resource groups: see `User::audiences`.
    pub audiences: Vec<i64>,
    /// All.
    pub all: bool,
    /// Which repositories in them.
    pub repos: Visibility,
}

impl Scope {
    /// What a viewer may see. Tokens for chosen things see what is public, and the collections that they are for.
    pub fn of(viewer: &Viewer) -> Self {
        match &viewer.auth {
            Auth::Token { role: TokenRole::FineGrained, scopes: given, .. } => {
                Self { audiences: audiences_of(viewer, given), all: false, repos: visible_to(viewer) }
            }
            _ => Self {
                audiences: viewer.audiences(),
                all: viewer.user.as_ref().is_some_and(|user| user.is_admin),
                repos: visible_to(viewer),
            },
        }
    }

    pub(super) fn shows(&self, collection: &Collection) -> bool {
        let audience = collection.resource_group_pk.unwrap_or(collection.namespace_pk);
        !collection.private || self.all || self.audiences.contains(&audience)
    }
}

/// Of the `User::audiences` those whose collections a token is for.
fn audiences_of(viewer: &Viewer, given: &Value) -> Vec<i64> {
    let Some(user) = &viewer.user else { return Vec::new() };
    let own = scopes::reads_collections_of(given, &user.name).then_some(user.pk);
    let organizations = user.memberships.iter().filter(|one| scopes::reads_collections_of(given, &one.name));
    let theirs = organizations.flat_map(|one| std::iter::once(one.namespace_pk).chain(one.groups.iter().map(|group| group.pk)));
    own.into_iter().chain(theirs).collect()
}

/// The account of who makes and changes collections of a namespace, if what was shown for it is for that. Whether they may is another
/// question.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read or are for other things.
fn require_curator<'a>(viewer: &'a Viewer, namespace: &str) -> HubResult<&'a User> {
    match &viewer.auth {
        Auth::Token { role: TokenRole::FineGrained, scopes: given, .. } if scopes::writes_collections_of(given, namespace) => {
            viewer.require_user()
        }
        Auth::Token { name, role: TokenRole::FineGrained, scopes: given, .. } if oauth::is_of_application(given) => {
            Err(HubError::scope_missing(name, "write-collections", Some(namespace)))
        }
        _ => viewer.require_actor(),
    }
}

/// A collection the viewer may see.
#[derive(Debug)]
pub struct CollectionRead {
    /// The collection.
    pub collection: Collection,
    /// Who asks.
    pub viewer: Viewer,
}

/// A collection the viewer may change.
#[derive(Debug)]
pub struct CollectionWrite(CollectionRead);

impl std::ops::Deref for CollectionWrite {
    type Target = CollectionRead;

    fn deref(&self) -> &CollectionRead {
        &self.0
    }
}

impl CollectionRead {
    /// Finds a collection by the end of its address.
    ///
    /// # Errors
    /// 404 when there is none that the viewer may see.
    pub async fn find(app: &App, viewer: &Viewer, slug: &str) -> HubResult<Self> {
        let missing = || HubError::not_found("There is no collection at this address.");
        let id = id_of(slug).ok_or_else(missing)?;
        let collection = queries::find_collection(&app.pool, id).await?.filter(|found| Scope::of(viewer).shows(found));
        Ok(Self { collection: collection.ok_or_else(missing)?, viewer: viewer.clone() })
    }

    /// Whether the viewer may change it.
    pub fn may_edit(&self) -> bool {
        may_write(&self.viewer, self.collection.namespace_pk, self.collection.resource_group_pk)
    }

    /// Goes on to change it.
    ///
    /// # Errors
    /// 401 when anonymous, 403 for those who may not.
    pub fn into_write(self) -> HubResult<CollectionWrite> {
        require_curator(&self.viewer, &self.collection.namespace)?;
        if self.may_edit() {
            return Ok(CollectionWrite(self));
        }
        Err(HubError::forbidden(format!("Only those who may write as {} change this collection.", self.collection.namespace)))
    }
}

/// The digits at the end of a slug such as `my-models-64f9a55bb3115b4f513ec026`.
fn id_of(slug: &str) -> Option<&str> {
    let id = slug.rsplit('-').next()?;
    (id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// Whether somebody may change the collections of a namespace, or of one of its resource groups.
pub(super) fn may_write(viewer: &Viewer, namespace_pk: i64, group_pk: Option<i64>) -> bool {
    let Some(user) = &viewer.user else { return false };
    let role = match group_pk {
        Some(group_pk) => {
            let mut groups = user.memberships.iter().flat_map(|membership| &membership.groups);
            groups.find(|group| group.pk == group_pk).map(|group| group.role)
        }
        None => viewer.role_in(namespace_pk),
    };
    user.is_admin || role.is_some_and(|role| role >= OrgRole::Write)
}

/// Where a collection shall be: its namespace, and the key of the resource group with an id, if one is named.
///
/// # Errors
/// 400 for a group that the namespace does not have, as far as the viewer may know; 401 when anonymous, 403 where the viewer may not
/// write.
pub async fn target_place(
    app: &App,
    viewer: &Viewer,
    name: Option<&str>,
    group_id: Option<&str>,
) -> HubResult<(NamespaceRow, Option<i64>)> {
    let user = viewer.require_user()?;
    let name = name.unwrap_or(&user.name);
    require_curator(viewer, name)?;
    let refused =
        || HubError::forbidden(format!("You don't have the rights to make collections under the namespace \"{name}\"."));
    hub_types::check_name(name).map_err(|_| refused())?;
    let namespace = find_namespace(&mut *app.pool.acquire().await?, name).await?.ok_or_else(refused)?;
    let group_pk = match group_id.filter(|id| !id.is_empty()) {
        Some(id) => Some(find_group_pk(app, viewer, &namespace, id).await?),
        None => None,
    };
    if may_write(viewer, namespace.namespace_pk, group_pk) { Ok((namespace, group_pk)) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn slugs_end_in_an_id() {
        let id = "64f9a55bb3115b4f513ec026";
        for slug in [id.to_owned(), format!("recent-models-{id}"), format!("-{id}")] {
            assert_eq!(id_of(&slug), Some(id));
        }
        for slug in
            ["", "recent-models", "recent-64f9a55bb3115b4f513ec02", "x64f9a55bb3115b4f513ec026", "a-64f9a55bb3115b4f513ec02\0"]
        {
            assert_eq!(id_of(slug), None, "{slug}");
        }
    }
}
