use std::net::TcpListener;

use hub::RunningHub;
use hub::accounts::operations::{NewOrganization, NewUser, create_organization, create_user};
use hub::accounts::tokens::{NewToken, create_token};
use hub::accounts::{OrgRole, TokenRole, User};
use hub::app::App;
use hub::config::Config;
use sqlx::PgPool;
use tempfile::TempDir;

use crate::{Client, database, until};

/// A running hub of a test's own.
#[derive(Debug)]
pub struct TestHub {
    running: Option<RunningHub>,
    database_url: String,
    base: String,
    // Removed when the test ends.
    _data: TempDir,
}

impl TestHub {
    /// Starts a hub with nobody on it.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a hub with changed settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let database_url = database::create().await;
        let mut config = Config::in_folder(data.path().to_owned());
        config.database_url = Some(database_url.clone().into());
        change(&mut config);
        let running = serve(config).await;
        let base = format!("http://{}", running.address);
        Self { running: Some(running), database_url, base, _data: data }
    }

    /// The hub's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The hub's state, for what no request can do.
    pub fn app(&self) -> &App {
        &self.running.as_ref().expect("the hub runs").app
    }

    /// Somebody without an account.
    pub fn anonymous(&self) -> Client {
        Client::new(self.base.clone(), None)
    }

    /// Makes an account (password `correct horse`) and gives it with a write token. The first one is the admin.
    pub async fn user(&self, name: &str) -> Client {
        let user = self.account(name).await;
        self.token(&user, TokenRole::Write).await
    }

    /// Makes an account with the password `correct horse`.
    pub async fn account(&self, name: &str) -> User {
        let new = NewUser {
            name: name.to_owned(),
            email: format!("{name}@example.org"),
            password: "correct horse".to_owned(),
            fullname: String::new(),
            is_admin: false,
        };
        create_user(self.app(), &new).await.expect("the account is made")
    }

    /// Makes a token for an account.
    pub async fn token(&self, user: &User, role: TokenRole) -> Client {
        self.scoped_token(user, role, serde_json::json!({})).await
    }

    /// Makes a token with scopes.
    pub async fn scoped_token(&self, user: &User, role: TokenRole, scopes: serde_json::Value) -> Client {
        let token = NewToken { name: "test".to_owned(), role, scopes, expires_at: None, requests_limit: None };
        let secret = create_token(self.app(), user, &token).await.expect("the token is made");
        Client::new(self.base.clone(), Some(secret))
    }

    /// A client that sends this token.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(self.base.clone(), Some(token.to_owned()))
    }

    /// Makes an organisation with members.
    pub async fn organization(&self, name: &str, members: &[(&User, OrgRole)]) {
        let new = NewOrganization { name: name.to_owned(), fullname: String::new(), default_private: false };
        let members: Vec<_> = members.iter().map(|(user, role)| (user.pk, *role)).collect();
        create_organization(self.app(), &new, &members).await.expect("the organisation is made");
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(sql).fetch_one(&self.app().pool).await.expect("the rows can be counted")
    }

    /// Runs statements on the hub's database, for states that no request can make.
    pub async fn sql(&self, statements: &'static str) {
        sqlx::raw_sql(statements).execute(&self.app().pool).await.expect("the statements run");
    }

    /// Waits until no job waits.
    pub async fn jobs_done(&self) {
        let none_waits = async || {
            let (waiting, dead) = hub::jobs::queries::count(&self.app().pool).await.expect("the jobs can be counted");
            assert_eq!(dead, 0, "a job failed for good");
            waiting == 0
        };
        until("all jobs are done", none_waits).await;
    }

    /// Waits until the search index knows of everything, and this node of every owner.
    pub async fn indexed(&self) {
        let app = self.app();
        until("the search index knows of everything", async || app.search.behind(&app.pool).await == Some(0)).await;
        self.knows_owners().await;
    }

    /// Waits until this node has heard of every user and organisation as they are now.
    pub async fn knows_owners(&self) {
        let app = self.app();
        let is_current = async || app.owners.is_current(app).await.expect("the names can be read");
        until("this node knows the names of all owners", is_current).await;
    }

    /// Stops the hub, has something done with its database, and starts it again, at another address.
    pub async fn restart_after(mut self, work: impl AsyncFnOnce(&PgPool)) -> Self {
        let running = self.running.take().expect("the hub runs");
        let config = Config::clone(&running.app.config);
        running.stop().await;
        let pool = PgPool::connect(&self.database_url).await.expect("the database is there");
        work(&pool).await;
        pool.close().await;
        let running = serve(config).await;
        self.base = format!("http://{}", running.address);
        self.running = Some(running);
        self
    }

    /// Stops the hub and drops its database.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        database::drop_database(&self.database_url).await;
    }
}

async fn serve(config: Config) -> RunningHub {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    hub::start(config, listener).await.expect("the hub starts")
}
