use crate::WitnessError;

/// What a witness entry bears witness of: the last byte of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WitnessKind(u8);

impl WitnessKind {
    /// Data came in: ingest, delete, update.
    pub const PROVENANCE: WitnessKind = WitnessKind(0x01);
    /// Data was computed from data: compaction, index builds.
    pub const COMPUTATION: WitnessKind = WitnessKind(0x02);
    /// Authority was handed on.
    pub const DELEGATION: WitnessKind = WitnessKind(0x03);
    /// Somebody looked.
    pub const AUDIT: WitnessKind = WitnessKind(0x04);
    /// Somebody vouched.
    pub const ATTESTATION: WitnessKind = WitnessKind(0x05);
    /// Lineage: a file was derived from another.
    pub const LINEAGE_DERIVATION: WitnessKind = WitnessKind(0x09);
    /// Lineage: files were merged.
    pub const LINEAGE_MERGE: WitnessKind = WitnessKind(0x0A);
    /// Lineage: a state was frozen.
    pub const LINEAGE_SNAPSHOT: WitnessKind = WitnessKind(0x0B);
    /// Lineage: contents were transformed.
    pub const LINEAGE_TRANSFORM: WitnessKind = WitnessKind(0x0C);
    /// Lineage: the chain of parents was verified.
    pub const LINEAGE_VERIFY: WitnessKind = WitnessKind(0x0D);

    /// The kind with this number.
    ///
    /// # Errors
    /// The number is not one of 0x01-0x05, 0x09-0x0D (lineage) and 0x0E-0x10 (copy-on-write).
    pub fn from_u8(value: u8) -> Result<WitnessKind, WitnessError> {
        match value {
            0x01..=0x05 | 0x09..=0x10 => Ok(WitnessKind(value)),
            _ => Err(WitnessError::UnknownKind { value }),
        }
    }

    /// The number in a file.
    pub fn as_u8(self) -> u8 {
        self.0
    }

    /// True for what happened between files of one family.
    pub fn is_lineage(self) -> bool {
        matches!(self.0, 0x09..=0x0D)
    }

    /// True for what happened between a branch and the parent it shares data with.
    pub fn is_copy_on_write(self) -> bool {
        matches!(self.0, 0x0E..=0x10)
    }
}
