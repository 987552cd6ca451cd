//! The bytes of packed rows and of quantisers: the same everywhere, and harmless whatever they are.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::packed::*;
use common::{bytes_of, random_floats};
use rvf_quant::{Isa, PackedKernel, PackedScorer, Packing, QuantError, Quantiser};
use rvf_types::Metric;

/// Bytes from the same generator as the floats.
fn random_bytes(count: usize, seed: u64) -> Vec<u8> {
    random_floats(count, seed).iter().map(|value| (value * 128.0 + 128.0) as u8).collect()
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Whoever changes these bytes cannot read the stores there are.
#[test]
fn golden_bytes() {
    let vectors = clustered(40, 700, 30, 0.4, 1);
    let actual: Vec<(u64, u64)> = packings(40)
        .into_iter()
        .flat_map(|packing| METRICS.map(|metric| (packing, metric)))
        .map(|(packing, metric)| {
            let quantiser = trained(layout(packing, metric, 40), &vectors);
            (hash(&quantiser.to_bytes()), hash(&encode(&quantiser, &vectors)))
        })
        .collect();
    let golden = [
        (0xCBF2_9CE4_8422_2325, 0xAF4B_D895_E05E_3CBA),
        (0xCBF2_9CE4_8422_2325, 0x9B4B_4770_46DA_34B9),
        (0xCBF2_9CE4_8422_2325, 0xC5D2_E090_12DC_B7B0),
        (0x0335_7212_452D_E36E, 0x962E_2C12_584B_701D),
        (0xDAE4_8736_D1FC_A440, 0xD01A_3BB0_DFB6_2EE7),
        (0x0335_7212_452D_E36E, 0x8FB6_7F52_4B3B_A544),
        (0x47BB_BB3B_B71C_7C93, 0x5821_339C_5E53_5BC5),
        (0x0CFF_B312_CDBA_A788, 0x1F08_551F_217D_467D),
        (0x47BB_BB3B_B71C_7C93, 0x5CC8_FB11_B406_76BF),
    ];
    assert_eq!(actual, golden, "{actual:#018X?}");
}

#[test]
fn a_row_is_a_header_and_a_byte_a_part_or_a_bit_a_dimension() {
    let bytes = |packing, dimension| layout(packing, Metric::Cosine, dimension).row_bytes();
    assert_eq!(bytes(SCALAR, 384), 392);
    assert_eq!(bytes(Packing::default_product(384), 384), 136);
    assert_eq!(bytes(Packing::Product { subvectors: 7, bits: 8 }, 384), 15);
    assert_eq!([1, 64, 65, 384, 1_536].map(|dimension| bytes(Packing::Binary, dimension)), [16, 16, 24, 72, 264]);
    assert_eq!(bytes(Packing::default_product(65_536), 65_536), 21_854);
}

#[test]
fn rows_do_not_depend_on_company_or_alignment() {
    let vectors = clustered(37, 300, 10, 0.4, 2);
    for packing in packings(37) {
        let quantiser = trained(layout(packing, Metric::L2, 37), &vectors);
        let rows = encode(&quantiser, &vectors);
        let alone: Vec<u8> = vectors.chunks(37).flat_map(|vector| encode(&quantiser, vector)).collect();
        assert_eq!(rows, alone, "{packing:?}");
        let expected = distances_of(&quantiser, &vectors[..37], &rows);
        for offset in 1..9 {
            let shifted: Vec<u8> = (0..offset).chain(bytes_of(&vectors)).collect();
            let mut out = vec![0; rows.len() + usize::from(offset)];
            let (sources, places) = (&shifted[usize::from(offset)..], &mut out[usize::from(offset)..]);
            quantiser.encode(sources, places).expect("whole vectors");
            assert_eq!(places, rows, "{packing:?}");
            assert_eq!(distances_of(&quantiser, &vectors[..37], places), expected, "{packing:?}");
        }
    }
}

#[test]
fn all_kernels_give_the_same_rows_and_distances() {
    for dimension in [1, 3, 16, 50, 384, 1_030] {
        let vectors = clustered(dimension, 300, 20, 0.4, 3);
        for packing in packings(dimension) {
            for metric in METRICS {
                let quantiser = trained(layout(packing, metric, dimension), &vectors);
                let of_kernel = |isa| {
                    let quantiser = quantiser.clone().with_kernel(PackedKernel::of(isa)?);
                    let rows = encode(&quantiser, &vectors);
                    let query = random_floats(dimension, 4);
                    let distances =
                        [distances_of(&quantiser, &query, &rows), quick_distances(&quantiser, &query, &rows)];
                    Some((rows, distances.map(|distances| bytes_of(&distances))))
                };
                let portable = of_kernel(Isa::Portable);
                for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| PackedKernel::of(*isa).is_some()) {
                    assert!(of_kernel(isa) == portable, "{isa:?} {packing:?} {metric:?} {dimension}");
                }
            }
        }
    }
}

