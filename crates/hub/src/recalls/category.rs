//! What is wrong with a file that is recalled.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// It does harm to who loads it.
    Malicious,
    /// It has secrets or data about people in it.
    Leak,
    /// It was given away without the right to.
    Licence,
    /// It is not what it says, or damaged.
    Broken,
    /// Something else.
    Other,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Malicious, Self::Leak, Self::Licence, Self::Broken, Self::Other];

    /// As it is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Leak => "leak",
            Self::Licence => "licence",
            Self::Broken => "broken",
            Self::Other => "other",
        }
    }

    /// What it is called.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Malicious => "Malicious",
            Self::Leak => "Leaked secret or personal data",
            Self::Licence => "Licence",
            Self::Broken => "Wrong or damaged",
            Self::Other => "Something else",
        }
    }

    /// Within a sentence, after "recalled".
    pub const fn says(self) -> &'static str {
        match self {
            Self::Malicious => "because it is malicious",
            Self::Leak => "because it has secrets or personal data in it",
            Self::Licence => "because of its licence",
            Self::Broken => "because it is wrong or damaged",
            Self::Other => "by who looks after it",
        }
    }

    /// What whoever has a copy should do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Malicious => {
                "Do not load it. If you did, treat the machine as taken over, and change the secrets that were on it."
            }
            Self::Leak => "Delete your copies, and use nothing of what is in them.",
            Self::Licence => "Do not use or pass on your copies until you know that you may.",
            Self::Broken => "Do not rely on it, nor on what you made with it.",
            Self::Other => "Read why before you use your copies.",
        }
    }

    /// The class of its badge.
    pub const fn badge(self) -> &'static str {
        match self {
            Self::Malicious | Self::Leak => "badge badge-danger",
            Self::Licence | Self::Broken => "badge badge-warning",
            Self::Other => "badge",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }
}
