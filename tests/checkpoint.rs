//! Files that are damaged, foreign or of another run are refused in words, and change nothing.
#![allow(unsafe_code)] // an allocator that remembers its largest piece

use flowmap::{
    Error, Tensor,
    backend::ndarray::NdTensor,
    distribution::{Checkerboard, Normal},
    learn::{Checkpoint, Independent, Run, Settings, Trainer},
    nn::{Mlp, MlpShape},
    rand::{Rng, RngExt},
    random::stream,
};
use serde_json::{Value as Json, json};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

const TENSORS: &str = "tensors.safetensors";
const STATE: &str = "state.json";

/// The system's allocator, and the largest piece that any test of this file asked for.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// More than a whole checkpoint of these tests, with everything that is made of it.
const SENSIBLE: usize = 4 << 20;

type Small<T> = Trainer<T, Mlp<T>, Independent<Normal, Checkerboard>>;

fn trainer<T: Tensor<Primal = T, Device = ()>>(shape: MlpShape, settings: Settings) -> Small<T> {
    let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
    Trainer::new(Mlp::new(&shape, 1).unwrap(), coupling, settings).unwrap().describe(json!({"data": "a"})).unwrap()
}

fn shape() -> MlpShape {
    MlpShape::new(2, 8, 2)
}

fn settings() -> Settings {
    Settings { batch: 8, ..Settings::default() }
}

fn small() -> Small<NdTensor<f32>> {
    trainer(shape(), settings())
}

/// A checkpoint after some steps, as its files' bytes, and a trainer that stands elsewhere.
struct Bench {
    home: tempfile::TempDir,
    path: PathBuf,
    whole: [Vec<u8>; 2],
    trainer: Small<NdTensor<f32>>,
    before: [Vec<u8>; 2],
}

fn read(path: &Path) -> [Vec<u8>; 2] {
    [TENSORS, STATE].map(|name| fs::read(path.join(name)).unwrap())
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut trainer = small();
        for _ in 0..3 {
            trainer.step().unwrap();
        }
        let path = trainer.save(&home.path().join("checkpoints")).unwrap();
        trainer.step().unwrap();
        let before = read(&trainer.save(&home.path().join("before")).unwrap());
        Self { whole: read(&path), home, path, trainer, before }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path.join(name), bytes).unwrap();
    }

    fn mend(&self) {
        self.write(TENSORS, &self.whole[0]);
        self.write(STATE, &self.whole[1]);
    }

    /// The reason for which the checkpoint, as it is now, is refused.
    fn refusal(&mut self) -> String {
        match self.trainer.restore(&self.path) {
            Err(Error::File { reason, .. }) => reason,
            other => panic!("not refused as a checkpoint: {other:?}"),
        }
    }

    /// After refusals: the trainer stands where it stood, and can still go back to the checkpoint.
    fn assert_unchanged(&mut self) {
        let after = self.trainer.save(&self.home.path().join("after")).unwrap();
        assert!(read(&after) == self.before, "a refused checkpoint changed the trainer");
        self.mend();
        self.trainer.restore(&self.path).unwrap();
        assert_eq!(self.trainer.steps_taken(), 3);
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(largest < SENSIBLE, "{largest} bytes were asked for at once");
    }

    /// Writes both files with right checksums: what a foreign or faulty program could have written.
    fn sign(&self, tensors: &[u8], edit: impl Fn(&mut Json)) {
        let mut state: Json = serde_json::from_slice(&self.whole[1]).unwrap();
        state["bytes"] = tensors.len().into();
        state["crc32"] = crc32fast::hash(tensors).into();
        edit(&mut state);
        let text = serde_json::to_string_pretty(&state).unwrap();
        let end = text.find("\n  \"text_crc32\"").unwrap();
        state["text_crc32"] = crc32fast::hash(&text.as_bytes()[..end]).into();
        self.write(TENSORS, tensors);
        self.write(STATE, &serde_json::to_vec_pretty(&state).unwrap());
    }
}

/// `bytes`, changed at random.
fn mutated(bytes: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut new = bytes.to_vec();
    let at = rng.random_range(0..new.len());
    match rng.random_range(0..6) {
        0 => new.truncate(at),
        1 => new.insert(at, rng.random()),
        2 => drop(new.remove(at)),
        3 => new.extend_from_within(at..),
        4 => new[at..bytes.len().min(at + 64)].iter_mut().for_each(|b| *b = rng.random()),
        _ => new[at] ^= 1 << rng.random_range(0..8),
    }
    new
}

