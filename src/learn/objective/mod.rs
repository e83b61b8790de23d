//! Objectives: residuals of the characterizations, with a teacher and stop gradients.

mod context;
mod parts;

pub use context::Context;
pub use parts::{Identity, StopGradient, Teacher};

use crate::{
    AverageVelocity, AverageVelocityMap, Dual, Error, Frozen, Number, Result, State, Value, VelocityField,
    characterization::{AverageSemigroup, Characterization, Eulerian, Lagrangian},
};
use parts::RECIPES;
use std::{fmt, str::FromStr};

/// The training objective off the diagonal: a characterization, the velocity in it, and the stop gradients.
///
/// | name | residual (`sg`: stop gradient) | other modes |
/// |---|---|---|
/// | `fm` | none: the diagonal alone | |
/// | `lsd` | `∂_t X_{s,t}(I_s) - sg v_{t,t}(sg X_{s,t}(I_s))` | `none`, `semigradient` |
/// | `esd` | `∂_s X_{s,t}(I_s) + sg(∇X_{s,t}(I_s) v_{s,s}(I_s))` | `none`, `teacher`, `semigradient` |
/// | `psd-u`, `psd-m` | `v_{s,t} - sg[(1-γ) v_{s,u} + γ v_{u,t}(X_{s,u})]`, `γ` uniform or 1/2 | `none`, `map`, `map-none` |
/// | `lmd` | `∂_t X_{s,t}(x) - b_t(X_{s,t}(x))` | `paper`, `semigradient` |
/// | `emd` | `∂_s X_{s,t}(x) + ∇X_{s,t}(x) b_s(x)` | `paper`, `semigradient` |
/// | `pmd` | `v_{s,t} - sg[(1-γ) φ_{s,u} + γ v_{u,t}(Φ_{s,u})]`, `Φ` a given map, `u` within its reach | `none`, `map`, `map-none` |
/// | `pmd-m` | `v_{s,t} - sg[φ_{s,u} + φ_{u,t}(Φ_{s,u})] / 2`, `u` half-way | `map` |
/// | `mf` | `v_{s,t} - sg(I'_s + (t-s)(∂_s v + ∇v I'_s))` | `compound`: `v_{s,t} - (t-s) sg(∂_s v + ∇v v_{s,s}) - I'_s` |
///
/// The first four rows learn from data alone, the next four from a given field `b`, or a given map `Φ` with the average velocity
/// `φ`; the last is MeanFlow, and with the mode `compound` its improved form. A name with a colon and a mode is that row with
/// other stop gradients, such as `lsd:none`.
///
/// Source: arXiv 2505.18825, sections 3 and 4; for maps of given fields N. M. Boffi, M. S. Albergo, E. Vanden-Eijnden, Flow map
/// matching, arXiv 2406.07507; Z. Geng et al., Mean Flows for One-step Generative Modeling, arXiv 2505.13447; Improved Mean
/// Flows, arXiv 2512.02012.
///
/// ```
/// use flowmap::learn::{Identity, Objective, StopGradient, Teacher};
/// let objective: Objective = "lsd".parse()?;
/// assert_eq!(objective, Objective::new(Identity::Lagrangian, Teacher::Itself, StopGradient::Paper)?);
/// assert!(Objective::new(Identity::Lagrangian, Teacher::Itself, StopGradient::Teacher).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Objective {
    /// None for flow matching.
    parts: Option<(Identity, Teacher, StopGradient)>,
}

impl Objective {
    /// Flow matching: the diagonal alone.
    pub const FLOW_MATCHING: Self = Self { parts: None };

    /// An objective off the diagonal.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such combination; the message lists all of them.
    pub fn new(distillation: Identity, teacher: Teacher, stop: StopGradient) -> Result<Self> {
        let Some(recipe) = RECIPES.iter().find(|r| (r.distillation, r.teacher) == (distillation, teacher)) else {
            let known: Vec<_> = RECIPES.iter().map(|r| format!("{:?} of {:?}", r.distillation, r.teacher)).collect();
            let reason = format!("{distillation:?} of {teacher:?} is unknown; choose one of {}", known.join(", "));
            return Err(Error::invalid("objective", reason));
        };
        if recipe.modes.contains(&stop) {
            return Ok(Self { parts: Some((distillation, teacher, stop)) });
        }
        let modes: Vec<_> = recipe.modes.iter().map(ToString::to_string).collect();
        Err(Error::invalid("stop gradient", format!("{} has no mode {stop}; it has {}", recipe.name, modes.join(", "))))
    }

