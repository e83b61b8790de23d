//! Constructors and parsers take any input: what they refuse they refuse in words, and what they take works.
//!
//! Settings as values are fuzzed in `learn/settings.rs`; here they come as text.

use flowmap::{
    AverageVelocity, Error, Result, State, Tensor, TimeGrid, Value,
    backend::ndarray::NdTensor,
    data::Images,
    distribution::{Checkerboard, Constants, Distribution, Normal, Uniform},
    exact::{DiagonalGaussian, Pendulum},
    interpolant::{Interpolant, Path, VariancePreserving},
    learn::{
        Annealing, Conditional, Coupling, Curriculum, FromField, FromTeacher, Goal, Independent, Method, SampleWeights, Settings,
        StopGradient, TeacherNetwork, TimePairs, Trainer, Transport,
    },
    nn::{Mlp, MlpShape},
    random::stream,
    sample::{LookAhead, Renoising, Restart, Route},
};
use proptest::{collection::vec, num::f64::ANY, prelude::*, sample::select};
use serde_json::{Value as Json, json};

type Batch = NdTensor<f64>;
type Outcome = std::result::Result<(), TestCaseError>;

fn config() -> ProptestConfig {
    ProptestConfig { cases: crate::common::cases(400, 4), failure_persistence: None, ..ProptestConfig::default() }
}

/// Mostly numbers of the kind that is asked for; else those that can go wrong, or any bits.
fn float(usual: std::ops::RangeInclusive<f64>) -> BoxedStrategy<f64> {
    let (low, high) = (*usual.start(), *usual.end());
    let odd = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        1.0,
        -1.0,
        5e-324,
        1e-40,
        1e40,
        1e300,
        f64::MAX,
        f64::MIN,
        low,
        high,
    ];
    prop_oneof![6 => usual, 2 => select(odd), 1 => ANY].boxed()
}

fn count() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0..12_usize, 1 => select(vec![1023, 1024, 1025, usize::MAX / 2, usize::MAX])]
}

fn path() -> impl Strategy<Value = Path> {
    let preserving = VariancePreserving::new(0.5).unwrap();
    select(vec![Path::Linear, Path::Trigonometric, Path::VariancePreserving(preserving), "vp".parse().unwrap()])
}

/// What was made, unless it was refused as such things are.
fn made<X>(result: Result<X>) -> std::result::Result<Option<X>, TestCaseError> {
    match result {
        Ok(made) => Ok(Some(made)),
        Err(error @ (Error::Invalid { .. } | Error::Shape { .. })) => {
            prop_assert!(error.to_string().len() < 1000, "a long message: {}", error);
            Ok(None)
        }
        Err(other) => Err(TestCaseError::fail(format!("another kind of error: {other}"))),
    }
}

fn rows(x: &[f64]) -> Batch {
    Batch::from_slice(x, &[x.len(), 1])
}

fn all_finite(what: &str, values: &[f64]) -> Outcome {
    prop_assert!(values.iter().all(|x| x.is_finite()), "{}: {:?}", what, values);
    Ok(())
}

fn draws_are_finite(distribution: &dyn Distribution) -> Outcome {
    let mut x = vec![f64::NAN; 8 * distribution.dimension()];
    distribution.draw_rows(&mut stream(1, 0), &mut x);
    all_finite("a draw", &x)
}

/// A step of training is taken, or refused because something in it is not finite.
fn trains<C: flowmap::learn::Source<NdTensor<f32>>>(source: C, columns: usize, settings: Settings) -> Outcome {
    let network = Mlp::new(&MlpShape::new(columns, 4, 1), 1).unwrap();
    let Some(mut trainer) = made(Trainer::new(network, source, settings))? else { return Ok(()) };
    match trainer.step() {
        Ok(progress) => prop_assert!(progress.loss.is_finite(), "{:?}", progress),
        Err(Error::Diverged { .. }) => {}
        Err(other) => return Err(TestCaseError::fail(other.to_string())),
    }
    Ok(())
}

