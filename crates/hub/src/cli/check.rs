//! `hub config check`.

use std::process::ExitCode;
use std::time::Duration;

use hub_storage::Store;

use super::{complain, say};
use crate::config::{Config, Origin, Problems, Values, all_settings};
use crate::{db, start};

const DATABASE_DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn run(connect: bool) -> ExitCode {
    let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let (config, values, mut problems) = Config::examine(environment);
    show(&values);
    if connect && !problems.has_errors() {
        start::install_tls();
        try_database(&config, &mut problems).await;
        try_store(&config, &mut problems).await;
    }
    for problem in problems.iter() {
        complain(format!("{}: {}", if problem.is_error { "error" } else { "warning" }, problem.message));
    }
    if problems.has_errors() {
        return ExitCode::from(2);
    }
    say("The settings are in order.");
    ExitCode::SUCCESS
}

fn show(values: &Values) {
    for setting in all_settings() {
        let value = values.get(setting.key);
        let shown = match (value, setting.secret) {
            ("", _) => "not set",
            (_, true) => "(set, not shown)",
            (value, false) => value,
        };
        let origin = match values.origin(setting.key) {
            Origin::Default => String::new(),
            set => format!("   from {set}"),
        };
        say(format!("{:<28} {shown}{origin}", setting.key));
    }
}

async fn try_database(config: &Config, problems: &mut Problems) {
    let Some(url) = &config.database_url else {
        match hub_embedded::installed_version() {
            Ok(version) => say(format!("database: a private PostgreSQL {version} in {}", config.data_dir.display())),
            Err(error) => problems.error(format!("{error}.")),
        }
        return;
    };
    // Errors of the driver name hosts and users, never passwords.
    let attempt = async {
        let pool = db::connect(url.expose(), 2).await?;
        let version: String = sqlx::query_scalar!(r#"select current_setting('server_version') as "v!""#).fetch_one(&pool).await?;
        let pending = db::pending_migrations(&pool).await?;
        pool.close().await;
        Ok::<_, sqlx::Error>((version, pending))
    };
    match tokio::time::timeout(DATABASE_DEADLINE, attempt).await {
        Ok(Ok((version, 0))) => say(format!("database: PostgreSQL {version}, schema up to date")),
        Ok(Ok((version, pending))) => say(format!("database: PostgreSQL {version}, {pending} migrations to run (`hub migrate`)")),
        Ok(Err(error)) => problems.error(format!("The database of DATABASE_URL cannot be used: {error}.")),
        Err(_) => {
            problems.error(format!("The database of DATABASE_URL does not answer within {} s.", DATABASE_DEADLINE.as_secs()))
        }
    }
}

async fn try_store(config: &Config, problems: &mut Problems) {
    let place = config.store.place();
    let attempt = async {
        let store = Store::open(&config.store)?;
        store.ensure_bucket().await?;
        store.probe().await
    };
    match attempt.await {
        Ok(()) => say(format!("store: {place} can be written and read")),
        Err(error) => problems.error(format!("The store, {place}, cannot be used: {}.", start::with_causes(&error))),
    }
}
