//! Numbers that look random and are the same in every run: SplitMix64 (Steele, Lea and Flood, 2014).

/// A sequence that its seed determines.
pub struct Numbers {
    state: u64,
}

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers { state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// A number from -1 to 1 with few digits, so that it reads well in JSON.
    pub fn component(&mut self) -> f32 {
        (self.below(2001) as f32 - 1000.0) / 1000.0
    }
}
