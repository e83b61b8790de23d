//! Classifier-free guidance.

use crate::{AverageVelocity, AverageVelocityMap, Layout, Tensor, VelocityField};

/// Classifier-free guidance, for rows whose [layout](Layout) has classes and a scale.
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
    layout: Layout,
    scale: usize,
}

impl Guidance {
    /// The guidance of rows of this layout; `None` if they have no scale.
    pub fn of(layout: Layout) -> Option<Self> {
        layout.scale_column().map(|scale| Self { layout, scale })
    }

    /// `(a - 1) (v_{t,t}(x; 1, c) - v_{t,t}(x; 1, none))` for rows `x` with classes `c` and scales `a`, by the current `v`.
    ///
    /// ```
    /// use flowmap::{AverageVelocity, Layout, Tensor, backend::ndarray::NdTensor, learn::Guidance};
    /// struct Towards; // the class itself, and 0 if none is told
    /// impl<T: Tensor> AverageVelocity<T> for Towards {
    ///     fn average_velocity(&self, _: &T, _: &T, x: &T) -> T {
    ///         T::concat(&[x.slice(1, 1..2), x.slice(1, 1..3).constant(0.0)], 1)
    ///     }
    /// }
    /// let guidance = Guidance::of(Layout::new(1).with_classes(1).with_scale()).unwrap();
    /// let x = NdTensor::<f64>::from_slice(&[0.3, 1.0, 4.0], &[1, 3]); // a point, its class, and the scale
    /// let correction = guidance.correction(&Towards, &x.slice(1, 0..1).reshape(&[1]), &x);
    /// assert_eq!(correction.to_vec(), [3.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If `x` does not have the layout's shape, `[batch, dimension]`.
    pub fn correction<T: Tensor>(&self, v: &impl AverageVelocity<T>, t: &T, x: &T) -> T {
        let Self { layout, scale } = *self;
        let point = layout.moving_part(x);
        let [classes, scales] = [layout.class_columns(), scale..scale + 1].map(|columns| x.slice(1, columns));
        let one = scales.constant(1.0);
        let velocity = |classes: T| {
            let mut row = vec![point.clone(), classes, one.clone()];
            row.extend((layout.conditions > 0).then(|| x.slice(1, layout.condition_columns())));
            AverageVelocityMap(v).velocity(t, &T::concat(&row, 1))
        };
        let difference = velocity(classes.clone()).minus(&velocity(classes.constant(0.0)));
        difference.scaled(&scales.reshape(&x.shape()[..1]).shift(-1.0))
    }
}
