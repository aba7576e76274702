//! The search: every world that can be reached, nearest first, so that a trace to a flaw is a shortest one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use crate::explorer::{Explorer, Label};
use crate::invariants::{Note, Severity};
use crate::mutation::Mutation;
use crate::world::World;
use crate::worlds::Setup;

/// What a search found.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) states: usize,
    pub(crate) transitions: usize,
    pub(crate) ends: usize,
    pub(crate) notes: BTreeMap<Note, usize>,
    /// The first flaw of each kind, with the steps that lead to it.
    pub(crate) flaws: BTreeMap<&'static str, Vec<String>>,
}

/// A fingerprint is a hash already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Worlds are told apart by 64 bits: of ten million, two are taken for one with a chance of 1 to 370 000.
fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

struct Search {
    explorer: Explorer,
    /// In the order of their coming: the fingerprint of each world, and the number of the one that it came from.
    found: Vec<(u64, u32)>,
    known: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    /// From where to where.
    edges: Vec<(u32, u32)>,
    /// For each world whether an end is known to be reachable from it.
    leads_out: Vec<bool>,
    queue: VecDeque<World>,
    report: Report,
}

/// Explores one setup; with `first_flaw` no further than to a flaw.
pub(crate) fn explore(setup: &Setup, mutation: Option<Mutation>, first_flaw: bool) -> Report {
    let mut explorer = Explorer::new(setup.clone(), mutation);
    let start = explorer.start();
    let report = Report {
        name: setup.name,
        states: 0,
        transitions: 0,
        ends: 0,
        notes: BTreeMap::new(),
        flaws: BTreeMap::new(),
    };
    let mut search = Search {
        explorer,
        found: vec![(fingerprint(&start), 0)],
        known: HashMap::default(),
        edges: Vec::new(),
        leads_out: vec![false],
        queue: VecDeque::from([start]),
        report,
    };
    search.known.insert(fingerprint(&start), 0);
    let mut number = 0;
    while let Some(world) = search.queue.pop_front() {
        search.visit(&world, number);
        number += 1;
        if first_flaw && !search.report.flaws.is_empty() {
            break;
        }
    }
    if search.queue.is_empty() {
        search.look_for_circles();
    }
    search.report.states = search.found.len();
    search.report
}

impl Search {
    fn visit(&mut self, world: &World, number: u32) {
        for who in self.explorer.actors() {
            self.explorer.step(world, who);
            self.take_notes(number);
        }
        self.explorer.time_passes(world);
        self.take_notes(number);
        if self.explorer.next.is_empty() {
            self.report.ends += 1;
            self.leads_out[number as usize] = true;
            self.explorer.check_end(world);
            self.take_notes(number);
        }
        self.explorer.faults(world);
        let next = std::mem::take(&mut self.explorer.next);
        self.report.transitions += next.len();
        for (_, world) in &next {
            let fingerprint = fingerprint(world);
            let new = self.found.len() as u32;
            let target = *self.known.entry(fingerprint).or_insert(new);
            if target == new {
                self.found.push((fingerprint, number));
                self.leads_out.push(false);
                self.queue.push_back(*world);
            }
            self.edges.push((number, target));
        }
        self.explorer.next = next;
        self.explorer.next.clear();
    }

    /// From every world an end must be reachable: nobody goes round in circles for ever.
    fn look_for_circles(&mut self) {
        let mut grows = true;
        while grows {
            grows = false;
            for (from, to) in self.edges.iter().rev().map(|(from, to)| (*from as usize, *to as usize)) {
                grows |= self.leads_out[to] && !self.leads_out[from];
                self.leads_out[from] |= self.leads_out[to];
            }
        }
        if let Some(lost) = self.leads_out.iter().position(|leads_out| !leads_out) {
            self.explorer.who = None;
            self.explorer.notes.push(Note::flaw("no end can be reached"));
            self.take_notes(lost as u32);
        }
    }

    fn take_notes(&mut self, number: u32) {
        for note in std::mem::take(&mut self.explorer.notes) {
            *self.report.notes.entry(note).or_default() += 1;
            if note.severity == Severity::Flaw && !self.report.flaws.contains_key(note.text) {
                let trace = self.trace(number);
                self.report.flaws.insert(note.text, trace);
            }
        }
    }

    /// Finds the steps to a world by making them again, with the same explorer: it numbers the states of slots.
    fn trace(&mut self, number: u32) -> Vec<String> {
        let mut path = vec![number];
        while let Some(last) = path.last().copied().filter(|last| *last != 0) {
            path.push(self.found[last as usize].1);
        }
        let explorer = &mut self.explorer;
        let (next, who) = (std::mem::take(&mut explorer.next), explorer.who);
        let mut here = explorer.start();
        let mut steps = Vec::new();
        for number in path.into_iter().rev().skip(1) {
            let (label, next) = successor(explorer, &here, self.found[number as usize].0);
            steps.push(label.to_string());
            here = next;
        }
        steps.push(who.map_or_else(|| "then nobody".to_owned(), |who| format!("then {who}")));
        explorer.notes.clear();
        (explorer.next, explorer.who) = (next, who);
        steps
    }
}

fn successor(explorer: &mut Explorer, world: &World, wanted: u64) -> (Label, World) {
    explorer.next.clear();
    for who in explorer.actors() {
        explorer.step(world, who);
    }
    explorer.time_passes(world);
    explorer.faults(world);
    *explorer.next.iter().find(|(_, next)| fingerprint(next) == wanted).unwrap()
}
