//! The language a card is written in.

use whatlang::detect;

use super::{FactKey, Inferred};
use crate::card::known;
use crate::html::excerpt::plain_text_excerpt;

/// How much of the text is looked at.
const MAX_CHARS: usize = 4_000;
/// Shorter texts say too little.
const MIN_LETTERS: usize = 200;
/// Below it, a neighbouring language is as likely.
const MIN_CONFIDENCE: f64 = 0.95;

/// The codes of cards for those of ISO 639-3.
const CODES: &[(&str, &str)] = &[
    ("afr", "af"),
    ("amh", "am"),
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cmn", "zh"),
    ("dan", "da"),
    ("deu", "de"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ind", "id"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mya", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nob", "no"),
    ("ori", "or"),
    ("pan", "pa"),
    ("pes", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tuk", "tk"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("yid", "yi"),
    ("zul", "zu"),
];

/// The language of a card's text, when there is enough of it and no other is likely. What a model is for may be another
/// language than its card is written in, so that it is never sure.
pub fn language_of(readme: &str) -> Option<Inferred> {
    let text = plain_text_excerpt(readme, MAX_CHARS);
    if text.chars().filter(|letter| letter.is_alphabetic()).count() < MIN_LETTERS {
        return None;
    }
    let found = detect(&text).filter(|found| found.confidence() >= MIN_CONFIDENCE)?;
    let code = CODES.iter().find(|(long, _)| *long == found.lang().code()).map(|(_, code)| *code)?;
    let name = known::LANGUAGES.iter().find(|(id, _)| *id == code).map(|(_, name)| *name)?;
    Some(Inferred {
        key: FactKey::Language,
        value: code.to_owned(),
        file: "README.md".to_owned(),
        because: format!("written in {name}"),
        sure: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str = "Dieses Modell erkennt, wovon eine Anfrage an die Verwaltung handelt, und leitet sie an das richtige Amt \
        weiter. Es wurde mit Briefen trainiert, die Bürgerinnen und Bürger über mehrere Jahre geschrieben haben, und irrt sich \
        vor allem dann, wenn eine Frage mehrere Ämter zugleich betrifft. Namen und Anschriften wurden vorher entfernt.";
    const ENGLISH: &str = "This model tells what a request is about and forwards it to the right office. It was trained on letters \
        that people wrote over several years, and it is wrong mostly when a question concerns more than one office at once. \
        Names and addresses were removed before training, and the letters themselves are not published anywhere.";

    #[test]
    fn long_texts_have_a_language() {
        for (text, code) in [(GERMAN, "de"), (ENGLISH, "en")] {
            let found = language_of(&format!("---\nlicense: mit\n---\n# Model\n\n{text}\n\n```\nfor x in range(9): pass\n```\n"))
                .unwrap();
            assert_eq!((found.value.as_str(), found.sure), (code, false));
        }
    }

    #[test]
    fn short_and_mixed_texts_have_none() {
        assert_eq!(language_of("# Modell\n\nDieses Modell erkennt Briefe."), None);
        assert_eq!(language_of(&format!("```\n{ENGLISH}\n```\n")), None, "code is no text");
        assert_eq!(language_of(&"lorem7 x9 qq zz ".repeat(400)), None);
        assert_eq!(language_of(""), None);
    }

    #[test]
    fn codes_are_known() {
        for (_, code) in CODES {
            assert!(known::LANGUAGES.iter().any(|(id, _)| id == code), "{code}");
        }
    }
}
