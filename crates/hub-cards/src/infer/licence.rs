//! The licence whose text a file has.

use std::sync::OnceLock;

use spdx::detection::{Store, TextData};
use spdx::text::LICENSE_TEXTS;

use super::{FactKey, Inferred};
use crate::card::known;

/// The largest file that is compared with licences; the longest of them has 51 KiB.
pub const MAX_LICENCE_BYTES: usize = 96 << 10;
/// The share of common pairs of words from which a text counts as a licence. In a long one, a sentence more or less may be
/// missing (the appendix of Apache 2.0 often is); in a short one, a sentence makes another licence (MIT and MIT-0).
const MIN_SHARE: f32 = 0.9;
const MIN_SHARE_SHORT: f32 = 0.95;
/// The bytes from which a text is long.
const LONG_BYTES: usize = 4_000;
/// The share from which hardly a sentence can be another, even in a long text.
const SURE_SHARE: f32 = 0.995;
/// How many words the file may have that the licence lacks: who has the copyright. What looks like a title or a copyright is
/// left out of the comparison, and may be a condition.
const MAX_SURPLUS_WORDS: usize = 30;

/// Identifiers of SPDX that cards write in another way than in small letters.
const RENAMED: &[(&str, &str)] = &[
    ("C-UDA-1.0", "c-uda"),
    ("GFDL-1.3-or-later", "gfdl"),
    ("ODbL-1.0", "odbl"),
    ("ODC-By-1.0", "odc-by"),
    ("PDDL-1.0", "pddl"),
];
/// Licences that cards have no word for and that read nearly like one they have a word for.
const LOOKALIKES: &[&str] = &["0BSD", "BSD-4-Clause", "BSD-3-Clause-No-Nuclear-License", "MIT-0", "MIT-Modern-Variant", "X11"];

/// Whether a file in the root is one where licences are.
pub fn is_licence_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".md").or_else(|| name.strip_suffix(".txt")).unwrap_or(&name);
    matches!(stem, "license" | "licence" | "copying")
}

/// The licence whose words a file has, when it is one that cards can name. `file` is the file's name.
pub fn licence_of(file: &str, text: &str) -> Option<Inferred> {
    if text.len() > MAX_LICENCE_BYTES || text.trim().is_empty() {
        return None;
    }
    let found = store().analyze(&TextData::new(text));
    let least = if text.len() < LONG_BYTES { MIN_SHARE_SHORT } else { MIN_SHARE };
    if found.score < least {
        return None;
    }
    let value = word_of(found.name)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share between 0 and 1")]
    let percent = (found.score * 100.0).floor() as u32;
    Some(Inferred {
        key: FactKey::License,
        value: value.to_owned(),
        file: file.to_owned(),
        because: format!("{percent} % the words of {}", found.name),
        sure: found.score >= SURE_SHARE && surplus_words(found.name, text) <= MAX_SURPLUS_WORDS,
    })
}

/// How many words a text has more than a licence.
fn surplus_words(spdx: &str, text: &str) -> usize {
    let words = |text: &str| text.split_whitespace().count();
    let licence = LICENSE_TEXTS.iter().find(|(id, _)| *id == spdx).map_or(0, |(_, licence)| words(licence));
    words(text).saturating_sub(licence)
}

/// The card's word for a licence of SPDX.
fn word_of(spdx: &str) -> Option<&'static str> {
    if let Some((_, word)) = RENAMED.iter().find(|(id, _)| *id == spdx) {
        return Some(word);
    }
    let lower = spdx.to_ascii_lowercase();
    // Both have the same text; cards do not tell them apart.
    let plain = lower.strip_suffix("-only").or_else(|| lower.strip_suffix("-or-later")).unwrap_or(&lower);
    known::LICENSES.iter().copied().find(|word| *word == plain)
}

/// The texts to compare with, read once when first needed: those that cards can name, and their lookalikes.
fn store() -> &'static Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(|| {
        let mut store = Store::new();
        let wanted = |id: &str| !id.ends_with("-or-later") || RENAMED.iter().any(|(renamed, _)| *renamed == id);
        let texts = LICENSE_TEXTS.iter().filter(|(id, _)| wanted(id) && (word_of(id).is_some() || LOOKALIKES.contains(id)));
        for (id, text) in texts {
            store.add_license((*id).to_owned(), TextData::new(text).without_text());
        }
        store
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str) -> &'static str {
        LICENSE_TEXTS.iter().find(|(found, _)| *found == id).unwrap().1
    }

    fn check(text: &str) -> Option<(String, bool)> {
        licence_of("LICENSE", text).map(|found| (found.value, found.sure))
    }

    #[test]
    fn licences_are_known_by_their_text() {
        let mit = text("MIT").replace("<year>", "2026").replace("<copyright holders>", "Ada Lovelace");
        assert_eq!(check(&mit), Some(("mit".to_owned(), true)));
        for (id, word) in [
            ("Apache-2.0", "apache-2.0"),
            ("GPL-3.0-only", "gpl-3.0"),
            ("AGPL-3.0-only", "agpl-3.0"),
            ("CC-BY-NC-SA-4.0", "cc-by-nc-sa-4.0"),
            ("CC-BY-4.0", "cc-by-4.0"),
            ("ODbL-1.0", "odbl"),
            ("BSD-3-Clause", "bsd-3-clause"),
        ] {
            assert_eq!(check(text(id)), Some((word.to_owned(), true)), "{id}");
        }
        let without_appendix = text("Apache-2.0").split("APPENDIX").next().unwrap();
        assert_eq!(check(without_appendix).map(|found| found.0).as_deref(), Some("apache-2.0"));
    }

    #[test]
    fn what_is_not_quite_a_licence_is_none_or_not_sure() {
        for other in ["MIT-0", "BSD-4-Clause", "0BSD"] {
            assert_eq!(check(text(other)), None, "{other}");
        }
        let condition = "Commons Clause License Condition: the grant of rights under the License will not include the right to \
            Sell the Software, which means practicing any or all of the rights granted to you to provide to third parties, for a \
            fee or other consideration, a product or service whose value derives from the functionality of the Software. ";
        for id in ["Apache-2.0", "MIT"] {
            assert_ne!(check(&format!("{condition}{}", text(id))).map(|found| found.1), Some(true), "{id}");
            assert_ne!(check(&format!("{condition}\n\n{}", text(id))).map(|found| found.1), Some(true), "{id}");
        }
        assert_eq!(check("All rights reserved."), None);
        assert_eq!(check(""), None);
        assert_eq!(check(&"a b ".repeat(40_000)), None);
    }

    #[test]
    fn files_of_licences_are_known_by_their_names() {
        for name in ["LICENSE", "licence.md", "COPYING", "LICENSE.txt"] {
            assert!(is_licence_file(name), "{name}");
        }
        for name in ["LICENSE-MIT.html", "README.md", "licenses.json", "docs/LICENSE"] {
            assert!(!is_licence_file(name), "{name}");
        }
    }
}
