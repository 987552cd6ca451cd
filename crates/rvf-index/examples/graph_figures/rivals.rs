//! The graphs that ours was chosen among, as their papers say, with the same walk and the same codes.

use std::error::Error;

use rvf_index::{Candidate, Distances, Effort, Graph, Request, RowDistances, Scratch, SearchError, Vectors, search};
use rvf_quant::QuantError;
use rvf_types::Row;

use crate::common::shapes::Random;
use crate::common::{Coded, CodedScorer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One layer of lists.
struct Layer<'g> {
    lists: &'g [Vec<Row>],
    entry: [Row; 1],
}

impl Graph<QuantError> for Layer<'_> {
    fn row_count(&self) -> u32 {
        self.lists.len() as u32
    }

    fn entries(&self) -> &[Row] {
        &self.entry
    }

    fn neighbours(&self, row: Row, neighbours: &mut Vec<Row>) -> std::result::Result<(), SearchError<QuantError>> {
        neighbours.clear();
        neighbours.extend_from_slice(&self.lists[row as usize]);
        Ok(())
    }

    fn touch(&self, row: Row) {
        for link in self.lists[row as usize].iter().step_by(16) {
            std::hint::black_box(link);
        }
    }
}

/// Lists that rows are linked into.
struct Linker<'c> {
    vectors: &'c Coded,
    scorer: CodedScorer<'c>,
    scratch: Scratch,
    found: Vec<Candidate>,
}

