//! The reference of all settings.

mod people;
mod serving;
mod storing;

/// What the text of a setting must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A folder.
    Folder,
    /// `address:port`.
    Address,
    /// A URL with one of these schemes.
    Url(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds.
    Number(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Levels in the syntax of tracing's `EnvFilter`.
    LogFilter,
    /// Addresses and networks, separated by commas.
    Networks,
    /// Addresses, networks and names of hosts, separated by commas.
    Targets,
    /// Any text.
    Text,
}

/// One thing an operator can set.
#[derive(Debug)]
pub struct Setting {
    /// The name in the TOML file; a dot makes a table.
    pub key: &'static str,
    /// The environment variable.
    pub env: &'static str,
    /// The value when nothing is set; empty for none.
    pub default: &'static str,
    /// What it must look like.
    pub form: Form,
    /// Whether the value must never be shown.
    pub secret: bool,
    /// What it does, for the operator.
    pub doc: &'static str,
}

const fn setting(key: &'static str, env: &'static str, default: &'static str, form: Form, doc: &'static str) -> Setting {
    Setting { key, env, default, form, secret: false, doc }
}

const fn secret(key: &'static str, env: &'static str, form: Form, doc: &'static str) -> Setting {
    Setting { key, env, default: "", form, secret: true, doc }
}

const HTTP: Form = Form::Url(&["http", "https"]);
const PER_HOUR: Form = Form::Number(0, 100_000);

/// Every setting there is, in the order of the reference.
pub fn all_settings() -> impl Iterator<Item = &'static Setting> {
    [serving::SETTINGS, people::SETTINGS, storing::SETTINGS].into_iter().flatten()
}

impl Setting {
    pub(super) fn find(key: &str) -> Option<&'static Self> {
        all_settings().find(|setting| setting.key == key)
    }
}

/// Writes `docs/settings.md`.
pub fn render_reference() -> String {
    let mut text = "# Settings\n\n\
        Generated from `crates/hub/src/config/settings/` by a test; edit it there.\n\n\
        Each setting is an environment variable, and a key of one TOML file: the one that `HUB_CONFIG` names, or \
        `hub.toml` in the data folder if it exists. A variable wins over the file. With nothing set at all, a hub runs \
        on `http://127.0.0.1:8080` and keeps everything in `./data`. `hub config check` shows what a hub would run \
        with, where each value comes from, and what is wrong with it; `--connect` also tries the database and the \
        store. Secrets are never shown.\n\n\
        ```toml\nlisten = \"0.0.0.0:8080\"\npublic_url = \"https://hub.example.org\"\n\n[database]\nurl = \
        \"postgres://hub:password@db.example.org/hub\"\n```\n\n\
        | variable | key | default | meaning |\n|---|---|---|---|\n"
        .to_owned();
    for setting in all_settings() {
        let default = match setting.default {
            "" => "not set".to_owned(),
            value => format!("`{value}`"),
        };
        let Setting { env, key, doc, .. } = setting;
        let doc = if setting.secret { format!("{doc} Secret.") } else { (*doc).to_owned() };
        text.push_str(&format!("| `{env}` | `{key}` | {default} | {doc} |\n"));
    }
    text.push_str("| `HUB_CONFIG` | | not set | The TOML file to read instead of `hub.toml` in the data folder. |\n");
    text
}
