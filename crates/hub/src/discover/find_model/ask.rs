//! What is asked for.

use hub_search::{Clause, Facet, Rule};

use crate::licences::terms::{self, Allowed, Condition, Licence};
use crate::search::hardware::{self, Class};
use crate::web::extract::Query;

/// What one must be allowed to do.
#[derive(Debug, Clone, Copy)]
pub(in crate::discover) struct Demand {
    /// Its name in addresses.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    fulfils: fn(&Licence) -> bool,
}

/// Every demand.
pub(in crate::discover) const DEMANDS: [Demand; 4] = [
    Demand { name: "commercial", label: "make money with it", fulfils: |licence| licence.commercial == Allowed::Yes },
    Demand { name: "change", label: "pass on changed versions", fulfils: |licence| licence.derivatives == Allowed::Yes },
    Demand {
        name: "own-terms",
        label: "give what I make from it terms of my own",
        fulfils: |licence| licence.is_known() && !licence.asks(Condition::Same),
    },
    Demand {
        name: "any-use",
        label: "use it for anything",
        fulfils: |licence| licence.is_known() && !licence.asks(Condition::Rules),
    },
];

/// Lengths of context to choose from, in tokens.
pub(in crate::discover) const CONTEXTS: [u64; 6] = [2048, 4096, 8192, 32_768, 131_072, 1_048_576];

/// In place of a machine: a computer without a GPU.
pub(in crate::discover) const CPU_ALONE: &str = "cpu";

/// A question.
#[derive(Debug, Clone)]
pub(in crate::discover) struct Ask {
    /// The task.
    pub task: Option<String>,
    /// The language, by its code.
    pub language: Option<String>,
    /// What must be allowed.
    pub demands: Vec<Demand>,
    /// The machine.
    pub machine: Option<&'static Class>,
    /// Whether it is a computer without a GPU, whose system needs some of the memory, too.
    pub cpu_alone: bool,
    /// Its memory in GB (of 2^30 bytes, as those who sell it count), when it is none of the machines that are known.
    pub memory_gb: Option<f64>,
    /// The tokens that the model is to keep in mind.
    pub context: u64,
}

impl Ask {
    /// Reads a question. What cannot be read is as if it were not there.
    pub(in crate::discover) fn read(query: &Query) -> Self {
        let word = |key: &str| {
            query
                .get(key)
                .map(str::trim)
                .filter(|word| !word.is_empty() && word.len() <= 100 && !word.contains('\0'))
                .map(str::to_owned)
        };
        let number = |key: &str| query.get(key).and_then(|text| text.trim().parse::<u64>().ok());
        Self {
            task: word("task"),
            language: word("language"),
            demands: DEMANDS.into_iter().filter(|demand| query.all("allow").any(|name| name == demand.name)).collect(),
            machine: query.get("hardware").and_then(hardware::find),
            cpu_alone: query.get("hardware") == Some(CPU_ALONE),
            memory_gb: query.get("memory").and_then(gigabytes),
            context: number("context").unwrap_or(hardware::SHORT_CONTEXT).clamp(1, 100_000_000),
        }
    }

    /// Whether anything is asked for.
    pub(in crate::discover) fn is_empty(&self) -> bool {
        self.task.is_none() && self.language.is_none() && self.demands.is_empty() && self.memory().is_none()
    }

    /// The memory that a model may take, in bytes.
    pub(in crate::discover) fn memory(&self) -> Option<u64> {
        let Some(all) = self.memory_gb.map(bytes_of) else { return self.machine.map(|machine| machine.gib << 30) };
        // As for phones and laptops: a quarter is left to the system.
        Some(if self.cpu_alone { all / 4 * 3 } else { all })
    }

    /// The licences that allow all that must be allowed.
    pub(super) fn licences(&self) -> Vec<String> {
        let fulfils = |licence: &&Licence| self.demands.iter().all(|demand| (demand.fulfils)(licence));
        terms::every().iter().filter(fulfils).map(|licence| licence.id.to_owned()).collect()
    }

