use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn merge(base: &str, ours: &str, theirs: &str) -> MergedMetadata {
    merge_metadata(base, ours, theirs, &BTreeMap::new()).unwrap()
}

/// What becomes of blocks that go together.
fn joined(base: &str, ours: &str, theirs: &str) -> String {
    let merged = merge(base, ours, theirs);
    assert!(merged.conflicts.is_empty(), "{:?}", merged.conflicts);
    merged.yaml.unwrap()
}

fn keys(merged: &MergedMetadata) -> Vec<&str> {
    merged.conflicts.iter().map(|conflict| conflict.key.as_str()).collect()
}

const BASE: &str = "# About the model\nlicense: mit # short\ntags:\n- a\n# of old\n- b\nlanguage: en\n";

#[test]
fn each_side_keeps_what_it_wrote() {
    let ours = BASE.replace("- b\n", "- b\n- c\n").replace("language: en", "language: [en, de]");
    let theirs = BASE.replace("- a\n", "").replace("- b\n", "- b\n- d\n") + "# Where it comes from\nbase_model: x/y\n";
    let expected = "# About the model\nlicense: mit # short\ntags:\n# of old\n- b\n- c\n- d\nlanguage: [en, de]\n# Where it comes from\nbase_model: x/y\n";
    assert_eq!(joined(BASE, &ours, &theirs), expected);
    assert_eq!(joined(&BASE.replace('\n', "\r\n"), &ours.replace('\n', "\r\n"), &theirs), expected.replace('\n', "\r\n"));
    assert_eq!(joined("", "", ""), "");
    assert_eq!(joined("", "", "license: mit\n"), "license: mit\n");
    assert_eq!(joined("tags: [a]\nx: 1\n", "x: 1\n", "tags: [a]\nx: 2\n"), "x: 2\n");
}

#[test]
fn lists_of_texts_are_sets_with_an_order() {
    assert_eq!(joined("tags: [a, b]\n", "tags: [a, b, c]\n", "tags: [b, d, d]\n"), "tags:\n- b\n- c\n- d\n");
    assert_eq!(joined("tags:\n  - a\n", "tags:\n  - a\n  - c\n", "tags:\n  - no\n  - a\n"), "tags:\n  - a\n  - c\n  - \"no\"\n");
    // One that became a list, and one that everything was taken out of.
    assert_eq!(joined("language: en\n", "language: [en, de]\n", "language:\n- en\n- fr\n"), "language:\n- en\n- de\n- fr\n");
    assert_eq!(joined("tags: [a, b]\n", "tags: [a]\n", "tags: [b]\n"), "tags: []\n");
}

#[test]
fn both_changed_a_value_to_something_else() {
    let (ours, theirs) = ("license: apache-2.0\ntitle: x\n", "license: bsd\ntitle: x\n");
    let merged = merge("license: mit\ntitle: x\n", ours, theirs);
    assert_eq!((keys(&merged), &merged.yaml), (vec!["license"], &None));
    let conflict = &merged.conflicts[0];
    assert_eq!((&conflict.base, &conflict.ours), (&Some(json!("mit")), &Some(json!("apache-2.0"))));
    for (side, expected) in [(Side::Base, "mit"), (Side::Ours, "apache-2.0"), (Side::Theirs, "bsd")] {
        let choices = BTreeMap::from([("license".to_owned(), side)]);
        let merged = merge_metadata("license: mit\ntitle: x\n", ours, theirs, &choices).unwrap();
        assert_eq!(merged.yaml.unwrap(), format!("license: {expected}\ntitle: x\n"));
    }
    // Taken out here and changed there.
    let merged = merge("license: mit\n", "", "license: bsd\n");
    assert_eq!(keys(&merged), ["license"]);
    let gone = merge_metadata("license: mit\n", "", "license: bsd\n", &BTreeMap::from([("license".to_owned(), Side::Ours)]));
    assert_eq!(gone.unwrap().yaml.unwrap(), "");
}

#[test]
fn results_are_told_apart_by_what_was_evaluated() {
    let result = |dataset: &str, value: &str| {
        format!(
            "  - task:\n      type: text-generation\n    dataset:\n      name: {dataset}\n      type: {dataset}\n    metrics:\n    - type: acc\n      value: {value}\n"
        )
    };
    let index = |results: &[String]| format!("model-index:\n- name: bert\n  results:\n{}", results.concat());
    let base = index(&[result("glue", "0.5")]);
    let ours = index(&[result("glue", "0.5"), result("squad", "0.7")]);
    let theirs = index(&[result("glue", "0.6"), result("mmlu", "1e-7")]);
    let expected = index(&[result("glue", "0.6"), result("squad", "0.7"), result("mmlu", "1.0e-7")]);
    assert_eq!(joined(&base, &ours, &theirs), expected);
    let merged = merge(&base, &index(&[result("glue", "0.4")]), &index(&[result("glue", "0.6")]));
    assert_eq!(keys(&merged), ["model-index › bert › results › text-generation · glue › metrics › acc › value"]);
    // Two of the same cannot be told apart.
    let twice = index(&[result("glue", "0.1"), result("glue", "0.2")]);
    assert_eq!(keys(&merge(&base, &twice, &theirs)), ["model-index › bert › results"]);
}

