//! Tests of texts, with the keys of cut texts left open.

use std::ops::{Bound, Range};

use crate::columns::{Bytes, Class, Dictionary, Field, index_kind};
use crate::evaluate::leaf::{Keys, Leaf, behind, dictionary, non_empty};
use crate::{ColumnError, ColumnSource};

type Result<T, S> = std::result::Result<T, ColumnError<<S as ColumnSource>::Error>>;

/// The key a text is kept under.
fn key_of<'t, S>(dictionary: &Dictionary<'_, S>, text: &'t [u8]) -> &'t [u8] {
    &text[..text.len().min(dictionary.key_bytes_max)]
}

/// Rows whose text is one of these, in ascending order.
pub(super) fn values<'s, S: ColumnSource>(
    bytes: Bytes<'s, S>,
    field: &Field,
    texts: &[Vec<u8>],
    class: Class,
    is_element: bool,
) -> Result<Leaf<'s, S>, S> {
    let dictionary = match dictionary(bytes, field, class, index_kind::TEXTS)? {
        Ok(dictionary) => dictionary,
        Err(leaf) => return Ok(leaf),
    };
    let (mut sure, mut open, mut from) = (Vec::new(), Vec::new(), 0);
    for text in texts {
        let key = key_of(&dictionary, text);
        let (index, is_equal) = dictionary.find_text(key, from)?;
        if is_equal {
            let ranges = if key.len() < dictionary.key_bytes_max { &mut sure } else { &mut open };
            ranges.push(index..index + 1);
        }
        // A second text that is cut to the same key finds nothing from here on, and its rows are open already.
        from = behind((index, is_equal));
    }
    Keys::leaf(dictionary, sure, open, is_element)
}

/// Rows whose text lies between the bounds.
pub(super) fn interval<'s, S: ColumnSource>(
    bytes: Bytes<'s, S>,
    field: &Field,
    low: Bound<&[u8]>,
    high: Bound<&[u8]>,
) -> Result<Leaf<'s, S>, S> {
    let dictionary = match dictionary(bytes, field, Class::Texts, index_kind::TEXTS)? {
        Ok(dictionary) => dictionary,
        Err(leaf) => return Ok(leaf),
    };
    let mut open: Vec<Range<u32>> = Vec::new();
    // A bound that was cut falls inside of what its key stands for: that key is open, on neither side sure.
    let mut place = |text: &[u8], is_behind: bool| -> Result<(u32, u32), S> {
        let key = key_of(&dictionary, text);
        let found = dictionary.find_text(key, 0)?;
        if found.1 && key.len() == dictionary.key_bytes_max {
            open.push(found.0..found.0 + 1);
            return Ok((found.0, found.0 + 1));
        }
        let place = if is_behind { behind(found) } else { found.0 };
        Ok((place, place))
    };
    let start = match low {
        Bound::Unbounded => (0, 0),
        Bound::Included(text) => place(text, false)?,
        Bound::Excluded(text) => place(text, true)?,
    };
    let end = match high {
        Bound::Unbounded => (dictionary.key_count, dictionary.key_count),
        Bound::Excluded(text) => place(text, false)?,
        Bound::Included(text) => place(text, true)?,
    };
    // An interval whose bounds are reversed is empty, and so is what its bounds leave open.
    open.retain(|keys| keys.start >= start.0 && keys.end <= end.1);
    open.dedup();
    Keys::leaf(dictionary, non_empty(start.1, end.0), open, false)
}

/// Rows whose text begins with the prefix.
pub(super) fn prefix<'s, S: ColumnSource>(bytes: Bytes<'s, S>, field: &Field, prefix: &[u8]) -> Result<Leaf<'s, S>, S> {
    let dictionary = match dictionary(bytes, field, Class::Texts, index_kind::TEXTS)? {
        Ok(dictionary) => dictionary,
        Err(leaf) => return Ok(leaf),
    };
    let key = key_of(&dictionary, prefix);
    let start = dictionary.find_text(key, 0)?.0;
    let end = match successor(key) {
        Some(successor) => dictionary.find_text(&successor, 0)?.0,
        None => dictionary.key_count,
    };
    let keys = non_empty(start, end);
    let is_cut = key.len() < prefix.len();
    let (sure, open) = if is_cut { (Vec::new(), keys) } else { (keys, Vec::new()) };
    Keys::leaf(dictionary, sure, open, false)
}

/// The smallest byte string above all with this beginning; `None` where there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut successor = prefix[..=last].to_vec();
    successor[last] += 1;
    Some(successor)
}
