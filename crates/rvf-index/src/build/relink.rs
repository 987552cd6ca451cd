use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use rvf_types::Row;

use super::reach::Tree;
use super::table::Table;

/// Links added to a graph in such a way that every row that was reached stays so.
pub(super) struct Relinking<'b> {
    pub(super) table: &'b mut Table,
    pub(super) tree: Tree,
    /// Links that were added.
    pinned: BTreeSet<(Row, Row)>,
    /// Rows that lost a link for them.
    pub(super) lost: Vec<Row>,
    /// Places that rows nothing led to may take of one row. The rest stays for links in other directions, or the first
    /// of a thousand equals would lead to nothing but equals.
    few: usize,
}

impl<'b> Relinking<'b> {
    pub(super) fn new(table: &'b mut Table, few: usize) -> Relinking<'b> {
        let tree = Tree::of(table);
        Relinking { table, tree, pinned: BTreeSet::new(), lost: Vec::new(), few }
    }

    /// Links a row that nothing leads to, from one of the rows in `near` or one that they lead to.
    pub(super) fn reach(&mut self, row: Row, near: &[Row]) {
        let free = self.link_from_free(row, near, self.few);
        if let Some(host) = free.or_else(|| self.link_from_below(row, *near.first()?)) {
            self.tree.adopt(self.table, host, row);
        }
    }

    /// Links a row that links lead to, but walks do not, from one of the rows that its walk came to.
    pub(super) fn link(&mut self, row: Row, near: &[Row]) {
        let is_linked = self.link_from_free(row, near, self.table.degree()).is_some()
            || near.iter().any(|host| self.link_from_spare(row, *host));
        if !is_linked {
            near.iter().any(|host| self.squeeze_in(row, *host));
        }
    }

    /// Links `row` from the first of the rows in `near` that uses fewer than `places`, and gives that one.
    fn link_from_free(&mut self, row: Row, near: &[Row], places: usize) -> Option<Row> {
        let can_host = |host: &Row| {
            let links = self.table.links(*host);
            *host != row && links.len() < places && !links.contains(&row)
        };
        let host = near.iter().copied().find(can_host)?;
        self.table.add_link(host, row);
        self.pinned.insert((host, row));
        Some(host)
    }

    /// Links `row` from `host` in place of the last link that nothing needs. False where there is none.
    fn link_from_spare(&mut self, row: Row, host: Row) -> bool {
        let Some(place) = self.spare_place(host).filter(|_| host != row && !self.table.links(host).contains(&row))
        else {
            return false;
        };
        self.lost.push(self.table.replace_link(host, place, row));
        self.pinned.insert((host, row));
        true
    }

    /// Links `row` from a row below `top` in the tree, and gives that one. At the tree's end none of a row's links is
    /// needed, so there is always one; rows with thousands of equals come to hang in a tree of those, and the first of
    /// them keeps its links to others.
    fn link_from_below(&mut self, row: Row, top: Row) -> Option<Row> {
        let mut host = top;
        let mut turns = row;
        loop {
            let below = self.table.links(host).iter().copied().filter(|below| self.tree.needs(host, *below));
            let count = below.clone().count();
            if count == 0 {
                break;
            }
            // Another branch for each row, so that the tree grows wide and not deep.
            turns = turns.wrapping_mul(0x9E37_79B1).rotate_left(15);
            host = below.clone().nth(turns as usize % count)?;
            if self.link_from_free(row, &[host], self.few).is_some() {
                return Some(host);
            }
        }
        let is_linked =
            self.link_from_free(row, &[host], self.table.degree()).is_some() || self.link_from_spare(row, host);
        is_linked.then_some(host)
    }

    /// The last place of `host` whose link nothing needs.
    fn spare_place(&self, host: Row) -> Option<usize> {
        let is_spare = |other: &Row| !self.tree.needs(host, *other) && !self.pinned.contains(&(host, *other));
        self.table.links(host).iter().rposition(is_spare)
    }

    /// Puts `row` between `host`, all of whose links are needed, and a row that it leads to. False where `row` has no
    /// place for that one.
    fn squeeze_in(&mut self, row: Row, host: Row) -> bool {
        let links = self.table.links(host);
        let is_movable = |other: &Row| *other != row && !self.pinned.contains(&(host, *other));
        let Some(place) = links.iter().rposition(is_movable).filter(|_| host != row && !links.contains(&row)) else {
            return false;
        };
        let moved = links[place];
        if !self.table.links(row).contains(&moved) {
            if self.table.links(row).len() < self.table.degree() {
                self.table.add_link(row, moved);
            } else if let Some(place) = self.spare_place(row) {
                self.lost.push(self.table.replace_link(row, place, moved));
            } else {
                return false;
            }
        }
        self.table.replace_link(host, place, row);
        self.tree.insert_between(host, row, moved);
        self.pinned.insert((host, row));
        self.lost.push(moved);
        true
    }
}
