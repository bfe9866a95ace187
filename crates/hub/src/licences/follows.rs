//! What follows from a licence and from those of what something was made from.
//!
//! A model owes what its base models ask: it contains them. Whether a model contains the data that it was trained on is
//! disputed, so that what data ask is told as a warning, never as a contradiction.

use super::terms::{Allowed, Condition, Licence, find};

/// How something was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Its weights are in this one.
    Weights,
    /// An adapter that is worth nothing without it, and does not contain it.
    Adapter,
    /// It was learnt from.
    Data,
}

/// Something that this was made from.
#[derive(Debug, Clone)]
pub struct Part {
    /// `namespace/name`.
    pub id: String,
    /// Its page.
    pub href: String,
    /// How it was used.
    pub used: Use,
    /// What its card says.
    pub licences: Vec<String>,
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Two licences ask for things that cannot both be done.
    Conflict,
    /// Something to look at.
    Notice,
    /// Something that is not known.
    Unknown,
}

/// Something that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// The part that it comes from: its id and page.
    pub from: Option<(String, String)>,
    /// The licence that it comes from.
    pub licence: Option<&'static str>,
    /// What it is, in a sentence or two.
    pub text: String,
}

/// Whether something is allowed, and what decides that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is.
    pub allowed: Allowed,
    /// The strictest part: its id, when it is not this itself.
    pub because: Option<String>,
}

/// Everything that follows.
#[derive(Debug)]
pub struct Consequences {
    /// The licences of this itself.
    pub own: Vec<&'static Licence>,
    /// Whether money may be made with it.
    pub commercial: Verdict,
    /// Whether changed versions may be passed on.
    pub derivatives: Verdict,
    /// Everything that is asked, each once.
    pub conditions: Vec<Condition>,
    /// Conflicts first.
    pub findings: Vec<Finding>,
}

impl Consequences {
    /// How many contradictions there are.
    pub fn conflicts(&self) -> usize {
        self.findings.iter().filter(|finding| finding.weight == Weight::Conflict).count()
    }
}

/// What follows for something called `name`, whose card says that it has these licences, and that was made from these
/// parts and from others that nothing is known of.
pub fn consequences(name: &str, own: &[String], parts: &[Part], elsewhere: &[(String, Use)]) -> Consequences {
    let licences: Vec<&'static Licence> = own.iter().filter_map(|id| find(id)).collect();
    let mut findings = Vec::new();
    if let Some(text) = unsaid(own, &licences) {
        findings.push(Finding { weight: Weight::Unknown, from: None, licence: licences.first().map(|own| own.id), text });
    }
    for part in parts {
        let known: Vec<&'static Licence> = part.licences.iter().filter_map(|id| find(id)).filter(|own| own.is_known()).collect();
        if known.is_empty() {
            findings.push(of(part, None, Weight::Unknown, "does not say under which terms it may be used.".to_owned()));
        }
        for theirs in known {
            findings.extend(between(name, &licences, part, theirs));
        }
    }
    findings.sort_by_key(|finding| finding.weight);
    let unknown = elsewhere.iter().find(|(_, used)| *used != Use::Data).map(|(id, _)| id);
    let bound: Vec<&Part> = parts.iter().filter(|part| part.used != Use::Data).collect();
    let mut conditions: Vec<Condition> = Vec::new();
    let theirs = bound.iter().flat_map(|part| &part.licences).filter_map(|id| find(id));
    for condition in licences.iter().copied().chain(theirs).flat_map(|licence| &licence.conditions) {
        if !conditions.contains(condition) {
            conditions.push(*condition);
        }
    }
    Consequences {
        commercial: strictest(&licences, &bound, unknown, |licence| licence.commercial),
        derivatives: strictest(&licences, &bound, unknown, |licence| licence.derivatives),
        own: licences,
        conditions,
        findings,
    }
}

