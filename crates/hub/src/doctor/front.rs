//! The way from people to the hub: the doctor asks the public address as a client would, and the [`mirror`] at its end says
//! what arrived. So it shows what a proxy in between does to requests and answers.

use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Response, StatusCode};

use super::mirror::{self, ANSWERED, PAUSE, PIECE_BYTES, PIECES, Seen};
use super::{DEADLINE, Finding};
use crate::config::Config;
use crate::signing::Signer;
use crate::start::with_causes;

const CHECK: &str = "public address";
/// More than any proxy lets through by default.
const LARGE_BYTES: usize = 32 * 1024 * 1024;
/// Half of what a slow body takes on its way through nothing.
const AT_ONCE_MS: u128 = PAUSE.as_millis() * (PIECES as u128 - 1) / 2;
/// Headers of requests that clients do not work without.
const SENT: &[(&str, &str)] = &[
    ("authorization", "Bearer hf_doctor"),
    ("range", "bytes=0-0"),
    ("git-protocol", "version=2"),
    ("content-range", "bytes 0-0/1"),
    ("x-requested-by", "doctor"),
];

/// Looks at the way to the hub.
pub(super) async fn check(config: &Config, signer: &Signer) -> Vec<Finding> {
    let Some(url) = &config.public_url else {
        let message = "not set: links are made from what each request says, and the way to the hub was not looked at";
        return vec![Finding::warn(CHECK, message, "Set HUB_PUBLIC_URL to the address that people use.")];
    };
    let client = match Client::builder().timeout(6 * DEADLINE).redirect(Policy::none()).build() {
        Ok(client) => client,
        Err(error) => return vec![Finding::fail(CHECK, with_causes(&error), "Look at the TLS settings of this machine.")],
    };
    let way = Way { url, client, ticket: mirror::ticket(signer) };
    let seen = match way.reach().await {
        Ok(seen) => seen,
        Err(finding) => return vec![*finding],
    };
    let mut findings = vec![Finding::pass(CHECK, format!("{url} leads to this hub"))];
    findings.extend(unsafe_scheme(url));
    findings.extend(judge_request(&seen));
    findings.push(way.large_body().await);
    findings.push(way.slow_request().await);
    findings.push(way.slow_answer().await);
    findings
}

/// Passwords and tokens can be read on a line without TLS.
fn unsafe_scheme(url: &str) -> Option<Finding> {
    let parsed = url::Url::parse(url).ok()?;
    let own = parsed.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
    (parsed.scheme() == "http" && !own).then(|| {
        let message = "passwords and tokens travel without encryption";
        Finding::warn(CHECK, message, "Put a proxy with TLS in front and set HUB_PUBLIC_URL to its https:// address.")
    })
}

/// What a proxy has done to a request.
fn judge_request(seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lost: Vec<_> = SENT.iter().map(|(name, _)| *name).filter(|name| !seen.headers.iter().any(|had| had == name)).collect();
    findings.push(match lost.as_slice() {
        [] => Finding::pass(CHECK, "requests arrive with their headers"),
        lost => Finding::fail(
            CHECK,
            format!("these headers of requests are lost on the way: {}", lost.join(", ")),
            "Have the proxy pass all headers on; clients need them to log in, to resume downloads and to speak git.",
        ),
    });
    if !seen.path.ends_with("/a%2Fb") {
        let message = format!("`a%2Fb` in a path arrives as `{}`", seen.path.rsplit("/seen/").next().unwrap_or_default());
        let mend = "Names of branches have slashes. nginx: write `proxy_pass http://127.0.0.1:8080;` without a path; Apache: \
                    `AllowEncodedSlashes NoDecode` and `nocanon`.";
        findings.push(Finding::fail(CHECK, message, mend));
    }
    if let Some(proxy) = &seen.unknown_proxy {
        let message = format!("the proxy at {proxy} is none that the hub believes: everybody has its address");
        let mend = format!("Add {proxy} to HUB_TRUSTED_PROXIES, if it is yours.");
        findings.push(Finding::warn(CHECK, message, mend));
    }
    findings
}

struct Way<'a> {
    url: &'a str,
    client: Client,
    ticket: String,
}

