//! Settings that pass their check work, and all others are refused in words; objectives are written and read.

use flowmap::{
    Error,
    backend::ndarray::NdTensor,
    distribution::{Checkerboard, Normal},
    exact::Pendulum,
    learn::{
        Adam, Alpha, AlphaFlow, Anchor, Annealing, Average, Curriculum, Descent, Distillation, FromField, Goal, Group, Identity,
        Independent, Lion, MeanFlow, Muon, SampleWeights, Settings, Soap, Source, StopGradient, Tangent, Teacher, TimePairs,
        Trainer,
    },
    nn::{Mlp, MlpShape},
};
use proptest::{collection::vec, prelude::*, sample::select};

const DISTILLATIONS: [Identity; 5] =
    [Identity::Lagrangian, Identity::Eulerian, Identity::SemigroupUniform, Identity::SemigroupMidpoint, Identity::SemigroupShort];
const TEACHERS: [Teacher; 3] = [Teacher::Itself, Teacher::Given, Teacher::Average];
const STOPS: [StopGradient; 6] = [
    StopGradient::Paper,
    StopGradient::Nowhere,
    StopGradient::Teacher,
    StopGradient::Semigradient,
    StopGradient::Map,
    StopGradient::MapNowhere,
];

fn objectives() -> Vec<Distillation> {
    let pairs = DISTILLATIONS.into_iter().flat_map(|d| TEACHERS.map(|teacher| (d, teacher)));
    let all = pairs.flat_map(|(d, teacher)| STOPS.map(|stop| Distillation::new(d, teacher, stop))).filter_map(Result::ok);
    [Distillation::FLOW_MATCHING].into_iter().chain(all).collect()
}

#[test]
fn objectives_survive_a_round_trip() {
    assert_eq!(objectives().len(), 1 + (3 + 4 + 4 + 4) + (3 + 3 + 4 + 2) + 2);
    for objective in objectives() {
        let name = objective.to_string();
        assert_eq!(name.parse::<Distillation>().unwrap(), objective, "{name}");
        let json = serde_json::to_string(&objective).unwrap();
        assert_eq!(json, format!("\"{name}\""));
        assert_eq!(serde_json::from_str::<Distillation>(&json).unwrap(), objective);
    }
}

/// The modes that an error message lists.
fn modes(error: &Error) -> Vec<String> {
    let message = error.to_string();
    let (_, list) = message.split_once("; it has ").unwrap_or_else(|| panic!("{message} lists no modes"));
    list.split(", ").map(Into::into).collect()
}

#[test]
fn an_impossible_mode_is_refused_with_the_list_of_possible_ones() {
    let mut refused = 0;
    for (d, teacher) in DISTILLATIONS.into_iter().flat_map(|d| TEACHERS.map(|teacher| (d, teacher))) {
        let made = |stop| Distillation::new(d, teacher, stop);
        let Some(first) = STOPS.into_iter().find_map(|stop| made(stop).ok()) else {
            let message = made(StopGradient::Paper).unwrap_err().to_string();
            assert!(message.contains("choose one of Lagrangian of Itself, Eulerian of Itself"), "{message}");
            continue;
        };
        let name = first.to_string();
        let name = name.split(':').next().unwrap();
        for stop in STOPS {
            let Err(error) = made(stop) else { continue };
            refused += 1;
            let listed = modes(&error);
            assert!(listed.iter().all(|stop| made(stop.parse().unwrap()).is_ok()));
            assert_eq!(listed.len(), STOPS.into_iter().filter(|&stop| made(stop).is_ok()).count());
            assert_eq!(format!("{name}:{stop}").parse::<Distillation>().unwrap_err().to_string(), error.to_string());
        }
    }
    assert_eq!(refused, (3 + 2 + 2 + 2) + (3 + 3 + 2 + 4) + 4);
    assert_eq!(modes(&"fm:none".parse::<Distillation>().unwrap_err()), ["paper"]);
    assert_eq!("fm:paper".parse::<Distillation>().unwrap(), Distillation::FLOW_MATCHING);
}

