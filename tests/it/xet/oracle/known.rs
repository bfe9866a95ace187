//! Where the hub and the other server differ, and why. The other one is made to test clients with: it guards nothing, and it
//! believes what it is told, where docs/xet.md says what the hub checks and whom it tells. The rest are answers that `hf_xet`
//! 1.8.0 takes either way, or better the hub's way.

use std::fmt;

use hub_tests::Value;

/// A difference that is meant.
pub(super) struct Known {
    /// How the questions begin to whose answers it belongs.
    questions: &'static str,
    field: &'static str,
    /// What the hub says, in JSON.
    ours: &'static str,
    /// What the other server says.
    theirs: &'static str,
    why: &'static str,
}

impl Known {
    /// Whether this is the difference.
    pub(super) fn covers(&self, question: &str, field: &str, ours: &Value, theirs: &Value) -> bool {
        let told = [ours.to_string(), theirs.to_string()];
        question.starts_with(self.questions) && self.field == field && told == [self.ours, self.theirs]
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { questions, field, ours, theirs, why } = self;
        write!(f, "{questions}: {field} is {ours} here and {theirs} there ({why})")
    }
}

const fn known(questions: &'static str, field: &'static str, [ours, theirs]: [&'static str; 2], why: &'static str) -> Known {
    Known { questions, field, ours, theirs, why }
}

/// All of them.
pub(super) const ALL: &[Known] = &[
    known("without a token", "status", ["401", "200"], "the other server has no access control"),
    known(
        "is a xorb needed that is new",
        "status",
        ["404", "201"],
        "the hub offers no addresses to upload to: upon 404 clients send the xorb to `/v1/xorbs`",
    ),
    known(
        "the xorb again",
        "was_inserted",
        ["false", "true"],
        "the hub keeps what it has, the other server writes it anew; clients only count the answer",
    ),
    known(
        "a bad xorb: ",
        "status",
        ["400", "500"],
        "the other server has no status for it; clients would repeat a 500 for minutes, a 400 ends the upload",
    ),
    known(
        "a xorb to a bad address: another prefix",
        "status",
        ["400", "200"],
        "clients know the prefix `default` alone; the other server does not look at it",
    ),
    known(
        "a shard before its xorbs",
        "status",
        ["400", "200"],
        "a file must be whole when it becomes known; clients send shards after all xorbs",
    ),
    known("a broken shard: ", "status", ["400", "500"], "as with bad xorbs"),
    known("a broken shard: a record more", "status", ["400", "200"], "the other server stops reading at the end of the xorbs"),
    known(
        "a lying shard: ",
        "status",
        ["400", "200"],
        "the hub checks everything a shard says, above all the proofs that its sender has the chunks; the other server believes it",
    ),
    known("v1 of the file", "fetched with", ["[206]", "[200]"], PARTIAL),
    known("v1 of the patched file", "fetched with", ["[206]", "[200]"], PARTIAL),
    known("v1 of a client's file", "fetched with", ["[206]", "[200]"], PARTIAL),
    known(
        "v2 of the patched file",
        "an address for each place",
        ["true", "false"],
        "an address of the hub opens one range and no more; clients fetch the ranges of an address one by one anyway",
    ),
    known(
        "an unknown file",
        "status",
        ["404", "416"],
        "416 is the end of a file to clients; the other server does not tell the two apart",
    ),
    known("a bad range: ", "status", ["400", "416"], "as with unknown files; clients only send `bytes=a-b`"),
    known("a bad range: bytes=-5", "status", ["400", "200"], "clients only send `bytes=a-b`"),
    known("chunk ", "is keyed", ["true", "false"], KEYED),
    known("the chunk in the words", "is keyed", ["true", "false"], KEYED),
    known("chunk ", "names files", ["false", "true"], FILES),
    known("the chunk in the words", "names files", ["false", "true"], FILES),
    known("chunk ", "expires", ["true", "false"], EXPIRES),
    known("the chunk in the words", "expires", ["true", "false"], EXPIRES),
    known(
        "chunk 4 of xorb 0 of the file",
        "status",
        ["200", "404"],
        "the patched file begins with it; the other server looks for the first chunks of files in xorbs of the same shard only",
    ),
    known(
        "a chunk that is none: another prefix",
        "status",
        ["400", "200"],
        "clients know the prefix `default` alone; the other server does not look at it",
    ),
];

const PARTIAL: &str = "a part of something is 206 in HTTP; clients take both";
const KEYED: &str = "the hash of a chunk would be the proof that one has it: only who has the chunk may recognise it";
const FILES: &str = "what files there are is nobody's business; clients want the xorbs alone";
const EXPIRES: &str = "without an end to it, the client's next process would not load what it was told";
