//! What people do in the vendor's forms.

use super::ServiceNow;
use super::edit::{Author, Input};
use super::refusal::Refusal;

/// A user at work; see [`ServiceNow::person`]. Nothing here is asked for a password, but data
/// policies hold, and what a form would not let a person do is refused.
#[derive(Clone)]
pub struct Person {
    servicenow: ServiceNow,
    email: String,
    quiet: bool,
}

impl Person {
    pub(crate) fn new(servicenow: ServiceNow, email: String) -> Self {
        Self {
            servicenow,
            email,
            quiet: false,
        }
    }

    /// The same, behind everybody's back: what it does causes no webhook.
    #[must_use]
    pub fn quietly(self) -> Self {
        self.quiet_if(true)
    }

    pub(crate) fn quiet_if(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// Opens an incident as its caller; its `sys_id`.
    pub fn open(
        &self,
        short_description: &str,
        impact: u8,
        urgency: u8,
    ) -> Result<String, Refusal> {
        let (impact, urgency) = (impact.to_string(), urgency.to_string());
        self.open_with(&[
            ("short_description", short_description),
            ("impact", &impact),
            ("urgency", &urgency),
        ])
    }

    /// Opens an incident with these columns, as its caller unless they say otherwise.
    pub fn open_with(&self, columns: &[(&str, &str)]) -> Result<String, Refusal> {
        let author = self.author()?;
        let mut input = vec![("caller_id".to_owned(), author.sys_id.clone())];
        input.extend(owned(columns));
        let mut state = self.servicenow.state_quiet(self.quiet);
        state.insert(&input, &author)
    }

    /// Changes columns; `comments` and `work_notes` add entries.
    pub fn edit(&self, sys_id: &str, columns: &[(&str, &str)]) -> Result<(), Refusal> {
        let author = self.author()?;
        let mut state = self.servicenow.state_quiet(self.quiet);
        state.update(sys_id, &owned(columns), &author)
    }

    /// Adds an entry that the customer sees.
    pub fn comment(&self, sys_id: &str, text: &str) -> Result<(), Refusal> {
        self.edit(sys_id, &[("comments", text)])
    }

    /// Adds an internal entry.
    pub fn work_note(&self, sys_id: &str, text: &str) -> Result<(), Refusal> {
        self.edit(sys_id, &[("work_notes", text)])
    }

    /// Resolves it, with the first close code.
    pub fn resolve(&self, sys_id: &str) -> Result<(), Refusal> {
        let code = self.servicenow.state().config.close_codes.first().cloned();
        let code = code.unwrap_or_default();
        self.edit(
            sys_id,
            &[
                ("state", "6"),
                ("close_code", &code),
                ("close_notes", "Resolved"),
            ],
        )
    }

    /// Deletes it.
    pub fn delete(&self, sys_id: &str) -> Result<(), Refusal> {
        let author = self.author()?;
        let mut state = self.servicenow.state_quiet(self.quiet);
        state.delete(sys_id, &author)
    }

    fn author(&self) -> Result<Author, Refusal> {
        let state = self.servicenow.state();
        let user = state.user("email", &self.email);
        let user = user.ok_or_else(|| {
            let message = format!("nobody has the e-mail {}", self.email);
            Refusal::invalid(message, None)
        })?;
        Ok(Author {
            user_name: user["user_name"].to_owned(),
            sys_id: user["sys_id"].to_owned(),
            rest: false,
        })
    }
}

fn owned(columns: &[(&str, &str)]) -> Input {
    let columns = columns.iter();
    columns
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
