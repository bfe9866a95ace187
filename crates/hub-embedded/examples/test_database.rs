//! Runs a throw-away Postgres for the test scripts: `test_database FOLDER` prints the address when it takes
//! connections, and stops when its standard input ends. Fast instead of durable.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::Path;
use std::process::ExitCode;

use hub_embedded::{EmbeddedPostgres, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: test_database FOLDER");
        return ExitCode::from(2);
    };
    let fast = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("wal_compression", "off"),
        ("max_connections", "300"),
    ];
    let settings = fast.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let postgres = match EmbeddedPostgres::start_with(Path::new(&folder), Options { settings }).await {
        Ok(postgres) => postgres,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", postgres.url());
    let end_of_input = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    let _ = tokio::task::spawn_blocking(end_of_input).await;
    match postgres.stop().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
