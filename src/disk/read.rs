//! Reads with a limit, of regular files only: a FIFO does not block us, a huge file does not fill our memory.

#![expect(clippy::disallowed_methods, reason = "the disk room owns reading")]

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::DiskError;

/// What a read found.
pub enum Read {
    /// There is no such file.
    Missing,
    /// Its content, wiped when dropped.
    Content(Zeroizing<Vec<u8>>),
}

/// Reads a whole file of at most `max` bytes. Symbolic links are followed.
///
/// # Errors
/// When it is larger, is no regular file, or cannot be read. A missing file is no error.
pub fn read_capped(path: &Path, max: usize) -> Result<Read, DiskError> {
    match open_regular(path)? {
        None => Ok(Read::Missing),
        Some(file) => read_open(&file, path, max).map(Read::Content),
    }
}

/// Opens a regular file; `None` when there is none.
pub(super) fn open_regular(path: &Path) -> Result<Option<File>, DiskError> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a FIFO would wait for a writer.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default(),
    );
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DiskError::io("open", path)(error)),
    };
    let metadata = file.metadata().map_err(DiskError::io("look at", path))?;
    if !metadata.is_file() {
        return Err(DiskError::NotAFile(path.to_owned()));
    }
    Ok(Some(file))
}

/// Reads the rest of an open file of at most `max` bytes.
///
/// # Errors
/// When there is more, or it cannot be read.
pub fn read_open(file: &File, path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, DiskError> {
    let too_large = || DiskError::TooLarge { path: path.to_owned(), max };
    let length = file.metadata().map_err(DiskError::io("look at", path))?.len();
    let length = usize::try_from(length).map_err(|_| too_large())?;
    if length > max {
        return Err(too_large());
    }
    // Made at its full size: a vector that grows leaves copies of a secret behind.
    let mut content = Zeroizing::new(Vec::with_capacity(length + 1));
    let limit = u64::try_from(max).map_err(|_| too_large())?.saturating_add(1);
    file.take(limit).read_to_end(&mut content).map_err(DiskError::io("read", path))?;
    if content.len() > max { Err(too_large()) } else { Ok(content) }
}
