//! Which imports are harmless, and which no model needs.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::report::Safety;

/// `safety`, `module`, `names`; see the head of the file.
const RULES: &str = include_str!("../../data/pickle_imports.tsv");

struct Rules {
    /// By module and name.
    exact: HashMap<(&'static str, &'static str), Safety>,
    /// By module, for all names.
    modules: HashMap<&'static str, Safety>,
    /// By module and its submodules, for names of classes.
    classes: Vec<&'static str>,
}

static TABLE: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Rules { exact: HashMap::new(), modules: HashMap::new(), classes: Vec::new() };
    for line in RULES.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let (Some(safety), Some(module), Some(names)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let safety = if safety == "dangerous" { Safety::Dangerous } else { Safety::Innocuous };
        for name in names.split(' ') {
            if name == "*" {
                rules.modules.insert(module, safety);
            } else if name == "Class" {
                rules.classes.push(module);
            } else {
                rules.exact.insert((module, name), safety);
            }
        }
    }
    rules
});

/// What an import may do. A dotted name (`Path.unlink`) is what its module says, and never harmless.
pub(crate) fn safety_of(module: &str, name: &str) -> Safety {
    let table = &*TABLE;
    let first = name.split('.').next().unwrap_or(name);
    // `os.system` of `posixpath`.
    let reached = name.split('.').take_while(|part| *part != name).any(|part| classify_module(part) == Some(Safety::Dangerous));
    let exact = table.exact.get(&(module, name)).or_else(|| table.exact.get(&(module, first)));
    let found =
        exact.copied().or_else(|| classify_module(module)).or_else(|| is_class(table, module, name).then_some(Safety::Innocuous));
    match found {
        Some(Safety::Dangerous) => Safety::Dangerous,
        _ if reached => Safety::Dangerous,
        Some(Safety::Innocuous) if first == name => Safety::Innocuous,
        _ => Safety::Suspicious,
    }
}

/// What all names of a module may do: the module's own rule, or that of one it is in.
pub(crate) fn classify_module(module: &str) -> Option<Safety> {
    let mut outer = module;
    loop {
        match TABLE.modules.get(outer) {
            Some(Safety::Dangerous) => return Some(Safety::Dangerous),
            Some(safety) if outer == module => return Some(*safety),
            _ => outer = outer.rsplit_once('.')?.0,
        }
    }
}

fn is_class(table: &Rules, module: &str, name: &str) -> bool {
    let is_within = |outer: &&str| module.strip_prefix(*outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        && table.classes.iter().any(is_within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_apart() {
        for (module, name, safety) in [
            ("collections", "OrderedDict", Safety::Innocuous),
            ("torch._utils", "_rebuild_tensor_v2", Safety::Innocuous),
            ("torch", "FloatStorage", Safety::Innocuous),
            ("torch.nn.modules.linear", "Linear", Safety::Innocuous),
            ("numpy._core.multiarray", "_reconstruct", Safety::Innocuous),
            ("numpy", "memmap", Safety::Suspicious),
            ("xgboost.core", "DMatrix", Safety::Dangerous),
            ("xgboost.core", "Booster", Safety::Innocuous),
            ("gensim.models.word2vec", "LineSentence", Safety::Dangerous),
            ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", Safety::Innocuous),
            ("sklearn.externals.joblib.parallel", "Parallel", Safety::Dangerous),
            ("numpy.core", "memmap", Safety::Suspicious),
            ("numpy._core", "memmap", Safety::Suspicious),
            ("sklearn.ensemble._forest", "RandomForestClassifier", Safety::Innocuous),
            ("sklearn.ensemble._forest", "RandomForestClassifier.fit", Safety::Suspicious),
            ("builtins", "set", Safety::Innocuous),
            ("builtins", "eval", Safety::Dangerous),
            ("__builtin__", "getattr", Safety::Dangerous),
            ("builtins", "frozenset.union", Safety::Suspicious),
            ("os", "system", Safety::Dangerous),
            ("os.path", "join", Safety::Dangerous),
            ("posix", "system", Safety::Dangerous),
            ("posixpath", "os.system", Safety::Dangerous),
            ("subprocess", "Popen", Safety::Dangerous),
            ("torch.hub", "load", Safety::Dangerous),
            ("pathlib", "PosixPath", Safety::Innocuous),
            ("pathlib", "PosixPath.unlink", Safety::Suspicious),
            ("my_package.models", "Net", Safety::Suspicious),
            ("ossaudiodev", "open", Safety::Suspicious),
        ] {
            assert_eq!(safety_of(module, name), safety, "{module} {name}");
        }
    }

    #[test]
    fn every_rule_is_read() {
        for line in RULES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert!(fields.len() == 3 && matches!(fields[0], "innocuous" | "dangerous"), "{line}");
            assert!(!fields[2].contains("  ") && fields[2].trim() == fields[2], "{line}");
        }
        assert!(TABLE.exact.len() > 150 && TABLE.modules.len() > 60);
    }
}
