//! The figures of each integration, for whoever watches.

use im_model::{DeadLetterStatus, TaskKind};

use super::Tick;
use crate::{AllWaiting, StoreError, metrics::Gauges, ports::Task};

impl Tick<'_> {
    /// Tells the figures of every integration. Those that have no turn any more have it first at the next tick.
    pub(super) async fn measure(&mut self, tasks: &[Task]) {
        if let Err(error) = self.measure_all(tasks).await {
            // What is not told is told a minute later: the tick has done what it is for.
            tracing::warn!(%error, "not measured");
        }
    }

    async fn measure_all(&mut self, tasks: &[Task]) -> Result<(), StoreError> {
        let mut wanted: Vec<_> = tasks
            .iter()
            .filter(|task| task.kind == TaskKind::Measure)
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let first = usize::try_from(self.began.as_second() / 60).unwrap_or_default();
        let first = first % wanted.len();
        wanted.rotate_left(first);
        let waiting = self.sweeper.figures.all_waiting().await?;
        for task in wanted {
            if self.is_over() {
                break;
            }
            let schedule = tasks.iter().find(|other| {
                other.kind == TaskKind::Schedule && other.integration == task.integration
            });
            if let Err(error) = self.measure_one(task, schedule, &waiting).await {
                tracing::warn!(integration = %task.integration, %error, "not measured");
            }
        }
        Ok(())
    }

    async fn measure_one(
        &mut self,
        task: &Task,
        schedule: Option<&Task>,
        waiting: &AllWaiting,
    ) -> Result<(), StoreError> {
        let Some(integration) = self.integration(&task.integration).await? else {
            return self.sweeper.tasks.finish_task(task).await;
        };
        let (id, figures) = (&integration.id, &self.sweeper.figures);
        let (dead_letters, measured, circuit) = futures::try_join!(
            figures.count_dead_letters(id, DeadLetterStatus::Open),
            figures.measured(id),
            self.sweeper.pace.state(id),
        )?;
        let counters = measured.counters;
        let oldest_conflict = if counters.conflicts_pending() > 0 {
            figures
                .oldest_conflict(&integration.organization, id)
                .await?
        } else {
            None
        };
        let now = self.now();
        let due = schedule.map(|task| task.due_at);
        let gauges = Gauges {
            deliveries: waiting.deliveries.of(id),
            incidents: waiting.incidents.of(id),
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
