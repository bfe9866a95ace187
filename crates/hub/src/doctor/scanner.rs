//! The process that looks at pushed files and reads checkpoints: that it starts, works, and is held.

use bytes::Bytes;
use hub_scan::Kind;
use hub_scan::sandbox::Held;

use super::Finding;
use crate::config::Config;
use crate::error::HubResult;
use crate::scans::apart::{self, Scanner, Trouble};
use crate::start;

const CHECK: &str = "scanner";

/// Has it look at a text.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    if !config.scan.sandbox {
        return vec![Finding::warn(
            CHECK,
            "the hub itself looks at files that strangers sent",
            "Set HUB_SCAN_SANDBOX=true: a process that can do nothing else looks at them then.",
        )];
    }
    let finding = match try_it().await {
        Ok(Ok(held)) => judge(held),
        Ok(Err(why)) => Finding::fail(CHECK, format!("the process that looks at files does not work: {why}"), MEND),
        Err(error) => Finding::fail(CHECK, start::with_causes(&error), MEND),
    };
    vec![finding]
}

const MEND: &str = "Pushed files are not looked at, and no checkpoint is converted. The hub starts its own program once more for that, so see that it may be run, \
                    and that a container forbids neither `prctl` nor `seccomp`. HUB_SCAN_SANDBOX=false does without.";

async fn try_it() -> HubResult<Result<Held, String>> {
    let mut scanner = Scanner::start(&apart::program()).await?;
    match scanner.look(Kind::Other, &Bytes::from_static(b"a text without secrets")).await {
        Ok(_) => Ok(Ok(scanner.held())),
        Err(Trouble::File(why)) => Ok(Err(why)),
        Err(Trouble::Hub(error)) => Err(error),
    }
}

/// Seccomp alone keeps it from everything; Landlock is a second lock on files and connections.
fn judge(held: Held) -> Finding {
    let mend =
        "Run the hub on a Linux with seccomp (x86-64 or ARM64), in a container that forbids neither `prctl` nor `seccomp`.";
    match apart::missing(held) {
        None => Finding::pass(CHECK, "a process that can open no file and no connection looks at files"),
        Some(missing) if held.calls && held.limits => Finding::pass(
            CHECK,
            format!(
                "a process that can open no file and no connection looks at files (by seccomp; this kernel has no {missing})"
            ),
        ),
        Some(missing) => Finding::warn(CHECK, format!("the process that looks at files is not held by {missing}"), mend),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn one_lock_on_files_is_enough() {
        let verdict = |limits, files, calls| judge(Held { limits, files, calls }).verdict;
        assert_eq!([verdict(true, true, true), verdict(true, false, true)], [Verdict::Pass; 2]);
        assert_eq!([verdict(true, true, false), verdict(false, true, true), verdict(true, false, false)], [Verdict::Warn; 3]);
    }
}
