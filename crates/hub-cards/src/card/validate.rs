//! Judges a card: what is wrong and has to be corrected, and what could be better.

use hub_types::{RepoType, check_name};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{front_matter, known};

/// One remark about a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A sentence for the author, with the line it is about.
    pub message: String,
}

/// What is to be said about a card, in the shape clients read from `POST /api/validate-yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// A card with errors is refused.
    pub errors: Vec<Finding>,
    /// Advice.
    pub warnings: Vec<Finding>,
}

/// How many remarks are made at most.
const MAX_FINDINGS: usize = 50;

/// Judges the README of a repository by the Hub's card specification.
pub fn validate(text: &str, repo_type: RepoType) -> Report {
    let mut check = Check { text, report: Report::default() };
    match front_matter::parse(text) {
        Err(error) => {
            let message = format!("Invalid YAML metadata: {error}");
            check.push_error(message, error.line());
        }
        Ok(map) if map.is_empty() => check.push_warning("empty or missing yaml metadata in repo card".to_owned(), None),
        Ok(map) => check.metadata(&map, repo_type),
    }
    check.report
}

struct Check<'a> {
    text: &'a str,
    report: Report,
}

impl Check<'_> {
    fn push_error(&mut self, message: String, line: Option<usize>) {
        if self.report.errors.len() < MAX_FINDINGS {
            self.report.errors.push(finding(message, line));
        }
    }

    fn push_warning(&mut self, message: String, line: Option<usize>) {
        if self.report.warnings.len() < MAX_FINDINGS {
            self.report.warnings.push(finding(message, line));
        }
    }

    fn error(&mut self, key: &str, message: String) {
        let line = self.line_of(key);
        self.push_error(message, line);
    }

    fn warning(&mut self, key: &str, message: String) {
        let line = self.line_of(key);
        self.push_warning(message, line);
    }

    /// The line of a top-level key in the README, counted from 1.
    fn line_of(&self, key: &str) -> Option<usize> {
        let parts = front_matter::split(self.text);
        let is_key = |line: &str| {
            let line = line.trim_start_matches(['"', '\'']);
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
        };
        parts.yaml?.lines().position(is_key).map(|index| index + parts.first_line)
    }

    fn metadata(&mut self, map: &Map<String, Value>, repo_type: RepoType) {
        self.license(map);
        self.languages(map);
        for key in TEXT_LISTS {
            self.text_list(map, key);
        }
        for key in TEXTS {
            self.text(map, key);
        }
        match repo_type {
            RepoType::Model => self.model(map),
            RepoType::Dataset => self.dataset(map),
            RepoType::Space => self.space(map),
            // Without cards.
            RepoType::Bucket => {}
        }
    }

    fn license(&mut self, map: &Map<String, Value>) {
        let Some(value) = map.get("license").filter(|value| !value.is_null()) else { return };
        let Some(licenses) = texts(value) else {
            return self.error("license", "\"license\" must be a string or a list of strings".to_owned());
        };
        for license in &licenses {
            if !known::LICENSES.contains(&license.to_ascii_lowercase().as_str()) {
                let message = format!(
                    "\"license\" must be one of [{}], and `{}` is not. For a licence that is not listed write `license: other` and give `license_name` and `license_link`",
                    known::LICENSES.join(", "),
                    shown(license)
                );
                self.error("license", message);
            }
        }
        if licenses == ["other"] && !map.contains_key("license_name") {
            self.warning("license", "\"license\" is `other`: say which one in `license_name` and `license_link`".to_owned());
        }
    }

    fn languages(&mut self, map: &Map<String, Value>) {
        let Some(value) = map.get("language").filter(|value| !value.is_null()) else { return };
        let Some(languages) = texts(value) else {
            return self.error("language", "\"language\" must be a string or a list of strings".to_owned());
        };
        for language in languages.iter().filter(|language| !is_language_code(language)) {
            let message = format!(
                "\"language\" should hold ISO 639-1, 639-2 or 639-3 codes such as `en` or `yue`, or `code` or `multilingual`; `{}` is none",
                shown(language)
            );
            self.warning("language", message);
        }
    }

    fn text_list(&mut self, map: &Map<String, Value>, key: &str) {
        let Some(value) = map.get(key).filter(|value| !value.is_null()) else { return };
        if texts(value).is_none() && !value.is_object() {
            self.error(key, format!("\"{key}\" must be a string or a list of strings"));
        }
    }

    fn text(&mut self, map: &Map<String, Value>, key: &str) {
        let Some(value) = map.get(key) else { return };
        if value.is_array() || value.is_object() {
            self.error(key, format!("\"{key}\" must be a string"));
        }
    }

    fn model(&mut self, map: &Map<String, Value>) {
        if let Some(task) = map.get("pipeline_tag").and_then(Value::as_str)
            && known::find_task(task).is_none()
        {
            let message = format!("The pipeline tag \"{}\" is not in the official list of tasks", shown(task));
            self.warning("pipeline_tag", message);
        }
        if let Some(models) = map.get("base_model").and_then(texts) {
            for model in models.iter().filter(|model| !is_model_reference(model)) {
                let message =
                    format!("\"base_model\" with value \"{}\" is not valid. Write it as `namespace/name`", shown(model));
                self.error("base_model", message);
            }
        }
        if let Some(relation) = map.get("base_model_relation").and_then(Value::as_str)
            && !known::BASE_MODEL_RELATIONS.contains(&relation)
        {
            let allowed = known::BASE_MODEL_RELATIONS.join(", ");
            self.error("base_model_relation", format!("\"base_model_relation\" must be one of [{allowed}]"));
        }
        if let Some(index) = map.get("model-index").filter(|value| !value.is_null()) {
            for message in model_index_errors(index) {
                self.error("model-index", message);
            }
        }
    }

    fn dataset(&mut self, map: &Map<String, Value>) {
        for task in map.get("task_categories").and_then(texts).unwrap_or_default() {
            if known::find_task(&task).is_none() {
                let message = format!("The task_categories \"{}\" is not in the official list of tasks", shown(&task));
                self.warning("task_categories", message);
            }
        }
        for size in map.get("size_categories").and_then(texts).unwrap_or_default() {
            if !known::SIZE_CATEGORIES.contains(&size.as_str()) {
                let allowed = known::SIZE_CATEGORIES.join(", ");
                let message = format!("\"size_categories\" should be one of [{allowed}], and `{}` is not", shown(&size));
                self.warning("size_categories", message);
            }
        }
        if let Some(configs) = map.get("configs").filter(|value| !value.is_null()) {
            let named = |config: &Value| config.get("config_name").is_some_and(Value::is_string);
            if !configs.as_array().is_some_and(|configs| configs.iter().all(named)) {
                self.error("configs", "\"configs\" must be a list of mappings, each with a `config_name`".to_owned());
            }
        }
        if let Some(info) = map.get("dataset_info").filter(|value| !value.is_null())
            && !info.is_object()
            && !info.as_array().is_some_and(|infos| infos.iter().all(Value::is_object))
        {
            self.error("dataset_info", "\"dataset_info\" must be a mapping or a list of mappings".to_owned());
        }
    }

    fn space(&mut self, map: &Map<String, Value>) {
        for (key, allowed) in [("sdk", known::SDKS), ("colorFrom", known::COLORS), ("colorTo", known::COLORS)] {
            let Some(value) = map.get(key).and_then(Value::as_str) else { continue };
            if !allowed.contains(&value) {
                self.error(key, format!("\"{key}\" must be one of [{}]", allowed.join(", ")));
            }
        }
        if !map.contains_key("sdk") {
            self.warning("title", "\"sdk\" is missing: a Space needs one to run".to_owned());
        }
        if map.get("short_description").and_then(Value::as_str).is_some_and(|text| text.chars().count() > 60) {
            self.error("short_description", "\"short_description\" must be at most 60 characters long".to_owned());
        }
        let port = map.get("app_port").filter(|value| !value.is_null());
        if port.is_some_and(|port| !port.as_u64().is_some_and(|port| (1..=65_535).contains(&port))) {
            self.error("app_port", "\"app_port\" must be a number from 1 to 65535".to_owned());
        }
    }
}

