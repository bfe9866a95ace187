//! The stack machine.

mod stack;
mod values;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use self::stack::shared;
use self::values::{index_of, quoted, text_of, whole};
use super::Reader;
use super::arrays::Call;
use super::value::{ArrayState, Value, tuple_of};
use crate::input::{Input, Stop};
use crate::report::Import;

/// The longest string that is kept: names are shorter.
const MAX_TEXT_BYTES: usize = 512;
/// How many bytes of strings are kept, those of a pickle in it included.
const MAX_KEPT_BYTES: usize = 8 << 20;
/// How many values are remembered; the same.
const MAX_MEMO: usize = 300_000;
/// How many values lie on the stack; the same.
const MAX_STACK: usize = 300_000;
/// How many imports are told of.
const MAX_FOUND: usize = 2_000;

/// How a pickle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As it should.
    Stopped,
    /// Before.
    Cut(Stop),
}

/// Follows one pickle.
#[derive(Debug)]
pub(super) struct Machine {
    /// What it imports, each once.
    pub found: Vec<Import>,
    /// Whether a name was put together on the way.
    pub is_odd: bool,
    /// Whether it is uncertain where the bytes of an array end.
    pub is_unclear: bool,
    /// Whether a name could not be followed because there was too much.
    pub is_lost: bool,
    /// Whether something imported was called.
    pub has_called: bool,
    /// Whether the bytes of an array were come to, which nobody writes as opcodes.
    pub in_raw: bool,
    /// Whether they are a pickle of its own, read with what this one has in its memo.
    pub in_objects: bool,
    pub(super) reader: Reader,
    /// Whether the description of an array may not be what it seems.
    pub(super) has_unclear_types: bool,
    pub(super) stack: Vec<Value>,
    /// The same as `is_odd` among raw bytes, where it may be an accident.
    may_be_odd: bool,
    /// Whether CPython would have stopped with an error.
    pub has_failed: bool,
    seen: HashSet<(Rc<str>, Rc<str>)>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    kept_bytes: usize,
    /// How many values the machine holds that this one is in.
    held: usize,
}

impl Machine {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            found: Vec::new(),
            is_odd: false,
            is_unclear: false,
            is_lost: false,
            has_called: false,
            in_raw: false,
            in_objects: false,
            reader,
            has_unclear_types: false,
            stack: Vec::new(),
            may_be_odd: false,
            has_failed: false,
            seen: HashSet::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            kept_bytes: 0,
            held: 0,
        }
    }

    /// For a pickle in this one, with what this one leaves it of the memory.
    pub(super) fn within(&self, reader: Reader) -> Self {
        let held = self.held + self.stack.len().max(self.memo.len()).max(self.marks.len());
        Self { kept_bytes: self.kept_bytes, held, ..Self::new(reader) }
    }

    /// What it found is found here, too.
    pub(super) fn take_over(&mut self, inner: Self) {
        self.is_odd |= inner.is_odd;
        self.is_lost |= inner.is_lost;
        self.kept_bytes = inner.kept_bytes;
        for import in inner.found {
            if !self.found.contains(&import) && self.found.len() < 2 * MAX_FOUND {
                self.found.push(import);
            }
        }
    }

    /// Whether there is anything that the pickle is of.
    pub(super) fn has_value(&self) -> bool {
        !self.stack.is_empty()
    }

    /// Walks up to the end of a pickle.
    pub(super) fn walk(&mut self, input: &mut Input<'_>) -> End {
        loop {
            match self.step(input) {
                // Opcodes that nobody wrote fail soon, and all that comes is one accident after the other.
                Ok(_) if self.has_failed && self.in_raw => return End::Cut(Stop::Broken),
                Ok(true) => {}
                Ok(false) => {
                    self.is_odd |= self.may_be_odd;
                    return End::Stopped;
                }
                Err(stop) => return End::Cut(stop),
            }
        }
    }

    /// Does one opcode; false at the end.
    fn step(&mut self, input: &mut Input<'_>) -> Result<bool, Stop> {
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
                let is_called = !self.marks.is_empty();
                let items = self.pop_mark();
                self.let_all_go(&items);
                self.import(module, name);
                let class = self.pop();
                if is_called {
                    self.called(&class, &Value::Other, Call::Other);
                }
                self.push(Value::Other);
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
            b'V' => {
                let line = input.line()?;
                self.push_line(&line);
            }
            b'S' => match quoted(&input.line()?) {
                Some(line) => self.push_line(line),
                None => self.push(Value::Other),
            },
            // Numbers.
            b'K' => self.push_number(input.number(1)?),
            b'M' => self.push_number(input.number(2)?),
            b'J' => {
                let number = input.number(4)?;
                self.push(Value::Int(i64::from(number as u32 as i32)));
            }
            b'I' | b'L' => {
                let number = whole(&input.line()?);
                self.push(number.map_or(Value::Object, Value::Int));
            }
            0x8a => self.long(input)?,
            0x8b => self.skip_and_push(input, 4)?,
            // Bytes, and other values without names in them.
            b'C' => self.skip_and_push(input, 1)?,
            b'B' => self.skip_and_push(input, 4)?,
            0x8e | 0x96 => self.skip_and_push(input, 8)?,
            b'F' => {
                input.line()?;
                self.push(Value::Object);
            }
            b'P' => {
                input.line()?;
                self.push(Value::Other);
            }
            b'G' => {
                input.skip(8)?;
                self.push(Value::Object);
            }
            b'N' | 0x88 | 0x89 | b']' | 0x8f | 0x97 => self.push(Value::Object),
            b'}' => self.push(Value::State(ArrayState::default())),
            b')' => self.push(Value::Shape(1)),
            // Nothing that matters here.
            0x80 => input.skip(1)?,
            0x95 => input.skip(8)?,
            0x98 => {}
            code => return self.move_values(code, input),
        }
        Ok(true)
    }

    /// Opcodes that take values from the stack or put them there again.
    fn move_values(&mut self, code: u8, input: &mut Input<'_>) -> Result<bool, Stop> {
        match code {
            b'(' if self.held + self.marks.len() < MAX_STACK => self.marks.push(self.stack.len()),
            b'(' => self.is_lost = true,
            b'0' => self.drop_one(),
            b'1' => drop(self.pop_mark()),
            b'2' => {
                let top = self.stack.last().map_or(Value::Other, shared);
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
                self.let_all_go(&items);
                self.push(tuple_of(&items));
            }
            // Other collections.
            b'l' | b'd' | 0x91 => {
                let items = self.pop_mark();
                self.let_all_go(&items);
                self.push(Value::Object);
            }
            b'a' => {
                let item = self.pop();
                self.let_go(&item);
            }
            b'e' | 0x90 => {
                let items = self.pop_mark();
                self.let_all_go(&items);
            }
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
                let made = self.called(&called, &args, if code == 0x81 { Call::New } else { Call::Other });
                self.push(made);
            }
            0x92 => {
                let (named, args, called) = (self.pop(), self.pop(), self.pop());
                self.let_go(&named);
                let made = self.called(&called, &args, Call::Other);
                self.push(made);
            }
            b'o' => {
                let items = self.pop_mark();
                if let Some((class, args)) = items.split_first() {
                    self.let_all_go(args);
                    self.called(class, &Value::Other, Call::Other);
                }
                self.push(Value::Other);
            }
            b'Q' => {
                let id = self.pop();
                self.let_go(&id);
                self.push(Value::Other);
            }
            b'b' => self.build(input)?,
            _ => return Err(Stop::Broken),
        }
        Ok(true)
    }
}
