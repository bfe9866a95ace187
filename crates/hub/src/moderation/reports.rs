//! Reporting something.

use super::category::Category;
use super::queries;
use super::subject::Subject;
use crate::accounts::User;
use crate::accounts::queries::lock_user;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// How much can be said, in characters.
pub const MAX_TEXT: usize = 4000;
/// How many reports somebody may send in an hour.
const MOST_PER_HOUR: i64 = 20;

/// Reports something. What others report of the same thing goes into the same case.
///
/// # Errors
/// 400 for what is one's own or says too little, 409 for what the person has reported already, 429 for too many reports.
pub async fn report(app: &App, user: &User, subject: &Subject, category: Category, text: &str) -> HubResult<()> {
    if subject.owner_pk == Some(user.pk) {
        return Err(HubError::bad_request("This is yours: you can change or delete it yourself.").at("thing"));
    }
    let length = text.chars().count();
    if length > MAX_TEXT || (length < 10 && category == Category::Other) {
        let text = format!("Say what is wrong, in 10 to {MAX_TEXT} characters.");
        return Err(HubError::bad_request(text).at("text"));
    }
    let mut tx = app.begin().await?;
    lock_user(&mut tx, user.pk).await?;
    if queries::count_reports_lately(&mut tx, user.pk).await? >= MOST_PER_HOUR {
        return Err(HubError::too_many_requests(&format!("You have sent {MOST_PER_HOUR} reports within an hour."), 3600));
    }
    let case_pk = queries::open_case(&mut tx, subject, category).await?;
    if !queries::insert_report(&mut tx, case_pk, user.pk, category, text).await? {
        return Err(HubError::conflict(
            "You have reported this already, and nobody has decided yet: see your reports in the settings.",
        ));
    }
    queries::weigh_case(&mut tx, case_pk, category).await?;
    tx.commit().await?;
    Ok(())
}
