//! Fuzzed bytes as a list of edits to a whole file: so the fuzzer starts where checksums are right.

use std::ops::Range;

/// The committed golden files of the format.
pub(crate) const BASES: [&[u8]; 5] = [
    include_bytes!("../../../crates/rvf-runtime/tests/golden/closed.rvf"),
    include_bytes!("../../../crates/rvf-runtime/tests/golden/unclosed.rvf"),
    include_bytes!("../../../crates/rvf-runtime/tests/golden/unsynced.rvf"),
    include_bytes!("../../../crates/rvf-runtime/tests/golden/compacted.rvf"),
    include_bytes!("../../../crates/rvf-runtime/tests/golden/updated.rvf"),
];

/// Numbers at which arithmetic ends.
const INTERESTING: [u64; 16] = [
    0,
    1,
    63,
    64,
    4096,
    65_536,
    65_537,
    (1 << 27) + 1,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    1 << 53,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// Most bytes that a script makes of a file.
const BYTES_MAX: usize = 1 << 18;

/// What a script asks for.
pub(crate) struct Edited {
    pub bytes: Vec<u8>,
    /// Make all checksums right again.
    pub is_resealed: bool,
}

/// Reads fuzzed bytes one by one; past the end there are zeros.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().map_or((0, self.rest), |(first, rest)| (*first, rest));
        self.rest = rest;
        first
    }

    fn number(&mut self) -> usize {
        usize::from(self.byte()) << 16 | usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// A place in `bytes`.
    fn place(&mut self, bytes: &[u8]) -> usize {
        self.number() % (bytes.len() + 1)
    }

    fn range(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.place(bytes);
        let len = usize::from(self.byte()) << 8 | usize::from(self.byte());
        start..(start + len).min(bytes.len())
    }
}

/// {base, seal, edits}, or the file itself behind a first byte that names no base.
pub(crate) fn edited(data: &[u8]) -> Edited {
    let mut script = Reader { rest: data };
    let choice = usize::from(script.byte());
    let Some(base) = BASES.get(choice) else {
        return Edited { bytes: script.rest.to_vec(), is_resealed: choice % 2 == 1 };
    };
    let is_resealed = !script.byte().is_multiple_of(4);
    let mut bytes = base.to_vec();
    while !script.rest.is_empty() && bytes.len() <= BYTES_MAX {
        edit(&mut bytes, &mut script);
    }
    Edited { bytes, is_resealed }
}

fn edit(bytes: &mut Vec<u8>, script: &mut Reader<'_>) {
    match script.byte() % 8 {
        0 => {
            let place = script.place(bytes);
            let len = usize::from(script.byte() % 32);
            overwrite(bytes, place, script.take(len));
        }
        1 => {
            let place = script.place(bytes) & !7;
            let number = INTERESTING[usize::from(script.byte()) % INTERESTING.len()];
            let width = 1 << (script.byte() % 4);
            overwrite(bytes, place, &number.to_le_bytes()[..width]);
        }
        2 => {
            let len = script.place(bytes);
            bytes.truncate(len);
        }
        3 => {
            let range = script.range(bytes);
            let copied = bytes[range].to_vec();
            let place = script.place(bytes);
            overwrite(bytes, place, &copied);
        }
        4 => {
            let range = script.range(bytes);
            let copied = bytes[range].to_vec();
            bytes.extend_from_slice(&copied);
        }
        5 => {
            let range = script.range(bytes);
            bytes[range].fill(0);
        }
        6 => {
            let len = script.number() % 8192;
            bytes.resize(bytes.len() + len, 0);
        }
        _ => {
            let place = script.place(bytes);
            if let Some(byte) = bytes.get_mut(place) {
                *byte = byte.wrapping_add(script.byte());
            }
        }
    }
}

fn overwrite(bytes: &mut [u8], place: usize, new: &[u8]) {
    let end = (place + new.len()).min(bytes.len());
    bytes[place..end].copy_from_slice(&new[..end - place]);
}
