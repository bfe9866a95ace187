//! `pg_dump` and `pg_restore`, as programs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use tokio::process::Command;
use url::Url;

use super::BackupError;

/// A parameter of an address as `libpq` calls it: sqlx knows more names, and one parameter more.
fn name_for_libpq(name: &str) -> Option<&str> {
    match name {
        "statement-cache-capacity" => None,
        "ssl-mode" => Some("sslmode"),
        "ssl-root-cert" | "ssl-ca" => Some("sslrootcert"),
        "ssl-cert" => Some("sslcert"),
        "ssl-key" => Some("sslkey"),
        name => Some(name),
    }
}

/// Writes what a database is in a snapshot to a file.
pub(super) async fn dump(database_url: &str, snapshot: &str, to: &Path) -> Result<(), BackupError> {
    let mut command = program("pg_dump", database_url)?;
    command.args(["--format=custom", "--no-owner", "--no-privileges"]).arg(format!("--snapshot={snapshot}"));
    command.arg("--file").arg(to);
    run("pg_dump", command).await
}

/// Fills an empty database from a file, whole or not at all.
pub(super) async fn restore(database_url: &str, from: &Path) -> Result<(), BackupError> {
    let mut command = program("pg_restore", database_url)?;
    command.args(["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]).arg(from);
    run("pg_restore", command).await
}

/// Whether a file is a dump that can be read.
pub(super) async fn read_contents(dump: &Path) -> Result<(), BackupError> {
    let mut command = Command::new(hub_embedded::program("pg_restore"));
    command.arg("--list").arg(dump);
    run("pg_restore", command).await
}

/// A program that connects to a database. The password travels in its environment, which only its user can read.
fn program(name: &'static str, database_url: &str) -> Result<Command, BackupError> {
    let unreadable = |_| BackupError::Refused("DATABASE_URL is no address that pg_dump reads.".to_owned());
    let mut url: Url = database_url.parse().map_err(unreadable)?;
    let mut command = Command::new(hub_embedded::program(name));
    if let Some(password) = url.password() {
        let password: Vec<u8> = percent_encoding::percent_decode_str(password).collect();
        command.env("PGPASSWORD", OsStr::from_bytes(&password));
    }
    let _ = url.set_password(None);
    let kept: Vec<(String, String)> =
        url.query_pairs().filter_map(|(name, value)| Some((name_for_libpq(&name)?.to_owned(), value.into()))).collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    command.arg("--dbname").arg(OsStr::new(url.as_str()));
    Ok(command)
}

async fn run(program: &'static str, mut command: Command) -> Result<(), BackupError> {
    command.kill_on_drop(true).stdin(std::process::Stdio::null());
    let done = command.output().await.map_err(|error| BackupError::Program {
        program,
        said: format!("{error}. Install the client programs of PostgreSQL (`apt install postgresql-client`)"),
    })?;
    match done.status.success() {
        true => Ok(()),
        false => Err(BackupError::Program { program, said: String::from_utf8_lossy(&done.stderr).trim().to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn how_tls_is_used_is_said_as_libpq_knows_it() {
        let url = "postgres://hub:s%20ecret@db/hub?ssl-mode=verify-full&ssl-ca=/etc/ca.pem&statement-cache-capacity=1&application_name=x";
        let command = program("pg_dump", url).unwrap();
        let words: Vec<&str> = command.as_std().get_args().filter_map(|word| word.to_str()).collect();
        let asked = "postgres://hub@db/hub?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&application_name=x";
        assert_eq!(words, ["--dbname", asked]);
    }
}
