//! `/find/model`.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::known;

use super::ask::{Ask, CONTEXTS, CPU_ALONE, DEMANDS};
use super::{Answer, find};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::search::hardware;
use crate::web::filters;
use crate::web::filters::grouped_digits;
use crate::web::form::Choice;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "discover/find_model.html")]
struct FindModelPage {
    layout: Layout,
    tasks: Vec<Choice>,
    languages: Vec<Choice>,
    machines: Vec<Choice>,
    contexts: Vec<Choice>,
    demands: Vec<Choice>,
    memory: String,
    /// Whether somebody has a CPU alone, and did not say with how much memory.
    lacks_memory: bool,
    /// Nothing until something is asked.
    answer: Option<Answer>,
}

pub(in crate::discover) fn routes(config: &mut web::ServiceConfig) {
    config.route("/find/model", crate::web::read().to(show));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let ask = Ask::read(&page.query());
    let answer = match ask.is_empty() {
        true => None,
        false => Some(find(&page.app, &page.viewer, &ask).await?),
    };
    let mut layout = page.layout_in(hub_types::RepoType::Model, "Which model fits me");
    layout.description = "Find the model for a task that runs on your machine, under a licence that lets you.".to_owned();
    let task = ask.task.as_deref().unwrap_or_default();
    let language = ask.language.as_deref().unwrap_or_default();
    let any = |label: &str, current: &str| Choice::new("", label, current);
    let machine = if ask.cpu_alone { CPU_ALONE } else { ask.machine.map_or("", |machine| machine.name) };
    let context = ask.context.to_string();
    page.show(FindModelPage {
        layout,
        tasks: std::iter::once(any("Any task", task))
            .chain(known::TASKS.iter().map(|known| Choice::new(known.id, known.label, task)))
            .collect(),
        languages: std::iter::once(any("Any language", language))
            .chain(known::LANGUAGES.iter().map(|(code, name)| Choice::new(*code, *name, language)))
            .collect(),
        machines: std::iter::once(any("Any machine", machine))
            .chain(hardware::CLASSES.iter().map(|class| Choice::new(class.name, class.label, machine)))
            .chain([Choice::new(CPU_ALONE, "CPU without a GPU, memory as below", machine)])
            .collect(),
        contexts: CONTEXTS
            .iter()
            .map(|tokens| Choice::new(tokens.to_string(), format!("{} tokens", grouped_digits(*tokens)), &context))
            .collect(),
        demands: DEMANDS
            .iter()
            .map(|demand| Choice {
                value: demand.name.to_owned(),
                label: demand.label.to_owned(),
                hint: "",
                selected: ask.demands.iter().any(|asked| asked.name == demand.name),
            })
            .collect(),
        memory: ask.memory_gb.map(|gb| gb.to_string()).unwrap_or_default(),
        lacks_memory: ask.cpu_alone && ask.memory_gb.is_none(),
        answer,
    })
    .await
}
