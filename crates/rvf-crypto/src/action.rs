use crate::shake256_32;

/// Keeps action hashes apart from every other use of SHAKE-256 in the store. The trailing number is the version of the
/// layout.
const DOMAIN: &[u8; 16] = b"rvf-witness-act1";

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionSummary<'a> {
    /// Number of the operation, as the engine assigns them.
    pub operation: u8,
    /// The commit's epoch.
    pub epoch: u64,
    /// Rows written.
    pub upserts: u64,
    /// Rows deleted.
    pub deletes: u64,
    /// Content hashes of the transaction's segments, in file order.
    pub content_hashes: &'a [[u8; 16]],
}

/// Hash of what a commit did: SHAKE-256, 32 bytes, of
///
/// ```text
/// 0   16  "rvf-witness-act1"
/// 16   1  operation
/// 17   8  epoch, u64, little-endian, as are all numbers here
/// 25   8  upserts
/// 33   8  deletes
/// 41   8  number of content hashes
/// 49  16  each content hash
/// ```
///
/// Every field but the hashes has a fixed length and the hashes are counted, so no two summaries share bytes.
pub fn action_hash(summary: ActionSummary<'_>) -> [u8; 32] {
    let hash_count = summary.content_hashes.len() as u64;
    shake256_32(&[
        DOMAIN,
        &[summary.operation],
        &summary.epoch.to_le_bytes(),
        &summary.upserts.to_le_bytes(),
        &summary.deletes.to_le_bytes(),
        &hash_count.to_le_bytes(),
        summary.content_hashes.as_flattened(),
    ])
}
