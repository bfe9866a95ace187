//! Users and organisations by name. Names are public, so everybody finds everybody.

use super::queries::{FoundOwner, OwnerPatterns, list_owners};
use crate::app::App;
use crate::error::HubResult;

/// The longest name that anybody has, in characters: what was typed beyond it is not looked at.
const MAX_CHARS: usize = 96;
/// From this length on, a name may have one letter wrong: of shorter ones, too many are one letter apart.
const FORGIVEN_FROM: usize = 4;

/// A user or an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnerKind {
    /// A person.
    User,
    /// An organisation.
    Organization,
}

impl OwnerKind {
    const fn column(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
        }
    }
}

/// Some owners, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub list: Vec<FoundOwner>,
    pub total: u64,
}

/// Owners whose name or full name has the text.
///
/// # Errors
/// The database does not answer.
pub(super) async fn find(app: &App, kind: OwnerKind, text: &str, offset: usize, limit: usize) -> HubResult<Owners> {
    let text = lower(text);
    if text.is_empty() {
        return Ok(Owners::default());
    }
    // A single letter is in every name: it must be the first.
    let start = if text.chars().count() == 1 { "" } else { "%" };
    let anywhere = format!("{start}{}%", escaped(&text));
    list(app, kind, text, vec![anywhere.clone()], anywhere, offset, limit).await
}

/// Owners whose name begins with something one letter away from the text: for when nothing has the text itself, since dozens of patterns take
/// ten times as long.
///
/// # Errors
/// The database does not answer.
pub(super) async fn find_similar(app: &App, kind: OwnerKind, text: &str, limit: usize) -> HubResult<Owners> {
    let text = lower(text);
    let patterns = one_letter_away(&text);
    if patterns.is_empty() {
        return Ok(Owners::default());
    }
    list(app, kind, text, patterns, String::new(), 0, limit).await
}

async fn list(
    app: &App,
    kind: OwnerKind,
    exact: String,
    names: Vec<String>,
    fullname: String,
    offset: usize,
    limit: usize,
) -> HubResult<Owners> {
    let wanted = OwnerPatterns { kind: kind.column(), names, fullname, exact };
    let (offset, limit) = (i64::try_from(offset).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(0));
    let list = list_owners(&app.pool, &wanted, offset, limit).await?;
    let total = list.first().map_or(0, |owner| u64::try_from(owner.total).unwrap_or(0));
    Ok(Owners { list, total })
}

fn lower(text: &str) -> String {
    text.trim().to_lowercase().chars().take(MAX_CHARS).collect()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Patterns for names that begin with the text, with one letter too many, too few, another one, or two exchanged. The database
/// may have no trigrams to compare by, and these patterns need none.
fn one_letter_away(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < FORGIVEN_FROM || text.contains(char::is_whitespace) {
        return Vec::new();
    }
    let join = |parts: [&[char]; 2], between: &str| {
        let [before, after] = parts.map(|part| escaped(&part.iter().collect::<String>()));
        format!("{before}{between}{after}%")
    };
    let mut patterns = Vec::new();
    for at in 0..letters.len() {
        let (before, rest) = letters.split_at(at);
        let after = rest.get(1..).unwrap_or_default();
        patterns.push(join([before, after], "_"));
        patterns.push(join([before, after], ""));
        patterns.push(join([before, rest], "_"));
        if let [first, second, others @ ..] = rest {
            let turned: String = [second, first].into_iter().collect();
            patterns.push(join([before, others], &escaped(&turned)));
        }
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::one_letter_away;

    #[test]
    fn one_wrong_letter_is_forgiven() {
        let patterns = one_letter_away("acme");
        for wanted in ["_cme%", "acm%", "acm_e%", "came%", "acem%"] {
            assert!(patterns.iter().any(|pattern| pattern == wanted), "{wanted} in {patterns:?}");
        }
        assert!(one_letter_away("abc").is_empty() && one_letter_away("two words").is_empty());
        assert!(one_letter_away("a%_b").iter().all(|pattern| !pattern.contains("%_b") || pattern.contains("\\%")));
    }
}
