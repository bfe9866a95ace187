//! `hub admin backup`, `hub admin verify-backup` and `hub admin restore`.

use std::num::NonZeroUsize;
use std::path::Path;

use hub_embedded::EmbeddedPostgres;

use super::{complain, say};
use crate::admin::backup::{self, Manifest};
use crate::app::App;
use crate::config::Config;
use crate::gc::size;
use crate::start::{self, Beside};

pub(super) async fn back_up(
    app: &App,
    postgres: Option<&EmbeddedPostgres>,
    folder: &Path,
    keep: Option<NonZeroUsize>,
) -> Result<(), String> {
    let url = match (&app.config.database_url, postgres) {
        (Some(url), _) => url.expose().to_owned(),
        (None, Some(postgres)) => postgres.url().to_owned(),
        (None, None) => hub_embedded::find_running(&app.config.data_dir).ok_or("the private Postgres has just stopped")?,
    };
    let made = backup::back_up(app, &url, folder, keep, complain).await.map_err(|error| error.to_string())?;
    say(format!("Made the backup `{}`: {}.", made.name, words(&made.manifest)));
    say(format!("{} objects of {} are new since the last one.", made.copied, size(made.copied_bytes)));
    if made.removed > 0 {
        say(format!("{} objects went with old backups.", made.removed));
    }
    Ok(())
}

/// Needs neither database nor store.
pub(super) async fn verify(folder: &Path, name: Option<&str>) -> Result<(), String> {
    let (name, manifest, problems) = backup::verify(folder, name).await.map_err(|error| error.to_string())?;
    problems.iter().for_each(|problem| say(format!("{name}: {problem}")));
    match problems.is_empty() {
        true => {
            say(format!("The backup `{name}` is whole: {}.", words(&manifest)));
            Ok(())
        }
        false => Err(format!("the backup `{name}` cannot be restored as it is")),
    }
}

/// Opens the database itself: nothing may be made in it before.
pub(super) async fn restore(config: &Config, folder: &Path, name: Option<&str>) -> Result<(), String> {
    start::install_tls();
    let (url, postgres) = match &config.database_url {
        Some(url) => (url.expose().to_owned(), None),
        None => {
            let (pool, postgres) = start::open_database(config, Beside::Refused).await.map_err(|error| error.to_string())?;
            pool.close().await;
            let postgres = postgres.ok_or("the private Postgres did not start")?;
            (postgres.url().to_owned(), Some(postgres))
        }
    };
    let restored = backup::restore(config, &url, folder, name, complain).await.map_err(|error| error.to_string());
    if let Some(postgres) = postgres {
        postgres.stop().await.map_err(|error| error.to_string())?;
    }
    let (name, manifest) = restored?;
    say(format!("Restored `{name}`: {}.", words(&manifest)));
    say("`hub admin fsck` proves that all is there. Then start the hub.");
    Ok(())
}

fn words(manifest: &Manifest) -> String {
    format!(
        "{} objects of {}, as of {}",
        manifest.objects,
        size(manifest.bytes),
        manifest.made_at.format("%Y-%m-%d %H:%M:%S UTC")
    )
}