    /// The characterization, unless this is flow matching alone.
    pub fn distillation(&self) -> Option<Identity> {
        self.parts.map(|(distillation, ..)| distillation)
    }

    /// Whose velocity it uses, unless this is flow matching alone.
    pub fn teacher(&self) -> Option<Teacher> {
        self.parts.map(|(_, teacher, _)| teacher)
    }

    /// Whether it uses the network's own velocity, so that the diagonal must be learned, too.
    pub fn needs_diagonal(&self) -> bool {
        self.parts.is_none_or(|(_, teacher, stop)| teacher == Teacher::Itself || stop == StopGradient::Compound)
    }

    /// The residual off the diagonal at times `s`, `t` and states `x`; `γ` is the share that PSD-U draws, in `[0, 1]`.
    ///
    /// `fixed` is the same network as `live`, with constant parameters, for the stopped terms. `None` for flow matching.
    ///
    /// # Panics
    /// If `known` lacks what the [teacher](Self::teacher) needs.
    #[allow(clippy::too_many_arguments)]
    pub fn residual<X, V>(
        &self,
        live: &V,
        fixed: &V,
        known: &Context<'_, X>,
        s: &X::Time,
        t: &X::Time,
        gamma: &X::Time,
        x: &X,
    ) -> Option<X>
    where
        X: State,
        V: AverageVelocity<X> + AverageVelocity<Dual<X>>,
    {
        use StopGradient::{Compound, MapNowhere, Nowhere, Semigradient};
        let (distillation, teacher, stop) = self.parts?;
        let (live, fixed) = (&AverageVelocityMap(live), &AverageVelocityMap(fixed));
        let sample = || Constant(known.velocity.clone().expect("the velocity of a sample, which this objective learns from"));
        let conditional;
        let [taught, stopped]: [&dyn VelocityField<X>; 2] = match teacher {
            Teacher::Given if matches!(distillation, Identity::Lagrangian | Identity::Eulerian) => {
                [known.field.expect("a velocity field, which this objective learns from"); 2]
            }
            // semigroups hold no velocity
            Teacher::Itself | Teacher::Given => [live, fixed],
            Teacher::Conditional => {
                conditional = sample();
                [&conditional, &conditional]
            }
        };
        Some(match distillation {
            Identity::Lagrangian => match stop {
                Nowhere => Lagrangian.residual(live, taught, s, t, x),
                Semigradient => {
                    let defect: X = Lagrangian.residual(fixed, stopped, s, t, x);
                    semigradient(live, fixed, s, t, x, &defect)
                }
                _ => Lagrangian.residual(live, &Frozen(stopped), s, t, x),
            },
            Identity::Eulerian => match stop {
                Nowhere => Eulerian.residual(live, taught, s, t, x),
                StopGradient::Teacher => Eulerian.residual(live, &Frozen(stopped), s, t, x),
                Semigradient => {
                    let defect: X = Eulerian.residual(fixed, stopped, s, t, x);
                    semigradient(live, fixed, s, t, x, &defect.negated())
                }
                Compound => {
                    // the residual of X is -v_{s,t} + v_{s,s} + (t-s)(∂_s v + ∇v v_{s,s})
                    let defect: X = Eulerian.residual(fixed, fixed, s, t, x);
                    let rate = defect.plus(&fixed.average_velocity(s, t, x)).minus(&fixed.velocity(s, x)).frozen();
                    live.average_velocity(s, t, x).minus(&rate).minus(&taught.velocity(s, x))
                }
                _ => {
                    let start = Eulerian::start_derivative(live, s, t, x);
                    start.plus(&Eulerian::transport(fixed, stopped, s, t, x).frozen())
                }
            },
            Identity::SemigroupUniform | Identity::SemigroupMidpoint | Identity::SemigroupShort => {
                let short = || known.short.expect("a map for short times, which this objective learns from");
                let target = |later: &dyn AverageVelocity<X>| match (distillation, teacher) {
                    (Identity::SemigroupShort, _) => first_short(short(), known.reach, later, s, t, x),
                    (_, Teacher::Given) => AverageSemigroup { weight: s.constant(0.5) }.two_ways(short(), s, t, x),
                    (Identity::SemigroupMidpoint, _) => AverageSemigroup { weight: s.constant(0.5) }.two_ways(later, s, t, x),
                    _ => AverageSemigroup { weight: gamma.clone() }.two_ways(later, s, t, x),
                };
                let target = if matches!(stop, Nowhere | MapNowhere) { target(live) } else { target(fixed).frozen() };
                let residual = live.average_velocity(s, t, x).minus(&target);
                match stop {
                    StopGradient::Map | MapNowhere => residual.scaled(&(t.clone() - s)),
                    _ => residual,
                }
            }
        })
    }
}

