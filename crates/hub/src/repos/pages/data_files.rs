//! Which file shows the rows of which part of a dataset: as the card says it, or else by the names of files, much as the library
//! `datasets` reads them.

use super::configs::DatasetConfig;

/// Endings of files that are read as tables, the ones that say most first.
const TABLES: &[&[&str]] = &[&["parquet"], &["csv", "tsv"], &["jsonl", "ndjson"], &["json"]];
/// Files about the data.
const ABOUT: &[&str] = &["dataset_infos.json", "dataset_info.json", "state.json", "config.json"];
/// Words in paths that name a part.
const SPLIT_WORDS: &[(&str, &[&str])] = &[
    ("train", &["train", "training"]),
    ("validation", &["validation", "valid", "val", "dev"]),
    ("test", &["test", "testing", "eval", "evaluation"]),
];

/// How many times patterns are compared with paths, at most.
const MAX_COMPARISONS: usize = 2_000_000;
/// How much work these comparisons may be: the lengths of patterns times those of paths.
const MAX_COMPARED_BYTES: usize = 500_000_000;
/// How many files all parts may have together: parts may share files.
const MAX_LISTED: usize = 200_000;

/// A way to load a dataset, with a file of each of its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConfigFiles {
    /// Its name.
    pub name: String,
    /// The parts, each with a file.
    pub splits: Vec<(String, String)>,
}

/// Finds them among these paths. Without any, no file can be shown as a table.
pub(super) fn config_files(configs: &[DatasetConfig], paths: &[String]) -> Vec<ConfigFiles> {
    let mut tables: Vec<&String> = paths.iter().filter(|path| rank(path).is_some()).collect();
    tables.sort_by_key(|path| rank(path));
    let mut found = of_card(configs, &tables);
    if found.is_empty() {
        found.extend(of_names(&tables));
    }
    found
}

/// A way to load a dataset, with all files of one format of each of its parts.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::repos) struct ConfigParts {
    /// Its name.
    pub name: String,
    /// The parts, each with its files.
    pub splits: Vec<(String, Vec<String>)>,
}

/// All Parquet files of each part among these paths, in the order of their names. Nothing when there is too much to compare or to list.
pub(in crate::repos) fn parquet_files(configs: &[DatasetConfig], paths: &[String]) -> Option<Vec<ConfigParts>> {
    let mut tables: Vec<&str> = paths.iter().map(String::as_str).filter(|path| rank(path) == Some(0)).collect();
    tables.sort_unstable();
    let (mut comparisons, mut bytes) = (0_usize, 0_usize);
    for pattern in configs.iter().flat_map(|config| &config.splits).flat_map(|split| &split.files) {
        let compared = candidates(&tables, pattern);
        let length: usize = compared.iter().map(|path| path.len()).sum();
        comparisons = comparisons.saturating_add(compared.len());
        bytes = bytes.saturating_add(length.saturating_mul(pattern.len()));
        if comparisons > MAX_COMPARISONS || bytes > MAX_COMPARED_BYTES {
            return None;
        }
    }
    let of_card = all_of_card(configs, &tables)?;
    Some(if of_card.is_empty() { all_of_names(&tables).into_iter().collect() } else { of_card })
}

/// Nothing when it is too much.
fn all_of_card(configs: &[DatasetConfig], tables: &[&str]) -> Option<Vec<ConfigParts>> {
    let mut ordered: Vec<&DatasetConfig> = configs.iter().collect();
    ordered.sort_by_key(|config| !config.is_default);
    let mut found: Vec<ConfigParts> = Vec::new();
    let mut listed = 0;
    for config in ordered {
        // Of two with one name, the first counts.
        if found.iter().any(|known| known.name == config.name) {
            continue;
        }
        let mut splits: Vec<(String, Vec<String>)> = Vec::new();
        for split in &config.splits {
            let files = files_of(&split.files, tables);
            listed += files.len();
            if listed > MAX_LISTED {
                return None;
            }
            match splits.iter_mut().find(|(name, _)| *name == split.name) {
                Some((_, known)) => known.extend(files),
                None if files.is_empty() => {}
                None => splits.push((split.name.clone(), files)),
            }
        }
        if !splits.is_empty() {
            found.push(ConfigParts { name: config.name.clone(), splits });
        }
    }
    Some(found)
}

/// The paths, which are sorted, that fit one of the patterns.
fn files_of(patterns: &[String], tables: &[&str]) -> Vec<String> {
    let mut found: Vec<&str> = Vec::new();
    for pattern in patterns {
        found.extend(candidates(tables, pattern).iter().copied().filter(|path| matches(pattern, path)));
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(str::to_owned).collect()
}

/// Of sorted paths, those that begin as a pattern does before its first wildcard.
fn candidates<'a, 'b>(tables: &'a [&'b str], pattern: &str) -> &'a [&'b str] {
    let start = pattern.trim_start_matches("./").split(['*', '?']).next().unwrap_or_default().trim_end_matches('/');
    let from = tables.partition_point(|path| *path < start);
    let count = tables[from..].partition_point(|path| path.starts_with(start));
    &tables[from..from + count]
}

