//! What a store in a directory promises besides: nobody else can write there, and what is no baton is no empty slot.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use authbaton::baton::MAX_BATON_BYTES;
use authbaton::store::{Access, Durability, Exclusive, FileStore, Store, StoreError};

use crate::place::{File, Place, content, get, put, slot};

/// A user that the tests do not run as.
const SOMEBODY: u32 = 54_321;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

/// A store that holds something, and the file that has it.
fn written() -> (File, std::path::PathBuf) {
    let place = File::new();
    put(&*place.open(), &slot(), None, "one");
    let baton = place.directory().join("default.baton");
    (place, baton)
}

/// Demands that neither reading nor writing trusts the directory, and that nothing in it is replaced.
#[track_caller]
fn is_untrusted(store: &dyn Store) {
    let loaded = store.load(&slot());
    assert!(matches!(loaded.err(), Some(StoreError::Untrusted(_))));
    let swapped = store.swap(&slot(), None, &content("two"));
    assert!(matches!(swapped.err(), Some(StoreError::Untrusted(_))));
}

#[test]
fn what_it_makes_is_for_its_owner_alone() {
    let (place, baton) = written();
    assert_eq!(mode(&place.directory()), 0o700);
    for entry in fs::read_dir(place.directory()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    // Also when somebody opened it up meanwhile.
    chmod(&baton, 0o644);
    let (_, version) = get(&*place.open(), &slot()).unwrap();
    put(&*place.open(), &slot(), Some(&version), "two");
    assert_eq!(mode(&baton), 0o600);
}

#[test]
fn a_swap_leaves_no_other_files() {
    let (place, _) = written();
    let store = place.open();
    let (_, version) = get(&*store, &slot()).unwrap();
    put(&*store, &slot(), Some(&version), "two");
    let conflict = store.swap(&slot(), Some(&version), &content("three"));
    assert!(matches!(conflict, Ok(authbaton::store::Swap::Conflict)));
    let names = fs::read_dir(place.directory()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["default.baton", "default.lock"]);
}

#[test]
fn a_link_in_place_of_the_directory_is_refused() {
    let (place, _) = written();
    let link = place.parent().join("link");
    symlink(place.directory(), &link).unwrap();
    is_untrusted(&FileStore::new(&link, false, false));
    // A dangling one as well: it is no directory that was never written.
    let dangling = place.parent().join("dangling");
    symlink(place.parent().join("nowhere"), &dangling).unwrap();
    is_untrusted(&FileStore::new(&dangling, false, false));
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    for bits in [0o770, 0o720, 0o702, 0o777, 0o1777] {
        let (place, baton) = written();
        chmod(&place.directory(), bits);
        is_untrusted(&*place.open());
        assert_eq!(fs::read(baton).unwrap(), b"one");
    }
    // Reading alone harms nothing: the content is sealed.
    let (place, _) = written();
    chmod(&place.directory(), 0o755);
    assert!(get(&*place.open(), &slot()).is_some());
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    if is_root() {
        let (place, baton) = written();
        chown(place.directory(), Some(SOMEBODY), None).unwrap();
        is_untrusted(&*place.open());
        assert_eq!(fs::read(baton).unwrap(), b"one");
    } else {
        is_untrusted(&FileStore::new(Path::new("/usr"), false, false));
    }
}

#[test]
fn a_file_in_place_of_the_directory_is_refused() {
    let place = File::new();
    fs::write(place.directory(), "x").unwrap();
    is_untrusted(&*place.open());
}

#[test]
fn what_is_no_file_in_place_of_the_baton_is_an_error_and_hangs_nobody() {
    let make_directory = |path: &Path| fs::create_dir(path).unwrap();
    let make_fifo = |path: &Path| {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    let makers: [&dyn Fn(&Path); 2] = [&make_directory, &make_fifo];
    for make in makers {
        let (place, baton) = written();
        let (_, version) = get(&*place.open(), &slot()).unwrap();
        fs::remove_file(&baton).unwrap();
        make(&baton);
        let store = place.open();
        assert!(store.load(&slot()).is_err());
        for expected in [None, Some(&version)] {
            assert!(store.swap(&slot(), expected, &content("two")).is_err());
        }
        assert!(!baton.is_file(), "it was replaced");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_an_empty_slot() {
    let (place, baton) = written();
    // Root reads everything, so what it cannot read is something else: too much, or a link that leads nowhere round.
    fs::write(&baton, vec![b'x'; MAX_BATON_BYTES + 1]).unwrap();
    assert!(place.open().load(&slot()).is_err());
    assert!(place.open().swap(&slot(), None, &content("two")).is_err());
    fs::remove_file(&baton).unwrap();
    symlink(&baton, &baton).unwrap();
    assert!(place.open().load(&slot()).is_err());
    if !is_root() {
        let (place, baton) = written();
        chmod(&baton, 0o000);
        assert!(place.open().load(&slot()).is_err());
        let (place, _) = written();
        chmod(&place.directory(), 0o600);
        assert!(place.open().load(&slot()).is_err());
        chmod(&place.directory(), 0o700);
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_read_only() {
    if is_root() {
        return;
    }
    let (place, _) = written();
    chmod(&place.directory(), 0o500);
    let facts = place.open().facts().unwrap();
    assert!(matches!(facts.access, Access::ReadOnly(_)) && !facts.may_lease());
    assert!(get(&*place.open(), &slot()).is_some());
    assert!(place.open().swap(&slot(), None, &content("two")).is_err());
    chmod(&place.directory(), 0o700);
}

#[test]
fn a_carried_directory_says_so_and_needs_a_mutex() {
    let place = File::new();
    let facts = |carried, mutex| FileStore::new(&place.directory(), carried, mutex).facts().unwrap();
    let table = [
        (false, false, Exclusive::Always, Durability::Now, true),
        (false, true, Exclusive::Always, Durability::Now, true),
        (true, false, Exclusive::No, Durability::AtJobEnd, false),
        (true, true, Exclusive::UnderDeclaredMutex, Durability::AtJobEnd, true),
    ];
    for (carried, mutex, exclusive, durability, may_lease) in table {
        let facts = facts(carried, mutex);
        assert_eq!((facts.exclusive, facts.durability), (exclusive, durability));
        assert_eq!(facts.may_lease(), may_lease);
    }
}

#[test]
fn one_directory_has_one_name_however_it_is_spelled() {
    let place = File::new();
    let name = place.open().name();
    for spelling in ["store/.", "./store", "../PARENT/store"] {
        let parent = place.parent().file_name().unwrap().to_str().unwrap();
        let path = place.parent().join(spelling.replace("PARENT", parent));
        assert_eq!(FileStore::new(&path, false, false).name(), name, "{spelling}");
    }
}
