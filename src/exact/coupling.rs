//! Random non-linear flows in any dimension.

use super::{ExactFlow, exact_flow, matrix_of, running, still, sum};
use crate::{Error, Num, Number, Ode, Result};

/// A non-linear, non-autonomous flow in any dimension `D ≥ 2`, composed of invertible layers: a generator of exact flows.
///
/// Any smooth family of invertible maps `Φ_t` defines a flow. Here `Φ_t` is a composition of coupling layers. Each keeps one
/// half of the coordinates, the drivers, and moves the others by `y_j → y_j e^(t a_j cos θ_j) + t c_j sin θ_j`,
/// `θ_j = Σ_i w_ji x_i` over the drivers `i`. The first layer's drivers are the first half of the coordinates (the larger one
/// if `D` is odd), those of the next the second half, and so on.
///
/// - velocity: `b_t(x) = (∂_t Φ_t)(Φ_t⁻¹(x))`
/// - flow: `X_{s,t} = Φ_t ∘ Φ_s⁻¹`
/// - Jacobian: `DΦ_t(z) DΦ_s(z)⁻¹` at `z = Φ_s⁻¹(x)`, products of triangular matrices
/// - domain: the whole space, all times; each layer stretches by a factor of at most `e^(|a_j t|)`, and condition numbers
///   multiply from layer to layer
///
/// ```
/// use flowmap::{QuasiRandom, exact::CouplingFlow, verify};
/// let flow = CouplingFlow::<3>::random(4, 2025)?;
/// let report = verify(&flow, &flow, QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 3])?.cases::<f64>(64));
/// assert!(report.holds(1e-12), "{report}");
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: L. Dinh, J. Sohl-Dickstein, S. Bengio, Density estimation using Real NVP, arXiv 1605.08803, section 3, for the
/// layers.
#[derive(Clone, Debug, PartialEq)]
pub struct CouplingFlow<const D: usize> {
    layers: Vec<CouplingLayer<D>>,
}

/// The coefficients of one layer of a [`CouplingFlow`]; those of the layer's drivers are not used.
///
/// ```
/// use flowmap::{FlowMap, exact::{CouplingFlow, CouplingLayer}};
/// // y grows at the rate cos x, x stays
/// let layer = CouplingLayer { stretch: [0.0, 1.0], shift: [0.0, 0.0], weights: [[0.0; 2], [1.0, 0.0]] };
/// let end = CouplingFlow::new(vec![layer])?.flow(&0.0, &2.0, &[0.0, 1.0]);
/// assert_eq!(end, [0.0, 2.0_f64.exp()]);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CouplingLayer<const D: usize> {
    /// `a_j`: how fast coordinate `j` is stretched.
    pub stretch: [f64; D],
    /// `c_j`: how fast coordinate `j` is shifted.
    pub shift: [f64; D],
    /// `w_ji`: how the angle of coordinate `j` depends on the driver `i`.
    pub weights: [[f64; D]; D],
}

/// The motion of one coordinate by a layer, `y → y e^exponent + push`, with both derivatives with respect to the angle.
struct Bend<N> {
    exponent: Num<N>,
    push: Num<N>,
    exponent_slope: Num<N>,
    push_slope: Num<N>,
}

/// Whether coordinate `i` is a driver in layer `k`.
fn drives<const D: usize>(k: usize, i: usize) -> bool {
    (i < D.div_ceil(2)) == k.is_multiple_of(2)
}

/// The coordinates that layer `k` moves.
fn driven<const D: usize>(k: usize) -> impl Iterator<Item = usize> {
    (0..D).filter(move |&j| !drives::<D>(k, j))
}

impl<const D: usize> CouplingLayer<D> {
    fn bend<N: Number>(&self, k: usize, j: usize, t: &Num<N>, x: &[Num<N>; D]) -> Bend<N> {
        let drivers = (0..D).filter(|&i| drives::<D>(k, i));
        // D ≥ 2: each half has a coordinate
        let angle = sum(drivers.map(|i| self.weights[j][i] * &x[i]));
        let (sin, cos) = (angle.sin(), angle.cos());
        let (stretch, shift) = (t * self.stretch[j], t * self.shift[j]);
        Bend { exponent: &stretch * &cos, push: &shift * &sin, exponent_slope: -stretch * sin, push_slope: shift * cos }
    }
}

impl<const D: usize> CouplingFlow<D> {
    /// Composes these layers, in this order.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `D ≥ 2`, there is a layer, and every coefficient is finite.
    pub fn new(layers: Vec<CouplingLayer<D>>) -> Result<Self> {
        if D < 2 {
            return Err(Error::invalid("dimension", format!("{D} is too small; take 2 or more")));
        }
        if layers.is_empty() {
            return Err(Error::invalid("layers", "there are none; give at least one, or two to move every coordinate"));
        }
        for (k, layer) in layers.iter().enumerate() {
            let coefficients = layer.stretch.iter().chain(&layer.shift).chain(layer.weights.as_flattened());
            if let Some(bad) = coefficients.copied().find(|c| !c.is_finite()) {
                return Err(Error::invalid("layers", format!("layer {k} has the coefficient {bad}, which is not finite")));
            }
        }
        Ok(Self { layers })
    }

    /// Composes random layers: stretches uniform in `[-1/2, 1/2)`, shifts and weights in `[-1, 1)`.
    ///
    /// The same seed gives the same flow on every machine and in every version: the numbers are those of the SplitMix64
    /// sequence, the upper 53 bits of each, layer by layer, first the stretches, then the shifts, then the weights row by row.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `D ≥ 2` and `layers ≥ 1`.
    pub fn random(layers: usize, seed: u64) -> Result<Self> {
        let mut random = SplitMix64::new(seed);
        let mut layer = || CouplingLayer {
            stretch: std::array::from_fn(|_| 0.5 * random.symmetric()),
            shift: std::array::from_fn(|_| random.symmetric()),
            weights: std::array::from_fn(|_| std::array::from_fn(|_| random.symmetric())),
        };
        Self::new((0..layers).map(|_| layer()).collect())
    }