#[test]
fn every_damage_is_found() {
    let mut bench = Bench::new();
    let mut rng = stream(11, 0);
    for (name, whole) in [TENSORS, STATE].into_iter().zip(bench.whole.clone()) {
        for case in 0..200 {
            let damaged = mutated(&whole, &mut rng);
            if damaged == whole {
                continue;
            }
            bench.write(name, &damaged);
            let reason = bench.refusal();
            assert!(
                ["expected", "not JSON", "damaged", "this program reads"].iter().any(|word| reason.contains(word)),
                "{name}, {case}: {reason}"
            );
        }
        bench.mend();
    }
    bench.assert_unchanged();
}

/// A checksum of the state protects what no comparison with the trainer could.
#[test]
fn another_step_number_is_found() {
    let mut bench = Bench::new();
    let text = String::from_utf8(bench.whole[1].clone()).unwrap();
    bench.write(STATE, text.replacen("\"step\": 3", "\"step\": 7", 1).as_bytes());
    assert!(bench.refusal().contains("state.json has checksum"));
    bench.assert_unchanged();
}

#[test]
fn a_missing_file_is_named() {
    let mut bench = Bench::new();
    for name in [TENSORS, STATE] {
        fs::remove_file(bench.path.join(name)).unwrap();
        assert!(bench.refusal().starts_with(&format!("{name} is missing")));
        bench.mend();
    }
    assert!(matches!(Checkpoint::open(&bench.path.join("none")), Err(Error::Io { .. })));
    bench.assert_unchanged();
}

#[test]
fn a_file_of_absurd_size_is_not_read() {
    let mut bench = Bench::new();
    for name in [TENSORS, STATE] {
        let file = fs::File::options().write(true).open(bench.path.join(name)).unwrap();
        file.set_len(1 << 40).unwrap(); // a hole: it takes no room on the disk
        let reason = bench.refusal();
        assert!(reason.contains("1099511627776 bytes, expected "), "{reason}");
        drop(file);
        bench.mend();
    }
    bench.assert_unchanged();
}

#[test]
fn another_run_is_refused_at_the_first_difference() {
    let mut bench = Bench::new();
    let path = bench.path.clone();
    let refused = |mut other: Small<NdTensor<f32>>, expected: &str| {
        let message = other.restore(&path).unwrap_err().to_string();
        assert!(message.contains(expected), "{message} does not say: {expected}");
        assert_eq!(other.steps_taken(), 0);
    };
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        trainer(shape(), settings)
    };
    refused(with(&|s| s.batch = 9), "settings.batch is 8 there and 9 here");
    refused(with(&|s| s.learning_rate = 0.5), "settings.learning_rate is 0.001 there and 0.5 here");
    refused(with(&|s| s.objective = "esd".parse().unwrap()), "settings.objective is \"lsd\" there and \"esd\" here");
    refused(with(&|s| s.averages = vec![0.5.into()]), "settings.averages is [0.999,0.9999] there and [0.5] here");
    refused(small().describe(json!({"data": "b"})).unwrap(), "description.data is \"a\" there and \"b\" here");
    refused(small().describe(json!({"data": "a", "more": 1})).unwrap(), "description.more is null there and 1 here");
    refused(trainer(MlpShape::new(2, 9, 2), settings()), "network.Mlp.shape.width is 8 there and 9 here");
    refused(trainer(MlpShape::new(2, 8, 3), settings()), "network.Mlp.shape.hidden is 2 there and 3 here");
    refused(trainer(shape().with_scale(3.0), settings()), "network.Mlp.shape.scale is 1.0 there and 3.0 here");
    let double = trainer::<NdTensor<f64>>(shape(), settings()).restore(&path).unwrap_err().to_string();
    assert!(double.contains("expected numbers of type f64, found F32"), "{double}");
    bench.assert_unchanged();
}

