//! The hub beside the CAS server that comes with the client: `local_cas_server` of the crate `xet-client`, which the people
//! who make `hf_xet` test it with. Both are asked the same; what they answer is brought into one form ([`answers`]) and
//! compared. [`known`] lists where the two differ and why. Anything else that differs fails, and so does an entry of the list
//! that nothing bears out any more.
//!
//! `scripts/test oracle` builds that server outside of the workspace and names it in `HUB_TEST_CAS_SERVER`.

mod answers;
mod known;
mod script;
mod server;

use answers::Answer;
use server::{Cas, TheirServer};

use super::client::api;
use super::hubs;

#[tokio::test]
async fn the_hub_answers_as_the_server_that_clients_are_tested_with() {
    for (hub, ada) in hubs().await {
        let theirs = TheirServer::start().await;
        let access = ada.get_json(&format!("{}/xet-write-token/main", api("ada/bert")), 200).await;
        let text = |key: &str| access[key].as_str().expect("a text").to_owned();
        let ours = Cas::new(text("casUrl"), Some(text("accessToken")));
        let (ours, theirs) = (script::run(&ours).await, script::run(&theirs.cas()).await);
        check(&ours, &theirs);
        hub.stop().await;
    }
}

/// Compares the answers to all questions, field by field.
fn check(ours: &[Answer], theirs: &[Answer]) {
    let questions = |answers: &[Answer]| answers.iter().map(|answer| answer.question.clone()).collect::<Vec<_>>();
    assert_eq!(questions(ours), questions(theirs), "both were asked the same");
    let mut seen = vec![false; known::ALL.len()];
    let mut unknown = Vec::new();
    for (answer, other) in ours.iter().zip(theirs) {
        let question = &answer.question;
        for (field, ours, theirs) in answer.differences(other) {
            match known::ALL.iter().position(|known| known.covers(question, field, &ours, &theirs)) {
                Some(at) => seen[at] = true,
                None => unknown.push(format!("{question}: {field} is {ours} here and {theirs} there")),
            }
        }
    }
    assert!(unknown.is_empty(), "{} differences that are not known:\n{}", unknown.len(), unknown.join("\n"));
    let gone: Vec<String> = known::ALL.iter().zip(seen).filter(|(_, seen)| !seen).map(|(known, _)| known.to_string()).collect();
    assert!(gone.is_empty(), "there is no such difference any more:\n{}", gone.join("\n"));
}
