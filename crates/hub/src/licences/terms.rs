//! The licences, read from `data.tsv` once per process.

use std::sync::LazyLock;

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowed {
    /// Yes.
    Yes,
    /// Up to a limit that the licence names, such as a number of users.
    Limited,
    /// The licence is not known well enough to tell.
    Unclear,
    /// No.
    No,
}

impl Allowed {
    fn parse(text: &str) -> Self {
        match text {
            "yes" => Self::Yes,
            "limited" => Self::Limited,
            "no" => Self::No,
            _ => Self::Unclear,
        }
    }

    /// The word people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Yes => "Yes",
            Self::Limited => "Within limits",
            Self::Unclear => "Not known",
            Self::No => "No",
        }
    }

    /// The icon before it.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Yes => "circle-check",
            Self::Limited => "circle-alert",
            Self::Unclear => "circle-question-mark",
            Self::No => "x",
        }
    }

    /// The class of its colour.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Yes => "allowed-yes",
            Self::Limited => "allowed-limited",
            Self::Unclear => "allowed-unclear",
            Self::No => "allowed-no",
        }
    }
}

/// Something a licence asks of those who use what is under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// To name the authors.
    Credit,
    /// To pass on the licence's text.
    Text,
    /// To say what was changed.
    Changes,
    /// To give changed versions the same licence.
    Same,
    /// To give the source, too.
    Source,
    /// To give the source also to those who only use it over a network.
    Network,
    /// To keep to restrictions on use, and to pass them on.
    Rules,
    /// To give changed versions a certain name.
    Name,
    /// Not to advertise with the authors' names.
    Endorse,
    /// It grants patents, and ends for those who sue over them.
    Patent,
}

impl Condition {
    const EVERY: [(&str, Self, &str, &str); 10] = [
        ("credit", Self::Credit, "Name the authors", "Keep the notices that say who made it."),
        ("text", Self::Text, "Pass on the licence", "Whoever gets it from you gets the licence's text, too."),
        ("changes", Self::Changes, "Say what you changed", "A changed version must say that it was changed."),
        (
            "same",
            Self::Same,
            "Keep the same licence",
            "What you make from it and pass on must have this licence, or one that it names.",
        ),
        ("source", Self::Source, "Give the source", "Whoever gets it from you may ask for what it was built from."),
        (
            "network",
            Self::Network,
            "Give the source over a network, too",
            "Letting people use it over a network counts as passing it on.",
        ),
        (
            "rules",
            Self::Rules,
            "Keep to its restrictions on use",
            "It lists what it must not be used for; whoever gets it or what you make from it is bound by the same list.",
        ),
        (
            "name",
            Self::Name,
            "Keep the name",
            "Changed versions must be called by a name that the licence prescribes, or must not keep the old one.",
        ),
        ("endorse", Self::Endorse, "Do not advertise with the authors", "Their names may not be used to recommend your version."),
        (
            "patent",
            Self::Patent,
            "Patents are granted",
            "Those who contributed grant their patents on it, and take that back from whoever sues over them.",
        ),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::EVERY.iter().find(|(known, ..)| *known == word).map(|(_, condition, ..)| *condition)
    }

    fn texts(self) -> (&'static str, &'static str) {
        Self::EVERY.iter().find(|(_, condition, ..)| *condition == self).map_or(("", ""), |(.., label, text)| (label, text))
    }

    /// The words people read.
    pub fn label(self) -> &'static str {
        self.texts().0
    }

    /// The same in a sentence.
    pub fn text(self) -> &'static str {
        self.texts().1
    }
}

/// Licences that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its name in the data.
    pub id: &'static str,
    /// Its heading.
    pub label: &'static str,
    /// What its licences have in common.
    pub lead: &'static str,
}

/// Every family, from those that ask least to those nobody can tell about.
pub const FAMILIES: &[Family] = &[
    Family { id: "public", label: "No conditions", lead: "Do what you like, and ask nobody." },
    Family { id: "permissive", label: "Permissive", lead: "Do what you like, and keep the notices." },
    Family { id: "attribution", label: "Attribution", lead: "Made for data and texts: do what you like, and say whose it is." },
    Family {
        id: "copyleft",
        label: "Share alike",
        lead: "Do what you like; what you make from it and pass on stays under the same terms.",
    },
    Family {
        id: "rules",
        label: "With restrictions on use",
        lead: "Use it for anything that a list does not forbid, and pass the list on.",
    },
    Family {
        id: "community",
        label: "Community licences",
        lead: "Terms of one company: free up to a size, with restrictions on use.",
    },
    Family { id: "noncommercial", label: "Not for commercial use", lead: "Use and change it, as long as it earns nobody money." },
    Family { id: "nomodify", label: "Unchanged only", lead: "Use it and pass it on as it is; changed versions stay with you." },
    Family { id: "unclear", label: "Not known", lead: "The name says too little: read the text that comes with it." },
];

