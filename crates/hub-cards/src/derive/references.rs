//! Papers that a card's text points to.

use std::collections::BTreeSet;

/// The most papers taken from one card.
const MAX_PAPERS: usize = 50;

/// arXiv ids in the order they appear: from links to arXiv, `arXiv:2101.00001`, and links to a hub's
/// paper pages.
pub(super) fn arxiv_ids(text: &str) -> Vec<String> {
    // ASCII letters only, so that positions stay the same.
    let text = text.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for marker in ["arxiv.org/abs/", "arxiv.org/pdf/", "arxiv.org/html/", "arxiv:", "/papers/"] {
        for (at, _) in text.match_indices(marker) {
            let rest = text[at + marker.len()..].trim_start_matches(' ');
            if let Some(id) = leading_id(rest) {
                found.push((at, id));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, id)| id).filter(|id| seen.insert(id.clone())).take(MAX_PAPERS).collect()
}

/// `YYMM.NNNN` or `YYMM.NNNNN`.
fn leading_id(text: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (month, rest) = text.split_at_checked(4).filter(|(month, _)| digits(month) == 4)?;
    let number = rest.strip_prefix('.')?;
    let length = digits(number);
    let valid_month = matches!(month[2..].parse::<u8>(), Ok(1..=12));
    (matches!(length, 4 | 5) && valid_month).then(|| format!("{month}.{}", &number[..length]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_are_found_once_and_in_order() {
        let text = "See [B](https://arxiv.org/pdf/2005.14165v4.pdf), arXiv:1810.04805 and https://arxiv.org/abs/2005.14165, /papers/2401.12345.";
        assert_eq!(arxiv_ids(text), ["2005.14165", "1810.04805", "2401.12345"]);
    }

    #[test]
    fn other_numbers_are_not_papers() {
        assert!(arxiv_ids("arxiv:9999.12345 arxiv:1.2 arxiv:1801.123 arxiv:1801.123456 1801.12345 arxiv:é801.12345").is_empty());
    }
}
