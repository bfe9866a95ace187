//! The table of libraries: which tools load a repository, and the code that does it.

use std::sync::LazyLock;

use hub_cards::known;
use hub_types::RepoType;
use serde::Deserialize;

use crate::repos::pages::tags;
use crate::repos::pages::view::RepoHeader;
use crate::repos::queries::listing::ListedRepo;
use crate::web::links::encode_segment;

/// A row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Library {
    /// Its word in addresses.
    pub id: String,
    /// Its name.
    pub label: String,
    /// An icon of the sprite.
    pub icon: String,
    /// The command that installs it.
    pub install: String,
    /// What one should know before running the code.
    #[serde(default)]
    pub note: String,
    /// The code.
    pub snippet: Vec<Template>,
    kinds: Vec<RepoType>,
    #[serde(default)]
    always: bool,
    #[serde(default)]
    libraries: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    formats: Vec<String>,
    #[serde(default)]
    tasks: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
}

/// Code with places for what differs between repositories.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    /// What it is for; empty when the library has only one.
    #[serde(default)]
    pub title: String,
    /// The language it is written in.
    #[serde(default)]
    pub language: Language,
    code: String,
    #[serde(default = "yes")]
    endpoint: bool,
    #[serde(default)]
    tasks: Vec<String>,
    #[serde(default)]
    without_tasks: Vec<String>,
    #[serde(default)]
    for_files: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// What a snippet is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    /// Python.
    #[default]
    Python,
    /// A command line.
    Shell,
    /// JavaScript.
    JavaScript,
    /// SQL.
    Sql,
}

impl Language {
    /// Its name.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Shell => "Shell",
            Self::JavaScript => "JavaScript",
            Self::Sql => "SQL",
        }
    }
}

#[derive(Deserialize)]
struct Table {
    library: Vec<Library>,
}

#[expect(clippy::expect_used, reason = "a file of this crate, which its tests read")]
static LIBRARIES: LazyLock<Vec<Library>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("libraries.toml")).expect("the table of libraries is well formed");
    table.library
});

/// What of a repository decides over libraries and fills their code.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// The head of its pages.
    pub header: &'a RepoHeader,
    /// What is derived of it, with its first file names.
    pub derived: &'a ListedRepo,
}

impl Subject<'_> {
    /// The task, when it is a known one: other words of a card never reach code.
    fn task(&self) -> Option<&str> {
        self.derived.pipeline_tag.as_deref().filter(|task| known::find_task(task).is_some())
    }

    /// The first file with one of these endings whose name needs no quoting in any language.
    fn file(&self, endings: &[String]) -> Option<&str> {
        let files = self.derived.siblings.as_deref().unwrap_or_default();
        let plain = |path: &str| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
        let is_data = |path: &&String| plain(path) && !path.starts_with('-') && !is_about(path);
        let with = |ending: &String| files.iter().filter(is_data).find(|path| path.ends_with(ending.as_str()));
        endings.iter().find_map(with).map(String::as_str)
    }

    fn class(&self) -> &str {
        let found = self.derived.facts.as_ref().and_then(|facts| facts.pointer("/transformersInfo/auto_model")?.as_str());
        let plain = |name: &&str| name.starts_with("Auto") && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        found.filter(plain).unwrap_or("AutoModel")
    }
}

/// Whether a file is about the repository and not its content.
fn is_about(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with('.') || matches!(name, "dataset_infos.json" | "dataset_info.json" | "state.json" | "config.json")
}

/// The libraries that load a repository, the most fitting first.
pub(super) fn libraries_of(subject: &Subject<'_>) -> Vec<&'static Library> {
    LIBRARIES.iter().filter(|library| library.fits(subject) && !library.templates(subject).is_empty()).collect()
}

impl Library {
    fn fits(&self, subject: &Subject<'_>) -> bool {
        let derived = subject.derived;
        if !self.kinds.contains(&subject.header.kind) {
            return false;
        }
        let task_fits = self.tasks.is_empty() || subject.task().is_some_and(|task| self.tasks.iter().any(|one| one == task));
        let file_fits = self.files.is_empty() || subject.file(&self.files).is_some();
        let library = derived.library_name.as_ref().is_some_and(|name| self.libraries.contains(name));
        let tag = derived.tags.iter().any(|tag| self.tags.contains(tag));
        let format = tags::first(&derived.tags, "format:").is_some_and(|format| self.formats.iter().any(|one| one == format));
        (self.always || library || tag || format) && task_fits && file_fits
    }

    /// Its snippets for a repository, ready to copy.
    pub(super) fn code_for(&self, subject: &Subject<'_>) -> Vec<(&'static str, String, String)> {
        let filled = |template: &&Template| {
            (template.language.label(), template.title.clone(), template.fill(subject, subject.file(&self.files)))
        };
        self.templates(subject).iter().map(filled).collect()
    }

    fn templates(&self, subject: &Subject<'_>) -> Vec<&Template> {
        let file = subject.file(&self.files).unwrap_or_default();
        let task = subject.task().unwrap_or_default();
        let fits = |template: &&Template| {
            (template.tasks.is_empty() || template.tasks.iter().any(|one| one == task))
                && !template.without_tasks.iter().any(|one| one == task)
                && (template.for_files.is_empty() || template.for_files.iter().any(|ending| file.ends_with(ending.as_str())))
        };
        self.snippet.iter().filter(fits).collect()
    }
}

impl Template {
    fn fill(&self, subject: &Subject<'_>, file: Option<&str>) -> String {
        let header = subject.header;
        let (kind, argument) = match header.kind {
            RepoType::Model => (String::new(), String::new()),
            RepoType::Dataset | RepoType::Space | RepoType::Bucket => {
                (format!(" --repo-type {}", header.kind), format!(", repo_type=\"{}\"", header.kind))
            }
        };
        let endpoint = match self.language {
            Language::Python if self.endpoint => "import os\n\nos.environ[\"HF_ENDPOINT\"] = \"{hub}\"\n\n",
            Language::Shell if self.endpoint => "export HF_ENDPOINT={hub}\n",
            Language::Python | Language::Shell | Language::JavaScript | Language::Sql => "",
        };
        let values = [
            ("{hub}", header.hub_url.as_str()),
            ("{id}", &header.id()),
            ("{name}", &header.name),
            ("{path}", &header.href()),
            ("{branch}", &encode_segment(&header.default_branch)),
            ("{task}", subject.task().unwrap_or("feature-extraction")),
            ("{class}", subject.class()),
            ("{file}", file.unwrap_or_default()),
            ("{kind}", &kind),
            ("{argument}", &argument),
        ];
        let code = format!("{endpoint}{}", self.code.trim_end());
        values.iter().fold(code, |code, (place, value)| code.replace(place, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::LIBRARIES;

    #[test]
    fn the_table_is_whole() {
        let ids: BTreeSet<&str> = LIBRARIES.iter().map(|library| library.id.as_str()).collect();
        assert_eq!(ids.len(), LIBRARIES.len(), "an id stands twice");
        let sprite = include_str!("../../../../../../static/img/icons.svg");
        for library in LIBRARIES.iter() {
            assert!(sprite.contains(&format!("id=\"{}\"", library.icon)), "{}: no icon {}", library.id, library.icon);
            let chosen =
                library.always || !(library.libraries.is_empty() && library.tags.is_empty() && library.formats.is_empty());
            assert!(chosen, "{} is never shown", library.id);
            for template in &library.snippet {
                let needs_file = template.code.contains("{file}") || !template.for_files.is_empty();
                assert!(!needs_file || !library.files.is_empty(), "{} names a file without saying which", library.id);
            }
        }
    }
}
