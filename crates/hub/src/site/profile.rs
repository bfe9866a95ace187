//! The public page of a user or an organisation.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::SafeHtml;
use hub_types::RepoType;

use crate::accounts::page::PageRequest;
use crate::accounts::pages::members::member_label;
use crate::accounts::queries::domains::find_joinable;
use crate::accounts::queries::follows::count_follows;
use crate::accounts::queries::public::count_members;
use crate::accounts::queries::requests::count_requests;
use crate::accounts::queries::settings::{MemberRow, ProfileRow, find_profile, list_members, list_organizations_of};
use crate::accounts::requests::MOST;
use crate::accounts::{Membership, OrgRole};
use crate::activity::calendar::Calendar;
use crate::collections::pages::view::{CollectionCard, cards_of_owner};
use crate::error::{HubError, HubResult};
use crate::notifications::watching;
use crate::repos::pages::lists;
use crate::repos::pages::owner_card::{self, OwnerCard, owner_card};
use crate::repos::pages::view::RepoColumn;
use crate::repos::queries::relations::count_by_type;
use crate::repos::visibility::visible_to;
use crate::web::filters;
use crate::web::layout::{Layout, kind_icon, kind_title};

/// The page.
#[derive(Debug, Template)]
#[template(path = "accounts/profile.html")]
pub struct ProfilePage {
    /// The frame.
    pub layout: Layout,
    /// The name in addresses.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// What they say about themselves.
    pub details: String,
    /// A page of their own, possibly none.
    pub homepage: String,
    /// Where else they are.
    pub links: Vec<String>,
    /// Of a service account: the organisation whose it is.
    pub service_of: Option<String>,
    /// The shape of the avatar.
    pub avatar_class: &'static str,
    /// Where the viewer may change this.
    pub settings_href: Option<String>,
    /// The text of that link.
    pub settings_label: &'static str,
    /// Of an organisation: what it says of itself at length.
    pub card: Option<SafeHtml>,
    /// Where the viewer writes or changes that, and the text of the link.
    pub card_link: Option<(String, &'static str)>,
    /// Whether the viewer is a member who lacks the second factor that the organisation asks for.
    pub locked_out: bool,
    /// Where moderators suspended the organisation, to which the viewer belongs: whether the viewer answers for it.
    pub suspended: Option<bool>,
    /// Where the viewer can ask to join.
    pub join_href: Option<String>,
    /// Where the viewer can join at once, by the domain of their address.
    pub domain_join: Option<DomainJoin>,
    /// Where an admin answers those who asked, with how many there are.
    pub requests: Option<(String, i64)>,
    /// For a user: the organisations.
    pub organizations: Vec<String>,
    /// For an organisation: the members, or the first ones.
    pub members: Vec<MemberFace>,
    /// How many there are.
    pub member_count: i64,
    /// Whether the viewer may make repositories here.
    pub can_create: bool,
    /// The overview and a tab for each kind of which there is something.
    pub tabs: Vec<ProfileTab>,
    /// The latest repositories by kind, or a page of one kind.
    pub columns: Vec<RepoColumn>,
    /// Who follows whom.
    pub follow: FollowView,
    /// Twelve months of activity.
    pub calendar: Calendar,
    /// The collections, in the owner's order.
    pub collections: Vec<CollectionCard>,
    /// The first page of that kind.
    pub first: Option<String>,
    /// Its next page.
    pub next: Option<String>,
}

/// How somebody joins by the domain of their mail address.
#[derive(Debug)]
pub struct DomainJoin {
    /// The domain.
    pub domain: String,
    /// The role that it gives.
    pub role: String,
}

/// The follow button and its numbers.
#[derive(Debug)]
pub struct FollowView {
    /// The profile.
    pub href: String,
    /// Whether it is the viewer's own.
    pub is_self: bool,
    /// Whether the viewer follows it.
    pub is_following: bool,
    /// Whether the viewer is told of what is new in it.
    pub is_watching: bool,
    /// How many do.
    pub followers: i64,
    /// How many it follows.
    pub following: i64,
    /// Whether it is a user, who can follow.
    pub is_user: bool,
}

/// A tab of a profile.
#[derive(Debug)]
pub struct ProfileTab {
    /// Its text.
    pub label: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// How many repositories it lists.
    pub count: Option<u64>,
    /// Where it leads.
    pub href: String,
    /// Whether this page is it.
    pub current: bool,
}

/// The repositories on a profile.
#[derive(Debug, Default)]
struct Shelf {
    /// On the overview of an organisation, with what it says at length.
    card: Option<OwnerCard>,
    /// On the overview.
    calendar: Calendar,
    /// On the overview.
    collections: Vec<CollectionCard>,
    tabs: Vec<ProfileTab>,
    columns: Vec<RepoColumn>,
    first: Option<String>,
    next: Option<String>,
}

/// A member of an organisation.
#[derive(Debug)]
pub struct MemberFace {
    /// The user name.
    pub name: String,
    /// The role.
    pub role: String,
    /// Whether it is a service account.
    pub is_service: bool,
}

impl ProfilePage {
    /// The heading.
    pub fn display_name(&self) -> &str {
        if self.fullname.is_empty() { &self.name } else { &self.fullname }
    }

