//! Points from NPY files.

use std::path::Path;

use npyz::{DType, NpyFile, Order, TypeChar};

use super::{bad, shortened, unreadable};
use crate::Result;

/// The numbers, row by row, and the length of a row.
pub(super) fn points(path: &Path) -> Result<(Vec<f64>, usize)> {
    parse(&std::fs::read(path).map_err(|e| unreadable(path, e))?).map_err(|reason| bad(path, None, reason))
}

fn parse(bytes: &[u8]) -> Result<(Vec<f64>, usize), String> {
    check_header(bytes)?;
    // npyz advances the slice, so `rest` is then what follows the header
    let mut rest = bytes;
    let file = NpyFile::new(&mut rest).map_err(|e| format!("not an NPY file ({})", shortened(&e.to_string())))?;
    let header = file.header().clone();
    drop(file);

    let shape = header.shape();
    let absurd = || format!("the shape {shape:?} is too large for this machine");
    let shape_usize = shape.iter().map(|&n| usize::try_from(n)).collect::<Result<Vec<_>, _>>().map_err(|_| absurd())?;
    let [n, point @ ..] = shape_usize.as_slice() else {
        return Err("the array has no axis; save an array of shape [n, d]".into());
    };
    let dimension: usize = point.iter().product();
    let count = header.len();
    if count == 0 {
        return Err(format!("the shape {shape:?} has no numbers; save an array of shape [n, d]"));
    }
    let DType::Plain(dtype) = header.dtype() else { return Err(other_type(&header.dtype())) };
    let size = dtype.size_field();
    let promised = count.checked_mul(size).ok_or_else(absurd)?;
    if (rest.len() as u64) < promised {
        let found = rest.len();
        return Err(format!(
            "the header promises {promised} bytes of numbers (shape {shape:?}) but {found} follow; save it again"
        ));
    }
    let data = NpyFile::with_header(header.clone(), rest);
    macro_rules! numbers {
        ($t:ty) => {
            data.into_vec::<$t>().map_err(|e| shortened(&e.to_string()))?.into_iter().map(|x| x as f64).collect()
        };
    }
    let stored: Vec<f64> = match (dtype.type_char(), size) {
        (TypeChar::Float, 4) => numbers!(f32),
        (TypeChar::Float, 8) => numbers!(f64),
        (TypeChar::Int, 1) => numbers!(i8),
        (TypeChar::Int, 2) => numbers!(i16),
        (TypeChar::Int, 4) => numbers!(i32),
        (TypeChar::Int, 8) => numbers!(i64),
        (TypeChar::Uint, 1) => numbers!(u8),
        (TypeChar::Uint, 2) => numbers!(u16),
        (TypeChar::Uint, 4) => numbers!(u32),
        (TypeChar::Uint, 8) => numbers!(u64),
        _ => return Err(other_type(&header.dtype())),
    };
    let rows = match header.order() {
        Order::C => stored,
        Order::Fortran => in_c_order(&stored, &shape_usize),
    };
    if let Some(at) = rows.iter().position(|x| !x.is_finite()) {
        let (row, column) = (at / dimension, at % dimension);
        return Err(format!("row {row}, column {column} (from 0) is {}; remove or replace such rows", rows[at]));
    }
    debug_assert_eq!(rows.len(), n * dimension);
    Ok((rows, dimension))
}

fn other_type(dtype: &DType) -> String {
    format!("the numbers are of type {}; save them as f4, f8 or an integer type", shortened(&dtype.descr()))
}

/// Rejects headers on which npyz 0.9 would panic or reserve memory that the file cannot fill: it multiplies the shape without
/// overflow checks, and trusts the length of the header.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    /// The limit of numpy for files that it is not asked to trust.
    const LONGEST: usize = 10_000;
    let (length, text) = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, 0, a, b, rest @ ..] => (u16::from_le_bytes([*a, *b]).into(), rest),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, 0, a, b, c, d, rest @ ..] => {
            (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest)
        }
        _ => return Err("not an NPY file; write one with numpy.save".into()),
    };
    if length > LONGEST {
        return Err(format!("the header claims {length} bytes, more than the {LONGEST} that numpy accepts"));
    }
    let text = text.get(..length).ok_or("the file ends within its header; save it again")?;
    // The numbers in the header are the shape and the size of the type, in plain decimals.
    let mut product = 1_u64;
    for word in text.split(|b| !b.is_ascii_alphanumeric() && *b != b'_').filter(|w| w.iter().any(u8::is_ascii_digit)) {
        let digits = str::from_utf8(word).unwrap_or_default().trim_start_matches(char::is_alphabetic);
        let number = digits.parse::<u64>().ok();
        product = number.and_then(|n| product.checked_mul(n.max(1))).ok_or_else(|| {
            let word = shortened(&String::from_utf8_lossy(word));
            format!("the header holds the number '{word}', which makes the shape too large or is not a plain number")
        })?;
    }
    Ok(())
}

