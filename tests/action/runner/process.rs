//! One process of a step: its two streams line by line, its end, and how it is cancelled.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// After each of them the runner loses its patience. The signals go to the one process, not to its children.
const AFTER_INTERRUPT: Duration = Duration::from_millis(7500);
const AFTER_TERMINATE: Duration = Duration::from_millis(2500);

/// How long the runner waits for the streams of a process that has ended, when a child of it holds them.
const STREAMS: Duration = Duration::from_secs(5);

/// The runner has hours; a test that takes this long has failed.
const LIMIT: Duration = Duration::from_secs(150);

const TICK: Duration = Duration::from_millis(10);

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// One line as it was printed, before anything was hidden in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) stream: Stream,
    pub(crate) text: String,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The exit code; 128 and the signal when that ended it, as the runner counts.
    pub(crate) code: i32,
    /// The signals that the runner sent.
    pub(crate) signals: Vec<Signal>,
    /// From the first signal on, or from the start when there was none.
    pub(crate) took: Duration,
    /// Whether a child held the streams until the runner went on without it.
    pub(crate) streams_were_held: bool,
}

/// When a job is cancelled.
pub(crate) struct Cancellation<'a> {
    /// Blocks until the moment has come.
    pub(crate) when: &'a mut dyn FnMut(),
    /// Is called once the first signal has been sent.
    pub(crate) then: &'a mut dyn FnMut(),
}

/// Runs a process to its end, or until it is cancelled and has ended of that.
pub(crate) fn run(
    command: &mut Command,
    cancel: Option<Cancellation<'_>>,
    each: &mut dyn FnMut(Line),
) -> End {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (sender, lines) = mpsc::channel();
    read(child.stdout.take().unwrap(), Stream::Stdout, sender.clone());
    read(child.stderr.take().unwrap(), Stream::Stderr, sender);
    let mut running = Running { child, lines, are_open: true };
    let mut signals = Vec::new();
    let mut begin = Instant::now();
    if let Some(cancel) = cancel {
        (cancel.when)();
        begin = Instant::now();
        for (signal, patience) in
            [(Signal::INT, AFTER_INTERRUPT), (Signal::TERM, AFTER_TERMINATE), (Signal::KILL, LIMIT)]
        {
            kill_process(Pid::from_child(&running.child), signal).ok();
            signals.push(signal);
            if signal == Signal::INT {
                (cancel.then)();
            }
            if running.wait(patience, each) {
                break;
            }
        }
    } else {
        assert!(running.wait(LIMIT, each), "{command:?} did not end");
    }
    let took = begin.elapsed();
    let status = running.child.wait().unwrap();
    let streams_were_held = !running.drain(STREAMS, each);
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
    End { code, signals, took, streams_were_held }
}

struct Running {
    child: Child,
    lines: Receiver<Line>,
    are_open: bool,
}

impl Running {
    /// Hands lines on until the process has ended, or for this long. Returns whether it has ended.
    fn wait(&mut self, patience: Duration, each: &mut dyn FnMut(Line)) -> bool {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            self.batch(each);
        }
        false
    }

    /// Hands on what is left. Returns whether the streams were closed in time.
    fn drain(&mut self, patience: Duration, each: &mut dyn FnMut(Line)) -> bool {
        let end = Instant::now() + patience;
        while self.are_open && Instant::now() < end {
            self.batch(each);
        }
        !self.are_open
    }

    /// Hands on what there is.
    fn batch(&mut self, each: &mut dyn FnMut(Line)) {
        let mut batch = Vec::new();
        if !self.are_open {
            thread::sleep(TICK);
            return;
        }
        match self.lines.recv_timeout(TICK) {
            Ok(line) => batch.push(line),
            Err(RecvTimeoutError::Timeout) => return,
            Err(RecvTimeoutError::Disconnected) => {
                self.are_open = false;
                return;
            }
        }
        batch.extend(self.lines.try_iter());
        in_order(batch).for_each(each);
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
            self.child.wait().ok();
        }
    }
}

/// Of the lines that have come, the runner takes those of stderr first. A mask on stdout comes too late for a line on
/// stderr that was written after it.
fn in_order(batch: Vec<Line>) -> impl Iterator<Item = Line> {
    let (errors, others) = batch.into_iter().partition::<Vec<_>, _>(|line| line.stream == Stream::Stderr);
    errors.into_iter().chain(others)
}

/// Reads lines as .NET does: `\n`, `\r\n` and `\r` end one.
fn read(stream: impl Read + Send + 'static, name: Stream, lines: Sender<Line>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            for line in text.split('\r') {
                if lines.send(Line { stream: name, text: line.to_owned() }).is_err() {
                    return;
                }
            }
            bytes.clear();
        }
    });
}

#[test]
fn lines_of_stderr_come_first() {
    let line = |stream, text: &str| Line { stream, text: text.to_owned() };
    let batch = vec![
        line(Stream::Stdout, "1"),
        line(Stream::Stderr, "2"),
        line(Stream::Stdout, "3"),
        line(Stream::Stderr, "4"),
    ];
    let order: Vec<String> = in_order(batch).map(|line| line.text).collect();
    assert_eq!(order, ["2", "4", "1", "3"]);
}
