//! Rules for what new accounts do: how much of it an hour, links to elsewhere, the same words again, names that look like another.
//!
//! What a rule finds is a report in the queue like any other, and what it hides is an act in the log like any other, of which its
//! owner is told: nothing happens unseen. The settings `rules.*` say how much is too much.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::acts::{self, Act, Decision};
use super::alike::Shape;
use super::category::Category;
use super::fold::fold;
use super::near::neighbours;
use super::queries::effects::{self, Comments};
use super::queries::rules::{self as queries, Whose};
use super::queries::{self as cases, CaseRow};
use super::subject::{self, Subject, SubjectKind};
use super::{THE_HUB, appeals};
use crate::accounts::letters::Notice;
use crate::accounts::{User, UserPk};
use crate::app::App;
use crate::config::RulesConfig;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::jobs::Job;
use crate::repos::Repo;
use crate::repos::discussions::mentioned_names;
use crate::repos::metadata;
use crate::repos::queries::find_repo_by_pk;

/// Fewer letters than these are said by many: thanks, and questions.
const MIN_COPIED: usize = 24;
/// No text needs more links to be found out.
const MOST_LINKS: usize = 1_000;
/// With how many texts one is compared, the latest.
const COMPARED: i64 = 500;
/// Shorter names look like one another by chance.
const MIN_ALIKE: i32 = 4;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Making a repository.
    Repo,
    /// Opening a discussion or a pull request.
    Discussion,
    /// Commenting.
    Comment,
    /// Mentioning somebody.
    Mention,
    /// Inviting somebody.
    Invitation,
    /// Making an organisation.
    Organization,
}

impl Deed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Discussion => "discussion",
            Self::Comment => "comment",
            Self::Mention => "mention",
            Self::Invitation => "invitation",
            Self::Organization => "organization",
        }
    }

    /// What a new account can do so often.
    const fn limit(self, rules: &RulesConfig) -> (u64, &'static str) {
        match self {
            Self::Repo => (rules.repos, "make {} repositories"),
            Self::Discussion => (rules.discussions, "open {} discussions"),
            Self::Comment => (rules.comments, "write {} comments"),
            Self::Mention => (rules.mentions, "mention {} people"),
            Self::Invitation => (rules.invitations, "send {} invitations"),
            Self::Organization => (rules.organizations, "make {} organizations"),
        }
    }
}

/// Counts something that an account does, in the transaction that does it.
///
/// # Errors
/// 429 when it is new and has done too much of it within an hour.
pub async fn count(app: &App, conn: &mut PgConnection, user_pk: UserPk, deed: Deed) -> HubResult<()> {
    if is_new(app, conn, user_pk).await? {
        count_new(app, conn, user_pk, deed, 1).await?;
    }
    Ok(())
}

async fn is_new(app: &App, conn: &mut PgConnection, user_pk: UserPk) -> HubResult<bool> {
    let rules = &app.config.rules;
    let days = i32::try_from(rules.new_account_days).unwrap_or(i32::MAX);
    Ok(app.allows(Flag::Rules) && queries::is_new(conn, user_pk, days).await?)
}

async fn count_new(app: &App, conn: &mut PgConnection, user_pk: UserPk, deed: Deed, amount: usize) -> HubResult<()> {
    let (limit, what) = deed.limit(&app.config.rules);
    let amount = i32::try_from(amount).unwrap_or(i32::MAX);
    if limit == 0 || amount == 0 {
        return Ok(());
    }
    let done = queries::count(conn, user_pk, deed.as_str(), amount).await?;
    if u64::try_from(done).unwrap_or_default() > limit {
        let what = what.replace("{}", &limit.to_string());
        return Err(HubError::too_many_requests(&format!("Your account is new: it can {what} within an hour."), 3600));
    }
    Ok(())
}

/// Something that was said in a discussion.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The id of the comment.
    pub id: &'a str,
    /// Who said it.
    pub author_pk: UserPk,
    /// The Markdown.
    pub text: &'a str,
    /// What it counts as; nothing when a comment is changed.
    pub deed: Option<Deed>,
}

