//! What a model is worth: a sum of terms in hundredths, so that what is shown adds up exactly.

use serde_json::Value;

use super::ask::Ask;
use crate::repos::listing::ListedRepo;
use crate::repos::pages::view::RepoSummary;
use crate::search::hardware::Estimate;
use crate::search::terms::{self, Term, magnitude};
use crate::web::filters::{short_count, size_text};

/// The most that the share of the memory that is used adds, in hundredths.
const FULL_MEMORY: u64 = 300;
/// What results in the card add.
const EVALUATED: i64 = 100;
/// What a change of today adds; it halves each year.
const RECENT: f64 = 1.0;
/// What a model adds that was made for few languages, among them the one asked for.
const FEW_LANGUAGES: i64 = 100;
/// How many languages are few.
const FEW: usize = 5;

/// A model with its reasons.
#[derive(Debug)]
pub(in crate::discover) struct Scored {
    /// `namespace/name`.
    pub id: String,
    /// What lists show of it.
    pub summary: RepoSummary,
    /// Why it is worth what it is.
    pub terms: Vec<Term>,
    /// The memory it takes, in parts; nothing when that is not known.
    pub memory: Vec<(String, String)>,
    /// The licences its card names.
    pub licences: Vec<String>,
    /// What to know besides.
    pub remarks: Vec<String>,
}

impl Scored {
    /// The sum of all terms, in hundredths.
    pub(in crate::discover) fn total(&self) -> i64 {
        terms::total(&self.terms)
    }

    /// The sum, in decimals.
    pub(in crate::discover) fn shown(&self) -> String {
        terms::decimal(self.total())
    }
}

/// What a model is worth for a question.
pub(super) fn score(ask: &Ask, row: ListedRepo, estimate: Option<Estimate>) -> Scored {
    let mut terms = vec![in_use(&row)];
    if let (Some(memory), Some(estimate)) = (ask.memory(), &estimate) {
        let takes = estimate.total(ask.context);
        let share = u64::try_from(u128::from(takes) * u128::from(FULL_MEMORY) / u128::from(memory.max(1))).unwrap_or(FULL_MEMORY);
        terms.push(Term::new(
            "As large as fits",
            format!("3 x {} / {}", size_text(takes), size_text(memory)),
            i64::try_from(share.min(FULL_MEMORY)).unwrap_or(0),
        ));
    }
    if row.tags.iter().any(|tag| tag == "model-index") {
        terms.push(Term::new("Measured", "its card has results", EVALUATED));
    }
    terms.push(recent(&row));
    terms.extend(language(ask, &row));
    let licences = crate::repos::licence_chain::licences_of(&row.tags);
    let memory = estimate.as_ref().map(|estimate| memory(estimate, ask.context)).unwrap_or_default();
    let remarks = remarks(ask, estimate.as_ref());
    Scored { id: row.id(), summary: RepoSummary::from(row), terms, memory, licences, remarks }
}

fn in_use(row: &ListedRepo) -> Term {
    let (downloads, likes) = (u64::try_from(row.downloads).unwrap_or(0), u64::try_from(row.likes).unwrap_or(0));
    Term::of(
        "Used",
        format!("1.3 x log10(1 + {downloads} downloads) + 0.6 x log10(1 + {likes} likes)"),
        1.3 * magnitude(downloads) + 0.6 * magnitude(likes),
    )
}

fn recent(row: &ListedRepo) -> Term {
    let days = (crate::clock::now() - row.last_modified_at).num_days().max(0);
    #[expect(clippy::cast_precision_loss, reason = "days are few")]
    let years = days as f64 / 365.0;
    Term::of("Recent", format!("0.5 ^ ({days} days / 365)"), RECENT * 0.5_f64.powf(years))
}

fn language(ask: &Ask, row: &ListedRepo) -> Option<Term> {
    let wanted = ask.language.as_ref()?;
    let list = row.facts.as_ref()?.get("language")?.as_array()?;
    let languages: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let made_for = languages.len() <= FEW && languages.contains(&wanted.as_str());
    let text = format!("{} in its card: {}", languages.len(), languages.join(", "));
    made_for.then(|| Term::new("Made for the language", text, FEW_LANGUAGES))
}

/// The memory that a model takes, line by line.
pub(in crate::discover) fn memory(estimate: &Estimate, context: u64) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = estimate
        .parameters
        .iter()
        .map(|part| {
            let label = format!("{} {} x {} bits{}", short_count(part.count), part.dtype, part.bits(), part.whose.remark());
            (label, size_text(part.bytes()))
        })
        .collect();
    lines.push(("a fifth on top".to_owned(), size_text(estimate.overhead)));
    if estimate.context(context) > 0 {
        let more = context.saturating_sub(crate::search::hardware::SHORT_CONTEXT);
        let each = size_text(estimate.per_token.unwrap_or(0));
        lines.push((format!("{more} more tokens x {each}"), size_text(estimate.context(context))));
    }
    lines.push(("in all".to_owned(), size_text(estimate.total(context))));
    lines
}

fn remarks(ask: &Ask, estimate: Option<&Estimate>) -> Vec<String> {
    let mut remarks = Vec::new();
    let Some(estimate) = estimate else { return remarks };
    if ask.context > crate::search::hardware::SHORT_CONTEXT && estimate.per_token.is_none() {
        remarks.push("Its configuration does not say what a long context takes: that is not counted.".to_owned());
    }
    if let Some(longest) = estimate.max_context.filter(|longest| *longest < ask.context) {
        remarks.push(format!("It was made for {longest} tokens of context at most."));
    }
    remarks
}
