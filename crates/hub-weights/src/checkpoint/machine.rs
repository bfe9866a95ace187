//! The stack machine: follows the opcodes that PyTorch's pickles have, and runs nothing.

use std::collections::HashMap;
use std::rc::Rc;

use super::contents::{Storage, View};
use super::value::{Global, Value};
use super::zip::number;
use super::{CheckpointError, MAX_CHECKPOINT_TENSORS, Result};
use crate::Dtype;

/// How many values lie on the stack, are remembered, and are held in lists and dictionaries.
const MAX_STACK: usize = 500_000;
const MAX_MEMO: usize = 500_000;
const MAX_ITEMS: usize = 1_500_000;
/// The most sides of a tensor; safetensors files with more are read by nobody.
const MAX_SIDES: usize = 16;
/// The most arguments of a call, and the longest key of a storage in bytes.
const MAX_ARGS: usize = 8;
const MAX_KEY_BYTES: usize = 64;
/// How much of a refused name is told.
const MAX_NAME_CHARS: usize = 100;

const CUT: CheckpointError = CheckpointError::Broken("its pickle breaks off");
const WRONG: CheckpointError = CheckpointError::Broken("its pickle is not one of PyTorch's");

/// Reads pickles one after the other; what they share is told apart by keys.
#[derive(Debug, Default)]
pub(super) struct Machine {
    pub(super) storages: Vec<Storage>,
    pub(super) views: Vec<View>,
    by_key: HashMap<Rc<str>, usize>,
    tuples: Vec<Vec<Value>>,
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    items: usize,
}

