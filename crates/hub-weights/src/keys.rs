//! The same tensor under other names: what libraries put before the names of a model's layers is taken off.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::Tensor;

/// How often a leading part is taken off: `model.language_model.model.layers.0` has three before the layers.
const MAX_ROUNDS: usize = 6;

/// For each tensor a number that follows from its name and shape, and is the same for `bert.encoder.layer.0.…` of a
/// classifier and `encoder.layer.0.…` of the model it was made from: a leading part that more than half of the tensors
/// share is taken off, again and again, until parts differ. Numbers of layers stay.
pub(crate) fn keys_of(tensors: &[&Tensor]) -> Vec<u64> {
    let mut names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    let mut trunk: Vec<usize> = (0..names.len()).collect();
    for _ in 0..MAX_ROUNDS {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for at in &trunk {
            if let Some((first, _)) = names[*at].split_once('.') {
                *counts.entry(first).or_default() += 1;
            }
        }
        let most = counts.into_iter().max_by_key(|(part, count)| (*count, *part));
        let Some((part, _)) = most.filter(|(part, count)| count * 2 > names.len() && !is_number(part)) else { break };
        let rest_of = |name: &'_ str| name.split_once('.').filter(|(first, _)| *first == part).map(|(first, _)| first.len() + 1);
        trunk.retain(|at| rest_of(names[*at]).is_some());
        for at in &trunk {
            names[*at] = &names[*at][part.len() + 1..];
        }
    }
    names.iter().zip(tensors).map(|(name, tensor)| key_of(name, &tensor.shape)).collect()
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn key_of(name: &str, shape: &[u64]) -> u64 {
    let digest = Sha256::digest(format!("{name} {shape:?}"));
    digest.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Vec<u64> {
        let tensors: Vec<Tensor> = names
            .iter()
            .map(|name| Tensor { name: (*name).to_owned(), dtype: "F32".to_owned(), shape: vec![4, 4], bytes: 0..64 })
            .collect();
        keys_of(&tensors.iter().collect::<Vec<_>>())
    }

    #[test]
    fn prefixes_of_libraries_do_not_matter() {
        let base = ["embeddings.word", "encoder.layer.0.q", "encoder.layer.0.k", "encoder.layer.1.q", "encoder.layer.1.k"];
        let wrapped: Vec<String> =
            base.iter().map(|name| format!("bert.{name}")).chain(["classifier.dense".to_owned()]).collect();
        let wrapped: Vec<&str> = wrapped.iter().map(String::as_str).collect();
        assert_eq!(keys(&base), keys(&wrapped)[..5]);
    }

    #[test]
    fn layers_stay_apart() {
        let mut found = keys(&["h.0.q", "h.0.k", "h.1.q", "h.1.k", "h.1.v", "wte"]);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 6);
        assert_ne!(key_of("a", &[2, 3]), key_of("a", &[3, 2]));
    }
}
