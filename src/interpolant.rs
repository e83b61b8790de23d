//! Interpolants: paths from noise to data.
//!
//! An interpolant mixes a sample `x0` of the distribution at the start with a sample `x1` of the distribution at the end,
//! `I_t = α_t x0 + β_t x1`. A probability flow averages its velocity, and a network regresses on it.
//!
//! ```
//! use flowmap::interpolant::{Interpolant, Linear, Trigonometric};
//! let (x0, x1) = ([1.0_f64, 0.0], [0.0, 2.0]);
//! assert_eq!(Linear.point(&0.25, &x0, &x1), [0.75, 0.5]);
//! assert_eq!(Linear.velocity(&0.25, &x0, &x1), [-1.0, 2.0]);
//! let middle = Trigonometric.point(&0.5, &x0, &x1);
//! assert!((middle[0].powi(2) + (middle[1] / 2.0).powi(2) - 1.0).abs() < 1e-15);
//! ```
//!
//! Reference: M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, Stochastic interpolants, arXiv 2303.08797.

use crate::{Dual, Error, Num, Number, Result, State};
use std::{f64::consts::FRAC_PI_2, fmt, str::FromStr};

/// The coefficients `α_t` and `β_t` of a path `α_t x0 + β_t x1`.
///
/// On its [`span`](Self::span) both must be smooth and must not vanish together. Dual numbers give the derivatives: your own
/// interpolant is three short methods.
///
/// ```
/// use flowmap::{Num, Number, interpolant::Interpolant};
/// struct Square;
/// impl Interpolant for Square {
///     fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> { 1.0 - t * t }
///     fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> { t * t }
///     fn span(&self) -> [f64; 2] { [0.0, 1.0] }
/// }
/// assert_eq!(Square.rates(&0.5), [-1.0, 1.0]);
/// ```
pub trait Interpolant {
    /// `α_t`, the weight of the start.
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N>;
    /// `β_t`, the weight of the end.
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N>;
    /// The start and end time between which the path and its velocity are finite.
    fn span(&self) -> [f64; 2];

    /// Both weights, `α_t` and `β_t`.
    fn shares<N: Number>(&self, t: &N) -> [N; 2] {
        let t = Num(t.clone());
        [self.alpha(&t), self.beta(&t)].map(|share| share.0)
    }

    /// The rates of the weights, `α'_t` and `β'_t`.
    fn rates<N: Number>(&self, t: &N) -> [N; 2] {
        let moving = Dual::new(t.clone(), t.constant(1.0));
        self.shares(&moving).map(|share| share.into_parts().1.unwrap_or_else(|| t.constant(0.0)))
    }

    /// The point `α_t x0 + β_t x1`; in a batch, each sample at its own time.
    fn point<X: State>(&self, t: &X::Time, x0: &X, x1: &X) -> X {
        let [alpha, beta] = self.shares(t);
        x0.scaled(&alpha).plus(&x1.scaled(&beta))
    }

    /// The velocity `α'_t x0 + β'_t x1`, the time derivative of [`point`](Self::point).
    fn velocity<X: State>(&self, t: &X::Time, x0: &X, x1: &X) -> X {
        let [alpha, beta] = self.rates(t);
        x0.scaled(&alpha).plus(&x1.scaled(&beta))
    }
}

impl<I: Interpolant> Interpolant for &I {
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> {
        (**self).alpha(t)
    }
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> {
        (**self).beta(t)
    }
    fn span(&self) -> [f64; 2] {
        (**self).span()
    }
}

/// The straight line: `α_t = 1 - t`, `β_t = t` on `[0, 1]`.
///
/// ```
/// use flowmap::interpolant::{Interpolant, Linear};
/// assert_eq!(Linear.rates(&0.3), [-1.0, 1.0]);
/// ```
///
/// Reference: X. Liu, C. Gong, Q. Liu, Flow straight and fast, arXiv 2209.03003.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Linear;

