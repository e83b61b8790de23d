//! The tape: records a computation, and propagates cotangents back through it.

use super::{Tensor, Var};
use std::{
    cell::RefCell,
    fmt::{self, Debug, Formatter},
    rc::Rc,
};

type Pullback<T> = Box<dyn FnOnce(&mut Gradients<T>)>;

/// The record of a computation, from which [`gradients`](Tape::gradients) follow by the chain rule.
///
/// A tape belongs to one thread (it is not `Send`); the tensors on it may use many.
///
/// ```
/// use flowmap::{Number, Tape, Tensor, Value, backend::ndarray::NdTensor};
/// let tape = Tape::new();
/// let x = tape.leaf(NdTensor::<f64>::from_slice(&[1.0, 2.0], &[2]));
/// let y = (x.clone() * &x).sum(0..1); // |x|²
/// let mut gradients = tape.gradients(&y);
/// assert_eq!(gradients.take(&x).unwrap().to_vec(), [2.0, 4.0]);
/// ```
pub struct Tape<T> {
    record: Rc<RefCell<Record<T>>>,
}

struct Record<T> {
    pullbacks: Vec<Pullback<T>>,
    variables: usize,
    /// The number of times the tape was emptied: earlier results are no longer on it.
    sweeps: usize,
}

impl<T> Clone for Tape<T> {
    fn clone(&self) -> Self {
        Self { record: Rc::clone(&self.record) }
    }
}

/// Shows counts only, since pullbacks cannot be printed.
impl<T> Debug for Tape<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let record = self.record.borrow();
        f.debug_struct("Tape")
            .field("variables", &record.variables)
            .field("pullbacks", &record.pullbacks.len())
            .field("sweeps", &record.sweeps)
            .finish()
    }
}

impl<T: Tensor<Primal = T>> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Tensor<Primal = T>> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self { record: Rc::new(RefCell::new(Record { pullbacks: Vec::new(), variables: 0, sweeps: 0 })) }
    }

    /// A variable with this value, to which gradients flow.
    pub fn leaf(&self, value: T) -> Var<T> {
        Var { value, node: Some(Node { sweep: None, ..self.node() }) }
    }

    /// A new variable.
    pub(super) fn node(&self) -> Node<T> {
        let mut record = self.record.borrow_mut();
        record.variables += 1;
        Node { tape: self.clone(), id: record.variables - 1, sweep: Some(record.sweeps) }
    }

    /// Records how cotangents flow back through an operation.
    pub(super) fn push(&self, pullback: impl FnOnce(&mut Gradients<T>) + 'static) {
        self.record.borrow_mut().pullbacks.push(Box::new(pullback));
    }

    /// Whether the two are the same tape.
    pub(super) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.record, &other.record)
    }

    /// The gradients of the sum of `y`'s elements with respect to every variable on the tape, which is emptied.
    ///
    /// # Panics
    /// If `y` lies on another tape, or was computed before the tape was last emptied.
    pub fn gradients(&self, y: &Var<T>) -> Gradients<T> {
        let (pullbacks, variables) = {
            let mut record = self.record.borrow_mut();
            y.node.iter().for_each(|node| node.check(record.sweeps));
            record.sweeps += 1;
            (std::mem::take(&mut record.pullbacks), record.variables)
        };
        let mut gradients = Gradients { tape: self.clone(), slots: (0..variables).map(|_| None).collect() };
        if let Some(node) = &y.node {
            assert!(self.is(&node.tape), "gradients: the variable is not on this tape");
            gradients.slots[node.id] = Some(y.value.constant(1.0));
            // each pullback is dropped as soon as it has run, and with it the values that it kept
            for pullback in pullbacks.into_iter().rev() {
                pullback(&mut gradients);
            }
        }
        gradients
    }
}

/// The gradients that [`Tape::gradients`] found.
#[derive(Debug)]
pub struct Gradients<T> {
    tape: Tape<T>,
    slots: Vec<Option<T>>,
}

impl<T: Tensor<Primal = T>> Gradients<T> {
    /// The gradient with respect to `x`, or `None` if none flowed to it. A second call returns `None`.
    ///
    /// # Panics
    /// If `x` lies on another tape.
    pub fn take(&mut self, x: &Var<T>) -> Option<T> {
        let node = x.node.as_ref()?;
        assert!(self.tape.is(&node.tape), "take: the variable is not on the tape of these gradients");
        self.take_at(node.id)
    }

    pub(super) fn take_at(&mut self, id: usize) -> Option<T> {
        self.slots.get_mut(id)?.take()
    }

    pub(super) fn set(&mut self, id: usize, gradient: T) {
        self.slots[id] = Some(gradient);
    }

    pub(super) fn add(&mut self, id: usize, gradient: T) {
        let slot = &mut self.slots[id];
        *slot = Some(match slot.take() {
            None => gradient,
            Some(sum) => sum + gradient,
        });
    }
}

/// A variable's place on its tape.
pub(super) struct Node<T> {
    pub(super) tape: Tape<T>,
    pub(super) id: usize,
    /// The sweep in which it was computed; `None` for leaves, which stay on the tape.
    sweep: Option<usize>,
}

impl<T> Node<T> {
    fn check(&self, sweeps: usize) {
        let there = self.sweep.is_none_or(|sweep| sweep == sweeps);
        assert!(there, "this variable was computed before its tape was emptied by `gradients`; compute it again");
    }

    /// # Panics
    /// If the tape was emptied since.
    pub(super) fn check_current(&self) {
        self.check(self.tape.record.borrow().sweeps);
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        Self { tape: self.tape.clone(), id: self.id, sweep: self.sweep }
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::backend::ndarray::NdTensor;

    fn leaf(tape: &Tape<NdTensor<f64>>) -> Var<NdTensor<f64>> {
        tape.leaf(NdTensor::from_slice(&[2.0], &[]))
    }

    #[test]
    fn leaves_outlive_a_sweep() {
        let tape = Tape::new();
        let w = leaf(&tape);
        for _ in 0..2 {
            let y = w.clone() * &w;
            assert_eq!(tape.gradients(&y).take(&w).unwrap().to_vec(), [4.0]);
        }
    }

    #[test]
    fn a_tape_shows_how_much_is_on_it() {
        let tape = Tape::new();
        let w = leaf(&tape);
        let y = w.clone() * &w;
        assert_eq!(format!("{tape:?}"), "Tape { variables: 2, pullbacks: 1, sweeps: 0 }");
        tape.gradients(&y);
        assert_eq!(format!("{tape:?}"), "Tape { variables: 2, pullbacks: 0, sweeps: 1 }");
    }

    #[test]
    #[should_panic(expected = "before its tape was emptied")]
    fn what_was_swept_cannot_be_computed_with() {
        let tape = Tape::new();
        let w = leaf(&tape);
        let a = w.clone() * &w;
        tape.gradients(&a);
        let _ = a * &w;
    }

    #[test]
    #[should_panic(expected = "not on the tape")]
    fn gradients_of_another_tape_are_refused() {
        let (one, other) = (Tape::new(), Tape::new());
        let (x, y) = (leaf(&one), leaf(&other));
        one.gradients(&(x.clone() * &x)).take(&y);
    }
}
