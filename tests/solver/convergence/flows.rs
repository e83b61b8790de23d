//! The flows, and how an order is measured.

use flowmap::{
    Num, Number, Ode, Pointwise,
    exact::{CouplingFlow, ExactFlow, RigidBody},
};

/// `x' = 3 cos 3t sin x`: `tan X/2 = e^(sin 3t - sin 3s) tan x/2`.
#[derive(Clone, Copy, Debug)]
pub struct Separable;

impl Ode<1> for Separable {
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [3.0 * (3.0 * t).cos() * x.sin()]
    }
}

impl ExactFlow<1> for Separable {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let way = (3.0 * t).sin() - (3.0 * s).sin();
        [2.0 * (way.exp() * (x / 2.0).tan()).atan()]
    }
    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let [y] = self.solution(s, t, x);
        [[y.sin() / x[0].sin()]]
    }
}

/// An autonomous flow whose clock runs faster and slower: `θ = t + sin(t)/4`.
#[derive(Clone, Copy, Debug)]
pub struct Clocked<E>(E);

fn clock<N: Number>(t: &Num<N>) -> Num<N> {
    t + t.sin() / 4.0
}

impl<E: Ode<D>, const D: usize> Ode<D> for Clocked<E> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let speed = 1.0 + t.cos() / 4.0;
        self.0.rhs(&t.constant(0.0), x).map(|rate| rate * &speed)
    }
}

impl<E: ExactFlow<D>, const D: usize> ExactFlow<D> for Clocked<E> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        self.0.solution(&clock(s), &clock(t), x)
    }
    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        self.0.derivative(&clock(s), &clock(t), x)
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

/// What is measured on each way.
pub trait Visitor {
    /// What is wrong there, if anything is.
    fn visit<const D: usize, E: ExactFlow<D>>(&self, way: &Way<Pointwise<E, D>, D>) -> Option<String>;
}

/// Every visitor finds all in order on every way.
pub fn converge<V: Visitor>(visitors: impl IntoIterator<Item = V>, each: fn(&V) -> Vec<Option<String>>) {
    let wrong: Vec<String> = visitors.into_iter().flat_map(|visitor| each(&visitor)).flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether an order is the nominal one; NaN is not.
pub fn is_near(order: f64, nominal: f64) -> bool {
    (order - nominal).abs() < 0.2
}

/// A separable equation forward, and random ones of two and three coordinates, one of them backward.
pub fn each<V: Visitor>(visitor: &V) -> Vec<Option<String>> {
    let plane = CouplingFlow::<2>::random(4, 5).unwrap();
    let space = CouplingFlow::<3>::random(3, 11).unwrap();
    vec![
        visitor.visit(&Way { flow: Separable.field(), s: -0.3, t: 2.7, starts: [[-0.9], [0.4], [1.6], [-2.2]] }),
        visitor.visit(&Way {
            flow: plane.field(),
            s: -3.0,
            t: 4.0,
            starts: [[0.8, -0.5], [0.1, 1.2], [-1.0, 0.4], [-0.6, -1.1]],
        }),
        visitor.visit(&Way {
            flow: space.field(),
            s: 3.0,
            t: -3.5,
            starts: [[0.5, 0.9, -0.7], [-0.2, 0.4, 1.0], [1.1, -0.8, 0.3], [-0.9, -0.5, -0.6]],
        }),
    ]
}

/// Long ways of rigid bodies, for methods of high order: what their steps get wrong adds up, and is well above rounding where the
/// steps are short enough for the order to show.
pub fn each_long<V: Visitor>(visitor: &V) -> Vec<Option<String>> {
    let starts = [[1.0, 0.2, 0.3], [0.3, 0.1, 1.0], [-0.8, 0.3, 0.5], [0.4, -0.2, -0.9]];
    let ways = [([1.0, 2.0, 3.0], 0.0, 60.0), ([2.0, 1.0, 5.0], 40.0, -40.0), ([1.0, 1.2, 1.9], 0.0, 150.0)];
    let visit = |(moments, s, t)| {
        let body = Clocked(RigidBody::new(moments).unwrap()).field();
        visitor.visit(&Way { flow: body, s, t, starts })
    };
    ways.map(visit).to_vec()
}

/// The order that `error` of a number of steps shows: the slope of a straight line through the logarithms of both, by least
/// squares, over the four finest of a geometric sequence of numbers whose errors are well above rounding.
pub fn order(error: impl Fn(u32) -> f64) -> f64 {
    const ROUNDING: f64 = 2e-12;
    let numbers = (0..30).map(|k| (5.0 * 1.25_f64.powi(k)).round());
    let errors = numbers.map(|n| [n, error(n as u32)]).take_while(|[_, e]| *e > ROUNDING || e.is_nan());
    let all: Vec<[f64; 2]> = errors.map(|p| p.map(f64::ln)).collect();
    assert!(all.len() >= 4, "errors at the level of rounding: {all:?}");
    let points = &all[all.len() - 4..];
    let mean = |i: usize| points.iter().map(|p| p[i]).sum::<f64>() / points.len() as f64;
    let (n, e) = (mean(0), mean(1));
    let slope = points.iter().map(|p| (p[0] - n) * (p[1] - e)).sum::<f64>();
    -slope / points.iter().map(|p| (p[0] - n).powi(2)).sum::<f64>()
}

/// The distance of two lists of numbers.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