impl Interpolant for Linear {
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> {
        1.0 - t
    }
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> {
        t.clone()
    }
    fn span(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}

/// The quarter circle: `α_t = cos(π t/2)`, `β_t = sin(π t/2)` on `[0, 1]`; it preserves the variance where both ends have the
/// same.
///
/// ```
/// use flowmap::interpolant::{Interpolant, Trigonometric};
/// let [alpha, beta] = Trigonometric.shares(&0.3_f64);
/// assert!((alpha * alpha + beta * beta - 1.0).abs() < 1e-15);
/// ```
///
/// Reference: M. S. Albergo, E. Vanden-Eijnden, Building normalizing flows with stochastic interpolants, arXiv 2209.15571.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trigonometric;

impl Interpolant for Trigonometric {
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> {
        (FRAC_PI_2 * t).cos()
    }
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> {
        (FRAC_PI_2 * t).sin()
    }
    fn span(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}

/// The Ornstein-Uhlenbeck process run backward, as in variance-preserving diffusion models:
/// `α_t = (1 - e^(2 (t - T)))^(1/2)`, `β_t = e^(t - T)` for `t ≤ T`.
///
/// At the start, a fraction `e^-T` of the data is left. At `T` the derivative of `α` diverges like `-(2 (T - t))^(-1/2)`, so
/// the [`span`](Interpolant::span) is `[0, T - CUTOFF]`, where that derivative is at most 22.4 and `α` at least 0.0447. Beyond
/// `T`, values are NaN.
///
/// ```
/// use flowmap::interpolant::{Interpolant, VariancePreserving};
/// let path = VariancePreserving::new(5.0)?;
/// assert_eq!(path.span(), [0.0, 5.0 - VariancePreserving::CUTOFF]);
/// assert_eq!(path.shares(&5.0), [0.0, 1.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: Y. Song and others, Score-based generative modeling through stochastic differential equations, arXiv
/// 2011.13456, with time measured by the integral of half the noise rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VariancePreserving {
    horizon: f64,
}

impl VariancePreserving {
    /// The distance from the end of the span to `T`.
    pub const CUTOFF: f64 = 1e-3;

    /// With horizon `T`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `T` is finite and larger than [`CUTOFF`](Self::CUTOFF).
    pub fn new(horizon: f64) -> Result<Self> {
        // for longer ones, single precision cannot resolve times near the end; nothing is gained, since only e^-50 of the data
        // is left
        const LONGEST: f64 = 50.0;
        if !(horizon > Self::CUTOFF && horizon <= LONGEST) {
            let range = format!("{horizon} is not a number above {} and up to {LONGEST}", Self::CUTOFF);
            let reason = format!("{range}; 5 leaves less than 1 % of the data at the start");
            return Err(Error::invalid("horizon", reason));
        }
        Ok(Self { horizon })
    }

    /// The horizon `T`.
    pub fn horizon(&self) -> f64 {
        self.horizon
    }
}

impl Default for VariancePreserving {
    /// With horizon 5: `e^-5 = 0.0067` of the data is left at the start.
    fn default() -> Self {
        Self { horizon: 5.0 }
    }
}

impl Interpolant for VariancePreserving {
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> {
        // exp_m1 keeps all digits near the horizon, where the exponential is nearly 1
        (-(2.0 * (t - self.horizon)).exp_m1()).sqrt()
    }
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> {
        (t - self.horizon).exp()
    }
    fn span(&self) -> [f64; 2] {
        [0.0, self.horizon - Self::CUTOFF]
    }
}

/// An interpolant chosen at run time by its name, as in a configuration file.
///
/// The names are `linear`, `trigonometric`, and `vp` or, with a horizon, `vp:8`. With the feature `serde` it is
/// (de)serialized as that name.
///
/// ```
/// use flowmap::interpolant::{Interpolant, Path};
/// let path: Path = "vp:8".parse()?;
/// assert_eq!(path.shares(&8.0), [0.0, 1.0]);
/// assert_eq!(path.to_string(), "vp:8");
/// assert!("cubic".parse::<Path>().is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "String", try_from = "String"))]
pub enum Path {
    /// [`Linear`].
    Linear,
    /// [`Trigonometric`].
    Trigonometric,
    /// [`VariancePreserving`].
    VariancePreserving(VariancePreserving),
}

impl Interpolant for Path {
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> {
        match self {
            Self::Linear => Linear.alpha(t),
            Self::Trigonometric => Trigonometric.alpha(t),
            Self::VariancePreserving(path) => path.alpha(t),
        }
    }
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> {
        match self {
            Self::Linear => Linear.beta(t),
            Self::Trigonometric => Trigonometric.beta(t),
            Self::VariancePreserving(path) => path.beta(t),
        }
    }
    fn span(&self) -> [f64; 2] {
        match self {
            Self::Linear => Linear.span(),
            Self::Trigonometric => Trigonometric.span(),
            Self::VariancePreserving(path) => path.span(),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear => f.write_str("linear"),
            Self::Trigonometric => f.write_str("trigonometric"),
            Self::VariancePreserving(path) if *path == VariancePreserving::default() => f.write_str("vp"),
            Self::VariancePreserving(path) => write!(f, "vp:{}", path.horizon),
        }
    }
}

impl FromStr for Path {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || {
            let reason = format!("\"{name}\" is not one of linear, trigonometric, vp, vp:HORIZON (such as vp:8)");
            Error::invalid("interpolant", reason)
        };
        match name {
            "linear" => Ok(Self::Linear),
            "trigonometric" => Ok(Self::Trigonometric),
            "vp" => Ok(Self::VariancePreserving(VariancePreserving::default())),
            _ => {
                let horizon = name.strip_prefix("vp:").ok_or_else(unknown)?;
                let horizon = horizon.parse().map_err(|_| unknown())?;
                VariancePreserving::new(horizon).map(Self::VariancePreserving)
            }
        }
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

impl TryFrom<String> for Path {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> [Path; 4] {
        let long = VariancePreserving::new(8.0).unwrap();
        [
            Path::Linear,
            Path::Trigonometric,
            Path::VariancePreserving(VariancePreserving::default()),
            Path::VariancePreserving(long),
        ]
    }

