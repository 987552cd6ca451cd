use std::ops::{Bound, Range};

use crate::columns::{Bytes, Class, Dictionary, Field, Section, index_kind};
use crate::evaluate::{Estimate, texts};
use crate::expression::Interval;
use crate::scalar::ScalarSet;
use crate::{ColumnError, ColumnSource};

/// Rows named by the columns.
pub(super) enum Leaf<'s, S> {
    /// No row.
    None,
    /// All rows of a section that is a bitmap.
    Rows(Section),
    /// Postings of keys.
    Keys(Keys<'s, S>),
    /// Rows of a section that is a bitmap, all of them left open.
    Open(Section),
    /// All rows, left open.
    OpenAll,
}

/// Ranges of a dictionary's keys, ascending.
pub(super) struct Keys<'s, S> {
    pub(super) dictionary: Dictionary<'s, S>,
    /// Keys whose rows match.
    pub(super) sure: Vec<Range<u32>>,
    /// Keys of cut texts, whose rows may match.
    pub(super) open: Vec<Range<u32>>,
    /// Bounds from the posting counts.
    estimate: Estimate,
}

type Result<T, S> = std::result::Result<T, ColumnError<<S as ColumnSource>::Error>>;

impl<S> Leaf<'_, S> {
    pub(super) fn estimate(&self, row_count: u64) -> Estimate {
        let (low, high) = match self {
            Leaf::None => (0, 0),
            Leaf::Rows(section) => (section.row_count.into(), section.row_count.into()),
            Leaf::Keys(keys) => (keys.estimate.low, keys.estimate.high),
            Leaf::Open(section) => (0, section.row_count.into()),
            Leaf::OpenAll => (0, row_count),
        };
        Estimate { low: low.min(row_count), high: high.min(row_count) }
    }
}

impl<'s, S: ColumnSource> Keys<'s, S> {
    pub(super) fn leaf(
        dictionary: Dictionary<'s, S>,
        sure: Vec<Range<u32>>,
        open: Vec<Range<u32>>,
        is_element: bool,
    ) -> Result<Leaf<'s, S>, S> {
        let (mut sum, mut largest) = (0, 0);
        for keys in &sure {
            let count = dictionary.count(keys)?;
            sum += count;
            largest = largest.max(count);
        }
        let mut high = sum;
        for keys in &open {
            high += dictionary.count(keys)?;
        }
        if high == 0 {
            return Ok(Leaf::None);
        }
        // Every posting of scalars is another row. One of an array may stand under several keys, so only the largest range
        // is a lower bound.
        let low = if is_element { largest } else { sum };
        Ok(Leaf::Keys(Keys { dictionary, sure, open, estimate: Estimate { low, high } }))
    }
}

/// All rows of a class of a field.
pub(super) fn rows_of<'s, S>(field: &Field, class: Class) -> Leaf<'s, S> {
    match field.section(class) {
        None if class == Class::Exists => Leaf::OpenAll,
        None => Leaf::None,
        Some(section) if section.kind == index_kind::ROWS => Leaf::Rows(section),
        Some(_) => open_rows(field),
    }
}

/// All rows with the field, left open, because an index kind is not known.
fn open_rows<'s, S>(field: &Field) -> Leaf<'s, S> {
    match field.section(Class::Exists) {
        Some(section) if section.kind == index_kind::ROWS => Leaf::Open(section),
        _ => Leaf::OpenAll,
    }
}

/// The dictionary of a class, or the leaf to use where there is none.
pub(super) fn dictionary<'s, S: ColumnSource>(
    bytes: Bytes<'s, S>,
    field: &Field,
    class: Class,
    kind: u8,
) -> Result<std::result::Result<Dictionary<'s, S>, Leaf<'s, S>>, S> {
    match field.section(class) {
        None => Ok(Err(Leaf::None)),
        Some(section) if section.kind == kind => Dictionary::open(bytes, section).map(Ok),
        Some(_) => Ok(Err(open_rows(field))),
    }
}

/// Rows whose scalar, or one of whose elements, is in the set: a leaf for each type of value.
pub(super) fn values<'s, S: ColumnSource>(
    bytes: Bytes<'s, S>,
    field: &Field,
    set: &ScalarSet,
    is_element: bool,
) -> Result<Vec<Leaf<'s, S>>, S> {
    use Class::{
        ElementFalse, ElementNull, ElementNumbers, ElementTexts, ElementTrue, False, Null, Numbers, Texts, True,
    };
    let [null, no, yes, number, text] = match is_element {
        true => [ElementNull, ElementFalse, ElementTrue, ElementNumbers, ElementTexts],
        false => [Null, False, True, Numbers, Texts],
    };
    let mut leaves = Vec::new();
    for (is_wanted, class) in [(set.has_null, null), (set.has_false, no), (set.has_true, yes)] {
        if is_wanted {
            leaves.push(rows_of(field, class));
        }
    }
    if !set.numbers.is_empty() {
        leaves.push(number_values(bytes, field, &set.numbers, number, is_element)?);
    }
    if !set.texts.is_empty() {
        leaves.push(texts::values(bytes, field, &set.texts, text, is_element)?);
    }
    Ok(leaves)
}

fn number_values<'s, S: ColumnSource>(
    bytes: Bytes<'s, S>,
    field: &Field,
    numbers: &[f64],
    class: Class,
    is_element: bool,
) -> Result<Leaf<'s, S>, S> {
    let dictionary = match dictionary(bytes, field, class, index_kind::NUMBERS)? {
        Ok(dictionary) => dictionary,
        Err(leaf) => return Ok(leaf),
    };
    let (mut sure, mut from) = (Vec::new(), 0);
    for number in numbers {
        let (index, is_equal) = dictionary.find_number(*number, from)?;
        if is_equal {
            sure.push(index..index + 1);
        }
        from = index + u32::from(is_equal);
    }
    Keys::leaf(dictionary, sure, Vec::new(), is_element)
}

/// Rows whose number lies in the interval.
pub(super) fn numbers<'s, S: ColumnSource>(
    bytes: Bytes<'s, S>,
    field: &Field,
    (low, high): &Interval<f64>,
) -> Result<Leaf<'s, S>, S> {
    let dictionary = match dictionary(bytes, field, Class::Numbers, index_kind::NUMBERS)? {
        Ok(dictionary) => dictionary,
        Err(leaf) => return Ok(leaf),
    };
    let start = match low {
        Bound::Unbounded => 0,
        Bound::Included(number) => dictionary.find_number(*number, 0)?.0,
        Bound::Excluded(number) => behind(dictionary.find_number(*number, 0)?),
    };
    let end = match high {
        Bound::Unbounded => dictionary.key_count,
        Bound::Excluded(number) => dictionary.find_number(*number, 0)?.0,
        Bound::Included(number) => behind(dictionary.find_number(*number, 0)?),
    };
    Keys::leaf(dictionary, non_empty(start, end), Vec::new(), false)
}

pub(super) fn behind((index, is_equal): (u32, bool)) -> u32 {
    index + u32::from(is_equal)
}

pub(super) fn non_empty(start: u32, end: u32) -> Vec<Range<u32>> {
    Some(start..end).filter(|keys| !keys.is_empty()).into_iter().collect()
}
