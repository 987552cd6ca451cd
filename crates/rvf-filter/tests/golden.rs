//! The bytes of a small payload, so that the layout does not change unnoticed. They are explained in
//! `docs/filter-columns.md`.

mod common;

use xxhash_rust::xxh3::xxh3_64;

const DOCUMENTS: [&str; 3] = [r#"{"t":"ab","n":2}"#, "", r#"{"t":"abc","n":1.5}"#];

#[test]
fn the_layout_is_as_documented() {
    let hex: String = common::payload(&DOCUMENTS).iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = concat!(
        "01000000070000000300000002000000fd00000000010000280000000800000000000000000000003a30000000000000",
        "3a3000000100000000000100100000000000020002000000020000000200000000000000220000003200000001000800",
        "000000000200000000000000f83f00000000000000406e01010000300000001400000002000000050200004400000032",
        "000000020000003a30000001000000000001001000000000000200020000000200000002000000000000002200000031",
        "000000010000000004000000020000000007000000000261620201637401010000970000001400000002000000060300",
        "00ab0000003100000002000000760000000100020077000000dc00000001000200dd000000",
    );
    assert_eq!(hex, expected);
}

/// Documents with every class of value, texts that are cut, keys that occur twice and fields beyond the limit.
fn many(row: u32) -> String {
    let mixed = row.wrapping_mul(2_654_435_761) >> 7;
    let long = "y".repeat([5, 63, 64, 65, 1_023, 1_024, 1_040][(mixed % 7) as usize]);
    match row % 11 {
        0 => String::new(),
        1 => format!(r#"{{"a":null,"b":[true,false,null,{},"e{}",[1],{{}}],"n":{mixed}}}"#, mixed % 50, mixed % 90),
        2 => format!(r#"{{"n":-{}.5e{},"t":"{long}{}"}}"#, mixed % 9, mixed % 300, mixed % 3),
        3 => format!(r#"{{"a":["x","y"],"n":1,"a":{},"b":1,"b":["x","x",1,1],"t":"x","t":1,"t":"x"}}"#, mixed % 4),
        4 => format!(r#"{{"f{}":{row},"f{}":"{long}"}}"#, mixed % 3_000, mixed % 2_999),
        5 => format!(r#"{{"\u0061":"\ud800{}","n":{}}}"#, mixed % 6, mixed % 256),
        _ => format!(
            r#" {{ "id" : "row {mixed:08}", "section":"s{}" , "n" : {}, "tags" :["t{}", "t{}"]}} "#,
            row % 37,
            row % 997,
            row % 61,
            row % 7
        ),
    }
}

#[test]
fn the_bytes_of_many_rows_are_as_they_were() {
    let hash_of = |rows: std::ops::Range<u32>| {
        let payload = common::payload(&rows.map(many).collect::<Vec<_>>());
        (payload.len(), format!("{:016x}", xxh3_64(&payload)))
    };
    // The hashes are those of the first builder, which kept its texts in sorted maps.
    assert_eq!(hash_of(0..300), (15_396, "2bc824dec5501284".to_owned()));
    assert_eq!(hash_of(0..70_000), (1_234_218, "fd99382501739fe9".to_owned()));
}
