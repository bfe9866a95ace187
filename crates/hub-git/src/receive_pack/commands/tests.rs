use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use super::*;
use crate::pkt_line::{write_flush, write_packet};

const A: &str = "1111111111111111111111111111111111111111";
const B: &str = "2222222222222222222222222222222222222222";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn request(lines: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        write_packet(&mut bytes, line);
    }
    write_flush(&mut bytes);
    bytes
}

fn read(mut bytes: &[u8]) -> Result<PushRequest, RequestError> {
    block_on(read_request(&mut bytes))
}

#[test]
fn a_push_of_git_is_read() {
    let zero = Oid::ZERO;
    let first = format!("{zero} {A} refs/heads/main\0 report-status side-band-64k quiet object-format=sha1 agent=git/2.47");
    let second = format!("{A} {B} refs/heads/dev\n");
    let third = format!("{B} {zero} refs/tags/v1");
    let request = read(&request(&[first.as_bytes(), second.as_bytes(), third.as_bytes()])).unwrap();
    let kinds: Vec<CommandKind> = request.commands.iter().map(RefCommand::kind).collect();
    assert_eq!(kinds, [CommandKind::Create, CommandKind::Update, CommandKind::Delete]);
    assert_eq!(request.commands[1].name.as_ref().unwrap().as_str(), "refs/heads/dev");
    assert!(request.capabilities.report_status && request.capabilities.side_band_64k && request.capabilities.quiet);
    assert!(!request.capabilities.atomic);
    assert!(request.has_pack());
}

#[test]
fn a_push_that_only_deletes_has_no_pack() {
    let line = format!("{A} {} refs/heads/x\0report-status", Oid::ZERO);
    assert!(!read(&request(&[line.as_bytes()])).unwrap().has_pack());
}

#[test]
fn the_pack_stays_in_the_stream() {
    let mut bytes = request(&[format!("{A} {B} refs/heads/x\0report-status").as_bytes()]);
    bytes.extend_from_slice(b"PACKxyz");
    let mut reader = bytes.as_slice();
    let rest = block_on(async {
        read_request(&mut reader).await.unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).await.unwrap();
        rest
    });
    assert_eq!(rest, b"PACKxyz");
}

#[test]
fn push_options_follow_the_commands() {
    let mut bytes = request(&[format!("{A} {B} refs/heads/x\0push-options").as_bytes()]);
    bytes.extend(request(&[b"ci.skip", b"topic=a b\n"]));
    assert_eq!(read(&bytes).unwrap().push_options, ["ci.skip", "topic=a b"]);
    let truncated = &bytes[..bytes.len() - 4];
    assert!(matches!(read(truncated), Err(RequestError::Truncated)));
}

#[test]
fn probes_are_empty_requests() {
    assert!(read(b"0000").unwrap().commands.is_empty());
    assert!(read(b"").unwrap().commands.is_empty());
}

#[test]
fn shallow_lines_are_skipped() {
    let shallow = format!("shallow {A}");
    let command = format!("{A} {B} refs/heads/x\0report-status");
    let request = read(&request(&[shallow.as_bytes(), command.as_bytes()])).unwrap();
    assert_eq!(request.commands.len(), 1);
    assert!(request.capabilities.report_status);
}

#[test]
fn invalid_ref_names_are_kept_for_the_report() {
    for name in [&b"refs/heads/a..b"[..], b"refs/heads/\xff", b"main", b"refs/heads/../../etc", b"refs/heads/a b", b"HEAD"] {
        let mut line = format!("{A} {B} ").into_bytes();
        line.extend_from_slice(name);
        let request = read(&request(&[&line])).unwrap();
        assert_eq!(request.commands[0].name, None);
        assert_eq!(request.commands[0].raw_name, name);
    }
}

#[test]
fn what_is_no_command_is_refused() {
    for line in
        ["", "hello", A, &format!("{A} {B}"), &format!("{A} {B} "), &format!("{A} xyz refs/heads/x"), &format!("{A}  {B} r")]
    {
        let result = read(&request(&[line.as_bytes()]));
        assert!(matches!(result, Err(RequestError::BadCommand(_))), "{line}: {result:?}");
    }
}

#[test]
fn unknown_demands_are_refused() {
    let sha256 = format!("{A} {B} refs/heads/x\0object-format=sha256");
    assert!(matches!(read(&request(&[sha256.as_bytes()])), Err(RequestError::ObjectFormat(_))));
    assert!(matches!(read(&request(&[b"push-cert\0report-status"])), Err(RequestError::SignedPush)));
}

#[test]
fn endless_lists_are_refused() {
    let line = format!("{A} {B} refs/heads/x");
    let lines = vec![line.as_bytes(); MAX_COMMANDS + 1];
    assert!(matches!(read(&request(&lines)), Err(RequestError::TooManyCommands)));
    let shallow = format!("shallow {A}");
    let lines = vec![shallow.as_bytes(); MAX_SHALLOW_LINES + 1];
    assert!(matches!(read(&request(&lines)), Err(RequestError::TooManyCommands)));
}

#[test]
fn a_list_without_end_is_refused() {
    let mut bytes = request(&[format!("{A} {B} refs/heads/x").as_bytes()]);
    bytes.truncate(bytes.len() - 4);
    assert!(matches!(read(&bytes), Err(RequestError::Truncated)));
}

proptest! {
    #[test]
    fn arbitrary_lines_never_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5)) {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let _ = read(&request(&lines));
    }

    #[test]
    fn valid_commands_round_trip(old in any::<[u8; 20]>(), new in any::<[u8; 20]>(), name in "[a-z]{1,20}") {
        let (old, new) = (Oid::from_bytes(old), Oid::from_bytes(new));
        let request = read(&request(&[format!("{old} {new} refs/heads/{name}\0atomic").as_bytes()])).unwrap();
        let expected = RefName::branch(&name).unwrap();
        prop_assert_eq!(&request.commands[0].name, &Some(expected));
        prop_assert_eq!((request.commands[0].old, request.commands[0].new), (old, new));
        prop_assert!(request.capabilities.atomic);
    }
}