/// The average velocity from `s` to `t` that follows `short` for a time of at most `reach`, and then `later`.
fn first_short<X: State>(
    short: &dyn AverageVelocity<X>,
    reach: f64,
    later: &dyn AverageVelocity<X>,
    s: &X::Time,
    t: &X::Time,
    x: &X,
) -> X {
    let span = t.clone() - s;
    let longest = span.constant(reach);
    let first = span.min(&longest).max(&(-longest));
    let u = s.clone() + &first;
    let early = short.average_velocity(s, &u, x);
    // if s = t, there is no rest
    let moves = span.abs().max(&span.constant(1e-30));
    let rest = (span.clone() - &first).abs() / moves;
    if rest.values().iter().all(|&rest| rest == 0.0) {
        return early;
    }
    let late = later.average_velocity(&u, t, &x.plus(&early.scaled(&first)));
    early.scaled(&(-rest.clone()).shift(1.0)).plus(&late.scaled(&rest))
}

/// A constant velocity field.
struct Constant<X>(X);

impl<X: State> VelocityField<X> for Constant<X> {
    fn velocity(&self, _t: &X::Time, _x: &X) -> X {
        self.0.clone()
    }
}

/// `v_{s,t} - sg(v_{s,t} - defect)`: its value is the defect, its gradient that of `v_{s,t}` towards the target.
fn semigradient<X: State, V: AverageVelocity<X>>(live: &V, fixed: &V, s: &X::Time, t: &X::Time, x: &X, defect: &X) -> X {
    let target = fixed.average_velocity(s, t, x).minus(defect).frozen();
    live.average_velocity(s, t, x).minus(&target)
}

/// `fm`, `lsd`, or with a mode that is not the default, `lsd:none`.
impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((distillation, teacher, stop)) = self.parts else { return f.pad("fm") };
        let recipe = RECIPES.iter().find(|r| (r.distillation, r.teacher) == (distillation, teacher));
        let recipe = recipe.expect("an objective is one of the recipes");
        if recipe.modes[0] == stop { f.pad(recipe.name) } else { f.pad(&format!("{}:{stop}", recipe.name)) }
    }
}

impl FromStr for Objective {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        let (name, stop) = name.split_once(':').map_or((name, None), |(name, stop)| (name, Some(stop)));
        if name == "fm" {
            return match stop {
                None | Some("paper") => Ok(Self::FLOW_MATCHING),
                Some(stop) => Err(Error::invalid("stop gradient", format!("fm has no mode {stop}; it has paper"))),
            };
        }
        let Some(recipe) = RECIPES.iter().find(|r| r.name == name) else {
            let known = RECIPES.map(|r| r.name).join(", ");
            return Err(Error::invalid("objective", format!("'{name}' is unknown; choose one of fm, {known}")));
        };
        let stop = stop.map_or(Ok(recipe.modes[0]), str::parse)?;
        Self::new(recipe.distillation, recipe.teacher, stop)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `x' = x`, by its average velocity.
    struct Exponential;

    impl AverageVelocity<[f64; 1]> for Exponential {
        fn average_velocity(&self, s: &f64, t: &f64, [x]: &[f64; 1]) -> [f64; 1] {
            [if s == t { *x } else { x * (t - s).exp_m1() / (t - s) }]
        }
    }

    #[test]
    fn a_short_way_and_the_rest_make_the_whole() {
        for (s, t) in [(0.0, 1.0), (1.0, 0.2), (0.0, 0.2), (0.2, 0.0), (0.5, 0.5), (0.0, 0.3)] {
            let [found] = first_short(&Exponential, 0.3, &Exponential, &s, &t, &[1.7]);
            let [exact] = Exponential.average_velocity(&s, &t, &[1.7]);
            assert!((found - exact).abs() < 1e-14, "from {s} to {t}: {found} against {exact}");
        }
    }
}
