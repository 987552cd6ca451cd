use roaring::RoaringBitmap;

/// One row in so many is what makes a flat bit set quicker than sorting.
const DENSE_ROWS_PER_ROW: u32 = 512;

/// Gathers rows from lists and bitmaps.
pub(crate) struct RowCollector {
    row_count: u32,
    listed: Vec<u32>,
    bitmap: RoaringBitmap,
}

impl RowCollector {
    /// A collector for rows below `row_count`.
    pub(crate) fn new(row_count: u32) -> RowCollector {
        RowCollector { row_count, listed: Vec::new(), bitmap: RoaringBitmap::new() }
    }

    /// Adds little-endian rows of `row_bytes` each; false where one is not below the row count.
    pub(crate) fn add_list(&mut self, list: &[u8], row_bytes: usize) -> bool {
        let before = self.listed.len();
        let rows = list.chunks_exact(row_bytes);
        match row_bytes {
            1 => self.listed.extend(rows.map(|row| u32::from(row[0]))),
            2 => self.listed.extend(rows.map(|row| u32::from(u16::from_le_bytes([row[0], row[1]])))),
            3 => self.listed.extend(rows.map(|row| u32::from_le_bytes([row[0], row[1], row[2], 0]))),
            _ => self.listed.extend(rows.map(|row| u32::from_le_bytes([row[0], row[1], row[2], row[3]]))),
        }
        self.listed[before..].iter().all(|row| *row < self.row_count)
    }

    /// Adds a bitmap in the portable format; its number of rows, or `None` where it is malformed or has a row that is not
    /// below the row count.
    pub(crate) fn add_bitmap(&mut self, bytes: &[u8]) -> Option<u64> {
        let bitmap = RoaringBitmap::deserialize_from(bytes).ok()?;
        if bitmap.max().is_some_and(|row| row >= self.row_count) {
            return None;
        }
        let count = bitmap.len();
        self.bitmap |= bitmap;
        Some(count)
    }

    /// All rows that were added.
    pub(crate) fn finish(mut self) -> RoaringBitmap {
        if self.listed.is_empty() {
            return self.bitmap;
        }
        if self.listed.len() as u64 * u64::from(DENSE_ROWS_PER_ROW) > u64::from(self.row_count) {
            // Bounded by the list: a bit set of at most 64 bytes for each listed row.
            let mut bits = vec![0_u8; self.row_count.div_ceil(8) as usize];
            for row in &self.listed {
                bits[*row as usize / 8] |= 1 << (row % 8);
            }
            return self.bitmap | RoaringBitmap::from_lsb0_bytes(0, &bits);
        }
        self.listed.sort_unstable();
        self.listed.dedup();
        self.bitmap |= self.listed.into_iter().collect::<RoaringBitmap>();
        self.bitmap
    }
}
