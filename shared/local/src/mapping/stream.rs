//! A stream's mapping: order by key, retries from the first failure on, bisecting, giving up.

use std::collections::VecDeque;

use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Ended, Report, StreamOrigin};
use crate::events::{passes_filter, stream_event};

/// Brings one shard's records to one function.
pub struct StreamMapping {
    origin: StreamOrigin,
    lanes: Vec<Lane>,
}

/// Records whose order is kept among each other. Lanes do not wait for each other.
#[derive(Default)]
struct Lane {
    /// What to bring next, the first last: the halves of a batch, or what is left of one.
    again: Vec<StreamBatch>,
    waiting: VecDeque<Record>,
    busy: bool,
}

/// Records that one invocation is given.
#[derive(Debug, Clone)]
pub struct StreamBatch {
    lane: usize,
    records: Vec<Record>,
    retries: u32,
    invoked: u32,
    not_before: Timestamp,
}

impl StreamBatch {
    /// The event that the function is given.
    pub fn event(&self) -> Value {
        stream_event(&self.records).unwrap_or_default()
    }

    /// The records' sequence numbers, in order.
    pub fn sequence_numbers(&self) -> impl Iterator<Item = &str> + Clone {
        self.records
            .iter()
            .map(|record| sequence_number(Some(record)))
    }
}

impl StreamMapping {
    /// The most records of a batch (`BatchSize`).
    pub const BATCH_SIZE: usize = 10;
    /// How many batches of a shard are worked on at once (`ParallelizationFactor`).
    pub const LANES: usize = 10;
    /// How often a batch is brought again before it is given up (`MaximumRetryAttempts`).
    pub const MOST_RETRIES: u32 = 3;
    /// The wait before the first retry; it doubles. Lambda does not say how long it waits.
    const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(200);

    /// A mapping of this shard to this function.
    pub fn new(origin: StreamOrigin) -> Self {
        let lanes = (0..Self::LANES).map(|_| Lane::default()).collect();
        Self { origin, lanes }
    }

    /// Takes records in, in the stream's order. Those that the template's filter holds back are passed over.
    pub fn take_in(&mut self, records: Vec<Record>) {
        for record in records.into_iter().filter(passes_filter) {
            let lane = lane_of(&record);
            self.lanes[lane].waiting.push_back(record);
        }
    }

    /// The next batch to hand over, if there is one and its time has come. Its lane stands still until it has ended.
    pub fn next(&mut self, now: Timestamp) -> Option<StreamBatch> {
        let lane = self.lanes.iter_mut().enumerate();
        lane.filter(|(_, lane)| !lane.busy)
            .find_map(|(number, lane)| lane.next(number, now))
    }

    /// When there will be a batch, if nothing else comes in or ends.
    pub fn next_at(&self) -> Option<Timestamp> {
        let idle = self.lanes.iter().filter(|lane| !lane.busy);
        idle.filter_map(Lane::next_at).min()
    }

    /// True if nothing waits and nothing is being worked on.
    pub fn is_idle(&self) -> bool {
        let idle = |lane: &Lane| !lane.busy && lane.next_at().is_none();
        self.lanes.iter().all(idle)
    }

    /// Learns how an invocation ended. What is returned goes to the on-failure destination.
    pub fn ended(&mut self, batch: StreamBatch, how: &Ended, now: Timestamp) -> Option<Value> {
        let lane = &mut self.lanes[batch.lane];
        lane.busy = false;
        match how.report(batch.sequence_numbers()) {
            Report::Failed(failed) if failed.is_empty() => None,
            Report::Failed(failed) => {
                // The checkpoint is before the lowest: all from there on are brought again.
                let first = batch
                    .sequence_numbers()
                    .position(|number| failed.contains(number))
                    .unwrap_or_default();
                let records = batch.records[first..].to_vec();
                self.retry(StreamBatch { records, ..batch }, now)
            }
            // Bisecting is no retry (`BisectBatchOnFunctionError`).
            Report::AllFailed if batch.records.len() > 1 => {
                let (first, second) = batch.records.split_at(batch.records.len() / 2);
                for half in [second, first] {
                    let records = half.to_vec();
                    lane.again.push(StreamBatch {
                        records,
                        ..batch.clone()
                    });
                }
                None
            }
            Report::AllFailed => self.retry(batch, now),
        }
    }

    fn retry(&mut self, mut batch: StreamBatch, now: Timestamp) -> Option<Value> {
        if batch.retries == Self::MOST_RETRIES {
            return Some(self.origin.given_up(&batch.records, batch.invoked, now));
        }
        let wait = Self::FIRST_WAIT * 2_i32.saturating_pow(batch.retries);
        batch.retries += 1;
        batch.not_before = now + wait;
        self.lanes[batch.lane].again.push(batch);
        None
    }
}

impl Lane {
    fn next(&mut self, number: usize, now: Timestamp) -> Option<StreamBatch> {
        if self.next_at()? > now {
            return None;
        }
        let mut batch = self.again.pop().unwrap_or_else(|| {
            let size = self.waiting.len().min(StreamMapping::BATCH_SIZE);
            StreamBatch {
                lane: number,
                records: self.waiting.drain(..size).collect(),
                retries: 0,
                invoked: 0,
                not_before: now,
            }
        });
        batch.invoked += 1;
        self.busy = true;
        Some(batch)
    }

    fn next_at(&self) -> Option<Timestamp> {
        let new = (!self.waiting.is_empty()).then_some(Timestamp::MIN);
        self.again.last().map(|batch| batch.not_before).or(new)
    }
}

pub(super) fn sequence_number(record: Option<&Record>) -> &str {
    let change = record.and_then(|record| record.dynamodb.as_ref());
    let number = change.and_then(|change| change.sequence_number.as_deref());
    number.unwrap_or_default()
}

/// Records of one partition key share a lane: their order is kept.
fn lane_of(record: &Record) -> usize {
    let change = record.dynamodb.as_ref();
    let key = change.and_then(|change| change.keys.as_ref()?.get("pk"));
    let key = key.and_then(|key| AttributeValue::as_s(key).ok());
    // FNV-1a: the same in every run.
    let hash = key.map_or(0, |key| {
        key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    });
    usize::try_from(hash % StreamMapping::LANES as u64).unwrap_or_default()
}
