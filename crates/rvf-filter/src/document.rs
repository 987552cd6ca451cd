//! Values of one document, taken from its JSON text.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Scanner};

/// A value of a document. Arrays stay text until someone asks for their elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    Number(f64),
    Text(Cow<'a, [u8]>),
    Array(&'a [u8]),
    Object,
}

impl<'a> Value<'a> {
    /// The value that comes next in a text.
    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Value<'a>, JsonError> {
        match scanner.kind()? {
            Kind::Null => scanner.null().map(|()| Value::Null),
            Kind::Boolean => scanner.boolean().map(Value::Boolean),
            Kind::Number => scanner.number().map(Value::Number),
            Kind::Text => scanner.text().map(Value::Text),
            Kind::Array => scanner.skip().map(|(_, text)| Value::Array(text)),
            Kind::Object => scanner.skip().map(|_| Value::Object),
        }
    }
}

/// Calls `visit` with the elements of an array's text in order, until it answers false.
pub(crate) fn for_each_element<'a>(array: &'a [u8], mut visit: impl FnMut(Value<'a>) -> bool) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(array);
    scanner.enter();
    let mut is_first = true;
    while scanner.next_element(&mut is_first)? {
        if !visit(Value::scan(&mut scanner)?) {
            break;
        }
    }
    Ok(())
}

/// Calls `visit` at the value of every top-level key, duplicates included. The scanner stands before the value, and
/// `visit` has to move over it. An empty text and one that is no object have no keys.
pub(crate) fn for_each_field<'a, E: From<JsonError>>(
    json: &'a [u8],
    mut visit: impl FnMut(Cow<'a, [u8]>, &mut Scanner<'a>) -> Result<(), E>,
) -> Result<(), E> {
    if json.is_empty() {
        return Ok(());
    }
    let mut scanner = Scanner::new(json);
    if scanner.kind()? == Kind::Object {
        scanner.enter();
        let mut is_first = true;
        while let Some(key) = scanner.next_key(&mut is_first)? {
            visit(key, &mut scanner)?;
        }
    } else {
        scanner.skip()?;
    }
    Ok(scanner.finish()?)
}
