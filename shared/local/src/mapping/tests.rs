use std::collections::BTreeMap;

use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, StreamRecord};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Ended, StreamMapping, StreamOrigin};

fn record(key: &str, number: u32) -> Record {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let change = StreamRecord::builder()
        .keys("pk", text(key))
        .new_image("wake", text("now"))
        .sequence_number(format!("{number:021}"))
        .build();
    Record::builder().dynamodb(change).build()
}

fn origin() -> StreamOrigin {
    StreamOrigin {
        stream_arn: "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1".to_owned(),
        shard_id: "shardId-1".to_owned(),
        function: "inbound".to_owned(),
    }
}

/// Runs a mapping until nothing is left, calling `function` with the numbers of each batch. What was done how often,
/// and what was given up.
fn run(
    records: Vec<Record>,
    mut function: impl FnMut(&[u32]) -> Ended,
) -> (BTreeMap<u32, u32>, Vec<Value>) {
    let mut mapping = StreamMapping::new(origin());
    mapping.take_in(records);
    let (mut brought, mut given_up) = (BTreeMap::new(), Vec::new());
    let mut now = Timestamp::UNIX_EPOCH;
    for _ in 0..1_000 {
        let Some(batch) = mapping.next(now) else {
            match mapping.next_at() {
                Some(next) => now = next,
                None => break,
            }
            continue;
        };
        let numbers: Vec<u32> = batch
            .sequence_numbers()
            .map(|number| number.parse().expect("a number"))
            .collect();
        let ended = function(&numbers);
        for number in &numbers {
            *brought.entry(*number).or_default() += 1;
        }
        given_up.extend(mapping.ended(batch, &ended, now));
    }
    assert!(mapping.is_idle());
    (brought, given_up)
}

fn failed(numbers: &[u32]) -> Ended {
    let items: Vec<_> = numbers
        .iter()
        .map(|number| json!({"itemIdentifier": format!("{number:021}")}))
        .collect();
    Ended::Answered(json!({"batchItemFailures": items}))
}

fn one_key(count: u32) -> Vec<Record> {
    (1..=count).map(|number| record("a", number)).collect()
}

#[test]
fn records_of_a_key_come_in_order_and_ten_at_a_time() {
    let mut batches = Vec::new();
    let (brought, given_up) = run(one_key(23), |numbers| {
        batches.push(numbers.to_vec());
        failed(&[])
    });
    let expected: Vec<Vec<u32>> =
        vec![(1..=10).collect(), (11..=20).collect(), (21..=23).collect()];
    assert_eq!(batches, expected);
    assert!(brought.values().all(|times| *times == 1) && given_up.is_empty());
}

