use std::sync::atomic::{AtomicU16, Ordering};

use rvf_types::limits::SKETCH_WIDTH_MAX;
use rvf_wire::{SKETCH_ROWS, SketchPayload, sketch_places};

/// After so long an access counts half: a week is what habits repeat in, and of a month's accesses the last week's then
/// have about half of the weight.
pub(super) const HALF_LIFE_NS: u64 = 7 * 24 * 3_600 * 1_000_000_000;
/// Counters of a row, for every four entries of the store, of which seldom more are asked for.
const ENTRIES_PER_COUNTER: u64 = 4;
/// 32 KiB in all: in small stores hardly two ids share their counters.
const WIDTH_MIN: u64 = 4_096;

/// How often ids were asked for lately: a count-min sketch with conservative update (Estan and Varghese, "New directions in
/// traffic measurement and accounting", 2002), which raises none but the least of a key's counters. Counting in several
/// threads may lose single accesses.
pub(crate) struct Sketch {
    width: u32,
    halved_ns: u64,
    counters: Vec<AtomicU16>,
}

/// Counters of a row that so many entries ask for.
fn width_for(entries: u64) -> u32 {
    (entries / ENTRIES_PER_COUNTER).next_power_of_two().clamp(WIDTH_MIN, u64::from(SKETCH_WIDTH_MAX)) as u32
}

impl Sketch {
    pub(super) fn blank(now_ns: u64) -> Sketch {
        let counters = (0..SKETCH_ROWS * WIDTH_MIN as usize).map(|_| AtomicU16::new(0)).collect();
        Sketch { width: WIDTH_MIN as u32, halved_ns: now_ns, counters }
    }

    pub(super) fn of(payload: SketchPayload) -> Sketch {
        let counters = payload.counters.into_iter().map(AtomicU16::new).collect();
        Sketch { width: payload.width, halved_ns: payload.halved_ns, counters }
    }

    pub(super) fn payload(&self) -> SketchPayload {
        let counters = self.counters.iter().map(|counter| counter.load(Ordering::Relaxed)).collect();
        SketchPayload { width: self.width, halved_ns: self.halved_ns, counters }
    }

    /// True where [`Sketch::update`] has something to do.
    pub(super) fn is_due(&self, entries: u64, now_ns: u64) -> bool {
        now_ns.abs_diff(self.halved_ns) >= HALF_LIFE_NS || self.width < width_for(entries)
    }

    /// Halves the counters for the time that has passed, and widens them for a store that has grown.
    pub(super) fn update(&mut self, entries: u64, now_ns: u64) {
        let halvings = now_ns.saturating_sub(self.halved_ns) / HALF_LIFE_NS;
        if halvings > 0 {
            for counter in &mut self.counters {
                let value = counter.get_mut();
                *value = value.checked_shr(halvings.min(u64::from(u16::BITS)) as u32).unwrap_or(0);
            }
            self.halved_ns += halvings * HALF_LIFE_NS;
        } else if self.halved_ns > now_ns {
            // A clock that was far ahead must not stop the halving until then.
            self.halved_ns = now_ns;
        }
        while self.width < width_for(entries) {
            self.widen();
        }
    }

    /// Twice as many counters: what a key has counted is in both that its counter may be now.
    fn widen(&mut self) {
        let rows = self.counters.chunks_exact(self.width as usize);
        let copies = rows.flat_map(|row| row.iter().chain(row));
        self.counters = copies.map(|counter| AtomicU16::new(counter.load(Ordering::Relaxed))).collect();
        self.width *= 2;
    }

    fn counters_of(&self, hash: u64) -> [&AtomicU16; SKETCH_ROWS] {
        sketch_places(hash, self.width).map(|place| &self.counters[place])
    }

    /// About how often the id of this hash was asked for; never less but for what other threads counted at the same time.
    pub(crate) fn count(&self, hash: u64) -> u16 {
        self.counters_of(hash).iter().map(|counter| counter.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    /// Counts one access.
    pub(super) fn add(&self, hash: u64) {
        let least = self.count(hash);
        if least == u16::MAX {
            return;
        }
        for counter in self.counters_of(hash) {
            // Another thread that counts here at the same moment may win.
            let _ = counter.compare_exchange(least, least + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use rvf_wire::id_hash;

    use super::*;

    fn hash(number: usize) -> u64 {
        id_hash(format!("id-{number}").as_bytes(), 7)
    }

    #[test]
    fn counts_are_never_too_low_and_seldom_too_high() {
        let mut sketch = Sketch::blank(0);
        sketch.update(10_000, 0);
        for number in 0..1_000 {
            (0..=number % 50).for_each(|_| sketch.add(hash(number)));
        }
        let excess = |number: usize| usize::from(sketch.count(hash(number))).checked_sub(number % 50 + 1).unwrap();
        assert!((0..1_000).filter(|number| excess(*number) > 0).count() <= 20);
        let strangers = (1_000..10_000).filter(|number| sketch.count(hash(*number)) > 0).count();
        assert!(strangers <= 400, "{strangers} of 9,000 ids that nobody asked for have a count");
    }

    #[test]
    fn a_wider_sketch_has_the_counts_of_the_narrower() {
        let mut sketch = Sketch::blank(0);
        (0..100).for_each(|number| (0..=number).for_each(|_| sketch.add(hash(number))));
        let before: Vec<u16> = (0..100).map(|number| sketch.count(hash(number))).collect();
        sketch.update(100_000, 0);
        assert_eq!(sketch.width, 32_768);
        assert_eq!((0..100).map(|number| sketch.count(hash(number))).collect::<Vec<_>>(), before);
    }

    #[test]
    fn counts_halve_with_each_half_life_and_the_rest_of_the_time_counts_for_the_next() {
        let mut sketch = Sketch::blank(1_000);
        (0..100).for_each(|_| sketch.add(hash(1)));
        sketch.update(1, 1_000 + HALF_LIFE_NS - 1);
        assert_eq!(sketch.count(hash(1)), 100);
        sketch.update(1, 1_000 + 2 * HALF_LIFE_NS + HALF_LIFE_NS / 2);
        assert_eq!(sketch.count(hash(1)), 25);
        sketch.update(1, 1_000 + 3 * HALF_LIFE_NS);
        assert_eq!(sketch.count(hash(1)), 12);
        sketch.update(1, u64::MAX);
        assert_eq!(sketch.count(hash(1)), 0);
    }

    #[test]
    fn a_clock_that_was_ahead_does_not_stop_the_halving() {
        let mut sketch = Sketch::blank(100 * HALF_LIFE_NS);
        (0..100).for_each(|_| sketch.add(hash(1)));
        assert!(sketch.is_due(1, HALF_LIFE_NS));
        sketch.update(1, HALF_LIFE_NS);
        sketch.update(1, 2 * HALF_LIFE_NS);
        assert_eq!(sketch.count(hash(1)), 50);
    }

    #[test]
    fn a_counter_that_is_full_stays_full() {
        let sketch = Sketch::blank(0);
        (0..70_000).for_each(|_| sketch.add(hash(1)));
        assert_eq!(sketch.count(hash(1)), u16::MAX);
    }
}
