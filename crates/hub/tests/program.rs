//! The program itself. That this test needs it also has `cargo test --no-run --workspace` build it, for the suites in Python.

use std::process::Command;

#[test]
fn the_program_says_what_it_is() {
    let done = Command::new(env!("CARGO_BIN_EXE_hub")).arg("--version").output().unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stdout).unwrap(), format!("hub {}\n", env!("CARGO_PKG_VERSION")));
}
