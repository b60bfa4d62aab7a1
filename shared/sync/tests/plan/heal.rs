//! Rule 6: what differs although neither side changed. Every combination of who may move the field and who holds what.

use im_model::{
    Direction, ExternalValue, Field, Notice, NoticeKind, Origin, Owner, Ownership, PlatformValue,
    Review, Verdict,
};
use im_sync::{Action, Decision, Rule};

use crate::link::*;

fn apart(platform: &str, external: &str) -> Link {
    Link::new()
        .platform(Field::Title, platform, 10)
        .vendor(Field::Title, external, 20)
        .agreed()
}

fn owned_by(link: Link, owner: Option<Owner>) -> Link {
    match owner {
        Some(owner) => link.owned_by(&Field::Title, Ownership::only(owner, 10)),
        None => link,
    }
}

fn healed(link: &Link) -> Option<Decision> {
    link.healing().decisions.remove(&Field::Title)
}

fn pushes(link: &Link) -> bool {
    let decision = healed(link);
    decision.is_some_and(|it| matches!(it.action, Action::Push { .. }) && it.rule == Rule::Drift)
}

fn pulls(link: &Link) -> bool {
    let decision = healed(link);
    decision.is_some_and(|it| matches!(it.action, Action::Pull { .. }) && it.rule == Rule::Drift)
}

#[test]
fn it_is_healed_towards_the_side_that_may_move_it() {
    use Owner::{External, Platform};
    assert!(pushes(&owned_by(apart("a", "b"), Some(Platform))));
    assert!(pulls(&owned_by(apart("a", "b"), Some(External))));
    assert!(pushes(&apart("a", "b").direction(Direction::Outbound)));
    assert!(pulls(&apart("a", "b").direction(Direction::Inbound)));
    for (owner, direction) in [
        (External, Direction::Outbound),
        (Platform, Direction::Inbound),
    ] {
        let link = owned_by(apart("a", "b"), Some(owner)).direction(direction);
        assert_eq!(healed(&link), None, "neither may move it");
        assert!(link.unhealed().is_empty(), "and nobody has to look at it");
    }
}

#[test]
fn where_both_may_move_it_the_later_value_is_right_and_of_two_at_once_the_platforms() {
    assert!(pulls(&apart("a", "b")));
    let later = apart("a", "b").platform(Field::Title, "a", 30).agreed();
    assert!(pushes(&later));
    let at_once = apart("a", "b").platform(Field::Title, "a", 20).agreed();
    assert!(pushes(&at_once));
}

/// Trace 9, in all its forms.
#[test]
fn an_empty_value_never_takes_the_place_of_a_full_one() {
    for owner in [None, Some(Owner::Platform), Some(Owner::External)] {
        for direction in [
            Direction::Bidirectional,
            Direction::Inbound,
            Direction::Outbound,
        ] {
            for (platform, external) in [("", "b"), ("a", "")] {
                let link = owned_by(apart(platform, external), owner).direction(direction);
                let what = format!("{owner:?} {direction} {platform:?} {external:?}");
                match healed(&link).map(|decision| decision.action) {
                    Some(Action::Push { value }) => {
                        assert_eq!(value, ExternalValue::text("a"), "{what}");
                    }
                    Some(Action::Pull { value, .. }) => {
                        assert_eq!(value, PlatformValue::text("b"), "{what}");
                    }
                    None => {}
                    other => panic!("{what}: {other:?}"),
                }
            }
        }
    }
    assert!(
        pulls(&apart("", "b")),
        "the full one, where both may move it"
    );
    assert!(pushes(&apart("a", "")));
}

