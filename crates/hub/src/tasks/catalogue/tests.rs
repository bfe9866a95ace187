use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn catalogue() -> &'static Catalogue {
    LazyLock::force(&CATALOGUE).as_ref().unwrap()
}

fn every_id() -> impl Iterator<Item = &'static str> {
    known::TASKS.iter().chain(known::FORMER_TASKS).map(|task| task.id)
}

#[test]
fn every_task_has_its_file_and_every_file_its_task() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tasks/data");
    let on_disk = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let on_disk: BTreeSet<String> = on_disk.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let known: BTreeSet<String> = every_id().chain(["metrics"]).map(str::to_owned).collect();
    assert_eq!(on_disk, known);
    assert_eq!(files::TASKS.len(), every_id().count());
}

#[test]
fn every_task_is_told_in_full() {
    for task in catalogue().tasks() {
        let id = task.id;
        let paragraphs = task.about.as_str().matches("<p>").count();
        assert!((2..=5).contains(&paragraphs), "{id}: {paragraphs} paragraphs");
        assert!(task.summary.ends_with('.') && task.summary.len() < 120, "{id}: {}", task.summary);
        assert!(task.uses.len() >= 2, "{id}");
        assert!(!task.inputs.is_empty() && !task.outputs.is_empty(), "{id}");
        assert!(!task.demo.inputs.is_empty() && !task.demo.outputs.is_empty(), "{id}");
        assert!(!task.snippets.is_empty() && !task.related.is_empty(), "{id}");
        assert!(id == "other" || !task.metrics.is_empty(), "{id}");
    }
}

#[test]
fn what_tasks_refer_to_exists() {
    let catalogue = catalogue();
    let mut used = BTreeSet::new();
    for task in catalogue.tasks() {
        assert_eq!(catalogue.related(task).len(), task.related.len(), "{}", task.id);
        assert_eq!(catalogue.metrics_of(task).len(), task.metrics.len(), "{}", task.id);
        assert!(!task.related.iter().any(|id| id == task.id), "{}", task.id);
        used.extend(task.metrics.iter());
    }
    assert_eq!(used.len(), catalogue.metrics.len(), "every metric is used");
}

#[test]
fn every_icon_is_in_the_sprite() {
    let sprite = include_str!("../../../../../static/img/icons.svg");
    let types = catalogue().tasks().iter().flat_map(|task| task.inputs.iter().chain(&task.outputs)).map(|kind| kind.icon());
    for icon in catalogue().tasks().iter().map(|task| task.icon.as_str()).chain(types) {
        assert!(sprite.contains(&format!("id=\"{icon}\"")), "{icon}");
    }
}

#[test]
fn formulas_are_typeset() {
    for metric in catalogue().metrics.values() {
        let html = metric.formula.as_str();
        assert!(!html.contains('$') && !html.contains("math-error"), "{}: {html}", metric.id);
    }
    assert!(catalogue().metrics["f1"].formula.as_str().contains("<mfrac>"));
}

#[test]
fn demos_stay_within_their_drawings() {
    let panels = catalogue().tasks().iter().flat_map(|task| task.demo.inputs.iter().chain(&task.demo.outputs));
    for panel in panels {
        match panel {
            super::super::demo::Panel::Image(image) => {
                for mark in &image.boxes {
                    assert!(mark.x + mark.width <= 320 && mark.y + mark.height <= 200 && mark.y >= 13, "{}", image.label);
                }
            }
            super::super::demo::Panel::Scores(scores) => {
                assert!(scores.items.iter().all(|item| (0.0..=1.0).contains(&item.score)), "{}", scores.label);
            }
            super::super::demo::Panel::Table(table) => {
                assert!(table.rows.iter().all(|row| row.len() == table.header.len()), "{}", table.label);
            }
            _ => {}
        }
    }
}
