//! What people see: what an application asks of them, codes of devices, the applications they use and those they keep.

mod applications;
mod connected;
mod consent;
mod device;

use actix_web::web;

use super::queries::clients::Client;
use super::scopes;
use crate::accounts::User;

/// Mounts them.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.configure(consent::routes).configure(device::routes).configure(connected::routes).configure(applications::routes);
}

/// An application and what it asks for, ready to print.
#[derive(Debug)]
struct Request {
    name: String,
    homepage: String,
    /// Who vouches for it.
    origin: String,
    /// Whether nobody does.
    is_unknown: bool,
    may: Vec<&'static str>,
    /// The organisations that can be chosen.
    organizations: Vec<Organization>,
}

/// An organisation that can be chosen.
#[derive(Debug)]
struct Organization {
    id: String,
    name: String,
    chosen: bool,
}

impl Request {
    /// What is asked of somebody, with these organisations chosen.
    fn new(client: &Client, user: &User, scopes: &[String], is_chosen: impl Fn(i64) -> bool) -> Self {
        let organizations = user.memberships.iter().map(|one| Organization {
            id: super::claims::id_of(one.namespace_pk),
            name: one.name.clone(),
            chosen: is_chosen(one.namespace_pk),
        });
        Self {
            name: client.name.clone(),
            homepage: client.homepage.clone(),
            origin: origin(&client.origin, client.keeper.as_deref()),
            is_unknown: client.made_itself_known(),
            may: scopes::in_words(scopes),
            organizations: if scopes::reach_organizations(scopes) { organizations.collect() } else { Vec::new() },
        }
    }
}

/// Who made an application known, in words.
fn origin(origin: &str, keeper: Option<&str>) -> String {
    match (origin, keeper) {
        ("hub", _) => "Part of huggingface_hub".to_owned(),
        (_, Some(keeper)) => format!("Kept by {keeper}"),
        _ => "Registered itself".to_owned(),
    }
}

/// The organisations that somebody chose, of those they belong to.
fn chosen<'a>(user: &User, ids: impl Iterator<Item = &'a str>) -> Vec<i64> {
    let ids: Vec<&str> = ids.collect();
    let keys = user.memberships.iter().map(|one| one.namespace_pk);
    keys.filter(|pk| ids.contains(&super::claims::id_of(*pk).as_str())).collect()
}
