use alloc::vec::Vec;

use rvf_types::NO_ROW;

use super::{GRAPH_HEADER_BYTES, GRAPH_VERSION, lists_start};
use crate::build::Table;

/// The payload of a graph.
pub(crate) fn write(table: &Table, looked_for: u32) -> Vec<u8> {
    let entries = table.entries();
    let start = lists_start(entries.len());
    let mut bytes = Vec::with_capacity(start + table.row_count() as usize * table.degree() * 4);
    bytes.extend_from_slice(&GRAPH_VERSION.to_le_bytes());
    bytes.extend_from_slice(&table.row_count().to_le_bytes());
    bytes.extend_from_slice(&table.present().to_le_bytes());
    bytes.extend_from_slice(&(table.degree() as u16).to_le_bytes());
    bytes.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&looked_for.to_le_bytes());
    bytes.resize(GRAPH_HEADER_BYTES, 0);
    bytes.extend(entries.iter().flat_map(|row| row.to_le_bytes()));
    bytes.resize(start, 0);
    for row in 0..table.row_count() {
        let links = table.links(row);
        bytes.extend(links.iter().flat_map(|row| row.to_le_bytes()));
        let free = table.degree() - links.len();
        bytes.extend(core::iter::repeat_n(NO_ROW.to_le_bytes(), free).flatten());
    }
    bytes
}
