use hub_types::RepoType;

use super::*;

#[test]
fn default_rules_put_weights_and_data_in_lfs() {
    let rules = LfsRules::parse(&default_attributes(RepoType::Model));
    for path in
        ["model.safetensors", "a/b/c.bin", "x.tar.gz", "saved_model/1/x.txt", "logs/events.out.tfevents.1", "d/train.parquet"]
    {
        assert!(rules.is_lfs(path), "{path}");
    }
    for path in ["README.md", "config.json", "saved_model", "other/saved_model/1/x.txt", "a.PNG", "photo.jpg", "bin"] {
        assert!(!rules.is_lfs(path), "{path}");
    }
    let dataset = LfsRules::parse(&default_attributes(RepoType::Dataset));
    assert!(dataset.is_lfs("photo.jpg") && dataset.is_lfs("a/sound.wav") && !dataset.is_lfs("train.csv"));
}

#[test]
fn the_last_line_that_speaks_of_the_filter_wins() {
    let rules =
        LfsRules::parse("*.bin filter=lfs\n*.txt text\nsmall/*.bin -filter\n*.npy filter=lfs\nx.npy !filter\n*.bin diff=lfs\n");
    assert!(rules.is_lfs("a.bin") && rules.is_lfs("small/deep/a.bin") && rules.is_lfs("y.npy"));
    assert!(!rules.is_lfs("small/a.bin") && !rules.is_lfs("x.npy") && !rules.is_lfs("sub/x.npy") && !rules.is_lfs("a.txt"));
}

#[test]
fn odd_patterns_are_read_like_git_reads_them() {
    let rules = LfsRules::parse(concat!(
        "# *.md filter=lfs\n",
        "\"with space.bin\" filter=lfs\n",
        "my[[:space:]]file.dat filter=lfs\n",
        "{a,b}.c filter=lfs\n",
        "/root.json filter=lfs\r\n",
        "\t*.x\tfilter=lfs\n",
        "!neg filter=lfs\n",
        "[oops filter=lfs\n",
        "star\\*.y filter=lfs\n",
    ));
    for path in ["with space.bin", "d/my file.dat", "{a,b}.c", "root.json", "q.x", "star*.y"] {
        assert!(rules.is_lfs(path), "{path}");
    }
    for path in ["a.md", "a.c", "sub/root.json", "neg", "starry.y"] {
        assert!(!rules.is_lfs(path), "{path}");
    }
}

#[test]
fn uncovered_paths_are_appended_once() {
    let paths: Vec<String> = ["w.bin", "big.json", "a b/[x]*.txt", "#c", "big.json"].map(String::from).to_vec();
    let text = cover_lfs_paths("*.bin filter=lfs", &paths).unwrap();
    assert_eq!(
        text,
        format!(
            "*.bin filter=lfs\n/big.json {LFS_ATTRIBUTES}\n/a[[:space:]]b/\\[x\\]\\*.txt {LFS_ATTRIBUTES}\n/#c {LFS_ATTRIBUTES}\n"
        )
    );
    let rules = LfsRules::parse(&text);
    assert!(paths.iter().all(|path| rules.is_lfs(path)));
    assert!(!rules.is_lfs("sub/big.json"));
    assert_eq!(cover_lfs_paths(&text, &paths), None);
}

#[test]
fn ignored_folders_take_their_files_along() {
    let rules = IgnoreRules::parse("*.log\nbuild/\n!keep.log\n/top.txt\n");
    for path in ["a.log", "x/y.log", "build/x.bin", "sub/build/deep/x", "top.txt"] {
        assert!(rules.is_ignored(path), "{path}");
    }
    for path in ["keep.log", "build", "sub/top.txt", "README.md"] {
        assert!(!rules.is_ignored(path), "{path}");
    }
}
