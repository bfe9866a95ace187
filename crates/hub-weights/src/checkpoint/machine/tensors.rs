//! What tensors are made of: storages, and the few calls that PyTorch's pickles have.

use std::rc::Rc;

use super::{Machine, WRONG};
use crate::Dtype;
use crate::checkpoint::contents::{Storage, View};
use crate::checkpoint::value::{Global, Value};
use crate::checkpoint::{CheckpointError, MAX_CHECKPOINT_TENSORS, Result};

/// The most sides of a tensor; safetensors files with more are read by nobody.
const MAX_SIDES: usize = 16;
/// The most arguments of a call, and the longest key of a storage in bytes.
const MAX_ARGS: usize = 8;
const MAX_KEY_BYTES: usize = 64;

impl Machine {
    /// A storage: `('storage', class, key, where it was, how many numbers)`, and in older files of which other one it is a part.
    pub(super) fn persistent(&mut self) -> Result<Value> {
        let id = self.pop()?;
        let (dtype, key, numel) = match self.list(&id).ok_or(WRONG)? {
            [Value::Text(kind), Value::Global(Global::Storage(dtype)), Value::Text(key), _, Value::Int(numel), rest @ ..]
                if &**kind == "storage" && key.len() <= MAX_KEY_BYTES && matches!(rest, [] | [Value::None]) =>
            {
                (*dtype, Rc::clone(key), u64::try_from(*numel).map_err(|_| WRONG)?)
            }
            _ => return Err(WRONG),
        };
        let width = dtype.map_or(1, Dtype::width) as u64;
        let storage = Storage { key: key.to_string(), dtype, bytes: numel.checked_mul(width).ok_or(WRONG)? };
        let at = match self.by_key.get(&key) {
            Some(at) if self.storages.get(*at) == Some(&storage) => *at,
            Some(_) => return Err(CheckpointError::Broken("the same numbers are there as two types")),
            None if self.storages.len() >= MAX_CHECKPOINT_TENSORS => return Err(CheckpointError::TooLarge("its tensors")),
            None => {
                self.storages.push(storage);
                self.by_key.insert(key, self.storages.len() - 1);
                self.storages.len() - 1
            }
        };
        Ok(Value::Storage(at))
    }

    /// What calling one of the known names gives.
    pub(super) fn call(&mut self) -> Result<Value> {
        let (args, called) = (self.pop()?, self.pop()?);
        let Value::Global(global) = called else { return Err(WRONG) };
        let args = match &args {
            Value::Tuple(at) => self.tuples.get(*at).filter(|args| args.len() <= MAX_ARGS).ok_or(WRONG)?.clone(),
            _ => return Err(WRONG),
        };
        match (global, args.as_slice()) {
            (Global::OrderedDict, []) => self.new_dict(),
            (Global::Size, [sides @ Value::Tuple(_)]) => Ok(sides.clone()),
            (Global::Parameter, [tensor @ Value::Tensor(_), ..]) if args.len() <= 3 => Ok(tensor.clone()),
            (Global::Tensor, [Value::Storage(at), Value::Int(offset), shape, strides, rest @ ..]) if rest.len() <= 3 => {
                let dtype = self.storages.get(*at).and_then(|storage| storage.dtype).ok_or(WRONG)?;
                self.check_meta(rest.get(2))?;
                self.view(*at, *offset, (shape, strides), dtype)
            }
            (
                Global::TypedTensor,
                [Value::Storage(at), Value::Int(offset), shape, strides, _, _, Value::Global(Global::Dtype(dtype)), rest @ ..],
            ) if rest.len() <= 1 => {
                if self.storages.get(*at).is_none_or(|storage| storage.dtype.is_some()) {
                    return Err(WRONG);
                }
                self.check_meta(rest.first())?;
                self.view(*at, *offset, (shape, strides), *dtype)
            }
            _ => Err(WRONG),
        }
    }

    /// A tensor that is the negative or the conjugate of its numbers says so here.
    fn check_meta(&self, meta: Option<&Value>) -> Result<()> {
        match meta {
            None | Some(Value::None) => Ok(()),
            Some(meta) if self.dict(meta).is_some_and(<[_]>::is_empty) => Ok(()),
            Some(_) => {
                Err(CheckpointError::unsupported("has tensors that stand for the negative of their numbers: save clones of them"))
            }
        }
    }

    fn view(&mut self, storage: usize, offset: i64, (shape, strides): (&Value, &Value), dtype: Dtype) -> Result<Value> {
        let (shape, strides) = self.list(shape).zip(self.list(strides)).ok_or(WRONG)?;
        if shape.len() != strides.len() {
            return Err(WRONG);
        }
        if shape.len() > MAX_SIDES || self.views.len() >= MAX_CHECKPOINT_TENSORS {
            return Err(CheckpointError::TooLarge("its tensors, or their sides"));
        }
        let whole = |side: &Value| if let Value::Int(side) = side { u64::try_from(*side).ok() } else { None };
        let numbers = |sides: &[Value]| sides.iter().map(whole).collect::<Option<Vec<u64>>>();
        let (shape, strides) = numbers(shape).zip(numbers(strides)).ok_or(WRONG)?;
        let offset = u64::try_from(offset).map_err(|_| WRONG)?;
        self.views.push(View { storage, offset, shape, strides, dtype });
        Ok(Value::Tensor(self.views.len() - 1))
    }
}
