//! Passwords that are guessed first.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::LazyLock;

/// One a line; `data/README.md` says where they are from.
static PACKED: &[u8] = include_bytes!("../../../data/common-passwords.txt.gz");

static COMMON: LazyLock<HashSet<Box<str>>> = LazyLock::new(|| {
    let mut text = String::new();
    // What is built in is whole: the tests of this file see to it.
    let _ = flate2::read::GzDecoder::new(PACKED).read_to_string(&mut text);
    text.lines().map(Box::from).collect()
});

/// What the hub and things like it are called. docs/security.md has the list, too.
const WORDS: [&str; 10] =
    ["hub", "hugging", "face", "model", "models", "dataset", "datasets", "password", "passwort", "motdepasse"];

/// So many characters must be left without the words, which is still few.
const MIN_OWN: usize = 6;

/// Whether a password is among the most common ones.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.contains(password.to_lowercase().as_str())
}

/// Whether a password is little more than words of these texts, or what things like a hub are called.
pub(super) fn is_about(password: &str, texts: &[&str]) -> bool {
    let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let mut words: Vec<&str> = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).collect();
    words.extend(WORDS);
    words.retain(|word| word.chars().count() >= 3);
    // The longest first, so that no word takes the middle out of another.
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    let whole = password.to_lowercase();
    let own = words.iter().fold(whole.clone(), |left, word| left.replace(*word, ""));
    own != whole && own.chars().filter(|c| c.is_alphanumeric()).count() < MIN_OWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_common_passwords_are_known() {
        assert!(COMMON.len() > 8000, "{}", COMMON.len());
        for password in ["password1", "1q2w3e4r5t", "QWERTYUIOP", "iloveyou", "12345678"] {
            assert!(is_common(password), "{password}");
        }
        assert!(!is_common("correct horse battery staple"));
    }

    #[test]
    fn passwords_about_their_owner_or_the_hub_are_known() {
        let about = ["ada-lovelace", "ada@engines.example.org", "https://hub.example.org"];
        for password in ["ada-lovelace", "Lovelace2026", "engines!1842", "HuggingFace1", "hub-hub-hub-1", "example.org"] {
            assert!(is_about(password, &about), "{password}");
        }
        for password in ["correct horse", "82716392047", "lovelace wrote notes", "ada has 2 engines and a loom", "x9$Lq!72"] {
            assert!(!is_about(password, &about), "{password}");
        }
    }
}
