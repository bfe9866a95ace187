//! The stack machine: follows the opcodes that PyTorch's pickles have, and runs nothing.

mod input;
mod tensors;

use std::collections::HashMap;
use std::rc::Rc;

use self::input::Input;
use super::contents::{Storage, View};
use super::value::{Global, Value};
use super::{CheckpointError, Result};

/// How many values lie on the stack, are remembered, and are held in lists and dictionaries.
const MAX_STACK: usize = 500_000;
const MAX_MEMO: usize = 500_000;
const MAX_ITEMS: usize = 1_500_000;
/// How much of a refused name is told.
const MAX_NAME_CHARS: usize = 100;

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
        let mut input = Input::new(bytes);
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
}

fn global(module: &str, name: &str) -> Result<Value> {
    let shown = || format!("{module}.{name}").chars().filter(|c| !c.is_control() && *c != '`').take(MAX_NAME_CHARS).collect();
    Global::find(module, name).map(Value::Global).ok_or_else(|| CheckpointError::Global(shown()))
}
