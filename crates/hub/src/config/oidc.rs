//! The outside provider at which people sign in: nothing of it is set, or its address and the hub's name there.

use hub_storage::Secret;

use super::reader::Reader;

/// A provider of OpenID Connect.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// Its address, exactly as it names itself.
    pub issuer: String,
    /// The hub's name there.
    pub client_id: String,
    /// What proves that it is the hub; without it the hub is a public client, which PKCE alone protects.
    pub client_secret: Option<Secret>,
    /// What people call the provider.
    pub name: String,
    /// What it is asked for, besides who somebody is.
    pub scopes: Vec<String>,
    /// Only people with confirmed mail addresses in these domains sign in, if there are any.
    pub allowed_domains: Vec<String>,
    /// Whether people whom it knows may make accounts.
    pub signup: bool,
    /// Whether nobody signs in with a password.
    pub only: bool,
}

/// Reads the provider, if one is set.
pub(super) fn read_oidc(read: &mut Reader<'_>) -> Option<OidcConfig> {
    let client_secret = read_secret(read);
    let (signup, only) = (read.switch("oidc.signup"), read.switch("oidc.only"));
    let name = read.text("oidc.name").unwrap_or_default();
    let [scopes, allowed_domains] = ["oidc.scopes", "oidc.allowed_domains"].map(|key| words(&read.text(key).unwrap_or_default()));
    let allowed_domains = allowed_domains.iter().map(|domain| domain.trim_start_matches('@').to_lowercase()).collect();
    if let (Some(issuer), Some(client_id)) = (read.url("oidc.issuer"), read.text("oidc.client_id")) {
        return Some(OidcConfig { issuer, client_id, client_secret, name, scopes, allowed_domains, signup, only });
    }
    if only {
        let text = "`HUB_OIDC_ONLY` switches passwords off, but no provider is set, so that nobody could sign in. Set \
                    `HUB_OIDC_ISSUER` and `HUB_OIDC_CLIENT_ID`, or unset it.";
        read.problems.error(text.to_owned());
    }
    let optional = ["oidc.client_secret", "oidc.client_secret_file", "oidc.allowed_domains"];
    let otherwise = "none to sign in with passwords alone";
    read.problems.half_configured(read.values, "Single sign-on", &["oidc.issuer", "oidc.client_id"], &optional, otherwise);
    None
}

fn words(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn read_secret(read: &mut Reader<'_>) -> Option<Secret> {
    let secret = read.text("oidc.client_secret").map(Secret::new);
    let Some(path) = read.text("oidc.client_secret_file").filter(|_| secret.is_none()) else { return secret };
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(Secret::new(text.trim())),
        Err(error) => {
            read.problems.error(format!("The file `{path}` of `HUB_OIDC_CLIENT_SECRET_FILE` cannot be read: {error}."));
            None
        }
    }
}
