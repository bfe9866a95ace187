use git2::{MergeFileInput, MergeFileOptions};

use crate::reader::begin_libgit2;
use crate::{Error, Result};

/// Lines of two sides, joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedText {
    /// The text, with git's markers around what both changed.
    pub bytes: Vec<u8>,
    /// Whether there are none.
    pub is_clean: bool,
}

/// Joins two versions of a text line by line, as git does. `labels` name the two sides in markers.
///
/// # Errors
/// A label has a zero byte, or memory is short.
pub fn merge_text(base: &[u8], ours: &[u8], theirs: &[u8], labels: [&str; 2]) -> Result<MergedText> {
    let clean = |bytes: &[u8]| Ok(MergedText { bytes: bytes.to_vec(), is_clean: true });
    if theirs == base || theirs == ours {
        return clean(ours);
    }
    if ours == base {
        return clean(theirs);
    }
    if labels.iter().any(|label| label.contains('\0')) {
        return Err(Error::RevisionNotFound(String::new()));
    }
    begin_libgit2();
    let (mut parted, mut our, mut their) = (MergeFileInput::new(), MergeFileInput::new(), MergeFileInput::new());
    parted.content(base);
    our.content(ours);
    their.content(theirs);
    let mut options = MergeFileOptions::new();
    options.our_label(labels[0]).their_label(labels[1]);
    let merged = git2::merge_file(&parted, &our, &their, Some(&mut options))?;
    Ok(MergedText { bytes: merged.content().to_vec(), is_clean: merged.is_automergeable() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_what_both_changed_is_marked() {
        let merge = |base: &str, ours: &str, theirs: &str| {
            let merged = merge_text(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), ["main", "#1"]).unwrap();
            (String::from_utf8(merged.bytes).unwrap(), merged.is_clean)
        };
        assert_eq!(merge("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n"), ("A\nb\nC\n".to_owned(), true));
        assert_eq!(merge("a\n", "b\n", "c\n"), ("<<<<<<< main\nb\n=======\nc\n>>>>>>> #1\n".to_owned(), false));
        assert_eq!(merge("", "b\n", "b\n"), ("b\n".to_owned(), true));
        assert_eq!(merge("a\n", "", "a\n"), (String::new(), true));
        assert_eq!(merge("", "b", "c"), ("<<<<<<< main\nb\n=======\nc\n>>>>>>> #1\n".to_owned(), false));
        assert!(!merge("a\nb\n", "", "b\n").1);
    }
}
