//! A pull scanner over JSON text that builds no tree.
//!
//! Numbers become the nearest `f64`, as `JSON.parse` makes them, and strings become bytes: UTF-8, and for a lone surrogate
//! written as an escape its three-byte WTF-8 form, so that any string of JavaScript has one value and one place in the
//! byte order.

use std::borrow::Cow;

use thiserror::Error;

/// Deepest nesting the scanner follows. Above what filters and metadata may have, below what a small stack bears.
const JSON_DEPTH_MAX: usize = 192;

/// A text is no valid JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} at byte {offset}")]
pub struct JsonError {
    /// Byte of the text at which it was noticed.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// What the next value is, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

impl Kind {
    /// The kind in an error message.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "a boolean",
            Kind::Number => "a number",
            Kind::Text => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }
}

/// A position in a JSON text.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Scanner<'a> {
        Scanner { bytes, position: 0 }
    }

    /// Byte of the text at which the scanner stands.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    fn error(&self, what: &'static str) -> JsonError {
        JsonError { offset: self.position, what }
    }

    fn next_byte(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.position) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.position += 1;
        }
        None
    }

    /// What comes next.
    pub(crate) fn kind(&mut self) -> Result<Kind, JsonError> {
        match self.next_byte() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'"') => Ok(Kind::Text),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            Some(_) => Err(self.error("no JSON value")),
            None => Err(self.error("the text ends too early")),
        }
    }

    /// Steps into the array or object that [`Scanner::kind`] has announced.
    pub(crate) fn enter(&mut self) {
        self.position += 1;
    }

    /// Moves to the next key of an object and over its colon; `None` behind the closing brace.
    pub(crate) fn next_key(&mut self, is_first: &mut bool) -> Result<Option<Cow<'a, [u8]>>, JsonError> {
        if !self.next_item(b'}', is_first)? {
            return Ok(None);
        }
        if self.next_byte() != Some(b'"') {
            return Err(self.error("a key that is no string"));
        }
        let key = self.text()?;
        if self.next_byte() != Some(b':') {
            return Err(self.error("a key without a colon"));
        }
        self.position += 1;
        Ok(Some(key))
    }

    /// Moves to the next element of an array; false behind the closing bracket.
    pub(crate) fn next_element(&mut self, is_first: &mut bool) -> Result<bool, JsonError> {
        self.next_item(b']', is_first)
    }

    fn next_item(&mut self, closing: u8, is_first: &mut bool) -> Result<bool, JsonError> {
        match self.next_byte() {
            Some(byte) if byte == closing => {
                self.position += 1;
                return Ok(false);
            }
            Some(b',') if !*is_first => {
                self.position += 1;
                if self.next_byte() == Some(closing) {
                    return Err(self.error("a comma without a value"));
                }
            }
            Some(_) if *is_first => {}
            _ => return Err(self.error("a comma or a closing bracket is missing")),
        }
        *is_first = false;
        Ok(true)
    }

    /// The string that comes next, decoded; it borrows where there is no escape.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, [u8]>, JsonError> {
        self.position += 1;
        let start = self.position;
        let has_escapes = self.skip_to_quote()?;
        let raw = &self.bytes[start..self.position - 1];
        if !has_escapes {
            return Ok(Cow::Borrowed(raw));
        }
        unescape(raw).map(Cow::Owned).ok_or(JsonError { offset: start, what: "a string with a bad escape" })
    }

    /// Moves behind the quote that ends the string; true where the string has escapes.
    fn skip_to_quote(&mut self) -> Result<bool, JsonError> {
        let mut has_escapes = false;
        loop {
            self.position += plain_bytes(self.bytes.get(self.position..).unwrap_or_default());
            match self.bytes.get(self.position) {
                None => return Err(self.error("a string without an end")),
                Some(b'"') => {
                    self.position += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.position += 2;
                }
                Some(_) => return Err(self.error("a control character in a string")),
            }
        }
    }

    /// The number that comes next, as the nearest `f64` (infinite where its magnitude is above all), zero without a sign.
    pub(crate) fn number(&mut self) -> Result<f64, JsonError> {
        let start = self.position;
        self.skip_number()?;
        if let Some(whole) = short_whole_number(&self.bytes[start..self.position]) {
            return Ok(whole);
        }
        let text =
            str::from_utf8(&self.bytes[start..self.position]).map_err(|_| self.error("a number that is none"))?;
        let number: f64 = text.parse().map_err(|_| self.error("a number that is none"))?;
        // -0 + 0 = 0: both zeros are one value to every operator.
        Ok(number + 0.0)
    }

    fn skip_number(&mut self) -> Result<(), JsonError> {
        if self.bytes.get(self.position) == Some(&b'-') {
            self.position += 1;
        }
        let has_leading_zero = self.bytes.get(self.position) == Some(&b'0');
        if self.skip_digits()? > 1 && has_leading_zero {
            return Err(self.error("a number with a leading zero"));
        }
        if self.bytes.get(self.position) == Some(&b'.') {
            self.position += 1;
            self.skip_digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.position) {
            self.position += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.position) {
                self.position += 1;
            }
            self.skip_digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> Result<usize, JsonError> {
        let count = self.bytes[self.position.min(self.bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.position += count;
        if count == 0 { Err(self.error("a number without a digit")) } else { Ok(count) }
    }

    /// The boolean that comes next.
    pub(crate) fn boolean(&mut self) -> Result<bool, JsonError> {
        let is_true = self.bytes.get(self.position) == Some(&b't');
        self.word(if is_true { b"true" } else { b"false" })?;
        Ok(is_true)
    }

    /// The null that comes next.
    pub(crate) fn null(&mut self) -> Result<(), JsonError> {
        self.word(b"null")
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.bytes[self.position..].starts_with(word) {
            return Err(self.error("an unknown word"));
        }
        self.position += word.len();
        Ok(())
    }

    /// Moves over the value that comes next and gives its text, of valid syntax (escapes of strings excepted).
    pub(crate) fn skip(&mut self) -> Result<(Kind, &'a [u8]), JsonError> {
        let kind = self.kind()?;
        let start = self.position;
        self.skip_value(kind, JSON_DEPTH_MAX)?;
        Ok((kind, &self.bytes[start..self.position]))
    }

    fn skip_value(&mut self, kind: Kind, depth_left: usize) -> Result<(), JsonError> {
        match kind {
            Kind::Null => return self.null(),
            Kind::Boolean => return self.boolean().map(|_| ()),
            Kind::Number => return self.skip_number(),
            Kind::Text => {
                self.position += 1;
                return self.skip_to_quote().map(|_| ());
            }
            Kind::Array | Kind::Object => {}
        }
        if depth_left == 0 {
            return Err(self.error("values nested too deeply"));
        }
        self.enter();
        let mut is_first = true;
        while match kind {
            Kind::Object => self.skip_key(&mut is_first)?,
            _ => self.next_element(&mut is_first)?,
        } {
            let inner = self.kind()?;
            self.skip_value(inner, depth_left - 1)?;
        }
        Ok(())
    }

    fn skip_key(&mut self, is_first: &mut bool) -> Result<bool, JsonError> {
        Ok(self.next_key(is_first)?.is_some())
    }

    /// Makes sure that nothing but white space is left.
    pub(crate) fn finish(mut self) -> Result<(), JsonError> {
        if self.next_byte().is_some() { Err(self.error("text behind the value")) } else { Ok(()) }
    }
}

/// Number of bytes in front of the first quote, backslash or control character.
fn plain_bytes(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*eight));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_plain = |byte: &&u8| **byte >= 0x20 && **byte != b'"' && **byte != b'\\';
    at + bytes[at..].iter().take_while(is_plain).count()
}

