//! One connection: whose it is, and which of its requests are taken.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use russh::keys::{Algorithm, HashAlg, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session as Connection, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty};

use super::queries::{self, OwnedKey};
use super::seats::Seat;
use super::server::{Door, Life};
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
    waiting: HashMap<ChannelId, Waiting>,
}

struct Waiting {
    channel: Channel<Msg>,
    protocol: Option<String>,
}

impl Session {
    pub(super) fn new(door: Arc<Door>, address: IpAddr, life: Arc<Life>) -> Self {
        Self { door, address, life, known: None, waiting: HashMap::new() }
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

    /// Starts what is asked for on a channel.
    fn start(&mut self, id: ChannelId, command: String, connection: &mut Connection) -> Result<(), russh::Error> {
        let (Some(waiting), Some((key, _))) = (self.waiting.remove(&id), &self.known) else {
            return connection.channel_failure(id);
        };
        connection.channel_success(id)?;
        let caller = Caller { app: self.door.app.clone(), key: key.clone(), address: self.address };
        let (running, stopping) = (self.life.begin(), self.door.stop.is_cancelled());
        tokio::spawn(async move {
            let _running = running;
            transfer::answer(caller, waiting.channel, waiting.protocol, command, stopping).await;
        });
        Ok(())
    }
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
        if self.waiting.len() + self.life.running() >= MAX_CHANNELS {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.waiting.insert(channel.id(), Waiting { channel, protocol: None });
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _connection: &mut Connection) -> Result<(), Self::Error> {
        self.waiting.remove(&id);
        Ok(())
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        match self.waiting.get_mut(&id) {
            Some(waiting) if name == "GIT_PROTOCOL" && value.len() <= MAX_PROTOCOL_BYTES => {
                waiting.protocol = Some(value.to_owned());
                connection.channel_success(id)
            }
            _ => connection.channel_failure(id),
        }
    }

    async fn shell_request(&mut self, id: ChannelId, connection: &mut Connection) -> Result<(), Self::Error> {
        self.start(id, String::new(), connection)
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], connection: &mut Connection) -> Result<(), Self::Error> {
        match std::str::from_utf8(command) {
            Ok(command) if command.len() <= MAX_COMMAND_BYTES => self.start(id, command.to_owned(), connection),
            _ => connection.channel_failure(id),
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
