//! Noise and data paired by optimal transport within blocks: against all permutations, and by what is learned from them.

use flowmap::{
    Error, Layout, Tensor, TimeGrid,
    backend::ndarray::NdTensor,
    data::Images,
    distribution::{Checkerboard, Distribution, Normal},
    learn::{Annealing, Conditional, Coupling, FromTeacher, Independent, Settings, TeacherNetwork, Trainer, Transport},
    nn::{Mlp, MlpShape, Module},
    rand::Rng,
    random::stream,
    sample,
    solver::{EULER, FixedSteps, RK4},
};

type Batch = NdTensor<f32>;
type Network = Mlp<Batch>;

fn independent() -> Independent<Normal, Checkerboard> {
    Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap()
}

/// Rows of noise and of data.
fn draws(coupling: &dyn Coupling, rows: usize, seed: u64) -> [Vec<f64>; 2] {
    let mut pairs = [(); 2].map(|()| vec![0.0; rows * coupling.dimension()]);
    let [x0, x1] = &mut pairs;
    coupling.draw_rows(&mut stream(seed, 0), x0, x1);
    pairs
}

fn squares([x0, x1]: &[Vec<f64>; 2]) -> f64 {
    x0.iter().zip(x1).map(|(x0, x1)| (x1 - x0).powi(2)).sum()
}

fn sorted(rows: &[f64], columns: usize) -> Vec<&[f64]> {
    let mut rows: Vec<_> = rows.chunks(columns).collect();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    rows
}

/// All orders of the numbers below `n`.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(n - 1);
    let insert = |order: &Vec<usize>, place: usize| [&order[..place], &[n - 1], &order[place..]].concat();
    shorter.iter().flat_map(|order| (0..n).map(move |place| insert(order, place))).collect()
}

#[test]
fn no_permutation_makes_paths_shorter() {
    const BLOCK: usize = 6;
    let coupling = Transport::new(independent(), BLOCK).unwrap();
    let orders = permutations(BLOCK);
    assert_eq!(orders.len(), 720);
    for seed in 0..30 {
        let [x0, x1] = draws(&independent(), BLOCK, seed);
        let rows = |order: &[usize]| order.iter().flat_map(|k| x0[2 * k..2 * k + 2].to_vec()).collect::<Vec<_>>();
        let least = orders.iter().map(|order| squares(&[rows(order), x1.clone()])).fold(f64::INFINITY, f64::min);
        let found = squares(&draws(&coupling, BLOCK, seed));
        assert!((found - least).abs() < 1e-12, "{found} against {least}");
    }
}

#[test]
fn the_distributions_of_noise_and_of_data_stay() {
    const BLOCK: usize = 8;
    let coupling = Transport::new(independent(), BLOCK).unwrap();
    let ([before, data], [after, same]) = (draws(&independent(), 8 * 2500, 3), draws(&coupling, 8 * 2500, 3));
    assert_eq!(data, same);
    for (before, after) in before.chunks(2 * BLOCK).zip(after.chunks(2 * BLOCK)) {
        assert_eq!(sorted(before, 2), sorted(after, 2), "noise changes places within a block alone");
    }
    // nor does the place in a block tell anything
    for place in 0..BLOCK {
        let noise: Vec<f64> = after.chunks(2 * BLOCK).flat_map(|block| block[2 * place..2 * place + 2].to_vec()).collect();
        let n = noise.len() as f64;
        let (mean, square) = (noise.iter().sum::<f64>() / n, noise.iter().map(|x| x * x).sum::<f64>() / n);
        assert!(mean.abs() < 4.5 / n.sqrt() && (square - 1.0).abs() < 4.5 * (2.0 / n).sqrt(), "{place}: {mean}, {square}");
    }
}

#[test]
fn larger_blocks_have_shorter_paths() {
    let length = |coupling: &dyn Coupling| squares(&draws(coupling, 1024, 5)) / 1024.0;
    let lengths = [2, 8, 64, 256].map(|block| length(&Transport::new(independent(), block).unwrap()));
    let alone = length(&independent());
    assert!(lengths[0] < 0.9 * alone, "{lengths:?}, {alone} without");
    assert!(lengths.is_sorted_by(|a, b| *b < 0.9 * a), "{lengths:?}");
}