impl Machine {
    /// Reads a pickle and gives its value, and how many bytes it has.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(Value, usize)> {
        self.stack.clear();
        self.marks.clear();
        self.memo.clear();
        let mut input = Input { bytes, at: 0 };
        while self.step(&mut input)? {}
        let value = self.pop()?;
        if self.stack.is_empty() && self.marks.is_empty() { Ok((value, input.at)) } else { Err(WRONG) }
    }

    pub(super) fn list(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::List(at) => self.lists.get(*at).map(Vec::as_slice),
            Value::Tuple(at) => self.tuples.get(*at).map(Vec::as_slice),
            _ => None,
        }
    }

    pub(super) fn dict(&self, value: &Value) -> Option<&[(Value, Value)]> {
        if let Value::Dict(at) = value { self.dicts.get(*at).map(Vec::as_slice) } else { None }
    }

    /// Does one opcode; false at the end.
    fn step(&mut self, input: &mut Input<'_>) -> Result<bool> {
        let value = match input.number(1)? {
            // What says something of the pickle, not of its value.
            0x80 => return input.skip(1),
            0x95 => return input.skip(8),
            // Constants.
            0x4e => Value::None,
            0x88 | 0x89 => Value::Bool,
            0x4b => Value::Int(input.int(1)?),
            0x4d => Value::Int(input.int(2)?),
            0x4a => Value::Int(i64::from(u32::try_from(input.number(4)?).map_err(|_| WRONG)?.cast_signed())),
            0x8a => input.long()?,
            0x8b => input.pass(4)?,
            0x47 => {
                input.skip(8)?;
                Value::Other
            }
            // Texts and bytes.
            0x58 | 0x54 => input.text(4)?,
            0x8c | 0x55 => input.text(1)?,
            0x8d => input.text(8)?,
            0x43 => input.pass(1)?,
            0x42 => input.pass(4)?,
            0x8e | 0x96 => input.pass(8)?,
            // Names.
            0x63 => {
                let (module, name) = (input.line()?, input.line()?);
                global(module, name)?
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => global(&module, &name)?,
                _ => return Err(WRONG),
            },
            code => return self.step_on(code, input),
        };
        self.push(value)
    }

    /// Opcodes that work on what is there.
    fn step_on(&mut self, code: u64, input: &mut Input<'_>) -> Result<bool> {
        let value = match code {
            // The end.
            0x2e => return Ok(false),
            // The stack.
            0x28 if self.marks.len() < MAX_STACK => {
                self.marks.push(self.stack.len());
                return Ok(true);
            }
            0x30 => return self.pop().map(|_| true),
            0x31 => return self.pop_mark().map(|_| true),
            0x32 => self.top()?.clone(),
            // The memo.
            0x71 => return self.put(input.number(1)?),
            0x72 => return self.put(input.number(4)?),
            0x94 => return self.put(self.memo.len() as u64),
            0x68 => self.get(input.number(1)?)?,
            0x6a => self.get(input.number(4)?)?,
            // What holds values.
            0x29 => self.tuple(Vec::new())?,
            0x85..=0x87 => {
                let count = usize::try_from(code - 0x84).map_err(|_| WRONG)?;
                let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
                items.reverse();
                self.tuple(items)?
            }
            0x74 => {
                let items = self.pop_mark()?;
                self.tuple(items)?
            }
            0x5d => self.new_list(Vec::new())?,
            0x6c => {
                let items = self.pop_mark()?;
                self.new_list(items)?
            }
            0x7d => self.new_dict()?,
            0x64 => {
                let items = self.pop_mark()?;
                let dict = self.new_dict()?;
                self.push(dict)?;
                return self.set_items(items);
            }
            0x61 => {
                let item = self.pop()?;
                return self.append(vec![item]);
            }
            0x65 => {
                let items = self.pop_mark()?;
                return self.append(items);
            }
            0x73 => {
                let (value, key) = (self.pop()?, self.pop()?);
                return self.set_items(vec![key, value]);
            }
            0x75 => {
                let items = self.pop_mark()?;
                return self.set_items(items);
            }
            // Sets are in no tensor.
            0x8f => Value::Other,
            0x90 => return self.pop_mark().map(|_| true),
            0x91 => {
                self.pop_mark()?;
                Value::Other
            }
            // Objects.
            0x51 => self.persistent()?,
            0x52 | 0x81 => self.call()?,
            // The attributes of an ordered dictionary: versions of modules.
            0x62 => {
                self.pop()?;
                return if matches!(self.top()?, Value::Dict(_)) { Ok(true) } else { Err(WRONG) };
            }
            _ => return Err(WRONG),
        };
        self.push(value)
    }

    fn push(&mut self, value: Value) -> Result<bool> {
        if self.stack.len() >= MAX_STACK {
            return Err(CheckpointError::TooLarge("its pickle"));
        }
        self.stack.push(value);
        Ok(true)
    }

    fn pop(&mut self) -> Result<Value> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= bottom {
            return Err(WRONG);
        }
        self.stack.pop().ok_or(WRONG)
    }

    fn pop_mark(&mut self) -> Result<Vec<Value>> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or(WRONG)?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&self) -> Result<&Value> {
        self.stack.last().ok_or(WRONG)
    }

    fn put(&mut self, index: u64) -> Result<bool> {
        if self.memo.len() >= MAX_MEMO {
            return Err(CheckpointError::TooLarge("its pickle"));
        }
        let value = self.top()?.clone();
        self.memo.insert(index, value);
        Ok(true)
    }

    fn get(&self, index: u64) -> Result<Value> {
        self.memo.get(&index).cloned().ok_or(WRONG)
    }

    /// Pays for values that are kept.
    fn keep(&mut self, count: usize) -> Result<()> {
        self.items += count;
        if self.items > MAX_ITEMS { Err(CheckpointError::TooLarge("its pickle")) } else { Ok(()) }
    }

    fn tuple(&mut self, items: Vec<Value>) -> Result<Value> {
        self.keep(items.len() + 1)?;
        self.tuples.push(items);
        Ok(Value::Tuple(self.tuples.len() - 1))
    }

    fn new_list(&mut self, items: Vec<Value>) -> Result<Value> {
        self.keep(items.len() + 1)?;
        self.lists.push(items);
        Ok(Value::List(self.lists.len() - 1))
    }

    fn new_dict(&mut self) -> Result<Value> {
        self.keep(1)?;
        self.dicts.push(Vec::new());
        Ok(Value::Dict(self.dicts.len() - 1))
    }

    fn append(&mut self, items: Vec<Value>) -> Result<bool> {
        self.keep(items.len())?;
        let Value::List(at) = self.top()?.clone() else { return Err(WRONG) };
        self.lists.get_mut(at).ok_or(WRONG)?.extend(items);
        Ok(true)
    }

    fn set_items(&mut self, items: Vec<Value>) -> Result<bool> {
        self.keep(items.len())?;
        let Value::Dict(at) = self.top()?.clone() else { return Err(WRONG) };
        let dict = self.dicts.get_mut(at).ok_or(WRONG)?;
        let mut items = items.into_iter();
        while let Some(key) = items.next() {
            dict.push((key, items.next().ok_or(WRONG)?));
        }
        Ok(true)
    }

    /// A storage: `('storage', class, key, where it was, how many numbers)`, and in older files of which other one it is a part.
    fn persistent(&mut self) -> Result<Value> {
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
    fn call(&mut self) -> Result<Value> {
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

fn global(module: &str, name: &str) -> Result<Value> {
    let shown = || format!("{module}.{name}").chars().filter(|c| !c.is_control() && *c != '`').take(MAX_NAME_CHARS).collect();
    Global::find(module, name).map(Value::Global).ok_or_else(|| CheckpointError::Global(shown()))
}

/// The bytes of a pickle.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count)).ok_or(CUT)?;
        let part = self.bytes.get(self.at..end).ok_or(CUT)?;
        self.at = end;
        Ok(part)
    }

    fn skip(&mut self, count: u64) -> Result<bool> {
        self.take(count).map(|_| true)
    }

    fn number(&mut self, width: usize) -> Result<u64> {
        let part = self.take(width as u64)?;
        number(part, 0, width).ok_or(CUT)
    }

    fn int(&mut self, width: usize) -> Result<i64> {
        i64::try_from(self.number(width)?).map_err(|_| WRONG)
    }

    /// A whole number of any length; those that count something have eight bytes at most.
    fn long(&mut self) -> Result<Value> {
        let length = self.number(1)?;
        let part = self.take(length)?;
        let negative = part.last().is_some_and(|byte| *byte >= 0x80);
        match number(part, 0, part.len()).and_then(|number| i64::try_from(number).ok()) {
            Some(number) if part.len() <= 8 && !negative => Ok(Value::Int(number)),
            _ => Ok(Value::Other),
        }
    }

    fn text(&mut self, width: usize) -> Result<Value> {
        let length = self.number(width)?;
        let part = self.take(length)?;
        Ok(std::str::from_utf8(part).map_or(Value::Other, |text| Value::Text(Rc::from(text))))
    }

    /// Bytes that are nothing to a tensor.
    fn pass(&mut self, width: usize) -> Result<Value> {
        let length = self.number(width)?;
        self.skip(length)?;
        Ok(Value::Other)
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.at..).ok_or(CUT)?;
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(CUT)?;
        let line = std::str::from_utf8(&rest[..end]).map_err(|_| WRONG)?;
        self.at += end + 1;
        Ok(line)
    }
}
