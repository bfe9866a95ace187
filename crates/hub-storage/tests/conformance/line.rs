//! A line to a service that breaks where a test wants it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes bytes on between the hub and a service. The most that it still passes each way is in `up` and `down`.
pub(crate) struct Line {
    pub(crate) address: String,
    state: Arc<State>,
}

struct State {
    up: AtomicI64,
    down: AtomicI64,
    /// Whether it works again after it broke.
    mends: AtomicBool,
    breaks: AtomicUsize,
}

impl Line {
    pub(crate) async fn to(service: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = State { up: endless(), down: endless(), mends: AtomicBool::new(false), breaks: AtomicUsize::new(0) };
        let state = Arc::new(state);
        let held = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, service.clone(), Arc::clone(&held)));
            }
        });
        Self { address, state }
    }

    /// Breaks after so many bytes to the service, for good.
    pub(crate) fn die_after_sending(&self, bytes: i64) {
        self.state.mends.store(false, SeqCst);
        self.state.up.store(bytes, SeqCst);
    }

    /// Breaks after so many bytes from the service, for good.
    pub(crate) fn die_after_receiving(&self, bytes: i64) {
        self.state.mends.store(false, SeqCst);
        self.state.down.store(bytes, SeqCst);
    }

    /// Breaks once after so many bytes each way, and works again at once.
    pub(crate) fn break_once_after(&self, up: i64, down: i64) {
        self.state.mends.store(true, SeqCst);
        self.state.up.store(up, SeqCst);
        self.state.down.store(down, SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.state.mend();
    }

    pub(crate) fn breaks(&self) -> usize {
        self.state.breaks.load(SeqCst)
    }
}

impl State {
    fn mend(&self) {
        self.up.store(i64::MAX, SeqCst);
        self.down.store(i64::MAX, SeqCst);
    }

    fn is_dead(&self) -> bool {
        self.up.load(SeqCst) < 0 || self.down.load(SeqCst) < 0
    }

    /// Whether so many bytes may still pass.
    fn pass(&self, left: &AtomicI64, bytes: usize) -> bool {
        if self.is_dead() {
            return false;
        }
        if left.fetch_sub(bytes as i64, SeqCst) >= bytes as i64 {
            return true;
        }
        self.breaks.fetch_add(1, SeqCst);
        if self.mends.load(SeqCst) {
            self.mend();
        }
        false
    }
}

fn endless() -> AtomicI64 {
    AtomicI64::new(i64::MAX)
}

async fn connect(client: TcpStream, service: String, state: Arc<State>) {
    if state.is_dead() {
        return;
    }
    let Ok(service) = TcpStream::connect(service).await else { return };
    let ((from_client, to_client), (from_service, to_service)) = (client.into_split(), service.into_split());
    // The end of either is the end of both.
    tokio::select! {
        () = pump(from_client, to_service, &state, &state.up) => {}
        () = pump(from_service, to_client, &state, &state.down) => {}
    }
}

async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, state: &State, left: &AtomicI64) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 || !state.pass(left, read) || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
