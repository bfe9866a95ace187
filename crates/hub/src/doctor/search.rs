//! The search index: that it is there, and how far behind.

use reqwest::Client;
use sqlx::PgPool;

use super::{DEADLINE, Finding};
use crate::config::Config;
use crate::search::Search;

const CHECK: &str = "search index";
/// More than a node reads in one go: it does not keep up, or stands still.
const FAR_BEHIND: i64 = 10_000;

/// Looks at the index: at a Meilisearch itself, and else at what the hub on this machine says of its own.
pub(super) async fn check(config: &Config, pool: &PgPool) -> Vec<Finding> {
    let finding = match config.meili_url {
        Some(_) => meilisearch(config, pool).await,
        None => embedded(config).await,
    };
    vec![finding]
}

async fn meilisearch(config: &Config, pool: &PgPool) -> Finding {
    let mend = "Check search.meili_url and search.meili_key, and that Meilisearch runs.";
    let search = Search::default();
    match tokio::time::timeout(DEADLINE, search.open(config, &config.data_dir)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Finding::fail(CHECK, error.to_string(), mend),
        Err(_) => return Finding::fail(CHECK, "Meilisearch does not answer in time", mend),
    }
    match search.find_behind(pool).await {
        Some(behind) => judge(behind),
        None => Finding::warn(CHECK, "Meilisearch has not been filled yet", "A running hub fills it. Look at the hub's log."),
    }
}

/// The index is open in the hub's process and in no other.
async fn embedded(config: &Config) -> Finding {
    let client = Client::builder().timeout(DEADLINE).no_proxy().build();
    let url = format!("http://{}/metrics", config.listen);
    let asked = async {
        let mut request = client.ok()?.get(&url);
        if let Some(token) = &config.metrics_token {
            request = request.bearer_auth(token.expose());
        }
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        behind_in(&answer.text().await.ok()?)
    };
    match asked.await {
        Some(behind) => judge(behind),
        None => Finding::warn(
            CHECK,
            format!("no hub that has an index answers at {}", config.listen),
            "Run the doctor where the hub runs, with its settings, while it runs.",
        ),
    }
}

/// The gauge in the text that Prometheus reads.
fn behind_in(metrics: &str) -> Option<i64> {
    metrics.lines().find_map(|line| line.strip_prefix("hub_search_changes_behind "))?.trim().parse().ok()
}

fn judge(behind: i64) -> Finding {
    match behind > FAR_BEHIND {
        false => Finding::pass(CHECK, format!("{behind} changes behind")),
        true => Finding::warn(
            CHECK,
            format!("{behind} changes behind: searches do not find what is new"),
            "Look at the hub's log for \"the search index is behind\"; `hub admin reindex` builds it anew.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_is_read() {
        assert_eq!(behind_in("# HELP x\nhub_jobs 1\nhub_search_changes_behind 7\n"), Some(7));
        assert_eq!(behind_in("hub_search_changes_behind_total 7\n"), None);
    }
}
