//! What searches with filters find and cost through the engine, on one thread, beside the search without one.
//!
//! `cargo run --release -p rvf-runtime --example filter_search_figures -- [STORE]`; the data are looked for in the folder
//! `RVF_DATA`, or in `shared/data/debian` beside the repository. The store is made where it is not there yet.
//!
//! Four kinds of filters let 50 / 10 / 1 / 0.1 % of the rows through, each by a number in the rows' metadata:
//! **any** rows; those **near** the query, which are the nearest ones of a pivot, of the query's nearest pivot; those
//! **far** from that pivot; those of **another** region, the nearest ones of the pivot farthest from the query; and whole
//! **clusters** of near rows, taken at random. "Own" is the rate where each query has a filter that no other has.
#![allow(clippy::unwrap_used)] // a program for measurements

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::types::Metric;
use rvf_runtime::{
    Batch, Control, CreateOptions, Expression, Host, OnDuplicate, OpenOptions, PackedStrings, Quality, QueryOptions,
    RvfStore,
};

const DIMENSION: usize = 384;
const BATCH_ROWS: usize = 1_000;
const QUERIES: usize = 500;
const ROUNDS: usize = 9;
const K: usize = 10;
const PIVOTS: usize = 8;
const SHARES: [f64; 4] = [0.5, 0.1, 0.01, 0.001];
const CLUSTERS: usize = 512;
const KINDS: [&str; 5] = ["any", "near", "far", "another", "clusters"];

fn float_of_half(half: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(half & 0x7FFF) << 13) * f32::from_bits((127 + 112) << 23);
    if half >> 15 == 1 { -magnitude } else { magnitude }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

/// The data's rows, and pivots spread over them.
struct Data {
    base: Vec<f32>,
    rows: usize,
}

impl Data {
    fn load(folder: &Path) -> Option<Data> {
        let halves = std::fs::read(folder.join("base.f16")).ok()?;
        let base: Vec<f32> =
            halves.as_chunks::<2>().0.iter().map(|half| float_of_half(u16::from_le_bytes(*half))).collect();
        let rows = base.len() / DIMENSION;
        Some(Data { base, rows })
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.base[row * DIMENSION..(row + 1) * DIMENSION]
    }

    fn pivot(&self, pivot: usize) -> &[f32] {
        self.row(pivot * self.rows / PIVOTS)
    }

