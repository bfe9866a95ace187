use std::fmt;

/// The longest path in a repository, in bytes.
const MAX_PATH_BYTES: usize = 1000;
/// The longest single name in a path, in bytes: what Linux file systems take.
const MAX_SEGMENT_BYTES: usize = 255;

/// Why a path in a repository is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No characters at all.
    #[error("the path is empty")]
    Empty,
    /// More than the limit.
    #[error("the path is longer than {MAX_PATH_BYTES} bytes, or a name in it than {MAX_SEGMENT_BYTES}")]
    TooLong,
    /// Absolute, doubled slash, `.`, `..`, `.git` or a control character or backslash.
    #[error(
        "`{0}` is not a path a repository can hold: no leading or doubled `/`, no `.`, `..` or `.git` as a name, no backslash and no control characters"
    )]
    Forbidden(String),
    /// The same for a bucket, where git's names are names like others.
    #[error(
        "`{0}` is not a path a bucket can hold: no leading, trailing or doubled `/`, no `.` or `..` as a name, no backslash and no control characters"
    )]
    ForbiddenInBucket(String),
}

/// The path of a file or folder in a repository: relative, `/`-separated, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(String);

impl RepoPath {
    /// Checks a path that is to be written. One trailing slash is dropped.
    ///
    /// # Errors
    /// Says what git or a client's file system could not take.
    pub fn new(text: &str) -> Result<Self, PathError> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > MAX_PATH_BYTES || text.split('/').any(|name| name.len() > MAX_SEGMENT_BYTES) {
            return Err(PathError::TooLong);
        }
        if text.contains('\\') || text.chars().any(char::is_control) || text.split('/').any(is_forbidden_name) {
            return Err(PathError::Forbidden(text.chars().take(200).collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name of the path.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// The path of a file in a bucket: relative, `/`-separated, never empty, and nothing that a client's file system would take
/// for another place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketPath(String);

impl BucketPath {
    /// Checks a path that is to be written.
    ///
    /// # Errors
    /// Says what a client's file system could not take.
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > MAX_PATH_BYTES || text.split('/').any(|name| name.len() > MAX_SEGMENT_BYTES) {
            return Err(PathError::TooLong);
        }
        let is_forbidden = |name| matches!(name, "" | "." | "..");
        if text.contains('\\') || text.chars().any(char::is_control) || text.split('/').any(is_forbidden) {
            return Err(PathError::ForbiddenInBucket(text.chars().take(200).collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name of the path.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The first text after all paths that start with `prefix`, in the order of their bytes (which is that of their
    /// characters): paths are at least the prefix and less than this.
    pub fn end_of_prefix(prefix: &str) -> String {
        let mut kept: Vec<char> = prefix.chars().collect();
        while let Some(last) = kept.pop() {
            // The characters before and after the gap that UTF-16 has are neighbours.
            let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
            if let Some(next) = next {
                kept.push(next);
                return kept.into_iter().collect();
            }
        }
        // Longer than any path that could be after it.
        "\u{10ffff}".repeat(MAX_PATH_BYTES / 4 + 1)
    }
}

impl fmt::Display for BucketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names that git refuses, or that a checkout on another system would take for `.git`.
fn is_forbidden_name(name: &str) -> bool {
    // HFS+ ignores these code points, NTFS trailing dots and spaces: both would make `.git` of it.
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'))
        .collect();
    let plain = plain.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    matches!(name, "" | "." | "..") || plain == ".git" || plain == "git~1"
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for RepoPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        for path in ["a", "a/b.txt", "é/ü.md", "a b/c#d?", ".gitattributes", "x.git/y", "dir/"] {
            assert!(RepoPath::new(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn buckets_take_the_names_of_git_and_no_dangerous_ones() {
        for path in ["a", ".git/config", "é/ü.md", "a b/c#d?", "...", "a/.b", &"x/".repeat(499), &"y".repeat(255)] {
            assert!(BucketPath::new(path.trim_end_matches('/')).is_ok(), "{path}");
        }
        let long = "x".repeat(256);
        for path in
            ["", "/", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\\b", "a\0b", "a\nb", "a\u{7f}", &long, &"a/".repeat(501)]
        {
            assert!(BucketPath::new(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn prefixes_end_where_the_next_text_begins() {
        for (prefix, end) in [("a", "b"), ("a/", "a0"), ("a\u{d7ff}", "a\u{e000}"), ("a\u{10ffff}", "b"), ("é", "ê")] {
            assert_eq!(BucketPath::end_of_prefix(prefix), end);
        }
        for prefix in ["", "\u{10ffff}"] {
            let largest = "\u{10ffff}".repeat(MAX_PATH_BYTES / 4);
            assert!(BucketPath::end_of_prefix(prefix).as_str() > largest.as_str());
        }
    }

    #[test]
    fn dangerous_paths_are_refused() {
        let long = "a/".repeat(600);
        for path in [
            "",
            "/",
            "/a",
            "a//b",
            "./a",
            "a/../b",
            "..",
            "a\\b",
            "..\\a",
            ".git/config",
            "a/.GIT/x",
            ".git./x",
            ".g\u{200c}it",
            "git~1",
            "a\0b",
            "a\nb",
            long.as_str(),
            &"x".repeat(256),
        ] {
            assert!(RepoPath::new(path).is_err(), "{path:?}");
        }
    }
}
