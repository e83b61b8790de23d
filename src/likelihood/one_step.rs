//! Learned volume change, as an additional coordinate of tensor rows.

use super::VolumeChange;
use crate::{AverageVelocity, FlowMap, Result, Tensor, VelocityField, likelihood::volume::checked, nn::Module};

/// A field of pairs `(x, [l])` on tensor rows `[n, d + 1]`, with `l` as the last coordinate: the form in which networks learn
/// it.
///
/// ```
/// use flowmap::{Tensor, VelocityField, backend::ndarray::NdTensor, exact::Affine};
/// use flowmap::likelihood::{ExactTrace, InRows, WithDivergence};
/// let b = Affine::new([[0.3, 2.0], [-1.0, 0.5]], [0.0; 2])?;
/// let rows = InRows(WithDivergence::new(b, ExactTrace));
/// let velocity = rows.velocity(&NdTensor::new(vec![0.0], &[])?, &NdTensor::<f64>::new(vec![1.0, 0.0, 7.0], &[1, 3])?);
/// assert_eq!(velocity.to_vec(), [0.3, -1.0, 0.8]);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InRows<B>(pub B);

impl<T: Tensor, B: VelocityField<(T, [T; 1])>> VelocityField<T> for InRows<B> {
    /// # Panics
    /// If rows have fewer than two coordinates.
    fn velocity(&self, t: &T, rows: &T) -> T {
        let (velocity, [rate]) = self.0.velocity(t, &apart(rows));
        together(&velocity, &rate)
    }
    fn stops(&self, s: &T, t: &T) -> Vec<T> {
        self.0.stops(s, t)
    }
    fn jvp(&self, t: &T, rows: &T, v: &T) -> T {
        let (velocity, [rate]) = self.0.jvp(t, &apart(rows), &apart(v));
        together(&velocity, &rate)
    }
}

/// Splits rows `[n, d + 1]` into `x`, of shape `[n, d]`, and `l`.
#[track_caller]
fn apart<T: Tensor>(rows: &T) -> (T, [T; 1]) {
    let (n, width) = match *rows.shape() {
        [n, width] if width > 1 => (n, width),
        ref shape => panic!("rows of shape {shape:?}; with the logarithm of the volume they are [batch, d + 1]"),
    };
    (rows.slice(1, 0..width - 1), [rows.slice(1, width - 1..width).reshape(&[n])])
}

fn together<T: Tensor>(x: &T, l: &T) -> T {
    T::concat(&[x.clone(), l.expand(1, &[1])], 1)
}

/// A network on rows `(x, l)` that ignores `l`: with [`AverageVelocityMap`](crate::AverageVelocityMap),
///
/// - `X_{s,t}(x, l) = (x + (t - s) u_{s,t}(x), l + (t - s) D_{s,t}(x))`,
///
/// with the average velocity `u` and the average divergence `D`. The network gets 0 in place of `l`.
///
/// ```
/// use flowmap::{AverageVelocityMap, FlowMap, Tensor, backend::ndarray::NdTensor, likelihood::DivergenceHead};
/// use flowmap::nn::{Mlp, MlpShape};
/// let network: Mlp<NdTensor<f64>> = Mlp::new(&MlpShape::new(3, 8, 1), 1)?; // two coordinates and l
/// let map = AverageVelocityMap(DivergenceHead::new(network));
/// let end = |l| map.carry([0.0, 1.0], &NdTensor::new(vec![0.3, 0.4, l], &[1, 3]).unwrap()).to_vec();
/// assert_eq!(end(0.0)[..2], end(5.0)[..2]);
/// assert!((end(5.0)[2] - end(0.0)[2] - 5.0).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: X. Ai, Y. He, A. Gu, R. Salakhutdinov, J. Z. Kolter, N. M. Boffi, M. Simchowitz, Joint distillation for fast
/// likelihood evaluation and sampling in flow-based models, arXiv 2512.02636.
#[derive(Clone, Debug)]
pub struct DivergenceHead<M> {
    network: M,
}

