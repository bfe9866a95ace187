//! Bodies that are streamed.

use actix_web::body::SizedStream;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};

use crate::error::HubResult;

/// Actix copies every part of a body into a buffer of its connection, which grows to hold it and stays so.
const PART_BYTES: usize = 64 * 1024;

/// A body of `size` bytes out of parts of any size.
pub fn body(
    size: u64,
    parts: impl Stream<Item = HubResult<Bytes>> + 'static,
) -> SizedStream<impl Stream<Item = HubResult<Bytes>>> {
    SizedStream::new(size, parts.flat_map(|part| stream::iter(small(part))))
}

/// The same for a body whose size nobody knows before.
pub fn small_parts(parts: impl Stream<Item = HubResult<Bytes>> + 'static) -> impl Stream<Item = HubResult<Bytes>> + 'static {
    parts.flat_map(|part| stream::iter(small(part)))
}

fn small(part: HubResult<Bytes>) -> impl Iterator<Item = HubResult<Bytes>> {
    let (mut rest, mut error) = match part {
        Ok(bytes) => (bytes, None),
        Err(error) => (Bytes::new(), Some(error)),
    };
    std::iter::from_fn(move || match error.take() {
        Some(error) => Some(Err(error)),
        None => (!rest.is_empty()).then(|| Ok(rest.split_to(rest.len().min(PART_BYTES)))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::HubError;

    #[test]
    fn parts_get_small_and_errors_stay() {
        let lens = |bytes: usize| small(Ok(Bytes::from(vec![1; bytes]))).map(|part| part.unwrap().len()).collect::<Vec<_>>();
        assert_eq!(lens(0), [0; 0]);
        assert_eq!(lens(PART_BYTES), [PART_BYTES]);
        assert_eq!(lens(2 * PART_BYTES + 1), [PART_BYTES, PART_BYTES, 1]);
        let mut failed = small(Err(HubError::internal("broken")));
        assert!(failed.next().is_some_and(|part| part.is_err()) && failed.next().is_none());
    }
}
