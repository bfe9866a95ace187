//! Connections on which nobody asks anything. The server waits some seconds for the first head on a connection, and ends one on which
//! nothing comes after an answer; but it waits for ever for the end of a later head of which a part has come. So each connection is
//! watched here: when no request has been in hand on it for as long as it may be idle, it is as if its client had said that nothing
//! more comes, and the server closes it.

use std::any::Any;
use std::cell::Cell;
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::{self, net::TcpStream};
use actix_web::web::Bytes;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// A connection, while the server has it.
struct Watched {
    connection: Rc<Connection>,
    watch: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

struct Connection {
    /// The server's socket by another number, which is one more open file: the server lends its own only while it calls.
    socket: std::net::TcpStream,
    in_hand: Cell<u32>,
    idle_since: Cell<Instant>,
}

/// A request in hand, until the last of its answer is taken.
struct InHand(Rc<Connection>);

impl InHand {
    fn new(connection: &Rc<Connection>) -> Self {
        connection.in_hand.set(connection.in_hand.get().saturating_add(1));
        Self(Rc::clone(connection))
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.in_hand.set(self.0.in_hand.get().saturating_sub(1));
        self.0.idle_since.set(Instant::now());
    }
}

/// What the server does with each new connection, so that it is closed when it was idle for so long. That must be longer than the
/// server keeps connections on which nothing comes.
pub fn watch_connections(patience: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
    move |stream: &dyn Any, extensions: &mut Extensions| {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
        let socket = match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => std::net::TcpStream::from(socket),
            Err(error) => {
                // No file descriptor is left for that: it is served as long as it comes.
                tracing::debug!(%error, "a connection is not watched");
                return;
            }
        };
        let connection = Rc::new(Connection { socket, in_hand: Cell::new(0), idle_since: Cell::new(Instant::now()) });
        let watch = rt::spawn(hang_up(Rc::downgrade(&connection), patience));
        extensions.insert(Watched { connection, watch });
    }
}

async fn hang_up(connection: Weak<Connection>, patience: Duration) {
    let mut at = Instant::now() + patience;
    loop {
        sleep_until(at).await;
        let Some(connection) = connection.upgrade() else { return };
        let now = Instant::now();
        let due = if connection.in_hand.get() > 0 { now + patience } else { connection.idle_since.get() + patience };
        if due <= now {
            // The server reads an end. What it still sends is not cut off.
            let _ = connection.socket.shutdown(Shutdown::Read);
            return;
        }
        at = due;
    }
}

/// The body of an answer, which holds its request in hand.
struct HeldBody {
    body: BoxBody,
    _in_hand: InHand,
}

impl MessageBody for HeldBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

/// Middleware: notes that a request is in hand on its connection, until its answer is sent.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn note_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let in_hand = request.conn_data::<Watched>().map(|watched| InHand::new(&watched.connection));
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| match in_hand {
        Some(in_hand) => BoxBody::new(HeldBody { body: body.boxed(), _in_hand: in_hand }),
        None => body.boxed(),
    }))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use actix_web::dev::ServerHandle;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Far longer than a busy machine takes from one step of a test to the next.
    const PATIENCE: Duration = Duration::from_secs(4);
    /// How long an answer takes that outlasts it.
    const LONG: Duration = Duration::from_secs(6);

    async fn answer(request: HttpRequest) -> HttpResponse {
        match request.path() {
            "/slow" => sleep(LONG).await,
            "/in-parts" => {
                let part = async {
                    sleep(LONG).await;
                    Ok::<_, std::io::Error>(Bytes::from_static(b"good"))
                };
                return HttpResponse::Ok().no_chunking(4).streaming(futures::stream::once(part));
            }
            _ => {}
        }
        HttpResponse::Ok().body("good")
    }

    fn serve() -> (SocketAddr, ServerHandle) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = HttpServer::new(|| App::new().wrap(from_fn(note_requests)).default_service(web::to(answer)))
            .workers(1)
            .disable_signals()
            .keep_alive(Duration::from_secs(60))
            .on_connect(watch_connections(PATIENCE))
            .listen(listener)
            .unwrap()
            .run();
        let handle = server.handle();
        tokio::spawn(server);
        (address, handle)
    }

    /// Asks for a path and reads the answer.
    async fn ask(socket: &mut TcpStream, path: &str) {
        socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: hub\r\n\r\n").as_bytes()).await.unwrap();
        let (mut said, mut buffer) = (Vec::new(), [0; 1024]);
        while !said.ends_with(b"good") {
            let read = timeout(PATIENCE * 20, socket.read(&mut buffer)).await.expect("an answer").unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&buffer[..read]);
        }
        assert!(said.starts_with(b"HTTP/1.1 200"), "{:?}", String::from_utf8_lossy(&said));
    }

    #[tokio::test]
    async fn half_a_head_behind_a_good_request_is_hung_up_on() {
        let (address, handle) = serve();
        let mut socket = TcpStream::connect(address).await.unwrap();
        let started = Instant::now();
        ask(&mut socket, "/").await;
        socket.write_all(b"GET / HTTP/1.1\r\nHost: hub\r\nX-Slow: ").await.unwrap();
        let read = timeout(PATIENCE * 20, socket.read(&mut [0; 64])).await.expect("the connection is closed");
        assert_eq!(read.unwrap_or(0), 0);
        assert!(started.elapsed() >= PATIENCE, "not before its time");
        handle.stop(false).await;
    }

    #[tokio::test]
    async fn an_answer_that_takes_long_is_waited_for_and_another_comes_behind_it() {
        let (address, handle) = serve();
        let mut socket = TcpStream::connect(address).await.unwrap();
        for path in ["/slow", "/in-parts", "/"] {
            ask(&mut socket, path).await;
        }
        handle.stop(false).await;
    }
}
