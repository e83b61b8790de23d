//! Masks.

use super::Element;
use crate::{Mask, tensor::common};
use ::dfdx::{
    tensor::Tensor as Array,
    tensor_ops::{Device, bool_and, bool_not},
};
use std::marker::PhantomData;

/// Truth values, one for each element.
#[derive(Clone, Debug)]
pub struct DfdxMask<E: Element, D: Device<E>> {
    pub(super) data: Array<(usize,), bool, D>,
    pub(super) shape: Vec<usize>,
    // dfdx's operations on booleans are those of a device for some float
    pub(super) float: PhantomData<E>,
}

impl<E: Element, D: Device<E>> Mask for DfdxMask<E, D> {
    fn and(&self, other: &Self) -> Self {
        let shape = common::joint("and", &self.shape, &other.shape);
        let data = match (self.shape == shape, other.shape == shape) {
            (true, true) => bool_and::<_, E, D>(&self.data, &other.data),
            // a scalar and others: through the host, since dfdx cannot repeat a single boolean
            (true, false) => &self.data & other.any(),
            _ => &other.data & self.any(),
        };
        Self { data, shape: shape.to_vec(), float: PhantomData }
    }
    fn not(&self) -> Self {
        Self { data: bool_not::<_, E, D>(&self.data), shape: self.shape.clone(), float: PhantomData }
    }
    fn any(&self) -> bool {
        // through the host: dfdx has no reduction of booleans
        self.data.as_vec().into_iter().take(common::size(&self.shape)).any(|b| b)
    }
}
