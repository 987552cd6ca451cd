use alloc::vec::Vec;
use core::ops::ControlFlow;

use rvf_types::Row;

use super::relink::Relinking;
use super::suspects::Wanted;
use super::table::Table;
use super::worker::Worker;
use super::{Executor, GraphBuilder, Progress, step};
use crate::{Distances, Request, RowDistances, SearchError, Vectors, search};

/// Breadth of the walk that must find a row by its own vector: far less than that of any query, so that there is room to
/// spare for links that change later.
const FIND_BREADTH: usize = 16;

/// Greatest breadth where narrower walks found nothing but rows that are as near. A row among more equals than this
/// counts as found: a query with its vector is answered by any of them.
const FIND_EQUALS_BREADTH: usize = 128;

/// Rows looked for between two questions whether to go on.
const FIND_ROWS: usize = 512;

/// How often rows that are not found are linked once more. Linking one can take a link from another.
const ROUNDS_MAX: usize = 8;

/// What a repair did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Rows that nothing led to and that were linked.
    pub unreached: usize,
    /// Rows that were not found by their own vector and that were linked.
    pub unfound: usize,
    /// Rows that a narrow walk still does not find, though links lead to them.
    pub remaining: usize,
}

/// The graph under repair.
struct Repair<'b> {
    links: Relinking<'b>,
    wanted: Wanted,
    /// Rows of it that were looked for.
    done: usize,
    /// Rows that were linked or lost a link, until a round finds them.
    missed: Vec<Row>,
    repaired: Repaired,
}

impl GraphBuilder {
    /// Sees to it that the entries lead to every living row, whatever the data, and that rows are found by their own
    /// vector: those that are new, those that lost a link, and for each new one a few of the others in turn, so that all
    /// were looked for again when the graph has grown by a quarter.
    ///
    /// A row that nothing leads to is linked from the nearest row found; links of a tree that reaches all others stay, so
    /// that no row is lost for another. Then rows are searched for, and linked from the nearest row that the walk came to
    /// where they were missed. `watch` is asked every few hundred rows; what is left when it breaks off waits for the next
    /// call, and for the next process, as it is written with the graph.
    ///
    /// # Errors
    /// A code cannot be had.
    pub fn repair<V: Vectors>(
        &mut self,
        vectors: &V,
        executor: &impl Executor,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), Repaired>, SearchError<V::Error>> {
        let mut workers: Vec<Worker<V::Error>> = (0..executor.parts().max(1)).map(Worker::new).collect();
        let table = &self.table;
        let wanted = self.suspects.wanted(|row| table.contains(row) && vectors.is_living(row));
        let links = Relinking::new(&mut self.table, self.parameters.links());
        let mut repair = Repair { links, wanted, done: 0, missed: Vec::new(), repaired: Repaired::default() };
        let outcome = match repair.reach_all(vectors, &mut workers, &mut watch) {
            Ok(ControlFlow::Continue(())) => repair.find_all(vectors, executor, &mut workers, &mut watch),
            stopped => stopped,
        };
        let Repair { links: Relinking { lost, .. }, wanted, done, missed, repaired } = repair;
        self.suspects.settle(&wanted, done);
        missed.iter().chain(&lost).for_each(|row| self.suspects.insert(*row));
        Ok(match outcome? {
            ControlFlow::Continue(()) => ControlFlow::Continue(repaired),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        })
    }
}

