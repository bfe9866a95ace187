//! What tags say, in words: tasks, libraries, languages.

use hub_cards::known;

/// Languages by code, the ones most cards name. Others are shown by their code.
pub(super) const LANGUAGES: &[(&str, &str)] = &[
    ("en", "English"),
    ("zh", "Chinese"),
    ("fr", "French"),
    ("de", "German"),
    ("es", "Spanish"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("ru", "Russian"),
    ("pt", "Portuguese"),
    ("it", "Italian"),
    ("ar", "Arabic"),
    ("hi", "Hindi"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("tr", "Turkish"),
    ("vi", "Vietnamese"),
    ("id", "Indonesian"),
    ("th", "Thai"),
    ("sv", "Swedish"),
    ("cs", "Czech"),
    ("uk", "Ukrainian"),
    ("fa", "Persian"),
    ("he", "Hebrew"),
    ("fi", "Finnish"),
    ("da", "Danish"),
    ("no", "Norwegian"),
    ("ro", "Romanian"),
    ("hu", "Hungarian"),
    ("el", "Greek"),
    ("bg", "Bulgarian"),
    ("ca", "Catalan"),
    ("bn", "Bengali"),
    ("ta", "Tamil"),
    ("te", "Telugu"),
    ("ur", "Urdu"),
    ("sw", "Swahili"),
    ("code", "Code"),
    ("multilingual", "Multilingual"),
];

/// The name of a language code.
pub(super) fn language_label(code: &str) -> String {
    LANGUAGES.iter().find(|(known, _)| *known == code).map_or_else(|| code.to_owned(), |(_, label)| (*label).to_owned())
}

/// The words for a task.
pub(super) fn task_label(id: &str) -> String {
    known::find_any_task(id).map_or_else(|| id.to_owned(), |task| task.label.to_owned())
}

/// The name of a library.
pub(super) fn library_label(id: &str) -> String {
    let mut known = known::LIBRARIES.iter().chain(known::DATASET_LIBRARIES);
    known.find(|(known, _)| *known == id).map_or_else(|| id.to_owned(), |(_, label)| (*label).to_owned())
}

/// The rest of the first tag with a prefix.
pub(super) fn first<'a>(tags: &'a [String], prefix: &str) -> Option<&'a str> {
    all(tags, prefix).into_iter().next()
}

/// The rest of all tags with a prefix.
pub(super) fn all<'a>(tags: &'a [String], prefix: &str) -> Vec<&'a str> {
    tags.iter().filter_map(|tag| tag.strip_prefix(prefix)).collect()
}
