//! SQS on a clock of one's own: delays, visibility timeouts, receive counts, redrive.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use im_engine::ports::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Service;

const ACCOUNT: &str = "123456789012";

/// Standard queues in memory, as far as a Lambda and its mapping use them. Clones share them.
#[derive(Clone)]
pub struct QueueService {
    queues: Arc<Mutex<Queues>>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Queues {
    by_url: BTreeMap<String, Queue>,
    bodies: Vec<String>,
}

struct Queue {
    visibility: SignedDuration,
    redrive: Option<Redrive>,
    messages: Vec<QueuedMessage>,
}

struct Redrive {
    to: String,
    after: u64,
}

/// A message in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// Unique among all queues.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// When it came into this queue.
    pub sent_at: Timestamp,
    /// Nobody receives it before.
    pub visible_at: Timestamp,
    /// How often it was received.
    pub received: u64,
}

impl QueueService {
    /// No queues yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let queues = Arc::default();
        Self { queues, clock }
    }

    /// What a queue holds, in the order it came, whoever works on it.
    pub fn messages(&self, url: &str) -> Vec<QueuedMessage> {
        let queues = self.queues();
        let queue = queues.by_url.get(url);
        queue
            .map(|queue| queue.messages.clone())
            .unwrap_or_default()
    }

    /// The bodies of all messages so far, in the order they were sent.
    pub fn ever_sent(&self) -> Vec<String> {
        self.queues().bodies.clone()
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_out(&self, operation: &str, request: &Value) -> Result<Value, Refused> {
        let now = self.clock.now();
        let mut queues = self.queues();
        match operation {
            "CreateQueue" => Ok(queues.create(request)),
            "SendMessage" => queues.send(request, now),
            "ReceiveMessage" => queues.receive(request, now),
            "DeleteMessage" => queues.delete(request),
            "ChangeMessageVisibility" => queues.hide(request, now),
            "GetQueueAttributes" => queues.attributes(request, now),
            _ => Err(Refused("com.amazonaws.sqs#UnsupportedOperation")),
        }
    }
}

impl Service for QueueService {
    fn answer(&self, operation: &str, body: &str) -> (u16, String) {
        let answer = serde_json::from_str(body)
            .map_err(|_| Refused("com.amazonaws.sqs#InvalidMessageContents"))
            .and_then(|request| self.carry_out(operation, &request));
        match answer {
            Ok(answer) => (200, answer.to_string()),
            Err(Refused(code)) => (400, json!({"__type": code}).to_string()),
        }
    }
}

