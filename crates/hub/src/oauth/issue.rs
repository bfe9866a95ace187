//! Tokens for a sign-in.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::claims::{self, SignIn};
use super::problem::{OauthResult, refuse};
use super::queries::clients::Client;
use super::queries::grants::{Grant, extend_grant};
use super::queries::keys::Key;
use super::queries::tokens::{NewAccess, insert_access, insert_refresh};
use super::{authorize, keys, scopes};
use crate::accounts::{User, queries as accounts, tokens};
use crate::app::App;
use crate::error::HubResult;
use crate::web::base_url::BaseUrl;

/// How long an access token works, in seconds; as on the Hub.
const ACCESS_SECS: i64 = 8 * 3600;
/// The same for the command line, which renews its token when it has less than a day left.
const COMMAND_LINE_ACCESS_SECS: i64 = 30 * 24 * 3600;

/// What tokens are made of.
#[derive(Debug)]
pub(super) struct Issuing<'a> {
    app: &'a App,
    base: &'a BaseUrl,
    client: &'a Client,
    key: Key,
}

impl<'a> Issuing<'a> {
    /// Gets ready, before a transaction begins.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn new(app: &'a App, base: &'a BaseUrl, client: &'a Client) -> HubResult<Self> {
        Ok(Self { app, base, client, key: keys::current(app).await? })
    }

    /// Makes tokens for a sign-in, in the transaction that holds it, with these scopes of it. What is signed computes for milliseconds.
    ///
    /// # Errors
    /// `invalid_grant` when the account is gone, or the sign-in has lasted as long as one may.
    pub(super) async fn issue(&self, conn: &mut PgConnection, grant: &Grant, scopes: &[String]) -> OauthResult<Value> {
        let client = self.client;
        let user = accounts::list_users(&mut *conn, &[grant.user_pk]).await?.pop();
        let user = user.filter(|user| !user.suspended);
        let user = user.ok_or_else(|| refuse("invalid_grant", "The account is gone, or moderators suspended it."))?;
        let (ends_at, most_days) = (authorize::end_of(self.app, client), authorize::most_days(self.app, client));
        let left = extend_grant(&mut *conn, grant.pk, ends_at, most_days).await? - crate::clock::now();
        let secs = left.num_seconds().min(if client.is_of_the_hub() { COMMAND_LINE_ACCESS_SECS } else { ACCESS_SECS });
        if secs <= 0 {
            let text = format!("The sign-in is {most_days} days old, and over. The person must sign in again.");
            return Err(refuse("invalid_grant", text));
        }
        let access = tokens::generate_as("oauth_");
        let refresh = tokens::generate_as("oauth_refresh_");
        let (role, rights) = scopes::rights(&user, scopes, &grant.organization_pks);
        let hash = tokens::hash(&access);
        let token = NewAccess {
            grant_pk: grant.pk,
            user_pk: user.pk,
            name: &client.name,
            hash: &hash,
            hint: access.get(access.len() - 4..).unwrap_or_default(),
            role: role.as_str(),
            rights: &rights,
            expires_at: crate::clock::now() + TimeDelta::seconds(secs),
        };
        insert_access(&mut *conn, &token).await?;
        insert_refresh(&mut *conn, grant.pk, &tokens::hash(&refresh)).await?;
        let mut answer = json!({
            "access_token": access, "token_type": "bearer", "expires_in": secs, "refresh_token": refresh,
            "scope": scopes.join(" "),
        });
        if scopes.iter().any(|scope| scope == "openid") {
            answer["id_token"] = Value::from(self.id_token(&mut *conn, &user, grant, scopes, &access).await?);
        }
        Ok(answer)
    }

    async fn id_token(
        &self,
        conn: &mut PgConnection,
        user: &User,
        grant: &Grant,
        scopes: &[String],
        access: &str,
    ) -> HubResult<String> {
        let names: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let claims = claims::of(self.app, conn, self.base, user, &names).await?;
        let key = self.key.clone();
        let (issuer, client_id) = (self.base.as_str().to_owned(), self.client.id.clone());
        let (auth_time, nonce, access) = (grant.auth_time, grant.nonce.clone(), access.to_owned());
        let signed = tokio::task::spawn_blocking(move || {
            let sign_in =
                SignIn { issuer: &issuer, client_id: &client_id, auth_time, nonce: nonce.as_deref(), access_token: &access };
            claims::sign(&key, &sign_in, claims)
        });
        signed.await?
    }
}
