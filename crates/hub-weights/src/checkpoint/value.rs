//! What the pickle of a checkpoint is made of. Everything that holds other values is named by its place in the machine, so that
//! nothing that strangers nest is walked or dropped by recursion.

use std::rc::Rc;

use crate::Dtype;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    Text(Rc<str>),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Global(Global),
    Storage(usize),
    Tensor(usize),
    /// A number, bytes or a set: nothing that a tensor is made of.
    Other,
}

/// The names that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    /// `torch.Size`, a tuple.
    Size,
    /// `_rebuild_tensor` and `_rebuild_tensor_v2`: the type is the storage's.
    Tensor,
    /// `_rebuild_tensor_v3`: the type is told, the storage has none.
    TypedTensor,
    Parameter,
    /// The class of a storage, with the type of its numbers.
    Storage(Option<Dtype>),
    /// A type of number.
    Dtype(Dtype),
}

const STORAGES: [(&str, Dtype); 10] = [
    ("DoubleStorage", Dtype::F64),
    ("FloatStorage", Dtype::F32),
    ("HalfStorage", Dtype::F16),
    ("BFloat16Storage", Dtype::Bf16),
    ("LongStorage", Dtype::I64),
    ("IntStorage", Dtype::I32),
    ("ShortStorage", Dtype::I16),
    ("CharStorage", Dtype::I8),
    ("ByteStorage", Dtype::U8),
    ("BoolStorage", Dtype::Bool),
];

const DTYPES: [(&str, Dtype); 15] = [
    ("float64", Dtype::F64),
    ("float32", Dtype::F32),
    ("float16", Dtype::F16),
    ("bfloat16", Dtype::Bf16),
    ("float8_e4m3fn", Dtype::F8E4m3),
    ("float8_e5m2", Dtype::F8E5m2),
    ("int64", Dtype::I64),
    ("int32", Dtype::I32),
    ("int16", Dtype::I16),
    ("int8", Dtype::I8),
    ("uint64", Dtype::U64),
    ("uint32", Dtype::U32),
    ("uint16", Dtype::U16),
    ("uint8", Dtype::U8),
    ("bool", Dtype::Bool),
];

impl Global {
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        let known = |table: &[(&str, Dtype)]| table.iter().find(|(known, _)| *known == name).map(|(_, dtype)| *dtype);
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("torch", "Size") => Some(Self::Size),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Self::Tensor),
            ("torch._utils", "_rebuild_tensor_v3") => Some(Self::TypedTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::Parameter),
            ("torch" | "torch.storage", "UntypedStorage") => Some(Self::Storage(None)),
            ("torch", _) => known(&STORAGES).map(|dtype| Self::Storage(Some(dtype))).or_else(|| known(&DTYPES).map(Self::Dtype)),
            _ => None,
        }
    }
}
