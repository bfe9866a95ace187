//! Whoever sends a request: who they are, how they proved it, and what they may do.

mod request;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scopes;
use crate::error::{HubError, HubResult};
use crate::oauth;

/// The database key of a user (which is also its namespace's).
pub type UserPk = i64;

/// What a member may do in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgRole {
    /// Reads everything.
    Read,
    /// Also makes repositories and administers those.
    Contributor,
    /// Also changes all repositories.
    Write,
    /// Everything.
    Admin,
}

impl OrgRole {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Contributor => "contributor",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Contributor, Self::Write, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRole {
    /// Reads what its owner may read.
    Read,
    /// Does what its owner may do with repositories.
    Write,
    /// Does what its scopes list.
    FineGrained,
}

impl TokenRole {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::FineGrained => "fineGrained",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::FineGrained].into_iter().find(|role| role.as_str() == text)
    }
}

/// An organisation the viewer belongs to.
#[derive(Debug, Clone, Deserialize)]
pub struct Membership {
    /// The organisation's key.
    pub namespace_pk: i64,
    /// Its name.
    pub name: String,
    /// Its full name.
    pub fullname: String,
    /// The viewer's role in it. Where moderators suspended it, everybody reads only.
    pub role: OrgRole,
    /// Whether moderators suspended it: nobody changes anything in it.
    pub suspended: bool,
    /// Whether the viewer is its admin, also while it is suspended: they are told of decisions, and can appeal.
    pub answers: bool,
    /// The least role that makes repositories of the organisation's own, in no group.
    pub create_role: OrgRole,
    /// The resource groups the viewer is in; admins of the organisation are in all.
    pub groups: Vec<GroupMembership>,
    /// Whether the organisation asks for a second factor that the viewer does not have.
    pub locked: bool,
}

impl Membership {
    /// Whether the viewer may make repositories in the organisation: its own, or in a group.
    pub fn may_create(&self) -> bool {
        self.role >= self.create_role || self.groups.iter().any(GroupMembership::may_create)
    }
}

/// A resource group of an organisation that the viewer is in.
#[derive(Debug, Clone, Deserialize)]
pub struct GroupMembership {
    /// Its key, which is negative.
    pub pk: i64,
    /// The id that clients see.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The viewer's role in it.
    pub role: OrgRole,
}

impl GroupMembership {
    /// Whether the viewer may make repositories in it.
    pub fn may_create(&self) -> bool {
        self.role >= OrgRole::Contributor
    }
}

/// A person with an account.
#[derive(Debug, Clone)]
pub struct User {
    /// The key.
    pub pk: UserPk,
    /// The user name.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// The mail address.
    pub email: String,
    /// Whether the person has said that it is theirs. Mail goes to no other, except to ask just that.
    pub email_confirmed: bool,
    /// Whether this person runs the hub.
    pub is_admin: bool,
    /// Whether this person looks after what others publish. Who runs the hub does, too: ask [`Viewer::is_moderator`].
    pub is_moderator: bool,
    /// Whether nobody acts by the account: moderators suspended it, it is being deleted, or it is a service account that is disabled.
    pub suspended: bool,
    /// Of a service account: the organisation whose it is. It has no address and signs in to nothing; it has tokens.
    pub service_of: Option<i64>,
    /// When the account is removed for good, if its owner asked for that.
    pub deletes_at: Option<chrono::DateTime<chrono::Utc>>,
    /// Whether this person's clients are kept to plain HTTP, away from Xet.
    pub plain_http: bool,
    /// Whether pages show this person what is not for all audiences without asking.
    pub shows_labelled: bool,
    /// How often all sessions of the account were ended: a sign-in that was begun before comes to nothing.
    pub sign_in_version: i32,
    /// The organisations.
    pub memberships: Vec<Membership>,
    /// The organisations that ask their members for a second factor, while this person has none: they are members there in name only,
    /// and every permission check takes them for strangers.
    pub locked_out: Vec<Membership>,
}

impl User {
    /// Whether this person looks after what others publish.
    pub fn moderates(&self) -> bool {
        self.is_admin || self.is_moderator
    }

