//! `.gitattributes`: which files are in LFS. And `.gitignore`, as far as an upload asks for it.

mod defaults;
mod pattern;

use std::collections::HashSet;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

pub use defaults::default_attributes;

use pattern::{escape_path, split_pattern, to_glob};

/// The file whose lines say what is in LFS.
pub const ATTRIBUTES_FILE: &str = ".gitattributes";

const LFS_ATTRIBUTES: &str = "filter=lfs diff=lfs merge=lfs -text";

/// The LFS rules of one `.gitattributes`.
#[derive(Debug, Clone)]
pub struct LfsRules {
    matcher: Gitignore,
}

impl LfsRules {
    /// Reads the lines that set or unset the filter. Lines that git would not understand are passed over.
    pub fn parse(text: &str) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for line in text.lines() {
            let Some((pattern, attributes)) = split_pattern(line) else { continue };
            let Some(is_lfs) = lfs_state(attributes) else { continue };
            // A whitelisted pattern is one that takes the filter away: the last match wins in both.
            let glob = format!("{}{}", if is_lfs { "" } else { "!" }, to_glob(&pattern));
            let _ = builder.add_line(None, &glob);
        }
        Self { matcher: builder.build().unwrap_or_else(|_| Gitignore::empty()) }
    }

    /// Whether a file at this path is to be in LFS.
    pub fn is_lfs(&self, path: &str) -> bool {
        self.matcher.matched(path, false).is_ignore()
    }
}

/// What a line's attributes say about the filter: `Some(true)` for LFS, `Some(false)` for none or
/// another one, `None` when they do not speak of it.
fn lfs_state(attributes: &str) -> Option<bool> {
    let mut state = None;
    for attribute in attributes.split([' ', '\t', '\r']) {
        match attribute {
            "filter=lfs" => state = Some(true),
            "filter" | "-filter" | "!filter" => state = Some(false),
            _ if attribute.starts_with("filter=") => state = Some(false),
            _ => {}
        }
    }
    state
}

/// The attributes with a line for each path that is not in LFS by them; `None` when all are.
pub fn cover_lfs_paths(attributes: &str, paths: &[String]) -> Option<String> {
    let rules = LfsRules::parse(attributes);
    let mut text = attributes.to_owned();
    let mut added = HashSet::new();
    for path in paths.iter().filter(|path| !rules.is_lfs(path)) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        // The same file may come twice in one commit.
        if added.insert(path) {
            text.push_str(&format!("{} {LFS_ATTRIBUTES}\n", escape_path(path)));
        }
    }
    (text != attributes).then_some(text)
}

/// The rules of one `.gitignore`.
#[derive(Debug, Clone)]
pub struct IgnoreRules {
    matcher: Gitignore,
}

impl IgnoreRules {
    /// Reads the lines. Lines that git would not understand are passed over.
    pub fn parse(text: &str) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for line in text.lines() {
            let _ = builder.add_line(None, line);
        }
        Self { matcher: builder.build().unwrap_or_else(|_| Gitignore::empty()) }
    }

    /// Whether a file at this path is ignored, by itself or because of a folder it is in.
    pub fn is_ignored(&self, path: &str) -> bool {
        !path.starts_with('/') && self.matcher.matched_path_or_any_parents(path, false).is_ignore()
    }
}

#[cfg(test)]
mod tests;