const TEXT_LISTS: &[&str] = &[
    "tags",
    "datasets",
    "metrics",
    "base_model",
    "models",
    "task_categories",
    "task_ids",
    "size_categories",
    "multilinguality",
    "language_creators",
    "annotations_creators",
    "source_datasets",
];

const TEXTS: &[&str] = &[
    "pipeline_tag",
    "library_name",
    "base_model_relation",
    "license_name",
    "license_link",
    "pretty_name",
    "title",
    "emoji",
    "sdk",
    "colorFrom",
    "colorTo",
    "app_file",
    "short_description",
    "thumbnail",
];

fn finding(message: String, line: Option<usize>) -> Finding {
    Finding { message: line.map_or(message.clone(), |line| format!("{message} (line {line})")) }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The texts of a text or a list of texts; `None` for anything else. Numbers pass, as authors leave
/// the quotes out.
fn texts(value: &Value) -> Option<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    match value {
        Value::Array(items) => items.iter().map(one).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            one(value).map(|text| vec![text])
        }
    }
}

fn is_language_code(code: &str) -> bool {
    if matches!(code, "code" | "multilingual" | "other") {
        return true;
    }
    let mut parts = code.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// `namespace/name`, or a name alone as old models have it.
fn is_model_reference(text: &str) -> bool {
    let mut parts = text.split('/');
    let valid = parts.by_ref().take(2).all(|part| check_name(part).is_ok());
    valid && parts.next().is_none()
}

/// The required keys of `model-index` (`huggingface_hub` `model_index_to_eval_results`).
fn model_index_errors(index: &Value) -> Vec<String> {
    let Some(models) = index.as_array() else { return vec!["\"model-index\" must be a list".to_owned()] };
    let mut errors = Vec::new();
    for (at, model) in models.iter().enumerate() {
        let place = format!("model-index[{at}]");
        if !model.get("name").is_some_and(Value::is_string) {
            errors.push(format!("\"{place}.name\" is required and must be a string"));
        }
        let Some(results) = model.get("results").and_then(Value::as_array) else {
            errors.push(format!("\"{place}.results\" is required and must be a list"));
            continue;
        };
        for (at, result) in results.iter().enumerate() {
            errors.extend(result_errors(&format!("{place}.results[{at}]"), result));
        }
    }
    errors
}

fn result_errors(place: &str, result: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let mut require = |path: &[&str]| {
        let found = path.iter().try_fold(result, |value, key| value.get(key));
        if found.is_none_or(Value::is_null) {
            errors.push(format!("\"{place}.{}\" is required", path.join(".")));
        }
    };
    require(&["task", "type"]);
    require(&["dataset", "type"]);
    require(&["dataset", "name"]);
    match result.get("metrics").and_then(Value::as_array) {
        None => errors.push(format!("\"{place}.metrics\" is required and must be a list")),
        Some(metrics) => {
            for (at, metric) in metrics.iter().enumerate() {
                for key in ["type", "value"] {
                    if metric.get(key).is_none_or(Value::is_null) {
                        errors.push(format!("\"{place}.metrics[{at}].{key}\" is required"));
                    }
                }
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(yaml: &str, repo_type: RepoType) -> Report {
        validate(&format!("---\n{yaml}\n---\n# Title\n"), repo_type)
    }

    fn first_error(yaml: &str, repo_type: RepoType) -> String {
        report(yaml, repo_type).errors.into_iter().next().unwrap().message
    }

    #[test]
    fn a_good_card_passes() {
        let yaml = "license: apache-2.0\nlanguage: [en, no, zh-Hant, code]\ntags: [a]\npipeline_tag: fill-mask\nbase_model: a/b";
        assert_eq!(report(yaml, RepoType::Model), Report::default());
    }

    #[test]
    fn a_card_without_metadata_gives_a_warning() {
        let report = validate("# Title\n", RepoType::Model);
        assert!(report.errors.is_empty());
        assert_eq!(report.warnings[0].message, "empty or missing yaml metadata in repo card");
    }

    #[test]
    fn an_unknown_license_is_an_error_with_its_line() {
        let message = first_error("tags: [a]\nlicense: asdf", RepoType::Model);
        assert!(message.contains("\"license\" must be one of"), "{message}");
        assert!(message.ends_with("(line 3)"), "{message}");
    }

    #[test]
    fn broken_yaml_says_where() {
        let message = first_error("license: mit\ntags: [a", RepoType::Model);
        assert!(message.starts_with("Invalid YAML metadata: ") && message.contains("(line "), "{message}");
        let message = validate("---\nlicense: mit\n# x", RepoType::Model).errors[0].message.clone();
        assert!(message.contains("never closed"), "{message}");
    }

    #[test]
    fn models_datasets_and_spaces_have_their_own_rules() {
        assert!(first_error("base_model: https://x/y", RepoType::Model).contains("\"base_model\""));
        assert!(first_error("base_model_relation: cousin", RepoType::Model).contains("adapter, merge"));
        assert!(first_error("configs: {a: b}", RepoType::Dataset).contains("config_name"));
        assert!(first_error("sdk: flask", RepoType::Space).contains("gradio"));
        assert!(first_error("sdk: docker\ncolorFrom: mauve", RepoType::Space).contains("\"colorFrom\""));
        assert!(first_error("tags: {a: [1]}\ntitle: [a]", RepoType::Model).contains("\"title\" must be a string"));
        assert_eq!(report("pipeline_tag: knitting", RepoType::Model).warnings.len(), 1);
        assert_eq!(report("size_categories: huge\ntask_categories: [knitting]", RepoType::Dataset).warnings.len(), 2);
    }

    #[test]
    fn evaluation_results_need_their_keys() {
        let yaml =
            "model-index:\n- name: x\n  results:\n  - task: {type: t}\n    dataset: {type: d}\n    metrics:\n    - {type: acc}";
        let messages: Vec<_> = report(yaml, RepoType::Model).errors.into_iter().map(|finding| finding.message).collect();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages[0].contains("model-index[0].results[0].dataset.name") && messages[1].contains("metrics[0].value"));
    }
}