/// Reorders an array from Fortran order (first index fastest) to C order (last index fastest).
fn in_c_order(stored: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut rows = Vec::with_capacity(stored.len());
    for _ in 0..stored.len() {
        rows.push(stored[at]);
        // increment the index from the last axis, and follow it in `stored`
        let mut stride = stored.len();
        for (i, &n) in index.iter_mut().zip(shape).rev() {
            stride /= n;
            *i += 1;
            at += stride;
            if *i < n {
                break;
            }
            *i = 0;
            at -= stride * n;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use npyz::{AutoSerialize, WriterBuilder};

    use super::{super::tests::mutate, *};

    fn file<T: AutoSerialize + npyz::Serialize + Copy>(order: Order, shape: &[u64], numbers: &[T]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer =
            npyz::WriteOptions::new().default_dtype().shape(shape).order(order).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(numbers.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn complaint(bytes: &[u8]) -> String {
        parse(bytes).unwrap_err()
    }

    #[test]
    fn types_and_orders() {
        let expected = (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
        assert_eq!(parse(&file(Order::C, &[2, 3], &[1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0])).unwrap(), expected);
        assert_eq!(parse(&file(Order::Fortran, &[2, 3], &[1.0_f32, 4.0, 2.0, 5.0, 3.0, 6.0])).unwrap(), expected);
        assert_eq!(parse(&file(Order::C, &[2, 3], &[1_u8, 2, 3, 4, 5, 6])).unwrap(), expected);
        assert_eq!(parse(&file(Order::C, &[2, 3], &[1_i64, 2, 3, 4, 5, 6])).unwrap(), expected);
        let big = with_header("{'descr': '>i2', 'fortran_order': False, 'shape': (2, 1), }", &[1, 0, 0, 2]);
        assert_eq!(parse(&big).unwrap(), (vec![256.0, 2.0], 1));
    }

    #[test]
    fn one_axis_and_images() {
        assert_eq!(parse(&file(Order::C, &[3], &[1_u8, 2, 3])).unwrap(), (vec![1.0, 2.0, 3.0], 1));
        let image: Vec<u8> = (0..24).collect();
        let (c, dimension) = parse(&file(Order::C, &[2, 3, 4], &image)).unwrap();
        assert_eq!(dimension, 12);
        // numpy: numpy.arange(24).reshape(2, 3, 4, order="F")[i, j, k] = i + 2 j + 6 k
        let fortran = parse(&file(Order::Fortran, &[2, 3, 4], &image)).unwrap().0;
        for (at, x) in fortran.iter().enumerate() {
            assert_eq!(*x as usize, at / 12 + 2 * (at / 4 % 3) + 6 * (at % 4));
        }
        assert_eq!(c[13], 13.0);
    }

    #[test]
    fn absurd_headers() {
        for shape in [
            "(9000000000000000000, 9)",
            "(99999999999999999999999, 1)",
            "(0xffffffffffffffff, 0xffff)",
            "(0, 18446744073709551615, 2)",
        ] {
            let text =
                complaint(&with_header(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"), &[0; 8]));
            assert!(text.contains("too large"), "{text}");
        }
        let text = complaint(&with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2), }", &[0; 8]));
        assert!(text.contains("promises 16000000000000 bytes") && text.contains("8 follow"), "{text}");
        assert!(complaint(&with_header(&"[".repeat(9_000), &[])).len() < 200);
        assert!(complaint(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}").contains("claims 4294967295 bytes"));
        assert!(
            complaint(&with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 2), }", &[])).contains("no numbers")
        );
        assert!(complaint(&with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", &[0; 8])).contains("no axis"));
    }

    #[test]
    fn foreign_and_truncated_files() {
        assert!(complaint(b"").contains("not an NPY file"));
        assert!(complaint(b"PK\x03\x04 an npz archive").contains("numpy.save"));
        let good = file(Order::C, &[2, 2], &[1.0_f64, 2.0, 3.0, 4.0]);
        for length in 0..good.len() {
            assert!(parse(&good[..length]).is_err(), "{length}");
        }
        assert!(complaint(&good[..good.len() - 1]).contains("promises 32 bytes"));
        assert!(complaint(&file(Order::C, &[2, 2], &[1.0, f64::NAN, 3.0, 4.0])).contains("row 0, column 1 (from 0) is NaN"));
        let complex = with_header("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", &[0; 16]);
        assert!(complaint(&complex).contains("type '<c16'"));
        let record = with_header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", &[0; 8]);
        assert!(complaint(&record).contains("save them as f4"));
    }

    #[test]
    fn mutations() {
        for good in
            [file(Order::C, &[3, 2], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]), file(Order::Fortran, &[2, 3], &[1_i16, 2, 3, 4, 5, 6])]
        {
            mutate(&good, |bytes| {
                if let Ok((rows, dimension)) = parse(bytes) {
                    assert!(rows.len().is_multiple_of(dimension));
                }
            });
        }
    }
}
