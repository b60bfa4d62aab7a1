//! People: looked up once, never guessed.

use im_model::{ExternalValue, Field};
use im_vendors::Memory;

use crate::{
    bench::{Bench, value},
    rig::Rig,
};

pub async fn guesses_nobody<R: Rig>() {
    let bench = Bench::<R>::new();
    let known = R::PERSON.email;
    let id = bench.record();
    let before = bench.rig().holds(&id, &Field::AssignedTo);
    // Look-ups find parts of addresses, too.
    for stranger in [&known[1..], &known[..known.len() - 1], "nobody@example.net"] {
        let mut wanted = value(&Field::AssignedTo, stranger);
        let asked = bench.api.refusals(bench.connection(), &wanted).await;
        let asked = asked.expect("an answer");
        wanted.insert(Field::Title, ExternalValue::text(stranger));
        let written = bench.write(&id, &wanted).await.expect("the rest");
        for refused in [asked, written.refused] {
            let fields: Vec<_> = refused.keys().collect();
            assert_eq!(fields, [&Field::AssignedTo]);
            assert!(
                refused[&Field::AssignedTo].contains(stranger),
                "{refused:?}"
            );
        }
        assert_eq!(bench.rig().holds(&id, &Field::AssignedTo), before);
        let title = bench.rig().holds(&id, &Field::Title);
        assert_eq!(title.as_deref(), Some(stranger));
    }
}

pub async fn looks_up_a_person_once<R: Rig>() {
    let mut bench = Bench::<R>::new();
    let somebody = value(&Field::AssignedTo, R::PERSON.email);
    let lookups = async |bench: &Bench<R>| {
        let refusals = bench.api.refusals(bench.connection(), &somebody).await;
        assert_eq!(refusals.expect("an answer"), [].into());
        bench.wire.take_sent().len()
    };
    assert!(lookups(&bench).await > 0, "nobody was asked");
    assert_eq!(lookups(&bench).await, 0, "asked again");
    let id = bench.record();
    bench.write(&id, &somebody).await.expect("written");
    let held = bench.rig().holds(&id, &Field::AssignedTo);
    assert_eq!(held.as_deref(), Some(R::PERSON.email));
    bench.memory = Memory::default();
    bench.wire.take_sent();
    assert!(
        lookups(&bench).await > 0,
        "known from somewhere else than the memory"
    );
}