    /// Whether this is no person, but an account that an organisation's programs use.
    pub const fn is_service(&self) -> bool {
        self.service_of.is_some()
    }

    /// The keys of the namespaces this person belongs to: their own and their organisations'. Who runs the
    /// hub counts as the person they are, too.
    pub fn namespaces(&self) -> Vec<i64> {
        std::iter::once(self.pk).chain(self.memberships.iter().map(|membership| membership.namespace_pk)).collect()
    }

    /// The keys of all whose private repositories this person may see: of their [`Self::namespaces`], where those stand for the
    /// repositories in no resource group, and of the groups they are in. Compared with `coalesce(resource_group_pk, namespace_pk)`.
    pub fn audiences(&self) -> Vec<i64> {
        let groups = self.memberships.iter().flat_map(|membership| &membership.groups);
        let mut audiences = self.namespaces();
        audiences.extend(groups.map(|group| group.pk));
        audiences
    }

    /// Whether a namespace is this person's own, or that of an organisation they are a member of, also where they lack a second factor.
    pub fn belongs_to(&self, namespace_pk: i64) -> bool {
        let mut memberships = self.memberships.iter().chain(&self.locked_out);
        self.pk == namespace_pk || memberships.any(|membership| membership.namespace_pk == namespace_pk)
    }

    /// What this person would be in the organisation of this name, if they had the second factor that it asks for.
    pub fn locked_out_of(&self, name: &str) -> Option<&Membership> {
        self.locked_out.iter().find(|membership| membership.name.eq_ignore_ascii_case(name))
    }

    /// What this person is in an organisation.
    pub fn membership_in(&self, namespace_pk: i64) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.namespace_pk == namespace_pk)
    }
}

/// How the viewer proved who they are.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all.
    Anonymous,
    /// By the browser's session cookie.
    Session {
        /// The cookie's hash, the session's key.
        session_hash: [u8; 32],
    },
    /// By an access token.
    Token {
        /// Its key.
        token_pk: i64,
        /// Its name.
        name: String,
        /// What it may do.
        role: TokenRole,
        /// For fine-grained tokens: the scopes.
        scopes: Value,
        /// When it was made.
        created_at: chrono::DateTime<chrono::Utc>,
        /// How many requests of each kind it may make in a window, if its owner gave it fewer than the account has.
        requests_limit: Option<u64>,
    },
    /// By user name and password, or with an SSH key (git).
    Password,
}

impl Auth {
    /// The token that was shown, if it is one that is stored, and its own limit of requests.
    pub const fn token(&self) -> Option<(i64, Option<u64>)> {
        match self {
            // No row is behind the token of Git LFS over SSH.
            Self::Token { token_pk, requests_limit, .. } if *token_pk != 0 => Some((*token_pk, *requests_limit)),
            Self::Token { .. } | Self::Session { .. } | Self::Password | Self::Anonymous => None,
        }
    }

    /// What the trusted publisher is called whose job shows its token, if it is one.
    pub fn publisher(&self) -> Option<&str> {
        let Self::Token { scopes, .. } = self else { return None };
        scopes.pointer("/publisher/name")?.as_str()
    }
}

/// Whoever sent the request.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// The account, unless anonymous.
    pub user: Option<User>,
    /// How they proved it.
    pub auth: Auth,
}

impl Viewer {
    /// Somebody without an account.
    pub const ANONYMOUS: Self = Self { user: None, auth: Auth::Anonymous };

    /// Whether there is no account.
    pub fn is_anonymous(&self) -> bool {
        self.user.is_none()
    }

