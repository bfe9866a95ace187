//! Fields of HTML forms: what was typed is shown again next to what was wrong with it.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;

use crate::error::{ErrorKind, HubError, HubResult};

/// One field.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Its name in the form.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with the value.
    pub error: Option<String>,
    /// What helps to fill it in.
    pub hint: String,
    /// Tells its id from that of a field of the same name in another form of the page.
    pub key: &'static str,
}

impl Field {
    /// An empty field.
    pub fn new(name: &'static str, label: &'static str) -> Self {
        Self { name, label, ..Self::default() }
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Sets the error, if there is one.
    #[must_use]
    pub fn error(mut self, error: Option<String>) -> Self {
        self.error = error;
        self
    }

    /// The id that its label and notes refer to.
    pub fn id(&self) -> String {
        format!("field-{}{}", self.key, self.name)
    }

    /// Whether the value was refused.
    pub fn has_error(&self) -> bool {
        self.error.is_some()
    }

    /// Whether a note stands under the field.
    pub fn is_described(&self) -> bool {
        self.error.is_some() || !self.hint.is_empty()
    }

    /// Whether phones should leave capitals and spelling alone.
    pub fn is_plain_word(&self) -> bool {
        matches!(self.name, "username" | "name" | "email" | "user" | "confirmation")
    }
}

/// Why a form was refused: shown at its field, or above the form.
#[derive(Debug)]
pub struct Refusal {
    /// The status to answer with.
    pub status: StatusCode,
    field: Option<&'static str>,
    message: String,
}

impl Default for Refusal {
    fn default() -> Self {
        Self { status: StatusCode::OK, field: None, message: String::new() }
    }
}

impl Refusal {
    /// Reads an error that the person at the form can do something about; gives any other back.
    ///
    /// # Errors
    /// The error itself, when it is not about what was typed.
    pub fn of(error: HubError) -> HubResult<Self> {
        match error.kind() {
            ErrorKind::BadRequest
            | ErrorKind::Conflict
            | ErrorKind::Unprocessable
            | ErrorKind::Forbidden
            | ErrorKind::NotFound => Ok(Self::said(&error)),
            _ => Err(error),
        }
    }

    /// The same for a form with a long text, which nobody shall lose because there is no room for it or too much came at once.
    ///
    /// # Errors
    /// The error itself, when it is about neither.
    pub fn keeping(error: HubError) -> HubResult<Self> {
        match error.kind() {
            ErrorKind::TooLarge | ErrorKind::TooManyRequests => {
                Ok(Self { status: error.status_code(), field: error.field(), message: error.message().to_owned() })
            }
            _ => Self::of(error),
        }
    }

    /// The same of any error, where its sentence is shown whatever it is.
    pub fn said(error: &HubError) -> Self {
        Self { status: error.status_code(), field: error.field(), message: error.message().to_owned() }
    }

    /// The message, whatever it is about.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message, if it is about this field.
    pub fn message_at(&self, field: &str) -> Option<String> {
        (self.field == Some(field)).then(|| self.message.clone())
    }

    /// The message, if it is about none of these fields.
    pub fn message_elsewhere(&self, fields: &[&str]) -> Option<String> {
        let elsewhere = self.field.is_none_or(|field| !fields.contains(&field));
        (elsewhere && !self.message.is_empty()).then(|| self.message.clone())
    }

    /// Shows the message at the field, if it is about this one.
    pub fn mark(&self, field: Field) -> Field {
        let message = self.message_at(field.name);
        field.error(message)
    }
}

/// One option of a choice.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// What explains it.
    pub hint: &'static str,
    /// Whether it is chosen.
    pub selected: bool,
}

impl Choice {
    /// An option, chosen if it is the current value.
    pub fn new(value: impl Into<String>, label: impl Into<String>, current: &str) -> Self {
        let value = value.into();
        Self { selected: value == current, value, label: label.into(), hint: "" }
    }

    /// Adds an explanation.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }
}
