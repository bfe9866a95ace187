//! While the hub takes no changes: walked over every route that is asked by another method than GET. One that goes on and does not stand
//! here fails, as does one that stands here and is refused. A new route is refused until somebody decides otherwise.

use hub_tests::TestHub;

use super::routes::mounted;

/// What goes on: method, and pattern as the sources have it.
const GOES_ON: &[(&str, &str)] = &[
    // Reading.
    ("POST", "/api/{repo_type:models|datasets|spaces}/{namespace}/{name}/paths-info/{tail:.*}"),
    ("POST", "/api/{repo_type:buckets}/{namespace}/{name}/paths-info"),
    ("POST", "/api/validate-yaml"),
    ("POST", "/{namespace}/{name}/git-upload-pack"),
    ("POST", "/{repo_type:datasets|spaces}/{namespace}/{name}/git-upload-pack"),
    // What they upload is refused, once the body is read.
    ("POST", "/{namespace}/{name}/info/lfs/objects/batch"),
    ("POST", "/{repo_type:datasets|spaces}/{namespace}/{name}/info/lfs/objects/batch"),
    ("POST", "/{repo_type:buckets}/{namespace}/{name}/info/lfs/objects/batch"),
    ("POST", "/{namespace}/{name}/info/lfs/locks/verify"),
    ("POST", "/{repo_type:datasets|spaces}/{namespace}/{name}/info/lfs/locks/verify"),
    ("POST", "/{namespace}/{name}/view-content"),
    ("POST", "/{repo_type:datasets|spaces}/{namespace}/{name}/view-content"),
    ("POST", "/{repo_type:buckets}/{namespace}/{name}/view-content"),
    ("POST", "/settings/saved-searches/{pk}/open"),
    ("POST", "/banner/close"),
    ("POST", "/api/doctor/{ticket}/body"),
    ("POST", "/xet/v1/telemetry"),
    // Coming in, here and at applications, and leaving.
    ("POST", "/confirm-email/{user_pk}/{until}/{signature}"),
    ("POST", "/login"),
    ("POST", "/login/keep-account"),
    ("POST", "/login/new-password"),
    ("POST", "/login/oidc"),
    ("POST", "/login/oidc/link"),
    ("POST", "/login/passkey"),
    ("POST", "/login/passkey/challenge"),
    ("POST", "/login/second-factor"),
    ("POST", "/login/second-factor/challenge"),
    ("POST", "/logout"),
    ("POST", "/forgot-password"),
    ("POST", "/reset-password"),
    ("POST", "/sudo"),
    ("POST", "/sudo/challenge"),
    ("POST", "/oauth/authorize"),
    ("POST", "/oauth/device"),
    ("POST", "/oauth/device/answer"),
    ("POST", "/oauth/introspect"),
    ("POST", "/oauth/token"),
    ("POST", "/oauth/userinfo"),
    // Shutting others out.
    ("POST", "/api/tokens/revoke-leaked"),
    ("POST", "/oauth/revoke"),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/revoke"),
    ("POST", "/settings/authentication/passkeys/{pk}/remove"),
    ("POST", "/settings/connected-applications/{client_pk}/revoke"),
    ("POST", "/settings/keys/{key_pk}/remove"),
    ("POST", "/settings/password"),
    ("POST", "/settings/sessions/end-others"),
    ("POST", "/settings/sessions/{id}/end"),
    ("POST", "/settings/sign-in/{id}/unlink"),
    ("POST", "/settings/tokens/{token_pk}/revoke"),
    // Ending mails.
    ("POST", "/notifications/{user_pk}/{signature}/unsubscribe"),
    ("POST", "/saved-searches/{pk}/{signature}/unsubscribe"),
    // What an incident needs. Only moderators withdraw a recall meanwhile.
    ("POST", "/moderation"),
    ("POST", "/moderation/acts/{act}/undo"),
    ("POST", "/moderation/appeal/{act}/{signature}"),
    // Copies that are there are downloaded by it; none is made.
    ("POST", "/moderation/appeal/{act}/{signature}/data"),
    ("POST", "/moderation/appeals/{appeal}"),
    ("POST", "/moderation/bulk/{batch}/undo"),
    ("POST", "/moderation/cases/{case}"),
    ("POST", "/moderation/replies"),
    ("POST", "/recalls/new"),
    ("POST", "/recalls/{recall}"),
    ("POST", "/report"),
    // Ending it, among other things.
    ("POST", "/admin/audit"),
    ("POST", "/admin/banner"),
    ("POST", "/admin/flags"),
    ("POST", "/admin/jobs"),
    ("POST", "/admin/repositories"),
    ("POST", "/admin/storage"),
    ("POST", "/admin/storage/{name}"),
    ("POST", "/admin/users/{name}"),
];

/// A path that a pattern takes.
fn path_of(pattern: &str) -> String {
    // Forms for new repositories, whose paths the sources put together.
    if !pattern.starts_with('/') {
        return "/new".to_owned();
    }
    let parts = pattern.split('/').map(|part| match part.strip_prefix('{') {
        None => part,
        Some(variable) => match variable.trim_end_matches('}').split_once(':') {
            Some((_, choices)) if choices != ".*" => choices.split('|').next().unwrap(),
            _ => "x",
        },
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn what_is_not_said_to_go_on_is_refused() {
    let hub = TestHub::start_with(|config| config.read_only = true).await;
    let stranger = hub.anonymous();
    let mounted = mounted();
    let is_mounted = |(method, pattern): &(&str, &str)| {
        mounted.iter().any(|route| (route.method, route.pattern.as_str()) == (*method, *pattern))
    };
    let gone: Vec<_> = GOES_ON.iter().filter(|row| !is_mounted(row)).collect();
    assert!(gone.is_empty(), "rows without a route: {gone:#?}");
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for route in mounted.iter().filter(|route| !matches!(route.method, "GET" | "HEAD")) {
        let (method, path) = (if route.method == "ANY" { "POST" } else { route.method }, path_of(&route.pattern));
        let goes_on = GOES_ON.contains(&(route.method, route.pattern.as_str()));
        let answer = stranger.request(method.parse().unwrap(), &path).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        let is_refused = status == 503 && text.contains("The hub takes no changes at the moment");
        if is_refused == goes_on || (status >= 500 && !is_refused) {
            wrong.push(format!("{} {} is {status}", route.method, route.pattern));
        }
        refused += usize::from(is_refused);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(refused > 200, "the sources were not read: {refused} routes");
    hub.stop().await;
}
