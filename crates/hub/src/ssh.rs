//! Git over SSH, and the keys that it needs: another door to what [`crate::git_http`] and [`crate::lfs`] do.
//!
//! - [`keys`]: the public keys of accounts; [`pages`] has the page where they are added and removed.
//! - [`server`]: the sockets and how many there may be; [`session`]: one connection, who it is of and what it may ask;
//!   [`commands`]: what is asked; [`transfer`]: clones, fetches and pushes.
//! - [`lfs_token`]: what `git-lfs-authenticate` gives out, for Git LFS, which goes by HTTP all the same.
//! - [`signatures`]: whether the signature of a commit is of whom it names.

mod commands;
pub mod host_key;
pub mod keys;
pub(crate) mod lfs_token;
mod pages;
pub mod queries;
mod seats;
mod server;
mod session;
pub mod signatures;
mod transfer;

use actix_web::web;

use crate::config::Config;

pub use server::{bind, serve};

/// Mounts this slice's routes.
pub fn routes(config: &mut web::ServiceConfig) {
    pages::routes(config);
}

/// The address by which git reaches a path of the hub over SSH, if it does: `git@host:ada/bert`, or
/// `ssh://git@host:2222/ada/bert` where the port is not that of SSH.
pub(crate) fn address_of(config: &Config, base: &str, path: &str) -> Option<String> {
    Some(match place_of(config, base)? {
        (host, 22) => format!("git@{host}:{}", path.trim_start_matches('/')),
        (host, port) => format!("ssh://git@{host}:{port}{path}"),
    })
}

/// The line that tries whether a key works.
fn greeting_of(config: &Config, base: &str) -> Option<String> {
    Some(match place_of(config, base)? {
        (host, 22) => format!("ssh -T git@{host}"),
        (host, port) => format!("ssh -T -p {port} git@{host}"),
    })
}

fn place_of(config: &Config, base: &str) -> Option<(String, u16)> {
    let ssh = config.ssh.as_ref()?;
    let host = match &ssh.public_host {
        Some(host) => host.clone(),
        None => url::Url::parse(base).ok()?.host_str()?.to_owned(),
    };
    Some((host, ssh.public_port.unwrap_or(ssh.address.port())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SshConfig;

    #[test]
    fn the_address_leaves_out_what_ssh_takes_for_granted() {
        let mut config = Config::in_folder("data".into());
        assert_eq!(address_of(&config, "https://hub.example.org", "/ada/bert"), None);
        let mut ssh = SshConfig { address: ([0, 0, 0, 0], 2222).into(), public_host: None, public_port: None };
        for (host, port, address) in [
            (None, None, "ssh://git@hub.example.org:2222/datasets/ada/squad"),
            (None, Some(22), "git@hub.example.org:datasets/ada/squad"),
            (Some("git.example.org"), Some(22), "git@git.example.org:datasets/ada/squad"),
        ] {
            (ssh.public_host, ssh.public_port) = (host.map(str::to_owned), port);
            config.ssh = Some(ssh.clone());
            assert_eq!(address_of(&config, "https://hub.example.org:8443", "/datasets/ada/squad").as_deref(), Some(address));
        }
    }
}
