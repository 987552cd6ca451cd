use std::collections::BinaryHeap;

/// The k nearest rows of those pushed: smaller distance first, smaller row among equals.
///
/// Memory grows with what was pushed, not with k. A distance that is NaN never enters; -0 counts, and comes back, as 0.
///
/// A distance and its row are packed into one `u64` whose order is the order of the pair, so that the heap compares and
/// moves single words.
pub struct TopK {
    /// Largest key, that of the worst row kept, on top.
    keys: BinaryHeap<u64>,
    capacity: usize,
    threshold: f32,
}

impl TopK {
    /// Collects the `capacity` nearest rows; none at all where it is 0.
    pub fn new(capacity: usize) -> TopK {
        let threshold = if capacity == 0 { f32::NEG_INFINITY } else { f32::INFINITY };
        TopK { keys: BinaryHeap::new(), capacity, threshold }
    }

    /// Offers a row. Costs one comparison where the row is too far.
    #[inline]
    pub fn push(&mut self, distance: f32, row: u32) {
        // NaN compares false with everything, so it ends here.
        if distance <= self.threshold {
            self.insert(key_of(distance, row));
        }
    }

    /// No row farther than this can enter: the worst distance kept, or infinity while there is room.
    ///
    /// A row at exactly this distance still enters where it is smaller than the worst one kept.
    #[inline]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Rows kept.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True before the first row entered.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The rows kept as (distance, row), nearest first.
    pub fn into_sorted(self) -> Vec<(f32, u32)> {
        self.keys.into_sorted_vec().into_iter().map(pair_of).collect()
    }

    fn insert(&mut self, key: u64) {
        if self.keys.len() < self.capacity {
            self.keys.push(key);
        } else if let Some(mut worst) = self.keys.peek_mut()
            && key < *worst
        {
            *worst = key;
        }
        if self.keys.len() == self.capacity
            && let Some(worst) = self.keys.peek()
        {
            self.threshold = pair_of(*worst).0;
        }
    }
}

/// The bits of a float, rearranged so that they order as the floats do: all of a negative number's are flipped, of
/// another only the sign.
fn key_of(distance: f32, row: u32) -> u64 {
    // Adding 0 turns -0 into 0.
    let bits = (distance + 0.0).to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(row)
}

/// What [`key_of`] was made of.
fn pair_of(key: u64) -> (f32, u32) {
    let ordered = (key >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    (f32::from_bits(bits), key as u32)
}