#[test]
fn rows_know_nothing_of_later_blocks_and_the_rest_is_a_block() {
    let coupling = Transport::new(independent(), 16).unwrap();
    let ([few, _], [many, data]) = (draws(&coupling, 32, 1), draws(&coupling, 32 + 7, 1));
    assert_eq!(few, many[..64]);
    let [noise, _] = draws(&independent(), 39, 1);
    assert_ne!(many[64..], noise[64..]);
    let last = Transport::new(independent(), 7).unwrap();
    let [mut x0, mut x1] = [noise[64..].to_vec(), data[64..].to_vec()];
    last.arrange(&mut x0, &mut x1);
    assert_eq!(x0, many[64..]);
}

fn classes(guided: bool) -> Conditional<Normal, Images> {
    let images = Images::new((0..12).map(|k| 20 * k).collect(), [1, 2, 1], Some(vec![0, 1, 2, 0, 1, 2])).unwrap();
    let coupling = Conditional::new(Normal::standard(2).unwrap(), images, 0.2).unwrap();
    if guided { coupling.with_guidance([0.5, 3.0]).unwrap() } else { coupling }
}

#[test]
fn noise_changes_places_among_rows_of_a_class_alone() {
    for guided in [false, true] {
        let coupling = Transport::new(classes(guided), 64).unwrap();
        let d = coupling.dimension();
        assert_eq!((d, coupling.layout().moving), (5 + usize::from(guided), 2));
        let (before, after) = (draws(&classes(guided), 64, 2), draws(&coupling, 64, 2));
        assert_eq!(before[1], after[1]);
        for (x0, x1) in after[0].chunks(d).zip(after[1].chunks(d)) {
            assert_eq!(x0[2..], x1[2..], "what is at rest is the same in noise and data");
        }
        let of = |pairs: &[Vec<f64>; 2], class: [f64; 3]| -> Vec<f64> {
            pairs[0].chunks(d).filter(|row| row[2..5] == class).flat_map(|row| row[..2].to_vec()).collect()
        };
        for class in [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] {
            let (before, after) = (of(&before, class), of(&after, class));
            assert!(before.len() > 8 && before != after);
            assert_eq!(sorted(&before, 2), sorted(&after, 2));
        }
        assert!(squares(&after) < 0.8 * squares(&before));
    }
}

/// A draw of numbers one of which cannot be computed with.
struct Broken(f64);

impl Distribution for Broken {
    fn layout(&self) -> Layout {
        2.into()
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        Checkerboard.draw(rng, x);
        if x[0] > 0.95 {
            x[1] = self.0;
        }
    }
}

#[test]
fn what_is_not_finite_is_left_as_it_is_and_ends_a_training() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200, f64::MAX] {
        let coupling = || Independent::new(Normal::standard(2).unwrap(), Broken(value)).unwrap();
        let transport = || Transport::new(coupling(), 64).unwrap();
        let (before, after) = (draws(&coupling(), 128, 1), draws(&transport(), 128, 1));
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        let mut trainer = Trainer::new(network(1), transport(), settings(128, 1)).unwrap();
        assert!(matches!(trainer.step(), Err(Error::Diverged { .. })), "{value}");
    }
}

#[test]
fn blocks_that_make_no_sense_are_refused() {
    for block in [0, 1, 1025, usize::MAX] {
        let message = Transport::new(independent(), block).unwrap_err().to_string();
        assert!(message.contains("2 to 1024"), "{message}");
    }
    assert_eq!(Transport::new(independent(), 1024).unwrap().block(), 1024);
}

#[test]
fn pointers_draw_what_they_point_to() {
    let coupling = Transport::new(classes(true), 16).unwrap();
    let boxed: Box<dyn Coupling> = Box::new(coupling.clone());
    assert_eq!(draws(&coupling, 40, 1), draws(&boxed, 40, 1));
    assert_eq!((boxed.layout(), boxed.fingerprint()), (coupling.layout(), coupling.fingerprint()));
}

