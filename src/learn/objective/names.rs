//! Parts of objectives, and their names.

use crate::{Error, Result};
use std::{fmt, str::FromStr};

/// Which characterization makes the residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Identity {
    /// The end point moves along the field.
    Lagrangian,
    /// The end point stays while the start moves along the field.
    Eulerian,
    /// Two steps make one, meeting at a uniformly distributed fraction of the time.
    SemigroupUniform,
    /// Two steps make one, meeting half-way.
    SemigroupMidpoint,
    /// A short step of a given map and the rest make one.
    SemigroupShort,
}

/// Whose velocity the residual uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Teacher {
    /// The network's own, `v_{t,t}`: self-distillation.
    Itself,
    /// That of a given field, `b_t`, or of a map that is accurate for short times: map matching, identity.
    Given,
    /// That of the network's first moving average, `v̄_{t,t}`.
    Average,
}

/// Where gradients stop, and for maps the form of the residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopGradient {
    /// As in arXiv 2505.18825.
    Paper,
    /// Nowhere: everything is live.
    Nowhere,
    /// Eulerian: only at the teacher's velocity.
    Teacher,
    /// Lagrangian and Eulerian: everywhere but at `v_{s,t}`, so that no derivative of a derivative is needed:
    /// `v_{s,t} - sg(b_t(X_{s,t}) - (t-s) ∂_t v)` or `v_{s,t} - sg(b_s + (t-s)(∂_s v + ∇v b_s))`.
    Semigradient,
    /// Semigroup: as in the paper, but for the residual of the map, `t - s` times that of the velocity.
    Map,
    /// Semigroup: nowhere, for the residual of the map.
    MapNowhere,
}

use Identity::{Eulerian, Lagrangian, SemigroupMidpoint, SemigroupShort, SemigroupUniform};
use StopGradient::{Map, MapNowhere, Nowhere, Paper, Semigradient};
use Teacher::{Average, Given, Itself};

/// An objective and its modes.
pub struct Recipe {
    pub name: &'static str,
    pub identity: Identity,
    pub teacher: Teacher,
    /// Where gradients may be stopped; the first is the default.
    pub modes: &'static [StopGradient],
}

const fn recipe(name: &'static str, identity: Identity, teacher: Teacher, modes: &'static [StopGradient]) -> Recipe {
    Recipe { name, identity, teacher, modes }
}

/// All objectives except flow matching.
pub const RECIPES: [Recipe; 9] = [
    recipe("lsd", Lagrangian, Itself, &[Paper, Nowhere, Semigradient]),
    recipe("esd", Eulerian, Itself, &[Paper, Nowhere, StopGradient::Teacher, Semigradient]),
    recipe("psd-u", SemigroupUniform, Itself, &[Paper, Nowhere, Map, MapNowhere]),
    recipe("psd-m", SemigroupMidpoint, Itself, &[Paper, Nowhere, Map, MapNowhere]),
    recipe("lmd", Lagrangian, Given, &[Nowhere, Paper, Semigradient]),
    recipe("emd", Eulerian, Given, &[Nowhere, Paper, Semigradient]),
    recipe("pmd", SemigroupShort, Given, &[Paper, Nowhere, Map, MapNowhere]),
    recipe("pmd-m", SemigroupMidpoint, Given, &[Paper, Map]),
    recipe("lsd-average", Lagrangian, Average, &[Paper, Semigradient]),
];

const STOPS: [(StopGradient, &str); 6] = [
    (Paper, "paper"),
    (Nowhere, "none"),
    (StopGradient::Teacher, "teacher"),
    (Semigradient, "semigradient"),
    (Map, "map"),
    (MapNowhere, "map-none"),
];

impl fmt::Display for StopGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = STOPS.iter().find(|(stop, _)| stop == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for StopGradient {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        STOPS.iter().find(|(_, known)| *known == name).map(|(stop, _)| *stop).ok_or_else(|| {
            let known = STOPS.map(|(_, name)| name).join(", ");
            Error::invalid("stop gradient", format!("'{name}' is unknown; choose one of {known}"))
        })
    }
}