    /// The addresses with what is shown of them, the homepage first.
    pub fn addresses(&self) -> Vec<(&str, &str)> {
        let homepage = Some(&self.homepage).filter(|homepage| !homepage.is_empty());
        homepage.into_iter().chain(&self.links).map(|link| (link.as_str(), without_scheme(link))).collect()
    }

    /// The heading of the faces.
    pub fn member_label(&self) -> String {
        member_label(self.member_count)
    }

    /// Whether there are members whose faces are not shown.
    pub fn has_more_members(&self) -> bool {
        usize::try_from(self.member_count).is_ok_and(|count| count > self.members.len())
    }

    /// Whether there is nothing to show.
    pub fn is_bare(&self) -> bool {
        self.collections.is_empty() && self.columns.iter().all(|column| column.repos.is_empty())
    }
}

/// An address as people read it: without what all begin and end with.
fn without_scheme(link: &str) -> &str {
    let rest = ["https://", "http://"].iter().find_map(|scheme| link.strip_prefix(scheme)).unwrap_or(link);
    rest.strip_prefix("www.").unwrap_or(rest).trim_end_matches('/')
}

/// How many faces of members are shown.
const FACES: i64 = 30;
/// How many repositories of each kind the overview shows.
const COLUMN_LEN: usize = 12;
/// How many collections are shown.
const COLLECTIONS_LEN: i64 = 12;
/// How many of one kind a page shows.
const PAGE_LEN: usize = 30;

/// Mounts `/{namespace}`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/{namespace}", crate::web::read().to(show_profile));
}

async fn show_profile(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let missing = || HubError::not_found("There is no user or organization of this name.");
    // An impossible name never reaches the database: a NUL in it would be a 500 there.
    hub_types::check_name(&path).map_err(|_| missing())?;
    let row = find_profile(&page.app.pool, &path).await?.filter(|row| !row.leaves).ok_or_else(missing)?;
    // Written otherwise, or by a name that it had.
    if row.name != *path {
        return Ok(page.redirect(&format!("/{}", row.name)));
    }
    let shelf = shelf(&page, &row).await?;
    let shown = match row.kind.as_str() {
        "organization" => organization_page(&page, row, shelf).await?,
        _ => user_page(&page, row, shelf).await?,
    };
    page.show(shown).await
}

async fn follow_of(page: &PageRequest, row: &ProfileRow) -> HubResult<FollowView> {
    let viewer_pk = page.viewer.user.as_ref().map(|user| user.pk);
    let counts = count_follows(&page.app.pool, row.namespace_pk, viewer_pk).await?;
    let is_watching = match viewer_pk {
        Some(viewer_pk) => watching::watches_namespace(&page.app, viewer_pk, row.namespace_pk).await?,
        None => false,
    };
    Ok(FollowView {
        href: format!("/{}", row.name),
        is_self: viewer_pk == Some(row.namespace_pk),
        is_following: counts.is_following,
        is_watching,
        followers: counts.followers,
        following: counts.following,
        is_user: row.kind == "user",
    })
}

/// The latest of each kind, or a page of the kind that `tab` names.
async fn shelf(page: &PageRequest, row: &ProfileRow) -> HubResult<Shelf> {
    let counts = count_by_type(&page.app.pool, &visible_to(&page.viewer), row.namespace_pk).await?;
    let count =
        |kind| counts.iter().find(|count| count.repo_type == kind).map_or(0, |count| u64::try_from(count.count).unwrap_or(0));
    let query = page.query();
    let chosen = query.get("tab").and_then(|tab| RepoType::EVERY.into_iter().find(|kind| kind.plural() == tab));
    let href = format!("/{}", row.name);
    let overview =
        ProfileTab { label: "Overview", icon: "layout-grid", count: None, href: href.clone(), current: chosen.is_none() };
    let tab = |kind: RepoType| ProfileTab {
        label: kind_title(kind),
        icon: kind_icon(kind),
        count: Some(count(kind)),
        href: format!("{href}?tab={}", kind.plural()),
        current: chosen == Some(kind),
    };
    let kinds = RepoType::EVERY.into_iter().filter(|kind| count(*kind) > 0 || chosen == Some(*kind));
    let mut shelf = Shelf { tabs: std::iter::once(overview).chain(kinds.map(tab)).collect(), ..Shelf::default() };
    if let Some(kind) = chosen {
        let cursor = query.get("cursor");
        let (repos, next) = lists::page_of(&page.app, &page.viewer, kind, &row.name, cursor, PAGE_LEN).await?;
        let here = format!("{href}?tab={}", kind.plural());
        shelf.next = next.map(|next| format!("{here}&cursor={next}"));
        shelf.first = cursor.is_some().then_some(here);
        shelf.columns.push(RepoColumn::of_owner(kind, &row.name, repos));
        return Ok(shelf);
    }
    if row.kind == "organization" {
        shelf.card = owner_card(page, &row.name).await;
    }
    shelf.calendar = Calendar::of_namespace(&page.app, row.namespace_pk).await?;
    shelf.collections = cards_of_owner(&page.app, &page.viewer, &row.name, COLLECTIONS_LEN).await?;
    for kind in RepoType::EVERY {
        let repos = match count(kind) {
            0 => Vec::new(),
            _ => lists::latest(&page.app, &page.viewer, kind, Some(&row.name), COLUMN_LEN).await?,
        };
        shelf.columns.push(RepoColumn::of_owner(kind, &row.name, repos));
    }
    Ok(shelf)
}