fn all_of_names(tables: &[&str]) -> Option<ConfigParts> {
    let named = |words: &[&str]| -> Vec<String> {
        tables.iter().filter(|path| has_word(path, words)).map(|path| (*path).to_owned()).collect()
    };
    let splits = SPLIT_WORDS.iter().map(|(name, words)| ((*name).to_owned(), named(words)));
    let mut splits: Vec<(String, Vec<String>)> = splits.filter(|(_, files)| !files.is_empty()).collect();
    if splits.is_empty() && !tables.is_empty() {
        splits.push(("train".to_owned(), tables.iter().map(|path| (*path).to_owned()).collect()));
    }
    (!splits.is_empty()).then(|| ConfigParts { name: "default".to_owned(), splits })
}

fn of_card(configs: &[DatasetConfig], tables: &[&String]) -> Vec<ConfigFiles> {
    let file_of = |patterns: &[String]| {
        tables.iter().find(|path| patterns.iter().any(|pattern| matches(pattern, path))).map(|path| (*path).clone())
    };
    let mut found = Vec::new();
    let mut ordered: Vec<&DatasetConfig> = configs.iter().collect();
    ordered.sort_by_key(|config| !config.is_default);
    for config in ordered {
        let splits = config.splits.iter().filter_map(|split| Some((split.name.clone(), file_of(&split.files)?)));
        let splits: Vec<_> = splits.collect();
        if !splits.is_empty() {
            found.push(ConfigFiles { name: config.name.clone(), splits });
        }
    }
    found
}

fn of_names(tables: &[&String]) -> Option<ConfigFiles> {
    let named = |words: &[&str]| tables.iter().find(|path| has_word(path, words)).map(|path| (*path).clone());
    let mut splits: Vec<(String, String)> =
        SPLIT_WORDS.iter().filter_map(|(name, words)| Some(((*name).to_owned(), named(words)?))).collect();
    if splits.is_empty() {
        splits.push(("train".to_owned(), (*tables.first()?).clone()));
    }
    Some(ConfigFiles { name: "default".to_owned(), splits })
}

/// How well a file of this name can be shown, the best first; nothing for what is no table.
fn rank(path: &str) -> Option<usize> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let (_, ending) = name.rsplit_once('.')?;
    if name.starts_with('.') || path.starts_with('.') || ABOUT.contains(&name.as_str()) {
        return None;
    }
    TABLES.iter().position(|endings| endings.contains(&ending))
}

/// Whether one of the words stands in a path by itself: not within a longer one.
fn has_word(path: &str, words: &[&str]) -> bool {
    let path = path.to_ascii_lowercase();
    path.split(|character: char| !character.is_ascii_alphabetic()).any(|part| words.contains(&part))
}

/// Whether a path fits a pattern of a card: `*` stands for anything within a name, `**` for folders, `?` for one character.
fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.trim_start_matches("./").split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    wild(
        &pattern,
        &path,
        |part| *part == "**",
        |pattern, name| {
            let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            wild(&pattern, &name, |character| *character == '*', |wanted, found| *wanted == '?' || wanted == found)
        },
    )
}