/// The highest bit of every byte that is a quote, a backslash or a control character. Bits above the first of them may be
/// wrong, because a subtraction borrows from the byte above.
fn special_bytes(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes & (ONES * 0x80);
    let equal = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    below(eight, 0x20) | equal(b'"') | equal(b'\\')
}

/// The value of digits alone, where there are so few that they make an exact `f64`.
fn short_whole_number(text: &[u8]) -> Option<f64> {
    const EXACT_DIGITS_MAX: usize = 15;
    let is_whole = text.len() <= EXACT_DIGITS_MAX && text.iter().all(u8::is_ascii_digit);
    is_whole.then(|| text.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0')) as f64)
}

/// Decodes the escapes of a string's inside; `None` where one is malformed.
fn unescape(raw: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        text.extend_from_slice(&rest[..at]);
        let escape = *rest.get(at + 1)?;
        rest = &rest[at + 2..];
        match escape {
            b'"' | b'\\' | b'/' => text.push(escape),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => rest = unescape_unicode(rest, &mut text)?,
            _ => return None,
        }
    }
    text.extend_from_slice(rest);
    Some(text)
}

/// Decodes what follows `\u`, the second half of a surrogate pair included, and gives what is left behind it.
fn unescape_unicode<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> Option<&'a [u8]> {
    let first = hex_unit(rest)?;
    let rest = &rest[4..];
    if (0xD800..0xDC00).contains(&first)
        && let Some(second) = rest.strip_prefix(b"\\u").and_then(hex_unit)
        && (0xDC00..0xE000).contains(&second)
    {
        push_code_point(text, 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
        return Some(&rest[6..]);
    }
    push_code_point(text, first);
    Some(rest)
}

fn hex_unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// Adds a code point as UTF-8, a lone surrogate in the same three-byte form (WTF-8), which `char` cannot hold.
fn push_code_point(text: &mut Vec<u8>, code_point: u32) {
    match char::from_u32(code_point) {
        Some(character) => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => text.extend_from_slice(&[
            0xE0 | (code_point >> 12) as u8,
            0x80 | (code_point >> 6 & 0x3F) as u8,
            0x80 | (code_point & 0x3F) as u8,
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_plain_up_to_its_first_special_byte() {
        for byte in 0..=255_u8 {
            let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
            for neighbour in [b' ', b'!', 0x7F, 0x80, 0xFF] {
                for at in 0..20 {
                    let mut text = [neighbour; 20];
                    text[at] = byte;
                    assert_eq!(plain_bytes(&text), if is_special { at } else { 20 }, "{byte} at {at}");
                    text[19] = b'"';
                    assert_eq!(plain_bytes(&text), if is_special { at.min(19) } else { 19 }, "{byte} at {at}");
                }
            }
        }
    }

    #[test]
    fn short_whole_numbers_are_what_the_parser_makes_of_them() {
        for text in ["0", "7", "999999999999999", "1000000000000000", "-1", "1.0", "1e2", ""] {
            let parsed =
                text.parse::<f64>().ok().filter(|_| text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit()));
            assert_eq!(short_whole_number(text.as_bytes()).filter(|_| !text.is_empty()), parsed, "{text}");
        }
    }
}
