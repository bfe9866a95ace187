//! The stack with its marks, and the memo.

use super::{MAX_MEMO, MAX_STACK, Machine};
use crate::pickle::value::Value;

impl Machine {
    pub(super) fn push(&mut self, value: Value) {
        let room = MAX_STACK.saturating_sub(self.held);
        if self.stack.len() >= room {
            // What is put together of so many values is no name.
            self.is_lost = true;
            self.stack.truncate(room / 2);
            self.marks.retain(|mark| *mark <= room / 2);
        }
        self.stack.push(value);
    }

    pub(in crate::pickle) fn pop(&mut self) -> Value {
        let bottom = self.marks.last().copied().unwrap_or(0);
        let value = if self.stack.len() > bottom { self.stack.pop() } else { None };
        self.has_failed |= value.is_none();
        value.unwrap_or(Value::Other)
    }

    /// `POP` takes a mark away when there is nothing above it.
    pub(super) fn drop_one(&mut self) {
        match self.marks.last() {
            Some(mark) if *mark >= self.stack.len() => self.marks.truncate(self.marks.len() - 1),
            _ => self.has_failed |= self.stack.pop().is_none(),
        }
    }

    pub(super) fn pop_mark(&mut self) -> Vec<Value> {
        self.has_failed |= self.marks.is_empty();
        let mark = self.marks.pop().unwrap_or(0).min(self.stack.len());
        self.stack.split_off(mark)
    }

    pub(in crate::pickle) fn replace(&mut self, value: Value) {
        self.pop();
        self.push(value);
    }

    pub(super) fn put(&mut self, index: u64) {
        let Some(top) = self.stack.last().cloned() else {
            self.has_failed = true;
            return;
        };
        if self.held + self.memo.len() < MAX_MEMO || self.memo.contains_key(&index) {
            self.memo.insert(index, top);
        }
    }

    pub(super) fn get(&mut self, index: u64) {
        let value = match self.memo.get(&index) {
            Some(value) => shared(value),
            None if self.held + self.memo.len() >= MAX_MEMO => Value::Lost,
            None => {
                self.has_failed = true;
                Value::Other
            }
        };
        self.push(value);
    }
}

/// A value that lies somewhere else, too, where it may be changed.
pub(super) fn shared(value: &Value) -> Value {
    match value {
        Value::State(_) => Value::SharedState,
        other => other.clone(),
    }
}
