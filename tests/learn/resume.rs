//! Runs that are stopped, killed and resumed end as if nothing had happened.

use flowmap::{
    Layout, Tensor,
    backend::ndarray::NdTensor,
    data::Images,
    distribution::{Checkerboard, Normal},
    learn::{Average, Checkpoint, Conditional, Coupling, Descent, Independent, Run, Settings, Trainer},
    nn::{EdmShape, EdmUNet, Mlp, MlpShape, Model},
    rand::RngExt,
    random::stream,
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// Tells a child process which run to continue; unset in the parent.
const FOLDER: &str = "FLOWMAP_TEST_FOLDER";

type Small<T> = Trainer<T, Mlp<T>, Independent<Normal, Checkerboard>>;

fn trainer<T: Tensor<Primal = T, Device = ()>>(objective: &str) -> Small<T> {
    let settings = Settings { objective: objective.parse().unwrap(), batch: 16, ..Settings::default() };
    let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
    Trainer::new(Mlp::new(&MlpShape::new(2, 64, 2), 1).unwrap(), coupling, settings).unwrap()
}

/// Trains up to `steps`, from the newest checkpoint if there is one.
fn train<T: Tensor<Primal = T, Device = ()>>(run: &Run, objective: &str) {
    go_on(run, trainer::<T>(objective));
}

fn go_on<T: Tensor<Primal = T>, M: Model<T>, C: Coupling>(run: &Run, mut trainer: Trainer<T, M, C>) {
    run.resume(&mut trainer).unwrap();
    run.train(&mut trainer).unwrap();
}

/// Images with classes, guidance, dropout, directions and a learned weight of the loss: all that a step can draw or change.
fn train_on_images(run: &Run) {
    let bytes = (0..12 * 16).map(|k| (k * k % 251) as u8).collect();
    let images = Images::new(bytes, [4, 4, 1], Some((0..12).map(|k| k % 3).collect())).unwrap().with_flips();
    let coupling = Conditional::new(Normal::standard(16).unwrap(), images, 0.2).unwrap().with_guidance([1.0, 3.0]).unwrap();
    let shape = EdmShape::new([4, 4, 1], 8, &[1, 2])
        .with_blocks(1)
        .with_layout(Layout::new(16).with_classes(3).with_scale())
        .with_dropout(0.1);
    let network = EdmUNet::<NdTensor<f32>>::new(&shape, 1).unwrap();
    let settings = Settings { batch: 8, learning_rate: 1e-2, ..Settings::default() };
    go_on(run, Trainer::new(network, coupling, settings).unwrap());
}

fn run(folder: &Path, steps: u64) -> Run {
    Run::new(folder, steps).unwrap().with_metrics_every(3).unwrap()
}

/// Weights, moments and averages at the last step, and the table of metrics: all that a run leaves.
fn result(run: &Run) -> [Vec<u8>; 2] {
    let newest = Checkpoint::latest(&run.checkpoints()).unwrap().unwrap();
    assert_eq!(Checkpoint::open(&newest).unwrap().step(), run.steps());
    [newest.join("tensors.safetensors"), run.metrics()].map(|file| fs::read(file).unwrap())
}

fn assert_same(found: [Vec<u8>; 2], expected: &[Vec<u8>; 2]) {
    assert!(found[0] == expected[0], "the tensors differ from those of a run without interruption");
    let [found, expected] = [&found[1], &expected[1]].map(|table| String::from_utf8_lossy(table));
    assert_eq!(found, expected, "the metrics differ from those of a run without interruption");
}

fn scratch(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with(".scratch-")).collect()
}

/// A checkpoint that lacks a file while it is in sight.
fn partial(checkpoints: &Path) -> Option<PathBuf> {
    let lacks = |path: &PathBuf| ["tensors.safetensors", "state.json"].iter().any(|name| !path.join(name).exists());
    // one that was removed since is no longer in sight
    Checkpoint::all(checkpoints).unwrap().into_iter().find(|path| lacks(path) && path.exists())
}

fn stopping_anywhere_changes_nothing<T: Tensor<Primal = T, Device = ()>>(objective: &str) {
    const STEPS: u64 = 20;
    let home = tempfile::tempdir().unwrap();
    let whole = run(&home.path().join("whole"), STEPS);
    train::<T>(&whole, objective);
    let whole = result(&whole);
    for stop in [1, 6, 10, 19, 20] {
        let folder = home.path().join(stop.to_string());
        train::<T>(&run(&folder, stop), objective);
        let rest = run(&folder, STEPS);
        train::<T>(&rest, objective);
        assert_same(result(&rest), &whole);
    }
}

/// Whatever an optimizer keeps is stored, and read again.
#[test]
fn stopping_changes_nothing_for_any_optimizer() {
    let go = |folder: &Path, steps, optimizer: &str| {
        let optimizer: Descent = optimizer.parse().unwrap();
        let averages = vec![0.9.into(), Average::Power { width: 0.1 }];
        let settings = Settings { batch: 16, learning_rate: optimizer.usual_rate(), optimizer, averages, ..Settings::default() };
        let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
        let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 24, 2), 1).unwrap();
        let run = run(folder, steps);
        go_on(&run, Trainer::new(network, coupling, settings).unwrap());
        result(&run)
    };
    for optimizer in ["adam", "radam", "lion", "muon", "soap"] {
        let home = tempfile::tempdir().unwrap();
        let whole = go(&home.path().join("whole"), 24, optimizer);
        for stop in [1, 11] {
            let folder = home.path().join(stop.to_string());
            go(&folder, stop, optimizer);
            assert_same(go(&folder, 24, optimizer), &whole);
        }
    }
}

