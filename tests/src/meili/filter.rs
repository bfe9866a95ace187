//! Meilisearch's filters, as far as the hub writes them.

use serde_json::Value;

/// Whether a filter holds for a document. What cannot be read is a failure.
pub(super) fn holds(filter: &str, document: &Value) -> bool {
    let tokens = tokens(filter);
    let mut reader = Reader { tokens: &tokens, at: 0, document };
    let holds = reader.any();
    assert_eq!(reader.at, tokens.len(), "this filter goes on: {filter}");
    holds
}

#[derive(Debug)]
enum Token {
    /// A name, a sign or a number.
    Word(String),
    /// What stood in quotes.
    Text(String),
    Mark(char),
}

fn tokens(filter: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut letters = filter.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => {}
            '(' | ')' | '[' | ']' | ',' => tokens.push(Token::Mark(letter)),
            '"' => {
                let mut text = String::new();
                loop {
                    match letters.next().expect("the quote ends") {
                        '\\' => text.extend(letters.next()),
                        '"' => break,
                        other => text.push(other),
                    }
                }
                tokens.push(Token::Text(text));
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = letters.next_if(|next| !" ()[],\"".contains(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    document: &'a Value,
}

impl Reader<'_> {
    fn any(&mut self) -> bool {
        let mut holds = self.all();
        while self.takes("OR") {
            holds |= self.all();
        }
        holds
    }

    fn all(&mut self) -> bool {
        let mut holds = self.one();
        while self.takes("AND") {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        if self.takes_mark('(') {
            let holds = self.any();
            assert!(self.takes_mark(')'), "a bracket is open");
            return holds;
        }
        let field = self.text();
        if self.takes("EXISTS") {
            return self.document.get(&field).is_some();
        }
        let found = super::texts(&self.document[field.as_str()]);
        let found: Vec<String> = found.iter().map(|text| text.to_lowercase()).collect();
        let has_any = |wanted: &[String]| wanted.iter().any(|text| found.contains(&text.to_lowercase()));
        if self.takes("NOT") {
            assert!(self.takes("IN"), "only lists are excluded");
            return !has_any(&self.list());
        }
        if self.takes("IN") {
            return has_any(&self.list());
        }
        let (sign, value) = (self.text(), self.text());
        if sign == "=" {
            return has_any(&[value]);
        }
        let bound: f64 = value.parse().expect("a number");
        let mut numbers = found.iter().filter_map(|text| text.parse::<f64>().ok());
        numbers.any(|number| if sign == ">=" { number >= bound } else { number <= bound })
    }

    fn list(&mut self) -> Vec<String> {
        assert!(self.takes_mark('['), "a list begins with a bracket");
        let mut list = Vec::new();
        while !self.takes_mark(']') {
            list.push(self.text());
            self.takes_mark(',');
        }
        list
    }

    fn text(&mut self) -> String {
        let text = match self.tokens.get(self.at) {
            Some(Token::Word(text) | Token::Text(text)) => text.clone(),
            other => panic!("{other:?} is no name and no value"),
        };
        self.at += 1;
        text
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found == word);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_mark(&mut self, mark: char) -> bool {
        let is_next = matches!(self.tokens.get(self.at), Some(Token::Mark(found)) if *found == mark);
        self.at += usize::from(is_next);
        is_next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::holds;

    #[test]
    fn filters_are_read_as_they_are_written() {
        let document =
            json!({ "kind": "model", "public": false, "audience": ["ada", "x\"y"], "task": ["fill-mask"], "size": 12 });
        for filter in [
            "kind = model",
            "kind = model AND (public = true OR audience IN [\"Ada\"])",
            "audience IN [\"x\\\"y\", \"b\"] AND task NOT IN [\"other\"] AND size EXISTS AND size >= 12 AND size <= 12",
        ] {
            assert!(holds(filter, &document), "{filter}");
        }
        for filter in
            ["kind = dataset", "public = true", "audience IN []", "rows EXISTS", "size >= 13", "task NOT IN [\"fill-mask\"]"]
        {
            assert!(!holds(filter, &document), "{filter}");
        }
    }
}
