//! Rule 4 and its neighbours, every combination by table: what one may expect of each strategy.

use im_model::{ConflictStrategy, Direction, Field, Ownership, Side};
use im_sync::Action;

use crate::link::*;

/// The columns of each table. "near": the other side's own last change lies within the window of 5 s, else it is long
/// ago. Where both sides changed, who was later.
const COLUMNS: [Column; 12] = [
    Column(Change::Platform, Near::Yes),
    Column(Change::Platform, Near::No),
    Column(Change::External, Near::Yes),
    Column(Change::External, Near::No),
    Column(Change::Same, Near::Yes),
    Column(Change::Same, Near::No),
    Column(Change::Different(Side::Platform), Near::Yes),
    Column(Change::Different(Side::Platform), Near::No),
    Column(Change::Different(Side::External), Near::Yes),
    Column(Change::Different(Side::External), Near::No),
    Column(Change::Neither, Near::Yes),
    Column(Change::Neither, Near::No),
];

/// What changed since both sides agreed, and how near in time.
#[derive(Debug, Clone, Copy)]
struct Column(Change, Near);

#[derive(Debug, Clone, Copy)]
enum Change {
    Platform,
    External,
    Same,
    /// To different values; this side was later.
    Different(Side),
    Neither,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Near {
    Yes,
    No,
}

// Nothing `.`   base moves, no value does `=`   to the vendor `>`   to the platform `<`
// a conflict is recorded with the loser `>!` `<!`   a conflict waits for a person `?`
//
// Owners: `both p>e` is shared, the platform with the higher priority.

/// Where only one side may flow, or none, the strategy has no say.
const ONE_WAY: &str = "
                        platform    vendor      both the    both, p     both, e     neither
                        changed     changed     same        later       later       changed
direction     owner     near  far   near  far   near  far   near  far   near  far   near  far
none          none      =     =     =     =     =     =     =     =     =     =     .     .
none          platform  =     =     =     =     =     =     =     =     =     =     .     .
none          external  =     =     =     =     =     =     =     =     =     =     .     .
none          both:p>e  =     =     =     =     =     =     =     =     =     =     .     .
none          both:e>p  =     =     =     =     =     =     =     =     =     =     .     .
none          both:tie  =     =     =     =     =     =     =     =     =     =     .     .
outbound      none      >     >     =     =     =     =     >!    >!    >!    >!    .     .
outbound      platform  >     >     =     =     =     =     >!    >!    >!    >!    .     .
outbound      external  =     =     =     =     =     =     =     =     =     =     .     .
outbound      both:p>e  >     >     =     =     =     =     >!    >!    >!    >!    .     .
outbound      both:e>p  >     >     =     =     =     =     >!    >!    >!    >!    .     .
outbound      both:tie  >     >     =     =     =     =     >!    >!    >!    >!    .     .
inbound       none      =     =     <     <     =     =     <!    <!    <!    <!    .     .
inbound       platform  =     =     =     =     =     =     =     =     =     =     .     .
inbound       external  =     =     <     <     =     =     <!    <!    <!    <!    .     .
inbound       both:p>e  =     =     <     <     =     =     <!    <!    <!    <!    .     .
inbound       both:e>p  =     =     <     <     =     =     <!    <!    <!    <!    .     .
inbound       both:tie  =     =     <     <     =     =     <!    <!    <!    <!    .     .
bidirectional platform  >     >     =     =     =     =     >!    >!    >!    >!    .     .
bidirectional external  =     =     <     <     =     =     <!    <!    <!    <!    .     .
";

const LAST_WRITE_WINS: &str = "
                        platform    vendor      both the    both, p     both, e     neither
                        changed     changed     same        later       later       changed
direction     owner     near  far   near  far   near  far   near  far   near  far   near  far
bidirectional none      >!    >     <!    <     =     =     >!    >!    <!    <!    .     .
bidirectional both:p>e  >!    >     <!    <     =     =     >!    >!    <!    <!    .     .
bidirectional both:e>p  >!    >     <!    <     =     =     >!    >!    <!    <!    .     .
bidirectional both:tie  >!    >     <!    <     =     =     >!    >!    <!    <!    .     .
";

const OWNERSHIP_PRIORITY: &str = "
                        platform    vendor      both the    both, p     both, e     neither
                        changed     changed     same        later       later       changed
direction     owner     near  far   near  far   near  far   near  far   near  far   near  far
bidirectional none      >!    >     <!    <     =     =     >!    >!    <!    <!    .     .
bidirectional both:p>e  >!    >     >!    <     =     =     >!    >!    >!    >!    .     .
bidirectional both:e>p  <!    >     <!    <     =     =     <!    <!    <!    <!    .     .
bidirectional both:tie  >!    >     <!    <     =     =     >!    >!    <!    <!    .     .
";

const MANUAL_REVIEW: &str = "
                        platform    vendor      both the    both, p     both, e     neither
                        changed     changed     same        later       later       changed
direction     owner     near  far   near  far   near  far   near  far   near  far   near  far
bidirectional none      ?     >     ?     <     =     =     ?     ?     ?     ?     .     .
bidirectional both:p>e  ?     >     ?     <     =     =     ?     ?     ?     ?     .     .
bidirectional both:e>p  ?     >     ?     <     =     =     ?     ?     ?     ?     .     .
bidirectional both:tie  ?     >     ?     <     =     =     ?     ?     ?     ?     .     .
";

#[test]
fn last_write_wins() {
    holds(ConflictStrategy::LastWriteWins, LAST_WRITE_WINS);
}

#[test]
fn ownership_priority() {
    holds(ConflictStrategy::OwnershipPriority, OWNERSHIP_PRIORITY);
}

#[test]
fn manual_review() {
    holds(ConflictStrategy::ManualReview, MANUAL_REVIEW);
}

fn holds(strategy: ConflictStrategy, table: &str) {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in [ONE_WAY, table]
        .into_iter()
        .flat_map(|table| table.lines().skip(4))
    {
        rows += 1;
        let mut words = row.split_whitespace();
        let direction: Direction = words.next().expect("one").parse().expect("a direction");
        let owner = words.next().expect("an owner");
        let expected: Vec<_> = words.collect();
        assert_eq!(expected.len(), COLUMNS.len(), "{row}");
        for (column, expected) in COLUMNS.iter().zip(expected) {
            let seen = outcome(strategy, direction, ownership(owner), *column);
            if seen != expected {
                wrong.push(format!(
                    "{direction} {owner} {column:?}: {seen}, not {expected}"
                ));
            }
        }
    }
    assert_eq!(rows, 24, "four directions, six ways to own a field");
    assert!(wrong.is_empty(), "{strategy}:\n{}", wrong.join("\n"));
}

fn ownership(owner: &str) -> Ownership {
    let (platform, external) = match owner {
        "none" => (None, None),
        "platform" => (Some(10), None),
        "external" => (None, Some(10)),
        "both:p>e" => (Some(20), Some(10)),
        "both:e>p" => (Some(10), Some(20)),
        "both:tie" => (Some(10), Some(10)),
        _ => panic!("{owner}"),
    };
    Ownership { platform, external }
}

/// Both sides agreed on "a"; then what the column says.
fn outcome(
    strategy: ConflictStrategy,
    direction: Direction,
    ownership: Ownership,
    Column(change, near): Column,
) -> &'static str {
    let title = Field::Title;
    let before = if near == Near::Yes { 97 } else { 40 };
    // Their last own changes before they agreed, then those since.
    let mut link = Link::new()
        .platform(title.clone(), "a", before)
        .vendor(title.clone(), "a", before)
        .agreed()
        .owned_by(&title, ownership)
        .direction(direction);
    link.rules.strategy = strategy;
    link = match change {
        Change::Platform => link.platform(title.clone(), "b", 100),
        Change::External => link.vendor(title.clone(), "b", 100),
        Change::Same => link
            .platform(title.clone(), "b", before)
            .vendor(title.clone(), "b", 100),
        Change::Different(Side::Platform) => {
            link.platform(title.clone(), "b", 100)
                .vendor(title.clone(), "c", before)
        }
        Change::Different(Side::External) => {
            link.platform(title.clone(), "b", before)
                .vendor(title.clone(), "c", 100)
        }
        Change::Neither => link,
    };
    let Some(decision) = link.decision(&title) else {
        return ".";
    };
    let lost = decision.lost.as_ref().map(|lost| lost.side);
    match (&decision.action, lost) {
        (Action::Rebase, None) => "=",
        (Action::Push { .. }, None) => ">",
        (Action::Push { .. }, Some(Side::External)) => ">!",
        (Action::Pull { .. }, None) => "<",
        (Action::Pull { .. }, Some(Side::Platform)) => "<!",
        (Action::Hold, None) => "?",
        other => panic!("{other:?}"),
    }
}
