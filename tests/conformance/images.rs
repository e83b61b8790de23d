//! Operations on images against plain loops, and their composed defaults.

use crate::backend::{Array, Backend, ImageBackend, assert_close, assert_same, host, indices, offset, random};
use flowmap::{
    AverageVelocity, ImageTensor, Layout, Number, State, Tape, Tensor, Value, Var, Window,
    learn::{Context, Distillation},
    nn::{EdmShape, EdmUNet, Model, Module, UNet, UNetShape},
};

/// Image, kernel and window: even and uneven sizes, pixels beside the image, windows that leave pixels out, empty batches.
type Convolution = ([usize; 4], [usize; 4], Window);
const CONVOLUTIONS: [Convolution; 11] = [
    ([2, 5, 4, 3], [3, 3, 3, 2], Window::same(3)),
    ([1, 1, 1, 1], [1, 1, 1, 1], Window::same(1)),
    ([3, 7, 6, 2], [3, 3, 2, 5], Window { stride: 2, padding: 1 }),
    ([2, 8, 9, 4], [2, 4, 4, 3], Window { stride: 3, padding: 2 }),
    ([2, 6, 6, 1], [2, 2, 1, 4], Window { stride: 2, padding: 0 }),
    ([1, 4, 4, 8], [3, 3, 8, 1], Window::same(3)),
    ([4, 3, 3, 2], [5, 5, 2, 2], Window::same(5)),
    ([0, 4, 4, 2], [3, 3, 2, 2], Window::same(3)),
    ([2, 4, 4, 0], [3, 3, 0, 2], Window::same(3)),
    ([2, 4, 4, 2], [3, 3, 2, 0], Window::same(3)),
    // several blocks of gathered rows, and several passes of their product
    ([3, 28, 28, 65], [3, 3, 65, 17], Window::same(3)),
];

/// The pairs of an output element's image pixel and tap: `f(batch, out row, out column, row, column, tap row, tap column)`.
fn each(x: [usize; 4], w: [usize; 4], window: Window, mut f: impl FnMut([usize; 7])) -> [usize; 4] {
    let [n, height, width, _] = x;
    let [rows, columns] = window.output([height, width], [w[0], w[1]]);
    for index in indices(&[n, rows, columns, w[0], w[1]]) {
        let [b, i, j, p, q] = index[..] else { unreachable!("five axes") };
        let (row, column) = (window.stride * i + p, window.stride * j + q);
        if (window.padding..height + window.padding).contains(&row) && (window.padding..width + window.padding).contains(&column)
        {
            f([b, i, j, row - window.padding, column - window.padding, p, q]);
        }
    }
    [n, rows, columns, w[3]]
}

/// All three maps of a convolution are the trilinear form `Σ x w y` without one of its factors.
struct Form {
    values: Vec<f64>,
    sizes: Vec<f64>,
}

impl Form {
    fn new(size: usize) -> Self {
        Self { values: vec![0.0; size], sizes: vec![0.0; size] }
    }
    fn add(&mut self, at: usize, term: f64) {
        self.values[at] += term;
        self.sizes[at] += term.abs();
    }
}

