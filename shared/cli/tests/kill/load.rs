//! Edits by people in all four systems. Each field of an incident is edited in one system only, so that what it must
//! hold in the end does not depend on who was faster.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    running::{Answer, Reach, System},
    words,
};

/// The same choices for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Choices(pub u64);

impl Choices {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound as u64).expect("less than the bound")
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// The values that somebody gave a field, oldest first, with whether that was answered.
#[derive(Debug, Clone, Default)]
pub struct History(Vec<(String, bool)>);

impl History {
    /// The last one that was answered, and all later ones: one of them must be there in the end.
    pub fn possible(&self) -> Vec<&str> {
        let last = self.0.iter().rposition(|(_, answered)| *answered);
        let possible = self.0[last.unwrap_or(0)..].iter();
        possible.map(|(value, _)| value.as_str()).collect()
    }

    fn tried(&mut self, value: &str, answer: &Answer) {
        match answer {
            Answer::Done(_) => self.0.push((value.to_owned(), true)),
            Answer::Nothing => self.0.push((value.to_owned(), false)),
            Answer::Refused(..) => {}
        }
    }
}

/// A note that somebody wrote.
#[derive(Debug, Clone)]
pub struct Note {
    pub text: String,
    pub by: System,
    pub answered: bool,
}

/// An incident, and what people did to it.
#[derive(Debug, Clone)]
pub struct Subject {
    choices: Choices,
    /// In every title it gets.
    pub word: String,
    origin: System,
    title_home: System,
    status_home: System,
    first_severity: &'static str,
    /// By system, as far as they are known.
    ids: [Option<String>; 4],
    created: bool,
    pub title: History,
    pub status: History,
    pub severity: History,
    pub notes: Vec<Note>,
    step: usize,
}

impl Subject {
    pub fn new(number: usize, seed: u64) -> Self {
        let mut choices = Choices(seed ^ (number as u64) << 32);
        Self {
            word: format!("subject{number:03}"),
            origin: System::ALL[number % 4],
            title_home: choices.of(&[System::Platform, System::Jira]),
            status_home: choices.of(&System::ALL),
            first_severity: choices.of(&words::SEVERITIES),
            ids: Default::default(),
            created: false,
            title: History::default(),
            status: History::default(),
            severity: History::default(),
            notes: Vec::new(),
            step: 0,
            choices,
        }
    }

    /// Whether it is anywhere.
    pub fn exists(&self) -> bool {
        self.created
    }

    /// The next thing that somebody does; `sending` is called before it is sent.
    pub async fn act(&mut self, systems: &Reach, sending: &impl Fn()) {
        self.step += 1;
        if !self.created {
            sending();
            return self.create(systems).await;
        }
        self.look_up(systems).await;
        let action = self.choices.below(5);
        let system = match action {
            0 => self.title_home,
            1 => self.status_home,
            2 => System::Platform,
            _ => self.choices.of(&System::ALL),
        };
        let Some(id) = self.ids[system as usize].clone() else {
            return;
        };
        sending();
        match action {
            0 => self.retitle(systems, system, &id).await,
            1 => self.move_on(systems, system, &id).await,
            2 => self.rate(systems, &id).await,
            _ => self.note(systems, system, &id).await,
        }
    }

    /// One that was not answered is looked for; on the platform it is asked for again with its key.
    async fn create(&mut self, systems: &Reach) {
        let title = format!("{} title000", self.word);
        if self.title.0.is_empty() {
            let severity = words::severity_after_creation(self.origin, self.first_severity);
            self.title.0.push((title.clone(), false));
            self.status.0.push(("open".to_owned(), false));
            self.severity.0.push((severity.to_owned(), false));
        } else if self.origin != System::Platform {
            match self.found(systems, self.origin).await {
                Some(Value::Null) => {}
                Some(found) => return self.is_created(&found),
                None => return,
            }
        }
        let (path, body) = words::creation(self.origin, &title, self.first_severity);
        let ask = systems.ask(self.origin, Method::POST, path, Some((&body, &self.word)));
        match ask.await {
            Answer::Done(created) => self.is_created(&created),
            Answer::Nothing => {}
            Answer::Refused(status, text) => panic!("{}: {status}: {text}", self.word),
        }
    }