/// A velocity, and a map that stays where it is.
fn flow() -> DiagonalGaussian<2, flowmap::interpolant::Linear> {
    DiagonalGaussian::new(flowmap::interpolant::Linear, [[0.0; 2], [1.0; 2]], [[1.0; 2], [0.5; 2]]).unwrap()
}

struct Still;
impl<X: State> AverageVelocity<X> for Still {
    fn average_velocity(&self, _s: &X::Time, _t: &X::Time, x: &X) -> X {
        x.minus(x)
    }
}

fn small(objective: &str) -> Settings {
    Settings { objective: objective.parse().unwrap(), batch: 4, diagonal: 0.5, averages: vec![], ..Settings::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn names_are_read_or_refused(
        free in ".{0,24}",
        parts in vec(select(vec!["lsd", "esd", "psd", "-", "u", "m", "mean-flow", "fm", "lmd", ":", "none", "map", "paper", " ", "vp", "1e", "8", ".5", "inf", "nan", "linear"]), 0..6),
    ) {
        for name in [free, parts.concat()] {
            if let Some(objective) = made(name.parse::<Goal>())? {
                prop_assert_eq!(objective.to_string().parse::<Goal>().unwrap(), objective);
            }
            if let Some(stop) = made(name.parse::<StopGradient>())? {
                prop_assert_eq!(stop.to_string(), name.clone());
            }
            if let Some(method) = made(name.parse::<Method>())? {
                prop_assert!(method.name == name || name == "split-mean-flow");
            }
            if let Some(path) = made(name.parse::<Path>())? {
                prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
                let [start, end] = path.span();
                all_finite(&name, &[path.shares(&start)[0], path.shares(&end)[1], path.rates(&end)[0]])?;
            }
        }
    }

    #[test]
    fn distributions_draw_finite_numbers(
        mean in vec(float(-2.0..=2.0), 0..4),
        numbers in vec(float(-1.0..=1.0), 0..10),
        sides in vec([float(-2.0..=0.0), float(0.0..=2.0)], 0..4),
        std in float(0.0..=2.0),
        dimension in count(),
    ) {
        if let Some(distribution) = made(Normal::new(mean.clone(), std))? {
            draws_are_finite(&distribution)?;
            if let Some(distribution) = made(Constants::new(distribution, numbers.clone()))? {
                prop_assert_eq!(distribution.dimension(), distribution.layout().moving + numbers.len());
                draws_are_finite(&distribution)?;
            }
        }
        made(Normal::with_factor(mean.clone(), &numbers))?.map_or(Ok(()), |distribution| draws_are_finite(&distribution))?;
        // a lower triangle, so that some are taken
        let d = mean.len();
        let lower: Vec<_> = (0..d * d).map(|k| if k % d > k / d { 0.0 } else { numbers.get(k).copied().unwrap_or(0.5) }).collect();
        made(Normal::with_factor(mean, &lower))?.map_or(Ok(()), |distribution| draws_are_finite(&distribution))?;
        made(Uniform::new(&sides))?.map_or(Ok(()), |distribution| draws_are_finite(&distribution))?;
        made(Normal::standard(dimension))?.map_or(Ok(()), |distribution| draws_are_finite(&distribution))?;
    }

    #[test]
    fn grids_and_routes_are_refused_or_lead_somewhere(
        path in path(),
        times in vec(float(0.0..=1.0), 0..5),
        sort in any::<bool>(),
        span in [float(0.0..=0.5), float(0.5..=1.0)],
        steps in count(),
        gamma in float(0.0..=1.0),
        restarts in vec(([float(0.0..=0.5), float(0.2..=1.0)], select(vec![0_u32, 1, 2, 3, u32::MAX])), 0..3),
        moving in 0..3_usize,
        strength in float(-1.0..=1.0),
    ) {
        let mut times = times;
        if sort {
            times.sort_by(f64::total_cmp);
        }
        let model = DiagonalGaussian::new(path, [[0.0], [1.0]], [[1.0], [0.5]]).unwrap();
        let noise = Normal::standard(1).unwrap();
        for grid in [made(TimeGrid::new(times))?, made(TimeGrid::uniform(span, steps))?].into_iter().flatten() {
            prop_assert!(grid.steps() >= 1);
            all_finite("times", grid.times())?;
            let restarts: Vec<_> = restarts.iter().map(|&(interval, rounds)| Restart { interval, rounds }).collect();
            let on_path = |t: &f64| (path.span()[0]..=path.span()[1]).contains(t);
            for route in [Route::gamma(&path, &grid, gamma), Route::restarting(&path, &grid, &restarts)] {
                let Some(route) = made(route)? else { continue };
                let found = route.draw::<Batch>(&model, &noise, 2, 1);
                // without noise on the way, a grid may lead anywhere, and be told so by what is found
                if grid.times().iter().all(on_path) {
                    all_finite("a sample", &found.map_err(|error| TestCaseError::fail(error.to_string()))?)?;
                }
            }
            let guided = LookAhead::new(|x: &flowmap::Var<Batch>| x.sum(1..2), |_| strength);
            match guided.follow(&model, &grid, &rows(&[0.1, -0.3]), moving) {
                Ok(x) => prop_assert_eq!(x.shape(), &[2, 1]),
                Err(Error::Invalid { .. } | Error::NotFinite { .. }) => {}
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            }
        }
    }

    #[test]
    fn noise_leads_back_or_is_refused(path in path(), from in float(0.0..=1.0), to in float(0.0..=1.0)) {
        if let Some(back) = made(Renoising::between(&path, from, to))? {
            let found = back.apply(&rows(&[0.1, -0.3]), &Normal::standard(1).unwrap(), &mut stream(1, 0)).values();
            all_finite("a state", &[found, vec![back.kept(), back.added()]].concat())?;
        }
    }

    #[test]
    fn couplings_are_refused_or_draw(
        block in count(),
        label_dropout in float(0.0..=1.0),
        scales in [float(0.0..=1.0), float(1.0..=3.0)],
        class in prop_oneof![0..4_u32, Just(u32::MAX)],
        scale in float(0.0..=3.0),
        dimension in 1..3_usize,
        batch in 1..40_usize,
    ) {
        let noise = Normal::standard(dimension).unwrap();
        made(Independent::new(noise.clone(), Checkerboard))?;
        let images = Images::new(vec![0, 255, 7, 9], [1, 2, 1], Some(vec![0, 2])).unwrap();
        let Some(plain) = made(Conditional::new(noise, images, label_dropout))? else { return Ok(()) };
        for coupling in [made(plain.clone().with_guidance(scales))?, Some(plain)].into_iter().flatten() {
            made(coupling.noise(Some(class), scale))?.map_or(Ok(()), |distribution| draws_are_finite(&distribution))?;
            let Some(transport) = made(Transport::new(coupling, block))? else { continue };
            let d = transport.dimension();
            let [mut x0, mut x1] = [(); 2].map(|()| vec![f64::NAN; batch * d]);
            transport.draw_rows(&mut stream(1, 0), &mut x0, &mut x1);
            all_finite("a pair", &[&x0[..], &x1].concat())?;
            prop_assert!(x0.chunks(d).zip(x1.chunks(d)).all(|(x0, x1)| x0[2..] == x1[2..]));
        }
    }

    /// Rows of any numbers can be arranged.
    #[test]
    fn transport_arranges_anything(numbers in vec(float(-2.0..=2.0), 24)) {
        let coupling = Transport::new(Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap(), 4).unwrap();
        let (mut x0, mut x1) = (numbers[..12].to_vec(), numbers[12..].to_vec());
        coupling.arrange(&mut x0, &mut x1);
        let bits = |x: &[f64]| { let mut bits: Vec<_> = x.chunks(2).map(|row| [row[0].to_bits(), row[1].to_bits()]).collect(); bits.sort(); bits };
        for block in [0..8, 8..12] {
            prop_assert_eq!(bits(&x0[block.clone()]), bits(&numbers[block]));
        }
    }

    #[test]
    fn given_fields_are_refused_or_learned_from(
        span in [float(-1.0..=0.0), float(0.0..=1.0)],
        reach in float(0.0..=2.0),
        steps in prop_oneof![6 => 0..5_u32, 1 => Just(u32::MAX)],
        objective in select(vec!["lmd", "emd", "pmd", "pmd-m", "lsd", "fm"]),
    ) {
        let source = FromField::new(Pendulum::new(1.0).unwrap(), Checkerboard, span);
        if let Some(source) = made(source)? {
            if let Some(short) = made(source.clone().with_short_map(reach, steps))? {
                trains(short, 2, small(objective))?;
            }
            made(source.clone().with_map(reach, ()))?;
            trains(source, 2, small(objective))?;
        }
        let teacher = TeacherNetwork::<NdTensor<f32>, _>::new(Mlp::new(&MlpShape::new(2, 4, 1), 2).unwrap());
        let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
        if let Some(distilled) = made(FromTeacher::new(teacher, coupling).with_short_map(reach, steps))? {
            trains(distilled, 2, small(objective))?;
        }
    }

    #[test]
    fn methods_are_settings_that_train(
        method in select(Method::ALL.to_vec()),
        steps in prop_oneof![0..40_u32, any::<u32>()],
        reach in float(0.0..=1.0),
    ) {
        let Some(rounds) = made(method.rounds(steps, &small("fm"), 10))? else { return Ok(()) };
        let settings = rounds[0].clone();
        let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
        if !method.needs_teacher() {
            trains(coupling, 2, settings)?;
        } else if let Some(source) = made(FromTeacher::new(flow(), coupling).with_map(reach, Still))? {
            trains(source, 2, settings)?;
        }
    }

    /// A file of settings in which some numbers and words are others.
    #[test]
    fn settings_in_a_file_are_refused_or_work(
        changes in vec((0..40_usize, values()), 1..4),
    ) {
        let settings = Settings {
            times: TimePairs::LogitNormal { mean: -0.4, deviation: 1.0 },
            curriculum: Some(Curriculum { first: 0.1, steps: 7 }),
            weighting: SampleWeights::Adaptive { power: 1.0, offset: 1e-3 },
            schedule: Annealing::Cosine { steps: 5 },
            averages: vec![0.5.into()],
            ..small("lsd")
        };
        let mut file = serde_json::to_value(settings).unwrap();
        for (place, value) in changes {
            let mut left = place;
            change(&mut file, &mut left, &value);
        }
        // JSON has no NaN: what is read has none either
        if let Ok(settings) = serde_json::from_value::<Settings>(file) {
            let refused = made(settings.check())?.is_none();
            // a batch that is allowed may be too large to be tried here
            if !refused && settings.batch <= 64 {
                let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
                trains(coupling, 2, settings)?;
            }
        }
    }
}

fn values() -> impl Strategy<Value = Json> {
    let words = ["", "lsd", "psd-m:map", "uniform", "to-end", "cosine", "vp:0", "vp:7", "constant", "equal", "NaN", "adam"];
    let odd = vec![
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!([0.5, 0.5]),
        json!({"steps": 0}),
        json!({"dyadic": {"levels": 40}}),
        json!({"grid": {"steps": 0}}),
        json!({"grid": {"steps": 3}}),
        json!({"within": {"longest": 1e-300}}),
    ];
    prop_oneof![
        2 => select(words.to_vec()).prop_map(Json::from),
        2 => float(0.0..=2.0).prop_map(|x| json!(x)),
        1 => select(vec![0, 1, 2, 31, u64::MAX]).prop_map(Json::from),
        1 => select(odd),
    ]
}

/// Puts `value` in the place with this number, counted through the file.
fn change(file: &mut Json, place: &mut usize, value: &Json) {
    if *place == 0 {
        *file = value.clone();
    }
    *place = place.wrapping_sub(1);
    match file {
        Json::Object(fields) => fields.iter_mut().for_each(|(_, field)| change(field, place, value)),
        Json::Array(items) => items.iter_mut().for_each(|item| change(item, place, value)),
        _ => {}
    }
}
