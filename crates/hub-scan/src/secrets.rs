//! Secrets in texts, by their form. The rules are data: `data/secrets.tsv`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;

use crate::report::{Finding, Level, Report, Topic};

const RULES: &str = include_str!("../data/secrets.tsv");
/// How many secrets of one kind are told of in one file.
const MAX_OF_A_KIND: usize = 20;
/// What stands in examples.
const PLACEHOLDERS: &[&str] =
    &["example", "xxxx", "your_", "your-", "placeholder", "changeme", "1234567890", "abcdefgh", "<", "...", "****"];

/// The id of the rule for tokens in the form that this hub gives out itself.
const HUB_TOKENS: &str = "Hugging Face token";

struct Rule {
    name: &'static str,
    least_entropy: f64,
    pattern: Regex,
}

struct Rules {
    rules: Vec<Rule>,
    keywords: AhoCorasick,
    /// Of each keyword, the rule that it is of.
    rule_of: Vec<usize>,
}

#[expect(clippy::expect_used, reason = "a fixed table, which a test reads")]
static TABLE: LazyLock<Rules> = LazyLock::new(|| {
    let (mut rules, mut keywords, mut rule_of) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines: Vec<&str> = RULES.lines().filter(|line| !line.starts_with('#')).collect();
    // Of too many secrets the first are kept, and of this hub's own tokens more depends on it.
    lines.sort_by_key(|line| !line.contains(HUB_TOKENS));
    for line in lines {
        let [_, name, words, entropy, pattern, _] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        for word in words.split(' ') {
            // Names of several words have no keywords of several words.
            keywords.push(word);
            rule_of.push(rules.len());
        }
        let pattern = Regex::new(pattern).expect("a pattern of the table");
        rules.push(Rule { name, least_entropy: entropy.parse().unwrap_or(0.0), pattern });
    }
    let keywords = AhoCorasick::builder().ascii_case_insensitive(true).build(&keywords).expect("the keywords of the table");
    Rules { rules, keywords, rule_of }
});

/// Looks for secrets in a text. `first_line` is the number of its first line.
pub(crate) fn scan(text: &[u8], first_line: u64, entry: Option<&str>, report: &mut Report) {
    let table = &*TABLE;
    let mut wanted = vec![false; table.rules.len()];
    for found in table.keywords.find_overlapping_iter(text) {
        if let Some(place) = table.rule_of.get(found.pattern().as_usize()).and_then(|rule| wanted.get_mut(*rule)) {
            *place = true;
        }
    }
    for (rule, _) in table.rules.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
        let secrets = rule.pattern.captures_iter(text).filter_map(|found| found.get(1).or_else(|| found.get(0)));
        for secret in secrets.filter(|secret| is_real(rule, secret.as_bytes())).take(MAX_OF_A_KIND) {
            let before = text.get(..secret.start()).unwrap_or_default();
            let line = first_line + before.iter().filter(|byte| **byte == b'\n').count() as u64;
            let entry = entry.map(str::to_owned);
            report.add(Finding {
                topic: Topic::Secret,
                level: Level::Caution,
                text: rule.name.to_owned(),
                line: Some(line),
                entry,
            });
        }
    }
}

/// Whether something in the form of this hub's own tokens was found.
pub(crate) fn has_hub_tokens(report: &Report) -> bool {
    report.findings.iter().any(|finding| finding.topic == Topic::Secret && finding.text == HUB_TOKENS)
}

fn is_real(rule: &Rule, secret: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(secret).to_ascii_lowercase();
    entropy(secret) >= rule.least_entropy && !PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Bits per character, by how often each comes.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    text.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / text.len() as f64);
    shares.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, Option<u64>)> {
        let mut report = Report::default();
        scan(text.as_bytes(), 1, None, &mut report);
        report.findings.into_iter().map(|finding| (finding.text, finding.line)).collect()
    }

    /// Put together here, so that no scanner of this repository takes them for real ones.
    fn made(prefix: &str, count: usize) -> String {
        let letters: Vec<char> = "aZ3kQ9mX7pLr2TvB8nWc5YdF".chars().collect();
        prefix.chars().chain((0..count).map(|n| letters[(n * 7 + n / 24) % letters.len()])).collect()
    }

    #[test]
    fn secrets_are_found_with_their_lines() {
        let upper = |text: String| text.to_uppercase().replace(['0', '1', '8', '9'], "Q");
        for (text, name) in [
            (format!("x\n\ntoken: {}\n", made("ghp_", 36)), "GitHub token"),
            (format!("\n\n{}", made("hf_", 34)), "Hugging Face token"),
            (format!("\n\n{}!", made("hf_oauth_refresh_", 34)), "Hugging Face token"),
            (format!("\n\n{}!", made("hf_ci_", 34)), "Hugging Face token"),
            (format!("\n\nkey={}!", upper(made("AKIA", 16))), "AWS access key id"),
            (format!("\n\n{}", made("glpat-", 20)), "GitLab token"),
            (format!("\n\n{}", made("xoxb-", 40)), "Slack token"),
            (format!("\n\n{}", made("sk_live_", 24)), "Stripe secret key"),
            (format!("\n\n{}\n", made("AIza", 35)), "Google API key"),
            (format!("\n\n{}", made("sk-proj-", 60)), "OpenAI key"),
            (format!("\n\n{}", made("sk-ant-api03-", 95)), "Anthropic key"),
            (format!("\n\n-----BEGIN {} KEY-----\n{}", "OPENSSH PRIVATE", made("", 80)), "Private key"),
            (format!("\n\nDATABASE=postgres://ada:{}@db.hub.org/x", made("", 20)), "Password in a URL"),
        ] {
            assert_eq!(found(&text), [(name.to_owned(), Some(3))], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "hf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "hf_hub_download(repo_id, filename)",
            "postgres://user:password@localhost/db",
            "sk-learn and sk-proj-",
            "-----BEGIN PUBLIC KEY-----\nAAAA",
            "-----BEGIN PRIVATE KEY-----\n...",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn every_rule_is_read_and_says_where_it_is_from() {
        let lines: Vec<&str> = RULES.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(TABLE.rules.len(), lines.len());
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            assert!(fields.len() == 6 && fields.iter().all(|field| !field.is_empty()), "{line}");
            assert_eq!(fields[2], fields[2].to_lowercase(), "{line}");
        }
        assert!(TABLE.rules.iter().any(|rule| rule.name == HUB_TOKENS));
    }
}
