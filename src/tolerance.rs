//! Tolerances: how large an error may be.

use crate::{Error, Result, number::Number};

/// What a step of an adaptive solver may get wrong: `|e_i| ≤ a_i + r max(|x_i|, |y_i|)` for a step from `x` to `y`.
///
/// `r` is the relative tolerance, `a_i` the absolute one, one for all coordinates or one for each. The quotients of both sides
/// are summed up by a [norm](Norm), whose value must be below 1.
///
/// The error of one step is bounded, not that of the whole way: that is what the ODE makes of all steps' errors. As a rule of
/// thumb, ask for a tenth to a hundredth of what is wanted at the end, and compare with a second solve at a tenth of that.
///
/// ```
/// use flowmap::{State, Tolerance};
/// let tolerance = Tolerance::new(1e-3, 1e-6)?;
/// let (x, y) = ([1.0_f64, 0.0], [2.0, 0.0]);
/// let size = [4e-3, 0.0].error_norm(&x, &y, &tolerance); // twice what is allowed, in one coordinate of two
/// assert!((size - 2.0_f64.sqrt()).abs() < 1e-2);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, section II.4.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerance {
    relative: f64,
    /// One value for all coordinates, or one for each.
    absolute: Vec<f64>,
    norm: Norm,
}

/// How the errors of the coordinates are summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Norm {
    /// The root of the mean of the squares.
    #[default]
    RootMeanSquare,
    /// The largest.
    Maximum,
}

impl Default for Tolerance {
    /// `1e-6` relative, `1e-9` absolute.
    fn default() -> Self {
        Self { relative: 1e-6, absolute: vec![1e-9], norm: Norm::default() }
    }
}

impl Tolerance {
    /// The same tolerances for every coordinate.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite, neither is negative, and one of them is positive.
    pub fn new(relative: f64, absolute: f64) -> Result<Self> {
        Self::each(relative, &[absolute])
    }

    /// An absolute tolerance for each coordinate (of a batch: of each sample).
    ///
    /// ```
    /// use flowmap::Tolerance;
    /// let positions_and_speeds = Tolerance::each(1e-6, &[1e-9, 1e-3])?;
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new), for each; and if there is none.
    pub fn each(relative: f64, absolute: &[f64]) -> Result<Self> {
        let allowed = |x: f64| x >= 0.0 && x.is_finite();
        if !allowed(relative) {
            return Err(Error::invalid("relative tolerance", format!("{relative} is not a finite number of 0 or more")));
        }
        if absolute.is_empty() {
            return Err(Error::invalid("absolute tolerance", "there is none; give one for all coordinates, or one for each"));
        }
        if let Some(bad) = absolute.iter().find(|a| !allowed(**a) || (**a == 0.0 && relative == 0.0)) {
            let reason = format!("{bad} is not a finite number of 0 or more, or is 0 beside a relative tolerance of 0");
            return Err(Error::invalid("absolute tolerance", reason));
        }
        Ok(Self { relative, absolute: absolute.to_vec(), norm: Norm::default() })
    }

    /// With another norm.
    #[must_use]
    pub fn in_norm(self, norm: Norm) -> Self {
        Self { norm, ..self }
    }

    /// The relative tolerance.
    pub fn relative(&self) -> f64 {
        self.relative
    }

    /// The absolute tolerances: one for all coordinates, or one for each.
    pub fn absolute(&self) -> &[f64] {
        &self.absolute
    }

    /// How errors are summed up.
    pub fn norm_kind(&self) -> Norm {
        self.norm
    }

    /// The absolute tolerance of coordinate `i` of `count`; a smallest number instead of 0: an error of 0 then has size 0, and
    /// any other is too large.
    ///
    /// # Panics
    /// If there is one for each coordinate, but of another number of coordinates.
    #[inline(always)]
    pub(crate) fn floor(&self, i: usize, count: usize) -> f64 {
        let absolute = match self.absolute[..] {
            [one] => one,
            _ => {
                assert!(
                    self.absolute.len() == count,
                    "there are {} absolute tolerances for {count} coordinates; give one for all, or one for each",
                    self.absolute.len()
                );
                self.absolute[i]
            }
        };
        absolute.max(f64::from(f32::MIN_POSITIVE))
    }

    /// The norm of `error` over the coordinates of a step between `from` and `to`: what [`State::error_norm`] is for points.
    ///
    /// [`State::error_norm`]: crate::State::error_norm
    ///
    /// # Panics
    /// If there are no coordinates, or not as many as absolute tolerances.
    #[inline(always)]
    pub fn norm<N: Number>(&self, error: &[N], from: &[N], to: &[N]) -> N {
        let count = error.len();
        let mut total: Option<N> = None;
        for i in 0..count {
            let size = from[i].abs().max(&to[i].abs());
            // a step that ends at an infinity has no finite error: infinity less itself is NaN
            let error = error[i].clone() + (to[i].clone() - &to[i]);
            let quotient = error / size.scale(self.relative).shift(self.floor(i, count));
            total = Some(match (self.norm, total) {
                (Norm::RootMeanSquare, None) => quotient.clone() * &quotient,
                (Norm::RootMeanSquare, Some(sum)) => sum + quotient.clone() * &quotient,
                (Norm::Maximum, None) => quotient.abs(),
                (Norm::Maximum, Some(largest)) => {
                    // NaN must not get lost in a comparison: it stays where it is, and is carried over from the other side
                    let size = quotient.abs();
                    N::select(&size.less(&largest), &largest, &(size + &largest.scale(0.0)))
                }
            });
        }
        let total = total.expect("a state of an ODE has coordinates");
        match self.norm {
            Norm::RootMeanSquare => total.scale(1.0 / count as f64).sqrt(),
            Norm::Maximum => total,
        }
        .frozen()
    }
}
