//! What can be wrong with something.

/// What is wrong, in the words of reports, decisions and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Advertising, floods.
    Spam,
    /// Code that does harm.
    Malware,
    /// Against the law.
    Illegal,
    /// Somebody else's work.
    Copyright,
    /// Data about people who do not want it there.
    PersonalData,
    /// Attacks on people.
    Harassment,
    /// Pretends to be somebody else.
    Impersonation,
    /// Says what is not so.
    Misleading,
    /// Not for all audiences, and not labelled so.
    Audience,
    /// Anything else.
    Other,
}

impl Category {
    /// All, as the form lists them.
    pub const ALL: [Self; 10] = [
        Self::Spam,
        Self::Malware,
        Self::Illegal,
        Self::Copyright,
        Self::PersonalData,
        Self::Harassment,
        Self::Impersonation,
        Self::Misleading,
        Self::Audience,
        Self::Other,
    ];

    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Malware => "malware",
            Self::Illegal => "illegal",
            Self::Copyright => "copyright",
            Self::PersonalData => "personal-data",
            Self::Harassment => "harassment",
            Self::Impersonation => "impersonation",
            Self::Misleading => "misleading",
            Self::Audience => "audience",
            Self::Other => "other",
        }
    }

    /// The word shown.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Spam => "Spam",
            Self::Malware => "Malware",
            Self::Illegal => "Illegal content",
            Self::Copyright => "Copyright",
            Self::PersonalData => "Personal data",
            Self::Harassment => "Harassment",
            Self::Impersonation => "Impersonation",
            Self::Misleading => "Misleading",
            Self::Audience => "Not for all audiences, unlabelled",
            Self::Other => "Something else",
        }
    }

    /// How urgent it is: what may do harm while it waits comes first.
    pub const fn weight(self) -> i32 {
        match self {
            Self::Illegal => 9,
            Self::Malware => 8,
            Self::PersonalData => 7,
            Self::Harassment => 6,
            Self::Copyright => 5,
            Self::Impersonation => 4,
            Self::Audience | Self::Spam => 3,
            Self::Misleading => 2,
            Self::Other => 1,
        }
    }

    /// The public sentence of a decision, when the moderator writes none.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Spam => "It advertises, or repeats what nobody asked for.",
            Self::Malware => "It contains code that does harm to those who use it.",
            Self::Illegal => "It is against the law where this hub is run.",
            Self::Copyright => "Whoever holds the rights to it asked us to take it down.",
            Self::PersonalData => "It contains data about people who have not agreed to that.",
            Self::Harassment => "It attacks or threatens people.",
            Self::Impersonation => "It pretends to be somebody else.",
            Self::Misleading => "It says what is not so, in a way that does harm.",
            Self::Audience => "It is not for all audiences and does not say so.",
            Self::Other => "It is against the rules of this hub.",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }

    /// What a stored word is called.
    pub fn label_of(text: &str) -> &'static str {
        Self::parse(text).unwrap_or(Self::Other).label()
    }
}
