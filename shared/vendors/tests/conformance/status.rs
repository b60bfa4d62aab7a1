//! The way of a record from open to closed, and back.

use im_model::{Field, PlatformValue, Status};
use im_sync::Mapped;

use crate::{
    bench::{Bench, value},
    rig::Rig,
};

pub async fn takes_the_status_there_and_back<R: Rig>() {
    use Status::{Acknowledged, Closed, Mitigated, Open, Resolved};
    let there_and_back = [
        Open,
        Acknowledged,
        Mitigated,
        Resolved,
        Closed,
        Open,
        Resolved,
        Acknowledged,
        Closed,
        Acknowledged,
    ];
    let bench = Bench::<R>::new();
    let rule = bench.rules().await.fields.remove(&Field::Status);
    let rule = rule.expect("every vendor has a status");
    let id = bench.record();
    for status in there_and_back {
        let (raw, back) = R::status(status);
        let outward = rule.outward.apply(&PlatformValue::text(status.as_str()).0);
        assert_eq!(
            outward,
            Mapped::Value(value(&Field::Status, raw)[&Field::Status].0.clone())
        );
        let written = bench.write(&id, &value(&Field::Status, raw)).await;
        let written = written.expect("written");
        assert_eq!(written.refused, [].into(), "{status}");
        let read = bench.read(&id).await;
        let held = bench.rig().holds(&id, &Field::Status);
        assert_eq!(held.as_deref(), Some(raw), "the vendor's {status}");
        for record in [&written.record, &read] {
            let seen = &record.fields[&Field::Status].value;
            assert_eq!(seen.as_str(), Some(raw), "{status} as read");
            let inward = rule.inward.apply(&seen.0);
            assert_eq!(
                inward,
                Mapped::Value(PlatformValue::text(back.as_str()).0),
                "{status} back"
            );
        }
    }
}
