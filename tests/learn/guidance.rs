//! Guidance learns the flow maps of guided velocities: against two classes on the line, whose velocities are known.

use flowmap::{
    AverageVelocityMap, FlowMap, Layout, Num, Number, Ode, Tensor, TimeGrid, VelocityField,
    backend::ndarray::NdTensor,
    data::Labelled,
    distribution::{Distribution, Normal},
    exact::{Component, Mixture},
    interpolant::Linear,
    learn::{Annealing, Conditional, Settings, Trainer},
    nn::{Mlp, MlpShape},
    rand::{Rng, RngExt},
    random::stream,
    sample,
    solver::{Adaptive, DOPRI5},
};

const MEANS: [f64; 2] = [-1.0, 1.0];
const DEVIATION: f64 = 0.6;

/// A draw of either class.
#[derive(Clone)]
struct TwoClasses;

impl Distribution for TwoClasses {
    fn layout(&self) -> Layout {
        1.into()
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        self.draw_labelled(rng, x);
    }
}

impl Labelled for TwoClasses {
    fn class_count(&self) -> Option<usize> {
        Some(2)
    }
    fn labels(&self) -> Option<&[u32]> {
        None
    }
    fn draw_labelled(&self, rng: &mut dyn Rng, x: &mut [f64]) -> Option<u32> {
        let class = rng.random_range(0..2);
        Normal::new(vec![MEANS[class]], DEVIATION).unwrap().draw(rng, x);
        Some(class as u32)
    }
}

/// `v(x; none) + a (v(x; c) - v(x; none))`.
struct Guided {
    class: Mixture<Linear>,
    all: Mixture<Linear>,
    scale: f64,
}

impl Guided {
    fn new(class: usize, scale: f64) -> Self {
        let components = MEANS.map(|mean| Component { weight: 1.0, mean, deviation: DEVIATION });
        let mixture = |parts: &[Component]| Mixture::new(Linear, parts.to_vec()).unwrap();
        Self { class: mixture(&components[class..=class]), all: mixture(&components), scale }
    }
}

impl Ode<1> for Guided {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; 1]) -> [Num<N>; 1] {
        let ([class], [all]) = (self.class.rhs(t, x), self.all.rhs(t, x));
        [&all + self.scale * (class - &all)]
    }
}

#[test]
#[ignore = "trains for half a minute; the CI script runs it"]
fn one_network_holds_the_flow_maps_of_all_scales() {
    const STEPS: u64 = 6000;
    const DRAWS: usize = 4000;
    let noise = Normal::standard(1).unwrap();
    let coupling = Conditional::new(noise, TwoClasses, 0.2).unwrap().with_guidance([1.0, 2.0]).unwrap();
    let settings = Settings {
        batch: 1024,
        diagonal: 0.6,
        learning_rate: 1e-2,
        schedule: Annealing::Cosine { steps: STEPS },
        averages: vec![],
        seed: 1,
        ..Settings::default()
    };
    let network = Mlp::<NdTensor<f32>>::new(&MlpShape::new(Layout::new(1).with_classes(2).with_scale(), 32, 3), 1).unwrap();
    let mut trainer = Trainer::new(network, coupling.clone(), settings).unwrap();
    for _ in 0..STEPS {
        trainer.step().unwrap();
    }

    let learned = AverageVelocityMap(trainer.model());
    let solver = Adaptive::new(DOPRI5).unwrap();
    let mut worst: [f64; 2] = [0.0; 2];
    for (class, scale) in [(0, 1.0), (1, 1.0), (0, 1.5), (1, 2.0)] {
        let field = Guided::new(class, scale).field();
        let distribution = coupling.noise(Some(class as u32), scale).unwrap();
        let mut start = vec![0.0; 4 * DRAWS];
        distribution.draw_rows(&mut stream(9, 0), &mut start);
        let grid = TimeGrid::uniform([0.0, 1.0], 1).unwrap();
        let found = sample::draw::<NdTensor<f32>>(&learned, &grid, &distribution, DRAWS, 9);
        let exact = solver.clone().of(&field);
        let mut square = 0.0;
        for (x0, x1) in start.as_chunks::<4>().0.iter().zip(found.as_chunks::<4>().0) {
            assert_eq!(x0[1..], x1[1..], "classes and scale are at rest");
            square += (exact.flow(&0.0, &1.0, &[x0[0]])[0] - x1[0]).powi(2);
        }
        let map = (square / DRAWS as f64).sqrt() / DEVIATION;

        // where the class passes at half-time
        let time = NdTensor::from_slice(&[0.5_f32], &[]);
        let spread = 0.5 * (1.0 + DEVIATION * DEVIATION).sqrt();
        start.as_chunks_mut::<4>().0.iter_mut().for_each(|x| x[0] = 0.5 * MEANS[class] + spread * x[0]);
        let x = NdTensor::from_slice(&start.iter().map(|&x| x as f32).collect::<Vec<_>>(), &[DRAWS, 4]);
        let velocities = learned.velocity(&time, &x).to_vec();
        let rows = start.as_chunks::<4>().0.iter().zip(velocities.as_chunks::<4>().0);
        let off = rows.map(|(x, v)| (field.velocity(&0.5, &[x[0]])[0] - f64::from(v[0])).powi(2)).sum::<f64>();
        let velocity = (off / DRAWS as f64).sqrt();
        println!("class {class}, scale {scale}: the map is off by {map:.4}, the velocity by {velocity:.4}");
        worst = [worst[0].max(map), worst[1].max(velocity)];
    }
    // without the correction, scale 2 would be off by about the size of a class
    assert!(worst[0] < 0.12 && worst[1] < 0.12, "{worst:?}");
}