impl<M> DivergenceHead<M> {
    /// With this network on rows of `d + 1` coordinates.
    pub fn new(network: M) -> Self {
        Self { network }
    }

    /// The network.
    pub fn network(&self) -> &M {
        &self.network
    }

    fn seen<T: Tensor>(rows: &T) -> T {
        let (x, [l]) = apart(rows);
        together(&x, &l.constant(0.0))
    }
}

impl<P, M: Module<P>> Module<P> for DivergenceHead<M> {
    type With<Q> = DivergenceHead<M::With<Q>>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self::With<Q>, E> {
        Ok(DivergenceHead { network: self.network.try_map(f)? })
    }
    fn architecture(&self) -> serde_json::Value {
        serde_json::json!({ "divergence head": self.network.architecture() })
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        self.network.visit_mut(f);
    }
    fn after_step(&mut self)
    where
        P: Tensor<Primal = P>,
    {
        self.network.after_step();
    }
    fn set_training(&mut self, seeds: &mut dyn FnMut() -> Option<u64>) {
        self.network.set_training(seeds);
    }
}

impl<T: Tensor, M: AverageVelocity<T>> AverageVelocity<T> for DivergenceHead<M> {
    fn average_velocity(&self, s: &T, t: &T, rows: &T) -> T {
        self.network.average_velocity(s, t, &Self::seen(rows))
    }
    fn log_loss(&self, s: &T, t: &T, rows: &T) -> Option<T> {
        self.network.log_loss(s, t, &Self::seen(rows))
    }
}

/// A flow map of rows `(x, l)`, such as a network that has learned that of [`WithDivergence`](super::WithDivergence), as a map
/// of `x` with its volume change: one evaluation, starting at `l = 0`.
///
/// With [`Pushforward`](super::Pushforward) it is a density, `ln ρ_1(y) = ln ρ_0(x) + l` with `(x, l) = X_{1,0}(y, 0)`, if the
/// map was also learned backward in time ([`TimePairs::BothWays`](crate::learn::TimePairs::BothWays)).
///
/// ```
/// use flowmap::{Dual, Number, Ode, Tensor, backend::ndarray::NdTensor};
/// use flowmap::likelihood::{Density, OneStep, Pushforward, StandardNormal};
/// use flowmap::{State, flow_map};
/// // x' = x / 2 on the line, and its divergence: the rows of a perfect network
/// let rows = flow_map(|s: &NdTensor<f64>, t: &NdTensor<f64>, row: &NdTensor<f64>| {
///     let half = (t.clone() - s).scale(0.5);
///     NdTensor::concat(&[row.slice(1, 0..1).scaled(&half.exp()), row.slice(1, 1..2) + half.expand(1, &[1])], 1)
/// });
/// let distribution = Pushforward::new(StandardNormal, OneStep(rows), [0.0, 2.0])?; // N(0, e²)
/// let peak = distribution.try_log_density(&NdTensor::new(vec![0.0], &[1, 1])?)?.to_vec()[0];
/// assert!((peak - (-1.0 - 0.5 * std::f64::consts::TAU.ln())).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: arXiv 2512.02636.
#[derive(Clone, Copy, Debug)]
pub struct OneStep<M>(pub M);

impl<T: Tensor, M: FlowMap<T>> VolumeChange<T> for OneStep<M> {
    /// # Panics
    /// If `x` does not have the shape `[batch, d]`, or the map does not act on rows of `d + 1` coordinates.
    fn flow_and_log_det(&self, s: &T, t: &T, x: &T) -> (T, T) {
        let (end, [log_det]) = apart(&self.0.flow(s, t, &start(x)));
        (end, log_det)
    }
    fn try_flow_and_log_det(&self, s: &T, t: &T, x: &T) -> Result<(T, T)> {
        let (end, [log_det]) = apart(&self.0.try_flow(s, t, &start(x))?);
        checked(s, t, end, log_det)
    }
}

