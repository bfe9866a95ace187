//! What a display name looks like at a glance: letters of other alphabets that look like Latin ones, and letters with marks, are those,
//! and everything between letters is gone.

/// Latin letters, each with what looks like it.
const ALIKE: &[(char, &str)] = &[
    ('a', "АаΑαɑàáâãäåāăąǎȧạảẚᴀ"),
    ('b', "ВвЬьΒβƄᏴʙ"),
    ('c', "СсϹϲçćĉċčⅽᴄ"),
    ('d', "ԁďđḍⅾԀᴅ"),
    ('e', "ЕеЁёЄєΕεèéêëēĕėęěẹẻᴇℯ"),
    ('f', "Ϝƒſꜰẝ"),
    ('g', "ɡğĝġģǧԌᶃɢ"),
    ('h', "НнһҺΗĥħḥʜ"),
    ('i', "ІіЇїΙιìíîïĩīĭįıİịỉⅰɪ"),
    ('j', "Јјϳĵɉᴊ"),
    ('k', "КкΚκķĸḳᴋ"),
    ('l', "Ӏӏⅼĺļľŀłḷʟ"),
    ('m', "МмΜⅿṃᴍ"),
    ('n', "Νηñńņňŉոṇɴ"),
    ('o', "ОоΟοօØøòóôõöōŏőọỏơᴏσ"),
    ('p', "РрΡρṗᴘ"),
    ('q', "Ԛԛգɋ"),
    ('r', "ŕŗřгʀᴦ"),
    ('s', "Ѕѕśŝşšșṣꜱ"),
    ('t', "ТтΤτţťŧțṭᴛ"),
    ('u', "Սսυùúûüũūŭůűųưụủᴜ"),
    ('v', "Ѵѵνⅴᴠ"),
    ('w', "Ԝԝŵωᴡ"),
    ('x', "ХхΧχⅹẋ"),
    ('y', "УуҮүΥγýÿŷỳỵʏ"),
    ('z', "ΖζźżžẓᴢƵƶ"),
];

/// A name as it looks.
pub(super) fn fold(text: &str) -> String {
    text.chars().map(latin).flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect()
}

fn latin(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let code = u32::from(c);
    // The same letters in other widths and type faces.
    let (first, index) = match code {
        0xff01..=0xff5e => ('!', code - 0xff01),
        0x1_d400..=0x1_d6a3 => match (code - 0x1_d400) % 52 {
            capital @ 0..=25 => ('A', capital),
            small => ('a', small - 26),
        },
        0x1_d7ce..=0x1_d7ff => ('0', (code - 0x1_d7ce) % 10),
        0x24b6..=0x24cf => ('A', code - 0x24b6),
        0x24d0..=0x24e9 => ('a', code - 0x24d0),
        _ => {
            let found = ALIKE.iter().find(|(_, others)| others.contains(c));
            return found.map_or(c, |(letter, _)| *letter);
        }
    };
    char::from_u32(u32::from(first) + index).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn letters_that_look_alike_are_one() {
        for (text, expected) in [
            ("Gооgle", "google"),
            ("ＧＯＯＧＬＥ", "google"),
            ("𝐆𝗈𝘰𝓰𝕝𝚎 𝟙", "google1"),
            ("Ⓖⓞogle", "google"),
            ("Hugging\u{200b}\u{ad}Face!", "huggingface"),
            ("Góo-gle \u{301}", "google"),
            ("ΜЕТА", "meta"),
            ("Ada Lovelace", "adalovelace"),
            ("深度求索", "深度求索"),
        ] {
            assert_eq!(fold(text), expected, "{text}");
        }
    }
}
