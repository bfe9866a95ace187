//! The owners a form offers.

use crate::accounts::{OrgRole, User};
use crate::web::form::Choice;

/// The namespaces in which a user may make repositories.
pub(super) fn owners_of(user: &User, current: &str) -> Vec<Choice> {
    let organizations = user.memberships.iter().filter(|membership| membership.role >= OrgRole::Contributor);
    let names = std::iter::once(user.name.as_str()).chain(organizations.map(|membership| membership.name.as_str()));
    names.map(|name| Choice::new(name, name, current)).collect()
}
