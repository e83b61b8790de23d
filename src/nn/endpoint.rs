//! A network that predicts where a path ends.

use super::Module;
use crate::{AverageVelocity, Error, Layout, Result, Tensor};
use serde_json::{Value as Json, json};

/// The average velocity by the end of the path at a fixed time, which a network `D` predicts: data, which lie on a surface, are
/// easier to predict than velocities, which contain the noise.
///
/// ```text
/// v_{s,t}(x) = (D_{s,t}(x) - x) / max(e - s, δ)
/// ```
///
/// `e` is the end of the span, `δ` the shortest time by which differences are divided, 0.05 in the source. The moving coordinates
/// of the network's output are `D`; coordinates at rest have velocity 0. For `e - s < δ` the velocity of a right `D` is too
/// small, so errors at late times are not magnified.
///
/// Source: pixel MeanFlow, arXiv 2601.22158.
///
/// ```
/// use flowmap::{AverageVelocity, Cpu, Tensor, nn::{Endpoint, Mlp, MlpShape}};
/// let network: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 8, 2), 1)?;
/// let endpoint = Endpoint::new(network.clone(), 2, 1.0)?;
/// let x = Cpu::from_slice(&[1.0, 2.0], &[1, 2]);
/// let (s, t) = (Cpu::from_slice(&[0.5], &[]), Cpu::from_slice(&[0.75], &[]));
/// let [v, d] = [endpoint.average_velocity(&s, &t, &x), network.average_velocity(&s, &t, &x)];
/// assert!((v.to_vec()[0] - (d.to_vec()[0] - 1.0) / 0.5).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint<D> {
    network: D,
    layout: Layout,
    end: f64,
    shortest: f64,
}

impl<D> Endpoint<D> {
    /// The velocity by the predictions of a network, for states of this layout and paths that end at time `end`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `end` is not finite.
    pub fn new(network: D, layout: impl Into<Layout>, end: f64) -> Result<Self> {
        if !end.is_finite() {
            return Err(Error::invalid("end of paths", format!("{end} is not a time")));
        }
        Ok(Self { network, layout: layout.into(), end, shortest: 0.05 })
    }

    /// Sets the shortest time `δ` by which differences are divided.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive and finite.
    pub fn with_shortest(self, shortest: f64) -> Result<Self> {
        if !(shortest > 0.0 && shortest.is_finite()) {
            return Err(Error::invalid("shortest time", format!("{shortest} is not positive and finite")));
        }
        Ok(Self { shortest, ..self })
    }

    /// The network `D`.
    pub fn network(&self) -> &D {
        &self.network
    }

    fn of<E>(&self, network: E) -> Endpoint<E> {
        Endpoint { network, layout: self.layout, end: self.end, shortest: self.shortest }
    }
}

impl<T: Tensor, D: AverageVelocity<T>> AverageVelocity<T> for Endpoint<D> {
    fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
        let left = (-s.clone()).shift(self.end);
        let left = left.max(&left.constant(self.shortest));
        let [predicted, moving] = [&self.network.average_velocity(s, t, x), x].map(|x| self.layout.moving_part(x));
        self.layout.velocity(predicted.minus(&moving).scaled(&left.recip()), x)
    }
    fn log_loss(&self, s: &T, t: &T, x: &T) -> Option<T> {
        self.network.log_loss(s, t, x)
    }
}

/// Its parameters have the names that they have in the network.
impl<P, D: Module<P>> Module<P> for Endpoint<D> {
    type With<Q> = Endpoint<D::With<Q>>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self::With<Q>, E> {
        Ok(self.of(self.network.try_map(f)?))
    }
    fn architecture(&self) -> Json {
        json!({ "Endpoint": { "network": self.network.architecture(), "end": self.end, "shortest": self.shortest } })
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

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{
        State,
        backend::ndarray::NdTensor,
        distribution::Normal,
        learn::{Independent, Settings, Trainer},
        nn::{Mlp, MlpShape},
    };

    type T = NdTensor<f64>;

    /// Predicts one point; its output at rest is to be ignored.
    #[derive(Clone)]
    struct Point([f64; 3]);

    impl AverageVelocity<T> for Point {
        fn average_velocity(&self, _: &T, _: &T, x: &T) -> T {
            T::from_slice(&self.0.repeat(x.shape()[0]), x.shape())
        }
    }

    #[test]
    fn the_path_leads_to_the_prediction_and_coordinates_at_rest_stay() {
        let layout = Layout::new(2).with_conditions(1);
        let endpoint = Endpoint::new(Point([3.0, -1.0, 7.0]), layout, 2.0).unwrap();
        let times = |t: &[f64]| T::from_slice(t, &[3]);
        let x = T::from_slice(&[1.0, 1.0, 5.0, 0.0, 0.0, 5.0, 2.0, 0.0, 5.0], &[3, 3]);
        let s = times(&[0.0, 1.5, 1.99]);
        let v = endpoint.average_velocity(&s, &times(&[2.0; 3]), &x).to_vec();
        let expected = [1.0, -1.0, 0.0, 6.0, -2.0, 0.0, 1.0 / 0.05, -1.0 / 0.05, 0.0];
        assert!(v.iter().zip(expected).all(|(v, e)| (v - e).abs() < 1e-12), "{v:?}");
        assert!(Endpoint::new(Point([0.0; 3]), layout, f64::NAN).is_err() && endpoint.with_shortest(0.0).is_err());
    }

    #[test]
    fn it_trains() {
        let network: Mlp<T> = Mlp::new(&MlpShape::new(1, 16, 2), 1).unwrap();
        let pairs = Independent::new(Normal::standard(1).unwrap(), Normal::new(vec![3.0], 0.2).unwrap()).unwrap();
        let settings = Settings { batch: 64, ..Settings::points(1000) };
        let mut trainer = Trainer::new(Endpoint::new(network, 1, 1.0).unwrap(), pairs, settings).unwrap();
        for _ in 0..1000 {
            trainer.step().unwrap();
        }
        let noise = T::from_slice(&[-1.0, 0.0, 1.0], &[3, 1]);
        let [s, t] = [0.0, 1.0].map(|t| T::from_slice(&[t], &[]));
        let v = trainer.model().average_velocity(&s, &t, &noise);
        let ends: Vec<f64> = noise.plus(&v).to_vec();
        assert!(ends.iter().all(|x| (x - 3.0).abs() < 0.7), "{ends:?}");
    }
}
