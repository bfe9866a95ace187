//! Names in the order in which people count: `layer.2` before `layer.10`.

/// A name that is compared by its numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Natural(Vec<Part>, String);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Text(String),
}

impl Natural {
    /// Splits a name at its dots. The name itself goes last, so that different names never are equal.
    pub(super) fn of(name: &str) -> Self {
        let part = |text: &str| text.parse().map_or_else(|_| Part::Text(text.to_owned()), Part::Number);
        Self(name.split('.').map(part).collect(), name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted() {
        let mut names = ["h.10.w", "h.2.w", "h.02.w", "a", "h.2.b"].map(Natural::of);
        names.sort();
        assert_eq!(names.map(|name| name.1), ["a", "h.2.b", "h.02.w", "h.2.w", "h.10.w"]);
    }
}
