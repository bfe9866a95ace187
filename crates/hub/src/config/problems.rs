//! What is wrong with the settings, in sentences.

use std::fmt;
use std::path::Path;

use super::settings::{Setting, all_settings};
use super::sources::{Origin, Values};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether a hub refuses to start with it.
    pub is_error: bool,
    /// What is wrong and what to do.
    pub message: String,
}

/// All mistakes, in the order they were found.
#[derive(Debug, Default, Clone)]
pub struct Problems(Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            let kind = if problem.is_error { "error" } else { "warning" };
            writeln!(f, "{kind}: {}", problem.message)?;
        }
        Ok(())
    }
}

impl Problems {
    /// Whether a hub refuses to start.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.is_error)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Notes a mistake that stops a hub from starting.
    pub fn error(&mut self, message: String) {
        self.0.push(Problem { is_error: true, message });
    }

    pub(super) fn bad_value(&mut self, values: &Values, key: &str, wanted: &str) {
        let Some(setting) = Setting::find(key) else { return };
        let name = values.name_used(setting);
        if setting.secret {
            self.error(format!("{name} {wanted}. Its value is a secret and not shown."));
        } else {
            self.error(format!("{name} {wanted}, not `{}`.", values.get(key)));
        }
    }

    /// Only a warning: the hub runs with it.
    pub(super) fn doubtful_value(&mut self, values: &Values, key: &str, because: &str) {
        let Some(setting) = Setting::find(key) else { return };
        let message = format!("{} = {} {because}", values.name_used(setting), values.get(key));
        self.0.push(Problem { is_error: false, message });
    }

    pub(super) fn bad_file(&mut self, path: &Path, reason: &str, line: Option<usize>) {
        let place = line.map(|line| format!(", line {line}")).unwrap_or_default();
        self.error(format!("The settings file `{}`{place} cannot be read: {}.", path.display(), reason.trim()));
    }

    pub(super) fn unknown_key(&mut self, key: &str, path: &Path) {
        let hint = did_you_mean(key, all_settings().map(|setting| setting.key));
        self.error(format!("`{key}` in `{}` is not a setting.{hint} docs/settings.md lists them all.", path.display()));
    }

    /// Only a warning: other programs may use the prefix.
    pub(super) fn unknown_variable(&mut self, name: &str) {
        let hint = did_you_mean(name, all_settings().map(|setting| setting.env));
        let message = format!("The variable `{name}` is not a setting and has no effect.{hint}");
        self.0.push(Problem { is_error: false, message });
    }

    /// Notes when some of `needed` and `optional` are set, but not all of `needed`. `otherwise` says what setting none does.
    pub(super) fn half_configured(&mut self, values: &Values, what: &str, needed: &[&str], optional: &[&str], otherwise: &str) {
        let is_set = |key: &&&str| values.origin(key) != Origin::Default && !values.get(key).is_empty();
        let Some(first) = needed.iter().chain(optional).find(is_set) else { return };
        let variable = |key: &&str| Setting::find(key).map_or_else(String::new, |setting| format!("`{}`", setting.env));
        let missing: Vec<String> = needed.iter().filter(|key| !is_set(key)).map(variable).collect();
        if missing.is_empty() {
            // A value is there and wrong, which has its own message.
            return;
        }
        let verb = if missing.len() == 1 { "is" } else { "are" };
        self.error(format!(
            "{what} is half configured: {} is set, but {} {verb} not. Set all of them, or {otherwise}.",
            variable(first),
            missing.join(", ")
        ));
    }
}

fn did_you_mean(given: &str, known: impl Iterator<Item = &'static str>) -> String {
    let given = given.to_ascii_lowercase();
    let distance = |name: &&str| edit_distance(&given, &name.to_ascii_lowercase());
    let close = |name: &&str| distance(name) <= 2 + given.len() / 8 || name.rsplit('.').next() == Some(given.as_str());
    let best = known.filter(close).min_by_key(distance);
    best.map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default()
}

/// Levenshtein distance in bytes; names are ASCII.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (b, above) in to.bytes().zip(row.iter_mut().skip(1)) {
            let cost = diagonal + usize::from(a != b);
            diagonal = *above;
            left = cost.min(*above + 1).min(left + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::edit_distance;

    #[test]
    fn distances_are_counted_in_edits() {
        for (from, to, expected) in
            [("", "", 0), ("listen", "listen", 0), ("lisen", "listen", 1), ("", "abc", 3), ("kitten", "sitting", 3)]
        {
            assert_eq!(edit_distance(from, to), expected, "{from} {to}");
        }
    }
}
