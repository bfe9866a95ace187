//! Pictures of users and organisations. What is uploaded is decoded within limits, cut to a square, made small and encoded anew:
//! what the hub serves was made by the hub, and says nothing of where and with what a photograph was taken.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};
use sha2::{Digest as _, Sha256};

use super::queries::pictures as queries;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// On which channel of the database nodes hear that pictures changed.
pub(crate) const CHANNEL: &str = "pictures";
/// The largest upload, in bytes.
pub const MAX_UPLOAD_BYTES: usize = 4 * 1024 * 1024;
/// The largest width and height of an upload, in pixels.
const MAX_SIDE: u32 = 6000;
/// The most memory that decoding takes, in bytes: a few kilobytes of file can ask for gigabytes.
const MAX_DECODED_BYTES: u64 = 128 * 1024 * 1024;
/// Width and height of what is kept, in pixels: twice what the largest avatar on a page takes.
const SIDE: u32 = 256;

/// Gives a namespace a picture.
///
/// # Errors
/// 400 for what is no picture, or too large a one.
pub async fn set_picture(app: &App, namespace_pk: i64, name: &str, upload: Vec<u8>) -> HubResult<()> {
    // One at a time: each takes memory.
    let turn = app.picture_turns.enter(()).await;
    let content = tokio::task::spawn_blocking(move || encode(&upload)).await??;
    drop(turn);
    let version = hex::encode(Sha256::digest(&content).get(..8).unwrap_or_default());
    let mut tx = app.begin().await?;
    queries::replace_picture(&mut tx, namespace_pk, &version, &content).await?;
    queries::notify(&mut tx, CHANNEL).await?;
    tx.commit().await?;
    app.pictures.set(name, Some(version));
    Ok(())
}

/// Takes a namespace's picture away.
///
/// # Errors
/// The database does not answer.
pub async fn remove_picture(app: &App, namespace_pk: i64, name: &str) -> HubResult<()> {
    let mut tx = app.begin().await?;
    queries::delete_picture(&mut tx, namespace_pk).await?;
    queries::notify(&mut tx, CHANNEL).await?;
    tx.commit().await?;
    app.pictures.set(name, None);
    Ok(())
}

/// Learns who has a picture.
///
/// # Errors
/// The database does not answer.
pub async fn load(app: &App) -> sqlx::Result<()> {
    loop {
        let changes = app.pictures.changes();
        if app.pictures.replace(changes, queries::list_versions(&app.pool).await?) {
            return Ok(());
        }
    }
}

fn no_picture() -> HubError {
    HubError::bad_request("This is no picture that the hub can read: take a PNG, JPEG or WebP file.").at("picture")
}

/// Makes of any picture a square PNG of [`SIDE`] pixels.
fn encode(upload: &[u8]) -> HubResult<Vec<u8>> {
    let picture = decode(upload)?;
    let (width, height) = (picture.width(), picture.height());
    let side = width.min(height);
    // A view, because a copy would take as much memory again.
    let square = imageops::crop_imm(&picture, (width - side) / 2, (height - side) / 2, side, side);
    let small = imageops::resize(&*square, SIDE, SIDE, imageops::FilterType::CatmullRom);
    let mut content = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut content, CompressionType::Best, FilterType::Adaptive);
    let small = DynamicImage::ImageRgba8(small);
    // Most photographs have no transparency, and take a quarter less without it.
    let is_opaque = small.as_rgba8().is_some_and(|pixels| pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX));
    let small = if is_opaque { DynamicImage::ImageRgb8(small.into_rgb8()) } else { small };
    small.write_with_encoder(encoder).map_err(HubError::internal)?;
    Ok(content)
}

fn decode(upload: &[u8]) -> HubResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::new(Cursor::new(upload)).with_guessed_format().map_err(|_| no_picture())?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(too_large());
    }
    // Phones keep pictures as the sensor saw them, and say how to turn them.
    let orientation = decoder.orientation().map_err(refusal)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    picture.apply_orientation(orientation);
    if picture.width() == 0 || picture.height() == 0 { Err(no_picture()) } else { Ok(picture) }
}

fn too_large() -> HubError {
    HubError::bad_request(format!("This picture is too large: take one of at most {MAX_SIDE} pixels a side.")).at("picture")
}

fn refusal(error: image::ImageError) -> HubError {
    match error {
        image::ImageError::Limits(_) => too_large(),
        _ => no_picture(),
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture = RgbaImage::from_fn(width, height, |x, _| Rgba([u8::try_from(x % 256).unwrap(), 20, 30, 255]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(picture).into_rgb8().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn pictures_become_small_squares() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let made = encode(&file(500, 300, format)).unwrap();
            let read = image::load_from_memory_with_format(&made, ImageFormat::Png).unwrap();
            assert_eq!((read.width(), read.height()), (SIDE, SIDE), "{format:?}");
        }
    }

    #[test]
    fn what_is_no_picture_and_what_would_fill_the_memory_is_refused() {
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        let mut broken = file(40, 40, ImageFormat::Png);
        broken.truncate(100);
        for upload in [&svg[..], &broken, b"", b"GIF89a"] {
            let error = encode(upload).unwrap_err();
            assert!(error.message().contains("no picture"), "{error}");
        }
        // A header that claims 65,535 pixels a side, in a few bytes.
        let mut bomb = file(8, 8, ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let checksum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert!(encode(&bomb).unwrap_err().message().contains("too large"));
    }

    /// The checksum of a chunk of a PNG file.
    fn crc(bytes: &[u8]) -> u32 {
        let mut hasher = flate2::Crc::new();
        hasher.update(bytes);
        hasher.sum()
    }
}
