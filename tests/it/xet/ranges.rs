//! Addresses of stored bytes open those bytes and no others.

use super::client::{
    Packed, Part, Xorb, cut, entry, fetch, get, parts, random, read_token, reconstruction, send_shard, shard, write_token,
};
use super::{hubs, start};

#[tokio::test]
async fn an_address_opens_its_range_alone() {
    for (hub, ada) in hubs().await {
        let cas = write_token(&ada, "ada/bert").await;
        let xorb = Xorb::of(&cut(&random(800_000, 1)));
        xorb.send(&cas, 200).await;
        // The file has some chunks out of the middle.
        let file = entry(&[(&xorb.info, 2, 4)]);
        send_shard(&cas, shard(std::slice::from_ref(&file), &[&xorb.info]), 200).await;
        for version in [1, 2] {
            let answer = reconstruction(&cas, version, &file.hash, "", 200).await;
            let [part] = <[Part; 1]>::try_from(parts(&answer)).expect("one part");
            let stored = xorb.info.stored_range(2..4).expect("chunks");
            assert_eq!(part.bytes, (stored.start.into(), u64::from(stored.end) - 1));
            let expected = &xorb.body[stored.start as usize..stored.end as usize];
            assert!(fetch(&part).await == expected);
            let (first, last) = part.bytes;
            for other in [
                "bytes=0-".to_owned(),
                format!("bytes={first}-{}", last + 1),
                format!("bytes={}-{last}", first - 1),
                format!("bytes={first}-{}", last - 1),
                format!("bytes=0-10,{first}-{last}"),
                "bytes=-5".to_owned(),
            ] {
                assert_eq!(get(&part.url, &other).await.status(), 403, "{other}");
            }
            let open = get(&part.url, "").await;
            if hub.app().store.presigns_ranges() {
                assert_eq!(open.status(), 403);
            } else {
                assert!(open.bytes().await.expect("bytes") == expected, "that part of it, whatever is asked");
            }
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn changed_addresses_of_bytes_are_refused() {
    for (hub, ada) in hubs().await {
        let (packed, other) = (Packed::new(random(300_000, 2), 3), Packed::new(random(300_000, 3), 3));
        packed.upload(&ada, "ada/bert", "w.bin").await;
        other.upload(&ada, "ada/bert", "v.bin").await;
        let cas = read_token(&ada, "ada/bert").await;
        let part = parts(&reconstruction(&cas, 1, &packed.entry.hash, "", 200).await).remove(0);
        let foreign = parts(&reconstruction(&cas, 1, &other.entry.hash, "", 200).await).remove(0);
        let (name, signature) = match hub.app().store.presigns_ranges() {
            true => ("X-Amz-Expires=", "X-Amz-Signature="),
            false => ("expires=", "sig="),
        };
        let value =
            |url: &str, name: &str| url.split_once(name).expect("a part").1.split('&').next().expect("a value").to_owned();
        let mine = value(&part.url, signature);
        let changed = [
            part.url.replace(&part.xorb, &foreign.xorb),
            part.url.replace(&mine, &value(&foreign.url, signature)),
            part.url.replace(&mine, &format!("{mine}0")),
            part.url.replace(&format!("{signature}{mine}"), signature),
            part.url.replace(name, &format!("{name}9")),
        ];
        let range = format!("bytes={}-{}", part.bytes.0, part.bytes.1);
        for url in changed {
            assert_ne!(url, part.url);
            let status = get(&url, &range).await.status().as_u16();
            // Some stores say of a signature that is none that it is no good request.
            assert!(status == 403 || (status == 400 && hub.app().store.presigns_ranges()), "{status} {url}");
        }
        let bare = part.url.split_once('?').expect("a query").0;
        assert_eq!(get(bare, &range).await.status(), 403);
        assert_eq!(get(&part.url, &range).await.status(), 206);
        hub.stop().await;
    }
}

#[tokio::test]
async fn expired_addresses_of_bytes_are_refused() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(100_000, 4), 100);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let cas = read_token(&ada, "ada/bert").await;
    let part = parts(&reconstruction(&cas, 2, &packed.entry.hash, "", 200).await).remove(0);
    let (base, text) = part.url.split_once("/data/").expect("the hub's own address");
    let (head, _) = text.split_once("?expires=").expect("an end");
    let signed = |expires: i64| {
        let text = format!("{head}?expires={expires}");
        format!("{base}/data/{text}&sig={}", hub.app().signer.sign("xet-data", &text))
    };
    let range = format!("bytes={}-{}", part.bytes.0, part.bytes.1);
    let now = super::permissions::now();
    assert_eq!(get(&signed(now + 60), &range).await.status(), 206);
    let late = get(&signed(now - 10), &range).await;
    assert_eq!(late.status(), 403, "upon which clients ask for a new one");
    assert!(late.text().await.expect("text").contains("expired"));
    hub.stop().await;
}
