//! Which names have a picture of their own. Every avatar on every page asks, so this is kept in memory; who changes pictures
//! tells all nodes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The key under which templates find this among their values.
pub const KEY: &str = "pictures";

/// Names with the versions of their pictures; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    inner: Arc<RwLock<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    versions: HashMap<String, String>,
    /// How often single ones were set.
    changes: u64,
}

impl Pictures {
    /// How often single pictures were set: to be noted before all are read.
    pub fn changes(&self) -> u64 {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).changes
    }

    /// Puts what was read in place of what was known, unless a picture was set since `changes`, and tells whether it did.
    pub fn replace(&self, changes: u64, all: impl IntoIterator<Item = (String, String)>) -> bool {
        let versions = all.into_iter().map(|(name, version)| (name.to_ascii_lowercase(), version)).collect();
        let mut known = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if known.changes == changes {
            known.versions = versions;
        }
        known.changes == changes
    }

    /// Notes another picture of a name, or that it has none any more.
    pub fn set(&self, name: &str, version: Option<String>) {
        let mut known = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        known.changes += 1;
        match version {
            Some(version) => known.versions.insert(name.to_ascii_lowercase(), version),
            None => known.versions.remove(&name.to_ascii_lowercase()),
        };
    }

    /// The path of a name's picture, if it has one.
    pub fn path_of(&self, name: &str) -> Option<String> {
        let known = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        known.versions.get(&name.to_ascii_lowercase()).map(|version| format!("/avatars/{name}/{version}.png"))
    }

    /// The path of a name's avatar: its picture, or a drawing of its initial.
    pub fn avatar_of(&self, name: &str) -> String {
        self.path_of(name).unwrap_or_else(|| format!("/avatars/{name}.svg"))
    }
}

#[cfg(test)]
mod tests {
    use super::Pictures;

    #[test]
    fn names_without_a_picture_have_a_drawing() {
        let pictures = Pictures::default();
        assert!(pictures.replace(pictures.changes(), [("Ada".to_owned(), "0123".to_owned())]));
        assert_eq!(pictures.avatar_of("ada"), "/avatars/ada/0123.png");
        assert_eq!(pictures.avatar_of("bob"), "/avatars/bob.svg");
        let before = pictures.changes();
        pictures.set("bob", Some("4567".to_owned()));
        pictures.set("ADA", None);
        assert!(!pictures.replace(before, []), "what was read before is not put in place of what is newer");
        assert_eq!(pictures.avatar_of("ada"), "/avatars/ada.svg");
        assert_eq!(pictures.path_of("bob").as_deref(), Some("/avatars/bob/4567.png"));
    }
}
