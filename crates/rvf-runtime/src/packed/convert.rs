//! Vectors between a store's data type and the floats that are packed.

use half::f16;
use rvf_quant::element::{Element, F16, I8};
use rvf_types::DataType;

use crate::segment::Slice;
use crate::storage::AlignedBytes;
use crate::{Result, RvfError};

/// Vectors as `f32`, one behind the other.
pub(crate) fn floats_of(data_type: DataType, vectors: Slice<'_>) -> Result<Slice<'_>> {
    match data_type {
        DataType::F32 => Ok(vectors),
        DataType::F16 => {
            Ok(Slice::Owned(bytes_of_floats(F16::elements(&vectors).iter().map(|bytes| F16::value(*bytes)))))
        }
        DataType::I8 => Ok(Slice::Owned(bytes_of_floats(I8::elements(&vectors).iter().map(|bytes| I8::value(*bytes))))),
        other => Err(RvfError::internal(format!("vectors of {other:?} are not packed"))),
    }
}

/// What packed vectors stand for, as a store's data type: the nearest value that it has.
pub(crate) fn vectors_of(data_type: DataType, values: &[f32]) -> Result<AlignedBytes> {
    match data_type {
        DataType::F32 => Ok(bytes_of_floats(values.iter().copied())),
        DataType::F16 => {
            let finite = |value: &f32| value.clamp(f16::MIN.to_f32(), f16::MAX.to_f32());
            let bytes: Vec<u8> = values.iter().flat_map(|value| f16::from_f32(finite(value)).to_le_bytes()).collect();
            Ok(AlignedBytes::from(&bytes[..]))
        }
        DataType::I8 => {
            // The conversion saturates.
            let bytes: Vec<u8> = values.iter().map(|value| value.round_ties_even() as i8 as u8).collect();
            Ok(AlignedBytes::from(&bytes[..]))
        }
        other => Err(RvfError::internal(format!("vectors of {other:?} are not packed"))),
    }
}

fn bytes_of_floats(values: impl ExactSizeIterator<Item = f32>) -> AlignedBytes {
    let mut bytes = AlignedBytes::zeroed(values.len() * size_of::<f32>());
    for (slot, value) in bytes.as_mut_slice().as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *slot = value.to_le_bytes();
    }
    bytes
}
