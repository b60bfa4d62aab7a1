//! The figures of each integration, for whoever watches.

use im_model::{DeadLetterStatus, TaskKind};

use super::Tick;
use crate::{StoreError, metrics::Gauges, ports::Task};

impl Tick<'_> {
    /// Tells the figures of every integration. Those that have no turn any more have it first at the next tick.
    pub(super) async fn measure(&mut self, tasks: &[Task]) {
        let mut wanted: Vec<_> = tasks
            .iter()
            .filter(|task| task.kind == TaskKind::Measure)
            .collect();
        if !wanted.is_empty() {
            let first = usize::try_from(self.began.as_second() / 60).unwrap_or_default();
            let first = first % wanted.len();
            wanted.rotate_left(first);
        }
        for task in wanted {
            if self.is_over() {
                break;
            }
            let schedule = tasks.iter().find(|other| {
                other.kind == TaskKind::Schedule && other.integration == task.integration
            });
            if let Err(error) = self.measure_one(task, schedule).await {
                // What is not told is told a minute later: the tick has done what it is for.
                tracing::warn!(integration = %task.integration, %error, "not measured");
            }
        }
    }

    async fn measure_one(
        &mut self,
        task: &Task,
        schedule: Option<&Task>,
    ) -> Result<(), StoreError> {
        let Some(integration) = self.integration(&task.integration).await? else {
            return self.sweeper.tasks.finish_task(task).await;
        };
        let (id, figures) = (&integration.id, &self.sweeper.figures);
        let (deliveries, incidents, dead_letters, counters, circuit) = futures::try_join!(
            figures.waiting_deliveries(id),
            figures.waiting_incidents(id),
            figures.count_dead_letters(id, DeadLetterStatus::Open),
            figures.counters(id),
            self.sweeper.pace.state(id),
        )?;
        let oldest_conflict = if counters.conflicts_detected > counters.conflicts_resolved {
            figures
                .oldest_conflict(&integration.organization, id)
                .await?
        } else {
            None
        };
        let now = self.now();
        let due = schedule.map(|task| task.due_at);
        let gauges = Gauges {
            deliveries,
            incidents,
            dead_letters: dead_letters.count,
            circuit,
            counters,
            oldest_conflict,
            reconcile_due_at: due.filter(|due| *due < now),
        };
        gauges.tell(&integration, now);
        Ok(())
    }
}
