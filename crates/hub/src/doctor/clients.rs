//! `hub doctor client`: what the client libraries on this machine make of `HF_ENDPOINT`. Each that is installed is really
//! asked, in a process of its own that cannot reach anything but the hub, and tells where it went.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;
use url::Url;

use super::Finding;

const ASK: &str = include_str!("ask.py");
/// What the acceptance tests found to work, by client and version.
const COMPATIBILITY: &str = include_str!("../../../../docs/compatibility.md");
/// Loading some of the libraries takes that long on a slow disk.
const PATIENCE: Duration = Duration::from_secs(120);
const CHECK: &str = "client";

/// Where a library went.
#[derive(Debug, Deserialize)]
struct Asked {
    places: Vec<String>,
    said: String,
}

/// Asks a hub through everything that is installed for a Python, and through `hf`, if that is on the path.
pub async fn examine(python: &Path, endpoint: &Url, tell: &mut impl FnMut(Finding)) {
    let home = match tempfile::tempdir() {
        Ok(home) => home,
        Err(error) => {
            return tell(Finding::fail(CHECK, format!("there is no room for files: {error}"), "Look at the disk and TMPDIR."));
        }
    };
    let asking = Asking { endpoint, home: home.path() };
    match asking.run(python, &["-c", ASK]).await.and_then(|said| read::<BTreeMap<String, String>>(&said)) {
        Err(error) => tell(Finding::warn(
            CHECK,
            format!("`{}` was not asked: {error}", python.display()),
            "Name the Python whose libraries are meant with --python.",
        )),
        Ok(found) if found.is_empty() => tell(Finding::warn(
            CHECK,
            format!("`{}` has none of the client libraries", python.display()),
            "Name the Python whose libraries are meant with --python, such as the one in your virtual environment.",
        )),
        Ok(found) => {
            for (name, version) in found {
                let asked = asking.run(python, &["-c", ASK, name.as_str()]).await.and_then(|said| read::<Asked>(&said));
                tell(judge(endpoint, &name, &version, asked));
            }
        }
    }
    tell(asking.hf().await);
    tell(Finding::pass(CHECK, "`@huggingface/hub` (JavaScript) reads no HF_ENDPOINT: give it the option `hubUrl`"));
}

struct Asking<'a> {
    endpoint: &'a Url,
    /// For caches, so that nothing is answered out of one.
    home: &'a Path,
}

impl Asking<'_> {
    /// Runs a program as a person would who has set `HF_ENDPOINT`, and gives what it prints.
    async fn run(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Result<String, String> {
        let (good, out, err) = self.outcome(program, arguments).await?;
        let last = err.lines().last().unwrap_or("it failed").to_owned();
        if good { Ok(out) } else { Err(last) }
    }

    async fn outcome(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Result<(bool, String, String), String> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command.env("HF_ENDPOINT", self.endpoint.as_str().trim_end_matches('/')).env("HF_HOME", self.home);
        command.env("HF_TOKEN", "").env("HF_HUB_DISABLE_TELEMETRY", "1").env("HF_HUB_DISABLE_UPDATE_CHECK", "1");
        command.env("NO_PROXY", self.endpoint.host_str().unwrap_or_default()).env("NO_COLOR", "1").env("HF_DEBUG", "1");
        ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"].iter().for_each(|name| {
            command.env_remove(name);
        });
        let done = tokio::time::timeout(PATIENCE, command.output()).await;
        let done = done.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?.map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        Ok((done.status.success(), text(&done.stdout), text(&done.stderr)))
    }

    /// The command names the address it asked in its traceback when there is no such repository.
    async fn hf(&self) -> Finding {
        let Ok(said) = self.run("hf", &["version"]).await else {
            return Finding::pass(CHECK, "there is no `hf` on the path, and nothing to look at");
        };
        // Some versions say more than the number.
        let version = said.split_whitespace().last().unwrap_or_default();
        let (endpoint, mend) = (self.endpoint.as_str().trim_end_matches('/'), "`pip install -U huggingface_hub`");
        match self.outcome("hf", &["models", "info", "hub-doctor/not-there"]).await {
            Ok((false, out, err)) if format!("{out}{err}").contains(endpoint) => {
                Finding::pass(CHECK, format!("`hf` ({version}) asks the hub"))
            }
            Ok((_, out, err)) => {
                let said = out.lines().chain(err.lines()).last().unwrap_or_default().to_owned();
                Finding::fail(CHECK, format!("`hf` ({version}) does not ask the hub: {said}"), mend)
            }
            Err(error) => Finding::fail(CHECK, format!("`hf` ({version}) fails: {error}"), mend),
        }
    }
}

