//! What was found in a file.

use serde::{Deserialize, Serialize};

/// How bad it is, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing was found.
    #[default]
    Safe,
    /// Nothing was found, but not all of it could be looked at.
    Error,
    /// It harms who published it, not who downloads it: secrets.
    Caution,
    /// Nobody knows what it does.
    Suspicious,
    /// It does what no model needs.
    Unsafe,
}

impl Level {
    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Error => "error",
            Self::Caution => "caution",
            Self::Suspicious => "suspicious",
            Self::Unsafe => "unsafe",
        }
    }

    /// Reads what [`Level::as_str`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Safe, Self::Error, Self::Caution, Self::Suspicious, Self::Unsafe].into_iter().find(|level| level.as_str() == text)
    }
}

/// What an import of a pickle may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// It builds data.
    Innocuous,
    /// Not known.
    Suspicious,
    /// It runs code, or touches files or the network.
    Dangerous,
}

impl Safety {
    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Innocuous => "innocuous",
            Self::Suspicious => "suspicious",
            Self::Dangerous => "dangerous",
        }
    }

    /// What it means for the file.
    pub const fn level(self) -> Level {
        match self {
            Self::Innocuous => Level::Safe,
            Self::Suspicious => Level::Suspicious,
            Self::Dangerous => Level::Unsafe,
        }
    }
}

/// Something that a pickle imports when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Import {
    /// The module.
    pub module: String,
    /// The name in it.
    pub name: String,
    /// What it may do.
    pub safety: Safety,
}

/// What kind of finding it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// A pickle that is not as picklers write them.
    Pickle,
    /// Code in a Keras model.
    Keras,
    /// Code in a chat template.
    Template,
    /// A password, a token or a key.
    Secret,
    /// An archive that is made to hurt who unpacks it.
    Archive,
}

/// Something that was found, besides imports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// The kind.
    pub topic: Topic,
    /// How bad it is.
    pub level: Level,
    /// What it is, for people. Never the secret itself.
    pub text: String,
    /// The line, in texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The file in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// How many imports and how many findings are kept: a report is read with every list that shows the file.
const MAX_KEPT: usize = 50;
/// How many characters of what a finding says.
const MAX_TEXT_CHARS: usize = 300;
/// How many of the name of an entry, or of an import.
pub(crate) const MAX_NAME_CHARS: usize = 120;

/// A text as it is kept: whatever stands in the file, it is short and has no control characters. (PostgreSQL refuses NUL.)
pub(crate) fn shown(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// All that was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The worst of it.
    pub level: Level,
    /// What its pickles import; `None` when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imports: Option<Vec<Import>>,
    /// The worst of the imports.
    #[serde(default)]
    pub imports_level: Level,
    /// The rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Why not all of it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Report {
    /// Notes that there is a pickle, whatever it imports.
    pub(crate) fn has_pickle(&mut self) {
        self.imports.get_or_insert_default();
    }

    pub(crate) fn add_import(&mut self, import: Import) {
        let level = import.safety.level();
        self.imports_level = self.imports_level.max(level);
        self.level = self.level.max(level);
        let imports = self.imports.get_or_insert_default();
        if imports.contains(&import) {
            return;
        }
        if imports.len() < MAX_KEPT {
            imports.push(import);
        } else if let Some(place) = imports.iter().position(|other| other.safety < import.safety) {
            // The worst ones are kept.
            imports[place] = import;
        }
    }

    /// Adds what was found.
    pub fn add(&mut self, finding: Finding) {
        self.level = self.level.max(finding.level);
        let text = shown(&finding.text, MAX_TEXT_CHARS);
        let entry = finding.entry.map(|entry| shown(&entry, MAX_NAME_CHARS));
        let finding = Finding { text, entry, ..finding };
        if self.findings.contains(&finding) {
            return;
        }
        if self.findings.len() < MAX_KEPT {
            self.findings.push(finding);
        } else if let Some(place) = self.findings.iter().position(|other| other.level < finding.level) {
            self.findings[place] = finding;
        }
    }

    /// Says why not all was looked at.
    pub fn leave_out(&mut self, why: impl Into<String>) {
        self.level = self.level.max(Level::Error);
        self.note.get_or_insert_with(|| shown(&why.into(), MAX_TEXT_CHARS));
    }

    /// Whether a secret is among the findings.
    pub fn has_secrets(&self) -> bool {
        self.findings.iter().any(|finding| finding.topic == Topic::Secret)
    }

    /// What its pickles mean for the file.
    pub fn pickle_level(&self) -> Level {
        let odd = self.findings.iter().filter(|finding| finding.topic == Topic::Pickle).map(|finding| finding.level);
        odd.fold(self.imports_level, Level::max)
    }

    /// The same within the bounds of what is kept. A report that a process wrote is taken for no more than what it says, and it may be
    /// the file that speaks.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for import in self.imports.iter_mut().flatten() {
            import.module = shown(&import.module, MAX_TEXT_CHARS);
            import.name = shown(&import.name, MAX_TEXT_CHARS);
        }
        for finding in &mut self.findings {
            finding.text = shown(&finding.text, MAX_TEXT_CHARS);
            finding.entry = finding.entry.take().map(|entry| shown(&entry, MAX_TEXT_CHARS));
        }
        if let Some(imports) = &mut self.imports {
            imports.truncate(MAX_KEPT);
        }
        self.findings.truncate(MAX_KEPT);
        self.note = self.note.map(|note| shown(&note, MAX_TEXT_CHARS));
        self
    }

    /// Puts the worst first.
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by(|one, other| other.level.cmp(&one.level).then_with(|| one.cmp(other)));
        if let Some(imports) = &mut self.imports {
            imports.sort_by(|one, other| other.safety.cmp(&one.safety).then_with(|| one.cmp(other)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_somebody_else_wrote_is_cut_to_size() {
        let long = "\0\u{1b}[31m".repeat(1_000);
        let (text, entry) = (long.clone(), Some(long.clone()));
        let finding = Finding { topic: Topic::Pickle, level: Level::Unsafe, text, line: None, entry };
        let import = Import { module: long.clone(), name: long.clone(), safety: Safety::Dangerous };
        let report = Report {
            level: Level::Unsafe,
            imports: Some(vec![import; 1_000]),
            imports_level: Level::Unsafe,
            findings: vec![finding; 1_000],
            note: Some(long),
        };
        let bounded = report.bounded();
        let json = serde_json::to_string(&bounded).unwrap();
        assert!(json.len() < 150_000 && !json.contains("\\u00"), "{}", json.len());
        assert_eq!(bounded.clone().bounded(), bounded);
    }
}
