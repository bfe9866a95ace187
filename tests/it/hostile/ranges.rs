//! `Range`, `If-Range` and `If-None-Match`: whatever they say, the bytes are the ones that the answer names.

use hub_tests::json;
use proptest::prelude::*;
use reqwest::Method;

use super::{promise, start};

const SIZE: u64 = 300;

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..400_u64).prop_map(|n| n.to_string()),
        1 => prop::sample::select(vec!["", "-1", "+5", "00000000005", "18446744073709551615", "18446744073709551616", "9999999999999999999999999", "1e2", "0x5", " 5", "5 ", "٣"]).prop_map(str::to_owned),
    ]
}

fn range() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        5 => (number(), number()).prop_map(|(start, end)| format!("{start}-{end}")),
        1 => number().prop_map(|count| format!("-{count}")),
        1 => number().prop_map(|start| format!("{start}-")),
        1 => "[0-9, -]{0,12}",
    ];
    let unit = prop_oneof![8 => Just("bytes=".to_owned()), 1 => Just("Bytes=".to_owned()), 1 => "(bytes|bytes =|items=|=|)"];
    let list = prop_oneof![6 => prop::collection::vec(one.clone(), 1..2), 2 => prop::collection::vec(one, 0..40)];
    (unit, list).prop_map(|(unit, list)| format!("{unit}{}", list.join(",")))
}

/// What RFC 9110 (14.1.2) says of one range whose parts are plain numbers; `None` where a server may do as it likes.
fn expected(range: &str) -> Option<Result<(u64, u64), ()>> {
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let plain = |text: &str| {
        (!text.is_empty() && text.len() < 15 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    match (plain(start), plain(end)) {
        (Some(start), Some(end)) if start <= end => Some(if start < SIZE { Ok((start, end.min(SIZE - 1))) } else { Err(()) }),
        (Some(start), None) if end.is_empty() => Some(if start < SIZE { Ok((start, SIZE - 1)) } else { Err(()) }),
        (None, Some(count)) if start.is_empty() => {
            Some(if count > 0 { Ok((SIZE.saturating_sub(count), SIZE - 1)) } else { Err(()) })
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_for_the_bytes_are_the_ones_named() {
    let (hub, ada) = start().await;
    let text = "0123456789".repeat(30);
    // The same bytes as git has them and as a large file.
    let large = crate::lfs::Large::new(text.as_bytes());
    crate::lfs::upload(&ada, "ada/bert", &large).await;
    let line = json!({ "key": "lfsFile", "value": { "path": "large.bin", "algo": "sha256", "oid": large.oid, "size": SIZE } });
    ada.commit("/api/models/ada/bert", "main", &[line], 200).await;
    for path in ["/ada/bert/resolve/main/a.txt", "/ada/bert/resolve/main/large.bin"] {
        let whole = ada.get(path, 200).await;
        let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(whole.text().await.unwrap(), text);
        let tags = [
            etag.clone(),
            format!("W/{etag}"),
            "\"other\"".to_owned(),
            "*".to_owned(),
            format!("\"x\", {etag}"),
            etag.trim_matches('"').to_owned(),
            "\"".to_owned(),
            "é".to_owned(),
            "Thu, 01 Jan 1970 00:00:00 GMT".to_owned(),
        ];
        // Once answered with a part of the wrong file.
        let odd = ada.request(Method::GET, path).header("Range", "bytes=0-0").header("If-Range", "é".as_bytes());
        check(&text, "bytes=0-0", Some(false), odd).await.unwrap();
        let strategy = (range(), prop::option::of(0..tags.len()), prop::option::weighted(0.2, 0..tags.len()));
        promise(300, strategy, async |(range, if_range, if_none_match)| {
            let mut request = ada.request(Method::GET, path).header("Range", range.as_bytes());
            if let Some(tag) = if_range {
                request = request.header("If-Range", tags[tag].as_bytes());
            }
            if let Some(tag) = if_none_match {
                request = request.header("If-None-Match", tags[tag].as_bytes());
            }
            check(&text, &range, if_range.map(|tag| tags[tag] == etag), request).await
        });
    }
    hub.stop().await;
}

async fn check(text: &str, range: &str, if_range: Option<bool>, request: reqwest::RequestBuilder) -> Result<(), TestCaseError> {
    let answer = request.send().await.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let status = answer.status().as_u16();
    let said = answer.headers().get("content-range").map(|value| value.to_str().unwrap().to_owned());
    let body = answer.text().await.map_err(|error| TestCaseError::fail(error.to_string()))?;
    match status {
        200 => prop_assert!(body == text && said.is_none()),
        206 => {
            let named = said.as_deref().and_then(|said| said.strip_prefix("bytes ")?.strip_suffix("/300")?.split_once('-'));
            let (first, last) = named.ok_or_else(|| TestCaseError::fail(format!("{said:?}")))?;
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            prop_assert_eq!(&body, &text[first..=last]);
            prop_assert!(if_range != Some(false), "the file is not the one that was begun");
        }
        416 => prop_assert_eq!(said.as_deref(), Some("bytes */300")),
        304 => prop_assert!(body.is_empty()),
        status => return Err(TestCaseError::fail(format!("{status}"))),
    }
    // What is clear must be done.
    if if_range.is_none() && status != 304 {
        match expected(range) {
            Some(Ok((first, last))) => prop_assert_eq!((status, said), (206, Some(format!("bytes {first}-{last}/300")))),
            Some(Err(())) => prop_assert_eq!(status, 416),
            None => {}
        }
    }
    Ok(())
}
