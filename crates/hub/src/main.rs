//! The `hub` program; everything is in the library.

fn main() -> std::process::ExitCode {
    hub::cli::run()
}
