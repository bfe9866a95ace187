//! The `hub` program; everything is in the library.

/// Gives memory back after a burst; glibc's allocator keeps what many threads have used once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    hub::cli::run()
}
