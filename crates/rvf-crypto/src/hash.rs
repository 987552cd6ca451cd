use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// First 32 bytes of SHAKE-256 (FIPS 202) over the parts, one after another.
///
/// Where the parts end does not enter the hash: parts of variable length need a length before them.
pub fn shake256_32(parts: &[&[u8]]) -> [u8; 32] {
    shake256(parts)
}

/// First 16 bytes of SHAKE-256 over the parts, one after another: for content hashes, where 64 bits of collision
/// resistance are enough. It is a prefix of [`shake256_32`].
pub fn shake256_16(parts: &[&[u8]]) -> [u8; 16] {
    shake256(parts)
}

fn shake256<const BYTES: usize>(parts: &[&[u8]]) -> [u8; BYTES] {
    let mut hasher = Shake256::default();
    for part in parts {
        hasher.update(part);
    }
    let mut digest = [0; BYTES];
    hasher.finalize_xof().read(&mut digest);
    digest
}