    fn is_created(&mut self, record: &Value) {
        self.created = true;
        for history in [&mut self.title, &mut self.status, &mut self.severity] {
            history.0[0].1 = true;
        }
        self.ids[self.origin as usize] = words::id(self.origin, record);
    }

    /// The record of a system whose title has our word; null if there is none, `None` without an answer.
    async fn found(&self, systems: &Reach, system: System) -> Option<Value> {
        let records = match system {
            System::Platform => systems.list("incidents").await?,
            _ => words::records(system, &systems.get(system, words::list(system)).await?),
        };
        let mut records = records.into_iter();
        let found = records.find(|record| words::title(system, record).starts_with(&self.word));
        Some(found.unwrap_or_default())
    }

    /// Its ids in the other systems, as far as they have it by now.
    async fn look_up(&mut self, systems: &Reach) {
        let platform = System::Platform as usize;
        if self.ids[platform].is_none()
            && let Some(found) = self.found(systems, System::Platform).await
        {
            self.ids[platform] = words::id(System::Platform, &found);
        }
        let Some(id) = self.ids[platform].clone() else {
            return;
        };
        if self.ids.iter().all(Option::is_some) {
            return;
        }
        let path = format!("incidents/{id}");
        let Some(incident) = systems.get(System::Platform, &path).await else {
            return;
        };
        for system in System::VENDORS {
            if let Some(id) = words::linked(&incident, system) {
                self.ids[system as usize] = Some(id);
            }
        }
    }

    async fn edit(&self, systems: &Reach, system: System, id: &str, body: &Value) -> Answer {
        let path = format!("{}/{id}", words::list(system));
        let key = format!("{}-{}", self.word, self.step);
        let ask = systems.ask(system, Method::PATCH, &path, Some((body, &key)));
        ask.await
    }

    async fn retitle(&mut self, systems: &Reach, system: System, id: &str) {
        let title = format!("{} title{:03}", self.word, self.step);
        let body = words::by(system, json!({ words::TITLE[system as usize]: title }));
        let answer = self.edit(systems, system, id, &body).await;
        self.title.tried(&title, &answer);
    }

    async fn move_on(&mut self, systems: &Reach, system: System, id: &str) {
        let status = self.choices.of(words::statuses_by(system));
        let body = words::by(system, words::status_change(system, status));
        let answer = self.edit(systems, system, id, &body).await;
        self.status.tried(status, &answer);
    }

    async fn rate(&mut self, systems: &Reach, id: &str) {
        let severity = self.choices.of(&words::SEVERITIES);
        let body = json!({ "severity": severity });
        let answer = self.edit(systems, System::Platform, id, &body).await;
        self.severity.tried(severity, &answer);
    }

    async fn note(&mut self, systems: &Reach, system: System, id: &str) {
        let text = format!("Remark {}x{:03}", self.word, self.step);
        let answer = match system {
            System::Platform => comment(systems, id, &text).await,
            _ => {
                let body = words::by(system, json!({ words::NOTE[system as usize]: text }));
                self.edit(systems, system, id, &body).await
            }
        };
        if let Answer::Refused(status, why) = answer {
            panic!("{text}: {status}: {why}");
        }
        self.notes.push(Note {
            text,
            by: system,
            answered: answer != Answer::Nothing,
        });
    }

    /// Who got no answer from the platform asks again with the same key, until there is one.
    pub async fn ask_again(&mut self, systems: &Reach) {
        while self.origin == System::Platform && !self.title.0.is_empty() && !self.created {
            self.create(systems).await;
        }
        let Some(id) = self.ids[System::Platform as usize].clone() else {
            return;
        };
        let unanswered = self
            .notes
            .iter_mut()
            .filter(|note| note.by == System::Platform && !note.answered);
        for note in unanswered {
            while !note.answered {
                note.answered = matches!(comment(systems, &id, &note.text).await, Answer::Done(_));
            }
        }
    }
}

/// The text names the request.
async fn comment(systems: &Reach, id: &str, text: &str) -> Answer {
    let path = format!("incidents/{id}/comments");
    let (body, key) = (json!({ "text": text }), text.replace(' ', "-"));
    let ask = systems.ask(System::Platform, Method::POST, &path, Some((&body, &key)));
    ask.await
}
