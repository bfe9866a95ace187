//! `hub admin …`: `create-user`, `role`, `delete-account`, `keep-account`, `keep-organization`, `remove-second-factors`, `revoke-tokens`, `seed`, `synth`, `reindex`, `rotate-signing-key`, `repack` and `fsck`
//! here, `gc` and backups in their own files.

use std::io::BufRead as _;
use std::path::Path;
use std::process::ExitCode;

use rand::RngExt as _;

use super::{AdminCommand, backup, fail, gc, say};
use crate::accounts::operations::{NewUser, create_user};
use crate::accounts::site_roles::{self, SiteRole};
use crate::accounts::{first_passwords, leaks, second_factors};
use crate::admin::{fsck, repack, seed, synth};
use crate::app::App;
use crate::config::Config;
use crate::gc::size;
use crate::personal_data::{closing, organizations};
use crate::ssh::host_key;
use crate::{search, signing, start};

const PASSWORD_LENGTH: usize = 20;

pub(super) async fn run(config: Config, command: AdminCommand) -> ExitCode {
    match &command {
        AdminCommand::VerifyBackup { folder, name } => return exit(backup::verify(folder, name.as_deref()).await),
        AdminCommand::Restore { folder, name } => return exit(backup::restore(&config, folder, name.as_deref()).await),
        _ => {}
    }
    let (app, postgres) = match start::open_app(config, start::Beside::Allowed).await {
        Ok(opened) => opened,
        Err(error) => return fail(error),
    };
    let outcome = match command {
        AdminCommand::CreateUser { name, email, fullname, admin, password_stdin } => {
            let new = NewUser { name, email, fullname, is_admin: admin, password: String::new() };
            add_user(&app, new, password_stdin).await
        }
        AdminCommand::RemoveSecondFactors { name } => remove_second_factors(&app, &name).await,
        AdminCommand::DeleteAccount { name } => delete_account(&app, &name).await,
        AdminCommand::KeepAccount { name } => keep_account(&app, &name).await,
        AdminCommand::KeepOrganization { name } => keep_organization(&app, &name).await,
        AdminCommand::Role { name, role } => give_role(&app, &name, role).await,
        AdminCommand::RevokeTokens => revoke_tokens(&app).await,
        AdminCommand::SshHostKey => show_host_key(&app).await,
        AdminCommand::RotateSigningKey { forget_older_than } => rotate_signing_key(&app, forget_older_than).await,
        AdminCommand::Reindex => reindex(&app).await,
        AdminCommand::Synth { account, models, datasets, spaces, seed } => {
            let counts = synth::Counts { models, datasets, spaces };
            synth::write(&app, &account, counts, seed, say).await.map_err(|error| error.to_string())
        }
        AdminCommand::Seed { file } => plant(&app, &file).await,
        AdminCommand::Gc { dry_run, grace_unused, grace_deleted, grace_quarantine, many_orphans } => {
            let days = gc::Graces { unused: grace_unused, deleted: grace_deleted, quarantine: grace_quarantine, many_orphans };
            gc::run(&app, dry_run, days).await
        }
        AdminCommand::Backup { folder, keep } => backup::back_up(&app, postgres.as_ref(), &folder, keep).await,
        AdminCommand::VerifyBackup { .. } | AdminCommand::Restore { .. } => Ok(()),
        AdminCommand::Repack { repo } => repack_repos(&app, repo.as_deref()).await,
        AdminCommand::Fsck { repo, deep } => check_repos(&app, repo.as_deref(), deep).await,
    };
    app.pool.close().await;
    if let Some(postgres) = postgres
        && let Err(error) = postgres.stop().await
    {
        return fail(error);
    }
    exit(outcome)
}

fn exit(outcome: Result<(), String>) -> ExitCode {
    outcome.map_or_else(fail, |()| ExitCode::SUCCESS)
}

async fn add_user(app: &App, mut new: NewUser, from_stdin: bool) -> Result<(), String> {
    new.password = if from_stdin { read_password()? } else { make_password() };
    let user = create_user(app, &new).await.map_err(|error| error.to_string())?;
    say(format!("Made the account `{}`{}.", user.name, if user.is_admin { ", an administrator" } else { "" }));
    if !from_stdin {
        first_passwords::mark(app, user.pk).await.map_err(|error| error.to_string())?;
        let days = first_passwords::LASTS_DAYS;
        say(format!("Password (shown once, to be changed at the first login, within {days} days): {}", new.password));
    }
    Ok(())
}

async fn give_role(app: &App, name: &str, role: SiteRole) -> Result<(), String> {
    let user = site_roles::find_by_name(app, name).await.map_err(|error| error.to_string())?;
    let changed = site_roles::set_site_role(app, user.pk, role).await.map_err(|error| error.to_string())?;
    let now = match role {
        SiteRole::Admin => "an administrator",
        SiteRole::Moderator => "a moderator",
        SiteRole::None => "neither administrator nor moderator",
    };
    say(format!("`{}` is {}{now}.", user.name, if changed { "now " } else { "already " }));
    Ok(())
}