fn start<T: Tensor>(x: &T) -> T {
    together(x, &x.dot(x).constant(0.0))
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{
        AverageVelocityMap, Dual, Var,
        backend::ndarray::NdTensor,
        learn::TeacherNetwork,
        likelihood::{ExactTrace, Hutchinson, WithDivergence, divergence},
        nn::{Mlp, MlpShape},
    };

    type Tensor64 = NdTensor<f64>;

    fn tensor(values: &[f64], shape: &[usize]) -> Tensor64 {
        NdTensor::new(values.to_vec(), shape).unwrap()
    }

    fn mlp(dimension: usize) -> Mlp<Tensor64> {
        Mlp::new(&MlpShape::new(dimension, 8, 2), 3).unwrap()
    }

    /// The divergence of a network by central differences.
    fn by_differences(t: &Tensor64, x: [f64; 2]) -> f64 {
        let h = 1e-5;
        let component = |i: usize, shift: f64| {
            let mut x = x;
            x[i] += shift;
            crate::Tensor::to_vec(&AverageVelocityMap(mlp(2)).velocity(t, &tensor(&x, &[1, 2])))[i]
        };
        (0..2).map(|i| (component(i, h) - component(i, -h)) / (2.0 * h)).sum()
    }

    #[test]
    fn the_last_velocity_is_the_divergence_of_the_teacher() {
        let teacher = TeacherNetwork::new(mlp(2));
        let (t, rows) = (tensor(&[0.3, 0.8], &[2]), tensor(&[0.5, -1.0, 9.0, 0.2, 0.7, -4.0], &[2, 3]));
        let field = InRows(WithDivergence::new(teacher.clone(), ExactTrace));
        let found = crate::Tensor::to_vec(&field.velocity(&t, &rows));
        for (k, (time, x)) in [(0.3, [0.5, -1.0]), (0.8, [0.2, 0.7])].into_iter().enumerate() {
            assert!((found[3 * k + 2] - by_differences(&tensor(&[time], &[]), x)).abs() < 1e-9);
        }
        // on a tape it is the same, and on average so is the estimate from a few directions
        let [on_t, on_rows] = [&t, &rows].map(|x| Var::constant(x.clone()));
        assert_eq!(crate::Tensor::to_vec(&VelocityField::<Var<_>>::velocity(&field, &on_t, &on_rows)), found);
        let (x, exact) = (rows.slice(1, 0..2), [found[2], found[5]]);
        let estimates = Hutchinson::new(400, 1).unwrap().estimate(&teacher, &t, &x);
        for (estimate, exact) in estimates.iter().zip(exact) {
            assert!((estimate.value - exact).abs() < 4.0 * estimate.standard_error);
        }
        assert!((crate::Tensor::to_vec(&divergence(&teacher, &t, &x, &ExactTrace))[0] - exact[0]).abs() < 1e-15);
    }

    #[test]
    fn nothing_depends_on_the_logarithm_of_the_volume() {
        let map = AverageVelocityMap(DivergenceHead::new(mlp(3)));
        let [s, t] = [0.0, 1.0].map(|t| Dual::constant(tensor(&[t], &[])));
        let moving = Dual::new(tensor(&[0.5, -1.0, 2.0], &[1, 3]), tensor(&[0.0, 0.0, 1.0], &[1, 3]));
        assert_eq!(crate::Tensor::to_vec(map.flow(&s, &t, &moving).tangent()), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_head_is_a_network_with_the_parameters_of_its_own() {
        let (plain, head) = (mlp(3), DivergenceHead::new(mlp(3)));
        fn names(module: &impl Module<Tensor64>) -> Vec<String> {
            let mut names = Vec::new();
            module.visit(&mut |name, _| names.push(name.to_string()));
            names
        }
        assert_eq!(names(&plain), names(&head));
        assert_ne!(Module::<Tensor64>::architecture(&plain), Module::<Tensor64>::architecture(&head));
    }

    #[test]
    #[should_panic(expected = "rows of shape [4, 1]; with the logarithm of the volume they are [batch, d + 1]")]
    fn rows_without_a_state() {
        InRows(WithDivergence::new(TeacherNetwork::new(mlp(2)), ExactTrace))
            .velocity(&tensor(&[0.0], &[]), &tensor(&[0.0; 4], &[4, 1]));
    }
}
