//! Names that are one letter away from another: with a letter too many, too few, another one, or two exchanged.

/// Shorter names are a letter away from one another by chance.
const SHORTEST: usize = 6;
/// Of longer ones, nobody sees a letter more or less, and there are too many to ask for.
const LONGEST: usize = 40;
/// What is in names when characters that look alike are one, as `name_skeleton` of the database leaves them.
const LETTERS: &str = "abcdefghjklmnopqrstuvwxyz269";

/// All that is one letter away from a name of which characters that look alike are one. Nothing of short names.
pub(super) fn neighbours(skeleton: &str) -> Vec<String> {
    let letters: Vec<char> = skeleton.chars().collect();
    let mut found = Vec::new();
    if !(SHORTEST..=LONGEST).contains(&letters.len()) {
        return found;
    }
    for at in 0..=letters.len() {
        let (before, after) = letters.split_at(at);
        let joined = |middle: &[char], rest: &[char]| -> String { before.iter().chain(middle).chain(rest).collect() };
        found.extend(LETTERS.chars().map(|letter| joined(&[letter], after)));
        let [letter, rest @ ..] = after else { continue };
        found.push(joined(&[], rest));
        found.extend(LETTERS.chars().filter(|other| other != letter).map(|other| joined(&[other], rest)));
        if let [next, rest @ ..] = rest
            && next != letter
        {
            found.push(joined(&[*next, *letter], rest));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::neighbours;

    #[test]
    fn each_name_one_letter_away_is_there() {
        let found = neighbours("google");
        for name in ["gooogle", "gogle", "goolge", "doogle", "googles", "agoogle", "googe", "gooqle", "oogle"] {
            assert!(found.iter().any(|other| other == name), "{name}");
        }
        for name in ["google", "gooooogle", "gole", "elgoog", "googlehub"] {
            assert!(!found.iter().any(|other| other == name), "{name}");
        }
        assert!(neighbours("hugglngfacee").contains(&"hugglngface".to_owned()));
        let (short, long) = ("adam", "a".repeat(41));
        assert!(neighbours(short).is_empty() && neighbours("").is_empty() && neighbours(&long).is_empty());
        assert!(neighbours(&"a".repeat(40)).len() < 3_000);
    }
}
