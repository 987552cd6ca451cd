use crate::{WitnessKind, shake256_32};

/// Bytes of one encoded entry.
pub const WITNESS_ENTRY_BYTES: usize = 73;

/// What the first entry of a chain names as its predecessor.
pub const GENESIS_HASH: [u8; 32] = [0; 32];

/// One link of the chain: what was done, when, and after what.
///
/// ```text
/// 0   32  hash of the previous entry, zeros for the first
/// 32  32  hash of the action
/// 64   8  nanoseconds since the Unix epoch, u64, little-endian
/// 72   1  kind
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WitnessEntry {
    /// [`WitnessEntry::hash`] of the entry before, [`GENESIS_HASH`] for the first.
    pub previous_hash: [u8; 32],
    /// What was done: [`crate::action_hash`] for a commit.
    pub action_hash: [u8; 32],
    /// Nanoseconds since the Unix epoch, as the host's clock told them; the chain does not vouch for the clock.
    pub timestamp_ns: u64,
    /// What the entry bears witness of.
    pub kind: WitnessKind,
}

/// Why bytes are not a witness entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// No kind of entry has this number.
    #[error("witness kind 0x{value:02X} is unknown")]
    UnknownKind {
        /// The number found.
        value: u8,
    },
}

/// A chain whose links do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("witness entry {index} does not name the entry before it")]
pub struct BrokenLink {
    /// Which entry, counted from 0, names another predecessor than the one before it.
    pub index: u64,
}

impl WitnessEntry {
    /// The entry's bytes.
    pub fn encode(&self) -> [u8; WITNESS_ENTRY_BYTES] {
        let mut bytes = [0; WITNESS_ENTRY_BYTES];
        bytes[..32].copy_from_slice(&self.previous_hash);
        bytes[32..64].copy_from_slice(&self.action_hash);
        bytes[64..72].copy_from_slice(&self.timestamp_ns.to_le_bytes());
        bytes[72] = self.kind.as_u8();
        bytes
    }

    /// The entry these bytes encode. Its links are not checked: [`verify_links`] does that.
    ///
    /// # Errors
    /// The kind is unknown.
    pub fn decode(bytes: &[u8; WITNESS_ENTRY_BYTES]) -> Result<WitnessEntry, WitnessError> {
        let mut entry = WitnessEntry {
            previous_hash: [0; 32],
            action_hash: [0; 32],
            timestamp_ns: 0,
            kind: WitnessKind::from_u8(bytes[72])?,
        };
        entry.previous_hash.copy_from_slice(&bytes[..32]);
        entry.action_hash.copy_from_slice(&bytes[32..64]);
        let mut timestamp = [0; 8];
        timestamp.copy_from_slice(&bytes[64..72]);
        entry.timestamp_ns = u64::from_le_bytes(timestamp);
        Ok(entry)
    }

    /// What the next entry names as its predecessor: SHAKE-256, 32 bytes, of the 73 bytes.
    pub fn hash(&self) -> [u8; 32] {
        shake256_32(&[&self.encode()])
    }
}

/// Follows the links of a chain and returns its head, the hash the next entry will name; that is `first_previous` for
/// an empty chain.
///
/// Splicing, reordering and omitting entries break a link, and so does changing any but the last. What happened at the
/// end, a changed or missing last entry, shows only in the head: compare it with the one the signed or checksummed
/// state holds.
///
/// # Errors
/// An entry does not name the one before it; the first must name `first_previous`.
pub fn verify_links(
    first_previous: [u8; 32],
    entries: impl IntoIterator<Item = WitnessEntry>,
) -> Result<[u8; 32], BrokenLink> {
    let mut head = first_previous;
    for (index, entry) in (0..).zip(entries) {
        if entry.previous_hash != head {
            return Err(BrokenLink { index });
        }
        head = entry.hash();
    }
    Ok(head)
}
