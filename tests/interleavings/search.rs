//! Breadth first through all states, so that the first violation found is one of the shortest.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use super::{
    checks::Violation, scenario::Scenario, shared::Mark, state::State, steps::Step, words::words,
    workers::Workers,
};

/// What was explored.
#[derive(Debug)]
pub struct Explored {
    pub states: usize,
    pub steps: usize,
    /// Ways from the beginning to an end; two that pass through the same states count as one.
    pub interleavings: f64,
    pub ends: usize,
    /// Different lives of workers, and how often one had to be brought to where it stood.
    pub lives: (usize, usize),
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            states,
            steps,
            interleavings,
            ends,
            lives,
        } = self;
        write!(
            f,
            "{states} states, {steps} steps, {interleavings:.1e} interleavings, {ends} ends, {} lives ({} repeated)",
            lives.0, lives.1
        )
    }
}

/// The shortest way to a violation, in words.
#[derive(Debug)]
pub struct Trace {
    pub violation: Violation,
    pub steps: Vec<String>,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>3}. {step}", number + 1)?;
        }
        write!(
            f,
            "invariant {}: {}",
            self.violation.invariant, self.violation.words
        )
    }
}

/// More states than any case here has: something is wrong with the model.
const MOST: usize = 3_000_000;

struct Search<'a> {
    scenario: &'a Scenario,
    workers: Workers,
    known: HashMap<Mark, u32>,
    /// Where each state was first reached from.
    reached: Vec<Option<(u32, Step)>>,
    /// From which state to which.
    edges: Vec<(u32, u32)>,
    ends: Vec<bool>,
}

/// Explores all that can happen.
pub fn explore(scenario: &Scenario) -> Result<Explored, Box<Trace>> {
    let mut search = Search {
        scenario,
        workers: Workers::new(scenario.configured()),
        known: HashMap::new(),
        reached: Vec::new(),
        edges: Vec::new(),
        ends: Vec::new(),
    };
    let first = State::first(scenario);
    let mut open = VecDeque::new();
    search.reach(first.mark(), None);
    open.push_back((0, first));
    while let Some((number, state)) = open.pop_front() {
        let steps = state.steps(scenario, &search.workers);
        search.ends[number as usize] = steps.is_empty();
        if steps.is_empty() && !(state.queue.is_empty() && state.workers.is_empty()) {
            let words = "nobody can go on".to_owned();
            let violation = Violation {
                invariant: 8,
                words,
            };
            return Err(search.trace(number, None, violation).into());
        }
        for step in steps {
            match state.after(&step, scenario, &mut search.workers) {
                Err(violation) => return Err(search.trace(number, Some(&step), violation).into()),
                Ok(next) => {
                    let mark = next.mark();
                    let known = search.known.get(&mark).copied();
                    let place = known.unwrap_or_else(|| {
                        let place = search.reach(mark, Some((number, step)));
                        open.push_back((place, next));
                        place
                    });
                    search.edges.push((number, place));
                }
            }
        }
    }
    Ok(search.explored())
}

impl Search<'_> {
    fn reach(&mut self, mark: Mark, from: Option<(u32, Step)>) -> u32 {
        let place = u32::try_from(self.reached.len()).expect("fewer states");
        assert!(
            self.reached.len() < MOST,
            "{}: more states than expected",
            self.scenario.name
        );
        self.known.insert(mark, place);
        self.reached.push(from);
        self.ends.push(false);
        place
    }

    /// Goes the way once more, and says what happens.
    fn trace(&mut self, to: u32, last: Option<&Step>, violation: Violation) -> Trace {
        let mut way: Vec<_> = last.cloned().into_iter().collect();
        let mut at = to;
        while let Some((before, step)) = self.reached[at as usize].clone() {
            way.push(step);
            at = before;
        }
        let mut state = State::first(self.scenario);
        let mut steps = Vec::new();
        for step in way.iter().rev() {
            steps.push(words(&state, step, &self.workers));
            match state.after(step, self.scenario, &mut self.workers) {
                Ok(next) => state = next,
                Err(_) => break,
            }
        }
        Trace { violation, steps }
    }

    fn explored(&self) -> Explored {
        Explored {
            states: self.reached.len(),
            steps: self.edges.len(),
            interleavings: self.interleavings(),
            ends: self.ends.iter().filter(|end| **end).count(),
            lives: (self.workers.count(), self.workers.repeated),
        }
    }

    /// Ways to the ends, counted in an order in which every state comes after all that lead to it.
    fn interleavings(&self) -> f64 {
        let mut edges = self.edges.clone();
        edges.sort_unstable();
        edges.dedup();
        let mut before = vec![0_u32; self.reached.len()];
        for (_, to) in &edges {
            before[*to as usize] += 1;
        }
        let mut ways = vec![0_f64; self.reached.len()];
        ways[0] = 1.0;
        let (mut open, mut done) = (vec![0_u32], 0);
        while let Some(from) = open.pop() {
            done += 1;
            let start = edges.partition_point(|(of, _)| *of < from);
            for (_, to) in edges[start..].iter().take_while(|(of, _)| *of == from) {
                ways[*to as usize] += ways[from as usize];
                before[*to as usize] -= 1;
                if before[*to as usize] == 0 {
                    open.push(*to);
                }
            }
        }
        assert_eq!(
            done,
            self.reached.len(),
            "{}: work that goes round in circles",
            self.scenario.name
        );
        let ends = self.ends.iter().zip(&ways).filter(|(end, _)| **end);
        ends.map(|(_, ways)| ways).sum()
    }
}
