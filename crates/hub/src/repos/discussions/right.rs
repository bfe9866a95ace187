use hub_types::RefName;

use super::Discussion;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{self, Level, RepoContent, RepoRead};
use crate::repos::queries::discussions;

/// Whether nothing is said here any more: moderators disabled the repository. Who runs the hub still may.
pub fn is_silenced(read: &RepoRead) -> bool {
    read.repo.disabled && !read.viewer.is_site_admin()
}

/// The key of the viewer who takes part in discussions: whoever may act in their own name, and whose token may write to the
/// repository or is for discussions.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens that only read or are of jobs, and in repositories that moderators disabled.
pub fn participant(read: &RepoRead) -> HubResult<i64> {
    read.viewer.require_no_job()?;
    if is_silenced(read) {
        return Err(access::disabled(&read.repo));
    }
    let user = if read.level >= Level::Write { read.viewer.require_user()? } else { read.viewer.require_speaker()? };
    Ok(user.pk)
}

/// Goes on to propose commits: whoever takes part and may download the files.
///
/// # Errors
/// As [`participant`], and 403 for a gated repository that has not let the viewer in.
pub async fn may_propose(app: &App, read: RepoRead) -> HubResult<RepoContent> {
    participant(&read)?;
    read.into_content(app).await
}

/// Whether the viewer may change what somebody wrote or opened: it is theirs, or they may write to the repository.
pub fn may_change(read: &RepoRead, author_pk: Option<i64>) -> bool {
    let own = read.viewer.user.as_ref().is_some_and(|user| author_pk == Some(user.pk));
    (read.level >= Level::Write && read.viewer.require_no_job().is_ok()) || (own && participant(read).is_ok())
}

/// Where the commits of a pull request are.
///
/// # Errors
/// Never for a number that was given out.
pub fn pull_ref(num: i64) -> HubResult<RefName> {
    Ok(RefName::new(&format!("refs/pr/{num}"))?)
}

/// The number in `refs/pr/{number}`.
pub fn number_of_ref(name: &str) -> Option<i64> {
    let digits = name.strip_prefix("refs/pr/")?;
    // No other way to write a number is one's ref.
    digits.parse().ok().filter(|num: &i64| *num > 0 && num.to_string() == digits)
}

/// The pull requests that the viewer may push to.
///
/// # Errors
/// The database does not answer.
pub async fn numbers_to_push(app: &App, read: &RepoRead) -> HubResult<Vec<i64>> {
    let Ok(user_pk) = participant(read) else { return Ok(Vec::new()) };
    let author = (read.level < Level::Write).then_some(user_pk);
    Ok(discussions::list_open_pulls(&app.pool, read.repo.pk, author).await?)
}

/// The right to change the commits of one pull request, and nothing else.
#[derive(Debug, Clone)]
pub struct PullWrite {
    read: RepoContent,
    /// Where its commits are.
    name: RefName,
}

impl PullWrite {
    /// Checks that the viewer may commit to a pull request: they opened it, or may write to the repository.
    ///
    /// # Errors
    /// 401 or 403 for others, 404 for a number that is no pull request's, 409 for one that is over.
    pub async fn check(app: &App, read: RepoRead, num: i64) -> HubResult<Self> {
        let read = read.into_content(app).await?;
        participant(&read)?;
        let name = pull_ref(num)?;
        let found = discussions::find(&app.pool, read.repo.pk, num).await?;
        let found: Discussion =
            found.filter(Discussion::is_pull_request).ok_or_else(|| HubError::revision_not_found(name.as_str()))?;
        if !may_change(&read, found.author_pk) {
            return Err(HubError::forbidden(format!(
                "Only who opened #{num} and those who may write to {} can add commits to it.",
                read.repo.id
            )));
        }
        if !found.status.is_open() {
            return Err(HubError::conflict(format!("#{num} is {}: open it again to add commits.", found.status.as_str())));
        }
        Ok(Self { read, name })
    }

    /// The repository, as its viewer may read it.
    pub fn read(&self) -> &RepoContent {
        &self.read
    }

    /// Where the commits are.
    pub fn name(&self) -> &RefName {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::number_of_ref;

    #[test]
    fn only_the_plain_number_is_a_pull_requests_ref() {
        assert_eq!(number_of_ref("refs/pr/12"), Some(12));
        for other in ["refs/pr/", "refs/pr/0", "refs/pr/-1", "refs/pr/01", "refs/pr/+1", "refs/pr/1/x", "refs/heads/1"] {
            assert_eq!(number_of_ref(other), None, "{other}");
        }
    }
}
