//! Steps in words, so that a trace can be read.

use im_model::IntegrationId;

use super::{
    ask::{Ask, VendorAsk},
    state::{Item, State, value},
    steps::{Fate, Step},
    workers::{Next, Workers},
};

/// What a step does in a state.
pub fn words(state: &State, step: &Step, workers: &Workers) -> String {
    let name = |place: usize| {
        let beginning = workers.beginning(state.workers[place].life);
        format!("worker {}", beginning.worker)
    };
    match step {
        Step::Edit(side, field, number) => {
            let side = side.as_ref().map_or("the platform", IntegrationId::as_str);
            format!("a person sets {field} to {:?} on {side}", value(*number))
        }
        Step::Start(place, again) => {
            let again = if *again {
                ", and it will come again"
            } else {
                ""
            };
            format!(
                "a worker takes the job: {}{again}",
                job(&state.queue[*place])
            )
        }
        Step::Work(place, fate) => {
            let next = workers.next(state.workers[*place].life);
            let asked = match &*next {
                Next::Asks(ask) => asked(ask),
                Next::Ends(_) => "is done".to_owned(),
            };
            let fate = match fate {
                Fate::Answered => "",
                Fate::AnswerLost => "; it is carried out, and the answer is lost",
                Fate::Late => "; nobody answers, and it is carried out later",
            };
            format!("{} {asked}{fate}", name(*place))
        }
        Step::Crash(place) => format!("{} dies, and its job comes again", name(*place)),
        Step::Land(place) => {
            let flying = &state.flying[*place];
            format!("{} carries out late: {}", flying.to, request(&flying.ask))
        }
        Step::Wait(until) => format!("{} s pass", until - state.now),
    }
}

fn job(item: &Item) -> String {
    let image = if item.image.is_some() {
        " with its image"
    } else {
        ""
    };
    format!(
        "{:?}{image}, attempt {}.{}",
        item.job.hint, item.attempt, item.waits
    )
}

fn asked(ask: &Ask) -> String {
    match ask {
        Ask::IncidentOf(_, id) => format!("asks whose record {id} is"),
        Ask::Load(_) => "loads the incident".to_owned(),
        Ask::Claim(claim) => {
            let decided = claim.decisions.iter();
            let decided = decided.map(|(field, it)| format!("{field}: {:?}", it.action));
            format!(
                "claims version {} (attempt {}) of {}, having decided [{}]",
                claim.link_version,
                claim.attempt,
                claim.integration,
                decided.collect::<Vec<_>>().join("; ")
            )
        }
        Ask::LastClaim((_, id, version)) => {
            format!("looks who has claimed version {version} of {id}")
        }
        Ask::ClaimsOn((_, id, version)) => format!("reads the claims on version {version} of {id}"),
        Ask::Commit(commit) => {
            let pulls = commit.pulls.iter();
            let pulls = pulls.map(|(field, it)| format!("{field} := {:?}", it.value));
            format!(
                "commits version {} of {}, with a base for {:?} and [{}]",
                commit.link.version - 1,
                commit.integration,
                commit
                    .base
                    .keys()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                pulls.collect::<Vec<_>>().join("; ")
            )
        }
        Ask::SettleDebt(_, id) => format!("finds nothing to do, and settles what {id} is owed"),
        Ask::Reserve(reserve) => format!(
            "reserves version {} of {}",
            reserve.link.version, reserve.integration
        ),
        Ask::Connect(connect) => format!(
            "connects {} with {}",
            connect.integration, connect.external_id
        ),
        Ask::Import(_) => "makes an incident of the record".to_owned(),
        Ask::Conflict(_) => "reads a conflict".to_owned(),
        Ask::Vendor(to, ask) => format!("asks {to}: {}", request(ask)),
    }
}

fn request(ask: &VendorAsk) -> String {
    match ask {
        VendorAsk::Read(_) => "read the record".to_owned(),
        VendorAsk::Write(_, values) => format!("write {values:?}"),
        VendorAsk::Audit(_) => "read the audit".to_owned(),
        VendorAsk::Find(_) => "find the incident's record".to_owned(),
        VendorAsk::Create(_, values) => format!("create a record of {values:?}"),
    }
}
