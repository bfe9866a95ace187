//! What an archive of somebody's data has: a file for each kind of thing, with the statement that reads it page by page. `$1` is the
//! user, `$2` the key of the last row that was read, `$3` how many to read.
//!
//! Secrets and their hashes are in none of them. A repository of others has a name only while everybody may know it.

use serde_json::Value;
use sqlx::PgPool;

use crate::accounts::UserPk;

/// A row of a file.
#[derive(Debug)]
pub(crate) struct Row {
    /// By which the rows are in order.
    pub key: i64,
    /// What the file has of it.
    pub data: Option<Value>,
}

macro_rules! parts {
    ($($part:ident $name:literal $sql:tt;)+) => {
        /// A kind of thing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Part {
            $(#[doc = $name] $part,)+
        }

        impl Part {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$part),+];

            /// The name of its file, without the ending.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$part => $name,)+
                }
            }
        }

        /// The rows of a kind after a key.
        pub(crate) async fn read(pool: &PgPool, part: Part, user_pk: UserPk, after: i64, limit: i64) -> sqlx::Result<Vec<Row>> {
            match part {
                $(Part::$part => sqlx::query_as!(Row, $sql, user_pk, after, limit).fetch_all(pool).await,)+
            }
        }
    };
}

parts! {
    Profile "profile" r#"
        select u.user_pk as "key!", jsonb_build_object(
            'name', n.name, 'old_names', (select coalesce(jsonb_agg(coalesce(t.name, t.name_key) order by t.retired_at), '[]')
                                          from retired_names t where t.namespace_pk = u.user_pk), 'fullname', u.fullname, 'about', u.details, 'homepage', u.homepage, 'links', u.links,
            'email', u.email, 'email_confirmed_at', u.email_confirmed_at, 'wanted_email', u.new_email, 'created_at', n.created_at,
            'has_password', u.password_hash <> '', 'runs_the_hub', u.is_admin, 'moderates_the_hub', u.is_moderator,
            'plain_http', u.plain_http, 'shows_not_for_all_audiences', u.shows_labelled) as data
        from users u join namespaces n on n.namespace_pk = u.user_pk where u.user_pk = $1 and u.user_pk > $2 limit $3"#;
    Sessions "sessions" r#"
        select key as "key!", data from (
            select row_number() over (order by created_at, session_hash) as key, jsonb_build_object(
                'browser', user_agent, 'address', address, 'began_at', created_at, 'last_seen_at', last_seen_at,
                'ends_at', expires_at, 'way', via) as data
            from sessions where user_pk = $1) found
        where key > $2 order by key limit $3"#;
    SignIns "sign_ins" r#"
        select sign_in_pk as "key!", jsonb_build_object(
            'at', created_at, 'way', via, 'address', address, 'browser', user_agent) as data
        from sign_ins where user_pk = $1 and sign_in_pk > $2 order by sign_in_pk limit $3"#;
    Tokens "access_tokens" r#"
        select token_pk as "key!", jsonb_build_object(
            'name', name, 'ends_with', hint, 'role', role, 'scopes', scopes, 'created_at', created_at, 'expires_at', expires_at,
            'last_used_at', last_used_at, 'last_used_address', last_used_address, 'leaked_at', leaked_at,
            'requests_limit', requests_limit) as data
        from access_tokens
        where user_pk = $1 and grant_pk is null and publisher_pk is null and token_pk > $2 order by token_pk limit $3"#;
    Keys "ssh_keys" r#"
        select key_pk as "key!", jsonb_build_object(
            'title', title, 'fingerprint', fingerprint, 'public_key', public_key, 'created_at', created_at,
            'last_used_at', last_used_at, 'last_used_address', last_used_address) as data
        from ssh_keys where user_pk = $1 and key_pk > $2 order by key_pk limit $3"#;
    GpgKeys "gpg_keys" r#"
        select key_pk as "key!", jsonb_build_object(
            'fingerprint', fingerprint, 'emails', emails, 'public_key_base64', encode(public_key, 'base64'),
            'created_at', created_at, 'updated_at', updated_at) as data
        from gpg_keys where user_pk = $1 and key_pk > $2 order by key_pk limit $3"#;
    SecondFactors "second_factors" r#"
        select key as "key!", data from (
            select row_number() over (order by created_at, kind) as key,
                   jsonb_build_object('kind', kind, 'name', name, 'created_at', created_at, 'last_used_at', used_at) as data
            from (select 'passkey' as kind, name, created_at, last_used_at as used_at from passkeys where user_pk = $1
                  union all
                  select 'app', null, created_at, null from authenticator_apps where user_pk = $1
                  union all
                  select 'recovery codes', null, made_at, null from recovery_codes where user_pk = $1) factors) found
        where key > $2 order by key limit $3"#;
    Identities "linked_accounts" r#"
        select identity_pk as "key!", jsonb_build_object(
            'provider', issuer, 'id', subject, 'label', label, 'created_at', created_at, 'last_used_at', last_used_at) as data
        from user_identities where user_pk = $1 and identity_pk > $2 order by identity_pk limit $3"#;
    Connected "connected_applications" r#"
        select consent_pk as "key!", jsonb_build_object(
            'application', c.name, 'homepage', c.homepage, 'scopes', o.scopes, 'allowed_at', o.created_at, 'repositories_made',
            (select count(*) from oauth_repos m where m.client_pk = o.client_pk and m.user_pk = o.user_pk)) as data
        from oauth_consents o join oauth_clients c using (client_pk)
        where o.user_pk = $1 and consent_pk > $2 order by consent_pk limit $3"#;
    Applications "developer_applications" r#"
        select client_pk as "key!", jsonb_build_object(
            'client_id', client_id, 'name', name, 'homepage', homepage, 'redirect_uris', redirect_uris, 'scopes', scopes,
            'created_at', created_at) as data
        from oauth_clients where user_pk = $1 and client_pk > $2 order by client_pk limit $3"#;
    DeletedApplications "deleted_applications" r#"
        select client_pk as "key!", jsonb_build_object(
            'client_id', client_id, 'name', name, 'homepage', homepage, 'redirect_uris', redirect_uris, 'scopes', scopes,
            'created_at', created_at, 'deleted_at', deleted_at) as data
        from deleted_applications where user_pk = $1 and client_pk > $2 order by client_pk limit $3"#;
    Publishers "trusted_publishers" r#"
        select p.publisher_pk as "key!", jsonb_build_object(
            'issuer', p.issuer, 'project', p.project, 'workflow', p.workflow, 'environment', p.environment, 'branch', p.branch,
            'organization', o.name, 'type', r.repo_type,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end,
            'added_at', p.created_at, 'last_used_at', p.last_used_at) as data
        from trusted_publishers p left join repos r using (repo_pk) left join namespaces n on n.namespace_pk = r.namespace_pk
        left join namespaces o on o.namespace_pk = p.organization_pk
        where p.added_by = $1 and p.publisher_pk > $2 order by p.publisher_pk limit $3"#;
    DeletedPublishers "deleted_publishers" r#"
        select p.publisher_pk as "key!", jsonb_build_object(
            'issuer', p.issuer, 'project', p.project, 'workflow', p.workflow, 'environment', p.environment, 'branch', p.branch,
            'organization', o.name, 'type', r.repo_type,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end,
            'added_at', p.created_at, 'last_used_at', p.last_used_at, 'deleted_at', p.deleted_at) as data
        from deleted_publishers p left join repos r using (repo_pk) left join namespaces n on n.namespace_pk = r.namespace_pk
        left join namespaces o on o.namespace_pk = p.organization_pk
        where p.added_by = $1 and p.publisher_pk > $2 order by p.publisher_pk limit $3"#;
    Organizations "organizations" r#"
        select m.organization_pk as "key!", jsonb_build_object(
            'name', n.name, 'fullname', o.fullname, 'role', m.role, 'since', m.created_at) as data
        from organization_members m join organizations o using (organization_pk)
        join namespaces n on n.namespace_pk = m.organization_pk
        where m.user_pk = $1 and m.organization_pk > $2 order by m.organization_pk limit $3"#;
    Invitations "invitations" r#"
        select invitation_pk as "key!", jsonb_build_object(
            'organization', n.name, 'role', role, 'by_you', invited_by = $1, 'email', i.email, 'created_at', i.created_at,
            'expires_at', i.expires_at) as data
        from organization_invitations i join namespaces n on n.namespace_pk = i.organization_pk
        where (invited_by = $1 or lower(i.email) = (select lower(u.email) from users u
                                                   where u.user_pk = $1 and u.email_confirmed_at is not null))
          and invitation_pk > $2 order by invitation_pk limit $3"#;
    JoinRequests "requests_to_join" r#"
        select request_pk as "key!", jsonb_build_object(
            'organization', n.name, 'message', q.message, 'asked_at', q.created_at, 'rejected_at', q.rejected_at) as data
        from organization_requests q join namespaces n on n.namespace_pk = q.organization_pk
        where q.user_pk = $1 and request_pk > $2 order by request_pk limit $3"#;
    Removals "taken_out_of_organizations" r#"
        select r.organization_pk as "key!", jsonb_build_object('organization', n.name, 'at', r.created_at) as data
        from organization_removals r join namespaces n on n.namespace_pk = r.organization_pk
        where r.user_pk = $1 and r.organization_pk > $2 order by r.organization_pk limit $3"#;
    Repositories "repositories" r#"
        select r.repo_pk as "key!", jsonb_build_object(
            'type', r.repo_type, 'id', n.name || '/' || r.name, 'private', r.private, 'gated', r.gated, 'tags', r.tags,
            'created_at', r.created_at, 'last_modified_at', r.last_modified_at, 'deleted_at', r.deleted_at,
            'path', case r.repo_type when 'model' then '' else r.repo_type || 's/' end || n.name || '/' || r.name) as data
        from repos r join namespaces n using (namespace_pk)
        where r.namespace_pk = $1 and r.purged_at is null and r.repo_pk > $2 order by r.repo_pk limit $3"#;
    Collections "collections" r#"
        select c.collection_pk as "key!", jsonb_build_object(
            'title', c.title, 'description', c.description, 'private', c.private, 'theme', c.theme, 'created_at', c.created_at,
            'updated_at', c.updated_at,
            'items', (select jsonb_agg(jsonb_build_object(
                          'type', r.repo_type, 'paper', i.paper, 'note', i.note, 'added_at', i.created_at,
                          'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end)
                          order by i.position)
                      from collection_items i left join repos r using (repo_pk)
                      left join namespaces n on n.namespace_pk = r.namespace_pk
                      where i.collection_pk = c.collection_pk)) as data
        from collections c where c.namespace_pk = $1 and c.collection_pk > $2 order by c.collection_pk limit $3"#;
    DeletedCollections "deleted_collections" r#"
        select d.collection_pk as "key!", jsonb_build_object(
            'title', d.title, 'description', d.contents -> 'collection' -> 'description', 'private', d.private,
            'items', jsonb_array_length(d.contents -> 'items'), 'deleted_at', d.deleted_at) as data
        from deleted_collections d where d.namespace_pk = $1 and d.collection_pk > $2 order by d.collection_pk limit $3"#;
    DeletedDiscussions "deleted_discussions" r#"
        select d.discussion_pk as "key!", jsonb_build_object(
            'number', d.num, 'title', case when d.author_pk = $1 then d.contents #> '{discussion,title}' end,
            'deleted_at', d.deleted_at, 'type', r.repo_type,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end,
            'comments', (select jsonb_agg(coalesce(e ->> 'kept_body', e ->> 'body')) from jsonb_array_elements(d.contents -> 'events') e
                         where (e ->> 'author_pk')::bigint = $1 and e ->> 'kind' = 'comment')) as data
        from deleted_discussions d join repos r using (repo_pk) join namespaces n on n.namespace_pk = r.namespace_pk
        where d.contents is not null and d.discussion_pk > $2
          and (d.author_pk = $1 or d.contents -> 'events' @> jsonb_build_array(jsonb_build_object('author_pk', $1::bigint, 'kind', 'comment')))
        order by d.discussion_pk limit $3"#;
    Likes "likes" r#"
        select l.repo_pk as "key!", jsonb_build_object(
            'type', r.repo_type, 'at', l.created_at,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from likes l join repos r using (repo_pk) join namespaces n using (namespace_pk)
        where l.user_pk = $1 and l.repo_pk > $2 order by l.repo_pk limit $3"#;
    Fetches "downloaded_files" r#"
        select f.fetch_pk as "key!", jsonb_build_object(
            case octet_length(f.content) when 32 then 'sha256' else 'git_blob' end, encode(f.content, 'hex'), 'day', f.day,
            'times', f.times, 'commit', encode(f.commit_oid, 'hex'), 'type', r.repo_type,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from fetches f left join repos r using (repo_pk) left join namespaces n on n.namespace_pk = r.namespace_pk
        where f.user_pk = $1 and f.fetch_pk > $2 order by f.fetch_pk limit $3"#;
    GitFetches "cloned_repositories" r#"
        select f.fetch_pk as "key!", jsonb_build_object(
            'day', f.day, 'times', f.times, 'commit', encode(f.commit_oid, 'hex'), 'type', r.repo_type,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from git_fetches f left join repos r using (repo_pk) left join namespaces n on n.namespace_pk = r.namespace_pk
        where f.user_pk = $1 and f.fetch_pk > $2 order by f.fetch_pk limit $3"#;
    Recalls "recalls" r#"
        select t.recall_pk as "key!", jsonb_build_object('title', c.title, 'category', c.category, 'at', c.created_at,
            'told', t.told, 'withdrawn_at', c.withdrawn_at, 'by_git', t.by_git,
            'service_account', (select s.name from namespaces s where s.namespace_pk = t.service_pk)) as data
        from recall_told t join recalls c using (recall_pk)
        where t.user_pk = $1 and t.recall_pk > $2 order by t.recall_pk limit $3"#;
    OpenedRecalls "opened_recalls" r#"
        select c.recall_pk as "key!", jsonb_build_object('title', c.title, 'category', c.category, 'text', c.body, 'at', c.created_at,
            'withdrawn_at', c.withdrawn_at) as data
        from recalls c where c.author_pk = $1 and c.recall_pk > $2 order by c.recall_pk limit $3"#;
    Follows "follows" r#"
        select f.namespace_pk as "key!", jsonb_build_object('name', n.name, 'since', f.created_at) as data
        from follows f join namespaces n using (namespace_pk)
        where f.follower_pk = $1 and f.namespace_pk > $2 order by f.namespace_pk limit $3"#;
    Discussions "discussions" r#"
        select d.discussion_pk as "key!", jsonb_build_object(
            'type', r.repo_type, 'number', d.num, 'title', d.title, 'status', d.status, 'pull_request', d.base is not null,
            'created_at', d.created_at,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from discussions d join repos r using (repo_pk) join namespaces n using (namespace_pk)
        where d.author_pk = $1 and d.discussion_pk > $2 order by d.discussion_pk limit $3"#;
    Comments "comments" r#"
        select e.event_pk as "key!", jsonb_build_object(
            'type', r.repo_type, 'number', d.num, 'text', coalesce(e.kept_body, e.body), 'hidden', e.hidden, 'created_at', e.created_at,
            'edited_at', e.edited_at, 'line', t.line,
            'file', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then t.path end,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from discussion_events e join discussions d using (discussion_pk) join repos r using (repo_pk)
        join namespaces n using (namespace_pk) left join remark_threads t using (event_pk)
        where e.author_pk = $1 and e.kind = 'comment' and e.event_pk > $2 order by e.event_pk limit $3"#;
    Attachments "attachments" r#"
        select a.attachment_pk as "key!", jsonb_build_object(
            'id', a.public_id, 'name', a.name, 'content_type', a.content_type, 'size_bytes', a.size_bytes,
            'created_at', a.created_at, 'type', r.repo_type,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from attachments a left join repos r using (repo_pk) left join namespaces n using (namespace_pk)
        where a.user_pk = $1 and a.attachment_pk > $2 order by a.attachment_pk limit $3"#;
    Reactions "reactions" r#"
        select key as "key!", data from (
            select row_number() over (order by created_at, event_pk, reaction) as key,
                   jsonb_build_object('reaction', reaction, 'at', created_at) as data
            from discussion_reactions where user_pk = $1) found
        where key > $2 order by key limit $3"#;
    AccessRequests "access_requests" r#"
        select access_request_pk as "key!", jsonb_build_object(
            'type', r.repo_type, 'status', a.status, 'answers', a.answers, 'rejected_because', a.rejection_reason,
            'asked_at', a.requested_at, 'decided_at', a.decided_at,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from access_requests a join repos r using (repo_pk) join namespaces n using (namespace_pk)
        where a.user_pk = $1 and access_request_pk > $2 order by access_request_pk limit $3"#;
    Conversions "conversions" r#"
        select conversion_pk as "key!", jsonb_build_object(
            'file', c.path, 'state', c.state, 'pull_request', c.num, 'asked_at', c.asked_at,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from conversions c join repos r using (repo_pk) join namespaces n using (namespace_pk)
        where c.user_pk = $1 and conversion_pk > $2 order by conversion_pk limit $3"#;
    SavedSearches "saved_searches" r#"
        select saved_search_pk as "key!", jsonb_build_object(
            'name', name, 'type', repo_type, 'query', query, 'mails', alerts, 'created_at', created_at) as data
        from saved_searches where user_pk = $1 and saved_search_pk > $2 order by saved_search_pk limit $3"#;
    Notifications "notifications" r#"
        select t.notification_pk as "key!", jsonb_build_object(
            'because', case when t.recall_pk is not null then 'downloaded' when t.reason = 3 then 'mentioned'
                            when t.reason = 2 then 'taking part' else 'watching' end, 'recall', t.recall_pk,
            'about', t.about, 'organization', o.name, 'type', r.repo_type, 'number', d.num, 'unread', t.unread, 'at', t.updated_at,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from notifications t left join namespaces o on o.namespace_pk = t.organization_pk
        left join repos r on r.repo_pk = t.repo_pk left join namespaces n on n.namespace_pk = r.namespace_pk
        left join discussions d on d.discussion_pk = t.discussion_pk
        where t.user_pk = $1 and t.notification_pk > $2 order by t.notification_pk limit $3"#;
    NotificationSettings "notification_settings" r#"
        select user_pk as "key!", jsonb_build_object(
            'mention_mail', mention_mail, 'participating_mail', participating_mail, 'watching_mail', watching_mail,
            'organizations', organizations) as data
        from notification_settings where user_pk = $1 and user_pk > $2 limit $3"#;
    Watches "watches" r#"
        select key as "key!", data from (
            select row_number() over (order by created_at, pk) as key,
                   jsonb_build_object('level', level, 'type', kind, 'name', name, 'since', created_at) as data
            from (select w.repo_pk as pk, w.level, r.repo_type as kind, w.created_at,
                         case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end as name
                  from repo_watches w join repos r using (repo_pk) join namespaces n using (namespace_pk) where w.user_pk = $1
                  union all
                  select w.namespace_pk, 'all', n.kind, w.created_at, n.name
                  from namespace_watches w join namespaces n using (namespace_pk) where w.user_pk = $1
                  union all
                  select s.discussion_pk, case when s.subscribed then 'subscribed' else 'unsubscribed' end, 'discussion', s.set_at,
                         case when not r.private and r.deleted_at is null or r.namespace_pk = $1
                              then n.name || '/' || r.name || '#' || d.num end
                  from discussion_subscriptions s join discussions d using (discussion_pk) join repos r using (repo_pk)
                  join namespaces n using (namespace_pk) where s.user_pk = $1) watched) found
        where key > $2 order by key limit $3"#;
    Webhooks "webhooks" r#"
        select webhook_pk as "key!", jsonb_build_object(
            'id', public_id, 'url', url, 'domains', domains, 'has_secret', secret is not null, 'disabled', disabled,
            'created_at', created_at,
            'watched', (select jsonb_agg(name order by watch_pk) from webhook_watches w where w.webhook_pk = h.webhook_pk)) as data
        from webhooks h where user_pk = $1 and webhook_pk > $2 order by webhook_pk limit $3"#;
    DeletedWebhooks "deleted_webhooks" r#"
        select h.webhook_pk as "key!", jsonb_build_object(
            'id', h.public_id, 'url', h.url, 'domains', h.contents #> '{webhook,domains}',
            'has_secret', h.contents #>> '{webhook,secret}' is not null, 'deleted_at', h.deleted_at,
            'watched', (select jsonb_agg(w -> 'name') from jsonb_array_elements(h.contents -> 'watches') w)) as data
        from deleted_webhooks h where h.user_pk = $1 and h.webhook_pk > $2 order by h.webhook_pk limit $3"#;
    Reports "reports" r#"
        select report_pk as "key!", jsonb_build_object(
            'about', c.subject, 'category', p.category, 'text', p.body, 'at', p.created_at, 'closed_at', c.closed_at,
            'outcome', c.outcome) as data
        from moderation_reports p join moderation_cases c using (case_pk)
        where p.reporter_pk = $1 and report_pk > $2 order by report_pk limit $3"#;
    Decisions "moderation" r#"
        select act_pk as "key!", jsonb_build_object(
            'act', act, 'about', subject, 'category', category, 'reason', reason, 'at', created_at) as data
        from moderation_acts where owner_pk = $1 and act <> 'dismiss' and act_pk > $2 order by act_pk limit $3"#;
    RuleCounts "rule_counts" r#"
        select key as "key!", data from (
            select row_number() over (order by what) as key, jsonb_build_object('what', what, 'count', count, 'since', since) as data
            from rule_counts where user_pk = $1) found
        where key > $2 order by key limit $3"#;
    RuleTexts "rule_texts" r#"
        select text_pk as "key!", jsonb_build_object('sha256', encode(hash, 'hex'), 'at', created_at) as data
        from rule_texts where user_pk = $1 and text_pk > $2 order by text_pk limit $3"#;
    Activity "activity" r#"
        select e.event_pk as "key!", jsonb_build_object(
            'what', e.kind, 'at', e.created_at, 'type', r.repo_type,
            'repo', case when not r.private and r.deleted_at is null or r.namespace_pk = $1 then n.name || '/' || r.name end) as data
        from events e join repos r using (repo_pk) join namespaces n using (namespace_pk)
        where e.actor_pk = $1 and e.event_pk > $2 order by e.event_pk limit $3"#;
    SecurityLog "security_log" r#"
        select audit_pk as "key!", jsonb_build_object(
            'at', created_at, 'what', action, 'about', subject, 'by', actor, 'way', via, 'token', token, 'address', address,
            'details', case when action like 'moderation.%' then details - 'batch' else details end) as data
        from audit_log where namespace_pk = $1 and audit_pk > $2 order by audit_pk limit $3"#;
}
