//! The pages of notifications.

mod inbox;
mod settings;
mod watch;

use actix_web::web;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.configure(inbox::routes).configure(settings::routes).configure(watch::routes);
}
