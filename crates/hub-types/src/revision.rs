use std::fmt;

/// Why a ref name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid name for a branch or tag")]
pub struct RefError(String);

/// A full ref name such as `refs/heads/main`, checked by git's rules (`git check-ref-format`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(String);

impl RefName {
    /// Checks a full name that starts with `refs/`.
    ///
    /// # Errors
    /// The name breaks git's rules or is longer than 250 bytes.
    pub fn new(name: &str) -> Result<Self, RefError> {
        let bad = || RefError(name.chars().take(250).collect());
        let forbidden = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
        let bad_component =
            |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with('.') || part.ends_with(".lock");
        let wrong = name.len() > 250
            || !name.starts_with("refs/")
            || name.split('/').count() < 3
            || name.contains("..")
            || name.contains("@{")
            || name.chars().any(forbidden)
            || name.split('/').any(bad_component);
        if wrong { Err(bad()) } else { Ok(Self(name.to_owned())) }
    }

    /// `refs/heads/{branch}`.
    ///
    /// # Errors
    /// The branch name breaks git's rules, starts with `refs/` or `-`, or looks like a commit id.
    pub fn branch(branch: &str) -> Result<Self, RefError> {
        Self::short("refs/heads/", branch)
    }

    /// `refs/tags/{tag}`.
    ///
    /// # Errors
    /// As for [`RefName::branch`].
    pub fn tag(tag: &str) -> Result<Self, RefError> {
        Self::short("refs/tags/", tag)
    }

    fn short(prefix: &str, name: &str) -> Result<Self, RefError> {
        let looks_like_commit = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if name.starts_with("refs/") || name.starts_with('-') || name == "HEAD" || looks_like_commit {
            return Err(RefError(name.chars().take(250).collect()));
        }
        Self::new(&format!("{prefix}{name}"))
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The branch name, if this is a branch.
    pub fn branch_name(&self) -> Option<&str> {
        self.0.strip_prefix("refs/heads/")
    }

    /// The tag name, if this is a tag.
    pub fn tag_name(&self) -> Option<&str> {
        self.0.strip_prefix("refs/tags/")
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Anything that resolves to a commit: a branch, tag, full or abbreviated commit id, full ref name or `HEAD`.
/// Only its text is known here; looking it up needs the repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    /// Wraps the text as it was asked for.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was asked for.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits the decoded segments after `tree/`, `resolve/`, … into the revision and the path.
///
/// A revision is one segment, unless it starts with the segment `refs`: clients send `refs/pr/1` and
/// `refs/convert/parquet` unencoded (`@huggingface/hub`), which take three.
pub fn split_revision(segments: &[String]) -> (Option<Revision>, &[String]) {
    let count = match segments {
        [] => return (None, segments),
        [first, _, _, ..] if first == "refs" => 3,
        _ => 1,
    };
    let (revision, path) = segments.split_at(count);
    (Some(Revision::new(revision.join("/"))), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_names_follow_git() {
        for name in ["main", "feat/x", "v1.0", "a@b", "é"] {
            assert!(RefName::branch(name).is_ok(), "{name}");
        }
        for name in ["", "a..b", "a b", "a~", "/a", "a/", "a.lock", ".a", "a@{", "-x", "HEAD", "refs/heads/x", "a\\b", "a\nb"] {
            assert!(RefName::branch(name).is_err(), "{name}");
        }
    }

    #[test]
    fn special_refs_take_three_segments() {
        let segments: Vec<String> = "refs/pr/1/sub dir/x".split('/').map(str::to_owned).collect();
        let (revision, path) = split_revision(&segments);
        assert_eq!(revision.unwrap().as_str(), "refs/pr/1");
        assert_eq!(path, ["sub dir", "x"]);
        let segments: Vec<String> = vec!["main".into(), "x".into()];
        assert_eq!(split_revision(&segments).0.unwrap().as_str(), "main");
    }
}