fn read_password() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("cannot read the password: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn make_password() -> String {
    let mut rng = rand::rng();
    (0..PASSWORD_LENGTH).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect()
}

async fn remove_second_factors(app: &App, name: &str) -> Result<(), String> {
    let had_any = second_factors::remove_all(app, name).await.map_err(|error| error.to_string())?;
    say(if had_any { "Removed. All sessions of the account ended." } else { "The account has no second factor." });
    Ok(())
}

async fn delete_account(app: &App, name: &str) -> Result<(), String> {
    let user = site_roles::find_by_name(app, name).await.map_err(|error| error.to_string())?;
    let until = closing::ask(app, &user, &user.name).await.map_err(|error| error.to_string())?;
    say(format!("`{}` is closed, and is removed for good on {}.", user.name, until.format("%-d %B %Y")));
    say(format!(
        "Until then its owner can keep it by the link that was mailed to them, or you by `hub admin keep-account {name}`."
    ));
    Ok(())
}

async fn keep_account(app: &App, name: &str) -> Result<(), String> {
    closing::keep_by_name(app, name).await.map_err(|error| error.to_string())?;
    say("The account is back, with its repositories.");
    Ok(())
}

async fn keep_organization(app: &App, name: &str) -> Result<(), String> {
    organizations::keep_by_name(app, name).await.map_err(|error| error.to_string())?;
    say("The organization is back, with its members and repositories.");
    Ok(())
}

async fn revoke_tokens(app: &App) -> Result<(), String> {
    let text = std::io::read_to_string(std::io::stdin()).map_err(|error| format!("cannot read standard input: {error}"))?;
    let found = leaks::hashes_in([text.as_str()]);
    let hashes: Vec<String> = found.iter().map(hex::encode).collect();
    let revoked = leaks::revoke(app, &hashes).await.map_err(|error| error.to_string())?;
    for token in &revoked {
        say(format!("Revoked hf_…{} (`{}` of {}).", token.hint, token.name, token.owner));
    }
    say(format!("Found {} tokens, of which {} worked on this hub.", found.len(), revoked.len()));
    Ok(())
}

async fn show_host_key(app: &App) -> Result<(), String> {
    let key = host_key::load(&app.pool).await.map_err(|error| error.to_string())?;
    say(host_key::fingerprint(&key));
    Ok(())
}

async fn rotate_signing_key(app: &App, forget_days: Option<i32>) -> Result<(), String> {
    let Some(rotated) = signing::rotate(&app.pool, forget_days).await.map_err(|error| error.to_string())? else {
        return Err(format!("there are {} keys: forget older ones with --forget-older-than DAYS", signing::MAX_KEYS));
    };
    say(match rotated.left {
        1 => "The new key signs from now on. What others signed is worth nothing any more.".to_owned(),
        left => format!("The new key signs in two minutes. Former keys that go on verifying: {}.", left - 1),
    });
    if rotated.forgotten > 0 {
        say(format!("Forgot {} keys.", rotated.forgotten));
    }
    Ok(())
}

async fn reindex(app: &App) -> Result<(), String> {
    search::request_rebuild(&app.pool).await.map_err(|error| error.to_string())?;
    say("Every node will build its search index anew, and answers out of the old one until that is done.");
    Ok(())
}

async fn plant(app: &App, file: &Path) -> Result<(), String> {
    let text = tokio::fs::read_to_string(file).await.map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    let seed = seed::parse(&text, file).map_err(|error| format!("`{}`: {error}", file.display()))?;
    let report = seed::plant(app, &seed).await.map_err(|error| error.to_string())?;
    for line in &report {
        say(line);
    }
    say(if report.is_empty() { "Nothing to do: everything in the file is there." } else { "Done." });
    Ok(())
}

async fn repack_repos(app: &App, repo: Option<&str>) -> Result<(), String> {
    let tally = repack::repack(app, repo, say).await.map_err(|error| error.to_string())?;
    say(format!("Looked at {} repositories and joined packs of {}.", tally.repos, tally.joined));
    Ok(())
}

async fn check_repos(app: &App, repo: Option<&str>, deep: bool) -> Result<(), String> {
    let depth = if deep { fsck::Depth::Bytes } else { fsck::Depth::Sizes };
    let tally = fsck::check(app, repo, depth, say).await.map_err(|error| error.to_string())?;
    if tally.unnamed.count > 0 {
        let (count, bytes) = (tally.unnamed.count, size(tally.unnamed.bytes));
        say(format!("No row names {count} objects of the store ({bytes}), which uploads left that are under way or broke off."));
        say("That is no harm: `hub admin gc --dry-run` says which of them go by themselves.");
    }
    if tally.miscounted > 0 {
        say(format!(
            "Of {} owners something else is counted than they hold. A running hub counts anew every quarter of an hour.",
            tally.miscounted
        ));
    }
    match tally {
        fsck::Tally { repos, problems: 0, .. } => {
            say(format!("Checked {repos} repositories: all is there."));
            Ok(())
        }
        fsck::Tally { repos, problems, .. } => Err(format!("{problems} problems in {repos} repositories.")),
    }
}