/// Looks at what was said, in the transaction that says it. With too many links to elsewhere it is hidden until a moderator has
/// looked at it.
///
/// # Errors
/// 429 for a new account that says too much within an hour.
pub async fn look_at_comment(app: &App, conn: &mut PgConnection, said: Said<'_>) -> HubResult<()> {
    if !is_new(app, conn, said.author_pk).await? {
        return Ok(());
    }
    if let Some(deed) = said.deed {
        count_new(app, conn, said.author_pk, deed, 1).await?;
        count_new(app, conn, said.author_pk, Deed::Mention, mentioned_names(said.text).len()).await?;
    }
    // A comment that is changed was noted when it was written.
    let (copies, alike) = match said.deed {
        Some(_) => copies_of(app, conn, said.author_pk, said.text).await?,
        None => (None, None),
    };
    let links = too_many_links(app, said.text);
    if links.is_none() && copies.is_none() && alike.is_none() {
        return Ok(());
    }
    // Moderators see no more of private repositories than others.
    let Some(place) = queries::find_comment(conn, said.id).await?.filter(|place| !place.private) else { return Ok(()) };
    let subject = subject::of_comment_at(&place, said.id, said.text);
    if let Some(why) = copies {
        report(conn, &subject, "copies", Category::Spam, &why).await?;
    }
    if let Some(why) = alike {
        report(conn, &subject, "alike", Category::Spam, &why).await?;
    }
    if let Some(why) = links {
        let case = report(conn, &subject, "links", Category::Spam, &why).await?;
        hold(app, conn, &case).await?;
    }
    Ok(())
}

/// Has the card of a repository looked at, once this is committed.
///
/// # Errors
/// The database does not answer.
pub async fn ask_about_card(app: &App, conn: &mut PgConnection, repo_pk: i64, user_pk: Option<UserPk>) -> sqlx::Result<()> {
    match user_pk.filter(|_| app.allows(Flag::Rules)) {
        Some(user_pk) => Job::LookAtCard { repo_pk, user_pk }.enqueue(conn).await,
        None => Ok(()),
    }
}