    /// Whether they run the hub.
    pub fn is_site_admin(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.is_admin)
    }

    /// Whether they look after what others publish: moderators, and those who run the hub.
    pub fn is_moderator(&self) -> bool {
        self.user.as_ref().is_some_and(User::moderates)
    }

    /// The account.
    ///
    /// # Errors
    /// 401 for anonymous viewers.
    pub fn require_user(&self) -> HubResult<&User> {
        self.user.as_ref().ok_or_else(HubError::login_required)
    }

    /// Refuses the token of a trusted publisher: its job writes files, and does not speak or decide for the account it acts by.
    ///
    /// # Errors
    /// 403 for such a token.
    pub fn require_no_job(&self) -> HubResult<()> {
        if self.auth.publisher().is_some() { Err(HubError::for_no_job()) } else { Ok(()) }
    }

    /// The account, if this is a browser session: for pages that manage the account itself, which no token may do.
    ///
    /// # Errors
    /// 401 for anonymous viewers, 403 for tokens.
    pub fn require_session(&self) -> HubResult<&User> {
        let user = self.require_user()?;
        match self.auth {
            Auth::Session { .. } => Ok(user),
            Auth::Token { .. } | Auth::Password | Auth::Anonymous => {
                Err(HubError::forbidden("This is done in the browser, signed in with your password."))
            }
        }
    }

    /// The account, if what was shown for it may act in its name: like, follow, collect. Tokens that only read may not, nor
    /// those that are for chosen repositories.
    ///
    /// # Errors
    /// 401 for anonymous viewers, 403 for such tokens.
    pub fn require_actor(&self) -> HubResult<&User> {
        let user = self.require_user()?;
        match self.auth {
            Auth::Session { .. } | Auth::Password | Auth::Token { role: TokenRole::Write, .. } => Ok(user),
            Auth::Token { .. } | Auth::Anonymous => Err(HubError::token_too_weak("the role `write`")),
        }
    }

    /// The account, if what was shown for it may take part in discussions somewhere: it may act in its name, or is a token that may
    /// write to some repository.
    ///
    /// # Errors
    /// As [`Self::require_actor`].
    pub fn require_talker(&self) -> HubResult<&User> {
        match &self.auth {
            Auth::Token { role: TokenRole::FineGrained, scopes: chosen, .. } if scopes::writes_somewhere(chosen) => {
                self.require_user()
            }
            Auth::Token { .. } | Auth::Session { .. } | Auth::Password | Auth::Anonymous => self.require_speaker(),
        }
    }

    /// The account, if what was shown for it may speak in its name: it may act in it, or is a token for discussions. What it may read is
    /// another question.
    ///
    /// # Errors
    /// 401 for anonymous viewers, 403 for other tokens.
    pub fn require_speaker(&self) -> HubResult<&User> {
        match &self.auth {
            Auth::Token { role: TokenRole::FineGrained, scopes: chosen, .. } if scopes::discusses(chosen) => self.require_user(),
            Auth::Token { name, role: TokenRole::FineGrained, scopes: chosen, .. } if oauth::is_of_application(chosen) => {
                Err(HubError::scope_missing(name, "write-discussions", None))
            }
            Auth::Token { .. } | Auth::Session { .. } | Auth::Password | Auth::Anonymous => self.require_actor(),
        }
    }

    /// [`Self::require_actor`] for what only people do: like, follow, watch, agree to conditions.
    ///
    /// # Errors
    /// As [`Self::require_actor`], and 403 for service accounts.
    pub fn require_person(&self) -> HubResult<&User> {
        let user = self.require_actor()?;
        if user.is_service() { Err(HubError::for_people_only()) } else { Ok(user) }
    }

    /// The [`User::namespaces`] of the account; none without one.
    pub fn namespaces(&self) -> Vec<i64> {
        self.user.as_ref().map(User::namespaces).unwrap_or_default()
    }

    /// The [`User::audiences`] of the account; none without one.
    pub fn audiences(&self) -> Vec<i64> {
        self.user.as_ref().map(User::audiences).unwrap_or_default()
    }

    /// The viewer's role in a namespace: admin of their own. A service account has nothing of its own.
    pub fn role_in(&self, namespace_pk: i64) -> Option<OrgRole> {
        let user = self.user.as_ref()?;
        if user.pk == namespace_pk {
            return (!user.is_service()).then_some(OrgRole::Admin);
        }
        user.membership_in(namespace_pk).map(|membership| membership.role)
    }

    /// Of an organisation that moderators suspended and that the viewer belongs to: whether the viewer answers for it.
    pub fn suspension_of(&self, namespace_pk: i64) -> Option<bool> {
        let membership = self.user.as_ref()?.membership_in(namespace_pk)?;
        membership.suspended.then_some(membership.answers)
    }
}
