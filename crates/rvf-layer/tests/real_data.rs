//! What the layer is for: a rough answer from few bytes, on the real data.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::real::RealData;
use common::{Counting, bytes_of};
use rvf_layer::{Budget, ProgressiveReader};

/// Requests and bytes for head, root page and manifest of the file, before the layer is read.
const OPENING: Budget = Budget { requests_max: 4, bytes_max: 40_000 };
/// Requests and bytes in all.
const WHOLE: Budget = Budget { requests_max: 12, bytes_max: 1_500_000 };

#[test]
fn twelve_requests_of_1_5_megabytes_find_three_quarters_of_the_ten_nearest() {
    let Some(data) = RealData::load() else { return };
    let payload = data.rows.build();
    assert!(payload.len() * 10 <= data.rows.vectors.len(), "{} bytes", payload.len());
    let (mut found, mut wanted) = (0, 0);
    for (query, truth) in data.queries() {
        // Opened anew for each query, as a reader that has nothing does.
        let source = Counting::new(&payload);
        let reader = ProgressiveReader::open(&source).unwrap();
        let budget = Budget {
            requests_max: WHOLE.requests_max - OPENING.requests_max - source.cost().requests,
            bytes_max: WHOLE.bytes_max - OPENING.bytes_max - source.cost().bytes,
        };
        let answer = reader.search(&bytes_of(query), 10, &budget, &|_| false).unwrap();
        assert!(source.cost().requests + OPENING.requests_max <= WHOLE.requests_max);
        assert!(source.cost().bytes + OPENING.bytes_max <= WHOLE.bytes_max);
        assert!(answer.hits.iter().all(|hit| hit.id == (data.rows.id)(hit.row)));
        found += truth[..10].iter().filter(|row| answer.hits.iter().any(|hit| hit.row == **row)).count();
        wanted += 10;
    }
    let recall = f64::from(found as u32) / f64::from(wanted);
    println!("recall@10 {recall:.4}, {} bytes", payload.len());
    assert!(recall >= 0.75, "{recall}");
}
