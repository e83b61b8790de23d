//! The objectives of this library: residuals of the characterizations, with a teacher and stop gradients.

use super::{
    Context, Identity, Needs, Objective, StopGradient, Teacher, Term,
    names::{RECIPES, Recipe},
};
use crate::{
    AverageVelocity, AverageVelocityMap, Error, Frozen, Number, Result, State, Tensor, Value, Var, VelocityField,
    characterization::{AverageSemigroup, Characterization, Eulerian, Lagrangian},
};
use std::{fmt, str::FromStr};

/// The objectives of this library: a characterization, the velocity in it, and the stop gradients.
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
/// | `lsd-average` | `∂_t X_{s,t}(I_s) - sg v̄_{t,t}(sg X_{s,t}(I_s))`, `v̄` the first moving average | `semigradient` |
///
/// `lmd`, `emd`, `pmd` and `pmd-m` learn from a given field `b`, or a given map `Φ` with the average velocity `φ`; the others from
/// data alone. A name with a colon and a mode is that row with other stop gradients, such as `lsd:none`.
///
/// Source: arXiv 2505.18825, sections 3 and 4; for maps of given fields N. M. Boffi, M. S. Albergo, E. Vanden-Eijnden, Flow map
/// matching, arXiv 2406.07507; for `lsd-average` Terminal velocity matching, arXiv 2511.19797.
///
/// ```
/// use flowmap::learn::{Distillation, Identity, StopGradient, Teacher};
/// assert_eq!("lsd".parse::<Distillation>()?, Distillation::LSD);
/// assert_eq!(Distillation::LSD, Distillation::new(Identity::Lagrangian, Teacher::Itself, StopGradient::Paper)?);
/// assert!(Distillation::new(Identity::Lagrangian, Teacher::Itself, StopGradient::Teacher).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Distillation {
    /// None for flow matching.
    parts: Option<(Identity, Teacher, StopGradient)>,
}

impl Distillation {
    /// Flow matching: the diagonal alone.
    pub const FLOW_MATCHING: Self = Self { parts: None };
    /// Lagrangian self-distillation, `lsd`.
    pub const LSD: Self = Self::of(&RECIPES[0]);
    /// Eulerian self-distillation, `esd`.
    pub const ESD: Self = Self::of(&RECIPES[1]);
    /// Progressive self-distillation, `psd-u`: two steps meet at a random time.
    pub const PSD_U: Self = Self::of(&RECIPES[2]);
    /// Progressive self-distillation, `psd-m`: two steps meet half-way.
    pub const PSD_M: Self = Self::of(&RECIPES[3]);
    /// Lagrangian map distillation of a given field, `lmd`.
    pub const LMD: Self = Self::of(&RECIPES[4]);
    /// Eulerian map distillation of a given field, `emd`.
    pub const EMD: Self = Self::of(&RECIPES[5]);
    /// Progressive map distillation, `pmd`: a short step of a given map and the rest.
    pub const PMD: Self = Self::of(&RECIPES[6]);
    /// Progressive distillation of a given map, `pmd-m`: two of its steps make one.
    pub const PMD_M: Self = Self::of(&RECIPES[7]);
    /// Lagrangian distillation of the network's own moving average, `lsd-average`.
    pub const LSD_AVERAGE: Self = Self::of(&RECIPES[8]);

    const fn of(recipe: &Recipe) -> Self {
        Self { parts: Some((recipe.identity, recipe.teacher, recipe.modes[0])) }
    }

    /// An objective off the diagonal.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such combination; the message lists all of them.
    pub fn new(identity: Identity, teacher: Teacher, stop: StopGradient) -> Result<Self> {
        let Some(recipe) = RECIPES.iter().find(|r| (r.identity, r.teacher) == (identity, teacher)) else {
            let known: Vec<_> = RECIPES.iter().map(|r| format!("{:?} of {:?}", r.identity, r.teacher)).collect();
            let reason = format!("{identity:?} of {teacher:?} is unknown; choose one of {}", known.join(", "));
            return Err(Error::invalid("objective", reason));
        };
        if recipe.modes.contains(&stop) {
            return Ok(Self { parts: Some((identity, teacher, stop)) });
        }
        let modes: Vec<_> = recipe.modes.iter().map(ToString::to_string).collect();
        Err(Error::invalid("stop gradient", format!("{} has no mode {stop}; it has {}", recipe.name, modes.join(", "))))
    }

    /// The characterization, unless this is flow matching alone.
    pub fn identity(&self) -> Option<Identity> {
        self.parts.map(|(identity, ..)| identity)
    }

    /// Whose velocity it uses, unless this is flow matching alone.
    pub fn teacher(&self) -> Option<Teacher> {
        self.parts.map(|(_, teacher, _)| teacher)
    }

