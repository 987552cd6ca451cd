use rvf_quant::{CodeScorer, CodeTable, QuantError};
use rvf_types::Row;

/// Clusters that have rows, each followed by the nearest one that is left: what a query wants then lies in few places.
pub(super) fn chain(centres: &CodeTable<'_>, members: &[Vec<Row>]) -> Result<Vec<u32>, QuantError> {
    let mut left: Vec<u32> = (0..centres.rows()).filter(|centre| !members[*centre as usize].is_empty()).collect();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let mut last = left.remove(0);
    let mut order = vec![last];
    let mut scorer = CodeScorer::of_row(centres, last)?;
    let mut distances = vec![0.0; left.len()];
    while !left.is_empty() {
        scorer.aim_at(centres, last)?;
        let distances = &mut distances[..left.len()];
        scorer.distances(centres, &left, distances)?;
        let nearest = (0..left.len()).min_by(|a, b| distances[*a].total_cmp(&distances[*b])).unwrap_or(0);
        last = left.remove(nearest);
        order.push(last);
    }
    Ok(order)
}
