//! Opening, committing, rebuilding, and what is left after a crash.

use std::{fs, sync::Arc};

use hub_search::{Change, Counters, Position, SearchError, SearchQuery, Sort, TantivyIndex};
use hub_types::RepoType;

use crate::corpus::{downloaded, index_of, model, upserts};

fn ids(index: &TantivyIndex) -> Vec<i64> {
    let query = SearchQuery { sort: Sort::Downloads, ..SearchQuery::new(RepoType::Model) };
    index.search(&query).unwrap().hits.into_iter().map(|hit| hit.pk).collect()
}

#[test]
fn an_index_goes_on_where_it_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(folder.path()).unwrap();
    assert_eq!(index.position().unwrap(), None);
    index.apply(&upserts([model(1, "a/one"), model(2, "a/two")]), Position(7)).unwrap();
    index.update_counters(&[(1, Counters { downloads: 5, ..Counters::default() }), (99, Counters::default())]).unwrap();
    drop(index);
    let index = TantivyIndex::open(folder.path()).unwrap();
    assert_eq!(index.position().unwrap(), Some(Position(7)));
    assert_eq!(ids(&index), [1, 2]);
    index.apply(&[Change::Delete(1), Change::Delete(1), Change::Delete(50)], Position(8)).unwrap();
    assert_eq!(ids(&index), [2]);
}

#[test]
fn a_copy_from_the_middle_of_writing_is_what_was_committed_before() {
    let (index, folder) = index_of([model(1, "a/one")]);
    let copy = tempfile::tempdir().unwrap();
    let rebuild = Arc::clone(&index).rebuild().unwrap();
    rebuild.add(&[model(1, "a/one"), model(2, "a/two")]).unwrap();
    copy_all(folder.path(), copy.path());
    let crashed = TantivyIndex::open(copy.path()).unwrap();
    assert_eq!((ids(&crashed), crashed.position().unwrap()), (vec![1], Some(Position(1))));
    let folders = fs::read_dir(copy.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(folders, 1, "what was not finished is removed");
    rebuild.finish(Position(4)).unwrap();
    assert_eq!((ids(&index), index.position().unwrap()), (vec![2, 1], Some(Position(4))));
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            // The writer is at work: what it has just renamed is met under its new name, or not at all.
            match fs::copy(entry.path(), target) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => _ = other.unwrap(),
            }
        }
    }
}

#[test]
fn one_process_has_the_folder() {
    let (_index, folder) = index_of([]);
    assert!(matches!(TantivyIndex::open(folder.path()), Err(SearchError::InUse(_))));
}

#[test]
fn a_damaged_index_is_begun_anew() {
    for damage in ["meta.json", ".store"] {
        let (index, folder) = index_of((0..300).map(|pk| model(pk, &format!("a/n{pk}"))));
        drop(index);
        let name = fs::read_to_string(folder.path().join("current")).unwrap();
        let file = fs::read_dir(folder.path().join(name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_str().unwrap().ends_with(damage))
            .unwrap();
        let len = fs::metadata(&file).unwrap().len() as usize;
        fs::write(&file, vec![0x5a; len]).unwrap();
        let index = TantivyIndex::open(folder.path()).unwrap();
        assert_eq!(index.position().unwrap(), None, "{damage}");
        assert!(ids(&index).is_empty());
        index.apply(&upserts([model(1, "a/one")]), Position(1)).unwrap();
        assert_eq!(ids(&index), [1]);
    }
}

#[test]
fn the_index_is_searched_and_changed_while_it_is_rebuilt() {
    let (index, folder) = index_of([model(1, "a/one")]);
    let rebuild = Arc::clone(&index).rebuild().unwrap();
    rebuild.add(&[downloaded(model(1, "a/uno"), 3), model(3, "a/tres")]).unwrap();
    index.apply(&upserts([model(2, "a/two")]), Position(2)).unwrap();
    assert_eq!(ids(&index), [2, 1]);
    rebuild.finish(Position(1)).unwrap();
    assert_eq!(ids(&index), [1, 3]);
    assert_eq!(index.position().unwrap(), Some(Position(1)), "what happened since is applied again");
    index.apply(&upserts([model(2, "a/two")]), Position(2)).unwrap();
    assert_eq!(ids(&index), [1, 3, 2]);
    drop(index);
    assert_eq!(ids(&TantivyIndex::open(folder.path()).unwrap()), [1, 3, 2]);
}

#[test]
fn a_rebuild_that_is_given_up_leaves_nothing() {
    let (index, folder) = index_of([model(1, "a/one")]);
    let rebuild = Arc::clone(&index).rebuild().unwrap();
    rebuild.add(&[model(2, "a/two")]).unwrap();
    drop(rebuild);
    let folders = fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!((folders, ids(&index)), (1, vec![1]));
}

#[test]
fn searches_go_on_while_changes_are_applied() {
    let (index, _folder) = index_of((0..500).map(|pk| model(pk, &format!("a/bert-{pk}"))));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..20 {
                let changes = upserts((0..50).map(|pk| downloaded(model(pk, &format!("a/bert-{pk}")), round)));
                index.apply(&changes, Position(2 + round.cast_signed())).unwrap();
            }
        });
        for _ in 0..200 {
            let query = SearchQuery { text: "bert".to_owned(), sort: Sort::Relevance, ..SearchQuery::new(RepoType::Model) };
            assert_eq!(index.search(&query).unwrap().total, 500);
        }
    });
}
