//! The routes as the sources mount them, so that a test can tell which one nobody thought of.

use std::path::{Path, PathBuf};

/// A route: its methods and its pattern as the sources write it, with constants in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub method: &'static str,
    pub pattern: String,
}

/// How a route's second argument begins, and its method. Reading is also HEAD.
const METHODS: &[(&str, &str)] = &[
    ("web::get()", "GET"),
    ("web::head()", "HEAD"),
    ("web::post()", "POST"),
    ("web::put()", "PUT"),
    ("web::patch()", "PATCH"),
    ("web::delete()", "DELETE"),
    ("crate::web::read()", "GET"),
    ("super::read()", "GET"),
    ("web::method(", "ANY"),
    ("web::to(", "ANY"),
];

/// All routes of the hub. A way to mount one that is not known here is a failure, not a gap.
pub(super) fn mounted() -> Vec<Route> {
    let mut routes = Vec::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hub/src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for other in [".service(", "web::resource(", "web::scope("] {
            assert!(!text.contains(other), "{}: mount it by `.route(`, not by `{other}`", path.display());
        }
        for call in text.split(".route(").skip(1) {
            let (pattern, rest) = split_argument(call);
            let rest = rest.trim_start();
            let method = METHODS.iter().find(|(start, _)| rest.starts_with(start)).map(|(_, method)| *method);
            let method = method.unwrap_or_else(|| panic!("{}: a route by another method: {rest:.60}", path.display()));
            routes.push(Route { method, pattern: pattern_of(pattern.trim(), text) });
        }
    }
    assert!(routes.len() > 150, "the sources were not read: {} routes", routes.len());
    routes
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    found
}

/// Cuts the first argument off: up to a comma that is in no string and no parentheses.
fn split_argument(call: &str) -> (&str, &str) {
    let (mut depth, mut quoted) = (0, false);
    for (at, c) in call.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => return (&call[..at], &call[at + 1..]),
            _ => {}
        }
    }
    panic!("a route without a handler: {call:.60}");
}

/// The pattern that an expression stands for: a text, one put together, or a constant of the file.
fn pattern_of(expression: &str, file: &str) -> String {
    if let Some(text) = expression.strip_prefix('"') {
        return text.trim_end_matches('"').to_owned();
    }
    if let Some(format) = expression.strip_prefix("&format!(\"") {
        let text = format.split('"').next().unwrap();
        // What is put in first is the name of a constant or of a variable.
        let text = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
        let (name, rest) = text.strip_prefix('{').and_then(|text| text.split_once('}')).unwrap_or(("", &text));
        let first = match constant(name, file) {
            Some(value) => value,
            None => format!("<{name}>"),
        };
        return format!("{first}{rest}").replace('\u{1}', "{").replace('\u{2}', "}");
    }
    let name = expression.trim_start_matches('&');
    constant(name, file).unwrap_or_else(|| format!("<{name}>"))
}

fn constant(name: &str, file: &str) -> Option<String> {
    let value = [format!("const {name}: &str = \""), format!("let {name} = \"")];
    let start = value.iter().find(|start| file.contains(*start))?;
    Some(file.split(start).nth(1)?.split('"').next()?.to_owned())
}
