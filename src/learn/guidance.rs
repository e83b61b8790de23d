//! Classes exaggerated.

use crate::{AverageVelocity, AverageVelocityMap, Tensor, VelocityField};

/// Classifier-free guidance: where rows say what class they are of, and how much of that is wanted.
///
/// The velocity that is learned for a scale `a` and a class `c` is
///
/// ```text
/// q_t(x; a, c) = v_t(x; none) + a (v_t(x; c) - v_t(x; none)),
/// ```
///
/// with `v_t(x; c)` the velocity of the class and `v_t(x; none)` that of all classes together. At `a = 1` it is the velocity of
/// the class; larger scales give samples that are more typical of it, and less varied. The scale is a coordinate of the state, so
/// that one network holds the flow maps of all scales, each sampled in few steps at no cost beside.
///
/// A trainer learns `q` on the diagonal: to what flow matching regresses on, the velocity `I'_t` of the interpolant, it adds the
/// [`correction`](Self::correction), whose mean makes it `q`, and likewise wherever an objective holds the velocity of a sample.
/// Off the diagonal nothing else changes: `v_{t,t}` is the guided velocity, and the characterizations make its flow map.
/// [`Conditional::with_guidance`](super::Conditional::with_guidance) draws scales.
///
/// Source: J. Ho, T. Salimans, Classifier-Free Diffusion Guidance, arXiv 2207.12598; arXiv 2505.18825, section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guidance {
    /// The first of the columns of classes; the scale is the last column, and those between are all of classes.
    pub classes: usize,
}

impl Guidance {
    /// `(a - 1) (v_{t,t}(x; 1, c) - v_{t,t}(x; 1, none))` for rows `x` with classes `c` and scales `a`, by what `v` has learned
    /// so far.
    ///
    /// ```
    /// use flowmap::{AverageVelocity, Tensor, backend::ndarray::NdTensor, learn::Guidance};
    /// struct Towards; // the class itself, and 0 if none is told
    /// impl<T: Tensor> AverageVelocity<T> for Towards {
    ///     fn average_velocity(&self, _: &T, _: &T, x: &T) -> T {
    ///         T::concat(&[x.slice(1, 1..2), x.slice(1, 1..3).constant(0.0)], 1)
    ///     }
    /// }
    /// let x = NdTensor::<f64>::from_slice(&(), &[0.3, 1.0, 4.0], &[1, 3]); // a point, its class, and the scale
    /// let correction = Guidance { classes: 1 }.correction(&Towards, &x.slice(1, 0..1).reshape(&[1]), &x);
    /// assert_eq!(correction.to_vec(), [3.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If `x` has not the shape `[batch, columns]` with a column behind that of the first class.
    pub fn correction<T: Tensor>(&self, v: &impl AverageVelocity<T>, t: &T, x: &T) -> T {
        let [batch, columns] = x.shape() else { panic!("guidance: rows of shape {:?}; they are [batch, columns]", x.shape()) };
        let scale = columns - 1;
        let (point, classes) = (x.slice(1, 0..self.classes), x.slice(1, self.classes..scale));
        let one = x.slice(1, scale..*columns).constant(1.0);
        let velocity = |classes: T| AverageVelocityMap(v).velocity(t, &T::concat(&[point.clone(), classes, one.clone()], 1));
        let difference = velocity(classes.clone()).minus(&velocity(classes.constant(0.0)));
        difference.scaled(&x.slice(1, scale..*columns).reshape(&[*batch]).shift(-1.0))
    }
}
