//! The geometry of convolutions: which pixels an output reads.

/// How a kernel moves over an image.
///
/// With stride `σ` and padding `π`, output pixel `(i, j)` reads through tap `(a, b)` of a kernel the input pixel
/// `(σ i + a - π, σ j + b - π)`; outside the image there are zeros. An image of height `h` and a kernel of height `k` give
/// `⌊(h + 2π - k)/σ⌋ + 1` rows.
///
/// ```
/// use flowmap::Window;
/// assert_eq!(Window::same(3).output([28, 28], [3, 3]), [28, 28]);
/// assert_eq!(Window { stride: 2, padding: 1 }.output([28, 28], [3, 3]), [14, 14]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The step of the kernel in pixels, 1 or more.
    pub stride: usize,
    /// The rows and columns of zeros around the image on every side.
    pub padding: usize,
}

impl Window {
    /// Stride 1 with the padding that keeps the image's size, for a square kernel of odd `size`.
    pub const fn same(size: usize) -> Self {
        Self { stride: 1, padding: size / 2 }
    }

    /// The height and the width of the output.
    ///
    /// # Panics
    /// If the stride is 0, or the kernel is empty or larger than the padded image.
    #[track_caller]
    pub fn output(self, image: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        let Self { stride, padding } = self;
        assert!(stride > 0, "convolution: the stride is 0");
        std::array::from_fn(|i| {
            let (padded, size) = (image[i] + 2 * padding, kernel[i]);
            assert!(
                0 < size && size <= padded,
                "convolution: a kernel of size {kernel:?} does not fit into an image of size {image:?} with padding {padding}"
            );
            (padded - size) / stride + 1
        })
    }
}

/// For every pixel that is written and every tap of the kernel, the pixel that is read, if there is one.
///
/// A convolution is a matrix product once the pixels that each output reads are gathered in a row. Its adjoint with respect to
/// the image is the same kind of sum: every input pixel reads, through each tap, the output pixel that read it.
#[cfg_attr(not(any(feature = "ndarray", feature = "dfdx")), allow(dead_code, reason = "backends use it"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taps {
    /// Pixels written in each image.
    pub written: usize,
    /// Pixels to read in each image.
    pub read: usize,
    /// Taps of the kernel.
    pub count: usize,
    /// `written` rows of `count` pixels; [`Taps::NONE`] where there is none.
    pub pixels: Vec<u32>,
}

#[cfg_attr(not(any(feature = "ndarray", feature = "dfdx")), allow(dead_code, reason = "backends use it"))]
impl Taps {
    /// Outside the image.
    pub const NONE: u32 = u32::MAX;

    /// The taps of the convolution of an image.
    #[track_caller]
    pub fn new(window: Window, image: [usize; 2], kernel: [usize; 2]) -> Self {
        let output = window.output(image, kernel);
        let reads = |i: usize, a: usize| (window.stride * i + a).checked_sub(window.padding);
        Self::collect(output, image, kernel, false, reads)
    }

    /// The taps of its adjoint, which leads back to the image: in reversed order, so that neighbouring pixels are read in
    /// ascending order here, too.
    #[track_caller]
    pub fn adjoint(window: Window, image: [usize; 2], kernel: [usize; 2]) -> Self {
        let output = window.output(image, kernel);
        let reads = |i: usize, a: usize| {
            let moved = (i + window.padding).checked_sub(a)?;
            moved.is_multiple_of(window.stride).then_some(moved / window.stride)
        };
        Self::collect(image, output, kernel, true, reads)
    }

    fn collect(
        to: [usize; 2],
        from: [usize; 2],
        kernel: [usize; 2],
        reversed: bool,
        reads: impl Fn(usize, usize) -> Option<usize>,
    ) -> Self {
        let count = kernel[0] * kernel[1];
        let pixel = |out: usize, tap: usize| {
            let tap = if reversed { count - 1 - tap } else { tap };
            let y = reads(out / to[1], tap / kernel[1]).filter(|&y| y < from[0]);
            let x = reads(out % to[1], tap % kernel[1]).filter(|&x| x < from[1]);
            y.zip(x).map_or(Self::NONE, |(y, x)| (y * from[1] + x) as u32)
        };
        let written = to[0] * to[1];
        let pixels = (0..written).flat_map(|out| (0..count).map(move |tap| (out, tap))).map(|(out, tap)| pixel(out, tap));
        Self { written, read: from[0] * from[1], count, pixels: pixels.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adjoint_leads_back() {
        for (window, image, kernel) in [
            (Window::same(3), [4, 5], [3, 3]),
            (Window { stride: 2, padding: 1 }, [5, 4], [3, 3]),
            (Window { stride: 2, padding: 0 }, [6, 6], [2, 2]),
            (Window { stride: 3, padding: 2 }, [7, 5], [2, 4]),
        ] {
            let (there, back) = (Taps::new(window, image, kernel), Taps::adjoint(window, image, kernel));
            assert_eq!((there.written, there.read), (back.read, back.written));
            let mut found = 0;
            for out in 0..there.written {
                for tap in 0..there.count {
                    let pixel = there.pixels[out * there.count + tap];
                    if pixel != Taps::NONE {
                        assert_eq!(back.pixels[pixel as usize * back.count + back.count - 1 - tap], out as u32);
                        found += 1;
                    }
                }
            }
            assert_eq!(found, back.pixels.iter().filter(|&&pixel| pixel != Taps::NONE).count());
        }
    }

    #[test]
    #[should_panic(expected = "does not fit into an image of size [2, 9] with padding 0")]
    fn kernels_larger_than_the_image_are_refused() {
        Window { stride: 1, padding: 0 }.output([2, 9], [3, 3]);
    }
}