/// Trace 2.
#[test]
fn what_another_integration_brought_is_left_and_told() {
    let mut link = owned_by(apart("ann", "bob"), Some(Owner::External));
    let brought_by = |id: &str| Origin::External {
        integration: id.parse().expect("an id"),
        author: None,
    };
    let state = link
        .incident
        .fields
        .get_mut(&Field::Title)
        .expect("a title");
    state.origin = brought_by("another");
    assert_eq!(healed(&link), None);
    let unhealed = link.unhealed().remove(&Field::Title).expect("it is told");
    assert!(unhealed.why.contains("another"), "{unhealed:?}");
    let state = link
        .incident
        .fields
        .get_mut(&Field::Title)
        .expect("a title");
    state.origin = brought_by(HEALER);
    assert!(pulls(&link), "what it brought itself it may replace");
}

/// Hints note such a change and leave it; it is taken back when somebody reconciles.
#[test]
fn a_change_that_may_not_flow_is_taken_back() {
    let theirs = owned_by(apart("a", "a"), Some(Owner::Platform)).vendor(Field::Title, "b", 60);
    assert_eq!(
        theirs.decision(&Field::Title).expect("it is noted").action,
        Action::Rebase
    );
    assert!(pushes(&theirs));
    let ours = owned_by(apart("a", "a"), Some(Owner::External)).platform(Field::Title, "b", 60);
    assert_eq!(
        ours.decision(&Field::Title).expect("it is noted").action,
        Action::Rebase
    );
    assert!(pulls(&ours));
}

#[test]
fn a_healed_link_needs_no_healing() {
    for owner in [None, Some(Owner::Platform), Some(Owner::External)] {
        let mut link = owned_by(apart("a", "b"), owner);
        assert!(!link.healing().is_empty());
        link.heal();
        assert_eq!(healed(&link), None, "{owner:?}");
        assert!(link.plan().is_empty());
    }
}

#[test]
fn hints_leave_it_alone() {
    for owner in [None, Some(Owner::Platform), Some(Owner::External)] {
        assert!(owned_by(apart("a", "b"), owner).plan().is_empty());
    }
}

#[test]
fn what_was_refused_or_is_a_persons_choice_stays() {
    let about = |link: &Link| link.base[&Field::Title];
    for kind in [
        NoticeKind::Unmapped,
        NoticeKind::Unwritable,
        NoticeKind::Overruled,
        NoticeKind::Flipping,
    ] {
        let mut link = apart("a", "b");
        let notice = Notice {
            kind,
            detail: "told before".to_owned(),
            tried: None,
            about: about(&link),
            at: at(30),
        };
        link.notices.insert(Field::Title, notice);
        assert_eq!(healed(&link), None, "{kind:?}");
        let another = link.vendor(Field::Title, "c", 40).agreed();
        assert!(pulls(&another), "{kind:?} was about another pair");
    }
    let mut link = apart("a", "b");
    let review = Review {
        conflict: im_model::ConflictId::from_ulid(ulid::Ulid(7)),
        about: about(&link),
        verdict: Verdict::Ignore,
    };
    link.reviews.insert(Field::Title, review);
    assert_eq!(healed(&link), None);
}

/// SEV-1 came of `high`, say, and SEV-2 is what `high` becomes now: nobody is wrong.
#[test]
fn one_of_several_values_that_stand_for_the_platforms_stands() {
    let platform = Ownership::only(Owner::Platform, 10);
    let mut link = Link::new().vendor(Field::Status, "resolved", 10);
    link.rules
        .fields
        .get_mut(&Field::Status)
        .expect("mapped")
        .outward = im_sync::ValueMap::table(
        [("open", "triggered"), ("resolved", "done")],
        im_sync::Otherwise::Error,
    );
    link.created_from = im_model::Side::External;
    link.heal();
    let mut link = link.owned_by(&Field::Status, platform);
    assert_eq!(
        link.incident.value(&Field::Status),
        PlatformValue::text("resolved")
    );
    assert!(link.healing().is_empty(), "{:?}", link.healing());
    // Our own write, whose map has changed since, does not.
    let base = link.base.get_mut(&Field::Status).expect("a base");
    base.one_of_many = false;
    assert!(!link.healing().is_empty());
}