#[test]
fn an_unknown_name_is_refused_with_the_list_of_known_ones() {
    for bad in ["", "LSD", "lsd ", "psd", "psd-u-m", ":none"] {
        let message = bad.parse::<Distillation>().unwrap_err().to_string();
        assert!(
            message.contains("choose one of fm, lsd, esd, psd-u, psd-m, lmd, emd, pmd, pmd-m, lsd-average, mean-flow"),
            "{bad}: {message}"
        );
    }
    for bad in ["lsd:", "lsd:all", "lsd:none:none", "psd-m: map"] {
        let message = bad.parse::<Distillation>().unwrap_err().to_string();
        assert!(message.contains("one of paper, none, teacher, semigradient, map, map-none"), "{bad}: {message}");
    }
}

/// Every kind of float that can go wrong, and many in `usual`.
fn float(usual: std::ops::Range<f64>) -> BoxedStrategy<f64> {
    let odd = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0, -1.0, 5e-324, 1e-40, 1e40, f64::MAX, f64::MIN];
    prop_oneof![3 => usual, 1 => select(odd)].boxed()
}

fn schedule() -> impl Strategy<Value = Annealing> {
    let steps = || select(vec![0, 1, 7, 35_000, u64::MAX]);
    prop_oneof![
        Just(Annealing::Constant),
        steps().prop_map(|start| Annealing::SquareRoot { start }),
        steps().prop_map(|steps| Annealing::Cosine { steps }),
        (steps(), steps()).prop_map(|(start, steps)| Annealing::StableDecay { start, steps }),
        (steps(), steps()).prop_map(|(steps, warm)| Annealing::Cosine { steps }.warmed_up(warm)),
        steps()
            .prop_map(|first| Annealing::Sequence(vec![(first, Annealing::WarmUp { steps: first }), (1, Annealing::Constant)])),
        Just(Annealing::Product(vec![])),
    ]
}

fn times() -> impl Strategy<Value = TimePairs> {
    prop_oneof![
        select(vec![TimePairs::Uniform, TimePairs::BothWays, TimePairs::FromStart, TimePairs::ToEnd]),
        (float(-2.0..2.0), float(0.1..3.0)).prop_map(|(mean, deviation)| TimePairs::LogitNormal { mean, deviation }),
        select(vec![0, 1, 5, 31, 32, u32::MAX]).prop_map(|levels| TimePairs::Dyadic { levels }),
        select(vec![0, 1, 5, 1 << 31, u32::MAX]).prop_map(|steps| TimePairs::Grid { steps }),
        float(-0.2..1.2).prop_map(|longest| TimePairs::Within { longest }),
    ]
}

fn curriculum() -> impl Strategy<Value = Option<Curriculum>> {
    let some = (float(0.0..1.0), select(vec![0, 1, 7, u64::MAX])).prop_map(|(first, steps)| Some(Curriculum { first, steps }));
    prop_oneof![Just(None), some]
}

fn weighting() -> impl Strategy<Value = SampleWeights> {
    let adaptive = (float(0.0..2.0), float(1e-4..1.0)).prop_map(|(power, offset)| SampleWeights::Adaptive { power, offset });
    let cauchy = float(1e-4..1.0).prop_map(|offset| SampleWeights::Cauchy { offset });
    prop_oneof![Just(SampleWeights::Equal), adaptive, cauchy]
}

