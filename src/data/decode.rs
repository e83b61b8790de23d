//! Reads a PNG or JPEG file as an image of a given shape, cropped and resized.

use std::{
    fs::File,
    io::{Cursor, Read},
    path::Path,
};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, imageops, metadata::Orientation};

use super::{bad, shortened};
use crate::{Error, Result, durable};

/// The longest side of an image, before and after resizing: the limit of JPEG.
const LONGEST_SIDE: u32 = 65_535;

/// The most memory for the pixels of a file: an image of 13,000 x 13,000 in colour fits.
const MOST_BYTES: u64 = 512 << 20;

/// A bound on the decoded bytes of any file of `length` bytes: 1032 bytes from one by deflate, 8 pixels in a byte, 4 bytes for
/// each.
fn most_bytes(length: usize) -> u64 {
    MOST_BYTES.min((length as u64).saturating_mul(1032 * 8 * 4))
}

/// A shape that images can be resized to.
///
/// # Errors
/// [`Error::Invalid`] if there are no pixels, too many, or neither 1 nor 3 channels.
pub(super) fn check_shape([height, width, channels]: [usize; 3]) -> Result<()> {
    let side = 1..=LONGEST_SIDE as usize;
    if !side.contains(&height) || !side.contains(&width) || !matches!(channels, 1 | 3) {
        let reason = format!(
            "{height} x {width} with {channels} channels; give sides from 1 to {LONGEST_SIDE}, and 1 channel (grey) or 3 (colour)"
        );
        return Err(Error::invalid("shape of images", reason));
    }
    Ok(())
}

/// The pixels of the file's image, in `shape`: `height · width · channels` bytes.
pub(super) fn image(path: &Path, shape: [usize; 3]) -> Result<Vec<u8>> {
    let file = durable::at(path, File::open(path))?;
    let length = durable::at(path, file.metadata())?.len();
    if length > MOST_BYTES {
        return Err(bad(path, None, format!("{length} bytes, more than the limit of {MOST_BYTES}; shrink it")));
    }
    let mut bytes = Vec::new();
    // the file may grow meanwhile
    durable::at(path, file.take(MOST_BYTES).read_to_end(&mut bytes))?;
    pixels(&bytes, shape).map_err(|reason| bad(path, None, reason))
}

fn pixels(file: &[u8], [height, width, channels]: [usize; 3]) -> Result<Vec<u8>, String> {
    let whole = upright(file)?;
    let image = middle(whole, width as u32, height as u32);
    let [w, h] = [width as u32, height as u32];
    let filter = imageops::FilterType::CatmullRom;
    Ok(if channels == 1 {
        let grey = image.into_luma8();
        if grey.dimensions() == (w, h) { grey } else { imageops::resize(&grey, w, h, filter) }.into_raw()
    } else {
        let colour = image.into_rgb8();
        if colour.dimensions() == (w, h) { colour } else { imageops::resize(&colour, w, h, filter) }.into_raw()
    })
}

/// Decodes a file and applies the orientation stored by the camera.
fn upright(file: &[u8]) -> Result<DynamicImage, String> {
    let format = match image::guess_format(file) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => return Err("named as an image, but neither PNG nor JPEG inside; remove or convert it".into()),
    };
    if format == ImageFormat::Jpeg && !is_complete_jpeg(file) {
        return Err("the JPEG file is truncated; get it again".into());
    }
    let damaged = |e: image::ImageError| format!("not a readable {format:?} file ({})", shortened(&e.to_string()));
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(most_bytes(file.len()));
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    limits.reserve(decoder.total_bytes()).map_err(|_| {
        let (width, height) = decoder.dimensions();
        format!("{width} x {height} pixels are more than a file of {} bytes can hold, or than is allowed; shrink it", file.len())
    })?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut whole = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    whole.apply_orientation(orientation);
    Ok(whole)
}

/// Whether a JPEG file has its end marker; without it, the decoder fills missing pixels with grey.
fn is_complete_jpeg(file: &[u8]) -> bool {
    let last = |mark: u8| file.windows(2).rposition(|pair| pair == [0xff, mark]);
    let (scan, end) = (last(0xda), last(0xd9));
    scan.is_some() && scan < end
}

