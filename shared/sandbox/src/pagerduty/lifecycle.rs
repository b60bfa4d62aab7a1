//! The way of an incident from triggered to resolved, and back.

use super::edit::Edit;
use super::incident::{Status, UserAt};
use super::log_entry::Kind;

impl Edit<'_> {
    pub(super) fn status(&mut self, status: Status) {
        match (self.incident.status, status) {
            (Status::Resolved, Status::Resolved) | (Status::Triggered, Status::Triggered) => {}
            (Status::Resolved, _) => {
                // Whoever reopens it to acknowledged gets it, otherwise the policy's first user.
                let acknowledged = status == Status::Acknowledged;
                let taker = self.author.user().filter(|_| acknowledged);
                self.reopen(taker.map(str::to_owned));
                if acknowledged {
                    self.acknowledge();
                }
            }
            (_, Status::Acknowledged) => self.acknowledge(),
            (_, Status::Resolved) => self.resolve(),
            (Status::Acknowledged, Status::Triggered) => {
                self.moved_to(Status::Triggered);
                self.log(Kind::Unacknowledge);
                self.event("incident.unacknowledged");
            }
        }
    }

    fn acknowledge(&mut self) {
        let by = self.by();
        let again = self.incident.status == Status::Acknowledged;
        let known = |given: &UserAt| given.user == by;
        if again && self.incident.acknowledgements.iter().any(known) {
            return;
        }
        if !again {
            self.moved_to(Status::Acknowledged);
        }
        let at = self.now;
        self.incident.acknowledgements.push(UserAt { user: by, at });
        self.log(Kind::Acknowledge);
        self.event("incident.acknowledged");
    }

    fn resolve(&mut self) {
        self.moved_to(Status::Resolved);
        self.incident.assignments.clear();
        self.incident.resolved_at = Some(self.now);
        self.log(Kind::Resolve);
        self.event("incident.resolved");
    }

    fn reopen(&mut self, taker: Option<String>) {
        self.moved_to(Status::Triggered);
        self.incident.resolved_at = None;
        self.incident.merged_into = None;
        self.incident.reopened_at = Some(self.now);
        // The vendor documents no log entry of its own for this.
        self.log(Kind::Trigger);
        let directly = taker.is_some();
        let users = taker.map_or_else(|| self.first_of_policy(), |user| vec![user]);
        self.give_to(&users, directly, Kind::Assign);
        self.event("incident.reopened");
    }

    fn moved_to(&mut self, status: Status) {
        self.incident.status = status;
        self.incident.acknowledgements.clear();
        self.incident.last_status_change_at = self.now;
        self.incident.last_status_change_by = self.by();
    }
}