    /// Each row's place among all of them, by the distance from a pivot.
    fn places(&self, pivot: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows).collect();
        let near: Vec<f32> = order.iter().map(|row| cosine(self.row(*row), self.pivot(pivot))).collect();
        order.sort_by(|left, right| near[*right].total_cmp(&near[*left]));
        let mut places = vec![0; self.rows];
        order.iter().enumerate().for_each(|(place, row)| places[*row] = place);
        places
    }

    /// Pivots by their distance from a query.
    fn pivots_of(&self, query: &[f32]) -> Vec<usize> {
        let mut pivots: Vec<usize> = (0..PIVOTS).collect();
        pivots.sort_by(|left, right| cosine(self.pivot(*right), query).total_cmp(&cosine(self.pivot(*left), query)));
        pivots
    }

    /// Each row's place where clusters come one after the other in random order; that of a cluster's first row.
    fn places_by_cluster(&self) -> Vec<usize> {
        let centres: Vec<&[f32]> = (0..CLUSTERS).map(|cluster| self.row(cluster * self.rows / CLUSTERS)).collect();
        let cluster_of = |row: usize| {
            let near: Vec<f32> = centres.iter().map(|centre| cosine(self.row(row), centre)).collect();
            (0..CLUSTERS).max_by(|left, right| near[*left].total_cmp(&near[*right])).unwrap_or(0)
        };
        let clusters: Vec<usize> = (0..self.rows).map(cluster_of).collect();
        let mut sizes = vec![0; CLUSTERS];
        clusters.iter().for_each(|cluster| sizes[*cluster] += 1);
        let (mut starts, mut end) = (vec![0; CLUSTERS], 0);
        for cluster in (0..CLUSTERS).map(|index| index * 211 % CLUSTERS) {
            starts[cluster] = end;
            end += sizes[cluster];
        }
        clusters.iter().map(|cluster| starts[*cluster]).collect()
    }

    fn fill(&self, store: &RvfStore) {
        let mut places: Vec<Vec<usize>> = (0..PIVOTS).map(|pivot| self.places(pivot)).collect();
        places.push(self.places_by_cluster());
        for first in (0..self.rows).step_by(BATCH_ROWS) {
            let rows = first..self.rows.min(first + BATCH_ROWS);
            let ids: Vec<String> = rows.clone().map(|row| row.to_string()).collect();
            let texts: Vec<String> = rows.clone().map(|row| text(row, &places)).collect();
            let vectors = bytes(&self.base[rows.start * DIMENSION..rows.end * DIMENSION]);
            let batch = Batch {
                ids: PackedStrings::from_strings(ids.iter().map(String::as_str)),
                vectors: AlignedBytes::from(&vectors[..]),
                metadata: Some(PackedStrings::from_strings(texts.iter().map(String::as_str))),
            };
            store.ingest(batch, OnDuplicate::Error, Duration::MAX).unwrap();
        }
        store.wait_for_index(&Control::default()).unwrap();
        store.close().unwrap();
    }

    /// A filter that lets the share of the rows through, and `fewer` less.
    fn filter(&self, store: &RvfStore, kind: &str, share: f64, query: &[f32], fewer: usize) -> Arc<Expression> {
        let end = (self.rows as f64 * share) as usize - fewer;
        let pivots = self.pivots_of(query);
        let condition = match kind {
            "any" => format!(r#"{{"op":"lt","field":"any","value":{end}}}"#),
            "near" => format!(r#"{{"op":"lt","field":"place{}","value":{end}}}"#, pivots[0]),
            "far" => format!(r#"{{"op":"ge","field":"place{}","value":{}}}"#, pivots[0], self.rows - end),
            "another" => format!(r#"{{"op":"lt","field":"place{}","value":{end}}}"#, pivots[PIVOTS - 1]),
            _ => format!(r#"{{"op":"lt","field":"place{PIVOTS}","value":{end}}}"#),
        };
        store.filter(&condition).unwrap()
    }
}

fn text(row: usize, places: &[Vec<usize>]) -> String {
    let rows = places[0].len() as u64;
    let any = (u64::from((row as u32).wrapping_mul(0x9E37_79B1)) * rows) >> 32;
    let mut text = format!(r#"{{"any":{any}"#);
    for (pivot, places) in places.iter().enumerate() {
        text += &format!(r#","place{pivot}":{}"#, places[row]);
    }
    text + "}"
}

/// One query and its filter.
type Asked = (Vec<u8>, Option<Arc<Expression>>);

fn ask(store: &RvfStore, (query, filter): &Asked, options: &QueryOptions) -> rvf_runtime::Hits {
    store.query(query, &QueryOptions { k: K, filter: filter.clone(), ..options.clone() }, None).unwrap()
}

/// Queries a second.
fn rate(store: &RvfStore, asked: &[Asked]) -> f64 {
    let start = Instant::now();
    asked.iter().for_each(|one| drop(std::hint::black_box(ask(store, one, &QueryOptions::default()))));
    asked.len() as f64 / start.elapsed().as_secs_f64()
}

/// Queries a second of several lists of queries in turns, and the rate of each beside that of the first: medians.
fn rates<const N: usize>(store: &RvfStore, lists: [&[Asked]; N]) -> [(f64, f64); N] {
    let rounds: Vec<[f64; N]> = (0..ROUNDS).map(|_| lists.map(|asked| rate(store, asked))).collect();
    std::array::from_fn(|list| {
        let median = |of: &dyn Fn(&[f64; N]) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[ROUNDS / 2]
        };
        (median(&|round| round[list]), median(&|round| round[list] / round[0]))
    })
}

/// Recall, rows visited, and how the answers were found.
fn measure(store: &RvfStore, asked: &[Asked]) -> (f64, f64, String) {
    let exact = QueryOptions { quality: Quality::Exact, ..QueryOptions::default() };
    let explained = QueryOptions { with_plan: true, ..QueryOptions::default() };
    let (mut found, mut wanted, mut visited) = (0, 0, 0);
    let mut plans = std::collections::BTreeMap::<String, usize>::new();
    for one in asked {
        let truth = ask(store, one, &exact).ids;
        let hits = ask(store, one, &explained);
        found += hits.ids.iter().filter(|id| truth.contains(id)).count();
        wanted += truth.len();
        let plan = hits.plan.unwrap();
        visited += plan.visited;
        *plans.entry(format!("{:?}", plan.strategy)).or_default() += 1;
    }
    (found as f64 / wanted as f64, visited as f64 / asked.len() as f64, format!("{plans:?}"))
}

fn main() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/debian");
    let folder: PathBuf = std::env::var("RVF_DATA").unwrap_or(beside.to_owned()).into();
    let Some(data) = Data::load(&folder) else {
        println!("no data in {}", folder.display());
        return;
    };
    let queries = floats(&std::fs::read(folder.join("queries.f32")).unwrap());
    let queries: Vec<&[f32]> = queries.chunks_exact(DIMENSION).take(QUERIES).collect();
    let directory = tempfile::tempdir().unwrap();
    let path = std::env::args().nth(1).map_or(directory.path().join("store.rvf"), PathBuf::from);
    let host = Host::native();
    if !path.exists() {
        let options = CreateOptions::new(DIMENSION as u32, Metric::Cosine);
        data.fill(&RvfStore::create(&host, path.to_str().unwrap(), &options).unwrap());
    }
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    let store = RvfStore::open(&host, path.to_str().unwrap(), &options).unwrap();

    let plain: Vec<Asked> = queries.iter().map(|query| (bytes(query), None)).collect();
    let (recall, visited, plans) = measure(&store, &plain);
    println!("| filter | share | recall@{K} | QPS | of unfiltered | own, QPS | of unfiltered | visited | plans |");
    println!("|---|---|---|---|---|---|---|---|---|");
    println!("| none | | {recall:.4} | {:.0} | | | | {visited:.0} | {plans} |", rate(&store, &plain));
    for kind in KINDS {
        for share in SHARES {
            let asked_with = |fewer: fn(usize) -> usize| -> Vec<Asked> {
                let filter = |at, query: &&[f32]| Some(data.filter(&store, kind, share, query, fewer(at)));
                queries.iter().enumerate().map(|(at, query)| (bytes(query), filter(at, query))).collect()
            };
            let (same, own) = (asked_with(|_| 0), asked_with(|at| at % 40));
            let (recall, visited, plans) = measure(&store, &same);
            let [_, (rate, ratio), (own, own_ratio)] = rates(&store, [&plain, &same, &own]);
            println!(
                "| {kind} | {} % | {recall:.4} | {rate:.0} | {ratio:.2} | {own:.0} | {own_ratio:.2} | {visited:.0} | {plans} |",
                share * 100.0,
            );
        }
    }
}
