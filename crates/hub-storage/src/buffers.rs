//! Buffers that are used again. Those of a stream are filled on one thread and freed on another, which makes an allocator
//! keep far more memory than is in use.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Buffers of one size, some of which are kept for the next who needs one. Meant for statics.
#[derive(Debug)]
pub struct Buffers {
    bytes: usize,
    keep: usize,
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Buffers of `bytes` each, at most `keep` of which are kept when nobody uses them.
    pub const fn new(bytes: usize, keep: usize) -> Self {
        Self { bytes, keep, spare: Mutex::new(Vec::new()) }
    }

    /// An empty buffer with room for at least the size.
    pub fn take(&self) -> Vec<u8> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| Vec::with_capacity(self.bytes))
    }

    /// The content of a buffer from [`take`](Self::take), which comes back when the last clone is dropped.
    pub fn share(&'static self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Shared { buffer, pool: self })
    }
}

struct Shared {
    buffer: Vec<u8>,
    pool: &'static Buffers,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut spare = self.pool.spare.lock().unwrap_or_else(PoisonError::into_inner);
        // One that had to grow would take more than its share.
        if spare.len() < self.pool.keep && buffer.capacity() <= self.pool.bytes {
            buffer.clear();
            spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_with_its_last_clone_and_few_are_kept() {
        static POOL: Buffers = Buffers::new(1000, 2);
        let spare = || POOL.spare.lock().unwrap().len();
        let mut first = POOL.take();
        first.extend_from_slice(b"first");
        let place = first.as_ptr();
        let first = POOL.share(first);
        let part = first.slice(1..3);
        drop(first);
        assert_eq!((spare(), part.as_ref()), (0, b"ir".as_slice()));
        drop(part);
        let again = POOL.take();
        assert_eq!((again.len(), again.as_ptr()), (0, place));
        let mut grown = POOL.take();
        grown.resize(5000, 0);
        let all = [again, grown, POOL.take(), POOL.take(), POOL.take()].map(|buffer| POOL.share(buffer));
        drop(all);
        assert_eq!(spare(), 2);
        assert!(POOL.spare.lock().unwrap().iter().all(|buffer| buffer.capacity() == 1000));
    }
}
