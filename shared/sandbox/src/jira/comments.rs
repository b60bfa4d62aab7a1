//! Comments: what a request says of them, and changes of those that are there already.

use std::collections::BTreeMap;

use serde_json::Value;

use super::issue::{Author, Comment, INTERNAL, Issue, NewComment};
use super::refusal::Refusal;
use super::state::State;
use super::webhook::{self, Happened};
use super::{properties, values};

/// What a comment is created from. What only Jira writes is ignored, `jsdPublic` included.
pub(crate) fn new_comment(given: &Value) -> Result<NewComment, Refusal> {
    let object = given.as_object().ok_or_else(Refusal::payload)?;
    let known = [
        "body",
        "properties",
        "id",
        "self",
        "author",
        "updateAuthor",
        "created",
        "updated",
        "renderedBody",
        "jsdPublic",
        "jsdAuthorCanSeeRequest",
    ];
    if object.keys().any(|key| !known.contains(&key.as_str())) {
        return Err(Refusal::payload());
    }
    let body = values::comment(object.get("body"));
    let body = body.map_err(|wrong| Refusal::field("comment", wrong))?;
    let properties = object
        .get("properties")
        .map_or_else(|| Ok(BTreeMap::new()), properties::listed)?;
    Ok(NewComment { body, properties })
}

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
        properties::check(key, &value)?;
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