/// Looks at a card that somebody changed: the body of [`Job::LookAtCard`].
///
/// # Errors
/// Git or the database does not answer.
pub async fn look_at_card(app: &App, repo_pk: i64, user_pk: UserPk) -> HubResult<()> {
    let Some(repo) = find_repo_by_pk(&app.pool, repo_pk).await?.filter(|repo| !repo.private) else { return Ok(()) };
    let text = metadata::card_text(app, &repo).await?;
    let mut tx = app.begin().await?;
    if text.is_empty() || !is_new(app, &mut tx, user_pk).await? {
        return Ok(());
    }
    let subject = Subject { excerpt: subject::cut(&text), ..subject::of_repo(&repo) };
    if let Some(why) = too_many_links(app, &text) {
        report(&mut tx, &subject, "links", Category::Spam, &why).await?;
    }
    let (copies, alike) = copies_of(app, &mut tx, user_pk, &text).await?;
    for (rule, why) in [("copies", copies), ("alike", alike)] {
        if let Some(why) = why {
            report(&mut tx, &subject, rule, Category::Spam, &why).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Looks at the name of a new user or organisation, in the transaction that makes it. Where there are no rules, moderators still hear
/// of names that look like one that many know.
///
/// # Errors
/// The database does not answer.
pub async fn look_at_name(app: &App, conn: &mut PgConnection, namespace_pk: i64, name: &str, kind: &str) -> HubResult<()> {
    let known = &app.config.rules.names;
    let skeleton = queries::skeleton_of(conn, name).await?;
    let same = match app.allows(Flag::Rules) {
        true => queries::find_alike(conn, namespace_pk, name, known, MIN_ALIKE).await?,
        false => {
            let skeletons = std::slice::from_ref(&skeleton);
            queries::find_known_alike(conn, namespace_pk, skeletons, known, Whose::Anybody, MIN_ALIKE).await?
        }
    };
    let why = match same {
        Some(alike) => format!("The name looks like {alike}."),
        None => match near_name(conn, namespace_pk, &skeleton, known).await? {
            Some(alike) => format!("The name is one letter away from {alike}."),
            None => return Ok(()),
        },
    };
    let subject = subject::of_namespace(namespace_pk, kind, name);
    report(conn, &subject, "name", Category::Impersonation, &why).await.map(|_| ())
}

/// The name that many know and that is one letter away.
async fn near_name(conn: &mut PgConnection, namespace_pk: i64, skeleton: &str, known: &[String]) -> sqlx::Result<Option<String>> {
    let near = neighbours(skeleton);
    if near.is_empty() {
        return Ok(None);
    }
    queries::find_known_alike(conn, namespace_pk, &near, known, Whose::Anybody, MIN_ALIKE).await
}

/// Looks at the display name of a user or organisation, in the transaction that sets it: whether to the eye it is the name of an
/// organisation that many know, to which whoever has it does not belong.
///
/// # Errors
/// The database does not answer.
pub async fn look_at_fullname(
    app: &App,
    conn: &mut PgConnection,
    namespace_pk: i64,
    (kind, name, fullname): (&str, &str, &str),
) -> HubResult<()> {
    let folded = fold(fullname);
    // What the name itself looks like was looked at when it was taken.
    if folded.is_empty() || folded == fold(name) {
        return Ok(());
    }
    let known = &app.config.rules.names;
    let skeletons = [queries::skeleton_of(conn, &folded).await?];
    let alike = queries::find_known_alike(conn, namespace_pk, &skeletons, known, Whose::Organizations, MIN_ALIKE).await?;
    let Some(alike) = alike else { return Ok(()) };
    let subject = Subject { excerpt: subject::cut(fullname), ..subject::of_namespace(namespace_pk, kind, name) };
    let why = format!("The full name looks like {alike}.");
    report(conn, &subject, "fullname", Category::Impersonation, &why).await.map(|_| ())
}

/// Looks at a new repository, in the transaction that makes it: whether names are taken for nothing.
///
/// # Errors
/// The database does not answer.
pub async fn look_at_repo(app: &App, conn: &mut PgConnection, user: &User, repo: &Repo) -> HubResult<()> {
    let most = app.config.rules.empty_repos;
    if most == 0 || repo.private || !is_new(app, conn, user.pk).await? {
        return Ok(());
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    if queries::count_empty(conn, repo.namespace_pk, user.pk, most).await? < most {
        return Ok(());
    }
    let subject = subject::of_namespace(user.pk, "user", &user.name);
    let why = format!("The account is new, and has made {most} repositories or more that have nothing in them.");
    report(conn, &subject, "empty", Category::Spam, &why).await.map(|_| ())
}

/// Puts what a rule found into the queue.
async fn report(conn: &mut PgConnection, subject: &Subject, rule: &str, category: Category, why: &str) -> HubResult<CaseRow> {
    let case_pk = cases::open_case(conn, subject, category).await?;
    if queries::insert_report(conn, case_pk, rule, category, why).await? {
        cases::weigh_case(conn, case_pk, category).await?;
    }
    cases::find_case(&mut *conn, case_pk).await?.ok_or_else(|| HubError::internal("the new case is gone"))
}

/// Hides a comment until a moderator decides about its case.
async fn hold(app: &App, conn: &mut PgConnection, case: &CaseRow) -> HubResult<()> {
    let why = "It has many links to elsewhere, and the account is new. It is hidden until a moderator has looked at it.";
    let decision = Decision::new(Act::HideComment, Category::Spam, why)?;
    let act_pk = cases::insert_act(conn, THE_HUB, case, &decision).await?;
    effects::hide_comments(conn, act_pk, Comments::One(case.subject_pk)).await?;
    let notice = Notice::Moderated {
        subject: case.subject.clone(),
        lines: vec![
            format!("a rule of this hub hid {}, and a moderator will look at it.", case.subject),
            format!("The reason: {why}"),
            "If it may stay, it is shown again. You can also appeal:".to_owned(),
        ],
        page: appeals::path_of(app, act_pk),
    };
    acts::tell_owner(conn, case.owner_pk, &notice).await
}

/// What a moderator's decision does to what was hidden meanwhile. Of what may stay, people are told now.
///
/// # Errors
/// The database does not answer.
pub(super) async fn let_go(conn: &mut PgConnection, moderator: (i64, &str), case: &CaseRow, stays: bool) -> HubResult<()> {
    for act_pk in queries::list_holds(conn, case.case_pk).await? {
        let Some(act) = cases::find_act(&mut *conn, act_pk).await? else { continue };
        cases::insert_undo(conn, moderator, &act, ("A moderator has looked at it.", None)).await?;
        effects::uncover(conn, act_pk).await?;
        if stays
            && case.subject_kind == SubjectKind::Comment.as_str()
            && let Some(id) = queries::find_comment_id(conn, case.subject_pk).await?
        {
            Job::TellOfEvent { id }.enqueue(conn).await?;
        }
    }
    Ok(())
}

fn too_many_links(app: &App, text: &str) -> Option<String> {
    let most = app.config.rules.links;
    let found = outside_hosts(text, &app.config.base());
    let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
    (most > 0 && count > most).then(|| {
        let mut hosts = found;
        hosts.sort_unstable();
        hosts.dedup();
        let shown: Vec<_> = hosts.iter().take(10).map(String::as_str).collect();
        format!("It has {count} links to elsewhere, and the account is new: {}.", shown.join(", "))
    })
}

/// What others that are new have said the same, and what they have said nearly the same.
async fn copies_of(
    app: &App,
    conn: &mut PgConnection,
    user_pk: UserPk,
    text: &str,
) -> HubResult<(Option<String>, Option<String>)> {
    Ok((too_many_copies(app, conn, user_pk, text).await?, too_many_alike(app, conn, user_pk, text).await?))
}

async fn too_many_alike(app: &App, conn: &mut PgConnection, user_pk: UserPk, text: &str) -> HubResult<Option<String>> {
    let most = app.config.rules.alike;
    let Some(shape) = Shape::of(text).filter(|_| most > 0) else { return Ok(None) };
    let found = queries::note_shape(conn, user_pk, &shape.mins, &shape.bands, COMPARED).await?;
    let people: HashSet<UserPk> = found.iter().filter(|row| shape.is_like(&row.mins)).map(|row| row.user_pk).collect();
    let count = u64::try_from(people.len()).unwrap_or_default();
    Ok((count >= most).then(|| format!("{count} new accounts have said nearly the same within a week.")))
}

async fn too_many_copies(app: &App, conn: &mut PgConnection, user_pk: UserPk, text: &str) -> HubResult<Option<String>> {
    let most = app.config.rules.copies;
    let Some(hash) = hash_of(text).filter(|_| most > 0) else { return Ok(None) };
    let count = queries::note_text(conn, user_pk, &hash).await?;
    let is_much = u64::try_from(count).unwrap_or_default() >= most;
    Ok(is_much.then(|| format!("New accounts have said the same {count} times within a week.")))
}

/// The hosts of the links to elsewhere in a text, as often as they are there.
fn outside_hosts(text: &str, base: &str) -> Vec<String> {
    let own = base.split_once("://").map_or(base, |(_, host)| host).trim_end_matches('/');
    let lower = text.to_ascii_lowercase();
    let mut hosts = Vec::new();
    for (at, start) in lower.match_indices("://").chain(lower.match_indices("www.")) {
        let before = lower.get(..at).unwrap_or_default();
        let rest = lower.get(at..).unwrap_or_default();
        let host = match start {
            "www." if before.ends_with("//") => continue,
            "www." => rest,
            _ if before.ends_with("http") || before.ends_with("https") => rest.trim_start_matches("://"),
            _ => continue,
        };
        let host = host.split(|c: char| c.is_whitespace() || "/?#<>()[]\"'`".contains(c)).next().unwrap_or_default();
        if !host.is_empty() && host != own && hosts.len() < MOST_LINKS {
            hosts.push(host.to_owned());
        }
    }
    hosts
}

/// What is said, without how it is written: its letters alone. Short texts have none.
fn hash_of(text: &str) -> Option<[u8; 32]> {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    (letters.chars().count() >= MIN_COPIED).then(|| Sha256::digest(letters.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_elsewhere_are_counted_wherever_they_stand() {
        let text = "[a](https://spam.example/x) <HTTP://Spam.Example> https://hub.example/ada https://other.example:8443?x=1 https://www.a.example www.b.example ftp://c";
        let hosts = outside_hosts(text, "https://hub.example");
        assert_eq!(hosts, ["spam.example", "spam.example", "other.example:8443", "www.a.example", "www.b.example"]);
    }

    #[test]
    fn the_same_words_are_the_same_however_they_are_written() {
        let (one, other) = ("Buy cheap watches at our shop 123!", "buy CHEAP   watches — at our shop, 77");
        assert!(hash_of(one).is_some() && hash_of(one) == hash_of(other));
        assert_eq!(hash_of("Thanks, it works!"), None);
    }
}
