//! Maps of fields that are known: of the pendulum against its closed form, and of a teacher against its own ODE.

use flowmap::{
    AverageVelocityMap, FlowMap, Tensor, TimeGrid,
    backend::ndarray::NdTensor,
    distribution::{Distribution, Normal, Uniform},
    exact::Pendulum,
    learn::{Annealing, FromField, FromTeacher, Independent, Settings, Source, TeacherNetwork, TimePairs, Trainer},
    nn::{Mlp, MlpShape},
    random::stream,
    sample,
    solver::{FixedSteps, RK4},
};

type Batch = NdTensor<f32>;
type Network = Mlp<Batch>;

fn trained(network: Network, source: impl Source<Batch>, steps: u64, settings: Settings) -> Network {
    let settings = Settings { schedule: Annealing::Cosine { steps }, averages: vec![], seed: 1, ..settings };
    let mut trainer = Trainer::new(network, source, settings).unwrap();
    for _ in 0..steps {
        trainer.step().unwrap();
    }
    trainer.model().clone()
}

#[test]
fn objectives_learn_the_pendulum() {
    let pendulum = Pendulum::new(1.0).unwrap();
    let (inner, outer) = ([[-1.5, 1.5], [-1.0, 1.0]], [[-2.5, 2.5], [-2.2, 2.2]]);
    let mut starts = vec![0.0; 2 * 1000];
    Uniform::new(&inner).unwrap().draw_rows(&mut stream(5, 0), &mut starts);
    let starts = starts.as_chunks::<2>().0;
    let exact: Vec<[f64; 2]> = starts.iter().map(|x| pendulum.flow(&0.0, &1.0, x)).collect();
    let spread = (exact.iter().flatten().map(|x| x * x).sum::<f64>() / 1000.0).sqrt();
    // the map of a box needs nothing from outside it by lmd, which follows its own ends; emd and a short pmd need where
    // trajectories go
    for (objective, states, reach, bound) in
        [("lmd", inner, 0.1, 0.03), ("emd", outer, 0.1, 0.06), ("pmd", outer, 0.1, 0.06), ("pmd", inner, 1.0, 0.03)]
    {
        let source = FromField::new(pendulum, Uniform::new(&states).unwrap(), [0.0, 1.0]).unwrap();
        let source = source.with_short_map(reach, (10.0 * reach) as u32).unwrap();
        let settings = Settings {
            objective: objective.parse().unwrap(),
            batch: 256,
            diagonal: 0.2,
            times: TimePairs::FromStart,
            learning_rate: 1e-2,
            ..Settings::default()
        };
        let network = Network::new(&MlpShape::new(2, 32, 3).autonomous(), 1).unwrap();
        let network = trained(network, source, 1500, settings);
        let rows: Vec<f32> = starts.as_flattened().iter().map(|&x| x as f32).collect();
        let time = |t: f32| Batch::from_slice(&[t], &[]);
        let ends = AverageVelocityMap(&network).flow(&time(0.0), &time(1.0), &Batch::from_slice(&rows, &[1000, 2])).to_vec();
        let square: f64 = ends.iter().zip(exact.as_flattened()).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
        let error = (square / 1000.0).sqrt() / spread;
        println!("{objective}, reach {reach}: {error:.4}");
        assert!(error < bound, "{objective}, reach {reach}: the map is off by {error}");
    }
}

/// The map of a teacher's velocity, in one evaluation, is closer to the teacher's ODE than ten steps of Euler's method.
#[test]
fn a_teacher_is_distilled() {
    let shape = MlpShape::new(2, 32, 3);
    let coupling = || Independent::new(Normal::standard(2).unwrap(), Normal::new(vec![1.0, -0.5], 0.3).unwrap()).unwrap();
    let settings = |objective: &str| Settings {
        objective: objective.parse().unwrap(),
        batch: 512,
        diagonal: 0.25,
        learning_rate: 1e-2,
        ..Settings::default()
    };
    let teacher = trained(Network::new(&shape, 1).unwrap(), coupling(), 1000, settings("fm"));
    let ode = FixedSteps::new(RK4, 50).unwrap().of(TeacherNetwork::<Batch, _>::new(teacher.clone()));
    let noise = Normal::standard(2).unwrap();
    let draw = |map: &dyn FlowMap<Batch>, steps| {
        sample::draw::<Batch>(map, &TimeGrid::uniform([0.0, 1.0], steps).unwrap(), &noise, 1000, 3)
    };
    let exact = draw(&ode, 1);
    let error = |found: &[f64]| (found.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 1000.0).sqrt();
    let euler = |steps| {
        error(&draw(
            &FixedSteps::new(flowmap::solver::EULER, steps).unwrap().of(TeacherNetwork::<Batch, _>::new(teacher.clone())),
            1,
        ))
    };
    let source = FromTeacher::new(TeacherNetwork::new(teacher.clone()), coupling());
    let map = trained(teacher.clone(), source, 3000, settings("lmd"));
    let one = error(&draw(&AverageVelocityMap(&map), 1));
    println!("the map in one evaluation {one:.4}, Euler in 10 {:.4}, in 20 {:.4}", euler(10), euler(20));
    assert!(one < euler(10), "{one}");
}

#[test]
fn checkpoints_of_another_field_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let trainer = |frequency: f64, reach: f64| {
        let states = Uniform::new(&[[-1.0, 1.0]; 2]).unwrap();
        let source = FromField::new(Pendulum::new(frequency).unwrap(), states, [0.0, 1.0]).unwrap();
        let settings = Settings { objective: "pmd".parse().unwrap(), batch: 8, ..Settings::default() };
        let network = Network::new(&MlpShape::new(2, 8, 1), 1).unwrap();
        Trainer::new(network, source.with_short_map(reach, 1).unwrap(), settings).unwrap()
    };
    let path = trainer(1.0, 0.1).save(home.path()).unwrap();
    trainer(1.0, 0.1).restore(&path).unwrap();
    for (frequency, reach) in [(1.1, 0.1), (1.0, 0.2)] {
        let message = trainer(frequency, reach).restore(&path).unwrap_err().to_string();
        assert!(message.contains("field"), "{message}");
    }

    let teacher = |seed| {
        let coupling = Independent::new(Normal::standard(2).unwrap(), Normal::standard(2).unwrap()).unwrap();
        let network = |seed| Network::new(&MlpShape::new(2, 8, 1), seed).unwrap();
        let source = FromTeacher::new(TeacherNetwork::<Batch, _>::new(network(seed)), coupling);
        let settings = Settings { objective: "lmd".parse().unwrap(), batch: 8, ..Settings::default() };
        Trainer::new(network(1), source, settings).unwrap()
    };
    let path = teacher(1).save(&home.path().join("teacher")).unwrap();
    teacher(1).restore(&path).unwrap();
    assert!(teacher(2).restore(&path).unwrap_err().to_string().contains("teacher"));
}
