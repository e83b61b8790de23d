//! Average velocities of an ODE by a solver.

use crate::{
    AverageVelocity, Coordinates, Diffeomorphism, Ode, Pointwise, Real, Scaling, Tensor, VelocityField,
    solver::{Ensemble, Start},
};

/// The map of an ODE by an [`Ensemble`], for [`FromField::with_map`](super::FromField::with_map): with it `pmd` is a regression
/// on the ends of trajectories, each solved when drawn, none twice. [`AverageVelocityMap`](crate::AverageVelocityMap) makes it a
/// flow map of rows, for [`distribution::AlongTrajectories`](crate::distribution::AlongTrajectories) for example.
///
/// It has no derivatives: tensors on a tape count as constants, and duals are not accepted. It solves in `f64` for points of `D`
/// coordinates, whatever the tensors hold. A trajectory that fails gives NaN.
///
/// ```
/// use flowmap::{AverageVelocity, Num, Number, Ode, Scaling, Tensor, Var, backend::ndarray::NdTensor, learn::SolverVelocity};
/// use flowmap::solver::{Adaptive, DOPRI5, Ensemble};
/// struct Decay;
/// impl Ode<1> for Decay {
///     fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] { [-x] }
/// }
/// let solved = SolverVelocity::new(Decay, Ensemble::new(Adaptive::new(DOPRI5)?)).in_units(Scaling::new([0.0], [2.0])?);
/// let tensor = |values: &[f64], shape: &[usize]| Var::constant(NdTensor::from_slice(values, shape));
/// let v = solved.average_velocity(&tensor(&[0.0], &[]), &tensor(&[1.0], &[]), &tensor(&[1.0, 0.5], &[2, 1]));
/// assert!((v.values()[0] - (f64::exp(-1.0) - 1.0)).abs() < 1e-4);
/// # use flowmap::Value;
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SolverVelocity<O, const D: usize> {
    ode: O,
    ensemble: Ensemble,
    units: Option<Scaling<D>>,
}

impl<O: Ode<D>, const D: usize> SolverVelocity<O, D> {
    /// Solves this ODE with this ensemble.
    pub fn new(ode: O, ensemble: Ensemble) -> Self {
        Self { ode, ensemble, units: None }
    }

    /// In the network's coordinates `Φ(x)`, where `x` are those of the ODE.
    #[must_use]
    pub fn in_units(self, units: Scaling<D>) -> Self {
        Self { units: Some(units), ..self }
    }
}

// a tensor without tangent, or one on a tape
impl<T, O, const D: usize> AverageVelocity<T> for SolverVelocity<O, D>
where
    T: Tensor<Primal = T>,
    O: Ode<D> + Sync,
{
    /// # Panics
    /// If `x` does not have the shape `[batch, D]`, or the times not `[batch]` or `[]`.
    fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
        let [rows, columns] = x.shape() else { panic!("states of shape {:?}; they are [batch, {D}]", x.shape()) };
        assert_eq!(*columns, D, "states have {columns} coordinates; the ODE has {D}");
        let [s, t] = [s, t].map(|time| match (time.values(), time.shape()) {
            (one, []) => vec![one[0]; *rows],
            (each, _) => each,
        });
        let values = x.values();
        let inner = |z: &[f64; D]| self.units.map_or(*z, |units| z.through(|z| units.inverse(z)));
        let outer = |x: &[f64; D]| self.units.map_or(*x, |units| x.through(|x| units.forward(x)));
        let points = values.as_chunks::<D>().0;
        let begins = s.iter().zip(&t).zip(points);
        let starts: Vec<_> = begins.map(|((&from, &to), z)| Start { from, to, state: inner(z), parameters: [] }).collect();
        let ends = self.ensemble.solve(&self.ode, &starts);
        let mut velocities = Vec::with_capacity(values.len());
        for ((end, start), z) in ends.iter().zip(&starts).zip(points) {
            let span = start.to - start.from;
            let velocity = match end.success(start) {
                Err(_) => [f64::NAN; D],
                // for s = t there is no difference quotient
                Ok(_) if span == 0.0 => {
                    let rate = Pointwise(&self.ode).velocity(&start.from, &start.state);
                    std::array::from_fn(|k| outer(&std::array::from_fn(|i| start.state[i] + rate[i]))[k] - z[k])
                }
                Ok(state) => std::array::from_fn(|k| (outer(&state)[k] - z[k]) / span),
            };
            velocities.extend(velocity.map(T::Real::from_f64));
        }
        T::from_slice_on(&x.device(), &velocities, &[*rows, D])
    }
}