#[test]
fn stopping_anywhere_changes_nothing_in_f32() {
    stopping_anywhere_changes_nothing::<NdTensor<f32>>("lsd");
}

#[test]
fn stopping_anywhere_changes_nothing_in_f64() {
    stopping_anywhere_changes_nothing::<NdTensor<f64>>("psd-u");
}

/// Its residual is NaN, which the table of metrics has to bring back.
#[test]
fn stopping_anywhere_changes_nothing_without_a_residual() {
    stopping_anywhere_changes_nothing::<NdTensor<f32>>("fm");
}

/// A child process, which does not outlive a test that fails.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A child process that runs one test of this file on the run in `folder`.
fn child(test: &str, folder: &Path) -> Guarded {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("resume::{test}")]).env(FOLDER, folder).stdout(Stdio::null()).stderr(Stdio::null());
    Guarded(command.spawn().unwrap())
}

/// Waits, without a limit on the time, until `ready`; the child must be alive then.
fn wait_for(child: &mut Guarded, mut ready: impl FnMut() -> bool) {
    while !ready() {
        assert!(child.0.try_wait().unwrap().is_none(), "the child ended by itself");
        sleep(Duration::from_micros(50));
    }
}

/// The child of the next test: a checkpoint every other step, so that it mostly writes.
#[test]
fn trains_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let run = run(Path::new(&folder), 1_000_000).with_checkpoints(2, 2).unwrap();
    train::<NdTensor<f32>>(&run, "lsd");
}

/// And of the test on images.
#[test]
fn trains_on_images_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    train_on_images(&run(Path::new(&folder), 1_000_000).with_checkpoints(2, 2).unwrap());
}

#[test]
fn a_killed_run_loses_nothing_that_was_saved() {
    kills_lose_nothing("trains_until_killed", 12, |run| train::<NdTensor<f32>>(run, "lsd"));
}

#[test]
fn a_killed_training_on_images_loses_nothing_that_was_saved() {
    kills_lose_nothing("trains_on_images_until_killed", 50, train_on_images);
}

/// Kills the child `least` times or more, looks at what it left each time, and at the end goes on to the end.
fn kills_lose_nothing(test: &str, least: u32, train: impl Fn(&Run)) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("killed");
    let checkpoints = run(&folder, 1).checkpoints();
    let mut rng = stream(5, 0);
    let (mut kills, mut torn, mut last) = (0, 0, None);
    // some kills must hit a write: on a fast disk that takes more attempts
    while kills < least || torn < 3 {
        assert!(kills < 200, "{torn} of {kills} kills hit a write");
        let mut child = child(test, &folder);
        wait_for(&mut child, || Checkpoint::latest(&checkpoints).unwrap() != last);
        for _ in 0..rng.random_range(0..1000) {
            assert_eq!(partial(&checkpoints), None, "a checkpoint is in sight and not whole");
        }
        if kills % 2 == 0 {
            wait_for(&mut child, || !scratch(&checkpoints).is_empty());
        }
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        kills += 1;
        torn += usize::from(!scratch(&checkpoints).is_empty());

        let all = Checkpoint::all(&checkpoints).unwrap();
        assert!(!all.is_empty());
        for path in &all {
            Checkpoint::open(path).unwrap_or_else(|error| panic!("after kill {kills}: {error}"));
        }
        last = all.last().cloned();
    }

    let steps = Checkpoint::open(&last.unwrap()).unwrap().step() + 20;
    let (killed, whole) = (run(&folder, steps), run(&home.path().join("whole"), steps));
    train(&killed);
    train(&whole);
    assert_same(result(&killed), &result(&whole));
    assert_eq!([scratch(&folder), scratch(&checkpoints)], [vec![], Vec::<OsString>::new()]);
    let logged: Vec<_> = killed.history().unwrap().iter().map(|row| row.step).collect();
    assert_eq!(logged, (1..=steps).filter(|step| *step == 1 || step % 3 == 0).collect::<Vec<_>>());
}

#[cfg(all(unix, feature = "terminal"))]
mod interrupt {
    use super::*;
    use flowmap::{cli::Terminal, learn::Outcome};

    #[test]
    fn trains_until_interrupted() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let run = run(Path::new(&folder), u64::MAX);
        let mut trainer = trainer::<NdTensor<f32>>("esd");
        run.begin().unwrap();
        let mut terminal = Terminal::new(0, run.steps()).unwrap();
        fs::write(run.path("ready"), "").unwrap();
        let outcome = run.train_watched(&mut trainer, &mut [&mut terminal]).unwrap();
        assert_eq!(outcome, Outcome::Interrupted);
    }

    #[test]
    fn an_interrupted_run_saves_and_goes_on() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("interrupted");
        let first = run(&folder, 1);
        let mut child = child("interrupt::trains_until_interrupted", &folder);
        wait_for(&mut child, || first.path("ready").exists());
        sleep(Duration::from_millis(50));
        let sent = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert!(child.0.wait().unwrap().success(), "the interrupted program failed");

        let step = Checkpoint::open(&Checkpoint::latest(&first.checkpoints()).unwrap().unwrap()).unwrap().step();
        let (interrupted, whole) = (run(&folder, step + 20), run(&home.path().join("whole"), step + 20));
        train::<NdTensor<f32>>(&interrupted, "esd");
        train::<NdTensor<f32>>(&whole, "esd");
        assert_same(result(&interrupted), &result(&whole));
    }
}
