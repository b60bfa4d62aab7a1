//! What follows from an incident's values, as the vendor's own rules compute it.

use super::choices;
use super::edit::Author;
use super::record::Record;

/// Computes what is not for writers to set.
pub(crate) fn follow(previous: &Record, next: &mut Record, author: &Author, now: &str) {
    let (was, is) = (previous["state"].to_owned(), next["state"].to_owned());
    next.set(
        "priority",
        choices::priority(&next["impact"], &next["urgency"]),
    );
    if is != "3" {
        next.set("hold_reason", "");
    }
    if was == is {
        return;
    }
    let (over, done) = (["7", "8"], ["6", "7"]);
    let (was, is) = (was.as_str(), is.as_str());
    next.set("active", (!over.contains(&is)).to_string());
    if is == "6" {
        next.set("resolved_at", now);
        next.set("resolved_by", &author.sys_id);
    } else if !done.contains(&is) {
        next.set("resolved_at", "");
        next.set("resolved_by", "");
    }
    if over.contains(&is) {
        next.set("closed_at", now);
        next.set("closed_by", &author.sys_id);
    } else {
        next.set("closed_at", "");
        next.set("closed_by", "");
    }
    if done.contains(&was) && !done.contains(&is) && is != "8" {
        next.set(
            "reopen_count",
            (previous.number("reopen_count") + 1).to_string(),
        );
    }
}
