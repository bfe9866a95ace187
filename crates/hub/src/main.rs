//! The `hub` program; everything is in the library.

/// Gives memory back after a burst; glibc's allocator keeps what many threads have used once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long memory that nobody uses is kept, in milliseconds. By default it is a second, in which 64 readers of large files let 100 MiB
/// more pile up. `MIMALLOC_PURGE_DELAY` in the environment goes before it.
const PURGE_DELAY_MS: std::ffi::c_long = 10;
/// `mi_option_purge_delay` of mimalloc.h, which the bindings have no name for.
const PURGE_DELAY: std::ffi::c_int = 15;

#[expect(unsafe_code, reason = "sets a number in the allocator, before any other thread is there")]
fn keep_little_unused_memory() {
    // SAFETY: the option is one of those of mimalloc.h, and no other thread is there.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS) };
}

fn main() -> std::process::ExitCode {
    keep_little_unused_memory();
    hub::cli::run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "reads numbers of the allocator")]
    fn the_option_is_the_one_that_is_meant() {
        // SAFETY: as above.
        let option = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(option(), 1000, "another option, or another default: look into mimalloc.h");
        keep_little_unused_memory();
        assert_eq!(option(), PURGE_DELAY_MS);
    }
}
