//! Everybody who asks, and the most that they may do.

use std::collections::HashMap;

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::Needs;
use Most::{Admin, Content, Frozen, Nothing, See, Write};

/// The most that somebody may do with a repository, each with what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Most {
    /// It is not there, or they are told that it is nothing for them.
    Nothing,
    /// To see it, but not to download its files.
    See,
    /// To read all of it, but to say and change nothing.
    Frozen,
    /// To download its files.
    Content,
    /// To change its contents.
    Write,
    /// To change its settings.
    Admin,
}

/// The repositories of acme. The withdrawn one is private and was disabled by moderators, too; the missing one was never there.
pub(super) const REPOS: [&str; 6] = ["public", "private", "gated", "disabled", "missing", "withdrawn"];
/// Where they stand in the table: those of which not everybody may know, and the one that they must look like.
const PRIVATE: usize = 1;
const GATED: usize = 2;
const MISSING: usize = 4;
const WITHDRAWN: usize = 5;

/// Who asks, and the most they may do with each repository.
pub(super) type Row = (&'static str, [Most; 6]);

/// Everybody with an account of their own, and nobody. Roles are those in acme; its admin made all repositories, but for the private
/// ones, which its contributor made. A suspended admin may nothing by a token; in a browser they are nobody.
#[rustfmt::skip]
pub(super) const PEOPLE: &[Row] = &[
    //               public   private  gated    disabled missing  withdrawn
    ("site admin",  [Admin,   Admin,   Admin,   Admin,   Nothing, Admin]),
    ("admin",       [Admin,   Admin,   Admin,   Frozen,  Nothing, Frozen]),
    ("writer",      [Write,   Write,   Write,   Frozen,  Nothing, Frozen]),
    ("contributor", [Content, Admin,   Content, Frozen,  Nothing, Frozen]),
    ("reader",      [Content, Content, Content, Frozen,  Nothing, Frozen]),
    ("moderator",   [Content, Nothing, See,     Frozen,  Nothing, Nothing]),
    ("stranger",    [Content, Nothing, See,     Nothing, Nothing, Nothing]),
    ("anonymous",   [Content, Nothing, See,     Nothing, Nothing, Nothing]),
    ("suspended",   [Nothing, Nothing, Nothing, Nothing, Nothing, Nothing]),
];

/// Tokens of acme's admin, by what they are for.
#[rustfmt::skip]
pub(super) const TOKENS: &[Row] = &[
    //                          public   private  gated    disabled missing  withdrawn
    ("to read",                [Content, Content, Content, Frozen,  Nothing, Frozen]),
    ("read in acme",           [Content, Content, Content, Frozen,  Nothing, Frozen]),
    ("write in acme",          [Admin,   Admin,   Admin,   Frozen,  Nothing, Frozen]),
    ("read the private one",   [Content, Content, See,     Nothing, Nothing, Nothing]),
    ("write the gated one",    [Content, Nothing, Admin,   Nothing, Nothing, Nothing]),
    ("write the disabled one", [Content, Nothing, See,     Frozen,  Nothing, Nothing]),
    ("write elsewhere",        [Content, Nothing, See,     Nothing, Nothing, Nothing]),
    ("read gated ones",        [Content, Nothing, Content, Nothing, Nothing, Nothing]),
    ("nothing",                [Content, Nothing, See,     Nothing, Nothing, Nothing]),
];

pub(super) fn row_of<'a>(table: &'a [Row], who: &str) -> &'a [Most; 6] {
    &table.iter().find(|(name, _)| *name == who).expect("they have a row").1
}

/// Whether somebody is sent there on every route: to what is missing only those whose answers are compared with those about what they may
/// not see, to what is withdrawn three who tell the rest apart.
pub(super) fn is_walked(who: &str, most: &[Most; 6], column: usize) -> bool {
    match column {
        MISSING => most[PRIVATE] == Nothing && who != "suspended",
        WITHDRAWN => matches!(who, "reader" | "moderator" | "stranger"),
        _ => true,
    }
}

/// A row's cell. Buckets have no gate: there is no gated one.
pub(super) fn in_column(most: &[Most; 6], column: usize, kind: &str) -> Most {
    if kind == "buckets" && column == GATED { Nothing } else { most[column] }
}

/// Whether what somebody may not see answered as what is not there, where they were sent to both.
pub(super) fn look_alike<T: PartialEq>(answers: &HashMap<usize, T>, most: &[Most; 6]) -> bool {
    let Some(missing) = answers.get(&MISSING) else { return true };
    let hidden = [PRIVATE, WITHDRAWN].into_iter().filter(|column| most[*column] == Nothing);
    hidden.filter_map(|column| answers.get(&column)).all(|answer| answer == missing)
}