/// A licence and its terms.
#[derive(Debug)]
pub struct Licence {
    /// As cards name it.
    pub id: &'static str,
    /// As people call it.
    pub name: &'static str,
    /// What it is like.
    pub family: &'static Family,
    /// Whether money may be made with it.
    pub commercial: Allowed,
    /// Whether changed versions may be passed on.
    pub derivatives: Allowed,
    /// What it asks.
    pub conditions: Vec<Condition>,
    /// With [`Condition::Same`]: the licences that changed versions may have.
    pub under: Vec<&'static str>,
    /// Where its text is, or what is said of it here comes from.
    pub source: &'static str,
    /// What else one should know; possibly empty.
    pub note: &'static str,
}

impl Licence {
    /// Whether it asks for something.
    pub fn asks(&self, condition: Condition) -> bool {
        self.conditions.contains(&condition)
    }

    /// Whether its terms are known at all.
    pub fn is_known(&self) -> bool {
        self.family.id != "unclear"
    }

    /// Whether something made from what is under this licence may have the licence `other`.
    pub fn lets_have(&self, other: &Licence) -> bool {
        !self.asks(Condition::Same) || self.under.contains(&other.id)
    }

    /// Its page.
    pub fn href(&self) -> String {
        format!("/licences/{}", crate::web::links::encode_segment(self.id))
    }
}

static LICENCES: LazyLock<Vec<Licence>> = LazyLock::new(read);

fn read() -> Vec<Licence> {
    include_str!("data.tsv").lines().filter(|line| !line.starts_with('#')).filter_map(read_line).collect()
}

fn read_line(line: &'static str) -> Option<Licence> {
    let columns: Vec<&'static str> = line.split('\t').map(|column| if column == "-" { "" } else { column }).collect();
    let [id, name, family, commercial, derivatives, conditions, under, source, note] = columns.try_into().ok()?;
    Some(Licence {
        id,
        name,
        family: FAMILIES.iter().find(|known| known.id == family)?,
        commercial: Allowed::parse(commercial),
        derivatives: Allowed::parse(derivatives),
        conditions: conditions.split(' ').filter_map(Condition::parse).collect(),
        under: under.split(' ').filter(|id| !id.is_empty()).collect(),
        source,
        note,
    })
}

/// Every licence that cards may name.
pub fn every() -> &'static [Licence] {
    &LICENCES
}

/// The licence that a card names.
pub fn find(id: &str) -> Option<&'static Licence> {
    LICENCES.iter().find(|licence| licence.id == id)
}

#[cfg(test)]
mod tests {
    use hub_cards::known;

    use super::*;

    #[test]
    fn every_licence_that_cards_may_name_has_its_terms() {
        let lines = include_str!("data.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(every().len(), lines, "every line can be read");
        let ids: Vec<&str> = every().iter().map(|licence| licence.id).collect();
        for id in known::LICENSES {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{id}");
        }
        for licence in every() {
            assert!(known::LICENSES.contains(&licence.id), "{} is none that cards may name", licence.id);
            assert!(licence.source.starts_with("https://"), "{}", licence.id);
            assert_eq!(licence.asks(Condition::Same), !licence.under.is_empty(), "{}", licence.id);
            assert!(licence.under.iter().all(|id| find(id).is_some()), "{}", licence.id);
            assert!(licence.under.is_empty() || licence.under.contains(&licence.id), "{} may keep itself", licence.id);
            let said = include_str!("data.tsv").lines().find(|line| line.starts_with(&format!("{}\t", licence.id))).unwrap();
            let words = said.split('\t').nth(5).unwrap().split(' ').filter(|word| *word != "-").count();
            assert_eq!(licence.conditions.len(), words, "{}: every condition is known", licence.id);
        }
    }

    #[test]
    fn well_known_terms_are_right() {
        let licence = |id| find(id).unwrap();
        assert_eq!((licence("mit").commercial, licence("cc-by-nc-4.0").commercial), (Allowed::Yes, Allowed::No));
        assert_eq!((licence("llama3.1").commercial, licence("other").commercial), (Allowed::Limited, Allowed::Unclear));
        assert_eq!(licence("cc-by-nd-4.0").derivatives, Allowed::No);
        assert!(licence("gpl-3.0").lets_have(licence("agpl-3.0")) && !licence("gpl-3.0").lets_have(licence("mit")));
        assert!(licence("mit").lets_have(licence("gpl-3.0")));
    }
}
