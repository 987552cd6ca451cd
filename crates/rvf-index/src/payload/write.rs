use alloc::vec::Vec;

use rvf_types::{NO_ROW, Row};

use super::header::{DeltaShape, Header, Pending};
use super::{ADDED, DELTA_GROUP_ROWS};
use crate::build::Table;
use crate::{Graph, SearchError};

/// The payload of a whole graph.
pub(crate) fn write(table: &Table, pending: Pending) -> Vec<u8> {
    let header = header(table, pending, None);
    let lists = table.row_count() as usize * table.degree() * 4;
    let mut bytes = Vec::with_capacity(header.bytes() as usize + lists);
    header.write(&mut bytes);
    for row in 0..table.row_count() {
        let links = table.links(row);
        bytes.extend(links.iter().flat_map(|row| row.to_le_bytes()));
        let free = table.degree() - links.len();
        bytes.extend(core::iter::repeat_n(NO_ROW.to_le_bytes(), free).flatten());
    }
    bytes
}

/// The payload of what differs from an earlier state.
pub(crate) fn write_delta<E>(
    table: &Table,
    pending: Pending,
    earlier: &impl Graph<E>,
) -> Result<Vec<u8>, SearchError<E>> {
    let changes = Changes::between(table, earlier)?;
    let (changed, links) = (changes.rows.len() as u32, changes.links.len() as u32);
    let delta = DeltaShape { earlier_row_count: earlier.row_count(), changed, links };
    let mut bytes = Vec::new();
    header(table, pending, Some(delta)).write(&mut bytes);
    for group in 0..=table.row_count().div_ceil(DELTA_GROUP_ROWS) {
        let end = u64::from(group) * u64::from(DELTA_GROUP_ROWS);
        let before = changes.rows.partition_point(|row| u64::from(*row) < end) as u32;
        bytes.extend_from_slice(&before.to_le_bytes());
    }
    bytes.extend(changes.rows.iter().map(|row| (row % DELTA_GROUP_ROWS) as u8));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let numbers = changes.starts.iter().chain([&links]).chain(&changes.links);
    bytes.extend(numbers.flat_map(|number| number.to_le_bytes()));
    Ok(bytes)
}

fn header(table: &Table, pending: Pending, delta: Option<DeltaShape>) -> Header {
    let entries = table.entries().to_vec();
    Header { row_count: table.row_count(), present: table.present(), degree: table.degree(), entries, pending, delta }
}

/// Lists that differ.
#[derive(Default)]
struct Changes {
    /// In ascending order.
    rows: Vec<Row>,
    /// Where the links of each row start, with the mark of those that are added.
    starts: Vec<u32>,
    links: Vec<Row>,
}

impl Changes {
    fn between<E>(table: &Table, earlier: &impl Graph<E>) -> Result<Changes, SearchError<E>> {
        let mut changes = Changes::default();
        let mut before = Vec::with_capacity(table.degree());
        for row in 0..table.row_count() {
            before.clear();
            if row < earlier.row_count() {
                earlier.neighbours(row, &mut before)?;
            }
            let links = table.links(row);
            if links == before {
                continue;
            }
            let is_added = !before.is_empty() && links.starts_with(&before);
            let start = changes.links.len() as u32;
            changes.rows.push(row);
            changes.starts.push(if is_added { start | ADDED } else { start });
            changes.links.extend_from_slice(if is_added { &links[before.len()..] } else { links });
            if changes.links.len() >= ADDED as usize {
                return Err(SearchError::LongDelta);
            }
        }
        Ok(changes)
    }
}
