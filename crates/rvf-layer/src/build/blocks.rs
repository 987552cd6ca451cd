//! Clusters as blocks, and the head in front of them.

use rvf_quant::{CodeTable, ResidualEncoder, ResidualLayout};
use rvf_types::{Row, limits};

use super::RowSource;
use crate::payload::{Entry, Header, centre_layout};
use crate::{BuildError, varint};

/// Bytes of a block, about. Clusters with more are cut, so that a reader can take a part within its budget.
const BLOCK_BYTES: usize = 64 << 10;
/// Bytes of a row number and an id, about.
const ID_BYTES: usize = 20;

/// The payload of `clusters`, in their order: number of the centre and rows.
pub(super) fn write<'m, R: RowSource>(
    layout: ResidualLayout,
    origin_code: &[u8],
    clusters: impl Iterator<Item = (u32, &'m Vec<Row>)>,
    centres: &CodeTable<'_>,
    source: &R,
) -> Result<Vec<u8>, BuildError<R::Error>> {
    let codes = centre_layout(layout)?;
    let mut origin = vec![0.0; layout.dimension() as usize];
    codes.add_decoded(origin_code, &mut origin)?;
    let mut writer = BlockWriter::new(layout);
    let mut centre_codes = origin_code.to_vec();
    let mut entries = Vec::new();
    let block_rows = (BLOCK_BYTES / (layout.row_bytes() + ID_BYTES)).max(1);
    for (number, (cluster, rows)) in clusters.enumerate() {
        let code = centres.row(cluster)?;
        let mut centre = origin.clone();
        codes.add_decoded(code, &mut centre)?;
        centre_codes.extend_from_slice(code);
        for rows in rows.chunks(block_rows) {
            let start = writer.bytes.len();
            writer.append(rows, &centre, source)?;
            let bytes = (writer.bytes.len() - start) as u32;
            entries.push(Entry { rows: rows.len() as u32, bytes, centre: number as u32 });
        }
    }
    let header = Header {
        rows: writer.rows,
        row_limit: writer.row_limit,
        blocks: entries.len() as u32,
        centres: (centre_codes.len() / codes.row_bytes() - 1) as u32,
        spread: writer.spread(),
        layout,
    };
    let mut payload = Vec::with_capacity(header.head_bytes()? as usize + writer.bytes.len());
    header.write(&mut payload);
    entries.iter().for_each(|entry| entry.write(&mut payload));
    payload.extend_from_slice(&centre_codes);
    payload.extend_from_slice(&writer.bytes);
    Ok(payload)
}

/// Blocks, one after the other.
struct BlockWriter {
    encoder: ResidualEncoder,
    row_bytes: usize,
    bytes: Vec<u8>,
    rows: u32,
    row_limit: u32,
    /// Sum of the squared distances of all rows to their centres.
    squared_distances: f64,
}

impl BlockWriter {
    fn new(layout: ResidualLayout) -> BlockWriter {
        BlockWriter {
            encoder: ResidualEncoder::new(layout),
            row_bytes: layout.row_bytes(),
            bytes: Vec::new(),
            rows: 0,
            row_limit: 0,
            squared_distances: 0.0,
        }
    }

    /// Mean of the squared distances, the largest number where it is larger.
    fn spread(&self) -> f32 {
        ((self.squared_distances / f64::from(self.rows.max(1))) as f32).min(f32::MAX)
    }

    fn append<R: RowSource>(&mut self, rows: &[Row], centre: &[f32], source: &R) -> Result<(), BuildError<R::Error>> {
        let start = self.bytes.len();
        self.bytes.resize(start + rows.len() * self.row_bytes, 0);
        for (row, code) in rows.iter().zip(self.bytes[start..].chunks_exact_mut(self.row_bytes)) {
            let vector = source.vector(*row).map_err(BuildError::Source)?;
            self.squared_distances += self.encoder.encode(&vector, centre, code)?;
            self.row_limit = self.row_limit.max(row + 1);
        }
        self.rows += rows.len() as u32;
        let (mut row_before, mut id_before) = (0, Vec::new());
        for row in rows {
            let id = source.id(*row).map_err(BuildError::Source)?;
            if id.len() > limits::ID_BYTES_MAX {
                return Err(BuildError::IdLength { row: *row, bytes: id.len() });
            }
            let common = id.iter().zip(&id_before).take_while(|(left, right)| left == right).count();
            varint::write(row - row_before, &mut self.bytes);
            varint::write(common as u32, &mut self.bytes);
            varint::write((id.len() - common) as u32, &mut self.bytes);
            self.bytes.extend_from_slice(&id[common..]);
            row_before = *row;
            id_before.clear();
            id_before.extend_from_slice(&id);
        }
        Ok(())
    }
}