/// By the service's name for it.
struct Refused(&'static str);

const NO_QUEUE: Refused = Refused("com.amazonaws.sqs#AWS.SimpleQueueService.NonExistentQueue");
const NO_MESSAGE: Refused = Refused("com.amazonaws.sqs#ReceiptHandleIsInvalid");

impl Queues {
    fn queue(&mut self, request: &Value) -> Result<&mut Queue, Refused> {
        let url = text(request, "QueueUrl");
        self.by_url.get_mut(url).ok_or(NO_QUEUE)
    }

    fn create(&mut self, request: &Value) -> Value {
        let attributes = &request["Attributes"];
        let seconds = |name: &str| text(attributes, name).parse().ok();
        let policy: Value =
            serde_json::from_str(text(attributes, "RedrivePolicy")).unwrap_or_default();
        let redrive = policy["deadLetterTargetArn"].as_str().map(|arn| Redrive {
            to: url(arn.rsplit(':').next().unwrap_or_default()),
            after: policy["maxReceiveCount"].as_u64().unwrap_or(u64::MAX),
        });
        let queue = Queue {
            // AWS's default.
            visibility: SignedDuration::from_secs(seconds("VisibilityTimeout").unwrap_or(30)),
            redrive,
            messages: Vec::new(),
        };
        let url = url(text(request, "QueueName"));
        self.by_url.entry(url.clone()).or_insert(queue);
        json!({"QueueUrl": url})
    }

    fn send(&mut self, request: &Value, now: Timestamp) -> Result<Value, Refused> {
        self.bodies.push(text(request, "MessageBody").to_owned());
        let id = format!("{:08}", self.bodies.len());
        let delay = request["DelaySeconds"].as_i64().unwrap_or_default();
        let message = QueuedMessage {
            id: id.clone(),
            body: text(request, "MessageBody").to_owned(),
            sent_at: now,
            visible_at: now + SignedDuration::from_secs(delay),
            received: 0,
        };
        self.queue(request)?.messages.push(message);
        Ok(json!({"MessageId": id}))
    }

    fn receive(&mut self, request: &Value, now: Timestamp) -> Result<Value, Refused> {
        let most = request["MaxNumberOfMessages"].as_u64().unwrap_or(1);
        let asked = request["VisibilityTimeout"].as_i64();
        let queue = self.queue(request)?;
        let visibility = asked.map_or(queue.visibility, SignedDuration::from_secs);
        let (mut given, mut kept, mut dead) = (Vec::new(), Vec::new(), Vec::new());
        for mut message in std::mem::take(&mut queue.messages) {
            if message.visible_at > now || given.len() as u64 == most {
                kept.push(message);
                continue;
            }
            message.received += 1;
            let spent = |redrive: &Redrive| message.received > redrive.after;
            if queue.redrive.as_ref().is_some_and(spent) {
                dead.push(message);
                continue;
            }
            message.visible_at = now + visibility;
            given.push(message.to_json());
            kept.push(message);
        }
        queue.messages = kept;
        let to = queue.redrive.as_ref().map(|redrive| redrive.to.clone());
        if let Some(target) = to.and_then(|to| self.by_url.get_mut(&to)) {
            target
                .messages
                .extend(dead.into_iter().map(|message| QueuedMessage {
                    visible_at: now,
                    received: 0,
                    ..message
                }));
        }
        Ok(json!({"Messages": given}))
    }

    fn delete(&mut self, request: &Value) -> Result<Value, Refused> {
        let id = id_in(text(request, "ReceiptHandle"))
            .ok_or(NO_MESSAGE)?
            .to_owned();
        self.queue(request)?
            .messages
            .retain(|message| message.id != id);
        Ok(json!({}))
    }

    fn hide(&mut self, request: &Value, now: Timestamp) -> Result<Value, Refused> {
        let id = id_in(text(request, "ReceiptHandle"))
            .ok_or(NO_MESSAGE)?
            .to_owned();
        let seconds = request["VisibilityTimeout"].as_i64().unwrap_or_default();
        let messages = &mut self.queue(request)?.messages;
        let message = messages.iter_mut().find(|message| message.id == id);
        message.ok_or(NO_MESSAGE)?.visible_at = now + SignedDuration::from_secs(seconds);
        Ok(json!({}))
    }

    fn attributes(&mut self, request: &Value, now: Timestamp) -> Result<Value, Refused> {
        let url = text(request, "QueueUrl").to_owned();
        let queue = self.queue(request)?;
        let count = |those: &dyn Fn(&QueuedMessage) -> bool| {
            let those = queue.messages.iter().filter(|message| those(message));
            those.count().to_string()
        };
        let name = url.rsplit('/').next().unwrap_or_default();
        Ok(json!({"Attributes": {
            "QueueArn": format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"),
            "VisibilityTimeout": queue.visibility.as_secs().to_string(),
            "ApproximateNumberOfMessages": count(&|it| it.visible_at <= now),
            "ApproximateNumberOfMessagesDelayed": count(&|it| it.visible_at > now && it.received == 0),
            "ApproximateNumberOfMessagesNotVisible": count(&|it| it.visible_at > now && it.received > 0),
        }}))
    }
}

impl QueuedMessage {
    fn to_json(&self) -> Value {
        json!({
            "MessageId": self.id,
            "ReceiptHandle": format!("{}#{}", self.id, self.received),
            "Body": self.body,
            "Attributes": {
                "ApproximateReceiveCount": self.received.to_string(),
                "SentTimestamp": self.sent_at.as_millisecond().to_string(),
            },
        })
    }
}

fn id_in(handle: &str) -> Option<&str> {
    handle.split_once('#').map(|(id, _)| id)
}

fn url(name: &str) -> String {
    format!("https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{name}")
}

fn text<'a>(request: &'a Value, member: &str) -> &'a str {
    request[member].as_str().unwrap_or_default()
}
