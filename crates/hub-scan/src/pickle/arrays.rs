//! joblib's arrays. It writes the bytes of an array between the opcodes, behind the description of the array, and passes over
//! them when it loads; what it takes for bytes and what for opcodes depends on that description. So the machine must know the
//! description for certain, or say that it does not.

use super::Reader;
use super::machine::{End, Machine};
use super::value::{ArrayState, Follows, Global, ItemSize, Value};
use crate::input::{Input, Stop};

/// How something imported is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// By `NEWOBJ`.
    New,
    /// By any other opcode.
    Other,
}

impl Machine {
    /// What comes of a call.
    pub(super) fn called(&mut self, called: &Value, args: &Value, call: Call) -> Value {
        self.let_go(args);
        self.has_called |= matches!(called, Value::Global(_));
        match (called, args) {
            // The import may be an accident of raw bytes; a call of it is none.
            (Value::Hidden, _) => self.is_odd = true,
            // As joblib writes it.
            (Value::Global(Global::ArrayClass), Value::Shape(1)) if call == Call::New => return Value::Array,
            (Value::Global(Global::DtypeClass), Value::Args(name)) => {
                return super::value::item_size(name).map_or(Value::Other, Value::Dtype);
            }
            (Value::Global(Global::Class), _) => return Value::Object,
            (callee, _) => self.let_go(callee),
        }
        Value::Other
    }

    /// Notes a value that goes where it is not followed. A stand-in for an array may come back from there under another guise.
    pub(super) fn let_go(&mut self, value: &Value) {
        self.is_unclear |= matches!(value, Value::Array | Value::Global(Global::ArrayClass));
    }

    /// The same for many.
    pub(super) fn let_all_go(&mut self, values: &[Value]) {
        values.iter().for_each(|value| self.let_go(value));
    }

    /// Keys and values for the dictionary on top of the stack, or for something that takes them as one does.
    pub(super) fn set_items(&mut self, items: &[Value]) {
        self.let_all_go(items);
        match self.stack.last_mut() {
            Some(Value::State(state)) => items.chunks_exact(2).for_each(|pair| state.set(&pair[0], &pair[1])),
            Some(Value::SharedState) => self.has_unclear_types = true,
            _ => {}
        }
    }

    /// Gives a state to what is on top of the stack.
    pub(super) fn build(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let state = self.pop();
        self.let_go(&state);
        match (self.stack.last(), state) {
            (Some(Value::Array), Value::State(state)) => {
                // From here on it is an array.
                self.replace(Value::Object);
                self.array(input, state)?;
            }
            (Some(Value::Array | Value::Global(Global::ArrayClass)), _) => self.is_unclear = true,
            (Some(Value::Dtype(ItemSize::Objects)), Value::DtypeState { .. }) => {}
            (Some(Value::Dtype(ItemSize::Bytes(bytes))), Value::DtypeState { size: Some(size), flags: Some(flags) }) => {
                let fits = size == -1 || u64::try_from(size) == Ok(*bytes);
                self.has_unclear_types |= !fits || flags & 1 != 0;
            }
            // Whoever has this type has it as it becomes now.
            (Some(Value::Dtype(_)), _) => self.has_unclear_types = true,
            _ => {}
        }
        Ok(())
    }

    fn array(&mut self, input: &mut Input<'_>, state: ArrayState) -> Result<(), Stop> {
        match self.reader {
            // Nobody passes over bytes here.
            Reader::Plain => return Ok(()),
            Reader::Unaware => {
                self.in_raw = true;
                self.in_objects = matches!(state.follows(), Some(Follows::Pickle));
                return Ok(());
            }
            Reader::Joblib => input.budget().saw_arrays(),
        }
        let follows = if self.has_unclear_types { None } else { state.follows() };
        match follows {
            None => {
                self.is_unclear = true;
                Ok(())
            }
            Some(Follows::Pickle) => {
                // By `pickle.load`, in which there are no raw bytes.
                let mut inner = self.within(Reader::Plain);
                let end = inner.walk(input);
                self.take_over(inner);
                match end {
                    End::Stopped => Ok(()),
                    End::Cut(stop) => Err(stop),
                }
            }
            Some(Follows::Raw { bytes, is_aligned }) => {
                let padding = if is_aligned { 1 + u64::from(input.peek(1)?.first().copied().unwrap_or(0)) } else { 0 };
                input.skip(bytes.saturating_add(padding))
            }
        }
    }
}
