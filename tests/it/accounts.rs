//! Accounts, by programs and in browsers.

mod addresses;
mod breached;
mod closing;
pub(crate) mod first_passwords;
mod hostile;
mod invitations;
mod oidc;
mod profiles;
mod rate_limits;
mod recovery;
pub(crate) mod second_factors;
mod sessions;
mod sign_in;
mod sign_up;
mod thieves;
mod tokens;

use hub::accounts::TokenRole;
use hub_tests::TestHub;

#[tokio::test]
async fn whoami_tells_who_a_token_belongs_to() {
    let hub = TestHub::start().await;
    let ada = hub.account("ada").await;
    let reply = hub.token(&ada, TokenRole::Read).await.get_json("/api/whoami-v2", 200).await;
    assert_eq!(reply["name"], "ada");
    assert_eq!(reply["type"], "user");
    assert_eq!(reply["isAdmin"], true, "the first account runs the hub");
    assert_eq!(reply["auth"]["accessToken"]["role"], "read");
    hub.stop().await;
}

#[tokio::test]
async fn unknown_tokens_get_the_text_that_clients_compare() {
    let hub = TestHub::start().await;
    let response = hub.with_token("hf_unknown").get("/api/whoami-v2", 401).await;
    assert_eq!(response.headers()["x-error-message"], "Invalid credentials in Authorization header");
    assert!(response.headers().contains_key("x-request-id"));
    hub.anonymous().get("/api/whoami-v2", 401).await;
    hub.stop().await;
}