impl Way<'_> {
    fn address(&self, end: &str) -> String {
        format!("{}/api/doctor/{}/{end}", self.url, self.ticket)
    }

    /// Asks the mirror, and looks at what comes back.
    async fn reach(&self) -> Result<Seen, Box<Finding>> {
        let fail = |message: String, mend: &str| Box::new(Finding::fail(CHECK, message, mend));
        let mut request = self.client.get(self.address("seen/a%2Fb"));
        for (name, value) in SENT {
            request = request.header(*name, *value);
        }
        let mend = "Check HUB_PUBLIC_URL, the name's address, the certificate, and that the proxy and the hub run. The hub must be \
                    reachable from this machine, too.";
        let answer = request.send().await.map_err(|error| fail(format!("cannot be reached: {}", reason(error)), mend))?;
        let status = answer.status();
        if let Some(place) = answer.headers().get("location").filter(|_| status.is_redirection()) {
            let place = String::from_utf8_lossy(place.as_bytes()).into_owned();
            let place = place.split("/api/doctor/").next().unwrap_or_default();
            return Err(fail(format!("leads on to `{place}`"), "Set HUB_PUBLIC_URL to the address in the end."));
        }
        if status != StatusCode::OK {
            let mend = "Something else answers there, or a hub with another database, or an older one: start the hub, or correct \
                        HUB_PUBLIC_URL or the proxy.";
            return Err(fail(format!("answers {status} where this hub would not"), mend));
        }
        let lost: Vec<_> = ANSWERED.iter().filter(|named| !has(&answer, named)).map(|(name, _)| *name).collect();
        if !lost.is_empty() {
            let mend = "Have the proxy pass all headers of answers on, and neither compress them anew nor cache them.";
            return Err(fail(format!("these headers of answers are lost or changed: {}", lost.join(", ")), mend));
        }
        let seen = answer.json().await;
        seen.map_err(|error| fail(format!("the answer was changed on the way: {}", reason(error)), mend))
    }

    async fn large_body(&self) -> Finding {
        let mend = "Let bodies of any size pass. nginx: `client_max_body_size 0;` Large files cannot be uploaded otherwise.";
        let body = Bytes::from(vec![0; LARGE_BYTES]);
        let size = format!("{} MiB", LARGE_BYTES / (1024 * 1024));
        match self.post(Body::from(body)).await {
            Ok(seen) if seen.bytes == LARGE_BYTES as u64 => Finding::pass(CHECK, format!("a body of {size} passes")),
            Ok(seen) => Finding::fail(CHECK, format!("of a body of {size}, {} bytes arrive", seen.bytes), mend),
            Err(said) => Finding::fail(CHECK, format!("a body of {size} does not pass: {said}"), mend),
        }
    }

    async fn slow_request(&self) -> Finding {
        let mend = "Let bodies through as they come. nginx: `proxy_request_buffering off;` Each upload lies on the proxy's disk first \
                    otherwise, and the hub hears of it when it is whole.";
        let pieces = stream::iter(0..PIECES).then(async |number| {
            if number > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            Ok::<_, std::io::Error>(Bytes::from_static(&[0; 64 * 1024]))
        });
        match self.post(Body::wrap_stream(pieces)).await {
            Ok(seen) if u128::from(seen.took_ms) >= AT_ONCE_MS => Finding::pass(CHECK, "uploads pass as they come"),
            Ok(_) => Finding::warn(CHECK, "the proxy keeps uploads until they are whole", mend),
            Err(said) => Finding::fail(CHECK, format!("a body of unknown length does not pass: {said}"), mend),
        }
    }

    async fn slow_answer(&self) -> Finding {
        let mend = "Let answers through as they come. nginx: `proxy_buffering off;` Long downloads lie on the proxy's disk \
                    otherwise, and people do not see how far a push is.";
        match self.read_slowly().await {
            Ok(took_ms) if took_ms >= PAUSE.as_millis() => Finding::pass(CHECK, "answers pass as they come"),
            Ok(_) => Finding::warn(CHECK, "the proxy keeps answers until they are whole", mend),
            Err(said) => Finding::fail(CHECK, format!("a slow answer does not pass: {said}"), mend),
        }
    }

    /// How long the second half of an answer took, in milliseconds; through nothing, that is two pauses. The first piece may pass
    /// with the head, whatever the proxy does with the others.
    async fn read_slowly(&self) -> Result<u128, String> {
        let answer = self.client.get(self.address("slow")).send().await.map_err(reason)?;
        let mut pieces = answer.error_for_status().map_err(reason)?.bytes_stream();
        let (mut bytes, mut half) = (0, None);
        while let Some(piece) = pieces.next().await {
            bytes += piece.map_err(reason)?.len();
            if bytes > PIECE_BYTES {
                half.get_or_insert_with(Instant::now);
            }
        }
        Ok(half.map_or(0, |half: Instant| half.elapsed().as_millis()))
    }

    async fn post(&self, body: Body) -> Result<Seen, String> {
        let answer = self.client.post(self.address("body")).body(body).send().await.map_err(reason)?;
        match answer.status() {
            StatusCode::OK => answer.json().await.map_err(reason),
            status => Err(format!("the answer is {status}")),
        }
    }
}

fn has(answer: &Response, (name, value): &(&str, &str)) -> bool {
    answer.headers().get(*name).is_some_and(|had| had == value)
}

/// What an error says, without the address and its ticket.
fn reason(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn seen(path: &str, lost: &str, proxy: Option<&str>) -> Seen {
        let headers = SENT.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name != lost).collect();
        Seen { path: path.to_owned(), headers, unknown_proxy: proxy.map(str::to_owned), bytes: 0, took_ms: 0 }
    }

    #[test]
    fn what_a_proxy_changes_is_told() {
        let told = |seen: &Seen| -> Vec<(Verdict, String)> {
            judge_request(seen).into_iter().map(|finding| (finding.verdict, finding.message)).collect()
        };
        let fine = told(&seen("/api/doctor/t/seen/a%2Fb", "", None));
        assert_eq!(fine, [(Verdict::Pass, "requests arrive with their headers".to_owned())]);
        let bad = told(&seen("/api/doctor/t/seen/a/b", "range", Some("10.0.0.1")));
        assert_eq!(bad.iter().map(|(verdict, _)| *verdict).collect::<Vec<_>>(), [Verdict::Fail, Verdict::Fail, Verdict::Warn]);
        assert!(bad[0].1.ends_with(": range") && bad[1].1.contains("as `a/b`") && bad[2].1.contains("10.0.0.1"), "{bad:?}");
    }

    #[test]
    fn a_line_without_tls_is_told_beyond_this_machine() {
        assert!(unsafe_scheme("http://hub.example.org").is_some());
        assert!(unsafe_scheme("https://hub.example.org").is_none() && unsafe_scheme("http://127.0.0.1:8080").is_none());
    }
}