#[test]
fn a_stored_quantiser_reads_what_it_packed() {
    let vectors = clustered(37, 400, 10, 0.4, 5);
    for packing in packings(37) {
        for metric in METRICS {
            let layout = layout(packing, metric, 37);
            let quantiser = trained(layout, &vectors);
            let bytes = quantiser.to_bytes();
            assert_eq!(bytes.len(), layout.quantiser_bytes());
            let read = Quantiser::from_bytes(layout, &bytes).expect("its own bytes");
            assert_eq!(read.to_bytes(), bytes);
            let rows = encode(&quantiser, &vectors);
            assert_eq!(encode(&read, &vectors), rows, "{packing:?}");
            assert_eq!(decode(&read, &rows), decode(&quantiser, &rows), "{packing:?}");
            let query = &vectors[..37];
            assert_eq!(distances_of(&read, query, &rows), distances_of(&quantiser, query, &rows), "{packing:?}");
        }
    }
}

#[test]
fn a_quantiser_of_another_length_is_refused() {
    for packing in packings(9) {
        let layout = layout(packing, Metric::L2, 9);
        for length in [1, 35, layout.quantiser_bytes() + 1] {
            let error = QuantError::QuantiserLength { expected_bytes: layout.quantiser_bytes(), actual_bytes: length };
            assert_eq!(Quantiser::from_bytes(layout, &vec![0; length]).err(), Some(error));
        }
    }
}

#[test]
fn a_quantiser_with_numbers_that_none_can_have_is_refused() {
    let vectors = clustered(9, 400, 10, 0.4, 6);
    for packing in [Packing::default_product(9), Packing::Binary] {
        let layout = layout(packing, Metric::Cosine, 9);
        let bytes = trained(layout, &vectors).to_bytes();
        let places = (0..36).step_by(4).map(|start| start + 2).chain((36..bytes.len()).step_by(2));
        for place in places {
            for number in [0x7F80_u16, 0x7FC0, 0xFF80, 0x4100] {
                let mut damaged = bytes.clone();
                damaged[place..place + 2].copy_from_slice(&number.to_le_bytes());
                let read = Quantiser::from_bytes(layout, &damaged);
                assert_eq!(read.err(), Some(QuantError::QuantiserDamaged), "{packing:?} {place}");
            }
        }
    }
}

/// Nothing panics; what damaged rows are decoded to and how far they are does not matter.
#[test]
fn any_bytes_can_be_read_as_rows_and_as_quantisers() {
    let vectors = clustered(21, 300, 10, 0.4, 7);
    for (seed, packing) in (0..200).flat_map(|seed| packings(21).map(|packing| (seed, packing))) {
        let layout = layout(packing, METRICS[seed as usize % 3], 21);
        let mut bytes = trained(layout, &vectors[..21 * 3]).to_bytes();
        let noise = random_bytes(bytes.len() * 2, seed + 1);
        for (byte, noise) in bytes.iter_mut().zip(noise.chunks(2)) {
            // Mostly few bytes of all, so that some quantisers are taken.
            *byte ^= if noise[0] % 64 == 0 { noise[1] } else { 0 };
        }
        let quantiser = Quantiser::from_bytes(layout, &bytes).unwrap_or_else(|_| trained(layout, &vectors[..21 * 3]));
        let rows = random_bytes(layout.row_bytes() * 20, seed + 2);
        decode(&quantiser, &rows);
        distances_of(&quantiser, &vectors[..21], &rows);
        quick_distances(&quantiser, &vectors[..21], &rows);
        let query: Vec<u8> = random_bytes(84, seed + 3);
        PackedScorer::new(&quantiser, &query)
            .expect("a query")
            .distances_of(&rows, &mut [0.0; 20])
            .expect("whole rows");
    }
}
