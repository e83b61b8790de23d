//! Features that images are compared by.

use std::sync::Arc;

use crate::{Error, ImageTensor, Result, data::Points, learn::Classifier};

/// A map from rows, such as images, to feature vectors whose distances are meaningful.
///
/// Distances between images are only as good as their features: pixels ([`RawFeatures`]) see brightness and blur, the inner
/// layer of a classifier sees what distinguishes its classes. Numbers from different features are not comparable, so
/// [`name`](Features::name) is reported with them.
///
/// ```
/// use flowmap::{data::Points, distribution::Distribution, metric::Features};
///
/// /// The mean brightness of an image.
/// struct Brightness;
/// impl Features for Brightness {
///     fn name(&self) -> String {
///         "mean brightness".into()
///     }
///     fn dimension(&self) -> usize {
///         1
///     }
///     fn features(&self, rows: &Points) -> Vec<f64> {
///         rows.iter().map(|row| row.iter().sum::<f64>() / rows.dimension() as f64).collect()
///     }
/// }
/// let images = Points::new(vec![0.0, 0.5, 1.0, 1.0], 2)?;
/// assert_eq!(Brightness.try_features(&images)?.as_slice(), [0.25, 1.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Features {
    /// Identifies these features: the network, the origin of its weights, the layer, a version.
    fn name(&self) -> String;

    /// The number of coordinates of a feature vector.
    fn dimension(&self) -> usize;

    /// The features of each row, one after another: shape `[n, dimension]`.
    fn features(&self, rows: &Points) -> Vec<f64>;

    /// [`features`](Features::features), checked.
    ///
    /// # Errors
    /// [`Error::Shape`] if these are not [`dimension`](Features::dimension) numbers for each row; [`Error::Invalid`] if one of
    /// them is not finite, with its row and column.
    fn try_features(&self, rows: &Points) -> Result<Points> {
        let features = self.features(rows);
        if self.dimension().checked_mul(rows.len()) != Some(features.len()) {
            let what = format!("features '{}' of {} rows", self.name(), rows.len());
            return Err(Error::Shape { what, expected: vec![rows.len(), self.dimension()], found: vec![features.len()] });
        }
        Points::new(features, self.dimension())
    }
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<F: Features + ?Sized> Features for $pointer {
            fn name(&self) -> String {
                (**self).name()
            }
            fn dimension(&self) -> usize {
                (**self).dimension()
            }
            fn features(&self, rows: &Points) -> Vec<f64> {
                (**self).features(rows)
            }
            fn try_features(&self, rows: &Points) -> Result<Points> {
                (**self).try_features(rows)
            }
        }
    )+};
}
forward!(&F, Box<F>, Arc<F>);

/// The rows themselves as features.
///
/// ```
/// use flowmap::{data::Points, metric::{Features, RawFeatures}};
/// let rows = Points::new(vec![1.0, 2.0, 3.0, 4.0], 2)?;
/// assert_eq!(RawFeatures(2).try_features(&rows)?, rows);
/// assert!(RawFeatures(3).try_features(&rows).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RawFeatures(
    /// The number of coordinates of a row.
    pub usize,
);

impl Features for RawFeatures {
    fn name(&self) -> String {
        "raw".into()
    }

    fn dimension(&self) -> usize {
        self.0
    }

    fn features(&self, rows: &Points) -> Vec<f64> {
        rows.as_slice().to_vec()
    }
}

/// The inner layer of a classifier as features.
///
/// # Panics
/// [`features`](Features::features) panics if rows are not images of the classifier's shape;
/// [`try_features`](Features::try_features) returns [`Error::Shape`].
impl<T: ImageTensor<Primal = T>> Features for Classifier<T> {
    fn name(&self) -> String {
        self.name()
    }

    fn dimension(&self) -> usize {
        Self::FEATURES
    }

    fn features(&self, rows: &Points) -> Vec<f64> {
        self.inner_layer(rows).unwrap_or_else(|error| panic!("{error}")).as_slice().to_vec()
    }

    fn try_features(&self, rows: &Points) -> Result<Points> {
        self.inner_layer(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Roots;
    impl Features for Roots {
        fn name(&self) -> String {
            "roots".into()
        }
        fn dimension(&self) -> usize {
            1
        }
        fn features(&self, rows: &Points) -> Vec<f64> {
            rows.as_slice().iter().map(|x| x.sqrt()).collect()
        }
    }

    #[test]
    fn bad_features_are_named() {
        let rows = |x: &[f64]| Points::new(x.to_vec(), 1).unwrap();
        let error = Roots.try_features(&rows(&[1.0, 4.0, -1.0])).unwrap_err().to_string();
        assert!(error.contains("row 2, column 0 is NaN"), "{error}");
        let error = RawFeatures(2).try_features(&rows(&[1.0, 4.0, -1.0, 0.0])).unwrap_err().to_string();
        assert!(error.contains("'raw' of 4 rows: expected shape [4, 2], found [4]"), "{error}");
    }

    #[test]
    fn pointers_are_what_they_point_to() {
        let rows = Points::new(vec![1.0, 4.0], 1).unwrap();
        let dynamic: Box<dyn Features> = Box::new(Roots);
        for features in [&Roots as &dyn Features, &dynamic, &Arc::new(Roots), &&Roots] {
            assert_eq!((features.name(), features.dimension()), ("roots".into(), 1));
            assert_eq!(features.try_features(&rows).unwrap().as_slice(), [1.0, 2.0]);
        }
    }
}
