//! Flow maps: where an ODE carries a point.

use crate::{
    Error, Result,
    field::VelocityField,
    number::{Number, Value},
    state::State,
};

/// A flow map `X_{s,t}`: carries a state from time `s` to time `t`, in either direction.
///
/// For the flow map of `dx/dt = b_t(x)`, `X_{s,t}(x_s) = x_t` along every solution. The
/// [characterizations](crate::characterization) say whether a given map is that one.
///
/// ```
/// use flowmap::{exact::Rotation, FlowMap};
/// let turn = Rotation::new(std::f64::consts::PI)?;
/// let half = turn.flow(&0.0, &1.0, &[1.0_f64, 0.0]);
/// assert!((half[0] + 1.0).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait FlowMap<X: State> {
    /// `X_{s,t}(x)`; NaN outside the map's domain.
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X;

    /// `X_{s,t}(x)`, or why there is none.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where the result is not finite; maps that know better say more, such as [`Error::BlowUp`] with the
    /// time beyond which no solution exists.
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        finite(s, t, self.flow(s, t, x))
    }
}

/// `x`, unless a sample of it is not finite.
pub(crate) fn finite<X: State>(s: &X::Time, t: &X::Time, x: X) -> Result<X> {
    let values = x.values();
    match values.iter().position(|r| !r.is_finite()) {
        None => Ok(x),
        Some(position) => {
            let row = position / (values.len() / x.dot(&x).values().len().max(1)).max(1);
            let at = |t: &X::Time| {
                let times = t.values();
                times[row.min(times.len() - 1)]
            };
            Err(Error::NotFinite { what: "the flow map's value", from: at(s), to: at(t) })
        }
    }
}

impl<X: State, M: FlowMap<X> + ?Sized> FlowMap<X> for &M {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).flow(s, t, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        (**self).try_flow(s, t, x)
    }
}

impl<X: State, M: FlowMap<X> + ?Sized> FlowMap<X> for Box<M> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).flow(s, t, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        (**self).try_flow(s, t, x)
    }
}

/// A closure `|s, t, x| …` as a [`FlowMap`], see [`flow_map`].
#[derive(Clone, Copy, Debug)]
pub struct Map<F>(F);

/// Makes a [`FlowMap`] of a closure `|s, t, x| …` on one type of state.
///
/// ```
/// use flowmap::{flow_map, FlowMap};
/// let decay = flow_map(|s: &f64, t: &f64, x: &[f64; 1]| [x[0] * (s - t).exp()]);
/// assert_eq!(decay.flow(&1.0, &1.0, &[5.0]), [5.0]);
/// ```
pub fn flow_map<X: State, F: Fn(&X::Time, &X::Time, &X) -> X>(map: F) -> Map<F> {
    Map(map)
}

impl<X: State, F: Fn(&X::Time, &X::Time, &X) -> X> FlowMap<X> for Map<F> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (self.0)(s, t, x)
    }
}

/// The average velocity `v_{s,t}` along a trajectory, from which `X_{s,t}(x) = x + (t - s) v_{s,t}(x)`.
///
/// It is what networks learn: `X_{s,s} = id` then holds by construction, and `v_{t,t}` is the velocity field itself
/// (arXiv 2505.18825, section 2). [`Learned`] makes it a [`FlowMap`] and a [`VelocityField`].
pub trait AverageVelocity<X: State> {
    /// `v_{s,t}(x)`.
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X;
}

impl<X: State, V: AverageVelocity<X> + ?Sized> AverageVelocity<X> for &V {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).average_velocity(s, t, x)
    }
}

impl<X: State, V: AverageVelocity<X> + ?Sized> AverageVelocity<X> for Box<V> {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).average_velocity(s, t, x)
    }
}

