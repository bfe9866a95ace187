//! Bodies that stop coming. A door holds what it took for a request (a turn, a file on disk, half an upload) for as long as it waits for
//! the body; so a request of whose body nothing comes for a while ends with 408.
//!
//! [`watch_bodies`] listens to every body, so that no door needs to think of it: what the door reads ends with an error, as when the
//! client goes away, and it lets go of what it has. [`answer_silence`] words the answer, whatever the door made of that error.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use futures::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::app::App;
use crate::error::HubError;

/// How the body of a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All of it came.
    Whole,
    /// The client went away, or sent what is no body.
    Broken,
    /// Nothing came for too long.
    Silent,
}

/// The body of a request, and how long nothing of it has come.
struct Body {
    payload: Payload,
    limit: Duration,
    /// Since when its reader waits; nothing while the reader does something else, which is no silence of the client's.
    since: Option<Instant>,
    /// Rings when a wait may have been too long. It is set anew only then, and not with every piece.
    alarm: Option<Pin<Box<Sleep>>>,
    end: Option<End>,
}

impl Body {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        if self.end == Some(End::Silent) {
            return Poll::Ready(Some(Err(too_silent())));
        }
        if let Poll::Ready(piece) = Pin::new(&mut self.payload).poll_next(cx) {
            self.since = None;
            match &piece {
                Some(Ok(_)) => {}
                Some(Err(_)) => self.end = Some(End::Broken),
                None => self.end = Some(End::Whole),
            }
            return Poll::Ready(piece);
        }
        ready!(self.poll_alarm(cx));
        self.end = Some(End::Silent);
        Poll::Ready(Some(Err(too_silent())))
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let due = since + self.limit;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(alarm.as_mut().poll(cx));
        if Instant::now() < due {
            // It was set for an earlier wait.
            alarm.as_mut().reset(due);
            ready!(alarm.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    /// Reads what is left and throws it away.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.end.is_none() {
            ready!(self.poll(cx));
        }
        Poll::Ready(())
    }
}

fn too_silent() -> PayloadError {
    PayloadError::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "nothing came for too long"))
}

/// A body as it is read: by the door, and by what comes after.
#[derive(Clone)]
struct Heard(Rc<RefCell<Body>>);

impl Heard {
    fn end(&self) -> Option<End> {
        self.0.borrow().end
    }
}

impl Stream for Heard {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll(cx)
    }
}

/// Middleware: ends a body of which nothing has come for as long as the settings say, and closes the connection then.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn watch_bodies(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let secs = request.app_data::<Data<App>>().map_or(0, |app| app.config.body_silence_secs);
    let payload = request.take_payload();
    if secs == 0 || matches!(payload, Payload::None) {
        request.set_payload(payload);
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let is_chunked = request.chunked().unwrap_or_default();
    let body = Body { payload, limit: Duration::from_secs(secs), since: None, alarm: None, end: None };
    let heard = Heard(Rc::new(RefCell::new(body)));
    request.set_payload(Payload::Stream { payload: Box::pin(heard.clone()) });
    request.extensions_mut().insert(heard.clone());
    let response = next.call(request).await?.map_into_boxed_body();
    // The server closes a connection whose body is still there when the answer goes out. Were it gone, the server would wait without end
    // for the rest of one in chunks, of which nobody knows how much there is.
    let closes = match heard.end() {
        Some(End::Silent) => true,
        Some(End::Whole | End::Broken) => false,
        None => is_chunked,
    };
    if !closes {
        return Ok(response);
    }
    Ok(response.map_body(|head, body| {
        let takes_rest = matches!(body.size(), BodySize::Sized(_)) || head.status.is_success();
        BoxBody::new(LastAnswer { body, takes_rest, heard })
    }))
}

/// The last answer on a connection whose request has not come whole. Who still sends reads no answer before the end: what comes is taken,
/// until nothing does.
struct LastAnswer {
    body: BoxBody,
    /// Whether the rest of the request is taken before the answer ends: where the client knows its length, and so has all of it
    /// meanwhile, and where it is told of no failure, since clients then send to the end (git: a push whose report says why not).
    takes_rest: bool,
    heard: Heard,
}

impl MessageBody for LastAnswer {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(piece) = ready!(Pin::new(&mut self.body).poll_next(cx)) {
            return Poll::Ready(Some(piece));
        }
        // The request is over, and its line in the log is due.
        self.body = BoxBody::new(());
        if self.takes_rest {
            ready!(self.heard.0.borrow_mut().poll_rest(cx));
        }
        Poll::Ready(None)
    }
}

/// Middleware inside those that word errors: says 408 where a door failed because the body stopped coming. What a door did all the same is
/// done, and stays said.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn answer_silence(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let heard = request.extensions().get::<Heard>().cloned();
    let response = next.call(request).await?.map_into_boxed_body();
    let failed = response.status().is_client_error() || response.status().is_server_error();
    match heard {
        Some(heard) if failed && heard.end() == Some(End::Silent) => {
            let secs = heard.0.borrow().limit.as_secs();
            Ok(response.error_response(HubError::silent_body(secs)))
        }
        _ => Ok(response),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use futures::StreamExt as _;
    use futures::stream;

    const LIMIT: Duration = Duration::from_millis(500);

    /// A body of which a piece comes after each of these pauses, and then nothing more.
    fn heard(pauses_ms: &'static [u64]) -> Heard {
        let pieces = stream::iter(pauses_ms).then(|pause| async move {
            tokio::time::sleep(Duration::from_millis(*pause)).await;
            Ok::<_, PayloadError>(Bytes::from_static(b"piece"))
        });
        let pieces: Pin<Box<dyn Stream<Item = _>>> = Box::pin(pieces.chain(stream::pending()));
        let payload = Payload::Stream { payload: pieces };
        Heard(Rc::new(RefCell::new(Body { payload, limit: LIMIT, since: None, alarm: None, end: None })))
    }

    #[actix_web::test]
    async fn a_body_ends_when_nothing_comes_for_too_long_and_not_before() {
        let mut slow = heard(&[100; 8]);
        let started = Instant::now();
        for _ in 0..8 {
            assert!(slow.next().await.is_some_and(|piece| piece.is_ok()));
        }
        assert_eq!(slow.end(), None);
        assert!(slow.next().await.is_some_and(|piece| piece.is_err()));
        assert_eq!(slow.end(), Some(End::Silent));
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(800) + LIMIT, "it ended after {took:?}");
        assert!(slow.next().await.is_some_and(|piece| piece.is_err()), "it does not look like a whole one");
    }

    #[actix_web::test]
    async fn a_reader_that_does_something_else_is_no_silence() {
        let mut body = heard(&[0, 10]);
        assert!(body.next().await.is_some_and(|piece| piece.is_ok()));
        tokio::time::sleep(LIMIT * 2).await;
        assert!(body.next().await.is_some_and(|piece| piece.is_ok()));
    }

    #[actix_web::test]
    async fn an_answer_ends_after_the_rest_of_the_request_where_clients_send_to_the_end() {
        for (takes_rest, end) in [(true, Some(End::Silent)), (false, None)] {
            let request = heard(&[100, 100]);
            let answer = LastAnswer { body: BoxBody::new("said"), takes_rest, heard: request.clone() };
            assert_eq!(to_bytes(answer).await.unwrap(), "said");
            assert_eq!(request.end(), end);
        }
    }
}