pub fn convolutions<B: ImageBackend>() {
    for (x_shape, w_shape, window) in CONVOLUTIONS {
        let [_, height, width, inputs] = x_shape;
        let y_shape = each(x_shape, w_shape, window, |_| ());
        let (x, w, y) =
            (random::<B>(1, &x_shape, -1.0..1.0), random::<B>(2, &w_shape, -1.0..1.0), random::<B>(3, &y_shape, -1.0..1.0));
        let bias = random::<B>(4, &w_shape[3..], -1.0..1.0);
        let (mut to_y, mut to_x, mut to_w) = (Form::new(y.values.len()), Form::new(x.values.len()), Form::new(w.values.len()));
        for (i, start) in bias.values.iter().cycle().take(y.values.len()).enumerate() {
            to_y.add(i, *start);
        }
        each(x_shape, w_shape, window, |[b, i, j, row, column, p, q]| {
            for c in 0..inputs {
                let (at_x, x) = (offset(&x_shape, &[b, row, column, c]), &x.values);
                for o in 0..w_shape[3] {
                    let (at_w, at_y) = (offset(&w_shape, &[p, q, c, o]), offset(&y_shape, &[b, i, j, o]));
                    to_y.add(at_y, x[at_x] * w.values[at_w]);
                    to_x.add(at_x, w.values[at_w] * y.values[at_y]);
                    to_w.add(at_w, x[at_x] * y.values[at_y]);
                }
            }
        });
        let what = format!("of {x_shape:?} with {w_shape:?}, {window:?}");
        let check = |name: &str, found: &B::T, shape: &[usize], form: &Form| {
            assert_close::<B>(&format!("{name} {what}"), found, shape, &form.values, &form.sizes, 60.0);
        };
        let (x, w, y, bias) = (x.tensor::<B>(), w.tensor::<B>(), y.tensor::<B>(), bias.tensor::<B>());
        check("conv2d", &x.conv2d(&w, Some(&bias), window), &y_shape, &to_y);
        assert_eq!(host(&x.conv2d(&w, None, window)), host(&x.conv2d(&w, Some(&bias.constant(0.0)), window)), "no bias is zeros");
        check("conv2d_adjoint", &y.conv2d_adjoint(&w, window, [height, width]), &x_shape, &to_x);
        check("conv2d_kernel", &x.conv2d_kernel(&y, window, [w_shape[0], w_shape[1]]), &w_shape, &to_w);
    }
}

pub fn resolution<B: ImageBackend>() {
    for (shape, factor) in [([2, 4, 6, 3], 2), ([1, 9, 3, 1], 3), ([3, 2, 5, 4], 1), ([0, 4, 4, 2], 2), ([5, 28, 28, 16], 2)] {
        let x = random::<B>(1, &shape, -1.0..1.0);
        let [n, height, width, c] = shape;
        let large = [n, height * factor, width * factor, c];
        let repeated: Vec<f64> =
            indices(&large).into_iter().map(|i| x.values[offset(&shape, &[i[0], i[1] / factor, i[2] / factor, i[3]])]).collect();
        let up = x.tensor::<B>().upsample(factor);
        assert_same("upsample", &up, &large, &repeated);
        // the mean of equal pixels is that pixel, but for rounding
        let ones = vec![1.0; x.values.len()];
        assert_close::<B>("downsample after upsample", &up.downsample(factor), &shape, &x.values, &ones, 4.0);
        if height.is_multiple_of(factor) && width.is_multiple_of(factor) {
            let small = [n, height / factor, width / factor, c];
            let mut means = vec![0.0; small.iter().product()];
            for i in indices(&shape) {
                means[offset(&small, &[i[0], i[1] / factor, i[2] / factor, i[3]])] +=
                    x.values[offset(&shape, &i)] / (factor * factor) as f64;
            }
            let ones = vec![1.0; means.len()];
            assert_close::<B>("downsample", &x.tensor::<B>().downsample(factor), &small, &means, &ones, 4.0);
        }
    }
}

pub fn channels<B: ImageBackend>() {
    for shape in [[2, 3, 4, 5], [1, 1, 1, 1], [0, 2, 2, 3], [3, 28, 28, 32]] {
        let (x, b) = (random::<B>(1, &shape, -1.0..1.0), random::<B>(2, &[shape[0], shape[3]], -1.0..1.0));
        let of = |i: &[usize]| b.values[i[0] * shape[3] + i[3]];
        let pairs: Vec<[f64; 2]> = indices(&shape).iter().zip(&x.values).map(|(i, x)| [*x, of(i)]).collect();
        let (sums, products) =
            (pairs.iter().map(|[x, b]| x + b).collect::<Vec<_>>(), pairs.iter().map(|[x, b]| x * b).collect::<Vec<_>>());
        let ones = vec![2.0; pairs.len()];
        let [x, b] = [x, b].map(|x| x.tensor::<B>());
        assert_close::<B>("add_to_channels", &x.add_to_channels(&b), &shape, &sums, &ones, 1.0);
        assert_close::<B>("scale_channels", &x.scale_channels(&b), &shape, &products, &ones, 1.0);
    }
}

