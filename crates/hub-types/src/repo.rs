use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a repository holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepoType {
    /// Weights, configuration and a model card.
    Model,
    /// Data files and a dataset card.
    Dataset,
    /// An app.
    Space,
    /// Files without history, the last writer wins. The one type without git.
    Bucket,
}

impl RepoType {
    /// The types that are git repositories, in the order pages list them. What has to do with revisions, commits, cards or
    /// git goes by these.
    pub const WITH_GIT: [Self; 3] = [Self::Model, Self::Dataset, Self::Space];

    /// Every type, in the order pages list them.
    pub const EVERY: [Self; 4] = [Self::Model, Self::Dataset, Self::Space, Self::Bucket];

    /// The singular word: `model`, `dataset`, `space`, `bucket`. Also the value stored in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Space => "space",
            Self::Bucket => "bucket",
        }
    }

    /// The plural that API paths and list pages use: `models`, `datasets`, `spaces`, `buckets`.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
            Self::Space => "spaces",
            Self::Bucket => "buckets",
        }
    }

    /// What precedes `namespace/name` in page, resolve and git URLs: empty, `datasets/`, `spaces/` or `buckets/`.
    pub const fn url_prefix(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
            Self::Space => "spaces/",
            Self::Bucket => "buckets/",
        }
    }

    /// What lines of `hf` add for it, with a space before. They take models for granted.
    pub const fn hf_option(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => " --repo-type dataset",
            Self::Space => " --repo-type space",
            Self::Bucket => " --repo-type bucket",
        }
    }

    /// Whether it is a git repository.
    pub fn has_git(self) -> bool {
        Self::WITH_GIT.contains(&self)
    }

    /// Reads the plural of an API path.
    pub fn from_plural(text: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|kind| kind.plural() == text)
    }
}

impl fmt::Display for RepoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RepoType {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::EVERY
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| NameError::RepoType(text.chars().take(40).collect()))
    }
}

/// The longest namespace or repository name, in characters (ASCII, so also bytes).
pub const MAX_NAME_LEN: usize = 96;

/// Why a namespace, repository name or id is refused. The text is for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, too long, or with characters outside `[A-Za-z0-9._-]`.
    #[error(
        "`{0}` is not a valid name: use 1 to 96 letters, digits, `-`, `_` or `.`, starting and ending with a letter, digit or `_`"
    )]
    Characters(String),
    /// `--` or `..` inside.
    #[error("`{0}` is not a valid name: it must not contain `--` or `..`")]
    Doubled(String),
    /// Ends in `.git`.
    #[error("`{0}` is not a valid name: it must not end in `.git`")]
    GitSuffix(String),
    /// A word that the hub's own pages use.
    #[error("`{0}` is a reserved name, please choose another")]
    Reserved(String),
    /// Not `namespace/name`.
    #[error("`{0}` is not a repository id: write it as `namespace/name`")]
    Shape(String),
    /// Not a repository type.
    #[error("`{0}` is not a repository type: use `model`, `dataset`, `space` or `bucket`")]
    RepoType(String),
}

/// Checks a user, organisation or repository name by the rule the clients apply
/// (`huggingface_hub` `utils/_validators.py`, `validate_repo_id`).
///
/// # Errors
/// Says which part of the rule the name breaks.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let shown = || name.chars().take(120).collect::<String>();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = name.as_bytes();
    if bytes.len() > MAX_NAME_LEN || !bytes.iter().copied().all(allowed) || !edge(bytes.first()) || !edge(bytes.last()) {
        return Err(NameError::Characters(shown()));
    }
    if name.contains("--") || name.contains("..") {
        return Err(NameError::Doubled(shown()));
    }
    if name.len() >= 4 && name.to_ascii_lowercase().ends_with(".git") {
        return Err(NameError::GitSuffix(shown()));
    }
    Ok(())
}

/// First path segments that belong to the hub itself, so that no namespace may take them.
const RESERVED_NAMESPACES: &[&str] = &[
    "_",
    "about",
    "activity",
    "admin",
    "agents",
    "api",
    "arena",
    "assets",
    "avatars",
    "billing",
    "blog",
    "buckets",
    "bucket",
    "change-email",
    "chat",
    "collections",
    "community",
    "confirm-email",
    "contact",
    "dataset",
    "datasets",
    "deleted",
    "design",
    "docs",
    "download",
    "enterprise",
    "find",
    "explore",
    "favicon.ico",
    "forgot-password",
    "health",
    "healthz",
    "help",
    "hf",
    "home",
    "hub",
    "index",
    "inference",
    "invitations",
    "jobs",
    "join",
    "kernel",
    "kernels",
    "languages",
    "leaderboard",
    "leaderboards",
    "learn",
    "lfs",
    "licences",
    "licenses",
    "login",
    "logout",
    "me",
    "metrics",
    "model",
    "models",
    "new",
    "new-bucket",
    "new-dataset",
    "new-space",
    "none",
    "notifications",
    "null",
    "oauth",
    "organization",
    "organizations",
    "orgs",
    "papers",
    "posts",
    "pricing",
    "privacy",
    "profile",
    "readyz",
    "recalls",
    "recalls.atom",
    "reset-password",
    "resolve-cache",
    "robots.txt",
    "root",
    "search",
    "security",
    "settings",
    "signup",
    "sitemap.xml",
    "space",
    "spaces",
    "static",
    "status",
    "storage",
    "store",
    "support",
    "system",
    "tasks",
    "terms",
    "terms-of-service",
    "undefined",
    "uploads",
    "user",
    "users",
    "v1",
    "v2",
    "webhooks",
    "well-known",
    "xet",
];

/// Whether the hub keeps this namespace for its own pages. Case does not matter.
pub fn is_reserved_namespace(name: &str) -> bool {
    RESERVED_NAMESPACES.contains(&name.to_ascii_lowercase().as_str())
}

/// `namespace/name`, as typed. Compare with [`RepoId::key`]: ids differ only by case never.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepoId {
    namespace: String,
    name: String,
}

impl RepoId {
    /// Checks both parts.
    ///
    /// # Errors
    /// Says which part is not a valid name.
    pub fn new(namespace: &str, name: &str) -> Result<Self, NameError> {
        check_name(namespace)?;
        check_name(name)?;
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// The user or organisation that owns the repository.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The repository's name in its namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lower-case form by which ids are compared.
    pub fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl FromStr for RepoId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((namespace, name)) if !name.contains('/') => Self::new(namespace, name),
            _ => Err(NameError::Shape(text.chars().take(200).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_pass() {
        for name in ["a", "_", "GPT-2", "all-MiniLM-L6-v2", "v1.0", &"x".repeat(96)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["", "-a", "a-", ".a", "a.", "a--b", "a..b", "a/b", "a b", "é", "a\0", "x.git", "x.GIT", &"x".repeat(97)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn lines_of_hf_name_every_type_but_models() {
        for kind in RepoType::EVERY {
            let expected = if kind == RepoType::Model { String::new() } else { format!(" --repo-type {kind}") };
            assert_eq!(kind.hf_option(), expected);
        }
    }

    #[test]
    fn repo_ids_have_exactly_one_slash() {
        assert_eq!("Ada/Bert".parse::<RepoId>().unwrap().key(), "ada/bert");
        for text in ["bert", "a/b/c", "/b", "a/"] {
            assert!(text.parse::<RepoId>().is_err(), "{text}");
        }
    }
}
