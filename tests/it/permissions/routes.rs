//! The routes as the sources mount them, so that a test can tell which one nobody thought of.

use std::path::{Path, PathBuf};

/// A route: its method and its pattern as the sources write it, with constants and what loops go over in place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    pub method: &'static str,
    pub pattern: String,
}

/// How the patterns of what is about one repository begin.
const REPOSITORIES: [&str; 5] = [
    "/api/{repo_type:models|datasets|spaces}/{namespace}/{name}",
    "/api/{repo_type:buckets}/{namespace}/{name}",
    "/{repo_type:datasets|spaces}/{namespace}/{name}",
    "/{repo_type:buckets}/{namespace}/{name}",
    "/{namespace}/{name}",
];

impl Route {
    /// Whether it is about one repository, rather than about lists, people and the rest.
    pub(super) fn is_about_a_repository(&self) -> bool {
        let mut rest = REPOSITORIES.iter().filter_map(|start| self.pattern.strip_prefix(start));
        rest.any(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn takes(&self, method: &str) -> bool {
        self.method == method || self.method == "ANY" || (method, self.method) == ("HEAD", "GET")
    }
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
    ("web::method(Method::GET)", "GET"),
    ("web::method(method)", "ANY"),
    ("web::to(", "ANY"),
];

/// All routes of the hub. A way to mount one that is not known here is a failure, not a gap.
pub(super) fn mounted() -> Vec<Route> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hub/src");
    let files = sources(&root).into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text.split("#[cfg(test)]").next().unwrap().to_owned())
    });
    let sources = Sources(files.collect());
    let mut routes = Vec::new();
    for (path, text) in &sources.0 {
        for other in [".service(", "web::resource(", "web::scope("] {
            assert!(!text.contains(other), "{}: mount it by `.route(`, not by `{other}`", path.display());
        }
        for (at, start) in text.match_indices(".route(") {
            let (pattern, rest) = split_argument(&text[at + start.len()..]);
            let rest = rest.trim_start();
            let method = METHODS.iter().find(|(start, _)| rest.starts_with(start)).map(|(_, method)| *method);
            let method = method.unwrap_or_else(|| panic!("{}: a route by another method: {rest:.60}", path.display()));
            let patterns = sources.patterns_of(pattern.trim(), &text[..at], text);
            routes.extend(patterns.into_iter().map(|pattern| Route { method, pattern }));
        }
    }
    assert!(routes.len() > 500, "the sources were not read: {} routes", routes.len());
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

/// The files of the hub, each with its text.
struct Sources(Vec<(PathBuf, String)>);

impl Sources {
    /// The patterns that an expression stands for: a text, one put together, a constant, or what a loop goes over. What cannot be told
    /// stays as `<name>`.
    fn patterns_of(&self, expression: &str, before: &str, file: &str) -> Vec<String> {
        if let Some(text) = expression.strip_prefix('"') {
            return vec![text.trim_end_matches('"').to_owned()];
        }
        let Some(format) = expression.strip_prefix("&format!(\"") else {
            return self.values_of(expression.trim_start_matches('&'), before, file);
        };
        let (text, arguments) = format.split_once('"').unwrap();
        let mut patterns = vec![text.replace("{{", "\u{1}").replace("}}", "\u{2}")];
        while patterns.iter().any(|pattern| pattern.contains('{')) {
            let filled = patterns.iter().flat_map(|pattern| {
                let (start, rest) = pattern.split_once('{').unwrap();
                let (name, rest) = rest.split_once('}').unwrap();
                let name = if name.is_empty() { arguments.trim_matches([',', ' ', ')']) } else { name };
                let values = self.values_of(name, before, file);
                values.into_iter().map(move |value| format!("{start}{}{rest}", value.replace('{', "\u{1}").replace('}', "\u{2}")))
            });
            patterns = filled.collect();
        }
        patterns.iter().map(|pattern| pattern.replace('\u{1}', "{").replace('\u{2}', "}")).collect()
    }

    /// What a name may stand for: what the nearest loop before goes over, or what it is in its file, or in another one.
    fn values_of(&self, name: &str, before: &str, file: &str) -> Vec<String> {
        let name = name.rsplit("::").next().unwrap();
        let of_loop = before.lines().rev().find_map(|line| {
            let (variables, list) = line.trim().strip_prefix("for ")?.strip_suffix(" {")?.split_once(" in ")?;
            variables.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name).then_some(list)
        });
        if let Some(list) = of_loop {
            return self.values_in(list, file);
        }
        let here = value_of(&format!("let {name} = "), file).or_else(|| value_of(&format!("const {name}: "), file));
        let there = || self.0.iter().find_map(|(_, text)| value_of(&format!("const {name}: "), text));
        match here.or_else(there) {
            Some(value) if !value.starts_with("format!") => self.values_in(value, file),
            _ => vec![format!("<{name}>")],
        }
    }

    /// The texts of an expression, and those of the constants that it names.
    fn values_in(&self, expression: &str, file: &str) -> Vec<String> {
        let mut values: Vec<String> = expression.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        if values.is_empty() {
            let words = expression.split(|c: char| !c.is_ascii_uppercase() && c != '_');
            let names = words.filter(|word| word.len() > 1 && word.starts_with(|c: char| c.is_ascii_uppercase()));
            values = names.flat_map(|name| self.values_of(name, "", file)).collect();
        }
        values
    }
}

/// What is said behind the beginning of a `let` or `const`, up to the semicolon.
fn value_of<'a>(start: &str, text: &'a str) -> Option<&'a str> {
    let rest = text.split_once(start)?.1;
    // `const PATHS: [&str; 2] = …` has a semicolon before its value.
    let value = if start.starts_with("const") { rest.split_once("= ")?.1 } else { rest };
    value.split(';').next()
}

/// The route that takes a path: of those whose patterns fit, the one that says most of it literally.
pub(super) fn serving<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<&'a Route> {
    let path = path.split('?').next().unwrap();
    let fitting = routes.iter().filter(|route| route.takes(method)).filter_map(|route| Some((fit(&route.pattern, path)?, route)));
    fitting.max_by_key(|(said, _)| *said).map(|(_, route)| route)
}

/// How many parts of a path a pattern says literally, if it fits.
fn fit(pattern: &str, path: &str) -> Option<usize> {
    let (mut said, mut parts) = (0, path.split('/'));
    for wanted in pattern.split('/') {
        let part = parts.next()?;
        let Some(variable) = wanted.strip_prefix('{') else {
            if wanted != part {
                return None;
            }
            said += 1;
            continue;
        };
        let (variable, end) = variable.split_once('}')?;
        match variable.split_once(':') {
            Some((_, ".*")) => return Some(said),
            Some((_, choices)) if choices.split('|').any(|choice| part.strip_suffix(end) == Some(choice)) => said += 1,
            Some(_) => return None,
            None if part.is_empty() || !part.ends_with(end) => return None,
            None => {}
        }
    }
    parts.next().is_none().then_some(said)
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn whole_patterns_fit() {
        assert_eq!(fit("/{a}/{b}/settings", "/acme/public/settings"), Some(2));
        assert_eq!(fit("/{a}/{b}/settings", "/acme/public/settings/move"), None);
        assert_eq!(fit("/{a}/{b}/{num}", "/acme/public"), None);
        assert_eq!(fit("/{a:x|y}/{b}/tree/{tail:.*}", "/y/public/tree/"), Some(3));
        assert_eq!(fit("/{a:x|y}/{b}/tree/{tail:.*}", "/z/public/tree/"), None);
    }
}
