use crate::{DEGREE_MAX, DEGREE_MIN, ParameterError};

/// How a graph is built. `docs/graph-choice.md` has what the defaults were chosen by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuildParameters {
    /// Places for neighbours of each row. The graph takes four bytes for each.
    pub degree: usize,
    /// Rows that the walk for a new row keeps in sight: `efConstruction`.
    pub breadth: usize,
    /// How much nearer to a neighbour than to the row itself a candidate must be to be left out. 1 leaves out most;
    /// more leaves longer lists, and shorter walks.
    pub alpha: f32,
}

impl Default for BuildParameters {
    fn default() -> BuildParameters {
        BuildParameters { degree: 32, breadth: 240, alpha: 1.1 }
    }
}

impl BuildParameters {
    /// Refuses what no graph can be built with.
    pub(crate) fn check(self) -> Result<BuildParameters, ParameterError> {
        if !(DEGREE_MIN..=DEGREE_MAX).contains(&self.degree) {
            return Err(ParameterError::Degree(self.degree));
        }
        if self.breadth == 0 {
            return Err(ParameterError::Breadth);
        }
        if !self.alpha.is_finite() || self.alpha < 1.0 {
            return Err(ParameterError::Alpha(self.alpha));
        }
        Ok(self)
    }

    /// Neighbours that a new row chooses. The other places are for rows that choose it: with lists that are full from
    /// the start, each of those costs pruning.
    pub(crate) fn links(self) -> usize {
        (self.degree * 3 / 4).max(1)
    }
}
