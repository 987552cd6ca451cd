//! What packing refuses, and what it takes for something else.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::packed::*;
use common::random_floats;
use rvf_quant::{PackedLayout, PackedScorer, PackedTable, Packing, QuantError};
use rvf_types::Metric;

#[test]
fn vectors_with_nan_or_infinity_are_packed_as_the_zero_vector() {
    let vectors = random_floats(3 * 300, 11);
    for packing in packings(3) {
        for metric in METRICS {
            let quantiser = trained(layout(packing, metric, 3), &vectors);
            let zero = encode(&quantiser, &[0.0; 3]);
            for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert_eq!(encode(&quantiser, &[1.0, odd, 2.0]), zero, "{packing:?} {metric:?}");
            }
            let decoded = decode(&quantiser, &zero);
            assert!(decoded.iter().all(|value| value.abs() <= 0.5), "{packing:?} {metric:?}: {decoded:?}");
            assert!(distances_of(&quantiser, &[f32::NAN, 1.0, 2.0], &zero)[0].is_finite());
        }
    }
}

#[test]
fn what_no_packing_has_is_refused() {
    for packing in packings(8) {
        assert!(matches!(
            PackedLayout::new(packing, Metric::Hamming, 8),
            Err(QuantError::MetricUnsupported { metric: Metric::Hamming, .. })
        ));
        for dimension in [0, 65_537] {
            let error = QuantError::DimensionOutOfRange { dimension };
            assert_eq!(PackedLayout::new(packing, Metric::L2, dimension), Err(error));
        }
    }
    for packing in [Packing::Scalar { bits: 5 }, Packing::Product { subvectors: 2, bits: 5 }] {
        assert_eq!(PackedLayout::new(packing, Metric::L2, 8), Err(QuantError::BitsUnsupported { bits: 5 }));
    }
    for subvectors in [0, 9] {
        let packing = Packing::Product { subvectors, bits: 8 };
        let error = QuantError::SubvectorsOutOfRange { subvectors, dimension: 8 };
        assert_eq!(PackedLayout::new(packing, Metric::L2, 8), Err(error));
    }
}

#[test]
fn lengths_and_rows_that_do_not_fit_are_refused() {
    let vectors = random_floats(8 * 10, 12);
    for packing in packings(8) {
        let layout = layout(packing, Metric::L2, 8);
        let quantiser = trained(layout, &vectors);
        let rows = encode(&quantiser, &vectors);
        let mut one = [0.0];
        assert!(matches!(quantiser.encode(&[0; 33], &mut []), Err(QuantError::CodeLength { .. })));
        assert!(matches!(quantiser.decode(&rows, &mut one), Err(QuantError::CodeLength { .. })));
        assert!(matches!(PackedScorer::new(&quantiser, &[0; 33]), Err(QuantError::QueryLength { .. })));
        assert!(matches!(PackedTable::new(layout, &rows[1..]), Err(QuantError::TableLength { .. })));
        let scorer = PackedScorer::new(&quantiser, &[0; 32]).expect("a query");
        assert!(matches!(scorer.distances_of(&rows, &mut one), Err(QuantError::TableLength { .. })));
        let table = PackedTable::new(layout, &rows).expect("a table");
        assert_eq!(scorer.distances(&table, &[10], &mut one), Err(QuantError::RowOutOfRange { row: 10, rows: 10 }));
        assert!(matches!(scorer.distances(&table, &[1, 2], &mut one), Err(QuantError::OutputLength { .. })));
        let other = PackedTable::new(PackedLayout::new(packing, Metric::Cosine, 8).expect("a layout"), &rows);
        let distances = scorer.distances(&other.expect("a table"), &[1], &mut one);
        assert_eq!(distances, Err(QuantError::LayoutMismatch));
    }
}