    /// The layers.
    pub fn layers(&self) -> &[CouplingLayer<D>] {
        &self.layers
    }

    /// `Φ_t(z)`.
    fn forward<N: Number>(&self, t: &Num<N>, mut z: [Num<N>; D]) -> [Num<N>; D] {
        for (k, layer) in self.layers.iter().enumerate() {
            for j in driven::<D>(k) {
                let Bend { exponent, push, .. } = layer.bend(k, j, t, &z);
                z[j] = exponent.exp() * &z[j] + push;
            }
        }
        z
    }

    /// `Φ_t⁻¹(x)`.
    fn backward<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let mut x = x.clone();
        for (k, layer) in self.layers.iter().enumerate().rev() {
            for j in driven::<D>(k) {
                let Bend { exponent, push, .. } = layer.bend(k, j, t, &x);
                x[j] = (-exponent).exp() * (&x[j] - push);
            }
        }
        x
    }
}

impl<const D: usize> Ode<D> for CouplingFlow<D> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let start = self.backward(t, x).each_ref().map(still);
        let moving = self.forward(&running(t), start);
        // a coordinate that no layer moves has no tangent
        moving.map(|x| {
            let (value, tangent) = x.0.into_parts();
            Num(tangent.unwrap_or_else(|| value.constant(0.0)))
        })
    }
}

impl<const D: usize> ExactFlow<D> for CouplingFlow<D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        self.forward(t, self.backward(s, x))
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let mut x = x.clone();
        let mut rows = matrix_of(&x[0], Clone::clone);
        // The Jacobian of a layer is the identity except for the driven rows: multiplying by it, or solving with it by forward
        // substitution, changes only these rows.
        for (k, layer) in self.layers.iter().enumerate().rev() {
            for j in driven::<D>(k) {
                let Bend { exponent, push, exponent_slope, push_slope } = layer.bend(k, j, s, &x);
                let shrink = (-exponent).exp();
                let moved = &x[j] - push;
                let slope = exponent_slope * &moved + push_slope;
                let turned = layer.carried(k, j, &rows);
                rows[j] = std::array::from_fn(|i| (&rows[j][i] - &turned[i] * &slope) * &shrink);
                x[j] = moved * shrink;
            }
        }
        for (k, layer) in self.layers.iter().enumerate() {
            for j in driven::<D>(k) {
                let Bend { exponent, push, exponent_slope, push_slope } = layer.bend(k, j, t, &x);
                let grow = exponent.exp();
                let moved = &x[j] * &grow;
                let slope = exponent_slope * &moved + push_slope;
                let turned = layer.carried(k, j, &rows);
                rows[j] = std::array::from_fn(|i| &rows[j][i] * &grow + &turned[i] * &slope);
                x[j] = moved + push;
            }
        }
        rows
    }
}

impl<const D: usize> CouplingLayer<D> {
    /// The derivative of the angle of coordinate `j`, where the drivers have the derivatives `rows`.
    fn carried<N: Number>(&self, k: usize, j: usize, rows: &[[Num<N>; D]; D]) -> [Num<N>; D] {
        std::array::from_fn(|column| {
            let drivers = (0..D).filter(|&i| drives::<D>(k, i));
            sum(drivers.map(|i| self.weights[j][i] * &rows[i][column]))
        })
    }
}

exact_flow!(CouplingFlow<D>, D, [const D: usize]);

/// The SplitMix64 sequence: small, good enough for coefficients, and fixed forever.
///
/// Reference: G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[-1, 1)`.
    pub(super) fn symmetric(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut random = SplitMix64::new(0);
        assert_eq!([random.next(), random.next()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn seeds_are_stable_and_differ() {
        let flow = |seed| CouplingFlow::<2>::random(2, seed).unwrap();
        assert_eq!(flow(1), flow(1));
        assert_ne!(flow(1), flow(2));
        assert_eq!(flow(0).layers()[0].stretch[0], 0.5 * ((0xe220_a839_7b1d_cdaf_u64 >> 11) as f64 / 2.0_f64.powi(52) - 1.0));
    }

    #[test]
    fn two_layers_by_hand() {
        let first = CouplingLayer { stretch: [0.0, 0.5], shift: [0.0, 2.0], weights: [[0.0; 2], [1.0, 0.0]] };
        let second = CouplingLayer { stretch: [-0.3, 0.0], shift: [1.0, 0.0], weights: [[0.0, 3.0], [0.0; 2]] };
        let (t, [x, y]) = (0.7_f64, [0.2_f64, -1.1]);
        let y = y * (t * 0.5 * x.cos()).exp() + t * 2.0 * x.sin();
        let x = x * (t * -0.3 * (3.0 * y).cos()).exp() + t * (3.0 * y).sin();
        let end = CouplingFlow::new(vec![first, second]).unwrap().flow(&0.0, &t, &[0.2, -1.1]);
        assert!((end[0] - x).abs() < 1e-15 && (end[1] - y).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_coupled_is_refused() {
        assert!(CouplingFlow::<1>::random(2, 0).is_err());
        assert!(CouplingFlow::<2>::random(0, 0).is_err());
        let bad = CouplingLayer { stretch: [0.0; 2], shift: [0.0, f64::NAN], weights: [[0.0; 2]; 2] };
        assert!(CouplingFlow::new(vec![bad]).unwrap_err().to_string().contains("layer 0"));
    }
}