/// The flow map `x + (t - s) v_{s,t}(x)` and the velocity field `v_{t,t}` of an [`AverageVelocity`].
///
/// ```
/// use flowmap::{AverageVelocity, FlowMap, Learned, VelocityField};
/// struct Drift; // dx/dt = 2t: the average velocity over [s, t] is s + t
/// impl AverageVelocity<[f64; 1]> for Drift {
///     fn average_velocity(&self, s: &f64, t: &f64, _x: &[f64; 1]) -> [f64; 1] { [s + t] }
/// }
/// assert_eq!(Learned(Drift).flow(&1.0, &3.0, &[0.0]), [8.0]);
/// assert_eq!(Learned(Drift).velocity(&3.0, &[0.0]), [6.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Learned<V>(pub V);

impl<X: State, V: AverageVelocity<X>> AverageVelocity<X> for Learned<V> {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.0.average_velocity(s, t, x)
    }
}

impl<X: State, V: AverageVelocity<X>> FlowMap<X> for Learned<V> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        x.plus(&self.0.average_velocity(s, t, x).scaled(&(t.clone() - s)))
    }
}

impl<X: State, V: AverageVelocity<X>> VelocityField<X> for Learned<V> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.0.average_velocity(t, t, x)
    }
}

/// Two flow maps in a row, meeting where `fraction` of the way is done: `X_{s,t} = second_{u,t} ∘ first_{s,u}`,
/// `u = s + fraction (t - s)`.
///
/// Of one and the same flow map it is that map again (the semigroup property); of two methods it is their composition.
///
/// ```
/// use flowmap::{exact::Rotation, Composition, FlowMap};
/// let turn = Rotation::new(1.0)?;
/// let twice = Composition::new(turn, turn, 0.25)?;
/// let (a, b) = (twice.flow(&0.0, &2.0, &[1.0_f64, 0.0]), turn.flow(&0.0, &2.0, &[1.0, 0.0]));
/// assert!((a[0] - b[0]).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Composition<A, B> {
    first: A,
    second: B,
    fraction: f64,
}

impl<A, B> Composition<A, B> {
    /// `first` for `fraction` of the time, then `second`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `fraction` lies in `[0, 1]`.
    pub fn new(first: A, second: B, fraction: f64) -> Result<Self> {
        check_fraction(fraction)?;
        Ok(Self { first, second, fraction })
    }
}

pub(crate) fn check_fraction(fraction: f64) -> Result<()> {
    if (0.0..=1.0).contains(&fraction) {
        return Ok(());
    }
    Err(Error::invalid(
        "fraction",
        format!("{fraction} is not in [0, 1]; it is the share of the time span before the meeting point"),
    ))
}

/// `s + fraction (t - s)`.
pub(crate) fn between<N: Number>(s: &N, t: &N, fraction: f64) -> N {
    s.scale(1.0 - fraction) + t.scale(fraction)
}

impl<X: State, A: FlowMap<X>, B: FlowMap<X>> FlowMap<X> for Composition<A, B> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let u = between(s, t, self.fraction);
        self.second.flow(&u, t, &self.first.flow(s, &u, x))
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        let u = between(s, t, self.fraction);
        self.second.try_flow(&u, t, &self.first.try_flow(s, &u, x)?)
    }
}

/// The inverse of a flow map at fixed times, as a map of states: `X_{s,t}^{-1} = X_{t,s}`.
///
/// As a [`FlowMap`] it swaps its times.
///
/// ```
/// use flowmap::{exact::Rotation, FlowMap, Inverse};
/// let turn = Rotation::new(1.0)?;
/// let x = turn.flow(&0.0, &1.0, &[1.0_f64, 0.0]);
/// let back = Inverse(turn).flow(&0.0, &1.0, &x);
/// assert!((back[0] - 1.0).abs() < 1e-15 && back[1].abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Inverse<M>(pub M);

impl<X: State, M: FlowMap<X>> FlowMap<X> for Inverse<M> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.0.flow(t, s, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        self.0.try_flow(t, s, x)
    }
}
