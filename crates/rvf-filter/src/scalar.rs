//! Scalar values and sets of them.

use crate::document::Value;

/// A scalar that a filter compares with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Boolean(bool),
    Number(f64),
    Text(Vec<u8>),
}

/// Distinct scalars by type, numbers and texts in ascending order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ScalarSet {
    pub(crate) has_null: bool,
    pub(crate) has_false: bool,
    pub(crate) has_true: bool,
    pub(crate) numbers: Vec<f64>,
    pub(crate) texts: Vec<Vec<u8>>,
}

impl ScalarSet {
    /// A set of one value.
    pub(crate) fn of(scalar: Scalar) -> ScalarSet {
        let mut set = ScalarSet::default();
        set.add(scalar);
        set
    }

    /// Adds a value; [`ScalarSet::arrange`] has to follow the last one.
    pub(crate) fn add(&mut self, scalar: Scalar) {
        match scalar {
            Scalar::Null => self.has_null = true,
            Scalar::Boolean(false) => self.has_false = true,
            Scalar::Boolean(true) => self.has_true = true,
            Scalar::Number(number) => self.numbers.push(number),
            Scalar::Text(text) => self.texts.push(text),
        }
    }

    /// Sorts and removes duplicates.
    pub(crate) fn arrange(&mut self) {
        self.numbers.sort_unstable_by(f64::total_cmp);
        self.numbers.dedup();
        self.texts.sort_unstable();
        self.texts.dedup();
    }

    /// The set's values, each as a set of its own.
    pub(crate) fn singles(&self) -> impl Iterator<Item = ScalarSet> {
        let words = [(self.has_null, Scalar::Null), (self.has_false, Scalar::Boolean(false))]
            .into_iter()
            .chain([(self.has_true, Scalar::Boolean(true))])
            .filter_map(|(is_there, scalar)| is_there.then_some(scalar));
        let numbers = self.numbers.iter().map(|number| Scalar::Number(*number));
        let texts = self.texts.iter().map(|text| Scalar::Text(text.clone()));
        words.chain(numbers).chain(texts).map(ScalarSet::of)
    }

    /// True where the value is a scalar of the set.
    pub(crate) fn contains(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Null => self.has_null,
            Value::Boolean(false) => self.has_false,
            Value::Boolean(true) => self.has_true,
            Value::Number(number) => self.numbers.binary_search_by(|probe| probe.total_cmp(number)).is_ok(),
            Value::Text(text) => self.texts.binary_search_by(|probe| probe.as_slice().cmp(text)).is_ok(),
            Value::Array(_) | Value::Object => false,
        }
    }

    /// True where every scalar of `other` is in this set.
    pub(crate) fn contains_all(&self, other: &ScalarSet) -> bool {
        (self.has_null || !other.has_null)
            && (self.has_false || !other.has_false)
            && (self.has_true || !other.has_true)
            && other.numbers.iter().all(|n| self.numbers.binary_search_by(|probe| probe.total_cmp(n)).is_ok())
            && other.texts.iter().all(|text| self.texts.binary_search(text).is_ok())
    }
}
