//! One connection: whose it is, and which of its requests are taken.
//!
//! The library gives each message of a channel to the channel first, waiting for room there, and then tells of it here. So each channel
//! has a task that takes all that comes from the start on: were one left to lie, a client could bring its connection to a halt for good.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use russh::keys::{Algorithm, HashAlg, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session as Connection, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg, ChannelOpenFailure, Pty};

use super::queries::{self, OwnedKey};
use super::seats::Seat;
use super::server::{Door, Life, MAX_PACKET_BYTES, Open};
use super::transfer::{self, Caller};
use crate::accounts::UserPk;

/// The name that everybody comes by; the key says who it is.
const USER: &str = "git";
/// The most commands of one connection at once.
const MAX_CHANNELS: usize = 10;
/// The longest command, and the longest `GIT_PROTOCOL`.
const MAX_COMMAND_BYTES: usize = 1000;
const MAX_PROTOCOL_BYTES: usize = 100;

/// The state of a connection.
pub(super) struct Session {
    door: Arc<Door>,
    address: IpAddr,
    life: Arc<Life>,
    /// Whose key it was proved with.
    known: Option<(OwnedKey, Seat<UserPk>)>,
    /// Channels on which nothing was asked for yet.
    waiting: HashSet<ChannelId>,
}

impl Session {
    pub(super) fn new(door: Arc<Door>, address: IpAddr, life: Arc<Life>) -> Self {
        Self { door, address, life, known: None, waiting: HashSet::new() }
    }

    async fn owner_of(&self, user: &str, key: &PublicKey, algorithm: &Algorithm) -> Option<OwnedKey> {
        // SHA-1 proves nothing any more.
        if user != USER || matches!(algorithm, Algorithm::Rsa { hash: None }) {
            return None;
        }
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        queries::find_key(&self.door.app.pool, &fingerprint).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the owner of an SSH key cannot be found");
            None
        })
    }

    /// Answers whether what is asked for on a channel is begun: by [`attend`], which has read it already.
    fn begun(&mut self, id: ChannelId, connection: &mut Connection) -> Result<(), russh::Error> {
        if self.waiting.remove(&id) { connection.channel_success(id) } else { connection.channel_failure(id) }
    }
}

/// The text of a command, if it is one.
fn text_of(command: &[u8]) -> Option<&str> {
    std::str::from_utf8(command).ok().filter(|command| command.len() <= MAX_COMMAND_BYTES)
}

/// Whether it is the version of git's protocol that is asked for.
fn is_protocol(name: &str, value: &str) -> bool {
    name == "GIT_PROTOCOL" && value.len() <= MAX_PROTOCOL_BYTES
}

/// Takes all that comes on a channel until it is closed: first what is asked for.
async fn attend(caller: Caller, mut channel: Channel<Msg>, life: Arc<Life>, _open: Open) {
    let mut protocol = None;
    let command = loop {
        match channel.wait().await {
            Some(ChannelMsg::SetEnv { variable_name, variable_value, .. }) if is_protocol(&variable_name, &variable_value) => {
                protocol = Some(variable_value);
            }
            Some(ChannelMsg::Exec { command, .. }) => {
                if let Some(command) = text_of(&command) {
                    break command.to_owned();
                }
            }
            Some(ChannelMsg::RequestShell { .. }) => break String::new(),
            Some(ChannelMsg::Close) | None => return,
            Some(_) => {}
        }
    };
    let _running = life.begin();
    transfer::answer(caller, channel, protocol, command).await;
}

impl Handler for Session {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        let owner = self.owner_of(user, offer.public_key, offer.algorithm).await;
        Ok(if owner.is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let Some(owner) = self.owner_of(user, key.public_key, key.algorithm).await else { return Ok(Auth::reject()) };
        let Some(seat) = self.door.seat_of(owner.user_pk) else {
            tracing::warn!(user.pk = owner.user_pk, "an account has too many connections by SSH: one was refused");
            return Ok(Auth::reject());
        };
        self.known = Some((owner, seat));
        self.life.is_known_now();
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        let Some((key, _)) = self.known.as_ref().filter(|_| self.life.open_channels() < MAX_CHANNELS) else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        self.waiting.insert(channel.id());
        let caller = Caller { door: Arc::clone(&self.door), key: key.clone(), address: self.address };
        tokio::spawn(attend(caller, channel, Arc::clone(&self.life), self.life.open()));
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _connection: &mut Connection) -> Result<(), Self::Error> {
        self.waiting.remove(&id);
        Ok(())
    }

    async fn data(&mut self, _id: ChannelId, data: &[u8], _connection: &mut Connection) -> Result<(), Self::Error> {
        // More than the client was told that may be sent at once.
        if data.len() > MAX_PACKET_BYTES { Err(russh::Error::PacketSize(data.len())) } else { Ok(()) }
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        if is_protocol(name, value) && self.waiting.contains(&id) {
            return connection.channel_success(id);
        }
        connection.channel_failure(id)
    }

    async fn shell_request(&mut self, id: ChannelId, connection: &mut Connection) -> Result<(), Self::Error> {
        self.begun(id, connection)
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], connection: &mut Connection) -> Result<(), Self::Error> {
        match text_of(command) {
            Some(_) => self.begun(id, connection),
            None => connection.channel_failure(id),
        }
    }

    async fn subsystem_request(&mut self, id: ChannelId, _name: &str, connection: &mut Connection) -> Result<(), Self::Error> {
        connection.channel_failure(id)
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        connection.channel_failure(id)
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        _single: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        connection.channel_failure(id)
    }
}
