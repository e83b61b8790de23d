//! Sets of images that do not fit into memory.
#![cfg(target_os = "linux")]

use flowmap::{data::StoredImages, distribution::Distribution, random::stream};
use std::fs::{self, File};

/// The most memory that this process had at a time, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Alone in its process, so that the peak is its own.
#[test]
fn a_large_file_is_never_in_memory() {
    const IMAGES: u32 = 20_000;
    const BYTES: u64 = 64 * 64 * 3;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.idx");
    // a file with a hole: 246 MB of zeros that take no place on the disk
    let header = [IMAGES, 64, 64, 3].iter().fold(vec![0, 0, 8, 4], |bytes, n| [bytes, n.to_be_bytes().to_vec()].concat());
    fs::write(&path, &header).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(20 + u64::from(IMAGES) * BYTES).unwrap();

    let before = peak();
    let images = StoredImages::from_idx(&path).unwrap();
    let mut x = vec![0.0; images.dimension()];
    for step in 0..2_000 {
        images.draw(&mut stream(1, step), &mut x);
        assert!(x.iter().all(|&x| x == -1.0));
    }
    let grown = peak() - before;
    assert!(grown < 8 << 10, "{grown} KiB");
}
