//! How the database answers the lists of pages and of the API when there is much: by indexes. The plans are those of the statements
//! that really run, as `auto_explain` tells them.

mod kept;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hub_tests::TestHub;

use crate::pages::browser::Browser;
use crate::tasks::statements::Statements;

/// Thousands of everything, with names that have little in common but a few that are asked for. Every table of [`LARGE`] is filled.
const FILL: &[&str] = &[
    "insert into namespaces (name, kind) 
     select case when n in (77, 123) then 'org-' || n else substr(md5('org' || n), 1, 12) end, 'organization'
     from generate_series(1, 4000) n",
    "insert into organizations (organization_pk, fullname)
     select namespace_pk, 'The ' || name from namespaces where kind = 'organization'",
    "insert into namespaces (name, kind) 
     select case when n in (77, 123) then 'person-' || n else substr(md5('person' || n), 1, 12) end, 'user'
     from generate_series(1, 4000) n",
    "insert into users (user_pk, email, password_hash, fullname)
     select namespace_pk, name || '@example.org', 'none', 'Person ' || name from namespaces
     where kind = 'user' and name not in ('ada', 'bob')",
    "insert into repos (repo_type, namespace_pk, name, private, gated, tags, pipeline_tag, library_name, parameters, size_bytes,
                        created_at, last_modified_at, facts, derived_version)
     select t.kind, o.namespace_pk,
            case when o.n in (77, 123) then t.kind || '-' || o.n else substr(md5(t.kind || o.n), 1, 12) end, o.n % 10 = 0, case when o.n % 7 = 0 then 'auto' end,
            array['tag-' || o.n % 900, 'transformers', 'license:l' || o.n % 40, 'region:us'], 'task-' || o.n % 50, 'lib-' || o.n % 60,
            o.n * 1000, o.n * 10, now() - o.n * interval '1 minute', now() - o.n * interval '1 minute',
            jsonb_build_object('models', jsonb_build_array('org-' || o.n || '/model-' || o.n), 'datasets', '[]'::jsonb), 99
     from (select namespace_pk, row_number() over (order by namespace_pk) as n from namespaces where kind = 'organization') o,
          (values ('model'), ('dataset'), ('space')) t (kind)",
    "insert into repo_sizes (repo_pk, repo_type, bytes) select repo_pk, repo_type, repo_pk * 1000 from repos",
    "insert into owner_sizes (namespace_pk, is_organization, repos, bytes)
     select namespace_pk, kind = 'organization', 3, namespace_pk * 1000 from namespaces",
    "update repo_counters set trending = repo_pk % 9973, likes = repo_pk % 997, downloads = repo_pk % 4999,
                              likes_7d = repo_pk % 7, likes_30d = repo_pk % 31, likes_90d = repo_pk % 97",
    "insert into collections (namespace_pk, title, position, updated_at, upvotes, trending, created_by)
     select namespace_pk, 'Shelf', 0, now() - namespace_pk * interval '1 minute', namespace_pk % 97, namespace_pk % 89, namespace_pk
     from namespaces where kind = 'user'",
    "insert into collection_items (collection_pk, position, repo_pk)
     select collection_pk, 0, r.repo_pk from (select collection_pk, row_number() over () as n from collections) c
     join (select repo_pk, row_number() over () as n from repos where repo_type = 'model') r using (n)",
    "insert into collection_items (collection_pk, position, paper)
     select collection_pk, 1, '2301.' || collection_pk from collections",
    "insert into discussions (repo_pk, num, title, status, author_pk)
     select r.repo_pk, 1, 'A question', case when r.n % 3 = 0 then 'closed' else 'open' end, u.user_pk
     from (select repo_pk, row_number() over () as n from repos where repo_type = 'model') r
     join (select user_pk, row_number() over () as n from users) u using (n)",
    "insert into discussions (repo_pk, num, title, status)
     select repo_pk, n, 'More', 'open' from (select min(repo_pk) as repo_pk from repos) r, generate_series(2, 60) n",
    "insert into discussion_events (discussion_pk, kind, body)
     select discussion_pk, 'comment', 'Text' from discussions, generate_series(1, 2)",
    "insert into events (actor_pk, repo_pk, kind, payload, created_at)
     select u.user_pk, r.repo_pk, 'commit', '{}', now() - r.n * interval '1 minute'
     from (select repo_pk, row_number() over () as n from repos) r
     join (select user_pk, row_number() over () as n from users) u on u.n = r.n % 4000 + 1",
    "insert into likes (repo_pk, user_pk, created_at)
     select repo_pk, user_pk, now() - n * interval '1 minute' from (select repo_pk, row_number() over () as n from repos) r
     join (select user_pk, row_number() over () as n from users) u using (n)",
    "insert into follows (follower_pk, namespace_pk, created_at)
     select user_pk, namespace_pk, now() from (select user_pk, row_number() over () as n from users) u
     join (select namespace_pk, row_number() over () as n from namespaces where kind = 'organization') o using (n)",
    "insert into follows (follower_pk, namespace_pk, created_at)
     select u.user_pk, n.namespace_pk, now() from users u, namespaces n
     where u.email = 'bob@example.org' and n.kind = 'user' and n.namespace_pk <> u.user_pk limit 30 on conflict do nothing",
    "insert into audit_log (namespace_pk, actor, via, action, subject, created_at)
     select namespace_pk, case when n % 50 = 0 then 'grace' else name end, 'session',
            case when n % 40 = 0 then 'member.add' else 'token.create' end, 'thing-' || n, now() - n * interval '1 minute'
     from namespaces, generate_series(1, 500) n where name in ('ada', 'org-77')",
    "insert into repo_changes (repo_pk, actor_pk, kind, details, created_at)
     select repo_pk, namespace_pk, 'update_settings',
            '{\"before\": {\"private\": true, \"gated\": null}, \"after\": {\"private\": false, \"gated\": null}}',
            now() - n * interval '1 hour'
     from repos, generate_series(1, 100) n where repo_type = 'model' and (n = 1 or name = 'model-77')",
    "insert into notifications (user_pk, repo_pk, discussion_pk, reason, unread, last_event_pk, updated_at)
     select u.user_pk, d.repo_pk, d.discussion_pk, 1 + n % 3, n % 2 = 0,
            (select max(event_pk) from discussion_events e where e.discussion_pk = d.discussion_pk), now() - n * interval '1 minute'
     from (select repo_pk, discussion_pk, row_number() over (order by discussion_pk) as n from discussions) d
     join (select user_pk, row_number() over (order by user_pk) as n from users) u using (n)",
    "insert into notifications (user_pk, repo_pk, reason, unread, updated_at)
     select u.user_pk, r.repo_pk, 1, n % 2 = 0, now() - n * interval '1 minute'
     from (select repo_pk, row_number() over (order by repo_pk) as n from repos where repo_type = 'dataset') r, users u
     where n <= 100 and u.email = 'ada@example.org'",
    "insert into webhooks (user_pk, url, domains, disabled, public_id)
     select user_pk, 'https://example.org/', '{repo}', true,
            case when email = 'ada@example.org' then repeat('a', 24) else substr(md5(email), 1, 24) end
     from users",
    "insert into webhook_deliveries (webhook_pk, event, payload, state)
     select webhook_pk, 'repo.content update', '{}', 'delivered'
     from webhooks, generate_series(1, 200) n where n <= 2 or public_id = repeat('a', 24)",
    "insert into access_requests (repo_pk, user_pk, status, requested_at)
     select repo_pk, user_pk, case when n % 2 = 0 then 'pending' else 'accepted' end, now() - n * interval '1 minute'
     from (select repo_pk, row_number() over (order by repo_pk) as n from repos where repo_type = 'model') r
     join (select user_pk, row_number() over (order by user_pk) as n from users) u using (n)",
    "insert into access_requests (repo_pk, user_pk, status, requested_at)
     select repo_pk, user_pk, case when n % 2 = 0 then 'pending' else 'accepted' end, now() - n * interval '1 minute'
     from repos, (select user_pk, row_number() over (order by user_pk) as n from users) u where name = 'model-77' and n <= 200
     on conflict do nothing",
    "insert into access_requests (repo_pk, user_pk, status, requested_at)
     select repo_pk, user_pk, 'pending', now() - n * interval '1 minute'
     from (select repo_pk, row_number() over (order by repo_pk) as n from repos where repo_type = 'dataset') r, users
     where n <= 100 and email = 'ada@example.org'",
    "insert into lineage_findings (repo_pk, parent_pk, relation, certainty)
     select repo_pk, lag(repo_pk) over (order by repo_pk), 'finetune', repo_pk % 997 / 1000.0
     from repos where repo_type = 'model' order by repo_pk offset 1",
    "insert into repos (repo_type, namespace_pk, name, created_by, deleted_at)
     select 'model', namespace_pk, 'gone-' || n, namespace_pk, now() - n * interval '1 hour'
     from namespaces, generate_series(1, 100) n where kind = 'user' and (n = 1 or name = 'ada')",
    "insert into resource_groups (organization_pk, name, public_id)
     select namespace_pk, 'Research', case when name = 'org-77' then repeat('a', 24) else substr(md5('group' || name), 1, 24) end
     from namespaces where kind = 'organization'",
    "update repos r set resource_group_pk = g.resource_group_pk from resource_groups g
     where g.organization_pk = r.namespace_pk and r.repo_type = 'space'",
    "insert into organization_requests (organization_pk, user_pk)
     select organization_pk, user_pk from (select user_pk, row_number() over () as n from users) u
     join (select organization_pk, row_number() over () as n from organizations) o using (n)",
    "vacuum analyze",
];

