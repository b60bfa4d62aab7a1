//! One hop at a time, since each may fail or land somewhere else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Category, Edge, Status, StatusId, Transition};

/// Where an issue should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::jira) struct Goal {
    /// Names of statuses that will do, the best first. Case does not count.
    pub(in crate::jira) names: Vec<String>,
    /// What will do where none of the names can be reached.
    pub(in crate::jira) category: Option<Category>,
}

impl Goal {
    fn names(&self, status: &Status) -> Option<usize> {
        self.names.iter().position(|name| status.is_named(name))
    }

    /// As a person would say it.
    fn words(&self) -> String {
        let mut words: Vec<_> = self
            .names
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        if let Some(category) = self.category {
            words.push(format!(
                "a status of the category {}",
                match category {
                    Category::ToDo => "To Do",
                    Category::InProgress => "In Progress",
                    Category::Done => "Done",
                }
            ));
        }
        words.join(" or ")
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::jira) enum Step {
    /// Nothing: the issue is where it should be.
    AlreadyThere,
    /// This transition, then ask again.
    Take(Transition),
    /// Nothing leads there. `why` is for the operator: the status, the goal, and what there was to choose from.
    NoPath {
        /// One sentence.
        why: String,
    },
    /// Something leads there, or might, but too far away.
    TooManyHops {
        /// One sentence.
        why: String,
    },
}

/// How far away a goal is: hops, then which of the names, then fields to fill in on the way. Less is better.
type Cost = (usize, usize, usize);

/// Leads one issue to one goal. Every hop goes to a status this run has not been in, so a run ends, whatever Jira or
/// its automations do meanwhile.
#[derive(Debug, Clone)]
pub(in crate::jira) struct Planner {
    goal: Goal,
    edges: BTreeMap<StatusId, Vec<Transition>>,
    whole: bool,
    visited: BTreeSet<StatusId>,
    hops: usize,
    most_hops: usize,
}

impl Planner {
    /// Hops of one run, unless set otherwise.
    pub(in crate::jira) const MOST_HOPS: usize = 5;

    /// Knows no edges yet: what [`Planner::learn`] adds is explored.
    pub(in crate::jira) fn new(goal: Goal) -> Self {
        Self {
            goal,
            edges: BTreeMap::new(),
            whole: false,
            visited: BTreeSet::new(),
            hops: 0,
            most_hops: Self::MOST_HOPS,
        }
    }

    /// Knows all edges of the workflow: nothing is explored.
    #[must_use]
    pub(in crate::jira) fn knowing_all(mut self, edges: impl IntoIterator<Item = Edge>) -> Self {
        for Edge { from, transition } in edges {
            self.edges.entry(from).or_default().push(transition);
        }
        self.whole = true;
        self
    }

    /// Bounds the hops of this run.
    #[cfg(test)]
    #[must_use]
    pub(in crate::jira) fn at_most(mut self, hops: usize) -> Self {
        self.most_hops = hops;
        self
    }

    /// These transitions, and no others, are available from a status now: a workflow's conditions may hide some of its
    /// edges, and only here their fields are known.
    pub(in crate::jira) fn learn(&mut self, from: &StatusId, available: Vec<Transition>) {
        self.edges.insert(from.clone(), available);
    }

    /// The next step of an issue that is in `current` now. A transition it says to take counts as taken.
    ///
    /// A known path is taken if it is the shortest; of several, the one to the best name, then the one that needs the
    /// fewest fields, then the one with the lowest ids. Where only part of the workflow is known and no path is, it
    /// goes to a neighbour that it has not tried: into the category Done only if the goal lies there or there is no
    /// other.
    pub(in crate::jira) fn next(&mut self, current: &Status) -> Step {
        self.visited.insert(current.id.clone());
        if self.goal.names(current).is_some() {
            return Step::AlreadyThere;
        }
        let goal = self.goal.clone();
        if let Some(step) = self.path(current, |status| goal.names(status)) {
            return step;
        }
        if goal.category.is_some() && goal.category == current.category {
            return Step::AlreadyThere;
        }
        let in_category = |status: &Status| {
            (goal.category.is_some() && goal.category == status.category).then_some(0)
        };
        if let Some(step) = self.path(current, in_category) {
            return step;
        }
        if self.whole {
            return self.no_path(current);
        }
        match self.unexplored(current).cloned() {
            None => self.no_path(current),
            Some(_) if self.hops >= self.most_hops => self.too_many_hops(current),
            Some(transition) => self.take(transition),
        }
    }