/// Whether the most that somebody may do is enough.
pub(super) fn is_allowed(who: &str, most: Most, needs: Needs) -> bool {
    let has_account = who != "anonymous";
    match needs {
        Needs::Read => most >= See,
        Needs::Account => most >= See && has_account,
        Needs::Talk => most >= See && most != Frozen && has_account,
        Needs::Propose => most >= Content && has_account,
        Needs::Content => most >= Frozen,
        Needs::Evidence => most >= Write || (who == "moderator" && most >= Frozen),
        Needs::Write => most >= Write,
        Needs::Admin => most >= Admin,
    }
}

/// The same of tokens for chosen things, and of those to read. None acts in the name of its owner: likes are not for repositories, and
/// what is said is for tokens that may write there.
pub(super) fn is_in_scope(_: &str, most: Most, needs: Needs) -> bool {
    match needs {
        Needs::Account => false,
        Needs::Talk | Needs::Propose => most >= Write,
        Needs::Read | Needs::Content | Needs::Evidence | Needs::Write | Needs::Admin => is_allowed("", most, needs),
    }
}

/// Whether somebody in the table of people may do something with one of the repositories.
pub(super) fn may(who: &str, repo: &str, needs: Needs) -> bool {
    let column = REPOS.iter().position(|name| *name == repo).expect("it is in the table");
    is_allowed(who, row_of(PEOPLE, who)[column], needs)
}

/// Whoever asks, with a token to write of theirs.
pub(super) type Clients = [(&'static str, Client)];

pub(super) fn client_of<'a>(clients: &'a Clients, who: &str) -> &'a Client {
    &clients.iter().find(|(name, _)| *name == who).expect("they are there").1
}

/// The name of somebody's account.
pub(super) fn account_of(who: &str) -> String {
    format!("{}-person", who.replace(' ', "-"))
}

/// A hub with an organisation, its repositories of some kinds, and everybody with a token. Nobody is suspended yet.
pub(super) async fn acme(kinds: &[&str]) -> (TestHub, Vec<(&'static str, Client)>) {
    let hub = TestHub::start().await;
    let (mut clients, mut members) = (Vec::new(), Vec::new());
    // The first account runs the hub.
    for (who, _) in PEOPLE {
        if *who == "anonymous" {
            clients.push((*who, hub.anonymous()));
            continue;
        }
        let user = hub.account(&account_of(who)).await;
        clients.push((*who, hub.token(&user, TokenRole::Write).await));
        members.extend(role_of(who).map(|role| (user, role)));
    }
    let listed: Vec<_> = members.iter().map(|(user, role)| (user, *role)).collect();
    hub.organization("acme", &listed).await;
    for kind in kinds {
        fill(&clients, kind).await;
    }
    hub.sql(
        "update users set is_moderator = true where email = 'moderator-person@example.org';
         update repos set disabled = true where name in ('disabled', 'withdrawn');
         update discussion_events e set public_id = r.repo_type || '-' || r.name
         from discussions d join repos r using (repo_pk) where d.discussion_pk = e.discussion_pk",
    )
    .await;
    (hub, clients)
}

fn role_of(who: &str) -> Option<OrgRole> {
    match who {
        "admin" | "suspended" => Some(OrgRole::Admin),
        "writer" => Some(OrgRole::Write),
        "contributor" => Some(OrgRole::Contributor),
        "reader" => Some(OrgRole::Read),
        _ => None,
    }
}

/// Makes the repositories of a kind, with a card, a file and a discussion.
async fn fill(clients: &Clients, kind: &str) {
    for repo in REPOS.iter().filter(|repo| **repo != "missing") {
        let maker = client_of(clients, if *repo == "private" { "contributor" } else { "admin" });
        let private = matches!(*repo, "private" | "withdrawn");
        let api = format!("/api/{kind}s/acme/{repo}");
        if kind == "bucket" {
            if *repo != "gated" {
                maker.post_json(&api, &json!({ "private": private }), 200).await;
            }
            continue;
        }
        let mut new = json!({ "type": kind, "organization": "acme", "name": repo, "private": private });
        if kind == "space" {
            new["sdk"] = json!("static");
        }
        maker.post_json("/api/repos/create", &new, 200).await;
        let files = [Client::file("README.md", "# A card\n"), Client::file("data.txt", "data\n")];
        maker.commit(&api, "main", &files, 200).await;
        maker.post_json(&format!("{api}/discussions"), &json!({ "title": "A question", "description": "" }), 200).await;
        if *repo == "gated" {
            maker.call(Method::PUT, &format!("{api}/settings"), &json!({ "gated": "manual" }), 200).await;
        }
    }
}

/// From now on, moderators have suspended somebody.
pub(super) async fn suspend(hub: &TestHub) {
    hub.sql("update users set suspended_at = now() where email = 'suspended-person@example.org'").await;
}
