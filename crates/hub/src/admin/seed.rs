//! Seeds: users, tokens and organisations from a file, for demos, tests and set-up scripts.
//!
//! Planting a seed makes what is missing and never takes anything away, so it can be repeated. An account that exists
//! keeps its password and address; names, roles and defaults follow the file.

use std::path::Path;

use serde::Deserialize;

use crate::accounts::operations::{NewOrganization, NewUser, create_organization, create_user};
use crate::accounts::tokens::{self, NewToken};
use crate::accounts::{OrgRole, TokenRole, UserPk, queries};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// What a file lists.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// People.
    #[serde(default)]
    pub users: Vec<SeedUser>,
    /// Organisations; their members must be in the file or on the hub.
    #[serde(default)]
    pub organizations: Vec<SeedOrganization>,
}

/// A person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedUser {
    name: String,
    email: String,
    password: String,
    #[serde(default)]
    fullname: String,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    tokens: Vec<SeedToken>,
}

/// An access token with a given text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedToken {
    name: String,
    token: String,
    #[serde(default = "write")]
    role: String,
    /// For `fineGrained`.
    #[serde(default)]
    scopes: Option<serde_json::Value>,
}

/// An organisation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedOrganization {
    name: String,
    #[serde(default)]
    fullname: String,
    #[serde(default = "public")]
    default_visibility: String,
    #[serde(default)]
    members: Vec<SeedMember>,
}

/// A member of an organisation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedMember {
    user: String,
    role: String,
}

fn write() -> String {
    "write".to_owned()
}

fn public() -> String {
    "public".to_owned()
}

/// Reads a seed; the file's ending tells the format: `.toml`, `.json`, `.yaml` or `.yml`.
///
/// # Errors
/// Says what does not fit, for the operator.
pub fn parse(text: &str, file: &Path) -> Result<Seed, String> {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => toml::from_str(text).map_err(|error| error.to_string()),
        Some("json") => serde_json::from_str(text).map_err(|error| error.to_string()),
        Some("yaml" | "yml") => serde_saphyr::from_str(text).map_err(|error| error.to_string()),
        _ => Err("the name of a seed file must end in .toml, .json, .yaml or .yml".to_owned()),
    }
}

/// Makes what is missing and returns a line for each change.
///
/// # Errors
/// The first thing that cannot be made; what came before it stays.
pub async fn plant(app: &App, seed: &Seed) -> HubResult<Vec<String>> {
    let mut report = Vec::new();
    for user in &seed.users {
        let user_pk = plant_user(app, user, &mut report).await?;
        for token in &user.tokens {
            plant_token(app, user_pk, &user.name, token, &mut report).await?;
        }
    }
    for organization in &seed.organizations {
        plant_organization(app, organization, &mut report).await?;
    }
    Ok(report)
}

async fn plant_user(app: &App, user: &SeedUser, report: &mut Vec<String>) -> HubResult<UserPk> {
    let Some(user_pk) = find(app, &user.name, "user").await? else {
        let new = NewUser {
            name: user.name.clone(),
            email: user.email.clone(),
            password: user.password.clone(),
            fullname: user.fullname.clone(),
            is_admin: user.admin,
        };
        let made = create_user(app, &new).await.map_err(|error| about(&format!("user `{}`", user.name), &error))?;
        report.push(format!("made user {}{}", made.name, if made.is_admin { " (admin)" } else { "" }));
        return Ok(made.pk);
    };
    let mut conn = app.pool.acquire().await?;
    if queries::update_user_by_operator(&mut conn, user_pk, user.fullname.trim(), user.admin).await? {
        report.push(format!("updated user {}", user.name));
    }
    Ok(user_pk)
}

