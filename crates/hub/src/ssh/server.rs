//! The sockets of git by SSH: who may connect, how many, and for how long.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::Config as Protocol;
use russh::{Disconnect, MethodKind, MethodSet, Preferred, SshId, kex};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::seats::{Seat, Seats};
use super::session::Session;
use crate::accounts::UserPk;
use crate::app::App;
use crate::config::Config;
use crate::error::{HubError, HubResult};
use crate::web::client_address::network_of;

/// Connections in all, of one network, and of one account.
const MOST: usize = 1024;
const OF_NETWORK: usize = 64;
const OF_ACCOUNT: usize = 32;
/// How long somebody may take to say who they are.
const LOGIN: Duration = Duration::from_secs(30);
/// How long a connection stays that asks for nothing.
const IDLE: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long is waited for a client to hang up.
const GOODBYE: Duration = Duration::from_secs(2);
/// After how long a silent client is asked whether it is there, and how often it may fail to answer. While it waits for hooks or
/// packs its pack, that is all that is heard of it.
const ASK_EVERY: Duration = Duration::from_secs(30);
const ASK_TIMES: usize = 3;
/// Wrong keys on one connection; what an agent offers without proof does not count.
const TRIES: usize = 6;
/// The largest piece of data that clients are told to send at once.
pub(super) const MAX_PACKET_BYTES: usize = 32 * 1024;
/// How many pieces of a channel are kept until they are taken; then the connection waits. This bounds its memory, not the window.
const MAX_PIECES: usize = 16;
/// How keys are agreed on: with curves alone. The classic groups cost up to a second of computing before it is known who asks; clients
/// know curves since 2014. The last names say that both sides keep to the strict order of messages (against Terrapin).
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];
/// What one account does at once: half of what a node does, so that nobody keeps all others out.
const FETCHES_OF_ACCOUNT: usize = 16;
const PUSHES_OF_ACCOUNT: usize = 8;
/// How long a fetch or push waits for its turn, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(20);
const TURN_EVERY: Duration = Duration::from_millis(200);

