//! Files made before they are needed, at their full size: a full disk shows before anything is spent.

#![expect(clippy::disallowed_methods, reason = "the disk room owns the making of files")]

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::DiskError;
use super::write::sync_directory_of;

/// Makes a new file of `size` zeroes, 0600, its space on the disk taken, synced with its directory.
///
/// # Errors
/// When it is there already, or the disk has no room; nothing is left behind then.
pub fn reserve(path: &Path, size: usize) -> Result<File, DiskError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(DiskError::io("create", path))?;
    let made = allocate(&file, size)
        .and_then(|()| file.sync_all())
        .map_err(DiskError::io("take the space of", path))
        .and_then(|()| sync_directory_of(path));
    match made {
        Ok(()) => Ok(file),
        Err(error) => {
            super::remove(path)?;
            Err(error)
        }
    }
}

/// Writes over what a reserved file has, from its beginning, and syncs it. What is behind it stays zero.
///
/// # Errors
/// When the disk fails.
pub fn fill(mut file: &File, path: &Path, content: &[u8]) -> Result<(), DiskError> {
    let written =
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(content)).and_then(|()| file.sync_data());
    written.map_err(DiskError::io("write", path))
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, size: usize) -> std::io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match fallocate(file, FallocateFlags::empty(), 0, size as u64) {
        // Not every file system can; then zeroes are written.
        Err(rustix::io::Errno::OPNOTSUPP) => write_zeroes(file, size),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(file: &File, size: usize) -> std::io::Result<()> {
    write_zeroes(file, size)
}

fn write_zeroes(mut file: &File, size: usize) -> std::io::Result<()> {
    file.write_all(&vec![0; size])
}