    /// What it needs besides the network.
    pub fn needs(&self) -> Needs {
        use Identity::{Eulerian, Lagrangian, SemigroupMidpoint, SemigroupShort, SemigroupUniform};
        let Some((identity, teacher, _)) = self.parts else { return Needs { diagonal: true, ..Needs::default() } };
        let semigroup = matches!(identity, SemigroupUniform | SemigroupMidpoint | SemigroupShort);
        let own_halves = matches!(identity, SemigroupUniform | SemigroupMidpoint) && teacher == Teacher::Itself;
        let given = teacher == Teacher::Given;
        Needs {
            diagonal: matches!(teacher, Teacher::Itself | Teacher::Average),
            field: given && !semigroup,
            short_map: (given && semigroup).then_some(if identity == SemigroupMidpoint { 0.5 } else { 0.0 }),
            velocity: false,
            average: teacher == Teacher::Average,
            start_derivative: identity == Eulerian,
            end_derivative: identity == Lagrangian,
            later_starts: own_halves || identity == SemigroupShort,
            earlier_ends: own_halves,
        }
    }

    /// The residual off the diagonal; `None` for flow matching.
    ///
    /// # Panics
    /// If the context lacks what the [teacher](Self::teacher) needs.
    pub fn residual<X: State>(&self, context: &Context<'_, X>) -> Option<X> {
        use StopGradient::{MapNowhere, Nowhere, Semigradient};
        let (identity, teacher, stop) = self.parts?;
        let Context { s, t, share, x, .. } = *context;
        let [live, fixed] = &[context.live, context.fixed].map(AverageVelocityMap);
        let average;
        let [taught, stopped]: [&dyn VelocityField<X>; 2] = match teacher {
            Teacher::Given if matches!(identity, Identity::Lagrangian | Identity::Eulerian) => {
                [context.field.expect("a velocity field, from which this objective learns"); 2]
            }
            // semigroups hold no velocity
            Teacher::Itself | Teacher::Given => [live, fixed],
            Teacher::Average => {
                average =
                    AverageVelocityMap(context.average.expect("a moving average of the network, the teacher of this objective"));
                [&average, &average]
            }
        };
        Some(match identity {
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
                _ => {
                    let start = Eulerian::start_derivative(live, s, t, x);
                    start.plus(&Eulerian::transport(fixed, stopped, s, t, x).frozen())
                }
            },
            Identity::SemigroupUniform | Identity::SemigroupMidpoint | Identity::SemigroupShort => {
                let short = || context.short.expect("a map for short times, from which this objective learns");
                let target = |later: &dyn AverageVelocity<X>| match (identity, teacher) {
                    (Identity::SemigroupShort, _) => first_short(short(), context.reach, later, s, t, x),
                    (_, Teacher::Given) => AverageSemigroup { weight: s.constant(0.5) }.two_ways(short(), s, t, x),
                    (Identity::SemigroupMidpoint, _) => AverageSemigroup { weight: s.constant(0.5) }.two_ways(later, s, t, x),
                    _ => AverageSemigroup { weight: share.clone() }.two_ways(later, s, t, x),
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

impl<T: Tensor<Primal = T>> Objective<T> for Distillation {
    fn name(&self) -> String {
        self.to_string()
    }
    fn needs(&self) -> Needs {
        self.needs()
    }
    fn pairs(&self) -> bool {
        self.parts.is_some()
    }
    fn terms(&self, context: &Context<'_, Var<T>>) -> Vec<Term<Var<T>>> {
        self.residual(context).map(Term::new).into_iter().collect()
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

/// `v_{s,t} - sg(v_{s,t} - defect)`: its value is the defect, its gradient that of `v_{s,t}` towards the target.
fn semigradient<X: State, V: AverageVelocity<X>>(live: &V, fixed: &V, s: &X::Time, t: &X::Time, x: &X, defect: &X) -> X {
    let target = fixed.average_velocity(s, t, x).minus(defect).frozen();
    live.average_velocity(s, t, x).minus(&target)
}

/// `fm`, `lsd`, or with a mode that is not the default, `lsd:none`.
impl fmt::Display for Distillation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((identity, teacher, stop)) = self.parts else { return f.pad("fm") };
        let recipe = RECIPES.iter().find(|r| (r.identity, r.teacher) == (identity, teacher));
        let recipe = recipe.expect("an objective is one of the recipes");
        if recipe.modes[0] == stop { f.pad(recipe.name) } else { f.pad(&format!("{}:{stop}", recipe.name)) }
    }
}

impl FromStr for Distillation {
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
            let others = "mean-flow, improved-mean-flow, alpha-flow";
            return Err(Error::invalid("objective", format!("'{name}' is unknown; choose one of fm, {known}, {others}")));
        };
        let stop = stop.map_or(Ok(recipe.modes[0]), str::parse)?;
        Self::new(recipe.identity, recipe.teacher, stop)
    }
}

impl TryFrom<String> for Distillation {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Distillation> for String {
    fn from(objective: Distillation) -> Self {
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
