use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed, xxh3_128};

/// The 128-bit content hash of some bytes: XXH3-128, little-endian.
pub fn content_hash(bytes: &[u8]) -> [u8; 16] {
    xxh3_128(bytes).to_le_bytes()
}

/// The seeded hash an id is looked up by: XXH3-64 with the file's salt as seed.
pub fn id_hash(id: &[u8], salt: u32) -> u64 {
    xxh3_64_with_seed(id, u64::from(salt))
}

/// Content hash over parts that do not lie together.
pub struct ContentHasher(Xxh3);

impl ContentHasher {
    /// A hasher that has seen nothing.
    #[allow(clippy::new_without_default)]
    pub fn new() -> ContentHasher {
        ContentHasher(Xxh3::new())
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes seen.
    pub fn finish(&self) -> [u8; 16] {
        self.0.digest128().to_le_bytes()
    }
}