impl Repair<'_> {
    /// Links every row that nothing leads to.
    fn reach_all<V: Vectors>(
        &mut self,
        vectors: &V,
        workers: &mut [Worker<V::Error>],
        watch: &mut impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SearchError<V::Error>> {
        let is_missing = |row: &Row| vectors.is_living(*row) && !self.links.tree.reaches(*row);
        let unreached: Vec<Row> = self.links.table.rows().filter(is_missing).collect();
        for (done, row) in unreached.iter().enumerate() {
            if done % FIND_ROWS == 0 && watch(Progress { done, total: unreached.len() }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            // One that was linked meanwhile may lead to it.
            if !self.links.tree.reaches(*row) {
                let near = workers[0].near(vectors, self.links.table, *row)?;
                self.links.reach(*row, &near);
                self.missed.push(*row);
                self.repaired.unreached += 1;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Looks for the wanted rows, and links those that are missed, until none is.
    fn find_all<V: Vectors>(
        &mut self,
        vectors: &V,
        executor: &impl Executor,
        workers: &mut [Worker<V::Error>],
        watch: &mut impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SearchError<V::Error>> {
        self.missed.append(&mut self.links.lost);
        let mut rows = self.wanted.rows.clone();
        let suspects = &self.wanted.rows[..self.wanted.suspects];
        rows.extend(self.missed.iter().filter(|row| vectors.is_living(**row) && suspects.binary_search(row).is_err()));
        for round in 0..ROUNDS_MAX {
            let mut missed = 0;
            for (index, part) in rows.chunks(FIND_ROWS).enumerate() {
                if watch(Progress { done: index * FIND_ROWS, total: rows.len() }).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                let (table, parts) = (&*self.links.table, workers.len());
                step(executor, workers, |worker| worker.miss(vectors, table, part, parts))?;
                for (row, near) in workers.iter().flat_map(|worker| worker.lists.iter()) {
                    missed += 1;
                    self.missed.push(row);
                    self.links.link(row, near);
                }
                self.done += if round == 0 { part.len() } else { 0 };
            }
            self.repaired.remaining = missed;
            self.repaired.unfound += missed;
            // Those of the round before were found in this one.
            self.missed.drain(..self.missed.len() - missed);
            if missed == 0 && self.links.lost.is_empty() {
                break;
            }
            // A new link changes the walks to other rows too, so only a round without one proves anything.
            rows.extend(self.links.lost.drain(..).filter(|row| vectors.is_living(*row)));
            rows.sort_unstable();
            rows.dedup();
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl<E> Worker<E> {
    /// Rows near a row, the nearest first.
    fn near<V: Vectors<Error = E>>(
        &mut self,
        vectors: &V,
        table: &Table,
        row: Row,
    ) -> Result<Vec<Row>, SearchError<E>> {
        let mut scorer = vectors.scorer();
        scorer.aim_at(row).map_err(SearchError::Source)?;
        let is_living = |row| vectors.is_living(row);
        let allowed: Option<&dyn Fn(Row) -> bool> = if vectors.has_dead() { Some(&is_living) } else { None };
        let request = Request { breadth: FIND_BREADTH * 2, allowed, ..Request::default() };
        let found = search(table, &scorer, &request, &mut self.scratch)?;
        let near: Vec<Row> = found.iter().map(|candidate| candidate.row).collect();
        // Where all that is reached is dead, it must do.
        Ok(if near.is_empty() { table.entries().to_vec() } else { near })
    }

    /// Looks for rows by their own vectors; lists those it does not find, each with the rows it came to instead.
    fn miss<V: Vectors<Error = E>>(
        &mut self,
        vectors: &V,
        table: &Table,
        rows: &[Row],
        parts: usize,
    ) -> Result<(), SearchError<E>> {
        let mut scorer = vectors.scorer();
        let is_living = |row| vectors.is_living(row);
        let allowed: Option<&dyn Fn(Row) -> bool> = if vectors.has_dead() { Some(&is_living) } else { None };
        for row in rows.iter().skip(self.part).step_by(parts) {
            scorer.aim_at(*row).map_err(SearchError::Source)?;
            let mut own = [0.0];
            scorer.score(&[*row], &mut own).map_err(SearchError::Source)?;
            let mut breadth = FIND_BREADTH;
            while breadth <= FIND_EQUALS_BREADTH {
                let request = Request { breadth, allowed, ..Request::default() };
                let found = search(table, &scorer, &request, &mut self.scratch)?;
                if found.iter().any(|candidate| candidate.row == *row) {
                    break;
                }
                let is_among_equals = found.len() == breadth && found.iter().all(|near| near.distance <= own[0]);
                if !is_among_equals {
                    let near: Vec<Row> = found.iter().take(FIND_BREADTH).map(|candidate| candidate.row).collect();
                    self.lists.push(*row, &near);
                    break;
                }
                // A broader walk may go beyond the equals, and must then find the row.
                breadth *= 2;
            }
        }
        Ok(())
    }
}
