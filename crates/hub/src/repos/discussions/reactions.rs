//! Reactions: a sign that somebody sets to a comment instead of saying it.

use std::collections::HashMap;

use super::changes::check_unlocked;
use super::{get, participant};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoRead;
use crate::repos::queries::discussions::{self, ReactionRow};

/// The signs there are, and what they are called.
pub const REACTIONS: [(&str, &str); 8] = [
    ("👍", "Thumbs up"),
    ("👎", "Thumbs down"),
    ("😄", "Laugh"),
    ("🎉", "Hooray"),
    ("😕", "Confused"),
    ("❤️", "Heart"),
    ("🚀", "Rocket"),
    ("👀", "Eyes"),
];

/// The reactions to the comments of a discussion, by the id of the comment, in the order of [`REACTIONS`].
pub type Reactions = HashMap<String, Vec<ReactionRow>>;

/// Sets a reaction to a comment, or takes it away. Saying it twice changes nothing.
///
/// # Errors
/// 400 for another sign, 401 or 403 for those who may not comment or of a hidden comment, 404 for an unknown one.
pub async fn react(app: &App, read: &RepoRead, num: i64, comment: &str, reaction: &str, set: bool) -> HubResult<()> {
    let user_pk = participant(read)?;
    let found = get(app, &read.repo, num).await?;
    check_unlocked(read, &found)?;
    let Some((reaction, _)) = REACTIONS.into_iter().find(|(sign, _)| *sign == reaction) else {
        let signs: Vec<&str> = REACTIONS.iter().map(|(sign, _)| *sign).collect();
        return Err(HubError::bad_request(format!("A reaction is one of {}.", signs.join(" "))));
    };
    let event = discussions::find_event(&app.pool, found.discussion_pk, &comment.to_ascii_lowercase()).await?;
    let event = event.filter(|event| event.kind == "comment");
    let event = event.ok_or_else(|| HubError::not_found(format!("There is no such comment in #{num}.")))?;
    if event.hidden {
        return Err(HubError::forbidden("This comment is hidden: nobody can react to it."));
    }
    match set {
        true => discussions::insert_reaction(&app.pool, event.event_pk, user_pk, reaction).await?,
        false => discussions::delete_reaction(&app.pool, event.event_pk, user_pk, reaction).await?,
    }
    Ok(())
}

/// The reactions to all comments of a discussion.
///
/// # Errors
/// The database does not answer.
pub async fn reactions_of(app: &App, discussion_pk: i64, viewer_pk: Option<i64>) -> HubResult<Reactions> {
    let mut by_comment = Reactions::new();
    for row in discussions::list_reactions(&app.pool, discussion_pk, viewer_pk).await? {
        by_comment.entry(row.comment.clone()).or_default().push(row);
    }
    let place = |row: &ReactionRow| REACTIONS.iter().position(|(sign, _)| *sign == row.reaction);
    by_comment.values_mut().for_each(|rows| rows.sort_by_key(place));
    Ok(by_comment)
}