/// Has the database tell the plan of each statement to who sends it. The costs are those with which the hub starts its own Postgres.
const TELL_PLANS: &str = "do $$ begin
    execute format('alter database %I set session_preload_libraries = %L', current_database(), 'auto_explain');
    execute format('alter database %I set auto_explain.log_min_duration = 0', current_database());
    execute format('alter database %I set auto_explain.log_level = notice', current_database());
    execute format('alter database %I set random_page_cost = 1.1', current_database());
end $$";

/// What has too many rows to be read from end to end for a page.
const LARGE: &[&str] = &[
    "namespaces",
    "users",
    "organizations",
    "repos",
    "repo_counters",
    "collections",
    "collection_items",
    "discussions",
    "discussion_events",
    "events",
    "likes",
    "follows",
    "audit_log",
    "repo_changes",
    "notifications",
    "webhook_deliveries",
    "access_requests",
    "lineage_findings",
    "resource_groups",
    "organization_requests",
    "repo_sizes",
    "owner_sizes",
];

/// What the statements of the background have in them.
const BEHIND: &[&str] = &["search_changes", "saved_searches", "jobs", "download_hours"];

/// The lists of the API and of pages.
const ADDRESSES: &[&str] = &[
    "/api/models?limit=20",
    "/api/models?limit=20&sort=likes",
    "/api/models?limit=20&sort=downloads",
    "/api/models?limit=20&sort=lastModified",
    "/api/models?limit=20&sort=createdAt",
    "/api/models?limit=20&sort=num_parameters",
    "/api/models?limit=20&sort=mainSize",
    "/api/models?limit=20&sort=id",
    "/api/models?limit=20&sort=likes30d",
    "/api/datasets?limit=20&sort=datasetsServerInfo.numRows",
    "/api/models?limit=20&author=org-77",
    "/api/models?limit=20&search=model-123",
    "/api/models?limit=20&search=org-77/model",
    "/api/models?limit=20&filter=tag-123",
    "/api/models?limit=20&pipeline_tag=task-7",
    "/api/models?limit=20&library=lib-9",
    "/api/models?limit=20&gated=true",
    "/api/models?limit=20&num_parameters=min:1000,max:90000",
    "/api/models?limit=20&apps=vllm",
    "/api/models?limit=20&full=true",
    "/api/models?limit=20&expand=spaces&expand=childrenModelCount&expand=usedStorage",
    "/api/datasets?limit=20&filter=tag-123",
    "/api/spaces?limit=20&models=org-77/model-77",
    "/api/trending",
    "/api/quicksearch?q=org-77",
    "/api/quicksearch?q=person-77",
    "/models",
    "/models?search=model-123",
    "/datasets?license=l7",
    "/models.atom",
    "/models.values?facet=other&find_other=tag-1",
    "/search?q=person-77",
    "/search?q=model-123",
    "/find/model",
    "/tasks/translation",
    "/org-77",
    "/org-77?tab=models",
    "/person-77",
    "/person-77/-/followers",
    "/person-77/-/following",
    "/org-77/-/followers",
    "/org-77/-/activity.atom",
    "/person-77/-/activity.atom",
    "/api/users/person-77/overview",
    "/api/users/person-77/likes",
    "/api/organizations/org-77/overview",
    "/api/organizations/org-77/followers",
    "/api/users/person-77/following",
    "/collections",
    "/collections?search=shelf",
    "/api/collections?limit=20",
    "/api/collections?limit=20&sort=upvotes",
    "/api/collections?limit=20&sort=trending",
    "/api/collections?limit=20&owner=person-77",
    "/api/collections?limit=20&item=models/org-77/model-77",
    "/api/collections?limit=20&item=papers/2301.9100",
    "/api/collections?limit=20&q=shelf",
    "/org-77/model-77",
    "/datasets/org-77/dataset-77",
    "/org-77/model-77/related",
    "/org-77/model-77/likers",
    "/api/models/org-77/model-77/likers",
    "/org-77/model-77/discussions",
    "/org-77/model-77/discussions?status=closed&search=question",
    "/org-77/model-77/discussions/1",
    "/api/models/org-77/model-77/discussions",
    "/api/models/org-77/model-77/discussions?type=discussion&status=open&author=person-77",
    "/api/models/org-77/model-77/discussions/1",
    "/",
];

