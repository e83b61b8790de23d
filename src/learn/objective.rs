//! Self-distillation objectives: residuals of the characterizations, with their stop gradients.

use crate::{
    AverageVelocity, Dual, Error, Frozen, Learned, Number, Result, State,
    characterization::{AverageSemigroup, Characterization, Eulerian, Lagrangian},
};
use std::{fmt, str::FromStr};

/// What a flow map is trained by off the diagonal: a characterization, with its own diagonal `v_{t,t}` as the velocity
/// field, and the stop gradients.
///
/// | name | residual as the paper trains it (`sg`: stop gradient) | other modes |
/// |---|---|---|
/// | `fm` | none: flow matching on the diagonal alone | |
/// | `lsd` | `∂_t X_{s,t}(I_s) - sg v_{t,t}(sg X_{s,t}(I_s))` | `none`, `semigradient` |
/// | `esd` | `∂_s X_{s,t}(I_s) + sg(∇X_{s,t}(I_s) v_{s,s}(I_s))` | `none`, `teacher`, `semigradient` |
/// | `psd-u`, `psd-m` | `v_{s,t} - sg[(1-γ) v_{s,u} + γ v_{u,t}(X_{s,u})]`, `γ` uniform or 1/2 | `none`, `map`, `map-none` |
///
/// Source: arXiv 2505.18825, sections 3 and 4.
///
/// ```
/// use flowmap::learn::{Distillation, Objective, StopGradient};
/// let objective: Objective = "lsd".parse()?;
/// assert_eq!(objective, Objective::new(Distillation::Lagrangian, StopGradient::Paper)?);
/// assert!(Objective::new(Distillation::Lagrangian, StopGradient::Teacher).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Objective {
    distillation: Option<Distillation>,
    stop: StopGradient,
}

/// Which characterization makes the residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Distillation {
    /// LSD: the end point moves along the learned field.
    Lagrangian,
    /// ESD: the end point stays while the start moves along the learned field.
    Eulerian,
    /// PSD-U: two steps make one, meeting at a uniform share of the way.
    SemigroupUniform,
    /// PSD-M: two steps make one, meeting half-way.
    SemigroupMidpoint,
}

/// Where gradients are stopped, and the form of the residual where that is part of the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopGradient {
    /// As the paper trains it.
    Paper,
    /// Nowhere: everything is live.
    Nowhere,
    /// ESD: at the teacher's velocity `v_{s,s}` alone.
    Teacher,
    /// LSD and ESD: everywhere but at `v_{s,t}`, so that no derivative of a derivative is needed:
    /// `v_{s,t} - sg(v_{t,t}(X_{s,t}) - (t-s) ∂_t v)` or `v_{s,t} - sg(v_{s,s} + (t-s)(∂_s v + ∇v v_{s,s}))`.
    Semigradient,
    /// PSD: as the paper, for the residual of the map: the velocity's times `t - s`.
    Map,
    /// PSD: nowhere, for the residual of the map.
    MapNowhere,
}

impl Objective {
    /// Flow matching: the diagonal alone.
    pub const FLOW_MATCHING: Self = Self { distillation: None, stop: StopGradient::Paper };

    /// A self-distillation objective.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the distillation has no such mode; the message lists those that it has.
    pub fn new(distillation: Distillation, stop: StopGradient) -> Result<Self> {
        use StopGradient::{Map, MapNowhere, Nowhere, Paper, Semigradient, Teacher};
        let modes: &[StopGradient] = match distillation {
            Distillation::Lagrangian => &[Paper, Nowhere, Semigradient],
            Distillation::Eulerian => &[Paper, Nowhere, Teacher, Semigradient],
            Distillation::SemigroupUniform | Distillation::SemigroupMidpoint => &[Paper, Nowhere, Map, MapNowhere],
        };
        if modes.contains(&stop) {
            return Ok(Self { distillation: Some(distillation), stop });
        }
        let modes: Vec<_> = modes.iter().map(ToString::to_string).collect();
        Err(Error::invalid("stop gradient", format!("{distillation} has no mode {stop}; it has {}", modes.join(", "))))
    }

    /// The characterization, unless this is flow matching alone.
    pub fn distillation(&self) -> Option<Distillation> {
        self.distillation
    }

