//! Compositions of two flow maps.

use super::FlowMap;
use crate::{Error, Result, number::Number, state::State};

/// Two flow maps in succession, with the first one for a `fraction` of the time: `X_{s,t} = second_{u,t} ∘ first_{s,u}`,
/// `u = s + fraction (t - s)`.
///
/// For twice the same flow map it is that map again (the semigroup property); for two methods it is their composition.
///
/// ```
/// use flowmap::{Composition, FlowMap, exact::Rotation};
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
    Err(Error::invalid("fraction", format!("{fraction} is not in [0, 1]; give the fraction of the time span for the first map")))
}

/// `s + fraction (t - s)`, rounded so that it stays between `s` and `t`.
pub(crate) fn between<N: Number>(s: &N, t: &N, fraction: f64) -> N {
    let way = t.clone() - s;
    if fraction <= 0.5 { way.scale(fraction) + s } else { way.scale(fraction - 1.0) + t }
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
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        let u = between(s, t, self.fraction);
        self.second.flow_each(&u, t, &self.first.flow_each(s, &u, states))
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        let u = between(s, t, self.fraction);
        self.second.try_flow_each(&u, t, &self.first.try_flow_each(s, &u, states)?)
    }
}
