//! `hub serve`.

use std::net::TcpListener;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::fail;
use crate::accounts;
use crate::config::Config;
use crate::start::{self, RunningHub};

/// For some 60,000 connections, of which each takes two. Not all that systems allow: some programs that the hub starts look through as many.
const MOST_FILES: u64 = 131_072;

pub(super) async fn run(config: Config) -> ExitCode {
    allow_more_files();
    let (mut terminate, mut interrupt) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        (Err(error), _) | (_, Err(error)) => return fail(error),
    };
    let listener = match TcpListener::bind(config.listen) {
        Ok(listener) => listener,
        Err(error) => {
            return fail(format!("cannot listen on {}: {error}. Choose another address with HUB_LISTEN", config.listen));
        }
    };
    let starting = start::start(config, listener);
    let running = tokio::select! {
        running = starting => match running {
            Ok(running) => running,
            Err(error) => return fail(error),
        },
        // What was begun is dropped, which stops a private Postgres.
        () = asked_to_stop(&mut terminate, &mut interrupt) => return ExitCode::SUCCESS,
    };
    greet(&running).await;
    asked_to_stop(&mut terminate, &mut interrupt).await;
    tracing::info!("stopping: requests in hand are finished first; a second signal stops at once");
    tokio::select! {
        () = running.stop() => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        () = asked_to_stop(&mut terminate, &mut interrupt) => {
            tracing::warn!("stopped at once; requests in hand were dropped");
            ExitCode::FAILURE
        }
    }
}

async fn asked_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Lets this process have more files and connections open. Systems begin with 1024, for the sake of old programs.
fn allow_more_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Some(more) = more_files(limit)
        && let Err(error) = setrlimit(Resource::Nofile, more)
    {
        tracing::warn!(%error, "no more files can be open than before");
    }
}

fn more_files(limit: Rlimit) -> Option<Rlimit> {
    let most = limit.maximum.unwrap_or(MOST_FILES).min(MOST_FILES);
    limit.current.is_some_and(|current| current < most).then_some(Rlimit { current: Some(most), maximum: limit.maximum })
}

async fn greet(running: &RunningHub) {
    let url = running.app.config.public_url.clone().unwrap_or_else(|| format!("http://{}", running.address));
    tracing::info!(role = ?running.app.config.role, "the hub runs at {url}");
    let nobody = async {
        let mut conn = running.app.pool.acquire().await?;
        accounts::queries::no_users(&mut conn).await
    };
    if nobody.await.unwrap_or(false) {
        tracing::info!("nobody has an account yet: the first to sign up at {url}/join becomes the administrator");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_are_allowed_as_are_of_use_and_never_fewer() {
        for (current, maximum, more) in [
            (Some(1024), Some(524_288), Some(MOST_FILES)),
            (Some(1024), Some(4096), Some(4096)),
            (Some(1024), None, Some(MOST_FILES)),
            (Some(4096), Some(4096), None),
            (Some(1_048_576), Some(1_048_576), None),
            (None, None, None),
        ] {
            let found = more_files(Rlimit { current, maximum });
            assert_eq!(found, more.map(|more| Rlimit { current: Some(more), maximum }), "{current:?}, {maximum:?}");
        }
    }
}
