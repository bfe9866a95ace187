//! What the machine knows of a value on its stack. Nothing here contains another value, so a hostile pickle can build neither
//! deep nor wide ones.

use std::rc::Rc;

use crate::report::Safety;

/// A value, as far as it matters.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A string that may be a name.
    Text(Rc<str>),
    /// A whole number.
    Int(i64),
    /// Something imported.
    Global(Global),
    /// Something imported by a name that nobody sees.
    Hidden,
    /// A tuple of whole numbers, by its product: a shape.
    Shape(u64),
    /// A tuple that begins with a string.
    Args(Rc<str>),
    /// A tuple that may be the state of a numpy type.
    DtypeState {
        /// How many bytes an item takes; -1 where the type says it.
        size: Option<i64>,
        /// Bits; the lowest one stands for Python objects.
        flags: Option<i64>,
    },
    /// A numpy type of number: how many bytes one takes.
    Dtype(ItemSize),
    /// joblib's stand-in for an array.
    Array,
    /// A dictionary with what joblib says of an array, as far as it was said.
    State(ArrayState),
    /// One that lies somewhere else, too.
    SharedState,
    /// A string that was too much to keep.
    Lost,
    /// Anything else that is no string.
    Object,
    /// Anything.
    Other,
}

impl Value {
    /// Whether it may be a name that nobody sees.
    pub(super) fn may_be_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Hidden | Self::Lost | Self::Other)
    }
}

/// What is known of something imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// joblib's stand-in for an array whose bytes follow.
    ArrayClass,
    /// `numpy.dtype`.
    DtypeClass,
    /// A class that is known, and whose instances are no strings.
    Class,
    /// Anything else.
    Other,
}

impl Global {
    pub(super) fn of(module: &str, name: &str, safety: Safety) -> Self {
        let is_joblib = module == "joblib.numpy_pickle" || module.ends_with(".joblib.numpy_pickle");
        match name {
            "NumpyArrayWrapper" if is_joblib => Self::ArrayClass,
            "dtype" if module == "numpy" => Self::DtypeClass,
            _ if safety == Safety::Innocuous && name.starts_with(|first: char| first.is_ascii_uppercase()) => Self::Class,
            _ => Self::Other,
        }
    }
}

/// How large the items of an array are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemSize {
    /// So many bytes.
    Bytes(u64),
    /// They are Python objects: a pickle follows.
    Objects,
}

/// What joblib says of an array.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ArrayState {
    items: Option<u64>,
    size: Option<ItemSize>,
    is_aligned: bool,
    /// Whether something was said that cannot be followed.
    is_unclear: bool,
}

/// What follows an array's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// A pickle.
    Pickle,
    /// So many raw bytes, behind padding or not.
    Raw {
        /// How many.
        bytes: u64,
        /// Whether a byte comes first that says how many bytes of padding come.
        is_aligned: bool,
    },
}

impl ArrayState {
    pub(super) fn set(&mut self, key: &Value, value: &Value) {
        let Value::Text(key) = key else {
            self.is_unclear = true;
            return;
        };
        match (&**key, value) {
            ("shape", Value::Shape(items)) => self.items = Some(*items),
            ("dtype", Value::Dtype(size)) => self.size = Some(*size),
            ("numpy_array_alignment_bytes", Value::Int(_)) => self.is_aligned = true,
            ("shape" | "dtype" | "numpy_array_alignment_bytes", _) => self.is_unclear = true,
            _ => {}
        }
    }

    /// `None` when it does not say.
    pub(super) fn follows(&self) -> Option<Follows> {
        if self.is_unclear {
            return None;
        }
        match self.size? {
            ItemSize::Objects => Some(Follows::Pickle),
            ItemSize::Bytes(size) => Some(Follows::Raw { bytes: self.items?.checked_mul(size)?, is_aligned: self.is_aligned }),
        }
    }
}

/// The size of an item by the name that numpy gives its type: `f8`, `i4`, `U10`, `O8`.
pub(super) fn item_size(name: &str) -> Option<ItemSize> {
    let name = name.trim_start_matches(['<', '>', '|', '=']);
    let mut characters = name.chars();
    let kind = characters.next()?;
    let number: u64 = characters.as_str().parse().ok()?;
    match kind {
        'O' => Some(ItemSize::Objects),
        'U' => number.checked_mul(4).map(ItemSize::Bytes),
        'b' | 'i' | 'u' | 'f' | 'c' | 'm' | 'M' | 'S' | 'V' => Some(ItemSize::Bytes(number)),
        _ => None,
    }
}

/// What is known of a tuple of these.
pub(super) fn tuple_of(items: &[Value]) -> Value {
    if let Some(Value::Text(first)) = items.first() {
        return Value::Args(Rc::clone(first));
    }
    let int = |at: usize| match items.get(at) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    // Version, order of bytes, type within, names, fields, size, alignment, flags, and for times their unit.
    if items.len() >= 8 && matches!(int(0), Some(3 | 4)) && !matches!(items[1], Value::Int(_)) {
        return Value::DtypeState { size: int(5), flags: int(7) };
    }
    let product = items.iter().try_fold(1_u64, |product, item| match item {
        Value::Int(number) => product.checked_mul(u64::try_from(*number).ok()?),
        _ => None,
    });
    product.map_or(Value::Object, Value::Shape)
}
