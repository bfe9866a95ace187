//! Which repositories a list may contain: the same answer as [`super::access::level_of`] gives for each, as a
//! condition that the database can check for many.

use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

use super::audience;
use crate::accounts::{Auth, TokenRole, Viewer};

/// What a viewer may see beside what everybody sees.
#[derive(Debug, Clone, Default)]
pub struct Visibility {
    /// Private repositories of these namespaces and resource groups; `None`: of all.
    audiences: Option<Vec<i64>>,
    /// For a fine-grained token: only what its scopes name.
    scopes: Option<Scopes>,
    /// Whether repositories that moderators switched off are seen.
    disabled: bool,
    /// Whether what is not for all audiences is left out.
    without_labelled: bool,
}

/// Names in lower case.
#[derive(Debug, Clone, Default)]
struct Scopes {
    namespaces: Vec<String>,
    /// `model/ada/bert`
    repos: Vec<String>,
}

/// What a viewer may see in lists.
pub fn visible_to(viewer: &Viewer) -> Visibility {
    let Some(user) = &viewer.user else { return Visibility { audiences: Some(Vec::new()), ..Visibility::default() } };
    let scopes = match &viewer.auth {
        Auth::Token { role: TokenRole::FineGrained, scopes, .. } => Some(Scopes::read(scopes)),
        Auth::Token { .. } | Auth::Session { .. } | Auth::Password | Auth::Anonymous => None,
    };
    Visibility { audiences: (!user.is_admin).then(|| user.audiences()), scopes, disabled: user.is_admin, without_labelled: false }
}

/// The same for a list on a page that nobody narrowed: what is not for all audiences is in it for those only who want it.
pub fn shown_to(viewer: &Viewer) -> Visibility {
    Visibility { without_labelled: !audience::shows_all(viewer), ..visible_to(viewer) }
}

impl Scopes {
    fn read(scopes: &Value) -> Self {
        let mut read = Self::default();
        for entry in scopes.get("scoped").and_then(Value::as_array).into_iter().flatten() {
            let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let permissions = entry.get("permissions").and_then(Value::as_array).into_iter().flatten();
            if !permissions.filter_map(Value::as_str).any(|name| matches!(name, "repo.content.read" | "repo.write")) {
                continue;
            }
            let name = text("/entity/name").to_ascii_lowercase();
            match text("/entity/type") {
                "user" | "org" => read.namespaces.push(name),
                kind => read.repos.push(format!("{kind}/{name}")),
            }
        }
        read
    }
}

impl Visibility {
    /// For statements with fixed text: whether everything is seen, and of which namespaces and resource
    /// groups private repositories are. A token for chosen repositories counts as a stranger's.
    pub fn coarse(&self) -> (bool, Vec<i64>) {
        match (&self.audiences, &self.scopes) {
            (_, Some(_)) => (false, Vec::new()),
            (None, None) => (true, Vec::new()),
            (Some(audiences), None) => (false, audiences.clone()),
        }
    }

    /// Adds the condition to a statement in which `r` is `repos` and `n` its namespace.
    pub fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" and r.deleted_at is null");
        if !self.disabled {
            sql.push(" and not r.disabled");
            self.push_for_members(sql, "r.unlisted");
        }
        if self.without_labelled {
            sql.push(format!(" and not r.tags @> array['{}']", audience::TAG));
        }
        if self.audiences.is_some() || self.scopes.is_some() {
            self.push_for_members(sql, "r.private");
        }
    }

    /// What is so, only members see.
    fn push_for_members(&self, sql: &mut QueryBuilder<Postgres>, what: &str) {
        if self.audiences.as_ref().is_some_and(Vec::is_empty) {
            sql.push(" and not ").push(what);
            return;
        }
        sql.push(" and (not ").push(what).push(" or (true");
        if let Some(audiences) = &self.audiences {
            sql.push(" and coalesce(r.resource_group_pk, r.namespace_pk) = any(").push_bind(audiences.clone()).push(")");
        }
        if let Some(scopes) = &self.scopes {
            sql.push(" and (lower(n.name) = any(").push_bind(scopes.namespaces.clone());
            sql.push(") or r.repo_type || '/' || lower(n.name) || '/' || lower(r.name) = any(");
            sql.push_bind(scopes.repos.clone()).push("))");
        }
        sql.push("))");
    }
}
