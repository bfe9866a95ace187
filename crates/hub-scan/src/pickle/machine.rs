//! The stack machine.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::classify::safety_of;
use super::value::{ArrayState, Follows, Value, item_size};
use crate::input::{Budget, Input, Source, Stop, Unpacked};
use crate::report::{Import, Safety};

/// The longest string that is kept: names are shorter.
const MAX_TEXT_BYTES: u64 = 512;
/// How many bytes of strings are kept.
const MAX_KEPT_BYTES: usize = 8 << 20;
/// How many values are remembered.
const MAX_MEMO: usize = 300_000;
/// How many values lie on the stack.
const MAX_STACK: usize = 300_000;
/// How many imports are told of.
const MAX_FOUND: usize = 2_000;
/// Pickles in pickles: arrays of objects, in joblib's files.
const MAX_DEPTH: usize = 8;
/// How many raw bytes of an array are looked through for opcodes all the same.
const MAX_RAW_BYTES: usize = 64 << 10;
/// A memo up to this size is copied for that.
const MAX_COPIED_MEMO: usize = 20_000;

/// How a pickle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As it should.
    Stopped,
    /// Before.
    Cut(Stop),
}

/// Follows one pickle.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// What it imports, each once.
    pub found: Vec<Import>,
    /// Whether a name was put together on the way.
    pub is_odd: bool,
    /// Whether a name could not be followed because there was too much.
    pub is_lost: bool,
    seen: HashSet<(Rc<str>, Rc<str>)>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    kept_bytes: usize,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Walks up to the end of a pickle.
    pub(super) fn walk(&mut self, input: &mut Input<'_>, depth: usize) -> End {
        loop {
            match self.step(input, depth) {
                Ok(true) => {}
                Ok(false) => return End::Stopped,
                Err(stop) => return End::Cut(stop),
            }
        }
    }

    /// Does one opcode; false at the end.
    fn step(&mut self, input: &mut Input<'_>, depth: usize) -> Result<bool, Stop> {
        input.budget().step()?;
        match input.byte()? {
            b'.' => return Ok(false),
            // Imports.
            b'c' => {
                let (module, name) = (text_of(input.line()?), text_of(input.line()?));
                self.import(module, name);
            }
            b'i' => {
                let (module, name) = (text_of(input.line()?), text_of(input.line()?));
                self.pop_mark();
                self.import(module, name);
                self.replace(Value::Other);
            }
            0x93 => self.stack_global(),
            0x82 => self.extension(input.number(1)?),
            0x83 => self.extension(input.number(2)?),
            0x84 => self.extension(input.number(4)?),
            // Texts.
            0x8c => self.text(input, 1)?,
            b'X' | b'T' => self.text(input, 4)?,
            b'U' => self.text(input, 1)?,
            0x8d => self.text(input, 8)?,
            b'V' | b'S' => {
                let line = input.line()?;
                let line = String::from_utf8_lossy(&line);
                let text = line.trim().trim_matches(['"', '\'']).to_owned();
                self.push_text(text.as_bytes());
            }
            // Numbers.
            b'K' => self.push_number(input.number(1)?),
            b'M' => self.push_number(input.number(2)?),
            b'J' => self.push_number(input.number(4)?),
            b'I' | b'L' => {
                let line = input.line()?;
                let number = String::from_utf8_lossy(&line).trim().trim_end_matches('L').parse().ok();
                self.push(number.map_or(Value::Other, Value::Int));
            }
            0x8a => self.long(input)?,
            0x8b => self.skip_and_push(input, 4)?,
            // Bytes, and other values without names in them.
            b'C' => self.skip_and_push(input, 1)?,
            b'B' => self.skip_and_push(input, 4)?,
            0x8e | 0x96 => self.skip_and_push(input, 8)?,
            b'F' | b'P' => {
                input.line()?;
                self.push(Value::Other);
            }
            b'G' => {
                input.skip(8)?;
                self.push(Value::Other);
            }
            b'N' | 0x88 | 0x89 | b']' | 0x8f | 0x97 => self.push(Value::Other),
            b'}' => self.push(Value::State(ArrayState::default())),
            b')' => self.push(Value::Shape(1)),
            // Nothing that matters here.
            0x80 => input.skip(1)?,
            0x95 => input.skip(8)?,
            0x98 => {}
            code => return self.move_values(code, input, depth),
        }
        Ok(true)
    }

    /// Opcodes that take values from the stack or put them there again.
    fn move_values(&mut self, code: u8, input: &mut Input<'_>, depth: usize) -> Result<bool, Stop> {
        match code {
            b'(' if self.marks.len() < MAX_STACK => self.marks.push(self.stack.len()),
            b'(' => self.is_lost = true,
            b'0' => self.drop_one(),
            b'1' => drop(self.pop_mark()),
            b'2' => {
                let top = self.stack.last().cloned().unwrap_or(Value::Other);
                self.push(top);
            }
            // The memo.
            b'p' => self.put(index_of(&input.line()?)),
            b'q' => self.put(input.number(1)?),
            b'r' => self.put(input.number(4)?),
            0x94 => self.put(self.memo.len() as u64),
            b'g' => self.get(index_of(&input.line()?)),
            b'h' => self.get(input.number(1)?),
            b'j' => self.get(input.number(4)?),
            // Tuples.
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b't' => {
                let items = self.pop_mark();
                self.push(tuple_of(&items));
            }
            // Other collections.
            b'l' | b'd' | 0x91 => {
                self.pop_mark();
                self.push(Value::Other);
            }
            b'a' => self.drop_one(),
            b'e' | 0x90 => drop(self.pop_mark()),
            b's' => {
                let (value, key) = (self.pop(), self.pop());
                self.set_items(&[key, value]);
            }
            b'u' => {
                let items = self.pop_mark();
                self.set_items(&items);
            }
            // Objects.
            b'R' | 0x81 => {
                let (args, called) = (self.pop(), self.pop());
                self.push(made(&called, &args));
            }
            0x92 => {
                let (_, args, called) = (self.pop(), self.pop(), self.pop());
                self.push(made(&called, &args));
            }
            b'o' => {
                self.pop_mark();
                self.push(Value::Other);
            }
            b'Q' => self.replace(Value::Other),
            b'b' => {
                let state = self.pop();
                if let (Some(Value::Array), Value::State(state)) = (self.stack.last(), state) {
                    self.array(input, state, depth)?;
                }
            }
            _ => return Err(Stop::Broken),
        }
        Ok(true)
    }

    fn push(&mut self, value: Value) {
        if self.stack.len() < MAX_STACK {
            self.stack.push(value);
        } else {
            // What is put together of so many values is no name.
            self.is_lost = true;
            self.stack.truncate(MAX_STACK / 2);
            self.marks.retain(|mark| *mark <= MAX_STACK / 2);
            self.stack.push(value);
        }
    }

    fn pop(&mut self) -> Value {
        let bottom = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() > bottom { self.stack.pop().unwrap_or(Value::Other) } else { Value::Other }
    }

    /// `POP` takes a mark away when there is nothing above it.
    fn drop_one(&mut self) {
        match self.marks.last() {
            Some(mark) if *mark >= self.stack.len() => self.marks.truncate(self.marks.len() - 1),
            _ => self.stack.truncate(self.stack.len().saturating_sub(1)),
        }
    }

    fn pop_mark(&mut self) -> Vec<Value> {
        let mark = self.marks.pop().unwrap_or(0).min(self.stack.len());
        self.stack.split_off(mark)
    }

    fn replace(&mut self, value: Value) {
        self.pop();
        self.push(value);
    }

    fn put(&mut self, index: u64) {
        let Some(top) = self.stack.last().cloned() else { return };
        if self.memo.len() < MAX_MEMO || self.memo.contains_key(&index) {
            self.memo.insert(index, top);
        }
    }

    fn get(&mut self, index: u64) {
        let value = match self.memo.get(&index) {
            Some(value) => value.clone(),
            None if self.memo.len() >= MAX_MEMO => Value::Lost,
            None => Value::Other,
        };
        self.push(value);
    }

    fn text(&mut self, input: &mut Input<'_>, width: usize) -> Result<(), Stop> {
        let length = input.number(width)?;
        if length > MAX_TEXT_BYTES {
            input.skip(length)?;
            self.push(Value::Other);
            return Ok(());
        }
        let bytes = input.take(usize::try_from(length).map_err(|_| Stop::Broken)?)?;
        self.push_text(&bytes);
        Ok(())
    }

    fn push_text(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.kept_bytes += text.len();
        let value = if self.kept_bytes <= MAX_KEPT_BYTES { Value::Text(Rc::from(&*text)) } else { Value::Lost };
        self.push(value);
    }

    fn push_number(&mut self, number: u64) {
        self.push(i64::try_from(number).map_or(Value::Other, Value::Int));
    }

    fn long(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let length = input.number(1)?;
        if length <= 7 {
            let number = input.number(usize::try_from(length).unwrap_or(0))?;
            self.push_number(number);
        } else {
            input.skip(length)?;
            self.push(Value::Other);
        }
        Ok(())
    }

    fn skip_and_push(&mut self, input: &mut Input<'_>, width: usize) -> Result<(), Stop> {
        let length = input.number(width)?;
        input.skip(length)?;
        self.push(Value::Other);
        Ok(())
    }

    fn tuple(&mut self, count: usize) {
        let mut items: Vec<Value> = (0..count).map(|_| self.pop()).collect();
        items.reverse();
        self.push(tuple_of(&items));
    }

    fn set_items(&mut self, items: &[Value]) {
        if let Some(Value::State(state)) = self.stack.last_mut() {
            for pair in items.chunks_exact(2) {
                state.set(&pair[0], &pair[1]);
            }
        }
    }

    fn stack_global(&mut self) {
        let (name, module) = (self.pop(), self.pop());
        match (module, name) {
            (Value::Text(module), Value::Text(name)) => self.import(module, name),
            (module, name) => {
                let is_lost = |value: &Value| matches!(value, Value::Lost);
                if is_lost(&module) || is_lost(&name) {
                    self.is_lost = true;
                } else {
                    self.is_odd = true;
                }
                self.push(Value::Other);
            }
        }
    }

    fn extension(&mut self, code: u64) {
        self.import(Rc::from("copyreg"), Rc::from(format!("extension {code}")));
    }

    fn import(&mut self, module: Rc<str>, name: Rc<str>) {
        self.push(Value::Global {
            is_array: &*module == "joblib.numpy_pickle" && &*name == "NumpyArrayWrapper",
            is_dtype: &*module == "numpy" && &*name == "dtype",
        });
        if self.seen.contains(&(Rc::clone(&module), Rc::clone(&name))) {
            return;
        }
        let safety = safety_of(&module, &name);
        // Of too many, the harmless ones are not told.
        if self.found.len() < MAX_FOUND || (safety == Safety::Dangerous && self.found.len() < 2 * MAX_FOUND) {
            self.found.push(Import { module: shown(&module), name: shown(&name), safety });
            self.seen.insert((module, name));
        }
    }

    /// joblib writes the bytes of an array behind its description.
    fn array(&mut self, input: &mut Input<'_>, state: ArrayState, depth: usize) -> Result<(), Stop> {
        if depth >= MAX_DEPTH {
            return Ok(());
        }
        match state.follows() {
            None => {
                self.is_lost = true;
                Ok(())
            }
            Some(Follows::Pickle) => {
                let mut inner = Self::new();
                let end = inner.walk(input, depth + 1);
                self.take_over(inner);
                match end {
                    End::Stopped => Ok(()),
                    End::Cut(stop) => Err(stop),
                }
            }
            Some(Follows::Raw { bytes, is_aligned }) => {
                let padding = if is_aligned { 1 + u64::from(input.peek(1)?.first().copied().unwrap_or(0)) } else { 0 };
                let bytes = bytes.saturating_add(padding);
                self.look_through(input, bytes)?;
                input.skip(bytes)
            }
        }
    }

    /// `pickle.load` knows nothing of raw bytes and would go on with opcodes there: what those would import is told, too.
    fn look_through(&mut self, input: &mut Input<'_>, bytes: u64) -> Result<(), Stop> {
        let raw = input.peek(usize::try_from(bytes).unwrap_or(MAX_RAW_BYTES).min(MAX_RAW_BYTES))?.to_vec();
        if self.memo.len() > MAX_COPIED_MEMO {
            return Ok(());
        }
        let budget: &Budget = input.budget();
        budget.steps(self.memo.len())?;
        let is_cut = raw.len() == MAX_RAW_BYTES;
        let source: Box<dyn Source> = Box::new(Unpacked(std::io::Cursor::new(raw)));
        let mut inner = Self { memo: self.memo.clone(), stack: vec![Value::Other; 2], ..Self::default() };
        // No arrays in arrays: at this depth nothing is followed further.
        let end = inner.walk(&mut Input::new(source, budget), MAX_DEPTH);
        if end == End::Cut(Stop::Spent) {
            return Err(Stop::Spent);
        }
        inner.found.retain(super::is_plausible);
        // So many numbers that are all opcodes are no accident.
        (inner.is_odd, inner.is_lost) = (is_cut && end == End::Cut(Stop::End), false);
        self.take_over(inner);
        Ok(())
    }

    fn take_over(&mut self, inner: Self) {
        self.is_odd |= inner.is_odd;
        self.is_lost |= inner.is_lost;
        for import in inner.found {
            if !self.found.contains(&import) && self.found.len() < 2 * MAX_FOUND {
                self.found.push(import);
            }
        }
    }
}

fn index_of(line: &[u8]) -> u64 {
    String::from_utf8_lossy(line).trim().parse().unwrap_or(u64::MAX)
}

fn text_of(line: Vec<u8>) -> Rc<str> {
    Rc::from(&*String::from_utf8_lossy(&line))
}

/// A name as it is kept: whatever it is, it is short and has no control characters.
fn shown(name: &str) -> String {
    name.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn tuple_of(items: &[Value]) -> Value {
    if let Some(Value::Text(first)) = items.first() {
        return Value::Args(Rc::clone(first));
    }
    let product = items.iter().try_fold(1_u64, |product, item| match item {
        Value::Int(number) => product.checked_mul(u64::try_from(*number).ok()?),
        _ => None,
    });
    product.map_or(Value::Other, Value::Shape)
}

fn made(called: &Value, args: &Value) -> Value {
    match (called, args) {
        (Value::Global { is_array: true, .. }, _) => Value::Array,
        (Value::Global { is_dtype: true, .. }, Value::Args(name)) => item_size(name).map_or(Value::Other, Value::Dtype),
        _ => Value::Other,
    }
}