fn optimizer() -> impl Strategy<Value = Descent> {
    let betas = || [float(0.0..1.0), float(0.0..1.0)];
    let adam = (betas(), float(1e-12..1e-3), any::<bool>());
    let adam = adam.prop_map(|(betas, epsilon, rectified)| Adam { betas, epsilon, rectified });
    let muon = (float(0.0..1.0), select(vec![0, 1, 5, 20, 99]), select(vec![0, 16]), float(0.01..1.0));
    let muon = muon.prop_map(|(momentum, iterations, short_side, adam_rate)| {
        Muon { momentum, iterations, short_side, adam_rate, except: vec!["layers.0".into()], ..Muon::default() }.into()
    });
    let soap = (betas(), select(vec![0, 1, 10]), select(vec![0, 4, 1024]));
    let soap = soap.prop_map(|(betas, refresh, longest_side)| Soap { betas, refresh, longest_side, ..Soap::default() }.into());
    prop_oneof![adam.prop_map(Descent::from), betas().prop_map(|betas| Lion { betas }.into()), muon, soap]
}

fn average() -> impl Strategy<Value = Average> {
    prop_oneof![3 => float(0.0..1.0).prop_map(Average::from), 1 => float(0.01..0.3).prop_map(|width| Average::Power { width })]
}

fn goals() -> impl Strategy<Value = Goal> {
    let share = || prop_oneof![3 => 0.0..=1.0, 1 => float(0.0..1.0)];
    let steps = || select(vec![0, 1, 10, 1000, u64::MAX]);
    let alpha = prop_oneof![
        share().prop_map(Alpha::Constant),
        (steps(), steps()).prop_map(|(start, end)| Alpha::Sigmoid { start, end }),
        (share(), share(), steps()).prop_map(|(first, last, steps)| Alpha::Exponential { first, last, steps }),
    ];
    let alpha_flow = (alpha, float(0.0..2.0)).prop_map(|(alpha, power)| AlphaFlow { alpha, power });
    let anchor = proptest::option::of((float(0.1..2.0), float(0.0..0.1), float(0.1..0.3)));
    let anchor = anchor.prop_map(|anchor| anchor.map(|(weight, from, to)| Anchor { weight, lengths: [from, to] }));
    let limit = || proptest::option::of(float(0.01..2.0));
    let tangent = (steps(), limit(), limit()).prop_map(|(warm_up, normalize, clamp)| Tangent { warm_up, normalize, clamp });
    let mean_flow = (share(), any::<bool>(), anchor, tangent).prop_map(|(control, averaged, anchor, tangent)| MeanFlow {
        control,
        averaged,
        anchor,
        tangent,
    });
    prop_oneof![
        3 => select(objectives()).prop_map(Goal::from),
        1 => alpha_flow.prop_map(Goal::from),
        1 => mean_flow.prop_map(Goal::from),
    ]
}

fn groups() -> impl Strategy<Value = Vec<Group>> {
    let decay = prop_oneof![Just(None), float(0.0..0.1).prop_map(Some)];
    let group = (select(vec!["bias", "layers.0", "layers.1.weight"]), float(0.0..2.0), decay);
    vec(group.prop_map(|(names, rate, weight_decay)| Group { names: names.into(), rate, weight_decay }), 0..3)
}

fn settings() -> impl Strategy<Value = Settings> {
    let batch = prop_oneof![8 => 1..40_usize, 1 => select(vec![0, 100_000_000, usize::MAX / 2, usize::MAX])];
    let averages = vec(average(), 0..3).prop_flat_map(|a| select(vec![a.clone(), [a.clone(), a].concat()]));
    let numbers = [float(0.01..1.0), float(-5.0..5.0), float(1e-6..1e7), float(1e-3..1e3)];
    let distribution = (times(), curriculum(), weighting());
    let descent = (optimizer(), schedule(), prop_oneof![4 => Just(0.0), 1 => float(0.0..0.1)], groups());
    let batches = (batch, select(vec![1, 1, 1, 2, 3, 0, 50]));
    (goals(), batches, descent, averages, any::<u64>(), numbers, distribution).prop_map(
        |(objective, (batch, accumulation), descent, averages, seed, numbers, (times, curriculum, weighting))| {
            let (optimizer, schedule, weight_decay, groups) = descent;
            let [diagonal, weight, learning_rate, clip] = numbers;
            Settings {
                objective,
                batch,
                accumulation,
                diagonal,
                times,
                curriculum,
                weighting,
                weight,
                optimizer,
                learning_rate,
                schedule,
                weight_decay,
                groups,
                clip,
                averages,
                seed,
            }
        },
    )
}

