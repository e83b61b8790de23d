//! The flows, and how an order is measured.

use flowmap::{
    Number, Ode, Pointwise,
    exact::{Coupling, ExactFlow},
    nalgebra::{Matrix3, Vector3},
};

/// `x' = cos t (1 + x²)`: `X = tan(atan x + sin t - sin s)`.
#[derive(Clone, Copy, Debug)]
pub struct Separable;

impl Ode<1> for Separable {
    fn rhs<N: Number>(&self, t: &N, [x]: &[N; 1]) -> [N; 1] {
        [x.powi(2).shift(1.0) * t.cos()]
    }
}

impl ExactFlow<1> for Separable {
    fn solution<N: Number>(&self, s: &N, t: &N, [x]: &[N; 1]) -> [N; 1] {
        [(x.atan() + t.sin() - s.sin()).tan()]
    }
    fn jacobian<N: Number>(&self, s: &N, t: &N, x: &[N; 1]) -> [[N; 1]; 1] {
        let [y] = self.solution(s, t, x);
        [[y.powi(2).shift(1.0) / x[0].powi(2).shift(1.0)]]
    }
}

/// Where orders are measured: from when to when, and from where. At a single start an error can vanish by chance.
pub struct Way<E, const D: usize> {
    pub flow: E,
    pub s: f64,
    pub t: f64,
    pub starts: [[f64; D]; 4],
}

impl<E, const D: usize> Way<E, D> {
    /// An error over all starts together: the root of the sum of the squares.
    pub fn over_starts(&self, error: impl Fn(&[f64; D]) -> f64) -> f64 {
        self.starts.iter().map(|x| error(x).powi(2)).sum::<f64>().sqrt()
    }
}

/// What is done on each way.
pub trait Visitor {
    fn visit<const D: usize, E: ExactFlow<D>>(&mut self, way: &Way<Pointwise<E, D>, D>);
}

/// A separable equation forward, and random ones of two and three coordinates, one of them backward.
pub fn each(visitor: &mut impl Visitor) {
    visitor.visit(&Way { flow: Pointwise(Separable), s: -0.3, t: 0.9, starts: [[-0.9], [-0.4], [-0.6], [-1.2]] });
    let plane = Coupling::<2>::random(4, 5).unwrap();
    visitor.visit(&Way { flow: Pointwise(plane), s: -1.5, t: 3.0, starts: [[0.8, -0.5], [0.1, 1.2], [-1.0, 0.4], [-0.6, -1.1]] });
    let space = Coupling::<3>::random(3, 11).unwrap();
    visitor.visit(&Way {
        flow: Pointwise(space),
        s: 2.0,
        t: -2.0,
        starts: [[0.5, 0.9, -0.7], [-0.2, 0.4, 1.0], [1.1, -0.8, 0.3], [-0.9, -0.5, -0.6]],
    });
}

/// The order `p` that `error` of a number of steps shows: `ln error = a - p ln n + c/n` is fitted by least squares to the eight
/// finest of a geometric sequence of numbers whose errors are well above rounding. The last term is what terms of higher order
/// add, as long as steps have a length.
pub fn order(error: impl Fn(u32) -> f64) -> f64 {
    const ROUNDING: f64 = 3e-13;
    let numbers = (0..30).map(|k| (5.0 * 1.25_f64.powi(k)).round());
    let all: Vec<[f64; 2]> = numbers.map(|n| [n, error(n as u32)]).take_while(|[_, e]| *e > ROUNDING || e.is_nan()).collect();
    assert!(all.len() >= 8, "errors at the level of rounding: {all:?}");
    let (mut matrix, mut right) = (Matrix3::zeros(), Vector3::zeros());
    for [n, error] in &all[all.len() - 8..] {
        let row = Vector3::new(1.0, -n.ln(), n.recip());
        matrix += row * row.transpose();
        right += row * error.ln();
    }
    matrix.lu().solve(&right).expect("the numbers of steps differ")[1]
}

/// The distance of two lists of numbers.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
