//! What `gpg --with-colons` says of a key.

use serde::{Deserialize, Serialize};

/// RSA below this can be broken.
const MIN_RSA_BITS: u32 = 2048;
const DSA: u32 = 17;

/// A key as a whole: the primary key, those below it, and whom it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    /// The primary key comes first.
    pub parts: Vec<Part>,
    /// The mail addresses of its user ids that are not revoked, in small letters.
    pub emails: Vec<String>,
}

/// The primary key or one below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Its fingerprint, in hexadecimal digits.
    pub fingerprint: String,
    /// Whether its owner took it back.
    pub revoked: bool,
    /// Whether it can be broken.
    pub weak: bool,
    /// When it ends, in seconds since 1970.
    pub expires: Option<i64>,
}

/// Reads a listing of one key; nothing if it is of none or of several, or of a key that was cut off before it names anybody.
pub(super) fn parse(text: &str) -> Option<Listing> {
    let mut listing = Listing { parts: Vec::new(), emails: Vec::new() };
    let mut is_named = false;
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default();
        match field(1) {
            "pub" if !listing.parts.is_empty() => return None,
            "pub" | "sub" => listing.parts.push(Part {
                fingerprint: String::new(),
                revoked: field(2).starts_with(['r', 'i']),
                weak: is_weak(field(4).parse().ok()?, field(3).parse().ok()?),
                expires: field(7).parse().ok(),
            }),
            "fpr" => {
                let part = listing.parts.last_mut().filter(|part| part.fingerprint.is_empty())?;
                field(10).clone_into(&mut part.fingerprint);
            }
            "uid" => {
                is_named = true;
                let holds = !field(2).starts_with('r');
                listing.emails.extend(holds.then(|| email_in(&unescaped(field(10)))).flatten());
            }
            _ => {}
        }
    }
    listing.emails.sort_unstable();
    listing.emails.dedup();
    let whole = |part: &Part| part.fingerprint.len() >= 40 && part.fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_named && !listing.parts.is_empty() && listing.parts.iter().all(whole)).then_some(listing)
}

fn is_weak(algorithm: u32, bits: u32) -> bool {
    match algorithm {
        1..=3 => bits < MIN_RSA_BITS,
        DSA => true,
        _ => false,
    }
}

/// The address in a user id such as `Ada Lovelace <ada@example.org>`, or that is one.
fn email_in(user_id: &str) -> Option<String> {
    let address = match user_id.strip_suffix('>') {
        Some(text) => text.rsplit_once('<')?.1,
        None => user_id,
    };
    let plain = address.contains('@') && !address.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,".contains(c));
    plain.then(|| address.to_lowercase())
}

/// `gpg` writes `\x3a` for a colon.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
            }
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMARY: &str = "pub:-:255:22:1EBA99A461E398AA:1795771878:::-:::scSC:::::ed25519:::0:\n\
                           fpr:::::::::F380DC912A662500365C3E3E1EBA99A461E398AA:\n";

    #[test]
    fn a_key_is_read_with_its_parts_and_addresses() {
        let text = format!(
            "{PRIMARY}uid:-::::1::X::Ada \\x3a) <Ada@example.org>::::::::::0:\nuid:r::::1::X::Old <old@example.org>::::::::::0:\n\
             uid:-::::1::X::no address::::::::::0:\nsub:r:1024:1:CF59DA62DBC23164:1:1609372800:::::s::::::23:\n\
             fpr:::::::::1FBA39F3EFA054559C91611CCF59DA62DBC23164:\n"
        );
        let listing = parse(&text).unwrap();
        assert_eq!(listing.emails, ["ada@example.org"]);
        let [primary, sub] = &listing.parts[..] else { panic!("{listing:?}") };
        assert_eq!((primary.revoked, primary.weak, primary.expires), (false, false, None));
        assert_eq!((sub.revoked, sub.weak, sub.expires), (true, true, Some(1_609_372_800)));
        assert_eq!(sub.fingerprint, "1FBA39F3EFA054559C91611CCF59DA62DBC23164");
    }

    #[test]
    fn several_keys_and_half_ones_are_none() {
        let twice = PRIMARY.repeat(2);
        for text in ["", "fpr:::::::::F380DC912A662500365C3E3E1EBA99A461E398AA:", &PRIMARY[..60], &twice, "pub:-:::::"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_found_in_user_ids() {
        for (user_id, address) in [
            ("Ada <ada@example.org>", Some("ada@example.org")),
            ("ada@example.org", Some("ada@example.org")),
            ("Ada <bob@example.org> <ada@example.org>", Some("ada@example.org")),
            ("Ada ada@example.org", None),
            ("Ada <ada@example.org> x", None),
            ("Ada <>", None),
            ("", None),
        ] {
            assert_eq!(email_in(user_id).as_deref(), address, "{user_id}");
        }
    }
}
