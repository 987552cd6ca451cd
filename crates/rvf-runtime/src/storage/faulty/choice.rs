//! What a power cut spares of that which was written and not synced.

use std::ops::Range;

/// Sizes at which a write may tear: a byte, a disk sector, a page.
const GRANULARITIES: [u64; 3] = [1, 512, 4096];

/// Out of a hundred unsynced changes, how many survive whole: each seed has one of these tendencies.
const KEPT_PERCENTS: [u64; 3] = [10, 50, 90];

/// Which unsynced changes survive a power cut.
///
/// Bytes whose sync failed are not among them: unless they were written again, only `Seeded` ever finds any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrashChoice {
    /// All of them, whole: what a killed process leaves.
    KeepAll,
    /// None of them.
    DropAll,
    /// One answer for each of the pending writes and length changes of all files, in the order of the log; those
    /// beyond the last answer are dropped. All names survive.
    Subset(Vec<bool>),
    /// By this seed: writes kept, dropped, torn, stripped of sectors; lengths grown without data and data without
    /// length, over zeros or over stale bytes; of the names in each directory, some first ones.
    Seeded(u64),
}

/// What happens to the length of a file for a write behind its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LengthFate {
    Whole,
    AsFarAsData,
    Unchanged,
}

/// What became of one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    /// The parts of the written bytes that reached the disk.
    pub kept: Vec<Range<usize>>,
    /// How far the file grew.
    pub length: LengthFate,
    /// Where the file grew without data: do old bytes show, or zeros?
    pub stale: bool,
}

impl Fate {
    pub fn keep(len: usize) -> Fate {
        Fate { kept: std::iter::once(0..len).collect(), length: LengthFate::Whole, stale: false }
    }

    pub fn drop() -> Fate {
        Fate { kept: Vec::new(), length: LengthFate::Unchanged, stale: false }
    }
}

/// Asks a [`CrashChoice`] about one pending change after the other.
pub(super) struct Chooser<'a> {
    choice: &'a CrashChoice,
    position: usize,
    random: SplitMix64,
    kept_percent: u64,
}

impl<'a> Chooser<'a> {
    pub fn new(choice: &'a CrashChoice) -> Chooser<'a> {
        let mut random = SplitMix64(match choice {
            CrashChoice::Seeded(seed) => *seed,
            _ => 0,
        });
        let kept_percent = KEPT_PERCENTS[random.below(3) as usize];
        Chooser { choice, position: 0, random, kept_percent }
    }

    /// What becomes of a write that no sync covered.
    pub fn pending_write(&mut self, offset: u64, len: usize) -> Fate {
        if let CrashChoice::Seeded(_) = self.choice {
            return self.random_fate(offset, len);
        }
        if self.keeps_whole() { Fate::keep(len) } else { Fate::drop() }
    }

    /// What becomes of a write whose sync failed.
    pub fn lost_write(&mut self, offset: u64, len: usize) -> Fate {
        match self.choice {
            CrashChoice::Seeded(_) => self.random_fate(offset, len),
            _ => Fate::drop(),
        }
    }

    /// Whether a change of the length survives, and whether old bytes show where the file grows by it.
    pub fn pending_length(&mut self) -> (bool, bool) {
        match self.choice {
            CrashChoice::Seeded(_) => {
                let kept = self.random.below(100) < self.kept_percent;
                (kept, self.random.coin())
            }
            _ => (self.keeps_whole(), false),
        }
    }

    /// How many of a directory's pending changes survive; always the first ones, as in a journal.
    pub fn surviving_names(&mut self, pending: usize) -> usize {
        match self.choice {
            CrashChoice::KeepAll | CrashChoice::Subset(_) => pending,
            CrashChoice::DropAll => 0,
            CrashChoice::Seeded(_) => self.random.below(pending as u64 + 1) as usize,
        }
    }

    fn keeps_whole(&mut self) -> bool {
        let position = self.position;
        self.position += 1;
        match self.choice {
            CrashChoice::Subset(answers) => answers.get(position).copied().unwrap_or(false),
            CrashChoice::KeepAll => true,
            CrashChoice::DropAll | CrashChoice::Seeded(_) => false,
        }
    }

    fn random_fate(&mut self, offset: u64, len: usize) -> Fate {
        if self.random.below(100) < self.kept_percent {
            return Fate::keep(len);
        }
        let stale = self.random.coin();
        match self.random.below(6) {
            0 | 1 => Fate::drop(),
            2 => Fate { length: LengthFate::Whole, stale, ..Fate::drop() },
            3 => Fate { length: LengthFate::Unchanged, ..Fate::keep(len) },
            4 => {
                let kept = vec![self.prefix(offset, len)];
                self.torn(stale, kept)
            }
            _ => {
                let kept = self.some_sectors(offset, len);
                self.torn(stale, kept)
            }
        }
    }

    fn torn(&mut self, stale: bool, kept: Vec<Range<usize>>) -> Fate {
        let length = if self.random.coin() { LengthFate::Whole } else { LengthFate::AsFarAsData };
        Fate { kept, length, stale }
    }

    fn prefix(&mut self, offset: u64, len: usize) -> Range<usize> {
        let granularity = GRANULARITIES[self.random.below(3) as usize];
        let cut = offset + self.random.below(len as u64 + 1);
        let boundary = cut - cut % granularity;
        0..boundary.saturating_sub(offset) as usize
    }

    fn some_sectors(&mut self, offset: u64, len: usize) -> Vec<Range<usize>> {
        let granularity = GRANULARITIES[1 + self.random.below(2) as usize];
        let kept_eighths = [1, 4, 7][self.random.below(3) as usize];
        let end = offset + len as u64;
        let mut kept = Vec::new();
        let mut start = offset;
        while start < end {
            let sector_end = end.min((start / granularity + 1) * granularity);
            if self.random.below(8) < kept_eighths {
                kept.push((start - offset) as usize..(sector_end - offset) as usize);
            }
            start = sector_end;
        }
        kept
    }
}

/// A small generator of well-mixed numbers (Steele, Lea, Flood 2014): the same seed, the same crash, everywhere.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}
