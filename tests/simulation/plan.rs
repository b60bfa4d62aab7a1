//! What a seed stands for: a setting and a list of steps, all known before the first one is taken. A step can be left
//! out, and the others stay what they are.

use std::{fmt, time::Duration};

use fastrand::Rng;
use http::Method;
use im_model::{ConflictStrategy, IntegrationType};
use im_sandbox::{Fault, FaultRule};
use im_tests::{AwsWeather, Death, Moment};
use serde_json::{Value, json};

/// How many steps a seed has.
pub const STEPS: usize = 40;

/// Everything about a run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub setting: Setting,
    pub steps: Vec<Step>,
}

/// What holds from the beginning to the end.
#[derive(Debug, Clone)]
pub struct Setting {
    pub integrations: Vec<Connected>,
    /// How wrong the vendors' clocks are, in seconds.
    pub skews: [i64; 3],
    pub webhooks: WebhookWeather,
    pub aws: AwsWeather,
    /// The longest way to a vendor or back.
    pub vendor_way: Duration,
    /// The one vendor at which anything goes wrong, if the rest of the world is to be fair.
    pub only_sick: Option<IntegrationType>,
    /// Nothing goes wrong but at AWS.
    pub only_aws: bool,
}

/// An integration as it is configured first.
#[derive(Debug, Clone)]
pub struct Connected {
    pub vendor: IntegrationType,
    pub body: Value,
    pub owners: Vec<(&'static str, Value)>,
}

/// What becomes of webhooks on their way, in parts of a hundred each.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookWeather {
    pub dropped: u32,
    pub doubled: u32,
    pub late: u32,
}

/// Something that happens at a time.
#[derive(Debug, Clone)]
pub struct Step {
    /// Since the beginning.
    pub at: Duration,
    pub what: What,
}

/// Which function an invocation is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Inbound,
    Outbound,
    Webhook,
    Api,
    DeadLetter,
    Reconciler,
}

/// What happens. A `which` is counted among what there is at that time.
#[derive(Debug, Clone)]
pub enum What {
    Create {
        body: Value,
    },
    Edit {
        which: usize,
        body: Value,
    },
    Note {
        which: usize,
        list: &'static str,
        text: String,
    },
    CreateAt {
        vendor: IntegrationType,
        text: String,
        level: u8,
    },
    EditAt {
        vendor: IntegrationType,
        which: usize,
        who: &'static str,
        edit: VendorEdit,
    },
    Fault {
        vendor: IntegrationType,
        rule: FaultRule,
    },
    Down {
        vendor: IntegrationType,
        lasts: Duration,
        silent: bool,
    },
    Crash {
        function: Function,
        death: Death,
    },
    Rotate {
        vendor: IntegrationType,
        vendor_first: bool,
    },
    Configure {
        vendor: IntegrationType,
        method: Method,
        path: String,
        body: Option<Value>,
    },
}

/// What a person does at a vendor.
#[derive(Debug, Clone)]
pub enum VendorEdit {
    Title(String),
    Description(String),
    Level(u8),
    Status(u8),
    Assign(&'static str),
    Note { text: String, internal: bool },
}

pub const PEOPLE: [&str; 3] = ["ann@example.com", "bob@example.com", "oncall@example.com"];
const SEVERITIES: [&str; 4] = ["SEV-1", "SEV-2", "SEV-3", "SEV-4"];
const STATUSES: [&str; 5] = ["open", "acknowledged", "mitigated", "resolved", "closed"];

impl Plan {
    /// The plan of this seed.
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw {
            rng: Rng::with_seed(seed),
            texts: 0,
        };
        let setting = draw.setting();
        let vendors: Vec<_> = setting.integrations.iter().map(|it| it.vendor).collect();
        let mut at = Duration::from_secs(1);
        let mut steps = Vec::new();
        for number in 0..STEPS {
            // At first there has to be something to edit.
            let what = if number < 2 {
                draw.creation(&vendors)
            } else {
                draw.what(&setting, &vendors)
            };
            steps.push(Step { at, what });
            at += draw.pause();
        }
        if seed % 4 == 3 {
            reconcile_meanwhile(seed, &vendors, at, &mut steps);
        }
        Self {
            seed,
            setting,
            steps,
        }
    }
}

/// Somebody heals while all that goes on. Drawn apart: the other steps of a seed stay what they were.
fn reconcile_meanwhile(
    seed: u64,
    vendors: &[IntegrationType],
    end: Duration,
    steps: &mut Vec<Step>,
) {
    let mut rng = Rng::with_seed(seed ^ 0x4EA1);
    for _ in 0..4 {
        let at = Duration::from_millis(
            rng.u64(1_000..u64::try_from(end.as_millis()).unwrap_or(1_001).max(1_001)),
        );
        let what = What::Configure {
            vendor: vendors[rng.usize(0..vendors.len())],
            method: Method::POST,
            path: "/reconcile".to_owned(),
            body: Some(json!({"auto_heal": true})),
        };
        let place = steps.partition_point(|step| step.at <= at);
        steps.insert(place, Step { at, what });
    }
}