fn network(seed: u64) -> Network {
    Mlp::new(&MlpShape::new(2, 32, 3), seed).unwrap()
}

fn settings(batch: usize, steps: u64) -> Settings {
    Settings {
        objective: "fm".parse().unwrap(),
        batch,
        learning_rate: 1e-2,
        schedule: Annealing::Cosine { steps },
        averages: vec![],
        seed: 1,
        ..Settings::default()
    }
}

#[test]
fn a_training_that_is_resumed_ends_as_one_that_was_not() {
    let home = tempfile::tempdir().unwrap();
    let trainer = |block| {
        let settings = Settings { objective: "lsd".parse().unwrap(), ..settings(50, 10) };
        Trainer::new(network(1), Transport::new(independent(), block).unwrap(), settings).unwrap()
    };
    let weights = |network: &Network| {
        let mut all = Vec::new();
        network.visit(&mut |_, p| all.extend(p.to_vec()));
        all
    };
    let mut whole = trainer(16);
    for _ in 0..3 {
        whole.step().unwrap();
    }
    let path = whole.save(home.path()).unwrap();
    for _ in 0..3 {
        whole.step().unwrap();
    }
    let mut resumed = trainer(16);
    resumed.restore(&path).unwrap();
    for _ in 0..3 {
        resumed.step().unwrap();
    }
    assert_eq!(weights(whole.model()), weights(resumed.model()));

    let message = trainer(32).restore(&path).unwrap_err().to_string();
    assert!(message.contains("blocks of 16") && message.contains("blocks of 32"), "{message}");
    let settings = Settings { objective: "lsd".parse().unwrap(), ..settings(50, 10) };
    assert!(Trainer::new(network(1), independent(), settings).unwrap().restore(&path).is_err());
}

#[test]
fn a_teacher_is_followed_between_the_same_pairs() {
    let coupling = Transport::new(independent(), 16).unwrap();
    let distilled = FromTeacher::new(TeacherNetwork::<Batch, _>::new(network(1)), coupling.clone());
    for time in [0.0, 0.3, 1.0] {
        let states =
            |source: &dyn flowmap::learn::Source<Batch>| source.draw(&mut stream(1, 0), &[time; 40], &()).states.to_vec();
        assert!(states(&distilled) == states(&coupling) && (time == 1.0) == (states(&coupling) == states(&independent())));
    }
}

/// What flow matching learns of paths that cross less: a velocity that is told better by the point, and a flow that one step of
/// Euler's method follows better.
#[test]
fn learned_flows_are_straighter() {
    const STEPS: u64 = 600;
    let learned = |coupling: Box<dyn Coupling>| {
        let mut trainer = Trainer::new(network(1), coupling, settings(256, STEPS)).unwrap();
        let losses: Vec<_> = (0..STEPS).map(|_| trainer.step().unwrap().diagonal).collect();
        let network = trainer.model().clone();
        let field = TeacherNetwork::<Batch, _>::new(network.clone());
        let (noise, grid) = (Normal::standard(2).unwrap(), TimeGrid::uniform([0.0, 1.0], 1).unwrap());
        let draw = |map: &dyn flowmap::FlowMap<Batch>| sample::draw(map, &grid, &noise, 1000, 3);
        let exact = draw(&FixedSteps::new(RK4, 30).unwrap().of(&field));
        let euler = draw(&FixedSteps::new(EULER, 1).unwrap().of(&field));
        let square: f64 = exact.iter().zip(&euler).map(|(a, b)| (a - b).powi(2)).sum();
        [losses[500..].iter().sum::<f64>() / 100.0, (square / 1000.0).sqrt()]
    };
    let [alone, near] = [learned(Box::new(independent())), learned(Box::new(Transport::new(independent(), 64).unwrap()))];
    println!("the velocity's variance {alone:?}, by transport {near:?}");
    assert!(near[0] < 0.4 * alone[0], "the variance given the point: {} against {}", near[0], alone[0]);
    assert!(near[1] < 0.4 * alone[1], "one step of Euler's method: {} against {}", near[1], alone[1]);
}
