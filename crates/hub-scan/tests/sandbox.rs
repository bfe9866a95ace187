//! The walls of [`hub_scan::sandbox`] hold. This program starts itself once more; there it puts the walls up and tries to get out.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and one tells another by printing"
)]

use std::collections::HashMap;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Cursor, Read as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use hub_scan::sandbox::{Bounds, Held, enter};
use hub_scan::{Kind, Level, Limits};
use rustix::process::{Signal, getppid, test_kill_process};

const BOUNDS: Bounds = Bounds { memory_bytes: 256 << 20, cpu_secs: 1 };
/// What the second one is asked to do.
const TASK: &str = "HUB_SCAN_SANDBOX_TEST";
/// Whether seccomp is written for this machine.
const HAS_FILTER: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Starts this program once more, for a task in the walls.
fn inside(task: &str) -> Output {
    let program = std::env::current_exe().unwrap();
    Command::new(program).args(["the_second_one", "--exact", "--nocapture", "--test-threads=1"]).env(TASK, task).output().unwrap()
}

/// Not a test by itself: what runs in the walls.
#[test]
fn the_second_one() {
    match std::env::var(TASK).as_deref() {
        Ok("try") => try_to_get_out(),
        Ok("spin") => {
            enter(&BOUNDS);
            let mut number = 0_u64;
            loop {
                number = black_box(number.wrapping_add(1));
            }
        }
        Ok("scan") => {
            enter(&BOUNDS);
            let evil = include_bytes!("../fixtures/evil_4.pkl");
            let report = hub_scan::scan(&mut Cursor::new(evil), evil.len() as u64, Kind::Pickle, Limits::default()).unwrap();
            let caught = std::panic::catch_unwind(|| panic!("by a file that nobody thought of"));
            println!("\nscan: {} {}", report.level.as_str(), caught.is_err());
            std::process::exit(0);
        }
        _ => {}
    }
}

fn try_to_get_out() -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let mut open = File::open("/proc/self/status").unwrap();
    let folder = std::env::temp_dir();
    let parent = getppid().unwrap();
    let held = enter(&BOUNDS);
    println!("\nheld: {}", serde_json::to_string(&held).unwrap());
    let tell = |what: &str, outcome: io::Result<()>| match outcome {
        Ok(()) => println!("{what}: done"),
        Err(error) => println!("{what}: {:?}", error.kind()),
    };
    tell("open", File::open("/etc/passwd").map(|_| ()));
    tell("create", File::create(folder.join("hub-scan-sandbox")).map(|_| ()));
    tell("list", std::fs::read_dir("/").map(|_| ()));
    tell("remove", std::fs::remove_dir(folder.join("hub-scan-none")));
    tell("read", open.read(&mut [0; 8]).map(|_| ()));
    tell("connect", TcpStream::connect(address).map(|_| ()));
    tell("accept", listener.accept().map(|_| ()));
    tell("bind", UdpSocket::bind("127.0.0.1:0").map(|_| ()));
    tell("start", Command::new("/bin/true").spawn().map(|_| ()));
    tell("thread", std::thread::Builder::new().spawn(|| ()).map(|_| ()));
    tell("kill", test_kill_process(parent).map_err(io::Error::from));
    // A compiler leaves out memory that nobody looks at. Less than a GiB, of which a limit may be wrong.
    let mut room = Vec::<u8>::new();
    tell("allocate", room.try_reserve_exact(black_box(512 << 20)).map_err(io::Error::other));
    drop(black_box(room));
    // What a scan needs still goes.
    let numbers: HashMap<u32, Vec<u8>> = (0..64).map(|number| (number, vec![1; 1 << 20])).collect();
    tell("compute", if numbers.len() == 64 { Ok(()) } else { Err(io::Error::other("no")) });
    std::process::exit(0);
}

fn said(output: &Output) -> HashMap<String, String> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| line.split_once(": ")).map(|(what, how)| (what.to_owned(), how.to_owned())).collect()
}

#[test]
fn nobody_gets_out() {
    let output = inside("try");
    let said = said(&output);
    assert!(output.status.success(), "{said:?} {output:?}");
    let held: Held = serde_json::from_str(&said["held"]).unwrap();
    assert!(held.limits && held.calls == HAS_FILTER, "{held:?}");
    // Where no call is forbidden, files can still not be opened, nor processes started.
    assert_ne!(said["allocate"], "done");
    assert_eq!(said["compute"], "done");
    for what in ["open", "create", "list", "start", "thread"] {
        assert_ne!(said[what], "done", "{what}: {said:?}");
    }
    if held.calls {
        for what in ["open", "create", "list", "remove", "read", "connect", "accept", "bind", "start", "thread", "kill"] {
            assert_eq!(said[what], "PermissionDenied", "{what}: {said:?}");
        }
    }
}

#[test]
fn time_is_bounded() {
    let output = inside("spin");
    assert_eq!(output.status.signal(), Some(Signal::XCPU.as_raw()), "{output:?}");
}

#[test]
fn files_are_looked_at_inside() {
    let output = inside("scan");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said(&output).get("scan"), Some(&format!("{} true", Level::Unsafe.as_str())), "{output:?}");
}
