//! What webhooks watch: repositories, and all that a user or an organisation has.

use std::collections::HashMap;

use hub_types::{RepoId, RepoType, check_name};
use serde::{Deserialize, Serialize};

use super::queries::{self, Target, WatchRow};
use super::right;
use crate::accounts::{Auth, TokenRole, User, Viewer};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::queries::find_repos_by_name;

/// The most that one webhook watches.
pub(super) const MOST: usize = 50;

/// Something to watch, as it is sent and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    /// `model`, `dataset`, `space`, `bucket`, `user` or `org`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `ada` or `ada/bert`.
    pub name: String,
}

impl Watched {
    /// What a row of the database says.
    pub(super) fn of(row: &WatchRow) -> Self {
        let kind = if row.kind == "organization" { "org" } else { &row.kind };
        Self { kind: kind.to_owned(), name: row.name.clone() }
    }

    /// Reads a line of the form: `ada`, `ada/bert`, `datasets/ada/squad`. Whether a name is a user's or an organisation's is not said
    /// there.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let (kind, name) = match line.split_once('/') {
            None => ("", line),
            Some((plural, id)) if id.contains('/') => (RepoType::from_plural(plural)?.as_str(), id),
            Some(_) => (RepoType::Model.as_str(), line),
        };
        Some(Self { kind: kind.to_owned(), name: name.to_owned() })
    }

    /// The line of the form.
    pub(super) fn line(&self) -> String {
        let prefix = self.repo_type().map_or("", RepoType::url_prefix);
        format!("{prefix}{}", self.name)
    }

    /// The path of its page.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.line())
    }

    /// What it is, for people.
    pub(super) fn label(&self) -> &str {
        if self.kind == "org" { "organization" } else { &self.kind }
    }

    fn repo_type(&self) -> Option<RepoType> {
        RepoType::EVERY.into_iter().find(|repo_type| repo_type.as_str() == self.kind)
    }

    fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    fn missing(&self) -> HubError {
        let shown: String = self.name.chars().filter(|c| !c.is_control()).take(200).collect();
        let what = if self.kind.is_empty() { "user or organization" } else { self.label() };
        HubError::bad_request(format!("There is no {what} `{shown}` that you can see.")).at("watched")
    }
}

/// Finds what shall be watched. What the viewer may not see answers as what there is not.
///
/// # Errors
/// 400 for too many, for a kind that cannot be watched and for names of nothing; 403 for a token that sees less than the webhook would.
pub(super) async fn find_targets(app: &App, viewer: &Viewer, user: &User, wanted: &[Watched]) -> HubResult<Vec<Target>> {
    if wanted.len() > MOST {
        return Err(HubError::bad_request(format!("A webhook watches at most {MOST} users, organizations and repositories."))
            .at("watched"));
    }
    let repos = readable_repos(app, viewer, user, wanted).await?;
    let names: Vec<String> = wanted.iter().filter(|one| one.repo_type().is_none()).map(Watched::key).collect();
    let names: Vec<String> = names.into_iter().filter(|name| check_name(name).is_ok()).collect();
    let namespaces = queries::list_namespaces(&app.pool, &names).await?;
    let mut targets = Vec::with_capacity(wanted.len());
    for one in wanted {
        let target = match one.repo_type() {
            Some(repo_type) => repos.get(&(repo_type, one.key())).map(|(repo_pk, name)| Target {
                namespace_pk: None,
                repo_pk: Some(*repo_pk),
                name: name.clone(),
            }),
            None => {
                let kind = match one.kind.as_str() {
                    "user" => Some("user"),
                    "org" => Some("organization"),
                    "" => None,
                    _ => return Err(unknown_kind(&one.kind)),
                };
                let is_it = |row: &&queries::NamespaceRow| {
                    row.name.eq_ignore_ascii_case(&one.name) && kind.is_none_or(|kind| row.kind == kind)
                };
                let found = namespaces.iter().find(is_it);
                if let Some(row) = found {
                    right::check_sees(viewer, row.namespace_pk, &row.name)?;
                }
                found.map(|row| Target { namespace_pk: Some(row.namespace_pk), repo_pk: None, name: row.name.clone() })
            }
        };
        targets.push(target.ok_or_else(|| one.missing())?);
    }
    Ok(targets)
}

/// Checks that a fine-grained token could have a webhook watch what it watches already: with another address, it tells somebody else.
///
/// # Errors
/// As [`find_targets`].
pub(super) async fn check_watched(app: &App, viewer: &Viewer, user: &User, webhook_pk: i64) -> HubResult<()> {
    if !matches!(viewer.auth, Auth::Token { role: TokenRole::FineGrained, .. }) {
        return Ok(());
    }
    let rows = queries::list_watches(&app.pool, &[webhook_pk], &viewer.audiences()).await?;
    let watched: Vec<Watched> = rows.iter().map(Watched::of).collect();
    find_targets(app, viewer, user, &watched).await.map(|_| ())
}

fn unknown_kind(kind: &str) -> HubError {
    let shown: String = kind.chars().filter(|c| !c.is_control()).take(50).collect();
    HubError::bad_request(format!("`{shown}` cannot be watched: use `model`, `dataset`, `space`, `bucket`, `user` or `org`."))
        .at("watched")
}

/// The keys and names of those repositories among them that the viewer may see, by type and name in lower case.
async fn readable_repos(
    app: &App,
    viewer: &Viewer,
    user: &User,
    wanted: &[Watched],
) -> HubResult<HashMap<(RepoType, String), (i64, String)>> {
    let parts = wanted.iter().filter_map(|one| {
        let (repo_type, key) = (one.repo_type()?, one.key());
        let (namespace, name) = key.split_once('/')?;
        // An impossible name never reaches the database.
        RepoId::new(namespace, name).ok()?;
        Some((repo_type, namespace.to_owned(), name.to_owned()))
    });
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        return Ok(HashMap::new());
    }
    let person = right::as_person(user, viewer.auth.clone());
    let found = find_repos_by_name(&app.pool, &parts).await?.into_iter();
    let readable = found.filter_map(|repo| RepoRead::check(repo, person.clone()).ok());
    Ok(readable.map(|read| ((read.repo.repo_type, read.repo.id.key()), (read.repo.pk, read.repo.id.to_string()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_is_watched() {
        for (line, kind, name) in [
            ("ada", "", "ada"),
            ("ada/bert", "model", "ada/bert"),
            ("datasets/ada/squad", "dataset", "ada/squad"),
            ("spaces/ada/demo", "space", "ada/demo"),
            ("buckets/ada/runs", "bucket", "ada/runs"),
        ] {
            let read = Watched::of_line(line).unwrap();
            assert_eq!((read.kind.as_str(), read.name.as_str()), (kind, name), "{line}");
            assert_eq!(read.line(), line);
        }
        assert_eq!(Watched::of_line("https://hub.example.org/ada/bert"), None);
    }
}
