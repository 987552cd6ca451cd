use std::ops::Range;

/// What planning has to know of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunSize {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Not in the form that stays: on the heap, so that a checkpoint must write it, or to be put together with others.
    pub(crate) is_loose: bool,
    /// Its first row follows the run before it.
    pub(crate) is_adjacent: bool,
}

/// How eagerly runs are merged: up to `fan_in - 1` runs of one size class stand beside each other, and nothing above
/// `bytes_max` is made. Each row is rewritten at most once for each class, so the work a row costs grows with the
/// logarithm of their number (size-tiered compaction, as in log-structured merge trees). Runs that have half of
/// `bytes_max` together are merged however few they are, and then stay: otherwise runs of which `fan_in` do not fit
/// would stand side by side for ever, and every manifest would name them all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MergePolicy {
    pub(crate) fan_in: u64,
    pub(crate) bytes_max: u64,
    /// Whether runs that commits have written since the last checkpoint are put together, however few they are.
    pub(crate) takes_tail: bool,
}

impl MergePolicy {
    fn class(&self, rows: u64) -> u32 {
        rows.max(1).ilog(self.fan_in)
    }

    /// True for what stays as it is.
    fn is_final(&self, bytes: u64) -> bool {
        bytes >= self.bytes_max / 2
    }
}

/// Which runs, given in row order, a checkpoint puts together: ranges of indexes that cover all runs. A range of one
/// stored run is kept as it is, every other range is written.
pub(crate) fn plan_merges(runs: &[RunSize], policy: MergePolicy) -> Vec<Range<usize>> {
    let mut groups: Vec<(Range<usize>, RunSize)> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        match groups.last_mut() {
            Some((range, size)) if size.is_loose && run.is_loose && run.is_adjacent && fits(size, run, policy) => {
                range.end = index + 1;
                size.rows += run.rows;
                size.bytes += run.bytes;
            }
            _ => groups.push((index..index + 1, *run)),
        }
        if runs.get(index + 1).is_none_or(|next| !next.is_loose) {
            merge_classes(&mut groups, policy);
        }
    }
    groups.into_iter().map(|(range, _)| range).collect()
}

fn fits(left: &RunSize, right: &RunSize, policy: MergePolicy) -> bool {
    left.bytes + right.bytes <= policy.bytes_max
}

/// Puts the newest groups together while at the end there are `fan_in` of a class, or smaller, or enough to stay.
fn merge_classes(groups: &mut Vec<(Range<usize>, RunSize)>, policy: MergePolicy) {
    let Some((_, last)) = groups.last() else { return };
    if !last.is_loose {
        return;
    }
    let mut class = policy.class(last.rows);
    loop {
        let mut start = groups.len();
        let mut bytes = 0;
        while start > 0 {
            let size = groups[start - 1].1;
            let is_open = start == groups.len() || groups[start].1.is_adjacent;
            let is_small = policy.class(size.rows) <= class && !policy.is_final(size.bytes);
            if !is_open || !is_small || bytes + size.bytes > policy.bytes_max || policy.is_final(bytes) {
                break;
            }
            bytes += size.bytes;
            start -= 1;
        }
        let count = (groups.len() - start) as u64;
        if count < 2 || (count < policy.fan_in && !policy.is_final(bytes)) {
            return;
        }
        let merged = RunSize {
            rows: groups[start..].iter().map(|(_, size)| size.rows).sum(),
            bytes,
            is_loose: true,
            is_adjacent: groups[start].1.is_adjacent,
        };
        let range = groups[start].0.start..groups[groups.len() - 1].0.end;
        groups.truncate(start);
        groups.push((range, merged));
        class = policy.class(merged.rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: MergePolicy = MergePolicy { fan_in: 8, bytes_max: 1 << 20, takes_tail: false };

    fn run(rows: u64, is_loose: bool) -> RunSize {
        RunSize { rows, bytes: rows * 1536, is_loose, is_adjacent: true }
    }

    #[test]
    fn ten_thousand_single_inserts_leave_few_runs_and_rewrite_each_row_a_few_times() {
        let mut stored: Vec<RunSize> = Vec::new();
        let (mut written_rows, mut most_runs) = (0, 0);
        for _ in 0..10_000 {
            let mut runs = stored.clone();
            runs.push(run(1, true));
            stored = plan_merges(&runs, POLICY)
                .into_iter()
                .map(|range| {
                    let rows = runs[range.clone()].iter().map(|run| run.rows).sum();
                    if range.len() > 1 || runs[range.start].is_loose {
                        written_rows += rows;
                    }
                    run(rows, false)
                })
                .collect();
            most_runs = most_runs.max(stored.len());
        }
        assert_eq!(stored.iter().map(|run| run.rows).sum::<u64>(), 10_000);
        assert!(most_runs < 60, "{most_runs} runs");
        assert!(written_rows < 50_000, "{written_rows} rows written");
    }

    #[test]
    fn runs_too_large_to_be_merged_by_the_number_are_merged_once_by_their_size() {
        let mut stored: Vec<RunSize> = Vec::new();
        let mut written_rows = 0;
        for _ in 0..1_000 {
            let mut runs = stored.clone();
            runs.push(run(100, true));
            let ranges = plan_merges(&runs, POLICY);
            let sum = |range: Range<usize>| runs[range].iter().map(|run| run.rows).sum::<u64>();
            let is_written = |range: &&Range<usize>| range.len() > 1 || runs[range.start].is_loose;
            written_rows += ranges.iter().filter(is_written).cloned().map(sum).sum::<u64>();
            stored = ranges.into_iter().map(|range| run(sum(range), false)).collect();
        }
        let bytes: u64 = stored.iter().map(|run| run.bytes).sum();
        assert!((stored.len() as u64) < 2 * bytes / POLICY.bytes_max + 8, "{} runs", stored.len());
        assert!(written_rows <= 2 * 100_000, "{written_rows} rows written");
    }

    #[test]
    fn large_stored_runs_are_never_rewritten() {
        let runs = [run(5_000, false), run(5_000, false), run(3, true)];
        assert_eq!(plan_merges(&runs, POLICY), vec![0..1, 1..2, 2..3]);
    }

    #[test]
    fn neighbouring_loose_runs_become_one() {
        let runs = [run(5_000, false), run(3, true), run(9, true), run(5_000, false), run(1, true)];
        assert_eq!(plan_merges(&runs, POLICY), vec![0..1, 1..3, 3..4, 4..5]);
    }

    #[test]
    fn runs_with_a_gap_between_them_stay_apart() {
        let mut runs = vec![run(1, true); 20];
        runs[7].is_adjacent = false;
        assert_eq!(plan_merges(&runs, POLICY), vec![0..7, 7..20]);
    }
}
