//! Named tensors as bytes, in the safetensors format.

use crate::{Real, Tensor};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

/// All tensors as the bytes of a file.
pub(crate) fn write<T: Tensor>(
    tensors: &[(String, T)],
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, SafeTensorError> {
    let bytes: Vec<_> = tensors.iter().map(|(_, tensor)| to_bytes(&tensor.to_vec())).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let view = TensorView::new(dtype::<T::Real>(), tensor.shape().to_vec(), bytes);
        (name, view.expect("a tensor has as many bytes as its shape says"))
    });
    safetensors::serialize(views, metadata)
}

/// Reads the tensor `name`, which must have this shape and number type; otherwise returns the reason.
pub(crate) fn read<R: Real>(tensors: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<R>, String> {
    let bad = |reason: String| format!("tensor {name}: {reason}");
    let view = tensors.tensor(name).map_err(|_| bad("missing; the file belongs to another network".into()))?;
    if view.dtype() != dtype::<R>() {
        return Err(bad(format!("expected numbers of type {}, found {:?}", R::NAME, view.dtype())));
    }
    if view.shape() != shape {
        return Err(bad(format!("expected shape {shape:?}, found {:?}", view.shape())));
    }
    Ok(from_bytes(view.data()))
}

/// Little-endian on every machine.
pub(crate) fn to_bytes<R: Real>(values: &[R]) -> Vec<u8> {
    match dtype::<R>() {
        Dtype::F32 => values.iter().flat_map(|x| (x.into_f64() as f32).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|x| x.into_f64().to_le_bytes()).collect(),
    }
}

fn from_bytes<R: Real>(bytes: &[u8]) -> Vec<R> {
    match dtype::<R>() {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&b| R::from_f64(f32::from_le_bytes(b).into())).collect(),
        _ => bytes.as_chunks().0.iter().map(|&b| R::from_f64(f64::from_le_bytes(b))).collect(),
    }
}

fn dtype<R: Real>() -> Dtype {
    if R::NAME == "f32" { Dtype::F32 } else { Dtype::F64 }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::backend::ndarray::{Element, NdTensor};

    /// Numbers of type `R`, which are not taken for those of type `Other`.
    fn survive<R: Element, Other: Real>() {
        let values = [R::from_f64(0.1), R::from_f64(-2.0), R::min_positive_value()];
        let tensor = NdTensor::from_slice(&values, &[3, 1]);
        let bytes = write(&[("a".to_owned(), tensor)], None).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(read::<R>(&tensors, "a", &[3, 1]).unwrap(), values);
        assert_eq!(read::<R>(&tensors, "a", &[3]).unwrap_err(), "tensor a: expected shape [3], found [3, 1]");
        let missing = read::<R>(&tensors, "b", &[3, 1]).unwrap_err();
        assert!(missing.starts_with("tensor b: missing"), "{missing}");
        let foreign = read::<Other>(&tensors, "a", &[3, 1]).unwrap_err();
        assert!(foreign.contains(&format!("expected numbers of type {}, found", Other::NAME)), "{foreign}");
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        survive::<f32, f64>();
        survive::<f64, f32>();
    }
}
