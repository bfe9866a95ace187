//! The fields of the text index, and how a document becomes one of its.

use tantivy::{
    Index, TantivyDocument, Term,
    schema::{Field, IndexRecordOption, NumericOptions, STORED, Schema, TextFieldIndexing, TextOptions, Value},
    tokenizer::{Token, TokenStream, Tokenizer},
};

use crate::{Facet, RepoDoc, SearchError, text::Words};

/// Raised when the fields, the words or the stored form of documents change, or what the hub writes into them of repositories that
/// did not change: an index of another version is not read.
pub(crate) const VERSION: u32 = 2;

const TOKENIZER: &str = "hub";

/// A field that is searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextField {
    pub(crate) field: Field,
    /// What a match here is worth.
    pub(crate) weight: f32,
    /// How much the length of the field takes away, as in BM25's `b`.
    pub(crate) length: f32,
    /// Whether a word that is there more often counts for more. In a name it does not: `2.5-0.5B` is not more of a five.
    pub(crate) repetition: bool,
    /// Whether it is searched for similar words. Not the card: nearly every word is similar to one of its many.
    pub(crate) similar: bool,
}

/// The fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) pk: Field,
    pub(crate) ord: Field,
    pub(crate) text: [TextField; 4],
    stored: Field,
}

/// The name of the field that has a document's ordinal.
pub(crate) const ORD: &str = "ord";

impl Fields {
    /// The schema, and its fields.
    pub(crate) fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let text = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(IndexRecordOption::WithFreqs),
        );
        let mut searched = |name: &str, weight, length, similar: bool| TextField {
            // Of what is searched, passages of the card alone are shown.
            field: schema.add_text_field(name, if similar { text.clone() } else { text.clone() | STORED }),
            weight,
            length,
            repetition: !similar,
            similar,
        };
        let text = [
            searched("name", 3.0, 0.2, true),
            searched("owner", 1.5, 0.2, true),
            searched("tags", 1.0, 0.4, true),
            searched("card", 0.3, 0.75, false),
        ];
        let pk = schema.add_i64_field("pk", NumericOptions::default().set_indexed());
        let ord = schema.add_u64_field(ORD, NumericOptions::default().set_fast());
        let stored = schema.add_bytes_field("stored", STORED);
        (schema.build(), Self { pk, ord, text, stored })
    }

    /// Teaches an index how to cut texts into words.
    pub(crate) fn register(index: &Index) {
        index.tokenizers().register(TOKENIZER, HubTokenizer::default());
    }

    /// The term that only the document with this key has.
    pub(crate) fn key(&self, pk: i64) -> Term {
        Term::from_field_i64(self.pk, pk)
    }

    /// The document as the text index keeps it.
    ///
    /// # Errors
    /// If it cannot be written down.
    pub(crate) fn document(&self, ord: u32, doc: &RepoDoc) -> Result<TantivyDocument, SearchError> {
        let [name, owner, tags, card] = self.text.map(|searched| searched.field);
        let mut fields = TantivyDocument::new();
        fields.add_i64(self.pk, doc.pk);
        fields.add_u64(self.ord, u64::from(ord));
        fields.add_text(name, doc.id.name());
        fields.add_text(owner, doc.id.namespace());
        if !doc.owner_name.is_empty() {
            fields.add_text(owner, &doc.owner_name);
        }
        for tag in doc.facets.get(&Facet::Tag).into_iter().flatten() {
            fields.add_text(tags, tag);
        }
        fields.add_text(card, doc.card_text());
        fields.add_bytes(self.stored, &postcard::to_stdvec(doc)?);
        Ok(fields)
    }

    /// The card of a document.
    pub(crate) fn card<'a>(&self, document: &'a TantivyDocument) -> &'a str {
        let [.., card] = self.text;
        document.get_first(card.field).and_then(|value| value.as_str()).unwrap_or_default()
    }

    /// The document that [`Self::document`] wrote down, without its card.
    ///
    /// # Errors
    /// If it is damaged.
    pub(crate) fn stored(&self, document: &TantivyDocument) -> Result<RepoDoc, SearchError> {
        let bytes = document.get_first(self.stored).and_then(|value| value.as_bytes()).unwrap_or_default();
        Ok(postcard::from_bytes(bytes)?)
    }
}

/// Cuts texts by [`Words`].
#[derive(Debug, Clone, Default)]
struct HubTokenizer {
    words: Words,
    token: Token,
}

/// The words of one text.
struct HubTokens<'a> {
    tokenizer: &'a mut HubTokenizer,
    next: usize,
}

impl Tokenizer for HubTokenizer {
    type TokenStream<'a> = HubTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> HubTokens<'a> {
        self.words.read(text);
        self.token.reset();
        HubTokens { tokenizer: self, next: 0 }
    }
}

impl TokenStream for HubTokens<'_> {
    fn advance(&mut self) -> bool {
        let HubTokenizer { words, token } = &mut *self.tokenizer;
        let Some((word, range)) = words.get(self.next) else { return false };
        token.text.clear();
        token.text.push_str(word);
        token.offset_from = range.start;
        token.offset_to = range.end;
        token.position = self.next;
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.tokenizer.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokenizer.token
    }
}
