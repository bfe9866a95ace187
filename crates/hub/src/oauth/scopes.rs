//! What an application can ask for, in words for people, and as rights of a token.

use serde_json::{Value, json};

use crate::accounts::scopes::{DISCUSS, MAKE_REPOS, READ_COLLECTIONS, READ_WEBHOOKS, WRITE_COLLECTIONS, WRITE_WEBHOOKS};
use crate::accounts::{TokenRole, User};

/// Something that an application can ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it lets an application do.
    pub words: &'static str,
    /// Whether it is about repositories (or collections), and so also about those of chosen organisations.
    pub of_repos: bool,
}

/// All of them, but for [`ACT_AS_YOU`].
pub(super) const SCOPES: [Scope; 12] = [
    Scope { name: "openid", words: "Know that it is you", of_repos: false },
    Scope { name: "profile", words: "See your name, your picture and your organizations", of_repos: false },
    Scope { name: "email", words: "See your email address", of_repos: false },
    Scope { name: "read-repos", words: "Read your repositories, private ones, too", of_repos: true },
    Scope { name: "gated-repos", words: "Read gated repositories that you were let into", of_repos: false },
    Scope { name: "write-repos", words: "Read and change what is in your repositories", of_repos: true },
    Scope { name: "manage-repos", words: "Create, change, move and delete repositories", of_repos: true },
    Scope { name: "contribute-repos", words: "Create repositories, and do anything with those that it created", of_repos: true },
    Scope { name: "read-collections", words: "See your collections, private ones, too", of_repos: true },
    Scope { name: "write-collections", words: "Make, change and delete your collections", of_repos: true },
    Scope {
        name: "write-discussions",
        words: "Open discussions and pull requests in your name, comment and react",
        of_repos: false,
    },
    Scope { name: "webhooks", words: "See and change your webhooks", of_repos: false },
];
/// Everything that a token with the role `write` may do; only for the command line that every hub knows.
const ACT_AS_YOU: &str = "act-as-you";
/// What tells who somebody is, and nothing more.
const IDENTITY: [&str; 3] = ["openid", "profile", "email"];
/// What is meant by an application that asks for nothing.
const DEFAULTS: [&str; 2] = ["openid", "profile"];

/// What of a list of names there is, in the order of [`SCOPES`].
pub(super) fn known<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.into_iter().collect();
    SCOPES.iter().filter(|scope| names.contains(&scope.name)).map(|scope| scope.name.to_owned()).collect()
}

/// What is asked for by `scope`, as far as the application may. What the hub does not know grants nothing, as RFC 6749 has it.
pub(super) fn asked(text: Option<&str>, allowed: &[String]) -> Vec<String> {
    if allowed.iter().any(|scope| scope == ACT_AS_YOU) {
        return allowed.to_vec();
    }
    let names: Vec<&str> = match text {
        Some(text) => text.split(' ').collect(),
        None => DEFAULTS.to_vec(),
    };
    let mut found = known(names);
    found.retain(|scope| allowed.contains(scope));
    found
}

/// Whether scopes only tell an application who somebody is. With all others it gets what an access token would give it.
pub(super) fn only_tell_who(scopes: &[String]) -> bool {
    scopes.iter().all(|scope| IDENTITY.contains(&scope.as_str()))
}

/// The names of the scopes that are about repositories.
pub(super) fn of_repos() -> Vec<String> {
    SCOPES.iter().filter(|scope| scope.of_repos).map(|scope| scope.name.to_owned()).collect()
}

/// What scopes let an application do, in words.
pub(super) fn in_words(scopes: &[String]) -> Vec<&'static str> {
    if scopes.iter().any(|scope| scope == ACT_AS_YOU) {
        return vec!["Act as you: read, create, change and delete all that you can, as with a token for writing"];
    }
    SCOPES.iter().filter(|scope| scopes.iter().any(|one| one == scope.name)).map(|scope| scope.words).collect()
}

/// Whether it matters to scopes which organisations somebody chooses.
pub(super) fn reach_organizations(scopes: &[String]) -> bool {
    SCOPES.iter().any(|scope| scope.of_repos && scopes.iter().any(|one| one == scope.name))
}

/// The role and the rights of a token: those of a fine-grained one for the person's repositories and those of chosen organisations.
/// What somebody has no right to themselves, no token of theirs has.
pub(super) fn rights(user: &User, scopes: &[String], organization_pks: &[i64]) -> (TokenRole, Value) {
    let has = |name: &str| scopes.iter().any(|scope| scope == name);
    let mut given = if has("manage-repos") {
        vec!["repo.content.read", "repo.write"]
    } else if has("write-repos") {
        vec!["repo.content.read", "repo.content.write"]
    } else if has("read-repos") {
        vec!["repo.content.read"]
    } else {
        Vec::new()
    };
    if has("contribute-repos") {
        given.push(MAKE_REPOS);
    }
    if has("read-collections") || has("write-collections") {
        given.push(READ_COLLECTIONS);
    }
    if has("write-collections") {
        given.push(WRITE_COLLECTIONS);
    }
    let mut own = given.clone();
    if has("webhooks") {
        own.extend([READ_WEBHOOKS, WRITE_WEBHOOKS]);
    }
    let entry = |pk: i64, kind: &str, name: &str, permissions: &[&str]| {
        let entity = json!({ "_id": format!("{pk:024x}"), "type": kind, "name": name });
        json!({ "entity": entity, "permissions": permissions })
    };
    let mut scoped = Vec::new();
    if !own.is_empty() {
        scoped.push(entry(user.pk, "user", &user.name, &own));
    }
    if !given.is_empty() {
        let chosen = user.memberships.iter().filter(|one| organization_pks.contains(&one.namespace_pk));
        scoped.extend(chosen.map(|one| entry(one.namespace_pk, "org", &one.name, &given)));
    }
    let role = if has(ACT_AS_YOU) { TokenRole::Write } else { TokenRole::FineGrained };
    let global: &[&str] = if has("write-discussions") { &[DISCUSS] } else { &[] };
    let rights =
        json!({ "canReadGatedRepos": has("gated-repos"), "global": global, "scoped": scoped, "oauth": { "scopes": scopes } });
    (role, rights)
}

/// The scopes in the rights of an application's token; of another token, nothing.
pub(super) fn granted(rights: &Value) -> Option<Vec<&str>> {
    let scopes = rights.pointer("/oauth/scopes")?.as_array()?;
    Some(scopes.iter().filter_map(Value::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_granted_that_was_not_asked_for_or_is_not_allowed() {
        let allowed = known(["openid", "profile", "read-repos"]);
        for (text, expected) in [
            (None, "openid profile"),
            (Some("read-repos openid openid"), "openid read-repos"),
            (Some("openid manage-repos inference-api act-as-you"), "openid"),
            (Some(""), ""),
            (Some("nonsense"), ""),
        ] {
            assert_eq!(asked(text, &allowed).join(" "), expected, "{text:?}");
        }
        assert!(known(["act-as-you"]).is_empty(), "no application asks for it");
    }
}