struct Draw {
    rng: Rng,
    texts: u32,
}

impl Draw {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(0..of.len())]
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    /// A text that nobody else writes.
    fn text(&mut self, word: &str) -> String {
        self.texts += 1;
        format!("{word}-{:03}x", self.texts)
    }

    /// Mostly seconds, sometimes nothing, now and then long enough for all to come to rest.
    fn pause(&mut self) -> Duration {
        let milliseconds = match self.rng.u8(0..10) {
            0..3 => self.rng.u64(0..300),
            3..8 => self.rng.u64(300..6_000),
            8 => self.rng.u64(6_000..40_000),
            _ => self.rng.u64(60_000..600_000),
        };
        Duration::from_millis(milliseconds)
    }

    fn setting(&mut self) -> Setting {
        let mut vendors = IntegrationType::ALL.to_vec();
        self.rng.shuffle(&mut vendors);
        vendors.truncate(self.one(&[1, 1, 2, 2, 3]));
        let integrations = vendors
            .iter()
            .map(|vendor| self.connected(*vendor))
            .collect();
        let only_sick = (vendors.len() > 1 && self.chance(15)).then(|| self.one(&vendors));
        let skews = [(); 3].map(|()| {
            if self.chance(30) {
                self.rng.i64(-300..=300)
            } else {
                0
            }
        });
        let only_aws = only_sick.is_none() && self.chance(10);
        let calm = only_sick.is_some() || !only_aws && self.chance(25);
        let aws = AwsWeather {
            fails: if calm { 0 } else { self.rng.u32(0..6) },
            twice: if calm { 0 } else { self.rng.u32(0..12) },
            lost: if calm { 0 } else { self.rng.u32(0..6) },
        };
        let aws = if only_aws {
            AwsWeather {
                fails: 40,
                twice: 10,
                lost: 20,
            }
        } else {
            aws
        };
        let webhooks = if only_sick.is_some() || only_aws {
            WebhookWeather::default()
        } else {
            WebhookWeather {
                dropped: self.one(&[0, 0, 5, 20]),
                doubled: self.one(&[0, 10, 30]),
                late: self.one(&[0, 10, 40]),
            }
        };
        // A status of several steps takes a slow vendor longer than a first attempt has: where only one is sick, none is slow.
        let slowest = if only_sick.is_some() { 200 } else { 800 };
        let vendor_way = Duration::from_millis(self.one(&[20, 200, slowest]));
        Setting {
            integrations,
            skews,
            webhooks,
            aws,
            vendor_way,
            only_sick,
            only_aws,
        }
    }

    fn connected(&mut self, vendor: IntegrationType) -> Connected {
        let body = json!({
            "conflict_strategy": self.strategy(),
            "sync_direction": self.one(&["bidirectional", "bidirectional", "bidirectional", "inbound", "outbound"]),
        });
        let mut owners = Vec::new();
        for field in ["title", "severity", "status", "assigned_to"] {
            if self.chance(20) {
                owners.push((field, self.rules()));
            }
        }
        Connected {
            vendor,
            body,
            owners,
        }
    }

    fn strategy(&mut self) -> &'static str {
        let all = ConflictStrategy::ALL;
        all[self.rng.usize(0..all.len())].as_str()
    }

    fn rules(&mut self) -> Value {
        let rules = match self.rng.u8(0..4) {
            0 => json!([{"owner": "platform"}]),
            1 => json!([{"owner": "external"}]),
            2 => {
                json!([{"owner": "platform", "priority": 60}, {"owner": "external", "priority": 40}])
            }
            _ => {
                json!([{"owner": "platform", "priority": 40}, {"owner": "external", "priority": 60}])
            }
        };
        json!({"rules": rules})
    }

    fn creation(&mut self, vendors: &[IntegrationType]) -> What {
        if self.chance(60) {
            let body = json!({
                "title": self.text("made"),
                "severity": self.one(&SEVERITIES),
                "status": self.one(&STATUSES),
            });
            return What::Create { body };
        }
        What::CreateAt {
            vendor: self.one(vendors),
            text: self.text("found"),
            level: self.rng.u8(0..5),
        }
    }

    fn what(&mut self, setting: &Setting, vendors: &[IntegrationType]) -> What {
        let trouble = match self.rng.u8(0..100) {
            0..6 => return self.creation(vendors),
            6..31 => return self.edit(),
            31..60 => return self.edit_at(vendors),
            60..66 => return self.note(),
            _ if setting.only_aws => return self.edit(),
            trouble => trouble,
        };
        let sick = setting.only_sick.unwrap_or_else(|| self.one(vendors));
        match trouble {
            66..82 => self.fault(sick),
            82..84 => What::Down {
                vendor: sick,
                lasts: Duration::from_secs(self.rng.u64(60..4 * 3600)),
                silent: self.rng.bool(),
            },
            _ if setting.only_sick.is_some() => self.fault(sick),
            84..93 => self.crash(),
            93..95 => What::Rotate {
                vendor: self.one(vendors),
                vendor_first: self.rng.bool(),
            },
            _ => self.configure(vendors),
        }
    }

    fn edit(&mut self) -> What {
        let body = match self.rng.u8(0..7) {
            0 => json!({"severity": self.one(&SEVERITIES)}),
            1 | 2 => json!({"status": self.one(&STATUSES)}),
            3 => json!({"title": self.text("platform")}),
            4 => json!({"description": self.text("told")}),
            5 => json!({"assigned_to": self.one(&PEOPLE)}),
            _ => json!({"severity": self.one(&SEVERITIES), "status": self.one(&STATUSES)}),
        };
        What::Edit {
            which: self.rng.usize(..),
            body,
        }
    }

    fn note(&mut self) -> What {
        What::Note {
            which: self.rng.usize(..),
            list: self.one(&["comments", "work-notes"]),
            text: self.text("note"),
        }
    }

    fn edit_at(&mut self, vendors: &[IntegrationType]) -> What {
        let edit = match self.rng.u8(0..12) {
            0 | 1 => VendorEdit::Title(self.text("vendor")),
            2 => VendorEdit::Description(self.text("detail")),
            3..6 => VendorEdit::Level(self.rng.u8(0..5)),
            6..9 => VendorEdit::Status(self.rng.u8(0..5)),
            9 => VendorEdit::Assign(self.one(&PEOPLE)),
            _ => VendorEdit::Note {
                text: self.text("vnote"),
                internal: self.rng.bool(),
            },
        };
        What::EditAt {
            vendor: self.one(vendors),
            which: self.rng.usize(..),
            who: self.one(&PEOPLE),
            edit,
        }
    }

    fn fault(&mut self, vendor: IntegrationType) -> What {
        let writes = [Method::PUT, Method::POST, Method::PATCH];
        let write = writes[self.rng.usize(0..3)].clone();
        let any = if self.rng.bool() {
            Method::GET
        } else {
            write.clone()
        };
        let (fault, method) = match self.rng.u8(0..8) {
            0 => (Fault::TimeoutBeforeCommit, any),
            1 | 2 => (Fault::TimeoutAfterCommit, write),
            3 => (refuse(self.one(&[500, 502, 503]), &[]), any),
            4 => (
                refuse(429, &[("retry-after", self.one(&["1", "20", "90"]))]),
                any,
            ),
            5 => (Fault::Garbage, any),
            6 => (
                Fault::Delay {
                    ms: self.rng.u64(500..2_900),
                },
                any,
            ),
            _ => (
                Fault::StaleRead {
                    behind: self.rng.usize(1..3),
                },
                Method::GET,
            ),
        };
        let rule = FaultRule::once(fault)
            .times(self.one(&[1, 1, 2, 5]))
            .method(&method);
        What::Fault { vendor, rule }
    }

    fn crash(&mut self) -> What {
        use Function::{Api, DeadLetter, Inbound, Outbound, Reconciler, Webhook};
        let all = [
            Inbound, Inbound, Inbound, Outbound, Outbound, Outbound, Webhook, Api, DeadLetter,
            Reconciler,
        ];
        let function = self.one(&all);
        let most = if matches!(function, Inbound | Outbound) {
            20
        } else {
            4
        };
        let moment = self.one(&[Moment::BeforeArrival, Moment::BeforeAnswer]);
        What::Crash {
            function,
            death: Death {
                at: self.rng.u32(1..=most),
                moment,
            },
        }
    }

    fn configure(&mut self, vendors: &[IntegrationType]) -> What {
        let vendor = self.one(vendors);
        let patch = |body| (Method::PATCH, String::new(), Some(body));
        let (method, path, body) = match self.rng.u8(0..7) {
            0 => patch(json!({"conflict_strategy": self.strategy()})),
            1 => patch(
                json!({"sync_direction": self.one(&["bidirectional", "inbound", "outbound"])}),
            ),
            2 => patch(json!({"enabled": false})),
            3 => patch(json!({"enabled": true})),
            4 => (Method::POST, "/pause".to_owned(), None),
            5 => (Method::POST, "/resume".to_owned(), None),
            _ => {
                let field = self.one(&["title", "severity", "status", "assigned_to"]);
                (
                    Method::PUT,
                    format!("/field-ownership/{field}"),
                    Some(self.rules()),
                )
            }
        };
        What::Configure {
            vendor,
            method,
            path,
            body,
        }
    }
}

fn refuse(status: u16, headers: &[(&str, &str)]) -> Fault {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Fault::RefuseWith {
        status,
        body: json!({}),
        headers: headers.collect(),
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s  {:?}", self.at.as_secs_f64(), self.what)
    }
}