/// The lists of somebody's own things, and of those that only some may see: ada runs the hub.
const OWN: &[&str] = &[
    "/settings/security-log",
    "/settings/security-log?actor=grace",
    "/settings/security-log?action=member.add",
    "/settings/security-log?actor=nobody&from=2026-01-01",
    "/organizations/org-77/settings/audit-log?actor=grace",
    "/settings/notifications",
    "/notifications",
    "/notifications?show=all&reason=watching",
    "/notifications?show=all&repo=datasets/org-77/dataset-77",
    "/api/notifications",
    "/settings/deleted",
    "/api/settings/deleted-repos",
    "/organizations/org-77/settings/deleted",
    "/organizations/org-77/settings/groups",
    "/organizations/org-77/settings/groups/aaaaaaaaaaaaaaaaaaaaaaaa",
    "/organizations/org-77/settings/requests",
    "/api/organizations/org-77/resource-groups",
    "/api/spaces?limit=20&expand=resourceGroup",
    "/spaces/org-77/space-77/settings",
    "/org-77/model-77/settings/history",
    "/api/models/org-77/model-77/changes",
    "/settings/gated-repos",
    "/org-77/model-77/settings/access-requests",
    "/org-77/model-77/settings/access-requests?status=accepted&q=person",
    "/api/models/org-77/model-77/user-access-request/pending",
    "/settings/webhooks",
    "/settings/webhooks/aaaaaaaaaaaaaaaaaaaaaaaa",
    "/settings/lineage",
    "/admin/jobs",
    "/admin/users",
    "/admin/users?role=staff",
    "/admin/users?q=person-77",
    "/admin/users/person-77",
    "/admin/audit",
    "/admin/audit?actor=grace",
    "/admin/audit?action=member.add",
    "/admin/audit?whose=org-77",
    "/admin/organizations",
    "/admin/organizations?sort=size",
    "/admin/organizations?q=org-77",
    "/admin/repositories",
    "/admin/repositories?kind=dataset",
    "/admin/repositories?list=largest",
    "/admin/repositories?list=largest&kind=space&after=9000000_1",
    "/admin/repositories?q=model-77",
    "/admin/repositories?q=org-77%2F&list=largest",
    "/admin/repositories?list=disabled",
    "/admin/repositories?list=deleted",
    "/admin/storage",
    "/admin/storage/org-77",
];

