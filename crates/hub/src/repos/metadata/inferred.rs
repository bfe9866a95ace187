//! What the card of a default branch leaves out and its files say.

use hub_cards::CardMetadata;
use hub_cards::infer::Inferred;
use serde_json::Value;

/// The facts, out of the derived columns of a repository: those of the commit itself, and those of texts once they were read.
/// What the card says in the meantime is left out.
pub fn inferred_of(card: Option<&Value>, facts: Option<&Value>) -> Vec<Inferred> {
    let card = card.and_then(Value::as_object).map(CardMetadata::from_map).unwrap_or_default();
    let listed = |pointer: &str| facts.and_then(|facts| facts.pointer(pointer)).and_then(Value::as_array);
    let all = listed("/inferred").into_iter().chain(listed("/read_texts/facts")).flatten();
    let known = all.filter_map(|fact| serde_json::from_value::<Inferred>(fact.clone()).ok());
    known.filter(|fact| !fact.key.is_said_by(&card)).collect()
}