async fn plant_token(app: &App, user_pk: UserPk, owner: &str, token: &SeedToken, report: &mut Vec<String>) -> HubResult<()> {
    let name = format!("token `{}` of `{owner}`", token.name);
    let role = TokenRole::parse(&token.role)
        .ok_or_else(|| HubError::bad_request(format!("{name}: the role must be read, write or fineGrained")))?;
    if !token.token.starts_with(tokens::PREFIX) || token.token.len() < 10 || !token.token.is_ascii() {
        // The text itself is a secret and stays out of the message.
        return Err(HubError::bad_request(format!(
            "{name}: the token must start with `{}` and be longer than 9 letters",
            tokens::PREFIX
        )));
    }
    if let Some(found) = app.token_viewers.find(tokens::hash(&token.token)).await? {
        return match found.user {
            Some(found) if found.pk == user_pk => Ok(()),
            _ => Err(HubError::conflict(format!("{name}: this token belongs to another user"))),
        };
    }
    let scopes = token.scopes.clone().unwrap_or_else(|| serde_json::json!({}));
    let new = NewToken { name: token.name.clone(), role, scopes, expires_at: None, requests_limit: None };
    let mut conn = app.pool.acquire().await?;
    queries::tokens::insert_token(&mut conn, user_pk, &new, &token.token).await?;
    report.push(format!("made {name}"));
    Ok(())
}

async fn plant_organization(app: &App, organization: &SeedOrganization, report: &mut Vec<String>) -> HubResult<()> {
    let name = format!("organization `{}`", organization.name);
    let default_private = match organization.default_visibility.as_str() {
        "public" => false,
        "private" => true,
        _ => return Err(HubError::bad_request(format!("{name}: default_visibility must be public or private"))),
    };
    let mut members = Vec::new();
    for member in &organization.members {
        let role = OrgRole::parse(&member.role).ok_or_else(|| {
            HubError::bad_request(format!("{name}: the role of `{}` must be admin, write, contributor or read", member.user))
        })?;
        let user_pk = find(app, &member.user, "user").await?;
        let user_pk = user_pk.ok_or_else(|| HubError::bad_request(format!("{name}: there is no user `{}`", member.user)))?;
        members.push((user_pk, role));
    }
    let Some(pk) = find(app, &organization.name, "organization").await? else {
        let new = NewOrganization { name: organization.name.clone(), fullname: organization.fullname.clone(), default_private };
        create_organization(app, &new, &members).await.map_err(|error| about(&name, &error))?;
        report.push(format!("made organization {}", organization.name));
        return Ok(());
    };
    let mut tx = app.begin().await?;
    let mut changed = queries::update_organization(&mut tx, pk, organization.fullname.trim(), default_private).await?;
    for (user_pk, role) in members {
        if queries::find_role(&mut tx, pk, user_pk).await? != Some(role) {
            queries::upsert_member(&mut tx, pk, user_pk, role).await?;
            changed = true;
        }
    }
    tx.commit().await?;
    if changed {
        report.push(format!("updated organization {}", organization.name));
    }
    Ok(())
}

async fn find(app: &App, name: &str, kind: &str) -> HubResult<Option<i64>> {
    let mut conn = app.pool.acquire().await?;
    match queries::find_namespace(&mut conn, name).await? {
        Some(found) if found.kind == kind => Ok(Some(found.namespace_pk)),
        Some(found) => Err(HubError::conflict(format!("`{name}` is the name of a {} already", found.kind))),
        None => Ok(None),
    }
}

/// Says which entry of the file an error is about.
fn about(entry: &str, error: &HubError) -> HubError {
    HubError::new(error.kind(), format!("{entry}: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_formats_say_the_same() {
        let toml =
            "[[users]]\nname = \"ada\"\nemail = \"a@b.c\"\npassword = \"p\"\ntokens = [{ name = \"t\", token = \"hf_x\" }]";
        let json =
            r#"{"users": [{"name": "ada", "email": "a@b.c", "password": "p", "tokens": [{"name": "t", "token": "hf_x"}]}]}"#;
        let yaml = "users:\n  - name: ada\n    email: a@b.c\n    password: p\n    tokens:\n      - {name: t, token: hf_x}\n";
        let read = |text, file| format!("{:?}", parse(text, Path::new(file)).unwrap());
        assert_eq!(read(toml, "s.toml"), read(json, "s.json"));
        assert_eq!(read(yaml, "s.yml"), read(json, "s.json"));
    }

    #[test]
    fn a_misspelt_key_is_not_ignored() {
        let error = parse("[[users]]\nname = \"ada\"\nemail = \"a@b.c\"\npassword = \"p\"\nadmn = true", Path::new("s.toml"))
            .unwrap_err();
        assert!(error.contains("admn"), "{error}");
        assert!(parse("", Path::new("seed.txt")).unwrap_err().contains(".toml"));
    }
}
