//! What the machine knows of a value on its stack. Nothing here contains another value, so a hostile pickle can build neither
//! deep nor wide ones.

use std::rc::Rc;

/// A value, as far as it matters.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A string that may be a name.
    Text(Rc<str>),
    /// A whole number.
    Int(i64),
    /// Something imported.
    Global {
        /// Whether it is joblib's stand-in for an array whose bytes follow.
        is_array: bool,
        /// Whether it is `numpy.dtype`.
        is_dtype: bool,
    },
    /// A tuple of whole numbers, by its product: a shape.
    Shape(u64),
    /// A tuple that begins with a string.
    Args(Rc<str>),
    /// A numpy type of number: how many bytes one takes.
    Dtype(ItemSize),
    /// joblib's stand-in for an array.
    Array,
    /// A dictionary with what joblib says of an array, as far as it was said.
    State(ArrayState),
    /// A string that was too much to keep.
    Lost,
    /// Anything else.
    Other,
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
        let Value::Text(key) = key else { return };
        match (&**key, value) {
            ("shape", Value::Shape(items)) => self.items = Some(*items),
            ("dtype", Value::Dtype(size)) => self.size = Some(*size),
            ("numpy_array_alignment_bytes", Value::Int(_)) => self.is_aligned = true,
            _ => {}
        }
    }

    pub(super) fn follows(&self) -> Option<Follows> {
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
