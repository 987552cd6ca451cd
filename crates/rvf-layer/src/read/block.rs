use rvf_types::{Row, limits};

use crate::varint;

/// Tells `visit` the row number, id and distance of each row of a block, or answers what of `ids`, its row numbers and ids,
/// is not valid. There is a distance for each row.
pub(super) fn each_row(
    mut ids: &[u8],
    row_limit: u32,
    distances: &[f32],
    mut visit: impl FnMut(Row, &[u8], f32),
) -> Result<(), &'static str> {
    let mut row: Option<Row> = None;
    let mut id = Vec::new();
    for distance in distances {
        let step = varint::read(&mut ids).ok_or("a row number")?;
        let next = match row {
            None => Some(step),
            Some(row) if step > 0 => row.checked_add(step),
            Some(_) => None,
        };
        row = next.filter(|row| *row < row_limit);
        let row = row.ok_or("a row number")?;
        read_id(&mut ids, &mut id).ok_or("an id")?;
        visit(row, &id, *distance);
    }
    if ids.is_empty() { Ok(()) } else { Err("the length of a block") }
}

/// Turns `id` from the id before into the next one.
fn read_id(ids: &mut &[u8], id: &mut Vec<u8>) -> Option<()> {
    let common = varint::read(ids)? as usize;
    let following = varint::read(ids)? as usize;
    // The sum of two numbers of 32 bits may wrap where pointers have as many.
    if common > id.len() || common.checked_add(following)? > limits::ID_BYTES_MAX {
        return None;
    }
    let (bytes, rest) = ids.split_at_checked(following)?;
    *ids = rest;
    id.truncate(common);
    id.extend_from_slice(bytes);
    Some(())
}
