//! Conditions in Meilisearch's filter syntax.
//!
//! Values are always in double quotes. Its parser takes a backslash before a quote as an escape, passes over whatever
//! follows any other backslash, and leaves both in the value: so a value with a backslash before its end cannot be
//! written down. Backslashes are therefore replaced, in documents and in filters, by a character that looks the same.

use crate::{Clause, Facet, Number, Range, Rule, SearchQuery, Visible};

/// Stands for a backslash.
const BACKSLASH: &str = "\u{2216}";

/// A value as it is in documents.
pub(crate) fn stored(facet: Facet, value: &str) -> String {
    facet.key(value).replace('\\', BACKSLASH)
}

/// The value that [`stored`] was given.
pub(crate) fn shown(value: &str) -> String {
    value.replace(BACKSLASH, "\\")
}

/// A value in a filter.
fn quoted(facet: Facet, value: &str) -> String {
    format!("\"{}\"", stored(facet, value).replace('"', "\\\""))
}

fn list(facet: Facet, values: &[String]) -> String {
    values.iter().map(|value| quoted(facet, value)).collect::<Vec<_>>().join(", ")
}

/// The field of a number.
pub(crate) const fn field(number: Number) -> &'static str {
    match number {
        Number::Created => "created",
        Number::Updated => "updated",
        Number::Size => "size",
        Number::Parameters => "parameters",
        Number::Rows => "rows",
        Number::Downloads => "downloads",
        Number::Likes => "likes",
    }
}

/// The conditions of a query, all of which hold; without the `AnyOf` clauses on `without`.
pub(crate) fn conditions(query: &SearchQuery, without: Option<Facet>) -> String {
    let mut all = vec![format!("kind = {}", query.kind)];
    all.extend(visible(&query.visible));
    let counts = |clause: &&Clause| clause.rule == Rule::NoneOf || Some(clause.facet) != without;
    all.extend(query.clauses.iter().filter(counts).map(clause));
    all.extend(query.ranges.iter().flat_map(range));
    all.extend(query.only.as_deref().map(keys));
    all.join(" AND ")
}

/// What a viewer may see; nothing if that is everything.
pub(crate) fn visible(visible: &Visible) -> Option<String> {
    match visible {
        Visible::All => None,
        Visible::Public => Some("public = true".to_owned()),
        Visible::PublicAnd(audiences) => Some(format!("(public = true OR audience IN [{}])", list(Facet::Audience, audiences))),
    }
}

fn clause(clause: &Clause) -> String {
    let field = field_of(clause.facet);
    let values = list(clause.facet, &clause.values);
    match clause.rule {
        Rule::AnyOf => format!("{field} IN [{values}]"),
        Rule::NoneOf => format!("{field} NOT IN [{values}]"),
    }
}

fn range(range: &Range) -> Vec<String> {
    let field = field(range.number);
    let mut bounds = vec![format!("{field} EXISTS")];
    bounds.extend(range.min.map(|min| format!("{field} >= {min}")));
    bounds.extend(range.max.map(|max| format!("{field} <= {max}")));
    bounds
}

fn keys(only: &[i64]) -> String {
    format!("pk IN [{}]", only.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))
}

/// The field of a facet.
pub(crate) const fn field_of(facet: Facet) -> &'static str {
    facet.as_str()
}

/// The condition that a document has a value.
pub(crate) fn has(facet: Facet, value: &str) -> String {
    format!("{} = {}", field_of(facet), quoted(facet, value))
}

#[cfg(test)]
mod tests {
    use hub_types::RepoType;

    use super::*;

    /// What is left of a filter outside quotes, read as Meilisearch's parser reads quotes.
    fn outside_quotes(filter: &str) -> String {
        let mut outside = String::new();
        let mut chars = filter.chars();
        let mut inside = false;
        while let Some(c) = chars.next() {
            match (inside, c) {
                (true, '\\') => drop(chars.next()),
                (_, '"') => inside = !inside,
                (false, c) => outside.push(c),
                (true, _) => {}
            }
        }
        assert!(!inside, "a quote is open: {filter}");
        outside
    }

    #[test]
    fn no_value_reaches_the_syntax() {
        for value in [
            "\"",
            "\\",
            "\\\"",
            "\\\\\"",
            "a\" OR public = false OR task = \"",
            "x\\",
            "\"] OR kind = model",
            "a\\\\",
            "\n",
            "']",
        ] {
            let query = SearchQuery {
                clauses: vec![
                    Clause { facet: Facet::Task, rule: Rule::AnyOf, values: vec![value.to_owned(), "b".to_owned()] },
                    Clause { facet: Facet::Tag, rule: Rule::NoneOf, values: vec![value.to_owned()] },
                ],
                visible: Visible::PublicAnd(vec![value.to_owned()]),
                ..SearchQuery::new(RepoType::Model)
            };
            assert_eq!(
                outside_quotes(&conditions(&query, None)),
                "kind = model AND (public = true OR audience IN []) AND task IN [, ] AND tag NOT IN []",
                "{value}"
            );
        }
    }

    #[test]
    fn conditions_are_joined() {
        let query = SearchQuery {
            clauses: vec![Clause { facet: Facet::Task, rule: Rule::AnyOf, values: vec!["a".to_owned()] }],
            ranges: vec![Range { number: Number::Parameters, min: Some(3), max: None }],
            ..SearchQuery::new(RepoType::Dataset)
        };
        let with = "kind = dataset AND public = true AND task IN [\"a\"] AND parameters EXISTS AND parameters >= 3";
        assert_eq!(conditions(&query, None), with);
        assert_eq!(conditions(&query, Some(Facet::Task)), with.replace(" AND task IN [\"a\"]", ""));
        let since = |number, min| Range { number, min: Some(min), max: None };
        let ranges = vec![since(Number::Updated, 1_700_000_000), since(Number::Created, 0)];
        let query = SearchQuery { ranges, ..SearchQuery::new(RepoType::Space) };
        assert_eq!(
            conditions(&query, None),
            "kind = space AND public = true AND updated EXISTS AND updated >= 1700000000 AND created EXISTS AND created >= 0"
        );
        let query = SearchQuery { only: Some(vec![7, 11]), ..SearchQuery::new(RepoType::Model) };
        assert_eq!(conditions(&query, None), "kind = model AND public = true AND pk IN [7, 11]");
    }
}
