use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::BuildError;
use crate::columns::encode::to_u32;

/// Slots of the smallest table.
const SLOTS_MIN: usize = 16;

/// Distinct texts one behind the other, numbered from 0 in the order they were added, with a hash table to find them.
#[derive(Default)]
pub(crate) struct Interned {
    bytes: Vec<u8>,
    /// The end of each text in `bytes`.
    ends: Vec<usize>,
    /// A power of two of them, half of them free or more: 32 bits of the hash, then the text's number plus 1; 0 is free.
    slots: Vec<u64>,
}

impl Interned {
    /// Number of texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text with this number.
    pub(crate) fn text(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }

    /// All texts in the order of their numbers.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.text(number))
    }

    /// The number of a text that was added.
    pub(crate) fn find(&self, text: &[u8]) -> Option<u32> {
        if self.slots.is_empty() { None } else { self.probe(hash(text), text).ok() }
    }

    /// The number of a text, which is added where it is new.
    pub(crate) fn find_or_add(&mut self, text: &[u8]) -> Result<u32, BuildError> {
        if self.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(text);
        let slot = match self.probe(hash, text) {
            Ok(number) => return Ok(number),
            Err(slot) => slot,
        };
        let number_plus_one = to_u32(self.len() + 1)?;
        self.slots[slot] = u64::from(hash) << 32 | u64::from(number_plus_one);
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        Ok(number_plus_one - 1)
    }

    /// The number of a text, or the free slot that it would take.
    fn probe(&self, hash: u32, text: &[u8]) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Err(at);
            }
            let number = slot as u32 - 1;
            if (slot >> 32) as u32 == hash && self.text(number as usize) == text {
                return Ok(number);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let slot_count = (self.slots.len() * 2).max(SLOTS_MIN);
        let smaller = std::mem::replace(&mut self.slots, vec![0; slot_count]);
        for slot in smaller.into_iter().filter(|slot| *slot != 0) {
            let mut at = (slot >> 32) as usize & (slot_count - 1);
            while self.slots[at] != 0 {
                at = (at + 1) & (slot_count - 1);
            }
            self.slots[at] = slot;
        }
    }
}

/// A hash with a seed that nobody outside the process knows, so that no metadata can be made to collide.
fn hash(text: &[u8]) -> u32 {
    static SEED: OnceLock<u64> = OnceLock::new();
    xxh3_64_with_seed(text, *SEED.get_or_init(|| RandomState::new().hash_one(0))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_numbers_while_the_table_grows() {
        let mut interned = Interned::default();
        assert_eq!(interned.find(b""), None);
        let texts: Vec<String> = (0..5_000).map(|number| "x".repeat(number % 300) + &number.to_string()).collect();
        for round in 0..2 {
            for (number, text) in texts.iter().enumerate() {
                assert_eq!(interned.find(text.as_bytes()).is_some(), round == 1);
                assert_eq!(interned.find_or_add(text.as_bytes()), Ok(number as u32));
            }
        }
        assert!(interned.texts().eq(texts.iter().map(String::as_bytes)));
        assert_eq!(interned.find_or_add(b""), Ok(5_000));
        assert_eq!(interned.text(5_000), b"");
        assert_eq!(interned.find(b""), Some(5_000));
    }
}
