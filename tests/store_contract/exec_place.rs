//! The example helper, and a real etcd behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::place::{Place, programs};
use crate::support::etcd::Etcd;

pub(crate) const HELPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/exec/etcd");

/// Keys of its own in the shared etcd.
pub(crate) struct InEtcd {
    etcd: Arc<Etcd>,
    prefix: String,
}

impl InEtcd {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let prefix = format!("test-{}/", NEXT.fetch_add(1, Ordering::SeqCst));
        Self { etcd: Etcd::shared(), prefix }
    }
}

impl Place for InEtcd {
    fn is_slow(&self) -> bool {
        true
    }

    fn address(&self) -> String {
        format!("exec:{HELPER}")
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PATH", programs()),
            ("ETCD_ENDPOINT", self.etcd.endpoint()),
            ("ETCD_PREFIX", self.prefix.clone()),
        ]
    }
}