/// Of the LSD loss of tiny U-Nets, parameters of every kind: reverse over forward against central differences.
pub fn unet_gradients<B: ImageBackend>() {
    let shape = UNetShape::new([4, 4, 1])
        .with_channels(&[4, 8])
        .with_groups(2)
        .with_frequencies(0.5, 4.0)
        .with_layout(Layout::new(16).with_conditions(2));
    loss_gradients::<B, _>(UNet::new_on(&B::device(), &shape, 3).unwrap(), 18);
}

pub fn edm_gradients<B: ImageBackend>() {
    let shape = EdmShape::new([4, 4, 1], 4, &[1, 2]).with_blocks(1).with_attention(&[2]).with_head(2);
    let shape = shape.with_layout(Layout::new(16).with_classes(2).with_scale());
    loss_gradients::<B, _>(EdmUNet::new_on(&B::device(), &shape, 3).unwrap(), 19);
}

pub fn loss_gradients<B: Backend, M: Model<B::T>>(mut net: M, dimension: usize) {
    const STEP: f64 = 1e-5;
    // nothing is born as zero, where gradients of others would vanish
    net.visit_mut(&mut |name, p| {
        let seed = name.bytes().fold(7, |hash: u64, b| hash.wrapping_mul(31).wrapping_add(b.into()));
        *p = p.clone() + random::<B>(seed, p.shape(), -0.2..0.2).tensor::<B>();
    });
    let [s, t] = [[0.1, 0.5], [0.8, 0.6]].map(|v| Array { shape: vec![2], values: v.to_vec() }.tensor::<B>());
    let x = random::<B>(5, &[2, dimension], -1.0..1.0).tensor::<B>();
    let objective: Distillation = "lsd:none".parse().unwrap();
    let loss = |net: &M| {
        let tape = Tape::new();
        let live = net.on_tape(&tape);
        let [s, t, x] = [&s, &t, &x].map(|v| Var::constant(v.clone()));
        let residual = objective.residual(&Context::new(&live, &s, &t, &x)).unwrap();
        let squares = residual.dot(&residual);
        let loss = match live.log_loss(&s, &t, &x) {
            None => squares,
            Some(w) => squares * (-w.clone()).exp() + w,
        };
        (loss.sum(0..1), live, tape)
    };
    let (value, live, tape) = loss(&net);
    let mut gradients = tape.gradients(&value);
    let mut found = vec![];
    live.visit(&mut |name, p| found.push((name.to_string(), host(&gradients.take(p).expect("a gradient flows")))));
    let mut squares = [0.0; 2];
    for (k, (name, found)) in found.iter().enumerate() {
        // of each parameter a few coordinates, spread over it
        for i in (0..found.len()).step_by(found.len().div_ceil(5)) {
            let at = |h: f64| {
                let (mut moved, mut position) = (net.clone(), 0);
                moved.visit_mut(&mut |_, p| {
                    if position == k {
                        let mut values = host(p);
                        values[i] += h;
                        *p = Array { shape: p.shape().to_vec(), values }.tensor::<B>();
                    }
                    position += 1;
                });
                loss(&moved).0.values()[0]
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let error = found[i] - difference;
            assert!(error.abs() < 1e-5 * difference.abs().max(0.1), "{name}[{i}]: {} against {difference}", found[i]);
            squares = [squares[0] + error * error, squares[1] + difference * difference];
        }
    }
    assert!(squares[1] > 1e-2, "something to compare");
    assert!((squares[0] / squares[1]).sqrt() < 1e-6, "relative distance {:e}", (squares[0] / squares[1]).sqrt());
}

/// Of the magnitude-preserving U-Net: classes and the scale of guidance are at rest and count, sizes of weights do not,
/// activations keep their size, and are left out only while there are seeds.
pub fn edm_properties<B: ImageBackend>() {
    let shape = EdmShape::new([8, 8, 1], 8, &[1, 2])
        .with_blocks(1)
        .with_layout(Layout::new(64).with_classes(3).with_scale())
        .with_dropout(0.3);
    let mut net: EdmUNet<B::T> = EdmUNet::new_on(&B::device(), &shape, 1).unwrap();
    assert_eq!(flowmap::nn::parameter_count(&net), shape.parameter_count());
    let x = random::<B>(5, &[4, 68], -1.7..1.7).tensor::<B>();
    let [s, t] = [0.2, 0.7].map(|t| Array { shape: vec![], values: vec![t] }.tensor::<B>());
    assert!(host(&net.average_velocity(&s, &t, &x)).iter().all(|v| *v == 0.0), "it begins as the identity");
    let gains = |net: &mut EdmUNet<B::T>, end: &str, value: f64| {
        net.visit_mut(&mut |name, p| {
            if name == end || end.starts_with('.') && name.ends_with(end) {
                *p = p.constant(value);
            }
        });
    };
    gains(&mut net, "gain", 1.0);
    let velocity = net.average_velocity(&s, &t, &x);
    assert!(host(&velocity.slice(1, 64..68)).iter().all(|v| *v == 0.0), "classes and the scale are at rest");
    let pixels = host(&velocity.slice(1, 0..64));
    let size = (pixels.iter().map(|v| v * v).sum::<f64>() / pixels.len() as f64).sqrt();
    assert!((0.3..3.0).contains(&size), "values of size 1 stay at size 1: {size}");

    // times and classes enter by gains that begin at zero
    gains(&mut net, ".gain", 0.5);
    let pixels = host(&net.average_velocity(&s, &t, &x).slice(1, 0..64));
    let told = random::<B>(6, &[4, 3], 0.0..1.0).tensor::<B>();
    let differs = |s: &B::T, t: &B::T, x: &B::T| {
        let other = host(&net.average_velocity(s, t, x).slice(1, 0..64));
        other.iter().zip(&pixels).any(|(a, b)| (a - b).abs() > 1e-4)
    };
    assert!(differs(&s, &t, &B::T::concat(&[x.slice(1, 0..64), told, x.slice(1, 67..68)], 1)), "classes count");
    assert!(differs(&s, &t, &B::T::concat(&[x.slice(1, 0..67), x.slice(1, 67..68).shift(1.0)], 1)), "the scale counts");
    assert!(differs(&t, &t, &x) && differs(&s, &s, &x) && !differs(&s, &t, &x), "both times count");

    let mut net = net.clone();
    let mut seed = 0;
    net.set_training(&mut || {
        seed += 1;
        Some(seed)
    });
    assert!(seed > 4, "each block asks for a seed: {seed}");
    let left_out = host(&net.average_velocity(&s, &t, &x).slice(1, 0..64));
    assert!(left_out.iter().zip(&pixels).any(|(a, b)| (a - b).abs() > 0.1 * size), "something is left out");
    net.set_training(&mut || None);
    assert_eq!(host(&net.average_velocity(&s, &t, &x).slice(1, 0..64)), pixels, "nothing is left out any more");

    let mut directions = 0;
    net.visit_mut(&mut |name, p| {
        if name.ends_with(".direction") {
            directions += 1;
            *p = p.scale(3.0);
        }
    });
    assert!(directions > 10, "{directions}");
    let scaled = host(&net.average_velocity(&s, &t, &x).slice(1, 0..64));
    assert!(scaled.iter().zip(&pixels).all(|(a, b)| (a - b).abs() < 1e-2 * size), "the size of a direction does not count");
    net.after_step();
    net.visit_mut(&mut |name, p| {
        let square = (p.clone() * &*p).sum(0..p.shape().len()).values()[0] / p.shape().iter().product::<usize>() as f64;
        assert!(!name.ends_with(".direction") || (square - 1.0).abs() < 1e-2, "{name}: a mean square of {square} after a step");
    });
}
