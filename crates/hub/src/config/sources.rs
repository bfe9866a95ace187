//! Where values come from: the environment, the TOML file, the defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::problems::Problems;
use super::settings::{Setting, all_settings};

/// Variables with our prefix that belong to others: the file's own name, and what test and build scripts use.
const OTHER_VARIABLES: [&str; 2] = ["HUB_CONFIG", "HUB_BIN"];

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable.
    Environment,
    /// The TOML file.
    File(PathBuf),
    /// Nowhere.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The texts that were set, by key.
#[derive(Clone, Default)]
pub struct Values {
    set: BTreeMap<&'static str, (String, Origin)>,
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.set.keys()).finish()
    }
}

impl Values {
    /// The text of a setting: what was set, else the default.
    pub fn get(&self, key: &str) -> &str {
        let default = || Setting::find(key).map_or("", |setting| setting.default);
        self.set.get(key).map_or_else(default, |(text, _)| text)
    }

    /// Where a setting was set.
    pub fn origin(&self, key: &str) -> Origin {
        self.set.get(key).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The name an operator used for a setting: the variable, or the key in the file.
    pub fn name_used(&self, setting: &Setting) -> String {
        match self.origin(setting.key) {
            Origin::Environment | Origin::Default => format!("`{}`", setting.env),
            Origin::File(path) => format!("`{}` in `{}`", setting.key, path.display()),
        }
    }
}

pub(super) fn gather(environment: &BTreeMap<String, String>, problems: &mut Problems) -> Values {
    let mut values = Values::default();
    // An empty variable is how compose files and shells say "not set".
    let variable = |name: &str| environment.get(name).filter(|text| !text.trim().is_empty());
    if let Some((path, text)) = read_file(variable("HUB_CONFIG"), variable("HUB_DATA_DIR"), problems) {
        match text.parse::<toml::Table>() {
            Ok(table) => flatten(&table, "", &path, &mut values, problems),
            // The parser's own message quotes the line, which may hold a secret.
            Err(error) => problems.bad_file(&path, error.message(), line_of(&text, error.span())),
        }
    }
    for setting in all_settings() {
        if let Some(text) = variable(setting.env) {
            values.set.insert(setting.key, (text.trim().to_owned(), Origin::Environment));
        }
    }
    for name in environment.keys().filter(|name| name.starts_with("HUB_")) {
        let known = all_settings().any(|setting| setting.env == name) || OTHER_VARIABLES.contains(&name.as_str());
        if !known && !name.starts_with("HUB_TEST_") {
            problems.unknown_variable(name);
        }
    }
    values
}

fn read_file(named: Option<&String>, data_dir: Option<&String>, problems: &mut Problems) -> Option<(PathBuf, String)> {
    let in_data_dir = || Path::new(data_dir.map_or("data", String::as_str)).join("hub.toml");
    let path = named.map_or_else(in_data_dir, PathBuf::from);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some((path, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => None,
        Err(error) => {
            problems.bad_file(&path, &error.to_string(), None);
            None
        }
    }
}

fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> Option<usize> {
    let before = text.get(..span?.start)?;
    Some(before.matches('\n').count() + 1)
}

fn flatten(table: &toml::Table, prefix: &str, path: &Path, values: &mut Values, problems: &mut Problems) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        let text = match value {
            toml::Value::Table(inner) => {
                flatten(inner, &format!("{key}."), path, values, problems);
                continue;
            }
            toml::Value::String(text) => text.trim().to_owned(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(switch) => switch.to_string(),
            // Read as a text that no setting takes, so that the message names the setting.
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) => format!("a {}", value.type_str()),
        };
        match Setting::find(&key) {
            Some(setting) => {
                values.set.insert(setting.key, (text, Origin::File(path.to_path_buf())));
            }
            None => problems.unknown_key(&key, path),
        }
    }
}