/// The last line: libraries print what they like before it.
fn read<T: serde::de::DeserializeOwned>(said: &str) -> Result<T, String> {
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|_| format!("it says `{last}`"))
}

fn judge(endpoint: &Url, name: &str, version: &str, asked: Result<Asked, String>) -> Finding {
    let library = format!("{name} {version}");
    let mend = || match tested(name).as_slice() {
        [] => format!("Try another version of {name}; none is among those that are tested."),
        versions => format!("Install a version that is tested: {}.", versions.join(", ")),
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return Finding::fail(CHECK, format!("{library} cannot be used: {error}"), mend()),
    };
    let hub = endpoint.host_str().unwrap_or_default();
    let others: Vec<_> = asked.places.iter().map(String::as_str).filter(|place| *place != hub).collect();
    let to_hub = asked.places.len() > others.len();
    match (to_hub, others.as_slice()) {
        (true, []) => Finding::pass(CHECK, format!("{library} asks the hub{}", remark(name, version))),
        (true, others) => Finding::warn(CHECK, format!("{library} asks the hub, and {}", others.join(", ")), mend()),
        (false, []) => Finding::fail(CHECK, format!("{library} asks nobody: {}", asked.said), mend()),
        (false, others) => {
            Finding::fail(CHECK, format!("{library} does not honour HF_ENDPOINT: it asks {}", others.join(", ")), mend())
        }
    }
}

fn remark(name: &str, version: &str) -> String {
    let versions = tested(name);
    match versions.iter().any(|tested| tested == version) {
        true => "; a version that is tested".to_owned(),
        false if versions.is_empty() => String::new(),
        false => format!("; tested are {}", versions.join(", ")),
    }
}

/// The versions of a client in docs/compatibility.md: those in the head of its table.
fn tested(name: &str) -> Vec<String> {
    let section = COMPATIBILITY.split("\n## ").find(|section| section.lines().next() == Some(name));
    let head = section.and_then(|section| section.lines().find(|line| line.starts_with("| call |"))).unwrap_or_default();
    let mut versions: Vec<String> = head.split('|').filter_map(|cell| Some(cell.trim().split_once(',')?.0.to_owned())).collect();
    versions.dedup();
    versions
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn verdict(places: &[&str]) -> (Verdict, String) {
        let asked = Asked { places: places.iter().map(|place| (*place).to_owned()).collect(), said: "an error".to_owned() };
        let finding = judge(&"http://hub.example.org:8080".parse().unwrap(), "datasets", "1.0.0", Ok(asked));
        (finding.verdict, finding.message)
    }

    #[test]
    fn where_a_library_went_decides() {
        assert_eq!(verdict(&["hub.example.org"]).0, Verdict::Pass);
        assert_eq!(verdict(&["hub.example.org", "huggingface.co"]).0, Verdict::Warn);
        assert_eq!(verdict(&["huggingface.co"]).0, Verdict::Fail);
        let (nobody, message) = verdict(&[]);
        assert!(nobody == Verdict::Fail && message.contains("an error"), "{message}");
    }

    #[test]
    fn tested_versions_are_those_of_the_document() {
        let versions = tested("huggingface_hub");
        assert!(versions.len() >= 2 && versions.iter().all(|version| version.split('.').count() == 3), "{versions:?}");
        assert!(tested("nothing").is_empty());
    }
}