impl<'c> Linker<'c> {
    fn new(vectors: &'c Coded) -> Linker<'c> {
        Linker { vectors, scorer: vectors.scorer(), scratch: Scratch::default(), found: Vec::new() }
    }

    /// Looks for rows near `row`; gives the nearest other one.
    fn look(&mut self, lists: &[Vec<Row>], entry: Row, row: Row, breadth: usize) -> Result<Row> {
        self.scorer.aim_at(row)?;
        let request = Request { breadth, ..Request::default() };
        let layer = Layer { lists, entry: [entry] };
        self.found.clear();
        self.found.extend_from_slice(search(&layer, &self.scorer, &request, &mut self.scratch)?);
        self.found.retain(|candidate| candidate.row != row);
        Ok(self.found.first().map_or(entry, |candidate| candidate.row))
    }

    /// The pruning of HNSW, and with `alpha` above 1 that of Vamana, over what was found.
    fn choose(&mut self, limit: usize, alpha: f32) -> Result<Vec<Row>> {
        let mut chosen = Vec::new();
        let mut ahead = std::mem::take(&mut self.found);
        while !ahead.is_empty() && chosen.len() < limit {
            let nearest = ahead.remove(0).row;
            chosen.push(nearest);
            self.scorer.aim_at(nearest)?;
            let rows: Vec<Row> = ahead.iter().map(|candidate| candidate.row).collect();
            let mut distances = vec![0.0; rows.len()];
            self.scorer.score(&rows, &mut distances)?;
            let mut distances = distances.into_iter();
            ahead.retain(|candidate| distances.next().is_none_or(|distance| alpha * distance > candidate.distance));
        }
        Ok(chosen)
    }

    /// Gives `row` its list, and links back; lists longer than `cap` are pruned.
    fn connect(&mut self, lists: &mut [Vec<Row>], row: Row, chosen: Vec<Row>, cap: usize, alpha: f32) -> Result<()> {
        for host in &chosen {
            let list = &mut lists[*host as usize];
            if !list.contains(&row) {
                list.push(row);
            }
            if list.len() > cap {
                let rows = list.clone();
                self.scorer.aim_at(*host)?;
                let mut distances = vec![0.0; rows.len()];
                self.scorer.score(&rows, &mut distances)?;
                self.found =
                    rows.iter().zip(distances).map(|(row, distance)| Candidate { distance, row: *row }).collect();
                self.found.sort_by(|left, right| left.distance.total_cmp(&right.distance));
                lists[*host as usize] = self.choose(cap, alpha)?;
            }
        }
        lists[row as usize] = chosen;
        Ok(())
    }
}

/// HNSW: Malkov and Yashunin, 2018.
pub struct Hnsw {
    layers: Vec<Vec<Vec<Row>>>,
    entry: Row,
    m: usize,
}

impl Hnsw {
    /// `m` neighbours of a new row, twice as many places in the bottom layer.
    pub fn build(vectors: &Coded, m: usize, breadth: usize) -> Result<Hnsw> {
        let mut graph = Hnsw { layers: Vec::new(), entry: 0, m };
        let mut linker = Linker::new(vectors);
        let mut random = Random(5);
        for row in vectors.rows() {
            let uniform = ((random.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
            let level = (-uniform.ln() / (m as f64).ln()) as usize;
            let (top, mut at) = (graph.layers.len(), graph.entry);
            for layer in (level + 1..top).rev() {
                at = linker.look(&graph.layers[layer], at, row, 1)?;
            }
            for layer in (0..top.min(level + 1)).rev() {
                at = linker.look(&graph.layers[layer], at, row, breadth)?;
                let chosen = linker.choose(m, 1.0)?;
                let cap = if layer == 0 { 2 * m } else { m };
                linker.connect(&mut graph.layers[layer], row, chosen, cap, 1.0)?;
            }
            while graph.layers.len() <= level {
                graph.layers.push(vec![Vec::new(); linker.vectors.len() as usize]);
                graph.entry = row;
            }
        }
        Ok(graph)
    }

    /// The bottom layer's links, with places as in a fixed stride, and those above.
    pub fn bytes(&self) -> usize {
        let above: usize = self.layers.iter().skip(1).flatten().filter(|list| !list.is_empty()).count();
        self.layers[0].len() * 2 * self.m * 4 + above * self.m * 4
    }

    pub fn search(
        &self,
        query: &CodedScorer<'_>,
        breadth: usize,
        scratch: &mut Scratch,
    ) -> Result<(Vec<Candidate>, Effort)> {
        let (mut at, mut effort) = (self.entry, Effort::default());
        let mut found = Vec::new();
        for (index, lists) in self.layers.iter().enumerate().rev() {
            let request = Request { breadth: if index == 0 { breadth } else { 1 }, ..Request::default() };
            found = search(&Layer { lists, entry: [at] }, query, &request, scratch)?.to_vec();
            at = found.first().map_or(at, |candidate| candidate.row);
            effort.scored += scratch.effort().scored;
            effort.expanded += scratch.effort().expanded;
        }
        Ok((found, effort))
    }
}

/// Vamana: Subramanya et al., NeurIPS 2019. From random links, in two passes, the second with `alpha`.
pub struct Vamana {
    lists: Vec<Vec<Row>>,
    medoid: Row,
    degree: usize,
}

impl Vamana {
    pub fn build(vectors: &Coded, degree: usize, breadth: usize, alpha: f32, centre: &[u8]) -> Result<Vamana> {
        let mut random = Random(6);
        let mut rows = vectors.rows();
        let mut distances = vec![0.0; rows.len()];
        vectors.query(centre).score(&rows, &mut distances)?;
        let medoid =
            rows.iter().copied().min_by(|left, right| distances[*left as usize].total_cmp(&distances[*right as usize]));
        let medoid = medoid.ok_or("no rows")?;
        let mut lists: Vec<Vec<Row>> = (0..rows.len())
            .map(|row| {
                (0..degree / 2).map(|_| random.below(rows.len()) as Row).filter(|other| *other != row as Row).collect()
            })
            .collect();
        let mut linker = Linker::new(vectors);
        for alpha in [1.0, alpha] {
            random.shuffle(&mut rows);
            for row in &rows {
                linker.look(&lists, medoid, *row, breadth)?;
                let known: Vec<Row> = lists[*row as usize].clone();
                let mut distances = vec![0.0; known.len()];
                linker.scorer.aim_at(*row)?;
                linker.scorer.score(&known, &mut distances)?;
                let known = known.into_iter().zip(distances);
                linker.found.extend(known.map(|(row, distance)| Candidate { distance, row }));
                linker
                    .found
                    .sort_by(|left, right| left.distance.total_cmp(&right.distance).then(left.row.cmp(&right.row)));
                linker.found.dedup_by_key(|candidate| candidate.row);
                let chosen = linker.choose(degree, alpha)?;
                linker.connect(&mut lists, *row, chosen, degree, alpha)?;
            }
        }
        Ok(Vamana { lists, medoid, degree })
    }

    pub fn bytes(&self) -> usize {
        self.lists.len() * self.degree * 4
    }

    pub fn search(
        &self,
        query: &CodedScorer<'_>,
        breadth: usize,
        scratch: &mut Scratch,
    ) -> Result<(Vec<Candidate>, Effort)> {
        let request = Request { breadth, ..Request::default() };
        let layer = Layer { lists: &self.lists, entry: [self.medoid] };
        let found = search(&layer, query, &request, scratch)?.to_vec();
        Ok((found, scratch.effort()))
    }
}
