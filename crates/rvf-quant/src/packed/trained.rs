//! Product and binary packing as one: a header and the code of a direction.

use super::binary::{self, BinaryQuery, Rotation};
use super::centre::{Centre, CentredQuery, dot};
use super::header::{HEADER_BYTES, Header};
use super::product::{self, Codebook, ProductQuery};
use super::{PackedLayout, Packing};
use crate::error::QuantError;
use crate::kernels::PackedKernel;
use rvf_types::Metric;

/// What training leaves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trained {
    centre: Centre,
    shape: Shape,
}

/// How directions are coded.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Product(Codebook),
    Binary(Rotation),
}

impl Trained {
    /// Learns from `sample`, whole vectors; `None` when stopped.
    pub(super) fn train(
        kernel: PackedKernel,
        layout: PackedLayout,
        sample: &[u8],
        should_stop: &dyn Fn() -> bool,
    ) -> Result<Option<Trained>, QuantError> {
        if sample.is_empty() {
            return Err(QuantError::SampleEmpty);
        }
        if should_stop() {
            return Ok(None);
        }
        let centre = Centre::of(layout, sample);
        let Packing::Product { subvectors, .. } = layout.packing() else {
            return Ok(Some(Trained { centre, shape: binary_shape(layout) }));
        };
        let codebook = product::train(kernel, layout, subvectors as usize, &centre, sample, should_stop);
        Ok(codebook.map(|codebook| Trained { centre, shape: Shape::Product(codebook) }))
    }

    /// Packs one vector. `direction` is a place to work in, of the dimension.
    pub(super) fn encode(&self, kernel: PackedKernel, vector: &[u8], direction: &mut [f32], row: &mut [u8]) {
        let (header, codes) = row.split_at_mut(HEADER_BYTES);
        let lengths = self.centre.direction(vector, direction);
        let before = direction.to_vec();
        match &self.shape {
            Shape::Product(codebook) => codebook.encode(kernel, direction, codes),
            Shape::Binary(rotation) => binary::encode(rotation, direction, codes),
        }
        let squared_norm = dot(direction, direction);
        // What comes nearest of all multiples.
        let scale = if squared_norm > 0.0 { lengths.residual * dot(&before, direction) / squared_norm } else { 0.0 };
        let header_of_row = Header::new(scale, squared_norm);
        let header_of_row = match self.centre.metric() {
            Metric::Cosine => header_of_row.with_length(lengths.vector),
            Metric::DotProduct => {
                let missing = lengths.residual * self.centre.along(&before) - scale * self.centre.along(direction);
                header_of_row.with_along(missing)
            }
            _ => header_of_row,
        };
        header_of_row.write(header);
    }

    /// Unpacks one row.
    pub(super) fn decode(&self, row: &[u8], vector: &mut [f32]) {
        let codes = &row[HEADER_BYTES..];
        match &self.shape {
            Shape::Product(codebook) => codebook.decode(codes, vector),
            Shape::Binary(rotation) => binary::decode(rotation, codes, vector),
        }
        self.centre.decode(Header::read(row), vector);
    }

    /// The mean, then the codebook.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.centre.mean().iter().flat_map(|value| value.to_le_bytes()).collect();
        if let Shape::Product(codebook) = &self.shape {
            codebook.write(&mut bytes);
        }
        bytes
    }

    /// Of as many bytes as the layout says.
    pub(super) fn from_bytes(layout: PackedLayout, bytes: &[u8]) -> Result<Trained, QuantError> {
        let dimension = layout.dimension() as usize;
        let (mean, codebook) = bytes.split_at(layout.vector_bytes());
        let mean = mean.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let centre = Centre::from_mean(layout.metric(), mean).ok_or(QuantError::QuantiserDamaged)?;
        let shape = match layout.packing() {
            Packing::Product { subvectors, .. } => Codebook::read(dimension, subvectors as usize, codebook)
                .map(Shape::Product)
                .ok_or(QuantError::QuantiserDamaged)?,
            _ => binary_shape(layout),
        };
        Ok(Trained { centre, shape })
    }
}

fn binary_shape(layout: PackedLayout) -> Shape {
    Shape::Binary(Rotation::new(binary::bits_of(layout.dimension())))
}

/// One query, compared with packed rows.
pub(super) struct TrainedScorer {
    query: CentredQuery,
    shape: ShapeQuery,
}

enum ShapeQuery {
    Product(ProductQuery),
    Binary(BinaryQuery),
}

impl TrainedScorer {
    /// `query` is one vector.
    pub(super) fn new(kernel: PackedKernel, trained: &Trained, query: &[u8]) -> TrainedScorer {
        let query = CentredQuery::new(&trained.centre, query);
        let shape = match &trained.shape {
            Shape::Product(codebook) => ShapeQuery::Product(ProductQuery::new(kernel, codebook, &query.direction)),
            Shape::Binary(rotation) => ShapeQuery::Binary(BinaryQuery::new(kernel, rotation, &query.direction)),
        };
        TrainedScorer { query, shape }
    }

    /// An estimate of the distance.
    #[inline(always)]
    pub(super) fn quick_distance(&self, row: &[u8]) -> f32 {
        let codes = &row[HEADER_BYTES..];
        let dot = match &self.shape {
            ShapeQuery::Product(query) => query.dot(codes),
            ShapeQuery::Binary(query) => query.quick_dot(codes),
        };
        self.query.distance(Header::read(row), dot) as f32
    }

    /// Distance from what `row` stands for.
    #[inline(always)]
    pub(super) fn distance(&self, row: &[u8]) -> f32 {
        let codes = &row[HEADER_BYTES..];
        let dot = match &self.shape {
            ShapeQuery::Product(query) => query.dot(codes),
            ShapeQuery::Binary(query) => query.dot(codes),
        };
        self.query.bounded(self.query.distance(Header::read(row), dot))
    }
}
