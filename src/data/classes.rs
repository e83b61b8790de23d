//! The classes of a set of images.

use crate::{Error, Result};

/// A class for each image, and the names of the classes, if known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Classes {
    labels: Option<Vec<u32>>,
    /// Empty where unknown.
    names: Vec<String>,
}

impl Classes {
    /// The labels of `count` images.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are more or fewer labels.
    pub fn new(labels: Option<Vec<u32>>, count: usize) -> Result<Self> {
        match labels.as_ref().map(Vec::len) {
            Some(found) if found != count => {
                Err(Error::Shape { what: "labels, one for each image".into(), expected: vec![count], found: vec![found] })
            }
            _ => Ok(Self { labels, names: Vec::new() }),
        }
    }

    /// # Errors
    /// [`Error::Invalid`] if there are no labels, or a label has no name.
    pub fn with_names(self, names: Vec<String>) -> Result<Self> {
        let Some(labels) = &self.labels else {
            return Err(Error::invalid("class names", "the images have no labels; give labels first"));
        };
        if let Some((i, label)) = labels.iter().enumerate().find(|(_, label)| **label as usize >= names.len()) {
            let reason = format!("image {i} has label {label} and there are {} names; give one for each class", names.len());
            return Err(Error::invalid("class names", reason));
        }
        Ok(Self { names, ..self })
    }

    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    pub fn names(&self) -> Option<&[String]> {
        (!self.names.is_empty()).then_some(&self.names)
    }

    /// The number of names, or else one more than the largest label.
    pub fn count(&self) -> Option<usize> {
        let largest = self.labels.as_ref()?.iter().max()?;
        Some(self.names.len().max(*largest as usize + 1))
    }

    /// The classes of the images `indices` alone.
    pub fn picked(&self, indices: &[usize]) -> Self {
        let labels = self.labels.as_ref().map(|labels| indices.iter().map(|&i| labels[i]).collect());
        Self { labels, names: self.names.clone() }
    }
}
