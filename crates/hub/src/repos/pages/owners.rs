//! The owners a form offers.

use crate::accounts::User;
use crate::web::form::Choice;

/// The namespaces in which a user may make repositories.
pub(super) fn owners_of(user: &User, current: &str) -> Vec<Choice> {
    let organizations = user.memberships.iter().filter(|membership| membership.may_create());
    let names = std::iter::once(user.name.as_str()).chain(organizations.map(|membership| membership.name.as_str()));
    names.map(|name| Choice::new(name, name, current)).collect()
}

/// The resource groups in which a user may make repositories, and none: of one organisation, or of all. Empty where there are none.
pub(super) fn groups_of(user: &User, namespace_pk: Option<i64>, current: &str) -> Vec<Choice> {
    let mut groups = Vec::new();
    for membership in &user.memberships {
        if namespace_pk.is_some_and(|pk| pk != membership.namespace_pk) {
            continue;
        }
        for group in membership.groups.iter().filter(|group| group.may_create()) {
            let label = if namespace_pk.is_some() { group.name.clone() } else { format!("{}: {}", membership.name, group.name) };
            groups.push(Choice::new(group.id.as_str(), label, current));
        }
    }
    if !groups.is_empty() {
        groups.insert(0, Choice::new("", "None", current));
    }
    groups
}