#[tokio::test]
async fn lists_are_answered_by_indexes() {
    let statements = Statements::watch();
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.account("bob").await;
    let fill = async |pool: &sqlx::PgPool| {
        for sql in FILL.iter().chain([&TELL_PLANS]) {
            sqlx::raw_sql(*sql).execute(pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    };
    let hub = hub.restart_after(fill).await;
    // Thousands of repositories take the index longer than other tests wait.
    let patience = Instant::now() + Duration::from_secs(120);
    while hub.app().search.behind(&hub.app().pool).await != Some(0) {
        assert!(Instant::now() < patience, "the search index is behind");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // All names of owners are read once, beside everything else.
    hub.knows_owners().await;
    let mut strangers = Browser::new(&hub);
    let mut bob = Browser::logged_in(&hub, "bob").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    statements.take_plans();
    let (mut told, mut bad) = (0, BTreeSet::new());
    let everybodys = ADDRESSES.iter().flat_map(|address| [("a stranger", address), ("bob", address)]);
    for (who, address) in everybodys.chain(OWN.iter().map(|address| ("ada", address))) {
        let browser = match who {
            "ada" => &mut ada,
            "bob" => &mut bob,
            _ => &mut strangers,
        };
        let page = browser.get(address).await;
        assert_eq!(page.status, 200, "{address} for {who}: {}", page.text);
        let plans = statements.take_plans();
        told += plans.len();
        for plan in plans.iter().filter(|plan| !BEHIND.iter().any(|table| plan.contains(table))) {
            let scanned: Vec<&&str> = LARGE.iter().filter(|table| plan.contains(&format!("Seq Scan on {table} "))).collect();
            if !scanned.is_empty() {
                bad.insert(format!("{address} for {who} reads all of {scanned:?}\n{plan}"));
            }
        }
    }
    // What is counted in the background for thousands of repositories goes by their keys, too.
    hub::repos::trending::count_activity(hub.app()).await.unwrap();
    let counting: Vec<String> = statements.take_plans().into_iter().filter(|plan| plan.contains("make_interval")).collect();
    assert!(counting.iter().any(|plan| plan.contains(" on likes k ")), "{counting:?}");
    for plan in counting {
        for table in ["likes", "users", "namespaces"] {
            assert!(!plan.contains(&format!("Seq Scan on {table} ")), "{plan}");
        }
    }
    assert!(told > ADDRESSES.len(), "only {told} plans were told: `auto_explain` comes with Postgres");
    assert!(bad.is_empty(), "{} plans:\n{}", bad.len(), Vec::from_iter(bad).join("\n\n"));
    hub.stop().await;
}
