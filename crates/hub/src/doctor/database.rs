//! The database: that it is there, new enough, up to date, near, and has room.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use hub_embedded::EmbeddedPostgres;
use sqlx::{Connection as _, PgConnection, PgPool};

use super::{DEADLINE, Finding, queries};
use crate::config::Config;
use crate::db;
use crate::start::{self, Beside};

const CHECK: &str = "database";
/// PostgreSQL 15, as `server_version_num` has it.
const OLDEST: i32 = 150_000;
/// Signed addresses and sessions are off by as much.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(2);
/// Every page asks a few questions one after another.
const FAR_MS: u128 = 10;
/// Of how many answers the quickest is taken.
const LOOKS: usize = 5;

/// The database, and the private server if it was started for this.
pub(super) type Opened = (PgPool, Option<EmbeddedPostgres>);

/// Looks at the database, and hands it on if it can be asked.
pub(super) async fn check(config: &Config) -> (Vec<Finding>, Option<Opened>) {
    let mend = match &config.database_url {
        Some(_) => "Check DATABASE_URL, that the server runs and that this machine may connect.",
        None => "Install PostgreSQL 15 or newer (`apt install postgresql`), or set DATABASE_URL. The log is data/postgres.log.",
    };
    let fail = |message: String| (vec![Finding::fail(CHECK, message, mend)], None);
    if config.database_url.is_none() && !config.data_dir.join("postgres").exists() {
        return match hub_embedded::installed_version() {
            Ok(version) => {
                let message = format!("PostgreSQL {version} is installed; `hub serve` makes a private database with it");
                (vec![Finding::pass(CHECK, message)], None)
            }
            Err(error) => fail(error.to_string()),
        };
    }
    if let Some(url) = &config.database_url
        && let Err(message) = knock(url.expose()).await
    {
        return fail(message);
    }
    let opened = match tokio::time::timeout(6 * DEADLINE, start::open_database(config, Beside::Allowed)).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return fail(error.to_string()),
        Err(_) => return fail("it cannot be reached in time".to_owned()),
    };
    match tokio::time::timeout(DEADLINE, look(config, &opened.0)).await {
        Ok(Ok(findings)) => (findings, Some(opened)),
        Ok(Err(error)) => fail(error.to_string()),
        Err(_) => fail(format!("it does not answer within {} s", DEADLINE.as_secs())),
    }
}

/// Connects once. A pool would try again and again, and in the end say that it took long.
async fn knock(url: &str) -> Result<(), String> {
    match tokio::time::timeout(DEADLINE, PgConnection::connect(url)).await {
        Ok(Ok(conn)) => conn.close().await.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it does not answer within {} s", DEADLINE.as_secs())),
    }
}

async fn look(config: &Config, pool: &PgPool) -> sqlx::Result<Vec<Finding>> {
    let mut quickest = DEADLINE;
    let mut apart = TimeDelta::MAX;
    let mut server = queries::find_server(pool).await?;
    for _ in 0..LOOKS {
        let (before, asked) = (Utc::now(), Instant::now());
        server = queries::find_server(pool).await?;
        quickest = quickest.min(asked.elapsed());
        apart = apart.min(between(before, server.now, Utc::now()));
    }
    let mut findings = vec![version(&server), schema(pool).await?];
    findings.push(connections(config, &server));
    findings.push(match quickest.as_millis() {
        near @ ..FAR_MS => Finding::pass(CHECK, format!("answers within {} ms", near + 1)),
        far => Finding::warn(
            CHECK,
            format!("takes {far} ms for an answer, and every page asks several questions"),
            "Put the hub and the database into one data centre.",
        ),
    });
    findings.push(match apart > CLOCKS_APART {
        false => Finding::pass("clock", "this machine and the database agree"),
        true => Finding::fail(
            "clock",
            format!("this machine and the database are {} s apart", apart.num_seconds()),
            "Run a time service (`apt install chrony`) on both: links and sessions are signed with a time.",
        ),
    });
    Ok(findings)
}

/// How far a clock is from ours, which read `before` and `after`.
fn between(before: DateTime<Utc>, theirs: DateTime<Utc>, after: DateTime<Utc>) -> TimeDelta {
    (before - theirs).max(theirs - after).max(TimeDelta::zero())
}

fn version(server: &queries::ServerRow) -> Finding {
    match server.version_number < OLDEST {
        false => Finding::pass(CHECK, format!("PostgreSQL {}", server.version)),
        true => Finding::fail(
            CHECK,
            format!("PostgreSQL {} is too old", server.version),
            "Upgrade the server to version 15 or newer.",
        ),
    }
}

async fn schema(pool: &PgPool) -> sqlx::Result<Finding> {
    let unknown = db::unknown_migrations(pool).await?;
    if unknown > 0 {
        let message = format!("a newer hub has made {unknown} changes to the schema");
        return Ok(Finding::fail(CHECK, message, "Install the newer hub again, or restore a backup of before."));
    }
    Ok(match db::pending_migrations(pool).await? {
        0 => Finding::pass(CHECK, "schema up to date"),
        pending => Finding::warn(CHECK, format!("{pending} changes of the schema are to come"), "Run `hub migrate`."),
    })
}

fn connections(config: &Config, server: &queries::ServerRow) -> Finding {
    let (most, now) = (i64::from(server.most_connections), server.connections);
    let wanted = i64::from(config.database_max_connections);
    if wanted + 1 > most {
        return Finding::fail(
            CHECK,
            format!("the hub may open {wanted} connections, and the server takes {most}"),
            "Raise max_connections of the server, or lower database.max_connections.",
        );
    }
    if now * 5 > most * 4 {
        return Finding::warn(
            CHECK,
            format!("{now} of {most} connections are in use"),
            "Raise max_connections of the server, or lower database.max_connections of the nodes.",
        );
    }
    Finding::pass(CHECK, format!("{now} of {most} connections are in use, {wanted} at most by one node"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_only_beyond_the_time_the_question_took() {
        let at = |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
        assert_eq!(between(at(0), at(3), at(5)), TimeDelta::zero());
        assert_eq!(between(at(0), at(9), at(5)), TimeDelta::seconds(4));
        assert_eq!(between(at(0), at(-7), at(5)), TimeDelta::seconds(7));
    }
}
