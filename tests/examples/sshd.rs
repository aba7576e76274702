//! A real ssh client and Debian's real sshd, which the client starts for each connection by itself: no port is open, and
//! nothing is left running.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    debian,
    peer::{self, Kept},
    process,
    scene::Scene,
};

static PACKAGES: Kept = Kept::new();
const SSHD: &str = "usr/sbin/sshd";
const LIMIT: Duration = Duration::from_secs(60);

/// What sshd needs of the system, if it runs as root: a directory, and a user of its own to be while it knows nobody yet.
const AS_ROOT: &str = r#"
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
if ! grep -q ^sshd: /etc/passwd; then
    { cat /etc/passwd; echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin'; } >"$0/passwd"
    mount --bind "$0/passwd" /etc/passwd
fi
"#;

/// Makes `ssh HOST` reach another machine: its user's home is `there`. Returns false where a developer has turned peers
/// off.
pub(crate) fn serve(scene: &Scene, host: &str, there: &Path) -> bool {
    let what_to_do = "check that `apt-get download openssh-server libwrap0` works in an empty directory (after \
                      `apt-get update`), and that there is an `ssh`";
    let install = |name: &str| debian::unpacked(name, &["openssh-server", "libwrap0"], SSHD);
    let Some(packages) = peer::demand(&PACKAGES, "openssh-server", what_to_do, install) else { return false };
    let directory = scene.sandbox.path("ssh");
    fs::create_dir(&directory).unwrap();
    for key in ["host", "user"] {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(directory.join(key));
        process::run(&mut keygen, b"", LIMIT).unwrap().exited(0);
    }
    let at = directory.display();
    let bin = scene.sandbox.path("bin");
    let server = format!(
        "HostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
         SetEnv HOME={} XDG_STATE_HOME={}/.state PATH={}:/usr/bin:/bin\n",
        there.display(),
        there.display(),
        bin.display(),
    );
    let server = scene.sandbox.write("ssh/server", server.as_bytes());
    let sshd = packages.join(SSHD);
    let libraries: Vec<String> = libraries(packages).iter().map(|path| path.display().to_string()).collect();
    let sshd = format!(
        "LD_LIBRARY_PATH='{}' exec '{}' -i -f '{}' -E {at}/log",
        libraries.join(":"),
        sshd.display(),
        server.display()
    );
    let start = if rustix::process::geteuid().is_root() {
        let script = scene.sandbox.write("ssh/start", format!("set -eu\n{AS_ROOT}{sshd}\n").as_bytes());
        format!("exec unshare -m sh -c '. {}' {at}", script.display())
    } else {
        sshd
    };
    let start = scene.program("start-sshd", &format!("#!/bin/sh\n{start}\n"));
    let host_key = fs::read_to_string(directory.join("host.pub")).unwrap();
    scene.sandbox.write("ssh/known", format!("{host} {host_key}").as_bytes());
    let client = format!(
        "Host {host}\nProxyCommand {}\nIdentityFile {at}/user\nIdentitiesOnly yes\nStrictHostKeyChecking yes\n\
         UserKnownHostsFile {at}/known\nBatchMode yes\n",
        start.display()
    );
    let client = scene.sandbox.write("ssh/client", client.as_bytes());
    let ssh = format!("#!/bin/sh\nexec /usr/bin/ssh -F '{}' \"$@\"\n", client.display());
    scene.program("ssh", &ssh);
    true
}

/// Where a package of Debian has its libraries.
fn libraries(packages: &Path) -> Vec<PathBuf> {
    let roots = ["lib", "usr/lib"].map(|name| packages.join(name));
    let below = |root: &PathBuf| fs::read_dir(root).into_iter().flatten().map(|entry| entry.unwrap().path());
    roots.iter().flat_map(below).filter(|path| path.is_dir()).collect()
}