/// Matches with one kind of wildcard, for any number of items, going back to the last one only: the work is at most the product
/// of both lengths.
fn wild<T>(pattern: &[T], items: &[T], is_any: impl Fn(&T) -> bool, fits: impl Fn(&T, &T) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while item < items.len() {
        match pattern.get(at) {
            Some(part) if is_any(part) => {
                last = Some((at, item));
                at += 1;
            }
            Some(part) if fits(part, &items[item]) => {
                at += 1;
                item += 1;
            }
            _ => {
                let Some((any, taken)) = last else { return false };
                last = Some((any, taken + 1));
                (at, item) = (any + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use super::super::configs::configs_of;
    use super::*;

    fn found(card: serde_json::Value, paths: &[&str]) -> Vec<(String, Vec<(String, String)>)> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        config_files(&configs_of(&card), &paths).into_iter().map(|config| (config.name, config.splits)).collect()
    }

    fn split(name: &str, path: &str) -> (String, String) {
        (name.to_owned(), path.to_owned())
    }

    #[test]
    fn the_card_says_which_file_is_which_part() {
        let card = serde_json::json!({"configs": [
            {"config_name": "small", "data_files": [{"split": "train", "path": "small/train-*"}, {"split": "gone", "path": "x/*"}]},
            {"config_name": "all", "default": true, "data_files": [{"split": "train", "path": "**/train-?.parquet"}]},
            {"config_name": "none", "data_files": "nothing.csv"},
        ]});
        let paths = ["README.md", "a/b/train-0.parquet", "small/train-00.csv"];
        assert_eq!(
            found(card, &paths),
            [
                ("all".to_owned(), vec![split("train", "a/b/train-0.parquet")]),
                ("small".to_owned(), vec![split("train", "small/train-00.csv")])
            ]
        );
    }

    #[test]
    fn names_of_files_say_it_otherwise() {
        let none = || serde_json::json!({});
        let paths = ["data/dev.jsonl", "data/train-0.csv", "data/train-0.parquet", "latest.csv", "dataset_infos.json"];
        assert_eq!(
            found(none(), &paths),
            [("default".to_owned(), vec![split("train", "data/train-0.parquet"), split("validation", "data/dev.jsonl")])]
        );
        assert_eq!(found(none(), &["latest.json"]), [("default".to_owned(), vec![split("train", "latest.json")])]);
        assert!(found(none(), &["README.md", "a.png", ".hidden.csv", "dataset_infos.json"]).is_empty());
    }

    #[test]
    fn all_parquet_files_of_each_part_are_found() {
        let found = |card: serde_json::Value, paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            let found = parquet_files(&configs_of(&card), &paths).unwrap().into_iter();
            found.map(|config| (config.name, config.splits)).collect::<Vec<_>>()
        };
        let part =
            |name: &str, paths: &[&str]| (name.to_owned(), paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
        let paths = ["data/train-1.parquet", "data/train-0.parquet", "data/train-0.csv", "data/dev.parquet", "x.parquet"];
        assert_eq!(
            found(serde_json::json!({}), &paths),
            [(
                "default".to_owned(),
                vec![part("train", &["data/train-0.parquet", "data/train-1.parquet"]), part("validation", &["data/dev.parquet"])]
            )]
        );
        let card = serde_json::json!({"configs": [
            {"config_name": "a", "data_files": [{"split": "train", "path": "data/train-*"}, {"split": "train", "path": "x.parquet"}]},
            {"config_name": "b", "default": true, "data_files": "data/dev.*"},
            {"config_name": "none", "data_files": "*.csv"},
        ]});
        assert_eq!(
            found(card, &paths),
            [
                ("b".to_owned(), vec![part("train", &["data/dev.parquet"])]),
                ("a".to_owned(), vec![part("train", &["data/train-0.parquet", "data/train-1.parquet", "x.parquet"])]),
            ]
        );
        assert_eq!(
            found(serde_json::json!({}), &["b.parquet", "a.parquet"]),
            [("default".to_owned(), vec![part("train", &["a.parquet", "b.parquet"])])]
        );
        assert!(found(serde_json::json!({}), &["a.csv"]).is_empty());
        let twice = serde_json::json!({"configs": [
            {"config_name": "a", "data_files": "data/dev*"},
            {"config_name": "a", "data_files": "./x.*"},
        ]});
        assert_eq!(found(twice, &paths), [("a".to_owned(), vec![part("train", &["data/dev.parquet"])])]);
    }

    #[test]
    fn neither_comparing_nor_listing_goes_on_for_ever() {
        let many: Vec<String> = (0..50_000).map(|number| format!("{number}.parquet")).collect();
        let of = |splits: usize, pattern: &str| {
            let splits: Vec<_> = (0..splits).map(|n| serde_json::json!({"split": format!("s{n}"), "path": pattern})).collect();
            let card = serde_json::json!({"configs": [{"config_name": "a", "data_files": splits}]});
            parquet_files(&configs_of(&card), &many).map(|found| found.len())
        };
        assert_eq!(of(2, "*"), Some(1));
        assert_eq!(of(5, "*"), None, "250,000 files are too many");
        assert_eq!(of(12, &"*a".repeat(60)), None, "that would take too long");
        assert_eq!(of(12, &format!("x{}", "*a".repeat(59))), Some(1), "what begins otherwise is not looked at");
    }

    #[test]
    fn patterns_fit_as_those_of_shells_do() {
        for (pattern, path) in [
            ("*.csv", "a.csv"),
            ("data/*", "data/a.csv"),
            ("**", "a/b/c.csv"),
            ("**/*.csv", "c.csv"),
            ("a/**/c*", "a/c.csv"),
            ("a/**/c.*", "a/b/b/c.csv"),
            ("./a.csv", "a.csv"),
            ("train-?-*.csv", "train-1-of-2.csv"),
            ("*a*b*", "xaxxbx"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("*.csv", "a/a.csv"), ("data/*", "data/b/a.csv"), ("a", "ab"), ("?", "ab"), ("a/**/c", "a/b/d")] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
        assert!(!matches(&"*a".repeat(60), &"a".repeat(1_000).replace("aaaaaaaaaa", "aaaaaaaaab")));
    }
}