#[test]
fn what_cannot_be_changed_key_by_key_is_left_to_others() {
    let none = |base: &str, ours: &str, theirs: &str| merge_metadata(base, ours, theirs, &BTreeMap::new()).is_none();
    assert!(none("a: 1\n", "a: [\n", "a: 2\n"), "no YAML");
    assert!(none("{a: 1}\n", "{a: 1, b: 2}\n", "{a: 2}\n"));
    assert!(none("a: &x 1\nb: *x\n", "a: &x 1\nb: *x\nc: 1\n", "b: 1\n"), "something else refers to it");
    let many = |value: &str| (0..150).map(|n| format!("k{n}: {value}\n")).collect::<String>();
    assert!(none(&many("a"), &many("b"), &many("c")), "more than anybody wants to decide");
}

#[test]
fn many_keys_and_items_are_joined_quickly() {
    let started = std::time::Instant::now();
    let list =
        |first: usize| format!("tags: [{}]\n", (first..first + 20_000).map(|n| format!("t{n}")).collect::<Vec<_>>().join(", "));
    assert_eq!(merge(&list(10), &list(0), &list(20)).values["tags"].as_array().unwrap().len(), 20_000 + 10 - 10);
    let results = |value: usize| {
        let items: Vec<String> = (0..4_000).map(|n| format!("{{name: m{n}, x: {value}}}")).collect();
        format!("model-index: [{}]\n", items.join(", "))
    };
    assert!(merge_metadata(&results(0), &results(1), &results(2), &BTreeMap::new()).is_none());
    assert!(started.elapsed().as_secs() < 8, "{:?}", started.elapsed());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[abc]", Just("no".to_owned()), Just("1.0".to_owned()), Just("a: b #c".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        vec(text(), 0..3).prop_map(Value::from),
        Just(Value::Null),
        Just(json!(0.5)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| btree_map("[abc]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())))
}

/// A block: each key on a line, as JSON.
fn block() -> impl Strategy<Value = String> {
    let key = prop_oneof![Just("license"), Just("tags"), Just("language"), Just("extra"), Just("title")];
    btree_map(key, value(), 0..5).prop_map(|map| map.iter().map(|(key, value)| format!("{key}: {value}\n")).collect())
}

/// With lists in one order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_key(ToString::to_string);
            items.dedup();
            Value::Array(items)
        }
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect()),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn an_unchanged_side_gives_the_other(base in block(), other in block()) {
        prop_assert_eq!(joined(&base, &other, &base), other.clone());
        prop_assert_eq!(read(&joined(&base, &base, &other)).unwrap(), read(&other).unwrap());
        prop_assert_eq!(joined(&base, &other, &other), other);
    }

    #[test]
    fn the_sides_may_change_places(base in block(), ours in block(), theirs in block()) {
        let (there, back) = (merge(&base, &ours, &theirs), merge(&base, &theirs, &ours));
        let [mut here_keys, mut back_keys] = [keys(&there), keys(&back)];
        here_keys.sort_unstable();
        back_keys.sort_unstable();
        prop_assert_eq!(here_keys, back_keys);
        if there.conflicts.is_empty() {
            prop_assert_eq!(sorted(&Value::Object(there.values)), sorted(&Value::Object(back.values)));
        }
    }

    #[test]
    fn no_key_is_lost_and_what_is_written_says_it(base in block(), ours in block(), theirs in block()) {
        let merged = merge(&base, &ours, &theirs);
        let [base_map, ours_map, theirs_map] = [&base, &ours, &theirs].map(|yaml| read(yaml).unwrap());
        for key in ours_map.keys().chain(theirs_map.keys()) {
            let removed = base_map.contains_key(key) && !(ours_map.contains_key(key) && theirs_map.contains_key(key));
            prop_assert!(removed || merged.values.contains_key(key), "{}", key);
        }
        for side in [Side::Ours, Side::Theirs, Side::Base] {
            let choices = merged.conflicts.iter().map(|conflict| (conflict.key.clone(), side)).collect();
            let settled = merge_metadata(&base, &ours, &theirs, &choices).unwrap();
            prop_assert_eq!(settled.conflicts.len(), 0);
            prop_assert_eq!(read(&settled.yaml.unwrap()).unwrap(), settled.values);
        }
    }
}
