//! How well a path fits letters that somebody typed: all must occur in order, and those close together, at the start of a
//! word or in the file's name count more.

/// The longest text to search for, in characters.
pub(super) const MAX_WORD_CHARS: usize = 100;

/// Letters to look for.
#[derive(Debug)]
pub(super) struct Word(Vec<u8>);

impl Word {
    /// Reads what was typed; spaces say nothing.
    pub(super) fn new(text: &str) -> Self {
        let letters = text.chars().filter(|character| !character.is_whitespace()).take(MAX_WORD_CHARS);
        Self(letters.collect::<String>().to_ascii_lowercase().into_bytes())
    }

    /// Whether nothing was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How well a path fits, and where the letters are; `None` when one is missing. Looked for from the end, so that the
    /// file's name goes before its folders.
    pub(super) fn find(&self, path: &str) -> Option<(i64, Vec<usize>)> {
        let bytes = path.as_bytes();
        let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
        let mut places = Vec::with_capacity(self.0.len());
        let mut end = bytes.len();
        for letter in self.0.iter().rev() {
            let at = bytes[..end].iter().rposition(|byte| byte.eq_ignore_ascii_case(letter))?;
            places.push(at);
            end = at;
        }
        places.reverse();
        let mut score = -(i64::try_from(bytes.len()).unwrap_or(i64::MAX) / 4);
        for (index, at) in places.iter().enumerate() {
            let follows = index > 0 && places[index - 1] + 1 == *at;
            let starts = *at == 0 || matches!(bytes[at - 1], b'/' | b'_' | b'-' | b'.' | b' ');
            score += 8 * i64::from(follows) + 6 * i64::from(starts) + 4 * i64::from(*at >= name_start);
        }
        Some((score, places))
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

    #[test]
    fn letters_must_occur_in_order() {
        assert!(Word::new("jcfg").find("configs/model.json").is_none(), "no c comes after the j");
        assert!(Word::new("cojs").find("config.json").is_some());
        assert_eq!(Word::new("C o").find("abc/o").unwrap().1, [2, 4]);
        assert!(Word::new("xyz").find("").is_none());
    }

    #[test]
    fn names_and_starts_of_words_come_first() {
        let paths = ["data/config_of_old/readme.txt", "src/config.json", "c/o/n/f/i/g/x"];
        let mut found: Vec<_> = paths.iter().map(|path| (Word::new("config").find(path).unwrap().0, *path)).collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        assert_eq!(found[0].1, "src/config.json");
    }
}
