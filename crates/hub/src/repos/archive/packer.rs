//! Writes tar and zip piece by piece.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Datelike as _, Timelike as _};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::Format;

/// Tar files are made of blocks of so many bytes.
const BLOCK_BYTES: u64 = 512;

/// An entry, before its bytes.
#[derive(Debug)]
pub(crate) enum Item {
    /// A folder.
    Folder,
    /// A symbolic link to this path.
    Link(String),
    /// A file.
    File {
        /// Its size in bytes.
        size: u64,
        /// Whether it can be run.
        executable: bool,
        /// Whether its bytes do not get smaller: those of large files hardly ever do.
        dense: bool,
    },
}

/// An archive in the making.
pub(crate) struct Packer {
    form: Form,
    output: Output,
}

enum Form {
    Tar {
        builder: Box<tar::Builder<GzEncoder<Output>>>,
        /// When the commit was made, in seconds since 1970.
        made: u64,
        /// The bytes of the file in hand so far.
        written: u64,
    },
    Zip {
        /// Taken when the archive is finished.
        writer: Option<Box<ZipWriter<StreamWriter<Output>>>>,
        made: zip::DateTime,
    },
}

impl Packer {
    /// An archive of a commit that was `made` so many seconds after 1970.
    pub(crate) fn new(format: Format, made: i64) -> Self {
        let output = Output::default();
        let form = match format {
            Format::TarGz => Form::Tar {
                // Weights hardly shrink, whatever the effort.
                builder: Box::new(tar::Builder::new(GzEncoder::new(output.clone(), Compression::fast()))),
                made: u64::try_from(made).unwrap_or(0),
                written: 0,
            },
            Format::Zip => Form::Zip { writer: Some(Box::new(ZipWriter::new_stream(output.clone()))), made: zip_time(made) },
        };
        Self { form, output }
    }

    /// Begins an entry.
    pub(crate) fn item(&mut self, path: &str, item: &Item) -> io::Result<()> {
        match &mut self.form {
            Form::Tar { builder, made, written } => {
                *written = 0;
                tar_item(builder, *made, path, item)
            }
            Form::Zip { writer, made } => zip_item(open(writer)?, *made, path, item),
        }
    }

    /// Goes on with the file that was begun.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.form {
            Form::Tar { builder, written, .. } => {
                *written += bytes.len() as u64;
                builder.get_mut().write_all(bytes)
            }
            Form::Zip { writer, .. } => open(writer)?.write_all(bytes),
        }
    }

    /// Ends the file that was begun.
    pub(crate) fn end_file(&mut self) -> io::Result<()> {
        let Form::Tar { builder, written, .. } = &mut self.form else { return Ok(()) };
        let rest = usize::try_from(written.next_multiple_of(BLOCK_BYTES) - *written).unwrap_or(0);
        builder.get_mut().write_all(&vec![0; rest])
    }

    /// Ends the archive.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Tar { builder, .. } => {
                builder.finish()?;
                builder.get_mut().try_finish()
            }
            Form::Zip { writer, .. } => {
                let writer = writer.take().ok_or_else(finished)?;
                writer.finish().map(|_| ()).map_err(io::Error::from)
            }
        }
    }

    /// What has come out since this was last asked.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.output.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn open(writer: &mut Option<Box<ZipWriter<StreamWriter<Output>>>>) -> io::Result<&mut ZipWriter<StreamWriter<Output>>> {
    writer.as_deref_mut().ok_or_else(finished)
}

fn finished() -> io::Error {
    io::Error::other("the archive is finished")
}

fn tar_item(builder: &mut tar::Builder<GzEncoder<Output>>, made: u64, path: &str, item: &Item) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mtime(made);
    // Nothing is read here: the bytes of a file follow piece by piece.
    match item {
        Item::Folder => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            builder.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Item::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            builder.append_link(&mut header, path, target)
        }
        Item::File { size, executable, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_size(*size);
            builder.append_data(&mut header, path, io::empty())
        }
    }
}

fn zip_item(writer: &mut ZipWriter<StreamWriter<Output>>, made: zip::DateTime, path: &str, item: &Item) -> io::Result<()> {
    let options = SimpleFileOptions::default().last_modified_time(made);
    match item {
        Item::Folder => writer.add_directory(path, options.unix_permissions(0o755))?,
        Item::Link(target) => writer.add_symlink(path, target, options)?,
        Item::File { size, executable, dense } => {
            // Readers that read from the front need a method that knows its own end, also for what does not shrink. 1 is the
            // least effort that the library takes.
            let options = options
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(if *dense { 1 } else { 6 }))
                .large_file(*size >= u64::from(u32::MAX) / 2)
                .unix_permissions(if *executable { 0o755 } else { 0o644 });
            writer.start_file(path, options)?;
        }
    }
    Ok(())
}

/// What a zip says of a time; it has no zone and begins in 1980.
fn zip_time(seconds: i64) -> zip::DateTime {
    let Some(time) = DateTime::from_timestamp(seconds, 0) else { return zip::DateTime::default() };
    let small = |number: u32| u8::try_from(number).unwrap_or(0);
    let year = u16::try_from(time.year()).unwrap_or(0);
    let (month, day) = (small(time.month()), small(time.day()));
    zip::DateTime::from_date_and_time(year, month, day, small(time.hour()), small(time.minute()), small(time.second()))
        .unwrap_or_default()
}

/// Keeps what was written until somebody takes it.
#[derive(Debug, Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
