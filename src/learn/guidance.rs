//! Classifier-free guidance.

use crate::{AverageVelocity, AverageVelocityMap, Tensor, VelocityField};

/// Classifier-free guidance: the columns of a row that hold its class and the guidance scale.
///
/// The velocity that is learned for a scale `a` and a class `c` is
///
/// ```text
/// q_t(x; a, c) = v_t(x; none) + a (v_t(x; c) - v_t(x; none)),
/// ```
///
/// with `v_t(x; c)` the velocity of the class and `v_t(x; none)` that of all classes together. At `a = 1` it is the velocity of
/// the class; larger scales give samples that are more typical of it, and less varied. The scale is a coordinate of the state, so
/// one network holds the flow maps of all scales, each sampled in few steps without extra evaluations.
///
/// A trainer learns `q` on the diagonal: it adds the [`correction`](Self::correction) to the target of flow matching, the
/// velocity `I'_t` of the interpolant, so that its mean becomes `q`, and likewise wherever an objective uses the velocity of a
/// sample. Off the diagonal nothing else changes: `v_{t,t}` is the guided velocity, and the characterizations make its flow map.
/// [`Conditional::with_guidance`](super::Conditional::with_guidance) draws scales.
///
/// Source: J. Ho, T. Salimans, Classifier-Free Diffusion Guidance, arXiv 2207.12598; arXiv 2505.18825, section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guidance {
    /// The first column of classes; the last column is the scale, and all between are classes.
    pub classes: usize,
}

impl Guidance {
    /// `(a - 1) (v_{t,t}(x; 1, c) - v_{t,t}(x; 1, none))` for rows `x` with classes `c` and scales `a`, by the current `v`.
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
    /// If `x` is not of shape `[batch, columns]` with a column after that of the first class.
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
