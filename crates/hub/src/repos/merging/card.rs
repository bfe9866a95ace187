use std::collections::BTreeMap;

use hub_cards::front_matter;
use hub_cards::{KeyConflict, Side, merge_metadata};
use hub_git::{FileConflict, LfsPointer, MAX_MERGED_FILE_BYTES, MAX_POINTER_BYTES, Merge, merge_text};

/// The three versions of a card: before the two sides parted, of the branch, of the pull request.
#[derive(Debug)]
pub struct CardSides([String; 3]);

/// A card that was joined.
#[derive(Debug)]
pub struct JoinedCard {
    /// What in its metadata must be decided.
    pub keys: Vec<KeyConflict>,
    /// The text below the metadata, with markers around what both sides changed.
    pub body: String,
    /// Whether there are none.
    pub body_is_clean: bool,
    /// The whole file, once nothing is left to decide.
    pub text: Option<String>,
    /// Whether joining the whole file line by line says the same.
    pub lines_say_it: bool,
}

impl CardSides {
    /// Reads them; `None` when one is no text or too large to be joined.
    pub(super) fn read(merge: &Merge, file: &FileConflict) -> hub_git::Result<Option<Self>> {
        let mut texts = [const { String::new() }; 3];
        for (text, version) in texts.iter_mut().zip([file.base, file.ours, file.theirs]) {
            if version.is_some_and(|version| version.size > MAX_MERGED_FILE_BYTES) {
                return Ok(None);
            }
            let bytes = merge.bytes(version, MAX_MERGED_FILE_BYTES)?;
            let is_pointer = bytes.len() as u64 <= MAX_POINTER_BYTES && LfsPointer::parse(&bytes).is_some();
            match String::from_utf8(bytes) {
                Ok(read) if !is_pointer && !read.contains('\0') => *text = read,
                _ => return Ok(None),
            }
        }
        Ok(Some(Self(texts)))
    }

    /// Joins them. `None` when the metadata cannot be joined key by key.
    ///
    /// # Errors
    /// Memory is short.
    pub fn join(&self, labels: [&str; 2]) -> hub_git::Result<Option<JoinedCard>> {
        let [base, ours, theirs] = self.0.each_ref().map(|text| front_matter::split(text));
        if base.unclosed || ours.unclosed || theirs.unclosed {
            return Ok(None);
        }
        let [before, here, there] = [base, ours, theirs].map(|parts| parts.yaml.unwrap_or_default());
        let Some(metadata) = merge_metadata(before, here, there, &BTreeMap::new()) else { return Ok(None) };
        let merged = merge_text(base.body.as_bytes(), ours.body.as_bytes(), theirs.body.as_bytes(), labels)?;
        let Ok(body) = String::from_utf8(merged.bytes) else { return Ok(None) };
        let yaml = metadata.yaml.as_deref().filter(|_| merged.is_clean);
        let text = yaml.map(|yaml| self.put_together(yaml, &body));
        let lines = match text.is_some() {
            true => merge_text(self.0[0].as_bytes(), self.0[1].as_bytes(), self.0[2].as_bytes(), labels)?,
            false => return Ok(Some(Self::open(metadata.conflicts, body, merged.is_clean))),
        };
        let says_it = |text: &str| front_matter::parse(text).is_ok_and(|values| values == metadata.values);
        let lines_say_it = lines.is_clean && std::str::from_utf8(&lines.bytes).is_ok_and(says_it);
        Ok(Some(JoinedCard { text, lines_say_it, ..Self::open(metadata.conflicts, body, merged.is_clean) }))
    }

    /// The metadata as it was decided; `None` when it cannot be put together.
    pub fn decided(&self, choices: &BTreeMap<String, Side>) -> Option<String> {
        let [base, ours, theirs] = self.0.each_ref().map(|text| front_matter::split(text).yaml.unwrap_or_default());
        merge_metadata(base, ours, theirs, choices)?.yaml
    }

    fn open(keys: Vec<KeyConflict>, body: String, body_is_clean: bool) -> JoinedCard {
        JoinedCard { keys, body, body_is_clean, text: None, lines_say_it: false }
    }

    /// The whole file, between the fences of our side.
    pub fn put_together(&self, yaml: &str, body: &str) -> String {
        let ours = &self.0[1];
        let parts = front_matter::split(ours);
        let Some(before) = parts.yaml else {
            return if yaml.is_empty() { body.to_owned() } else { format!("---\n{yaml}---\n{body}") };
        };
        // The body is what stands at the end.
        let front = &ours[..ours.len() - parts.body.len()];
        let closing = front.trim_end_matches(['\n', '\r']).rfind('\n').map_or(0, |at| at + 1);
        let opening = closing.saturating_sub(before.len());
        let line_end = if front.ends_with('\n') || body.is_empty() { "" } else { "\n" };
        format!("{}{yaml}{}{line_end}{body}", &front[..opening], &front[closing..])
    }

    /// Whether the branch's version has the line breaks of Windows.
    pub fn is_crlf(&self) -> bool {
        self.0[1].contains("\r\n")
    }

    /// Whether a line is in either side's version.
    pub fn has_line(&self, line: &str) -> bool {
        self.0[1..].iter().any(|text| text.lines().any(|other| other == line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, ours: &str, theirs: &str) -> JoinedCard {
        let sides = CardSides([base, ours, theirs].map(str::to_owned));
        sides.join(["main", "#1"]).unwrap().unwrap()
    }

    #[test]
    fn metadata_goes_by_keys_and_text_by_lines() {
        let card = |tags: &str, title: &str| format!("\n---\ntags:\n- a\n{tags}---\n# {title}\n\nOne.\n\nTwo.\n");
        let merged = joined(&card("", "Bert"), &card("- b\n", "Bert"), &card("- c\n", "BERT"));
        assert_eq!(merged.text.unwrap(), card("- b\n- c\n", "BERT"));
        assert!(!merged.lines_say_it);
        let merged = joined(&card("", "Bert"), &card("- b\n", "Bert"), &card("- b\n", "BERT"));
        assert!(merged.lines_say_it);
        let merged = joined(&card("", "Bert"), &card("", "Roberta"), &card("- c\n", "BERT"));
        assert_eq!((merged.text, merged.keys.len(), merged.body_is_clean), (None, 0, false));
        assert!(merged.body.starts_with("<<<<<<< main\n# Roberta\n=======\n# BERT\n>>>>>>> #1\n"), "{}", merged.body);
    }

    #[test]
    fn a_block_that_only_one_side_has_is_put_before_the_text() {
        assert_eq!(joined("# T\n", "# T\nmore\n", "---\na: 1\n---\n# T\n").text.unwrap(), "---\na: 1\n---\n# T\nmore\n");
        assert_eq!(joined("", "---\na: 1\n---", "---\nb: 1\n---\n").text.unwrap(), "---\na: 1\nb: 1\n---");
        assert_eq!(joined("", "---\na: 1\n---", "---\nb: 1\n---\ntext\n").text.unwrap(), "---\na: 1\nb: 1\n---\ntext\n");
    }

    #[test]
    fn lines_that_make_a_key_twice_are_not_believed() {
        let card = |first: &str, last: &str| format!("---\n{first}a: 1\nb: 2\nc: 3\n{last}---\n");
        let merged = joined(&card("", ""), &card("license: mit\n", ""), &card("", "license: bsd\n"));
        assert_eq!((merged.text, merged.keys.len()), (None, 1));
    }
}