#[test]
fn a_state_of_absurd_values_is_refused() {
    let mut bench = Bench::new();
    let tensors = bench.whole[0].clone();
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let cases: Vec<(&str, Json, &str)> = vec![
        ("format", json!("another"), "expected \"flowmap checkpoint\""),
        ("version", json!(1), "this program reads version 2"),
        ("version", json!("2"), "this program reads version 2"),
        ("step", json!(u64::MAX), "expected at most"),
        ("step", json!(-1), "state.json is damaged"),
        ("step", json!(1e300), "state.json is damaged"),
        ("bytes", json!(u64::MAX), "expected 18446744073709551615"),
        ("bytes", json!(0), "expected 0"),
        ("crc32", json!(u64::MAX), "state.json is damaged"),
        ("crc32", json!(1), "expected 00000001"),
        ("settings", Json::Null, "state.json is damaged"),
        ("settings", json!({"batch": 1e300}), "state.json is damaged"),
        ("description", deep, "description is"),
    ];
    for (key, value, expected) in cases {
        bench.sign(&tensors, |state| state[key] = value.clone());
        let reason = bench.refusal();
        assert!(reason.contains(expected), "{key}: {reason}");
    }
    bench.sign(&tensors, |state| state["settings"]["batch"] = json!(u64::MAX));
    assert!(bench.refusal().contains("settings.batch is 18446744073709551615 there and 8 here"));
    for text in [&b""[..], b"{}", b"[]", b"null", b"1e999", &b"[".repeat(100_000)] {
        bench.write(STATE, text);
        bench.refusal();
    }
    bench.assert_unchanged();
}

#[test]
fn tensors_of_absurd_headers_are_refused() {
    let mut bench = Bench::new();
    let whole = bench.whole[0].clone();
    bench.sign(&whole, |_| ());
    bench.trainer.restore(&bench.path).unwrap(); // the signature of these tests is good
    bench = Bench::new();
    let with_length = |n: u64| [&n.to_le_bytes()[..], &whole[8..]].concat();
    let with_header = |header: &str| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    let huge = r#"{"model/layers.0.weight":{"dtype":"F32","shape":[1099511627776,8],"data_offsets":[0,35184372088832]}}"#;
    let cases = [u64::MAX, 1 << 40, 99_999_999, 0].map(with_length).into_iter().chain(
        ["{}", "[]", huge, r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]}}"#].map(with_header),
    );
    for (case, tensors) in cases.enumerate() {
        bench.sign(&tensors, |_| ());
        let reason = bench.refusal();
        assert!(reason.contains("tensor"), "{case}: {reason}");
    }
    bench.assert_unchanged();
}

#[test]
fn a_run_begins_in_a_free_folder_only_and_names_the_last_whole_checkpoint() {
    let home = tempfile::tempdir().unwrap();
    let run = Run::new(home.path(), 6).unwrap().with_checkpoints(2, 3).unwrap();
    run.begin().unwrap();
    run.train(&mut small()).unwrap();
    assert!(run.begin().unwrap_err().to_string().contains("a run is here already"));

    let all = Checkpoint::all(&run.checkpoints()).unwrap();
    assert_eq!(all.len(), 3);
    let mut other = trainer::<NdTensor<f32>>(shape(), Settings { seed: 1, ..settings() });
    let foreign = run.resume(&mut other).unwrap_err().to_string();
    assert!(foreign.contains("belongs to another run") && !foreign.contains("to continue"), "{foreign}");

    fs::write(all[2].join(TENSORS), b"damaged").unwrap();
    let named = |path: &Path| format!("; to continue from {}, remove the newer checkpoints", path.display());
    let message = run.resume(&mut small()).unwrap_err().to_string();
    assert!(message.ends_with(&named(&all[1])), "{message}");
    fs::remove_file(all[1].join(STATE)).unwrap();
    fs::remove_file(all[2].join(STATE)).unwrap();
    let message = run.resume(&mut small()).unwrap_err().to_string();
    assert!(message.ends_with(&named(&all[0])), "{message}");

    let mut trainer = small();
    fs::remove_dir_all(&all[1]).unwrap();
    fs::remove_dir_all(&all[2]).unwrap();
    run.resume(&mut trainer).unwrap();
    assert_eq!(trainer.steps_taken(), 2);
}

#[cfg(unix)]
mod full_disk {
    use super::*;
    use std::process::Command;

    const FOLDER: &str = "FLOWMAP_TEST_FOLDER";

    /// The child of the next test: the system refuses files that are larger than a few kilobytes.
    #[test]
    fn saves_where_nothing_fits() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let folder = Path::new(&folder);
        let mut trainer = small();
        trainer.step().unwrap();
        assert!(matches!(trainer.save(folder), Err(Error::Io { .. })));
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }

    #[test]
    fn no_half_of_a_checkpoint_is_left() {
        let home = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        // the limit's signal is ignored, so that the write fails like one to a full disk
        let script = r#"trap '' XFSZ; ulimit -f 2; exec "$0" --exact full_disk::saves_where_nothing_fits"#;
        let output = Command::new("sh").args(["-c", script]).arg(program).env(FOLDER, home.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}