async fn user_page(page: &PageRequest, row: ProfileRow, shelf: Shelf) -> HubResult<ProfilePage> {
    let own = page.viewer.user.as_ref().is_some_and(|user| user.pk == row.namespace_pk);
    Ok(ProfilePage {
        layout: page.layout(row.name.clone()),
        avatar_class: "avatar-large",
        settings_href: own.then(|| "/settings/profile".to_owned()),
        settings_label: "Edit profile",
        card: None,
        card_link: None,
        organizations: list_organizations_of(&page.app.pool, row.namespace_pk).await?,
        members: Vec::new(),
        member_count: 0,
        locked_out: false,
        suspended: None,
        join_href: None,
        domain_join: None,
        requests: None,
        can_create: own,
        follow: follow_of(page, &row).await?,
        calendar: shelf.calendar,
        collections: shelf.collections,
        tabs: shelf.tabs,
        columns: shelf.columns,
        first: shelf.first,
        next: shelf.next,
        service_of: row.service_of,
        name: row.name,
        fullname: row.fullname,
        details: row.details,
        homepage: row.homepage,
        links: row.links,
    })
}

fn face_of(row: MemberRow) -> MemberFace {
    MemberFace { name: row.name, role: row.role, is_service: row.is_service }
}

/// Where somebody writes the card of an organisation, on the overview: in the Space that has it, or in a new one.
fn card_link(page: &PageRequest, name: &str, role: Option<OrgRole>, shelf: &Shelf) -> Option<(String, &'static str)> {
    if !shelf.tabs.first().is_some_and(|overview| overview.current) {
        return None;
    }
    let may_begin =
        role == Some(OrgRole::Admin) && page.require_session().is_ok() && page.app.require_new(RepoType::Space).is_ok();
    match &shelf.card {
        Some(card) => card.edit_href.clone().map(|href| (href, "Edit organization card")),
        None if may_begin => {
            Some((format!("/new-space?owner={name}&name={}&sdk=static", owner_card::SPACE), "Create an organization card"))
        }
        None => None,
    }
}

async fn organization_page(page: &PageRequest, row: ProfileRow, shelf: Shelf) -> HubResult<ProfilePage> {
    let role = page.viewer.role_in(row.namespace_pk);
    let members = list_members(&page.app.pool, row.namespace_pk, "", FACES).await?;
    let waiting = match role {
        Some(OrgRole::Admin) => count_requests(&page.app.pool, row.namespace_pk, MOST).await?,
        _ => 0,
    };
    let domain_join = match page.require_session() {
        Ok(user) if role.is_none() => find_joinable(&page.app.pool, user.pk, row.namespace_pk).await?,
        _ => None,
    };
    let locked_out = page.viewer.user.as_ref().is_some_and(|user| user.locked_out_of(&row.name).is_some());
    Ok(ProfilePage {
        locked_out,
        suspended: page.viewer.suspension_of(row.namespace_pk),
        join_href: (row.takes_requests && role.is_none() && !locked_out && domain_join.is_none())
            .then(|| format!("/organizations/{}/join", row.name)),
        domain_join: domain_join.map(|found| DomainJoin { domain: found.domain, role: found.role }),
        service_of: None,
        requests: (waiting > 0).then(|| (format!("/organizations/{}/settings/requests", row.name), waiting)),
        layout: page.layout(row.name.clone()),
        avatar_class: "avatar-large avatar-square",
        settings_href: (role == Some(OrgRole::Admin)).then(|| format!("/organizations/{}/settings", row.name)),
        settings_label: "Settings and members",
        card_link: card_link(page, &row.name, role, &shelf),
        card: shelf.card.and_then(|card| card.html),
        organizations: Vec::new(),
        members: members.into_iter().map(face_of).collect(),
        member_count: count_members(&page.app.pool, row.namespace_pk).await?,
        can_create: page
            .viewer
            .user
            .as_ref()
            .and_then(|user| user.membership_in(row.namespace_pk))
            .is_some_and(Membership::may_create),
        follow: follow_of(page, &row).await?,
        calendar: shelf.calendar,
        collections: shelf.collections,
        tabs: shelf.tabs,
        columns: shelf.columns,
        first: shelf.first,
        next: shelf.next,
        name: row.name,
        fullname: row.fullname,
        details: row.details,
        homepage: row.homepage,
        links: row.links,
    })
}