    /// The conditions, in the order in which they are told.
    pub(super) fn conditions(&self) -> Vec<(Reason, Clause)> {
        let any_of = |facet, values| Clause { facet, rule: Rule::AnyOf, values };
        let mut conditions = Vec::new();
        if let Some(task) = &self.task {
            conditions.push((Reason::Task, any_of(Facet::Task, vec![task.clone()])));
        }
        if let Some(language) = &self.language {
            conditions.push((Reason::Language, any_of(Facet::Language, vec![language.clone(), "multilingual".to_owned()])));
        }
        if !self.demands.is_empty() {
            conditions.push((Reason::Licence, any_of(Facet::License, self.licences())));
        }
        if let Some(memory) = self.memory() {
            // The index knows machines: the smallest that has as much. More than all of them have may be enough for whatever is known.
            let clause = match hardware::CLASSES.iter().find(|class| class.gib << 30 >= memory) {
                Some(class) => any_of(Facet::Hardware, vec![class.name.to_owned()]),
                None => Clause { facet: Facet::Hardware, rule: Rule::NoneOf, values: vec![hardware::NOT_KNOWN.to_owned()] },
            };
            conditions.push((Reason::Size, clause));
        }
        conditions
    }

    /// Whether the index can tell of every model whether it fits: on a machine that it knows, with no more context than it counts.
    pub(super) fn is_told_by_index(&self) -> bool {
        let is_machine = |memory: u64| hardware::CLASSES.iter().any(|class| class.gib << 30 == memory);
        self.memory().is_none_or(|memory| self.context <= hardware::SHORT_CONTEXT && is_machine(memory))
    }

    /// The conditions for the index.
    pub(super) fn clauses(&self) -> Vec<Clause> {
        self.conditions().into_iter().map(|(_, clause)| clause).collect()
    }
}

/// Reads `24`, `7.5` and `16 GB`.
fn gigabytes(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    let number = text.strip_suffix("gb").or_else(|| text.strip_suffix("gib")).unwrap_or(&text);
    number.trim().parse().ok().filter(|gb: &f64| (0.1..=100_000.0).contains(gb))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "100,000 GB are few bytes, and none are below 0")]
fn bytes_of(gb: f64) -> u64 {
    (gb * 1_073_741_824.0) as u64
}

/// A condition that a model may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::discover) enum Reason {
    /// It is for something else.
    Task,
    /// It does not say that it knows the language.
    Language,
    /// Its licence does not allow it, or it names none.
    Licence,
    /// It is too large.
    Size,
    /// Nobody knows how large it is.
    UnknownSize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(query: &str) -> Option<u64> {
        Ask::read(&Query::parse(query)).memory()
    }

    #[test]
    fn any_amount_of_memory_will_do() {
        for (query, expected) in [
            ("memory=24", Some(24 << 30)),
            ("memory=%20%207.5%20GB", Some(15 << 29)),
            ("memory=0.5GiB&hardware=gpu-8gb", Some(1 << 29)),
            ("hardware=gpu-8gb", Some(8 << 30)),
            ("hardware=cpu&memory=16", Some(12 << 30)),
            ("hardware=cpu", None),
        ] {
            assert_eq!(memory(query), expected, "{query}");
        }
        for nonsense in ["0", "-1", "NaN", "inf", "1e300", "much", "GB", "100001"] {
            assert_eq!(memory(&format!("memory={nonsense}")), None, "{nonsense}");
        }
    }

    #[test]
    fn the_index_is_asked_for_the_smallest_machine_with_as_much() {
        let asked =
            |query: &str| Ask::read(&Query::parse(query)).clauses().pop().map(|clause| (clause.rule, clause.values.concat()));
        assert_eq!(asked("hardware=cpu&memory=16"), Some((Rule::AnyOf, "gpu-12gb".to_owned())));
        assert_eq!(asked("memory=640"), Some((Rule::AnyOf, "gpu-8x80gb".to_owned())));
        assert_eq!(asked("memory=9000"), Some((Rule::NoneOf, "not-known".to_owned())), "a model of 700 GB fits, too");
    }

    #[test]
    fn the_index_tells_what_fits_on_its_machines_with_a_short_context() {
        let told = |query: &str| Ask::read(&Query::parse(query)).is_told_by_index();
        for query in ["task=x&context=131072", "hardware=gpu-24gb", "memory=24&context=2048", "hardware=cpu&memory=16"] {
            assert!(told(query), "{query}");
        }
        for query in ["hardware=gpu-24gb&context=4096", "memory=23", "memory=9000", "hardware=cpu&memory=24"] {
            assert!(!told(query), "{query}");
        }
    }
}
