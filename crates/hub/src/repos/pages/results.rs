//! What a card says of how good a model is: its `model-index` as rows of a table.

use serde_json::Value;

/// How many results are shown.
const MAX_ROWS: usize = 200;
/// The longest text of a cell, in characters.
const MAX_CHARS: usize = 160;

/// A measured number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResultRow {
    /// What the model was asked to do.
    pub task: String,
    /// The data it was measured on.
    pub dataset: String,
    /// The part of the data.
    pub split: String,
    /// How it was measured.
    pub metric: String,
    /// The number.
    pub value: String,
    /// Where the number comes from.
    pub source: Option<Source>,
}

/// Where a number comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Its name.
    pub label: String,
    /// A page on the web.
    pub href: String,
}

/// The rows of a card's `model-index`; what is not in its form is passed over.
pub(super) fn results_of(card: &Value) -> Vec<ResultRow> {
    let models = card.get("model-index").and_then(Value::as_array).into_iter().flatten();
    let results = models.filter_map(|model| model.get("results")?.as_array()).flatten();
    results.flat_map(rows_of).take(MAX_ROWS).collect()
}

fn rows_of(result: &Value) -> Vec<ResultRow> {
    let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| text(result.pointer(pointer)?)).unwrap_or_default();
    let metrics = result.get("metrics").and_then(Value::as_array).into_iter().flatten().take(MAX_ROWS);
    metrics
        .filter_map(|metric| {
            let value = metric.get("value").and_then(text)?;
            let name = metric.get("name").or_else(|| metric.get("type")).and_then(text)?;
            Some(ResultRow {
                task: first(&["/task/name", "/task/type"]),
                dataset: first(&["/dataset/name", "/dataset/type"]),
                split: first(&["/dataset/split", "/dataset/config"]),
                metric: name,
                value,
                source: source_of(result),
            })
        })
        .collect()
}

fn source_of(result: &Value) -> Option<Source> {
    let href = result.pointer("/source/url")?.as_str()?;
    let is_web = href.starts_with("https://") || href.starts_with("http://");
    let label = result.pointer("/source/name").and_then(text).unwrap_or_else(|| "Source".to_owned());
    (is_web && href.len() < 2_000).then(|| Source { label, href: href.to_owned() })
}

/// A number or text as it stands in a cell; others say nothing.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().chars().take(MAX_CHARS).collect(),
        Value::Number(number) => match number.as_f64() {
            // What a measurement prints with sixteen digits is not that exact.
            Some(float) if number.is_f64() => {
                let rounded = format!("{float:.4}");
                rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => number.to_string(),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_gives_rows() {
        let card = json!({"model-index": [{"name": "m", "results": [{
            "task": {"type": "text-classification"},
            "dataset": {"type": "glue", "name": "GLUE", "split": "test"},
            "metrics": [
                {"type": "accuracy", "value": 0.912_345_678, "name": "Accuracy"},
                {"type": "f1", "value": "91.2"},
                {"type": "confusion", "value": [[1]]},
            ],
            "source": {"url": "https://example.org/x", "name": "Board"},
        }, {"metrics": 3}, 5]}]});
        let rows = results_of(&card);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].value.as_str(), rows[0].task.as_str()), ("0.9123", "text-classification"));
        assert_eq!((rows[1].metric.as_str(), rows[1].value.as_str(), rows[1].dataset.as_str()), ("f1", "91.2", "GLUE"));
        assert_eq!(rows[0].source.as_ref().unwrap().label, "Board");
    }

    #[test]
    fn hostile_cards_give_little() {
        for card in [json!(null), json!({"model-index": "x"}), json!({"model-index": [{"results": [{"metrics": [{}]}]}]})] {
            assert!(results_of(&card).is_empty());
        }
        let script = json!({"model-index": [{"results": [{
            "metrics": [{"type": "x", "value": 1}], "source": {"url": "javascript:alert(1)"}}]}]});
        assert!(results_of(&script)[0].source.is_none());
        let many: Vec<_> = (0..1000).map(|n| json!({"type": "x", "value": n})).collect();
        assert_eq!(results_of(&json!({"model-index": [{"results": [{"metrics": many}]}]})).len(), MAX_ROWS);
    }
}
