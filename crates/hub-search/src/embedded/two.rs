//! Two threads for one question, as long as there is no other.

use std::{
    iter,
    panic::resume_unwind,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// How many questions are being answered in this way.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// The system reads files to tell.
static PROCESSORS: LazyLock<usize> = LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// A question that is being answered.
struct Asked;

impl Drop for Asked {
    fn drop(&mut self) {
        ASKED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What `each` makes of each item, in their order. The last are begun first. Under load one thread does it all: each
/// question has its own then.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let others = ASKED.fetch_add(1, Ordering::Relaxed);
    let _asked = Asked;
    let begun = AtomicUsize::new(0);
    let work = || {
        let next = || {
            let at = items.len().checked_sub(begun.fetch_add(1, Ordering::Relaxed) + 1)?;
            Some((at, each(&items[at])))
        };
        iter::from_fn(next).collect::<Vec<_>>()
    };
    let mut done = if others == 0 && *PROCESSORS > 1 && items.len() > 1 {
        thread::scope(|scope| {
            let other = scope.spawn(work);
            let mut done = work();
            done.append(&mut other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            done
        })
    } else {
        work()
    };
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_in_order() {
        for len in 0..50_usize {
            let items: Vec<usize> = (0..len).collect();
            // Some within others, which find themselves not alone.
            let made = map(&items, |item| (*item, map(&items[..*item], |inner| inner + 1).iter().sum::<usize>()));
            assert_eq!(made, items.iter().map(|item| (*item, item * (item + 1) / 2)).collect::<Vec<_>>());
        }
    }
}