fn unsaid(own: &[String], licences: &[&Licence]) -> Option<String> {
    if own.is_empty() {
        return Some("The card names no licence. Without one, others may do only what the law allows by itself.".to_owned());
    }
    if licences.iter().any(|licence| licence.is_known()) {
        return None;
    }
    Some(match licences.first() {
        Some(licence) => format!("{}. {}", licence.name, licence.note),
        None => "The card names a licence that is not known here. Read its text beside the files.".to_owned(),
    })
}

fn of(part: &Part, licence: Option<&'static Licence>, weight: Weight, text: String) -> Finding {
    Finding { weight, from: Some((part.id.clone(), part.href.clone())), licence: licence.map(|licence| licence.id), text }
}

/// What one licence of a part means for this.
fn between(name: &str, own: &[&'static Licence], part: &Part, theirs: &'static Licence) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What contains it is bound by it; of data and of what only leans on it, that is not certain.
    let weight = if part.used == Use::Weights { Weight::Conflict } else { Weight::Notice };
    let mut add = |weight, text: String| findings.push(of(part, Some(theirs), weight, text));
    let says = theirs.name;
    let known = own.iter().copied().filter(|own| own.is_known());
    if theirs.derivatives == Allowed::No {
        add(weight, format!("{says} does not let changed versions be passed on."));
    }
    let promises = known.clone().find(|own| own.commercial == Allowed::Yes);
    match (theirs.commercial, promises) {
        (Allowed::No, Some(own)) => {
            let tail = doubt(part.used, "what comes from it stays so");
            add(weight, format!("{says} forbids commercial use, which {} here allows: {tail}.", own.name));
        }
        (Allowed::Limited, Some(own)) => {
            add(
                Weight::Notice,
                format!("{says} limits commercial use, which {} here does not: its limits still hold.", own.name),
            );
        }
        _ => {}
    }
    let closes = known.clone().find(|own| !theirs.lets_have(own));
    if let Some(own) = closes {
        let instead = theirs.under.join(", ");
        let tail = doubt(part.used, "changed versions must keep it");
        add(weight, format!("{says} asks for the same licence, and {} here is another: {tail} (accepted: {instead}).", own.name));
    }
    let drops = known.clone().find(|own| theirs.asks(Condition::Rules) && !own.asks(Condition::Rules));
    if let Some(own) = drops {
        let tail = doubt(part.used, "they hold all the same");
        add(weight, format!("{says} has restrictions on use that must be passed on, and {} here has none: {tail}.", own.name));
    }
    if theirs.id.starts_with("llama") && theirs.asks(Condition::Name) && part.used != Use::Data && !begins_with(name, "llama") {
        add(Weight::Notice, format!("{says} asks for a name that begins with “Llama”."));
    }
    findings
}