/// The largest centred part with this aspect ratio. Cropping before resizing keeps every intermediate image no larger than the
/// file's or the result.
fn middle(image: DynamicImage, width: u32, height: u32) -> DynamicImage {
    let fitted = |other: u32, numerator: u32, denominator: u32| {
        let exact = (u64::from(other) * u64::from(numerator) + u64::from(denominator) / 2) / u64::from(denominator);
        u32::try_from(exact.max(1)).unwrap_or(u32::MAX)
    };
    let (whole_width, whole_height) = (image.width(), image.height());
    let w = whole_width.min(fitted(whole_height, width, height));
    let h = whole_height.min(fitted(whole_width, height, width));
    if (w, h) == (whole_width, whole_height) {
        return image;
    }
    image.crop_imm((whole_width - w) / 2, (whole_height - h) / 2, w, h)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage, codecs::jpeg::JpegEncoder};

    use super::{super::tests::mutate, *};

    fn png(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn jpeg(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 95)).unwrap();
        bytes
    }

    /// Red to the left, green in the middle, blue to the right; 12 x 6.
    fn bands() -> DynamicImage {
        let colours = [Rgb([200, 0, 0]), Rgb([0, 200, 0]), Rgb([0, 0, 200])];
        RgbImage::from_fn(12, 6, |x, _| colours[x as usize / 4]).into()
    }

    #[test]
    fn an_image_of_the_shape_keeps_its_pixels() {
        let image = RgbImage::from_fn(5, 4, |x, y| Rgb([x as u8, y as u8, 9]));
        assert_eq!(pixels(&png(&image.clone().into()), [4, 5, 3]).unwrap(), image.into_raw());
        let grey = GrayImage::from_fn(5, 4, |x, y| Luma([(x + 10 * y) as u8]));
        assert_eq!(pixels(&png(&grey.clone().into()), [4, 5, 1]).unwrap(), grey.into_raw());
        let clear = RgbaImage::from_pixel(2, 2, Rgba([1, 2, 3, 0]));
        assert_eq!(pixels(&png(&clear.into()), [2, 2, 3]).unwrap(), [1, 2, 3].repeat(4));
    }

    #[test]
    fn the_middle_is_cut_and_resized() {
        // the middle 6 x 6 of 12 x 6: a column of red, four of green, one of blue
        let image = pixels(&png(&bands()), [6, 6, 3]).unwrap();
        let column = |x: usize| <[u8; 3]>::try_from(&image[3 * x..][..3]).unwrap();
        assert_eq!([column(0), column(1), column(4), column(5)], [[200, 0, 0], [0, 200, 0], [0, 200, 0], [0, 0, 200]]);
        // tall: the middle 3 x 6, all green
        assert_eq!(pixels(&png(&bands()), [4, 2, 3]).unwrap(), [0, 200, 0].repeat(8));
        let thin = GrayImage::from_pixel(1, 5000, Luma([9])).into();
        assert_eq!(pixels(&png(&thin), [3, 3, 1]).unwrap(), [9; 9]);
    }

    #[test]
    fn jpeg_is_near() {
        let image = pixels(&jpeg(&bands()), [6, 12, 3]).unwrap();
        let far = image.iter().zip(bands().to_rgb8().as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(far < 90, "{far}");
        assert!(image[..3][0] > 150 && image[33..36][2] > 150);
        let grey = GrayImage::from_pixel(16, 16, Luma([77])).into();
        assert!(pixels(&jpeg(&grey), [4, 4, 1]).unwrap().iter().all(|b| b.abs_diff(77) < 2));
    }

    #[test]
    fn the_camera_says_which_side_is_up() {
        // the note "turn right by a quarter" in the shortest form that a camera may write
        let note = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let plain = jpeg(&bands());
        let image = pixels(&[&plain[..2], note, &plain[2..]].concat(), [12, 6, 3]).unwrap();
        let (top, bottom) = (&image[..3], &image[image.len() - 3..]);
        assert!(top[0] > 150 && top[2] < 50 && bottom[2] > 150 && bottom[0] < 50, "{top:?} {bottom:?}");
    }

    #[test]
    fn truncated_files() {
        for good in [png(&bands()), jpeg(&bands())] {
            for length in 0..good.len() - 1 {
                // what ends a PNG file after its pixels is not needed
                let spare = good.starts_with(b"\x89PNG") && length >= good.len() - 16;
                assert!(pixels(&good[..length], [2, 2, 3]).is_err() || spare, "{length} of {}", good.len());
            }
        }
    }

    #[test]
    fn absurd_sizes() {
        // a PNG that claims 60,000 x 60,000 pixels, with the right checksum of its header
        let mut bytes = png(&bands());
        bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let checksum = crc32fast::hash(&bytes[12..29]).to_be_bytes();
        bytes[29..33].copy_from_slice(&checksum);
        let error = pixels(&bytes, [2, 2, 3]).unwrap_err();
        assert!(error.contains("60000 x 60000 pixels") || error.contains("not a readable Png"), "{error}");
        // a JPEG that claims 65,535 x 65,535
        let mut bytes = jpeg(&bands());
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].fill(0xff);
        let error = pixels(&bytes, [2, 2, 3]).unwrap_err();
        assert!(error.contains("65535 x 65535 pixels"), "{error}");
    }

    #[test]
    fn mutations() {
        let image = RgbImage::from_fn(19, 21, |x, y| Rgb([(x * y) as u8, (7 * x) as u8, (5 * y) as u8])).into();
        for good in [png(&image), jpeg(&image)] {
            mutate(&good, |bytes| {
                for shape in [[8, 8, 3], [21, 19, 1]] {
                    if let Ok(found) = pixels(bytes, shape) {
                        assert_eq!(found.len(), shape.iter().product::<usize>());
                    }
                }
            });
        }
    }
}