    #[test]
    fn every_path_goes_from_start_to_end() {
        for path in paths() {
            let [start, end] = path.span();
            let [[alpha, beta], last] = [start, end].map(|t| path.shares(&t));
            assert!((alpha - 1.0).abs() < 1e-4 && beta.abs() < 0.007, "{path}");
            assert!(last[0].abs() < 0.045 && (last[1] - 1.0).abs() < 0.002, "{path}");
        }
    }

    #[test]
    fn the_velocity_is_the_derivative_and_finite_on_the_whole_span() {
        let (x0, x1) = ([1.0, -2.0], [0.5, 3.0]);
        for path in paths() {
            let [start, end] = path.span();
            assert!(path.velocity(&(start as f32), &[1.0_f32], &[1.0])[0].is_finite());
            assert!(path.velocity(&(end as f32), &[1.0_f32], &[1.0])[0].is_finite());
            let h = 1e-7;
            for k in 0..=100 {
                let t = start + (end - start) * f64::from(k) / 100.0;
                let [up, down] = [t + h, t - h].map(|t| path.point(&t, &x0, &x1));
                let velocity = path.velocity(&t, &x0, &x1);
                for i in 0..2 {
                    let slope = (up[i] - down[i]) / (2.0 * h);
                    assert!((velocity[i] - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{path} at {t}: {velocity:?}, {slope}");
                }
            }
        }
    }

    #[test]
    fn the_bounds_at_the_cutoff_are_as_documented() {
        let path = VariancePreserving::default();
        let [_, end] = path.span();
        assert!(path.shares(&end)[0] > 0.0446 && path.rates(&end)[0].abs() < 22.4);
        assert!(path.rates(&path.horizon())[0].is_infinite());
        assert!(path.shares(&5.1_f64)[0].is_nan());
    }

    #[test]
    fn names_survive_a_round_trip() {
        for path in paths() {
            assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
        }
        for bad in ["", "Linear", "vp:", "vp:-1", "vp:inf", "vp:0.0005"] {
            assert!(bad.parse::<Path>().is_err(), "{bad}");
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_configuration_holds_the_name() {
        use serde::{Deserialize, Serialize, de::IntoDeserializer, de::value::Error};
        struct Shown(Path);
        impl fmt::Display for Shown {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.serialize(f)
            }
        }
        for path in paths() {
            let name = Shown(path).to_string();
            assert_eq!(name, path.to_string());
            assert_eq!(Path::deserialize(IntoDeserializer::<Error>::into_deserializer(name)).unwrap(), path);
        }
        let bad = Path::deserialize(IntoDeserializer::<Error>::into_deserializer("vp:0")).unwrap_err();
        assert!(bad.to_string().contains("horizon"));
    }
}