#[test]
fn what_does_not_pass_the_filter_is_never_brought() {
    let mut quiet = record("a", 1);
    quiet.dynamodb.as_mut().expect("a change").new_image = None;
    let (brought, _) = run(vec![quiet, record("a", 2)], |_| failed(&[]));
    assert_eq!(brought.into_keys().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_failure_brings_all_from_the_lowest_on_again() {
    let mut batches = Vec::new();
    run(one_key(5), |numbers| {
        batches.push(numbers.to_vec());
        failed(if batches.len() == 1 { &[4, 3] } else { &[] })
    });
    assert_eq!(batches, [vec![1, 2, 3, 4, 5], vec![3, 4, 5]]);
}

#[test]
fn after_three_retries_the_destination_is_told_where_the_records_are() {
    let (brought, given_up) = run(one_key(5), |numbers| {
        failed(if numbers.contains(&3) { &[3] } else { &[] })
    });
    assert_eq!(
        brought,
        BTreeMap::from([(1, 1), (2, 1), (3, 4), (4, 4), (5, 4)])
    );
    let [told] = given_up.as_slice() else {
        panic!("{given_up:#?}");
    };
    assert_eq!(
        told["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(told["requestContext"]["approximateInvokeCount"], 4);
    let expected = json!({
        "shardId": "shardId-1",
        "startSequenceNumber": format!("{:021}", 3),
        "endSequenceNumber": format!("{:021}", 5),
        "approximateArrivalOfFirstRecord": "1970-01-01T00:00:00Z",
        "approximateArrivalOfLastRecord": "1970-01-01T00:00:00Z",
        "batchSize": 3,
        "streamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1",
    });
    assert_eq!(told["DDBStreamBatchInfo"], expected);
}

#[test]
fn a_record_that_crashes_the_function_is_isolated_and_its_neighbours_are_done() {
    let mut done = BTreeMap::<u32, u32>::new();
    let (_, given_up) = run(one_key(10), |numbers| {
        if numbers.contains(&7) {
            return Ended::Crashed;
        }
        for number in numbers {
            *done.entry(*number).or_default() += 1;
        }
        failed(&[])
    });
    let expected = [1, 2, 3, 4, 5, 6, 8, 9, 10].map(|number| (number, 1));
    assert_eq!(done, BTreeMap::from(expected), "the others once each");
    let [told] = given_up.as_slice() else {
        panic!("{given_up:#?}");
    };
    let place = &told["DDBStreamBatchInfo"];
    assert_eq!(place["startSequenceNumber"], format!("{:021}", 7));
    assert_eq!(place["batchSize"], 1);
}

#[test]
fn a_function_that_crashes_now_and_then_loses_nothing() {
    let mut invoked = 0;
    let mut done = Vec::new();
    let (_, given_up) = run(one_key(40), |numbers| {
        invoked += 1;
        if invoked % 3 != 0 {
            return Ended::Crashed;
        }
        done.extend_from_slice(numbers);
        failed(&[])
    });
    assert!(given_up.is_empty());
    assert_eq!(done, (1..=40).collect::<Vec<_>>(), "each once, in order");
}

#[test]
fn an_answer_that_lambda_cannot_read_is_a_failure_of_all() {
    for bad in [
        json!({"batchItemFailures": [{}]}),
        json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
        json!({"batchItemFailures": [{"itemIdentifier": "unknown"}]}),
        json!({"batchItemFailures": "all"}),
    ] {
        let mut first = true;
        let (brought, _) = run(one_key(2), |_| {
            let answer = if first { bad.clone() } else { json!({}) };
            first = false;
            Ended::Answered(answer)
        });
        assert!(
            brought.values().all(|times| *times == 2),
            "{bad}: {brought:?}"
        );
    }
}

#[test]
fn a_retry_waits_and_holds_up_its_own_key_only() {
    let mut mapping = StreamMapping::new(origin());
    // Keys of two lanes.
    mapping.take_in(vec![record("a", 1), record("b", 2), record("a", 3)]);
    let now = Timestamp::UNIX_EPOCH;
    let (one, other) = (
        mapping.next(now).expect("a batch"),
        mapping.next(now).expect("a batch"),
    );
    assert!(mapping.next(now).is_none());
    mapping.take_in(vec![record("a", 4), record("b", 5)]);
    assert!(mapping.next(now).is_none(), "both lanes are busy");
    let (failing, fine) = if one.sequence_numbers().count() == 2 {
        (one, other)
    } else {
        (other, one)
    };
    mapping.ended(
        failing,
        &Ended::Answered(json!({"batchItemFailures": [
            {"itemIdentifier": format!("{:021}", 3)}
        ]})),
        now,
    );
    mapping.ended(fine, &failed(&[]), now);
    let next = mapping.next(now).expect("the other key goes on");
    assert_eq!(
        next.sequence_numbers().collect::<Vec<_>>(),
        [format!("{:021}", 5)]
    );
    assert!(mapping.next(now).is_none(), "the retry waits");
    let later = now + SignedDuration::from_millis(200);
    assert_eq!(mapping.next_at(), Some(later));
    let retry = mapping.next(later).expect("the retry");
    assert_eq!(
        retry.sequence_numbers().collect::<Vec<_>>(),
        [format!("{:021}", 3)]
    );
}
