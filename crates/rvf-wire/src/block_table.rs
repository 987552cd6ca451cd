use alloc::vec::Vec;

use rvf_types::limits::BLOCK_BYTES;
use xxhash_rust::xxh3::xxh3_64;

/// Blocks that `data_bytes` fill; the last one may be short.
pub fn block_count(data_bytes: u64) -> u64 {
    data_bytes.div_ceil(BLOCK_BYTES)
}

/// The hash of one block: XXH3-64 of its bytes, a short last block as it is.
pub fn block_hash(block: &[u8]) -> u64 {
    xxh3_64(block)
}

/// The table for data that comes in parts: one little-endian u64 for each 4 KiB block of the parts laid end to end.
pub fn block_table(parts: &[&[u8]]) -> Vec<u8> {
    let block_bytes = BLOCK_BYTES as usize;
    let total_bytes: usize = parts.iter().map(|part| part.len()).sum();
    let mut table = Vec::with_capacity(total_bytes.div_ceil(block_bytes) * 8);
    let mut block: Vec<u8> = Vec::with_capacity(block_bytes);
    for part in parts {
        let mut rest = *part;
        if !block.is_empty() {
            let (head, behind) = rest.split_at(rest.len().min(block_bytes - block.len()));
            block.extend_from_slice(head);
            rest = behind;
            if block.len() == block_bytes {
                table.extend_from_slice(&block_hash(&block).to_le_bytes());
                block.clear();
            }
        }
        let mut whole_blocks = rest.chunks_exact(block_bytes);
        for whole in &mut whole_blocks {
            table.extend_from_slice(&block_hash(whole).to_le_bytes());
        }
        block.extend_from_slice(whole_blocks.remainder());
    }
    if !block.is_empty() {
        table.extend_from_slice(&block_hash(&block).to_le_bytes());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_table_is_the_same_however_the_data_is_cut_into_parts() {
        let data: Vec<u8> = (0..20_000u32).map(|i| (i * 7 % 251) as u8).collect();
        let whole = block_table(&[&data]);
        assert_eq!(whole.len(), 5 * 8);
        for cut in [0, 1, 63, 64, 4095, 4096, 4097, 8192, 19_999, 20_000] {
            let (left, right) = data.split_at(cut);
            assert_eq!(block_table(&[left, right]), whole, "cut at {cut}");
        }
        assert_eq!(block_table(&[&data[..64], &data[64..5000], &data[5000..]]), whole);
        assert_eq!(&whole[32..40], &block_hash(&data[16_384..]).to_le_bytes());
        assert_eq!(block_table(&[]), vec![]);
    }
}
