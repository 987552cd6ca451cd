use std::sync::Arc;

use rvf_manifest::{Compaction, Lineage, Manifest, ROOT_PAGE_BYTES, StoreOptions};
use rvf_types::{ErrorCode, FileId, SegmentFlags, SegmentKind, feature};
use rvf_wire::{Anchor, HEAD_BYTES, Head};

use crate::host::Host;
use crate::options::CreateOptions;
use crate::storage::{AlignedBytes, MemoryStorage, Storage, StorageFile};
use crate::temporary::{create_locked, remove_if_named};
use crate::write::{Append, Part, write_anchor};
use crate::{Result, RvfError};

/// What the path of a store that is being created ends with.
pub(crate) const CREATING_SUFFIX: &str = ".creating";

/// A store that has just been created, and that nobody else has written to, since its lock was never given back.
pub(crate) struct Created {
    pub(crate) lock: Arc<dyn StorageFile>,
    pub(crate) bytes: AlignedBytes,
}

/// Makes an empty store at `path`: written under another name, made durable, and only then given its own name, which must
/// be free. Whatever interrupts this, the name holds a whole store or nothing.
pub(crate) fn create_file(host: &Host, path: &str, options: &CreateOptions) -> Result<Created> {
    if host.storage.identity_at(path).is_ok() {
        return Err(already_exists(path));
    }
    let bytes = empty_store(host, options)?;
    let temporary = format!("{path}{CREATING_SUFFIX}");
    let file = create_locked(host, &temporary)?;
    if let Err(error) = write_and_publish(host, &*file, &bytes, &temporary, path) {
        remove_if_named(host, &temporary, &*file);
        return Err(if error.code == ErrorCode::AlreadyExists { already_exists(path) } else { error });
    }
    Ok(Created { lock: file, bytes })
}

fn write_and_publish(host: &Host, file: &dyn StorageFile, bytes: &[u8], temporary: &str, path: &str) -> Result<()> {
    file.write_at(0, &[bytes])?;
    sync(file)?;
    host.storage.publish(temporary, path)?;
    Ok(host.storage.sync_directory(path)?)
}

/// What no reader of a store with these options may ignore.
fn incompat(options: &StoreOptions) -> u64 {
    let packed = if options.compression.is_none() { 0 } else { feature::PACKED_ROWS };
    let tiered = if options.tiering.is_none() { 0 } else { feature::TIERED_ROWS };
    packed | tiered
}

fn already_exists(path: &str) -> RvfError {
    RvfError::new(
        ErrorCode::AlreadyExists,
        format!("{path} exists already; open() it, or remove it first if its contents are not needed"),
    )
}

/// The bytes of a store without vectors, put together in memory.
fn empty_store(host: &Host, options: &CreateOptions) -> Result<AlignedBytes> {
    let file = MemoryStorage::new().create_exclusive("empty")?;
    let mut random = [0; 20];
    host.random.fill(&mut random);
    let (id, salt) = random.split_at(16);
    let mut file_id = FileId::default();
    file_id.0.copy_from_slice(id);
    let now_ns = host.clock.now_ns();
    let head = Head {
        file_id,
        salt: salt.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)),
        created_ns: now_ns,
        features: [0, 0, incompat(&options.store)],
    };
    let mut append = Append::new(HEAD_BYTES as u64, head.salt, 2, now_ns, false);
    let manifest = Manifest {
        lineage: Lineage { file_id, ..Lineage::default() },
        options: options.store.clone(),
        features: head.features,
        created_ns: now_ns,
        modified_ns: now_ns,
        epoch: 0,
        vector_count: 0,
        next_row: 0,
        next_segment_id: 3,
        witness_head: [0; 32],
        witness_count: 0,
        dead_count: 0,
        previous_root_offset: 0,
        compaction: Compaction::default(),
        segments: Vec::new(),
    };
    let payload = manifest.encode(append.end(), head.salt);
    let entry = append.segment(SegmentKind::MANIFEST, SegmentFlags::NONE, vec![Part::Owned(payload)], (0, 0))?;
    file.write_at(0, &[&head.encode()])?;
    append.write(&*file)?;
    let extent = entry.extent().map_err(|error| RvfError::segment(error, entry.offset, entry.id()))?;
    let root_offset = extent.payload_offset + extent.data_bytes - ROOT_PAGE_BYTES as u64;
    write_anchor(&*file, 0, Anchor { root_offset, epoch: 0 }, head.salt)?;
    let mut bytes = AlignedBytes::zeroed(append.end() as usize);
    file.read_at(0, bytes.as_mut_slice())?;
    Ok(bytes)
}

pub(crate) fn sync(file: &dyn StorageFile) -> Result<()> {
    file.sync().map_err(|error| RvfError::new(ErrorCode::FsyncFailed, error.message))
}
