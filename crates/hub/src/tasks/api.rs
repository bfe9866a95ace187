//! `GET /api/tasks`: every task in the form of `TaskData` (`@huggingface/tasks` 0.21, `tasks/index.ts`), by id.
//! `InferenceClient` takes the first of `widgetModels` as a task's model, `@huggingface/inference` the first of `models`.

use actix_web::{HttpResponse, web};
use hub_cards::known;
use hub_types::RepoType;
use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, Task};
use super::demo::{Panel, SpansPanel};
use crate::app::App;
use crate::error::HubResult;
use crate::repos::by_task::{Pick, TaskPicks, picks};
use crate::web::filters::short_count;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/api/tasks", web::get().to(list_tasks));
}

async fn list_tasks(app: web::Data<App>) -> HubResult<HttpResponse> {
    let catalogue = Catalogue::get().await?;
    let picks = picks(&app).await?;
    // Clients know no former tasks.
    let listed = catalogue.tasks().iter().filter(|task| known::find_task(task.id).is_some());
    let tasks: Map<String, Value> = listed.map(|task| (task.id.to_owned(), task_data(catalogue, task, &picks))).collect();
    Ok(HttpResponse::Ok().json(tasks))
}

fn task_data(catalogue: &Catalogue, task: &Task, picks: &TaskPicks) -> Value {
    let models = picks.of(RepoType::Model, task.id);
    let datasets = picks.of(RepoType::Dataset, task.id);
    let metrics = catalogue.metrics_of(task).into_iter();
    json!({
        "id": task.id,
        "label": task.label,
        "summary": task.summary,
        "libraries": task.libraries,
        "demo": { "inputs": entries(&task.demo.inputs), "outputs": entries(&task.demo.outputs) },
        "metrics": metrics.map(|metric| json!({ "id": metric.id, "description": metric.reading_text })).collect::<Vec<_>>(),
        "models": models.iter().map(example).collect::<Vec<_>>(),
        "datasets": datasets.iter().map(example).collect::<Vec<_>>(),
        "spaces": [],
        "widgetModels": models.iter().map(|model| &model.id).collect::<Vec<_>>(),
    })
}

/// A repository as an example; the description says why it is one.
fn example(pick: &Pick) -> Value {
    let library = pick.library.as_ref().map(|library| format!("{library}, ")).unwrap_or_default();
    let description = format!("{library}{} recent downloads on this hub.", short_count(pick.downloads));
    json!({ "id": pick.id, "description": description })
}

/// What of an example can be said in this form. Drawings are no files and are left out.
fn entries(panels: &[Panel]) -> Vec<Value> {
    let text = |label: &str, content: &str| json!({ "type": "text", "label": label, "content": content });
    let mut entries = Vec::new();
    for panel in panels {
        match panel {
            Panel::Text(panel) => entries.push(text(&panel.label, &panel.text)),
            Panel::Scores(panel) => {
                let data = panel.items.iter().map(|item| json!({ "label": item.label, "score": item.score }));
                entries.push(json!({ "type": "chart", "data": data.collect::<Vec<_>>() }));
            }
            Panel::Spans(panel) => entries.push(tokens(panel)),
            Panel::Table(panel) => {
                let table: Vec<&Vec<String>> = std::iter::once(&panel.header).chain(&panel.rows).collect();
                entries.push(json!({ "type": "tabular", "table": table }));
            }
            Panel::Chat(panel) => {
                entries.extend(panel.messages.iter().map(|message| text(message.role.label(), &message.text)));
            }
            Panel::Chips(panel) | Panel::List(panel) => entries.push(text(&panel.label, &panel.items.join("\n"))),
            Panel::Vector(panel) => entries.push(text(&panel.label, &panel.shown())),
            Panel::Image(_) | Panel::Audio(_) | Panel::Video(_) | Panel::Series(_) => {}
        }
    }
    entries
}

/// A text with labels, by the places of its characters as JavaScript counts them.
fn tokens(panel: &SpansPanel) -> Value {
    let mut text = String::new();
    let mut tokens = Vec::new();
    let mut at = 0;
    for part in &panel.parts {
        let end = at + part.text.encode_utf16().count();
        if let Some(tag) = &part.tag {
            tokens.push(json!({ "type": tag, "start": at, "end": end }));
        }
        text.push_str(&part.text);
        at = end;
    }
    json!({ "type": "text-with-tokens", "text": text, "tokens": tokens })
}
