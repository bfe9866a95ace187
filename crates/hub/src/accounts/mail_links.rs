//! Links in mails that work once: made and sent by jobs, so that neither a job nor a table holds what opens an account.

use super::queries::links::{self, LinkRow, Purpose};
use super::{User, tokens};
use crate::app::App;
use crate::error::HubResult;
use crate::signing::random_secret;

/// Makes a link that lasts `lasts_secs`, in place of the user's last one for this, and sends it by `send`, which is given its
/// secret. A link that was not sent is made anew the next time.
///
/// # Errors
/// The mail server does not take it.
pub(crate) async fn send_link<F>(
    app: &App,
    user: &User,
    email: &str,
    purpose: Purpose,
    lasts_secs: f64,
    send: impl FnOnce(String) -> F,
) -> HubResult<()>
where
    F: Future<Output = HubResult<()>>,
{
    let secret = random_secret::<32>();
    let hash = tokens::hash(&secret);
    let row = LinkRow { user_pk: user.pk, email: email.to_owned() };
    let mut conn = app.pool.acquire().await?;
    links::replace_link(&mut conn, &hash, &row, purpose, lasts_secs).await?;
    drop(conn);
    send(secret).await?;
    Ok(links::mark_sent(&app.pool, &hash).await?)
}