fn begins_with(name: &str, start: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// How certain it is that a condition holds.
fn doubt(used: Use, certain: &str) -> String {
    match used {
        Use::Weights => certain.to_owned(),
        Use::Adapter => "an adapter does not contain its base, but is used with it".to_owned(),
        Use::Data => "whether that binds what was learnt from data is disputed".to_owned(),
    }
}

fn strictest(own: &[&'static Licence], parts: &[&Part], unknown: Option<&String>, term: fn(&Licence) -> Allowed) -> Verdict {
    // Of several licences of one thing, whoever uses it may choose.
    let of_one = |licences: &[&'static Licence]| licences.iter().map(|licence| term(licence)).min().unwrap_or(Allowed::Unclear);
    let mut verdict = Verdict { allowed: of_one(own), because: None };
    for part in parts {
        let licences: Vec<&'static Licence> = part.licences.iter().filter_map(|id| find(id)).collect();
        let allowed = of_one(&licences);
        if allowed > verdict.allowed {
            verdict = Verdict { allowed, because: Some(part.id.clone()) };
        }
    }
    match unknown {
        Some(id) if verdict.allowed < Allowed::Unclear => Verdict { allowed: Allowed::Unclear, because: Some(id.clone()) },
        _ => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: &str, used: Use, licence: &str) -> Part {
        let licences = if licence.is_empty() { Vec::new() } else { vec![licence.to_owned()] };
        Part { id: id.to_owned(), href: format!("/{id}"), used, licences }
    }

    fn weights(own: &str, parts: &[Part]) -> Vec<Weight> {
        let own: Vec<String> = own.split(' ').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        consequences("ada/model", &own, parts, &[]).findings.iter().map(|finding| finding.weight).collect()
    }

    #[test]
    fn what_cannot_both_be_done_is_a_conflict() {
        for (own, base, expected) in [
            ("mit", "apache-2.0", vec![]),
            ("mit", "cc-by-nc-4.0", vec![Weight::Conflict]),
            ("cc-by-nc-4.0", "mit", vec![]),
            ("cc-by-nc-4.0", "cc-by-nc-4.0", vec![]),
            ("mit", "gpl-3.0", vec![Weight::Conflict]),
            ("agpl-3.0", "gpl-3.0", vec![]),
            ("cc-by-nc-sa-4.0", "cc-by-sa-4.0", vec![Weight::Conflict]),
            ("mit", "cc-by-nc-sa-4.0", vec![Weight::Conflict, Weight::Conflict]),
            ("cc-by-nd-4.0", "cc-by-nd-4.0", vec![Weight::Conflict]),
            ("apache-2.0", "gemma", vec![Weight::Conflict]),
            ("gemma", "gemma", vec![]),
            ("mit", "llama3.1", vec![Weight::Conflict, Weight::Notice, Weight::Notice]),
            ("", "mit", vec![Weight::Unknown]),
            ("mit", "", vec![Weight::Unknown]),
            ("other", "cc-by-nc-4.0", vec![Weight::Unknown]),
        ] {
            assert_eq!(weights(own, &[part("acme/base", Use::Weights, base)]), expected, "{own} from {base}");
        }
    }

    #[test]
    fn data_and_adapters_never_contradict() {
        for used in [Use::Data, Use::Adapter] {
            for licence in ["cc-by-nc-sa-4.0", "gpl-3.0", "cc-by-nd-4.0", "llama3"] {
                let found = weights("mit", &[part("acme/thing", used, licence)]);
                assert!(!found.is_empty() && found.iter().all(|weight| *weight == Weight::Notice), "{used:?} {licence}");
            }
        }
    }

    #[test]
    fn the_strictest_part_decides_and_is_named() {
        let parts = [
            part("acme/a", Use::Weights, "llama3.1"),
            part("acme/b", Use::Weights, "cc-by-nc-4.0"),
            part("acme/c", Use::Data, "cc-by-nd-4.0"),
        ];
        let found = consequences("ada/model", &["mit".to_owned()], &parts, &[]);
        assert_eq!(found.commercial, Verdict { allowed: Allowed::No, because: Some("acme/b".to_owned()) });
        assert_eq!(found.derivatives, Verdict { allowed: Allowed::Yes, because: None }, "data do not decide");
        assert!(found.conditions.contains(&Condition::Rules) && found.conditions.contains(&Condition::Credit));
        let names = consequences("ada/Llama-tuned", &["llama3.1".to_owned()], &[part("acme/a", Use::Weights, "llama3.1")], &[]);
        assert_eq!(names.findings, [], "named as the licence asks");
        assert_eq!(
            consequences("ada/x", &["mit".to_owned(), "cc-by-nc-4.0".to_owned()], &[], &[]).commercial.allowed,
            Allowed::Yes,
            "a choice"
        );
    }

    #[test]
    fn what_is_not_known_permits_nothing() {
        let allowed = |own: &str, used| {
            let elsewhere = [("acme/base".to_owned(), used)];
            consequences("ada/model", &[own.to_owned()], &[], &elsewhere).commercial
        };
        let because = Some("acme/base".to_owned());
        assert_eq!(allowed("mit", Use::Weights), Verdict { allowed: Allowed::Unclear, because });
        assert_eq!(allowed("mit", Use::Data), Verdict { allowed: Allowed::Yes, because: None });
        assert_eq!(allowed("cc-by-nc-4.0", Use::Weights), Verdict { allowed: Allowed::No, because: None });
    }
}