    /// The first step of the best known path to a status that has a rank.
    fn path(&mut self, current: &Status, rank: impl Fn(&Status) -> Option<usize>) -> Option<Step> {
        let costs = self.costs(rank);
        let cost =
            |transition: &Transition| Some(further(*costs.get(&transition.to.id)?, transition));
        let (best, (hops, ..)) = self
            .from(current)
            .filter_map(|transition| Some((transition, cost(transition)?)))
            .min_by_key(|(transition, cost)| (*cost, order(transition)))?;
        if self.hops + hops > self.most_hops {
            return Some(self.too_many_hops(current));
        }
        let best = best.clone();
        Some(self.take(best))
    }

    /// What it costs to get to a goal from each status that this run may still enter: Bellman and Ford's, which is a
    /// breadth-first search that also settles ties.
    fn costs(&self, rank: impl Fn(&Status) -> Option<usize>) -> BTreeMap<StatusId, Cost> {
        let all = || {
            self.edges
                .iter()
                .flat_map(|(from, open)| open.iter().map(move |open| (from, open)))
        };
        let mut costs = BTreeMap::new();
        for (_, transition) in all().filter(|(_, transition)| self.may_enter(transition)) {
            if let Some(rank) = rank(&transition.to) {
                costs.insert(transition.to.id.clone(), (0, rank, 0));
            }
        }
        loop {
            let mut settled = true;
            for (from, transition) in all().filter(|(from, _)| !self.visited.contains(*from)) {
                let Some(cost) = costs.get(&transition.to.id) else {
                    continue;
                };
                let cost = further(*cost, transition);
                if costs.get(from).is_none_or(|known| cost < *known) {
                    costs.insert(from.clone(), cost);
                    settled = false;
                }
            }
            if settled {
                return costs;
            }
        }
    }

    fn from(&self, current: &Status) -> impl Iterator<Item = &Transition> {
        let open = self.edges.get(&current.id).into_iter().flatten();
        open.filter(|transition| self.may_enter(transition))
    }

    fn may_enter(&self, transition: &Transition) -> bool {
        !self.visited.contains(&transition.to.id)
    }

    /// A neighbour to try: on the goal's side of Done, then near the goal's category, then with few fields to fill in.
    fn unexplored(&self, current: &Status) -> Option<&Transition> {
        let goal = self.goal_category();
        let preference = |transition: &&Transition| {
            let category = transition.to.category;
            let is_done = category == Some(Category::Done);
            let wrong_side = is_done != (goal == Some(Category::Done));
            let distance = goal
                .zip(category)
                .map_or(0, |(goal, category)| (goal as u8).abs_diff(category as u8));
            (
                wrong_side,
                distance,
                transition.demands(),
                order(transition),
            )
        };
        self.from(current).min_by_key(preference)
    }

    /// As given, or that of a status known by one of the goal's names.
    fn goal_category(&self) -> Option<Category> {
        let known = || {
            let mut statuses = self
                .edges
                .values()
                .flatten()
                .map(|transition| &transition.to);
            statuses
                .find(|status| self.goal.names(status).is_some())?
                .category
        };
        self.goal.category.or_else(known)
    }

    fn take(&mut self, transition: Transition) -> Step {
        self.hops += 1;
        self.visited.insert(transition.to.id.clone());
        Step::Take(transition)
    }

    fn no_path(&self, current: &Status) -> Step {
        let why = match self.edges.get(&current.id) {
            Some(open) if !open.is_empty() => {
                let open: Vec<_> = open.iter().map(ToString::to_string).collect();
                format!("the transitions available are {}", open.join(", "))
            }
            _ => "no transition is available".to_owned(),
        };
        let passed = match self.hops {
            0 => "",
            _ => ", and the statuses passed before are not entered again",
        };
        let (current, goal) = (&current.name, self.goal.words());
        Step::NoPath {
            why: format!("nothing known leads from \"{current}\" to {goal}: {why}{passed}"),
        }
    }

    fn too_many_hops(&self, current: &Status) -> Step {
        let (current, goal, most) = (&current.name, self.goal.words(), self.most_hops);
        Step::TooManyHops {
            why: format!(
                "more than {most} transitions would be needed to {goal}; {} were taken, and the issue is in \"{current}\"",
                self.hops
            ),
        }
    }
}

fn further((hops, rank, fields): Cost, transition: &Transition) -> Cost {
    (hops + 1, rank, fields + transition.demands())
}

/// Jira's ids are numbers written as text.
fn order(transition: &Transition) -> (usize, String) {
    (transition.id.0.len(), transition.id.0.clone())
}