fn refused_or_works(settings: Settings, source: impl Source<NdTensor<f32>>) -> Result<(), TestCaseError> {
    let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 8, 1), 1).unwrap();
    let refused = settings.check().err().map(|error| error.to_string());
    match Trainer::new(network, source, settings) {
        Err(error) => prop_assert_eq!(Some(error.to_string()), refused),
        Ok(mut trainer) => {
            prop_assert_eq!(None, refused);
            trainer.step().map_err(|error| TestCaseError::fail(error.to_string()))?;
            let home = tempfile::tempdir().unwrap();
            let path = trainer.save(home.path()).unwrap();
            let next = trainer.step();
            trainer.restore(&path).map_err(|error| TestCaseError::fail(error.to_string()))?;
            // a second step may diverge at an absurd rate; then it must do so again
            prop_assert_eq!(format!("{:?}", trainer.step()), format!("{next:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::common::cases(1000, 8), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn settings_are_refused_or_work(settings in settings()) {
        if settings.objective.needs_teacher() {
            let field = Pendulum::new(1.0).unwrap();
            refused_or_works(settings, FromField::new(field, Checkerboard, [-0.5, 1.5]).unwrap().with_short_map(2.0, 2).unwrap())?;
        } else {
            refused_or_works(settings, Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap())?;
        }
    }
}

#[test]
fn times_that_leave_the_map_free_are_refused() {
    let (grid, dyadic) = (TimePairs::Grid { steps: 4 }, TimePairs::Dyadic { levels: 3 });
    let check = |objective: &str, times| Settings { objective: objective.parse().unwrap(), times, ..Settings::default() }.check();
    for (objective, times) in [
        ("psd-m", TimePairs::ToEnd),
        ("lsd", TimePairs::ToEnd),
        ("lmd:paper", TimePairs::ToEnd),
        ("psd-u", grid),
        ("lsd", grid),
        ("emd", grid),
        ("mean-flow", dyadic),
        ("esd", dyadic),
        ("alpha-flow", dyadic),
        ("alpha-flow", grid),
    ] {
        let error = check(objective, times).unwrap_err().to_string();
        assert!(error.contains("does not determine the map") && error.contains("uniform"), "{objective}: {error}");
    }
    for (objective, times) in [
        ("emd", TimePairs::ToEnd),
        ("mean-flow", TimePairs::ToEnd),
        ("pmd-m", grid),
        ("pmd", dyadic),
        ("psd-m", dyadic),
        ("fm", grid),
    ] {
        check(objective, times).unwrap();
    }
    // what is left of a step after a short map would never be learned
    let source = |reach| FromField::new(Pendulum::new(1.0).unwrap(), Checkerboard, [0.0, 1.0]).unwrap().with_short_map(reach, 1);
    let trainer = |reach| {
        let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 8, 1), 1).unwrap();
        let settings = Settings { objective: "pmd".parse().unwrap(), times: grid, ..Settings::default() };
        Trainer::new(network, source(reach).unwrap(), settings)
    };
    assert!(trainer(0.2).is_err() && trainer(0.25).is_ok());
    // the improved form of MeanFlow holds the network's own velocity
    let diagonal =
        |objective: &str| Settings { objective: objective.parse().unwrap(), diagonal: 0.0, ..Settings::default() }.check();
    assert!(diagonal("mean-flow").is_ok() && diagonal("improved-mean-flow").is_err() && diagonal("lsd").is_err());
}

#[test]
fn a_field_is_not_learned_from_data_alone() {
    let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
    let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 8, 1), 1).unwrap();
    let settings = Settings { objective: "lmd".parse().unwrap(), ..Settings::default() };
    let error = Trainer::new(network, coupling, settings).err().unwrap().to_string();
    assert!(error.contains("FromField"), "{error}");
}
