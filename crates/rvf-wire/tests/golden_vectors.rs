//! The bytes and values that `docs/format.md` shows are those that this crate makes and reads.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use std::fmt::Write;

use rvf_types::{DataType, FileId, Metric, SegmentFlags, SegmentKind, limits};
use rvf_wire::{
    ANCHOR_OFFSETS, Anchor, Extent, HEAD_BYTES, HEADER_BYTES, Head, IdsBuilder, IdsLayout, Journal, JournalBuilder,
    MetaBuilder, MetaLayout, Operation, SegmentHeader, Upsert, VecHeader, WITNESS_ENTRY_BYTES, block_hash, block_table,
    content_hash, id_hash,
};

const DOCUMENT: &str = include_str!("../../../docs/format.md");
const SALT: u32 = 0xB0B1_B2B3;
const NOW_NS: u64 = 1_700_000_000_000_000_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The file of section 16: lines of 16 bytes with their offset, zeros between them.
fn document_file() -> Vec<u8> {
    let mut file = Vec::new();
    let mut is_dump = false;
    for line in DOCUMENT.lines() {
        if line.starts_with("```") {
            is_dump = line == "```hex";
        } else if is_dump {
            let offset = usize::from_str_radix(&line[..5], 16).unwrap();
            assert!(offset >= file.len(), "{line}");
            file.resize(offset, 0);
            file.extend(line[7..54].split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
    }
    file.resize(file.len().next_multiple_of(HEADER_BYTES), 0);
    file
}

/// Header and data of the segment at `offset`, checked: CRC, content hash, padding.
fn segment(file: &[u8], offset: usize) -> (SegmentHeader, Extent, &[u8]) {
    let header = SegmentHeader::decode(&file[offset..], SALT).unwrap();
    assert_eq!(header.encode(SALT), file[offset..offset + HEADER_BYTES]);
    let extent = Extent::of(offset as u64, &header).unwrap();
    let data = &file[extent.payload_offset as usize..][..extent.data_bytes as usize];
    assert_eq!(header.hash_content(&[data]), header.content_hash, "{offset:#x}");
    let behind = &file[(extent.payload_offset + extent.payload_bytes()) as usize..extent.end() as usize];
    assert!(behind.iter().all(|byte| *byte == 0));
    (header, extent, data)
}

fn witness_of(file: &[u8], offset: usize) -> [u8; WITNESS_ENTRY_BYTES] {
    Journal::decode(segment(file, offset).2).unwrap().witness
}

#[test]
fn the_segments_of_the_documents_file_follow_each_other_with_right_crcs_and_hashes() {
    let file = document_file();
    let mut offset = HEAD_BYTES;
    let mut found = Vec::new();
    while offset < file.len() {
        let (header, extent, _) = segment(&file, offset);
        assert_eq!(Extent::plan(offset as u64, header.kind, extent.data_bytes), Ok(extent));
        found.push((offset, header.kind, header.id, header.flags.0));
        offset = extent.end() as usize;
    }
    let expected = [
        (0x3000, SegmentKind::MANIFEST, 2, 0),
        (0x4100, SegmentKind::JOURNAL, 3, 0),
        (0x4200, SegmentKind::JOURNAL, 4, 0),
        (0x42C0, SegmentKind::VEC, 5, 0x1000),
        (0x4380, SegmentKind::IDS, 6, 0x5000),
        (0x4440, SegmentKind::META, 7, 0x5000),
        (0x4540, SegmentKind::JOURNAL, 8, 0x5020),
        (0x45C0, SegmentKind::MANIFEST, 9, 0x4000),
        (0x57C0, SegmentKind::JOURNAL, 10, 0),
    ];
    assert_eq!(found, expected);
    assert_eq!(offset, file.len());
}

#[test]
fn head_and_anchors_are_those_of_the_document() {
    let file = document_file();
    let file_id = FileId(std::array::from_fn(|index| 0xA0 + index as u8));
    let head = Head { file_id, salt: SALT, created_ns: NOW_NS, features: [0; 3] };
    assert_eq!(Head::decode(&file), Ok(head));
    let encoded = head.encode();
    assert_eq!(encoded[..4096], file[..4096]);
    let anchors = [Anchor { root_offset: 0x3100, epoch: 0 }, Anchor { root_offset: 0x47C0, epoch: 2 }];
    for (anchor, offset) in anchors.iter().zip(ANCHOR_OFFSETS) {
        let block = &file[offset as usize..offset as usize + 4096];
        assert_eq!(Anchor::decode(block, SALT), Ok(Some(*anchor)));
        assert_eq!(anchor.encode(SALT), block[..20]);
    }
}

#[test]
fn journals_are_those_of_the_document() {
    let file = document_file();
    let vector = |values: [f32; 2]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let upsert = |builder: &mut JournalBuilder, id: &str, values, json: &str, replaced| {
        let vector = vector(values);
        builder.upsert(&Upsert { id: id.as_bytes(), vector: &vector, metadata: Some(json.as_bytes()), replaced });
    };

    let mut first = JournalBuilder::new(0, 0);
    upsert(&mut first, "a", [1.0, 2.0], r#"{"n":1}"#, None);
    upsert(&mut first, "b", [3.0, 4.0], r#"{"n":2}"#, None);
    assert_eq!(first.finish(1, |_| witness_of(&file, 0x4100)), segment(&file, 0x4100).2);

    let mut second = JournalBuilder::new(2, 0);
    second.kill(0, false);
    assert_eq!(second.finish(2, |_| witness_of(&file, 0x4200)), segment(&file, 0x4200).2);

    let mut third = JournalBuilder::new(2, 0);
    upsert(&mut third, "b", [5.0, 6.0], r#"{"n":3}"#, Some(1));
    assert_eq!(third.finish(3, |_| witness_of(&file, 0x57C0)), segment(&file, 0x57C0).2);

    let journal = Journal::decode(segment(&file, 0x4200).2).unwrap();
    let operations: Vec<_> = journal.operations(8).collect();
    assert_eq!(operations, [Ok(Operation::Kill { row: 0, replaced: false })]);
}

#[test]
fn runs_are_those_of_the_document() {
    let file = document_file();
    let vectors =
        VecHeader { space: 0, data_type: DataType::F32, metric: Metric::L2, dimension: 2, first_row: 0, row_count: 2 };
    let data = segment(&file, 0x42C0).2;
    assert_eq!(VecHeader::decode(data, data.len() as u64), Ok(vectors));
    assert_eq!(vectors.encode(), data[..64]);

    let mut ids = IdsBuilder::new(0);
    ids.push(None, 1);
    ids.push(Some((id_hash(b"b", SALT), b"b")), 1);
    assert_eq!(ids.finish(), segment(&file, 0x4380).2);

    let mut meta = MetaBuilder::new(0);
    meta.push(b"");
    meta.push(br#"{"n":2}"#);
    assert_eq!(meta.finish(None), segment(&file, 0x4440).2);
}

#[test]
fn the_tables_of_ids_lie_where_the_document_says() {
    let mut ids = IdsBuilder::new(7);
    ids.push(Some((9, b"nine")), 3);
    ids.push(None, 3);
    ids.push(Some((2, b"two")), 4);
    let data = ids.finish();
    let layout = IdsLayout::decode(&data, data.len() as u64).unwrap();
    let (n, e, r) = (2, 2, 3);
    assert_eq!((layout.entry_count, layout.epoch_range_count, layout.row_count), (n, e, r));
    let hashes = 64;
    let epoch_ranges = hashes + 8 * n as usize;
    let rows = epoch_ranges + 16 * e as usize;
    let text_offsets = rows + 4 * n as usize;
    let text = text_offsets + 4 * (r as usize + 1);
    assert_eq!(layout.hash_at(0), hashes);
    assert_eq!(layout.epoch_range_at(0), epoch_ranges);
    assert_eq!(layout.row_at(0), rows);
    assert_eq!(layout.text_offset_at(0), text_offsets);
    assert_eq!(layout.text_start(), text);
    assert_eq!(data[text..], *b"ninetwo");
    assert_eq!(data[rows..text_offsets], [9, 0, 0, 0, 7, 0, 0, 0]);
}

#[test]
fn the_sections_of_meta_lie_where_the_document_says() {
    let mut meta = MetaBuilder::new(7);
    meta.push(b"{}");
    let data = meta.finish(None);
    let layout = MetaLayout::decode(&data, data.len() as u64).unwrap();
    let offsets = 64 + 2 * 24;
    assert_eq!((layout.text_offsets_start, layout.text_start, layout.text_bytes), (offsets, offsets + 8, 2));
    assert_eq!(data[offsets..], *b"\0\0\0\0\x02\0\0\0{}");
}

/// Data of a segment with a block table, as section 17 describes it.
fn large_data() -> Vec<u8> {
    (0..65_537u32).map(|index| (index * 7 % 251) as u8).collect()
}

#[test]
fn golden_values_are_those_of_the_document() {
    let data = large_data();
    let table = block_table(&[&data]);
    let extent = Extent::plan(HEAD_BYTES as u64, SegmentKind::VEC, data.len() as u64).unwrap();
    let mut header = SegmentHeader {
        kind: SegmentKind::VEC,
        flags: SegmentFlags::MORE_FOLLOWS.with(SegmentFlags::BLOCK_TABLE),
        id: 7,
        payload_bytes: extent.payload_bytes(),
        timestamp_ns: NOW_NS,
        payload_start_units: ((extent.payload_offset - extent.offset) / 64) as u16,
        content_hash: [0; 16],
        padding_bytes: extent.padding_bytes as u32,
    };
    header.content_hash = header.hash_content(&[&table]);
    let encoded = header.encode(SALT);
    let first_journal = segment(&document_file(), 0x4100).2.to_vec();
    let operations_hash = Journal::decode(&first_journal).unwrap().operations_hash;
    let values = [
        ("seeded CRC32C of `123456789`, salt 0", format!("0x{:08x}", crc32c::crc32c_append(0, b"123456789"))),
        (
            "seeded CRC32C of `123456789`, salt 0xb0b1b2b3",
            format!("0x{:08x}", crc32c::crc32c_append(SALT, b"123456789")),
        ),
        ("XXH3-128 of 64 zero bytes, as stored", hex(&content_hash(&[0; 64]))),
        ("XXH3-64 of 4,096 zero bytes", format!("0x{:016x}", block_hash(&[0; 4096]))),
        ("id hash of `b`, salt 0xb0b1b2b3", format!("0x{:016x}", id_hash(b"b", SALT))),
        ("id hash of `b`, salt 0", format!("0x{:016x}", id_hash(b"b", 0))),
        ("operations hash of the journal at 0x4100", hex(&operations_hash)),
        ("block table: length", table.len().to_string()),
        ("block table: first hash", hex(&table[..8])),
        ("block table: last hash, of 1 byte", hex(&table[128..])),
        ("block table: payload offset and length, padding", {
            format!("{}, {}, {}", extent.payload_offset, extent.payload_bytes(), extent.padding_bytes)
        }),
        ("block table: header, first half", hex(&encoded[..32])),
        ("block table: header, second half", hex(&encoded[32..])),
    ];
    let rows = values.map(|(name, value)| format!("| {name} | `{value}` |"));
    let missing: Vec<&str> = rows.iter().map(String::as_str).filter(|row| !DOCUMENT.contains(row)).collect();
    assert!(missing.is_empty(), "docs/format.md lacks the rows\n{}", missing.join("\n"));
}

/// A number with a comma at every third digit, as the document writes it.
fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

#[test]
fn limits_are_those_of_the_document() {
    let values = [
        ("DIMENSION_MAX", u64::from(limits::DIMENSION_MAX)),
        ("ROWS_MAX", u64::from(limits::ROWS_MAX)),
        ("ID_BYTES_MAX", limits::ID_BYTES_MAX as u64),
        ("METADATA_BYTES_MAX", limits::METADATA_BYTES_MAX as u64),
        ("METADATA_DEPTH_MAX", limits::METADATA_DEPTH_MAX as u64),
        ("SEGMENT_BYTES_MAX", limits::SEGMENT_BYTES_MAX),
        ("MANIFEST_BYTES_MAX", limits::MANIFEST_BYTES_MAX),
        ("BLOCK_TABLE_FROM_BYTES", limits::BLOCK_TABLE_FROM_BYTES),
        ("FILE_BYTES_MAX", limits::FILE_BYTES_MAX),
        ("COUNTER_MAX", limits::COUNTER_MAX),
        ("APPEND_BYTES_MAX", limits::APPEND_BYTES_MAX),
        ("UNSYNCED_BYTES_MAX", limits::UNSYNCED_BYTES_MAX),
        ("REPLAY_BYTES_MAX", limits::REPLAY_BYTES_MAX),
        ("FINAL_FORM_FROM_BYTES", limits::FINAL_FORM_FROM_BYTES as u64),
    ];
    for (name, value) in values {
        let row = format!("| {name} | {} |", with_commas(value));
        assert!(DOCUMENT.contains(&row), "docs/format.md lacks the row\n{row}");
    }
}

#[test]
fn kinds_are_those_of_the_document() {
    let section = DOCUMENT.split("### Kinds").nth(1).and_then(|rest| rest.split("### Flags").next()).unwrap();
    let listed: Vec<(u8, &str, bool)> = section
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let number = u8::from_str_radix(cells.get(1)?.strip_prefix("0x")?, 16).ok()?;
            Some((number, cells[3], cells[4] == "opaque"))
        })
        .collect();
    let known: Vec<(u8, &str, bool)> = (0..=255)
        .filter_map(|number| Some((number, SegmentKind(number).name()?, SegmentKind(number).is_opaque())))
        .collect();
    assert_eq!(listed, known);
}
