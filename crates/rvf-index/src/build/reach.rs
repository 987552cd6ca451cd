use alloc::vec;
use alloc::vec::Vec;

use rvf_types::{NO_ROW, Row};

use super::table::Table;

/// Which rows the entries lead to, and by which links: a tree of the graph's links.
///
/// While these links stay, every row of the tree is reached; all others may go. A tree of `n` rows has fewer links than
/// rows and a row has at least two places, so there is always a place that may be taken.
pub(super) struct Tree {
    /// The row that a row is reached from; an entry's own number for an entry.
    parents: Vec<Row>,
    ahead: Vec<Row>,
}

impl Tree {
    pub(super) fn of(table: &Table) -> Tree {
        let mut tree = Tree { parents: vec![NO_ROW; table.row_count() as usize], ahead: Vec::new() };
        for entry in table.entries() {
            tree.parents[*entry as usize] = *entry;
        }
        tree.ahead.extend_from_slice(table.entries());
        tree.spread(table);
        tree
    }

    pub(super) fn reaches(&self, row: Row) -> bool {
        self.parents[row as usize] != NO_ROW
    }

    /// Takes in a row that `parent` was linked to, with all rows that it leads to.
    pub(super) fn adopt(&mut self, table: &Table, parent: Row, row: Row) {
        self.parents[row as usize] = parent;
        self.ahead.push(row);
        self.spread(table);
    }

    /// True where taking this link away could leave rows that are not reached.
    pub(super) fn needs(&self, row: Row, neighbour: Row) -> bool {
        neighbour != row && self.parents[neighbour as usize] == row
    }

    /// Notes that `row` took the place of `moved` among the links of `host`, and has a link to it.
    pub(super) fn insert_between(&mut self, host: Row, row: Row, moved: Row) {
        self.parents[moved as usize] = row;
        // A row that leads to its new host must go on being reached the way it was.
        if !self.leads_to(row, host) {
            self.parents[row as usize] = host;
        }
    }

    fn leads_to(&self, row: Row, below: Row) -> bool {
        let mut at = below;
        loop {
            let parent = self.parents[at as usize];
            if at == row {
                return true;
            }
            if parent == at || parent == NO_ROW {
                return false;
            }
            at = parent;
        }
    }

    /// Follows the links of the rows ahead, breadth first, so that the tree is flat.
    fn spread(&mut self, table: &Table) {
        let mut next = 0;
        while let Some(row) = self.ahead.get(next).copied() {
            next += 1;
            for neighbour in table.links(row) {
                let parent = &mut self.parents[*neighbour as usize];
                if *parent == NO_ROW {
                    *parent = row;
                    self.ahead.push(*neighbour);
                }
            }
        }
        self.ahead.clear();
    }
}
