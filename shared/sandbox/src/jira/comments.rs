//! Changes of comments that are there already.

use serde_json::Value;

use super::fields::property_fits;
use super::issue::{Author, Comment, INTERNAL, Issue, NewComment};
use super::refusal::Refusal;
use super::state::State;
use super::webhook::{self, Happened};

impl State {
    fn with_comment(&self, issue: &str, id: &str) -> Result<(Issue, usize), Refusal> {
        let issue = self.issue(issue)?.clone();
        let place = issue.comments.iter().position(|comment| comment.id == id);
        let place = place.ok_or_else(|| Refusal::no_comment(id))?;
        Ok((issue, place))
    }

    /// Replaces the body and sets properties. The same body leaves no trace.
    pub(crate) fn edit_comment(
        &mut self,
        issue: &str,
        id: &str,
        new: NewComment,
        author: &Author,
    ) -> Result<(), Refusal> {
        let (mut issue, place) = self.with_comment(issue, id)?;
        let before = issue.comments[place].clone();
        let mut comment = before.clone();
        comment.properties.extend(new.properties);
        comment.body = new.body;
        if comment == before {
            return Ok(());
        }
        let edited = comment.body != before.body;
        let now = self.surroundings.now();
        if edited {
            comment.updated = now;
            comment.update_author = self.account_of(author);
            issue.updated = now;
        }
        issue.comments[place] = comment.clone();
        self.store(issue.clone());
        if edited {
            webhook::comment(self, Happened::Updated, &issue, &comment, author);
        }
        Ok(())
    }

    pub(crate) fn delete_comment(
        &mut self,
        issue: &str,
        id: &str,
        author: &Author,
    ) -> Result<(), Refusal> {
        let (mut issue, place) = self.with_comment(issue, id)?;
        let comment = issue.comments.remove(place);
        issue.updated = self.surroundings.now();
        self.store(issue.clone());
        webhook::comment(self, Happened::Deleted, &issue, &comment, author);
        Ok(())
    }

    /// Sets a comment's property, silently; whether it is new.
    pub(crate) fn set_comment_property(
        &mut self,
        id: &str,
        key: &str,
        value: Value,
    ) -> Result<bool, Refusal> {
        property_fits(key, &value)?;
        let issue = self.issue_of_comment(id)?.key.clone();
        let (mut issue, place) = self.with_comment(&issue, id)?;
        let comment: &mut Comment = &mut issue.comments[place];
        let old = comment.properties.insert(key.to_owned(), value);
        self.store(issue);
        Ok(old.is_none())
    }
}

/// The property that says whether a comment is internal.
pub(crate) fn visibility(internal: bool) -> (String, Value) {
    (
        INTERNAL.to_owned(),
        serde_json::json!({"internal": internal}),
    )
}
