//! Which machines a model fits on: the memory that its weights need, and a little more.
//!
//! `bytes = parameters x bytes per parameter x 1.2`: the weights (of safetensors files, or else of a GGUF file) as they are stored, and a
//! fifth for activations, a short context's key-value cache and the runtime. Those of an adapter go on top of those of its base. A longer
//! context needs more, which follows from the model's configuration: `2 x layers x key-value heads x width of a head x 2 bytes` for each
//! token beyond [`SHORT_CONTEXT`]. See docs/fits.md.

use serde_json::{Map, Value};

/// Machines: how addresses and people call them, and the memory that a model may take on them, in GiB. Ascending.
pub const CLASSES: &[Class] = &[
    class("phone-4gb", "Phone, 4 GB", 3),
    class("laptop-8gb", "Laptop, 8 GB", 6),
    class("gpu-8gb", "GPU, 8 GB", 8),
    class("gpu-12gb", "GPU, 12 GB", 12),
    class("gpu-16gb", "GPU, 16 GB", 16),
    class("gpu-24gb", "GPU, 24 GB", 24),
    class("gpu-48gb", "GPU, 48 GB", 48),
    class("gpu-80gb", "GPU, 80 GB", 80),
    class("gpu-141gb", "GPU, 141 GB", 141),
    class("gpu-8x80gb", "Eight GPUs, 80 GB", 640),
];

/// In place of a machine, in the index: of a model whose memory is not known.
pub const NOT_KNOWN: &str = "not-known";

/// A machine to run models on.
#[derive(Debug, Clone, Copy)]
pub struct Class {
    /// Its name in addresses.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// The memory that a model may take, in GiB: what the system and the screen need is left out.
    pub gib: u64,
}

const fn class(name: &'static str, label: &'static str, gib: u64) -> Class {
    Class { name, label, gib }
}

/// How much more than its weights a model takes, in percent.
const OVERHEAD_PERCENT: u64 = 20;

/// How many tokens of context the fifth on top is for.
pub const SHORT_CONTEXT: u64 = 2048;

/// The memory that a model takes, in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Parameters by data type.
    pub parameters: Vec<Part>,
    /// The weights as they are stored, in bytes.
    pub weights: u64,
    /// The fifth on top, in bytes.
    pub overhead: u64,
    /// What each token of context takes, in bytes; nothing when the configuration does not say.
    pub per_token: Option<u64>,
    /// The longest context that the model was made for, in tokens.
    pub max_context: Option<u64>,
}

/// The parameters of one data type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The type, by the name that safetensors or GGUF has for it.
    pub dtype: String,
    /// How many.
    pub count: u64,
    /// Whose they are.
    pub whose: Whose,
    bytes_of_256: u64,
}

/// Whose parameters are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The model's own.
    Own,
    /// Those of the model that an adapter is for.
    Base,
}

impl Whose {
    /// What is said beside a number.
    pub fn remark(self) -> &'static str {
        match self {
            Self::Own => "",
            Self::Base => " (its base)",
        }
    }
}

impl Part {
    fn of((dtype, count): (&String, &Value), whose: Whose) -> Option<Self> {
        Some(Self { dtype: dtype.clone(), count: count.as_u64()?, whose, bytes_of_256: bytes_of_256(dtype) })
    }

    /// Those of a model; nothing when the sizes of its weights are not known.
    fn list(facts: &Value, whose: Whose) -> Option<Vec<Self>> {
        let parts: Vec<Self> = dtypes_of(facts)?.iter().filter_map(|part| Self::of(part, whose)).collect();
        (weights_bytes(&parts) > 0).then_some(parts)
    }

    /// The bits of one, with what goes with a block of them: `4.5`.
    pub fn bits(&self) -> String {
        format!("{}", self.bytes_of_256 as f64 / 32.0)
    }