/// Opens the socket, if git by SSH is to be served, and notes its true address.
///
/// # Errors
/// The address cannot be had.
pub fn bind(config: &mut Config) -> std::io::Result<Option<std::net::TcpListener>> {
    let serves = config.role.serves_web();
    let Some(ssh) = config.ssh.as_mut().filter(|_| serves) else { return Ok(None) };
    let listener = std::net::TcpListener::bind(ssh.address)?;
    listener.set_nonblocking(true)?;
    ssh.address = listener.local_addr()?;
    Ok(Some(listener))
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Door {
    pub app: App,
    pub stop: CancellationToken,
    networks: Seats<IpAddr>,
    accounts: Seats<UserPk>,
    fetches: Seats<UserPk>,
    pushes: Seats<UserPk>,
}

impl Door {
    /// A seat for one more connection of an account.
    pub(super) fn seat_of(&self, user_pk: UserPk) -> Option<Seat<UserPk>> {
        self.accounts.take(user_pk)
    }

    /// Waits for the turn of an account's next fetch.
    pub(super) async fn fetch_turn(&self, user_pk: UserPk) -> HubResult<Seat<UserPk>> {
        turn(&self.fetches, user_pk).await
    }

    /// Waits for the turn of an account's next push.
    pub(super) async fn push_turn(&self, user_pk: UserPk) -> HubResult<Seat<UserPk>> {
        turn(&self.pushes, user_pk).await
    }
}

async fn turn(seats: &Seats<UserPk>, user_pk: UserPk) -> HubResult<Seat<UserPk>> {
    let wait = async {
        loop {
            if let Some(seat) = seats.take(user_pk) {
                return seat;
            }
            tokio::time::sleep(TURN_EVERY).await;
        }
    };
    let refused = |_elapsed| HubError::too_many_requests("Your account fetches or pushes too much at once.", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, wait).await.map_err(refused)
}

/// How a connection fares: its handler writes it, its keeper reads it.
#[derive(Debug)]
pub(super) struct Life {
    known: AtomicBool,
    open: AtomicUsize,
    running: AtomicUsize,
    last: std::sync::Mutex<Instant>,
}

impl Life {
    fn new() -> Self {
        let (open, running) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { known: AtomicBool::new(false), open, running, last: std::sync::Mutex::new(Instant::now()) }
    }

    /// Notes that it is known whose it is.
    pub(super) fn is_known_now(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    /// How many channels are open.
    pub(super) fn open_channels(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Notes that a channel is open, until what is given is dropped.
    pub(super) fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// How many commands run.
    fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Notes that a command runs, until what is given is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Instant::now();
    }

    /// Whether its time is over.
    fn is_over(&self) -> bool {
        let age = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).elapsed();
        let limit = if self.known.load(Ordering::Relaxed) { IDLE } else { LOGIN };
        self.running() == 0 && age > limit
    }
}

/// A channel that is open.
#[derive(Debug)]
pub(super) struct Open(Arc<Life>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A command that runs.
#[derive(Debug)]
pub(super) struct Running(Arc<Life>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.touch();
    }
}

/// Serves until told to stop; then lets commands in hand finish.
pub async fn serve(app: App, listener: std::net::TcpListener, host_key: PrivateKey, stop: CancellationToken) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "git by SSH is not served");
            return;
        }
    };
    let protocol = Arc::new(protocol(host_key));
    let (networks, accounts) = (Seats::new(OF_NETWORK), Seats::new(OF_ACCOUNT));
    let (fetches, pushes) = (Seats::new(FETCHES_OF_ACCOUNT), Seats::new(PUSHES_OF_ACCOUNT));
    let door = Arc::new(Door { app, stop: stop.clone(), networks, accounts, fetches, pushes });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < MOST => {
                    let address = peer.ip().to_canonical();
                    // All that comes through a proxy on this machine is of one address.
                    let seat = door.networks.take(network_of(address));
                    if seat.is_some() || address.is_loopback() {
                        connections.spawn(keep(Arc::clone(&door), Arc::clone(&protocol), stream, address, seat));
                    }
                }
                Ok(_) => tracing::warn!("too many connections by SSH: one was refused"),
                Err(error) => {
                    tracing::warn!(%error, "a connection by SSH was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn protocol(host_key: PrivateKey) -> Protocol {
    Protocol {
        server_id: SshId::Standard("SSH-2.0-hub".into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: Duration::from_millis(200),
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![host_key],
        max_auth_attempts: TRIES,
        maximum_packet_size: u32::try_from(MAX_PACKET_BYTES).unwrap_or(u32::MAX),
        channel_buffer_size: MAX_PIECES,
        preferred: Preferred { kex: Cow::Borrowed(KEY_EXCHANGES), ..Preferred::DEFAULT },
        inactivity_timeout: Some(ASK_EVERY * 5),
        keepalive_interval: Some(ASK_EVERY),
        keepalive_max: ASK_TIMES,
        nodelay: true,
        ..Protocol::default()
    }
}

/// Keeps a connection as long as it may be.
async fn keep(door: Arc<Door>, protocol: Arc<Protocol>, stream: TcpStream, address: IpAddr, _seat: Option<Seat<IpAddr>>) {
    let _ = stream.set_nodelay(true);
    let end = CancellationToken::new();
    // However this ends, the connection does.
    let _guard = end.clone().drop_guard();
    let life = Arc::new(Life::new());
    let _held = door.app.metrics.ssh_connection();
    let session = Session::new(Arc::clone(&door), address, Arc::clone(&life));
    let stream = Mortal { stream, end: Box::pin(end.cancelled_owned()) };
    let started = tokio::time::timeout(LOGIN, russh::server::run_stream(protocol, stream, session)).await;
    let Ok(Ok(mut session)) = started else { return };
    let handle = session.handle();
    loop {
        tokio::select! {
            done = &mut session => {
                if let Err(error) = done {
                    tracing::debug!(%error, %address, "a connection by SSH ended");
                }
                return;
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = door.stop.cancelled(), if life.running() == 0 => {}
        }
        let stops = door.stop.is_cancelled() && life.running() == 0;
        if stops || life.is_over() {
            let why = if stops { "The hub is stopping. Try again in a moment." } else { "Nothing was asked for." };
            let goodbye = async {
                let _ = handle.disconnect(Disconnect::ByApplication, why.to_owned(), String::new()).await;
                (&mut session).await
            };
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
            return;
        }
    }
}

/// A connection that breaks when it is told to.
struct Mortal {
    stream: TcpStream,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Mortal {
    fn poll_end(&mut self, context: &mut Context<'_>) -> std::io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(std::io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Mortal {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        self.poll_end(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Mortal {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.poll_end(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
