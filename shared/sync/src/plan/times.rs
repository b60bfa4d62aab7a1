//! When both sides changed, as far as it is known.

use im_model::{ChangeTime, TimeSource};
use jiff::SignedDuration;

use super::Sides;
use crate::Times;

impl Sides<'_> {
    /// Was the platform's value put there by a person, and not by a link?
    pub(super) fn is_platform_edit(&self) -> bool {
        self.state
            .is_some_and(|state| state.origin.is_platform_edit())
    }

    pub(crate) fn times(&self) -> Times {
        Times {
            platform: self.platform_time(),
            external: self.external_time(),
        }
    }

    pub(super) fn platform_time(&self) -> ChangeTime {
        match self.state {
            None => ChangeTime {
                at: self.created_at,
                source: TimeSource::Creation,
            },
            Some(state) => ChangeTime {
                at: state.changed_at,
                source: if state.origin.is_platform_edit() {
                    TimeSource::Platform
                } else {
                    TimeSource::Link
                },
            },
        }
    }

    pub(super) fn external_time(&self) -> ChangeTime {
        let known = self.observed.and_then(|observed| observed.changed);
        known.unwrap_or(ChangeTime {
            at: self.record_updated_at,
            source: TimeSource::Record,
        })
    }

    /// Did the vendor's field change within the window of the platform's? The record's time alone does not say so.
    /// Nor is an incident's creation anybody's edit of its fields.
    pub(super) fn is_within_window(&self) -> bool {
        if self.platform_time().at <= self.created_at {
            return false;
        }
        let theirs = self.observed.and_then(|observed| observed.changed);
        theirs.is_some_and(|theirs| {
            let apart: SignedDuration = self.platform_time().at.duration_since(theirs.at);
            apart.abs() <= self.rules.conflict_window
        })
    }

    /// See [`wanting_times`]. A field's own change is not later than its record's: where that is long before the
    /// platform's edit, or long after, nothing is to be found out.
    pub(super) fn wants_time(&self) -> bool {
        let is_known = self
            .observed
            .is_none_or(|observed| observed.changed.is_some());
        let Some(base) = self.base else { return false };
        if is_known || !self.may_out || !self.may_in || self.is_in_sync() || self.is_ruled() {
            return false;
        }
        let record_after = self
            .record_updated_at
            .duration_since(self.platform_time().at);
        let window = self.rules.conflict_window;
        let is_near =
            record_after >= -window && record_after <= window + SignedDuration::from_mins(1);
        match self.changed_since(base) {
            (true, true) => true,
            (true, false) => !base.ours && self.is_platform_edit() && is_near,
            (false, true) => self.is_platform_edit() && is_near,
            // What is healed is the later value.
            (false, false) => self.heals_for.is_some(),
        }
    }
}
