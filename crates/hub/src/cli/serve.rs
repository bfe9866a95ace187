//! `hub serve`.

use std::net::TcpListener;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::fail;
use crate::accounts;
use crate::config::Config;
use crate::start::{self, RunningHub};

pub(super) async fn run(config: Config) -> ExitCode {
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
