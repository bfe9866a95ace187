//! The memory that models take. For adapters that is asked of the models they are for, as far as the viewer sees these.

use std::collections::HashMap;

use serde_json::Value;

use super::listing::ListedRepo;
use super::queries::bases::list_bases;
use super::visibility::visible_to;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::search::hardware::{Estimate, base_of};

/// An estimate for each of these models, in their order; nothing where none can be made. Their facts must have been read.
///
/// # Errors
/// The database does not answer.
pub async fn of_rows(app: &App, viewer: &Viewer, rows: &[ListedRepo]) -> HubResult<Vec<Option<Estimate>>> {
    let mut wanted: Vec<&str> = rows.iter().filter_map(|row| base_of(row.facts.as_ref()?)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let bases = match wanted.is_empty() {
        true => HashMap::new(),
        false => list_bases(&app.pool, &visible_to(viewer), &wanted).await?,
    };
    Ok(rows.iter().map(|row| of_facts(row.facts.as_ref()?, &bases)).collect())
}

fn of_facts(facts: &Value, bases: &HashMap<String, Value>) -> Option<Estimate> {
    Estimate::of(facts, base_of(facts).and_then(|base| bases.get(base)))
}