    /// What all of them take.
    pub fn bytes(&self) -> u64 {
        let bytes = u128::from(self.count) * u128::from(self.bytes_of_256) / 256;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// The model whose weights an adapter needs beside its own, as its card names it; nothing for what is no adapter.
pub fn base_of(facts: &Value) -> Option<&str> {
    facts.pointer("/base_models/0").and_then(Value::as_str).filter(|_| is_adapter(facts))
}

/// Whether a model is loaded on top of another.
fn is_adapter(facts: &Value) -> bool {
    facts.pointer("/weights/adapter") == Some(&Value::Bool(true))
}

/// The number of parameters of a model by data type: of its safetensors files, or else of its GGUF file.
pub fn dtypes_of(facts: &Value) -> Option<&Map<String, Value>> {
    let found = facts.pointer("/safetensors/parameters").or_else(|| facts.get("gguf_parameters"));
    found.and_then(Value::as_object)
}

impl Estimate {
    /// Reads it from the facts of a model, and for an adapter of the model that [`base_of`] names. Nothing when the sizes of its weights
    /// are not known, or those of its base, or when that is an adapter, too.
    pub fn of(facts: &Value, base: Option<&Value>) -> Option<Self> {
        let own = Part::list(facts, Whose::Own)?;
        let base = if is_adapter(facts) { Some(base.filter(|base| !is_adapter(base))?) } else { None };
        let mut parameters = match base {
            Some(base) => Part::list(base, Whose::Base)?,
            None => Vec::new(),
        };
        parameters.extend(own);
        let weights = weights_bytes(&parameters);
        let overhead = weights / 100 * OVERHEAD_PERCENT;
        // An adapter has no shape of its own.
        let shaped = base.unwrap_or(facts);
        let number = |name: &str| shaped.pointer(&format!("/shape/{name}")).and_then(Value::as_u64);
        let per_token = || number("layers")?.checked_mul(number("kv_heads")?)?.checked_mul(number("head_dim")?)?.checked_mul(4);
        Some(Self { parameters, weights, overhead, per_token: per_token(), max_context: number("max_context") })
    }

    /// What a context of so many tokens takes beyond the short one that is in the fifth on top, in bytes. Models whose
    /// configuration does not say take nothing more, as far as anybody can tell.
    pub fn context(&self, tokens: u64) -> u64 {
        self.per_token.unwrap_or(0).saturating_mul(tokens.saturating_sub(SHORT_CONTEXT))
    }

    /// All of it, in bytes.
    pub fn total(&self, tokens: u64) -> u64 {
        self.weights.saturating_add(self.overhead).saturating_add(self.context(tokens))
    }
}

/// Finds a machine by its name in addresses.
pub fn find(name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name == name)
}

fn weights_bytes(parts: &[Part]) -> u64 {
    parts.iter().map(Part::bytes).fold(0, u64::saturating_add)
}

/// The classes a model of so many bytes fits on.
pub fn fits(bytes: u64) -> impl Iterator<Item = &'static str> {
    CLASSES.iter().filter(move |class| bytes <= class.gib << 30).map(|class| class.name)
}

