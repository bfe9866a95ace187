//! Values that opcodes put on the stack: texts, numbers, tuples and what is imported.

use std::rc::Rc;

use super::{MAX_FOUND, MAX_KEPT_BYTES, MAX_TEXT_BYTES, Machine};
use crate::input::{Input, Stop};
use crate::pickle::classify::safety_of;
use crate::pickle::value::{Global, Value, tuple_of};
use crate::report::{Import, MAX_NAME_CHARS, Safety, shown};

impl Machine {
    pub(super) fn text(&mut self, input: &mut Input<'_>, width: usize) -> Result<(), Stop> {
        let length = input.number(width)?;
        if length > MAX_TEXT_BYTES as u64 {
            input.skip(length)?;
            self.push(Value::Other);
            return Ok(());
        }
        let bytes = input.take(usize::try_from(length).map_err(|_| Stop::Broken)?)?;
        self.push_text(&bytes);
        Ok(())
    }

    /// The text of a line. Names have no escapes: what is written with some is not for people to see.
    pub(super) fn push_line(&mut self, line: &[u8]) {
        if line.len() > MAX_TEXT_BYTES || line.contains(&b'\\') {
            self.push(Value::Other);
        } else {
            self.push_text(line);
        }
    }

    fn push_text(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.kept_bytes += text.len();
        let value = if self.kept_bytes <= MAX_KEPT_BYTES { Value::Text(Rc::from(&*text)) } else { Value::Lost };
        self.push(value);
    }

    pub(super) fn push_number(&mut self, number: u64) {
        self.push(i64::try_from(number).map_or(Value::Object, Value::Int));
    }

    pub(super) fn long(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let length = input.number(1)?;
        if length <= 7 {
            let number = input.number(usize::try_from(length).unwrap_or(0))?;
            self.push_number(number);
        } else {
            input.skip(length)?;
            self.push(Value::Object);
        }
        Ok(())
    }

    pub(super) fn skip_and_push(&mut self, input: &mut Input<'_>, width: usize) -> Result<(), Stop> {
        let length = input.number(width)?;
        input.skip(length)?;
        self.push(Value::Object);
        Ok(())
    }

    pub(super) fn tuple(&mut self, count: usize) {
        let mut items: Vec<Value> = (0..count).map(|_| self.pop()).collect();
        items.reverse();
        self.let_all_go(&items);
        self.push(tuple_of(&items));
    }

    pub(super) fn stack_global(&mut self) {
        let (name, module) = (self.pop(), self.pop());
        match (module, name) {
            (Value::Text(module), Value::Text(name)) => self.import(module, name),
            (module, name) => {
                let is_lost = |value: &Value| matches!(value, Value::Lost);
                self.has_failed |= !module.may_be_text() || !name.may_be_text();
                if is_lost(&module) || is_lost(&name) {
                    self.is_lost = true;
                } else if self.in_raw {
                    self.may_be_odd = true;
                } else {
                    self.is_odd = true;
                }
                self.let_go(&module);
                self.let_go(&name);
                self.push(Value::Hidden);
            }
        }
    }

    pub(super) fn extension(&mut self, code: u64) {
        self.import(Rc::from("copyreg"), Rc::from(format!("extension {code}")));
    }

    pub(super) fn import(&mut self, module: Rc<str>, name: Rc<str>) {
        let safety = safety_of(&module, &name);
        self.push(Value::Global(Global::of(&module, &name, safety)));
        if self.seen.contains(&(Rc::clone(&module), Rc::clone(&name))) {
            return;
        }
        // Of too many, the harmless ones are not told.
        if self.found.len() < MAX_FOUND || (safety == Safety::Dangerous && self.found.len() < 2 * MAX_FOUND) {
            self.found.push(Import { module: shown(&module, MAX_NAME_CHARS), name: shown(&name, MAX_NAME_CHARS), safety });
            self.seen.insert((module, name));
        }
    }
}

/// Python takes underscores in numbers.
pub(super) fn index_of(line: &[u8]) -> u64 {
    String::from_utf8_lossy(line).trim().replace('_', "").parse().unwrap_or(u64::MAX)
}

/// A whole number as everybody reads it: some take leading zeros for octal.
pub(super) fn whole(line: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim().trim_end_matches('L');
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// What stands in quotes. Without them it is an error.
pub(super) fn quoted(line: &[u8]) -> Option<&[u8]> {
    let (first, rest) = line.split_first()?;
    let (last, inner) = rest.split_last()?;
    (first == last && matches!(first, b'"' | b'\'')).then_some(inner)
}

pub(super) fn text_of(line: Vec<u8>) -> Rc<str> {
    Rc::from(&*String::from_utf8_lossy(line.get(..MAX_TEXT_BYTES).unwrap_or(&line)))
}