    /// The residual off the diagonal at times `s`, `t` and states `x`; `γ` is the share that PSD-U draws, in `[0, 1]`.
    ///
    /// `fixed` is the same network as `live`, with constant parameters: stopped terms are computed with it. `None` for flow
    /// matching.
    pub fn residual<X, V>(&self, live: &V, fixed: &V, s: &X::Time, t: &X::Time, gamma: &X::Time, x: &X) -> Option<X>
    where
        X: State,
        V: AverageVelocity<X> + AverageVelocity<Dual<X>>,
    {
        let (live, fixed) = (&Learned(live), &Learned(fixed));
        Some(match self.distillation? {
            Distillation::Lagrangian => match self.stop {
                StopGradient::Nowhere => Lagrangian.residual(live, live, s, t, x),
                StopGradient::Semigradient => {
                    let defect: X = Lagrangian.residual(fixed, fixed, s, t, x);
                    semigradient(live, fixed, s, t, x, &defect)
                }
                _ => Lagrangian.residual(live, &Frozen(fixed), s, t, x),
            },
            Distillation::Eulerian => match self.stop {
                StopGradient::Nowhere => Eulerian.residual(live, live, s, t, x),
                StopGradient::Teacher => Eulerian.residual(live, &Frozen(fixed), s, t, x),
                StopGradient::Semigradient => {
                    let defect: X = Eulerian.residual(fixed, fixed, s, t, x);
                    semigradient(live, fixed, s, t, x, &defect.negated())
                }
                _ => {
                    let start = Eulerian::start_derivative(live, s, t, x);
                    start.plus(&Eulerian::transport(fixed, fixed, s, t, x).frozen())
                }
            },
            split @ (Distillation::SemigroupUniform | Distillation::SemigroupMidpoint) => {
                let weight = if split == Distillation::SemigroupUniform { gamma.clone() } else { s.constant(0.5) };
                let semigroup = AverageSemigroup { weight };
                let residual: X = match self.stop {
                    StopGradient::Nowhere | StopGradient::MapNowhere => semigroup.residual(live, &(), s, t, x),
                    _ => live.average_velocity(s, t, x).minus(&semigroup.two_ways(fixed, s, t, x).frozen()),
                };
                match self.stop {
                    StopGradient::Map | StopGradient::MapNowhere => residual.scaled(&(t.clone() - s)),
                    _ => residual,
                }
            }
        })
    }
}

/// `v_{s,t} - sg(v_{s,t} - defect)`: its value is the defect, its gradient that of `v_{s,t}` towards the target.
fn semigradient<X: State, V: AverageVelocity<X>>(live: &V, fixed: &V, s: &X::Time, t: &X::Time, x: &X, defect: &X) -> X {
    let target = fixed.average_velocity(s, t, x).minus(defect).frozen();
    live.average_velocity(s, t, x).minus(&target)
}

impl fmt::Display for Distillation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lagrangian => "lsd",
            Self::Eulerian => "esd",
            Self::SemigroupUniform => "psd-u",
            Self::SemigroupMidpoint => "psd-m",
        })
    }
}

impl fmt::Display for StopGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Paper => "paper",
            Self::Nowhere => "none",
            Self::Teacher => "teacher",
            Self::Semigradient => "semigradient",
            Self::Map => "map",
            Self::MapNowhere => "map-none",
        })
    }
}

/// `fm`, `lsd`, or `lsd:none` with a mode other than the paper's.
impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.distillation, self.stop) {
            (None, _) => f.pad("fm"),
            (Some(d), StopGradient::Paper) => d.fmt(f),
            (Some(d), stop) => f.pad(&format!("{d}:{stop}")),
        }
    }
}

impl FromStr for Distillation {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        [Self::Lagrangian, Self::Eulerian, Self::SemigroupUniform, Self::SemigroupMidpoint]
            .into_iter()
            .find(|d| d.to_string() == name)
            .ok_or_else(|| Error::invalid("objective", format!("there is no '{name}'; there are fm, lsd, esd, psd-u and psd-m")))
    }
}

impl FromStr for StopGradient {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        [Self::Paper, Self::Nowhere, Self::Teacher, Self::Semigradient, Self::Map, Self::MapNowhere]
            .into_iter()
            .find(|d| d.to_string() == name)
            .ok_or_else(|| {
                let known = "paper, none, teacher, semigradient, map and map-none";
                Error::invalid("stop gradient", format!("there is no '{name}'; there are {known}"))
            })
    }
}

impl FromStr for Objective {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        let (name, stop) = name.split_once(':').unwrap_or((name, "paper"));
        if name == "fm" {
            let none = || Error::invalid("stop gradient", format!("fm has no mode {stop}; it has paper"));
            return if stop == "paper" { Ok(Self::FLOW_MATCHING) } else { Err(none()) };
        }
        Self::new(name.parse()?, stop.parse()?)
    }
}

impl TryFrom<String> for Objective {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Objective> for String {
    fn from(objective: Objective) -> Self {
        objective.to_string()
    }
}