/// The bytes of 256 values, by the names that safetensors and GGUF have for data types. Those of GGUF come in blocks of 32 or 256
/// values with their scales (`ggml-common.h`).
fn bytes_of_256(dtype: &str) -> u64 {
    match dtype {
        "F64" | "I64" | "U64" | "C64" => 2048,
        "F32" | "I32" | "U32" => 1024,
        "F16" | "BF16" | "I16" | "U16" => 512,
        "F4" => 128,
        "F6_E2M3" | "F6_E3M2" => 192,
        "Q4_0" | "IQ4_NL" | "Q4_K" => 144,
        "Q4_1" => 160,
        "Q5_0" | "Q5_K" => 176,
        "Q5_1" => 192,
        "Q8_0" => 272,
        "Q8_1" => 288,
        "Q2_K" => 84,
        "Q3_K" | "IQ3_S" => 110,
        "Q6_K" => 210,
        "Q8_K" => 292,
        "IQ1_S" => 50,
        "IQ1_M" => 56,
        "IQ2_XXS" => 66,
        "IQ2_XS" => 74,
        "IQ2_S" => 82,
        "IQ3_XXS" => 98,
        "IQ4_XS" | "MXFP4" => 136,
        "TQ1_0" => 54,
        "TQ2_0" => 66,
        _ => 256,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn memory_bytes(parameters: &Value) -> Option<u64> {
        Estimate::of(&json!({ "safetensors": { "parameters": parameters } }), None).map(|estimate| estimate.total(0))
    }

    fn classes(parameters: Value) -> Vec<&'static str> {
        memory_bytes(&parameters).map(fits).into_iter().flatten().collect()
    }

    #[test]
    fn memory_follows_parameters_and_their_type() {
        assert_eq!(memory_bytes(&json!({"BF16": 7_000_000_000_u64})), Some(16_800_000_000));
        assert_eq!(classes(json!({"BF16": 7_000_000_000_u64}))[0], "gpu-16gb");
        assert_eq!(classes(json!({"F32": 22_000_000, "I64": 512}))[0], "phone-4gb");
        assert_eq!(classes(json!({"U8": 70_000_000_000_u64}))[0], "gpu-80gb");
        assert_eq!(classes(json!({"F32": u64::MAX})), [""; 0]);
        assert_eq!(memory_bytes(&json!({})), None);
    }

    #[test]
    fn models_with_nothing_but_gguf_are_estimated_by_the_blocks_of_their_types() {
        // Llama 3.1 8B as Q4_K_M: the file has 4.92 GB.
        let facts = json!({ "gguf": { "total": 8_030_261_312_u64 }, "gguf_parameters": {
            "F32": 266_304_u64, "Q4_K": 6_029_312_000_u64, "Q6_K": 2_000_683_008_u64 } });
        let estimate = Estimate::of(&facts, None).unwrap();
        assert_eq!(estimate.weights, 5_033_738_496);
        let q4 = estimate.parameters.iter().find(|part| part.dtype == "Q4_K").unwrap();
        assert_eq!((q4.bits().as_str(), q4.bytes()), ("4.5", 3_391_488_000));
        assert_eq!(fits(estimate.total(0)).next(), Some("laptop-8gb"));
    }

    #[test]
    fn long_contexts_take_more() {
        // Llama 3.1 8B: 32 layers, 8 heads of 128 numbers, 2 bytes each, for keys and for values: 128 KiB a token.
        let facts = json!({
            "safetensors": { "parameters": { "BF16": 8_030_261_248_u64 } },
            "shape": { "layers": 32, "kv_heads": 8, "head_dim": 128, "max_context": 131_072 },
        });
        let estimate = Estimate::of(&facts, None).unwrap();
        assert_eq!((estimate.weights, estimate.per_token), (16_060_522_496, Some(131_072)));
        assert_eq!((estimate.context(2048), estimate.context(34_816)), (0, 4 << 30));
        assert_eq!(estimate.total(0), memory_bytes(&facts["safetensors"]["parameters"]).unwrap());
        let unknown = Estimate::of(&json!({ "safetensors": { "parameters": { "F32": 10_000 } } }), None).unwrap();
        assert_eq!(unknown.context(1 << 20), 0);
        assert_eq!(Estimate::of(&json!({ "gguf": { "total": 5 } }), None), None);
    }

    #[test]
    fn an_adapter_takes_what_its_base_takes_and_its_own() {
        let base = json!({
            "safetensors": { "parameters": { "BF16": 70_000_000_000_u64 } },
            "shape": { "layers": 80, "kv_heads": 8, "head_dim": 128, "max_context": 8192 },
        });
        let adapter = json!({
            "base_models": ["ada/base", "ada/other"], "weights": { "adapter": true },
            "safetensors": { "parameters": { "F32": 100_000_000 } },
        });
        assert_eq!(base_of(&adapter), Some("ada/base"));
        let estimate = Estimate::of(&adapter, Some(&base)).unwrap();
        assert_eq!(estimate.weights, 140_000_000_000 + 400_000_000);
        assert_eq!((estimate.max_context, estimate.context(2049)), (Some(8192), 80 * 8 * 128 * 4));
        assert_eq!(fits(estimate.total(0)).next(), Some("gpu-8x80gb"));
        let whose: Vec<(Whose, u64)> = estimate.parameters.iter().map(|part| (part.whose, part.count)).collect();
        assert_eq!(whose, [(Whose::Base, 70_000_000_000), (Whose::Own, 100_000_000)]);
        // Without its base nobody knows, whatever its own size.
        for unknown in [None, Some(json!({})), Some(adapter.clone()), Some(json!({ "safetensors": { "parameters": {} } }))] {
            assert_eq!(Estimate::of(&adapter, unknown.as_ref()), None, "{unknown:?}");
        }
        // What was only made from another is a model of its own.
        let tuned = json!({ "base_models": ["ada/base"], "safetensors": { "parameters": { "F32": 1_000 } } });
        assert_eq!((base_of(&tuned), Estimate::of(&tuned, Some(&base)).unwrap().weights), (None, 4_000));
    }

    #[test]
    fn larger_machines_come_later() {
        assert!(CLASSES.is_sorted_by_key(|class| class.gib));
    }
}
