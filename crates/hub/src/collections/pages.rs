//! Pages about collections: the list, one of them, and the forms. All work without JavaScript.

mod deleted;
mod edit;
mod forms;
mod list;
mod show;
pub mod view;

use actix_web::web;

/// Mounts the pages. Forms come before `/collections/{namespace}/{slug}`.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(list::routes)
        .configure(forms::routes)
        .configure(edit::routes)
        .configure(deleted::routes)
        .configure(show::routes);
}
