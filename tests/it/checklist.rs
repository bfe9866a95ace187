//! The checklist of docs/security names tests that exist, and says how it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const PARTS: [&str; 3] = ["asvs-1-to-5.md", "asvs-6-to-10.md", "asvs-11-to-17.md"];
/// Items of levels 1 and 2.
const ITEMS: usize = 253;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The file of a test: the suites lie in `tests`, everything else in `crates`.
fn file_of(name: &str) -> PathBuf {
    let is_suite = ["it/", "acceptance/", "browser/", "faults/"].iter().any(|suite| name.starts_with(suite));
    root().join(if is_suite { "tests" } else { "crates" }).join(name)
}

/// Says what is wrong with the name of a test.
fn complaint(test: &str) -> Option<String> {
    let Some((file, function)) = test.split_once("::") else { return Some(format!("`{test}` names no function")) };
    let Ok(text) = std::fs::read_to_string(file_of(file)) else { return Some(format!("there is no file `{file}`")) };
    let (rust, python) = (format!("fn {function}("), format!("def {function}("));
    let found = text.contains(&rust) || text.contains(&python);
    (!found).then(|| format!("`{file}` has no test `{function}`"))
}

#[test]
fn every_item_has_a_state_and_the_tests_that_are_named_exist() {
    let mut items = BTreeSet::new();
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for part in PARTS {
        let text = std::fs::read_to_string(root().join("docs/security").join(part)).unwrap();
        for line in text.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [item, _level, _asks, state, here, shown] = cells.as_slice() else { panic!("not six cells: {line}") };
            assert!(items.insert((*item).to_owned()), "{item} is there twice");
            *states.entry((*state).to_owned()).or_default() += 1;
            if here.is_empty() || (*state == "met" && shown.is_empty()) {
                wrong.push(format!("{item} does not say how it is met, or what shows it"));
            }
            let tests = shown.split('`').filter(|word| word.contains("::"));
            wrong.extend(tests.filter_map(complaint).map(|what| format!("{item}: {what}")));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(items.len(), ITEMS);
    let summary = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    for (state, count) in states {
        assert!(summary.contains(&format!("\n| {state} | {count} | ")), "docs/security.md says not that {count} are {state}");
    }
}
