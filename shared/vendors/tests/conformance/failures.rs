//! What goes wrong, and that it is told apart.

use im_model::ExternalRecord;
use im_vendors::{Credentials, VendorError, VendorErrorKind};
use jiff::SignedDuration;

use crate::{bench::Bench, call::Call, rig::Rig, wire::Trouble};

const WAIT: SignedDuration = SignedDuration::from_secs(37);
const HTML: &str = "<!DOCTYPE html><html><body>Please wait</body></html>";

impl<R: Rig> Bench<R> {
    /// Nothing that tells who we are, in whatever form it was sent.
    fn assert_tells_no_credential(&self, text: &str, authorizations: &[String]) {
        let secrets = self.credentials.0.values().map(im_model::Secret::reveal);
        let sent = authorizations.iter().filter_map(|it| it.rsplit(' ').next());
        for secret in secrets.chain(sent).filter(|secret| !secret.is_empty()) {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }

    /// Makes the call meet the trouble: what failed, and on which request.
    async fn fail(
        &self,
        call: Call,
        trouble: &Trouble,
    ) -> Result<Option<ExternalRecord>, VendorError> {
        let id = self.record();
        let record = self.read(&id).await;
        self.wire.take_sent();
        self.wire.trouble(call.meets(), trouble.clone());
        let made = call.make(self, &record, &self.next_incident()).await;
        let sent = self.wire.take_sent();
        let troubled = sent.iter().find(|sent| sent.troubled);
        let troubled = troubled.expect("a request met the trouble");
        if let Err(error) = &made {
            assert_eq!(error.tried, troubled.name(), "{call:?}");
            let text = error.to_string();
            assert!(text.starts_with(&error.tried), "{text}");
            assert!(text.ends_with(error.advice()), "{text}");
            let sent: Vec<_> = sent
                .iter()
                .filter_map(|sent| sent.authorization.clone())
                .collect();
            assert!(!sent.is_empty(), "{call:?} told nobody who we are");
            self.assert_tells_no_credential(&text, &sent);
            self.assert_tells_no_credential(&format!("{error:?}"), &sent);
        }
        self.wait();
        made
    }
}

fn refusal<R: Rig>(status: u16) -> Trouble {
    Trouble::Refuse {
        status,
        headers: Vec::new(),
        body: R::error_body(status),
    }
}

/// Without the vendor's own code, which is nobody else's business.
fn coarse(kind: &VendorErrorKind) -> VendorErrorKind {
    match kind {
        VendorErrorKind::Refused { status, .. } => VendorErrorKind::Refused {
            status: *status,
            code: None,
        },
        other => other.clone(),
    }
}

pub async fn tells_refusals_apart<R: Rig>() {
    let bench = Bench::<R>::new();
    let refused = |status| VendorErrorKind::Refused { status, code: None };
    let unavailable = |status| VendorErrorKind::Unavailable { status };
    for (status, kind, permanent) in [
        (400, refused(400), true),
        (401, VendorErrorKind::Unauthorized, false),
        (403, VendorErrorKind::Forbidden, true),
        (404, VendorErrorKind::NotFound, true),
        (422, refused(422), true),
        (500, unavailable(500), false),
        (502, unavailable(502), false),
        (503, unavailable(503), false),
    ] {
        for call in [
            Call::Read,
            Call::List,
            Call::Notes,
            Call::Write,
            Call::Create,
            Call::AddNote,
        ] {
            let error = bench.fail(call, &refusal::<R>(status)).await;
            let error = error.expect_err("refused");
            assert_eq!(coarse(&error.kind), kind, "{call:?}");
            assert_eq!(error.is_permanent(), permanent, "{call:?}: {error}");
        }
    }
}

pub async fn knows_whether_a_conflicting_update_may_be_tried_again<R: Rig>() {
    let bench = Bench::<R>::new();
    let error = bench.fail(Call::Write, &refusal::<R>(409)).await;
    let error = error.expect_err("refused");
    assert_eq!(error.is_permanent(), R::conflict_is_permanent(), "{error}");
    assert!(error.to_string().contains("409"), "{error}");
}

pub async fn quotes_the_vendor<R: Rig>() {
    let bench = Bench::<R>::new();
    let error = bench.fail(Call::Write, &refusal::<R>(400)).await;
    let detail = error.expect_err("refused").detail;
    assert!(detail.contains(crate::rig::WORDS), "{detail}");
    let long = Trouble::Refuse {
        status: 400,
        headers: Vec::new(),
        body: R::error_body(400).replace(crate::rig::WORDS, &"no ".repeat(10_000)),
    };
    let detail = bench
        .fail(Call::Write, &long)
        .await
        .expect_err("refused")
        .detail;
    assert!(
        detail.chars().count() <= 1_000,
        "{} characters",
        detail.len()
    );
}

pub async fn waits_as_long_as_the_vendor_asks<R: Rig>() {
    let bench = Bench::<R>::new();
    let forms = R::rate_limits(WAIT, bench.now());
    assert!(!forms.is_empty(), "every vendor has a way of saying it");
    for form in 0..=forms.len() {
        for call in [Call::Read, Call::Write] {
            // The call is made a minute from now: some say until when.
            let at = bench.now() + SignedDuration::from_secs(60);
            let headers = R::rate_limits(WAIT, at).get(form).cloned();
            let retry_after = headers.as_ref().map(|_| WAIT);
            let trouble = Trouble::Refuse {
                status: 429,
                headers: headers.unwrap_or_default(),
                body: R::error_body(429),
            };
            let error = bench.fail(call, &trouble).await.expect_err("refused");
            assert_eq!(
                error.kind,
                VendorErrorKind::RateLimited { retry_after },
                "{trouble:?}"
            );
            assert!(!error.is_permanent());
        }
    }
}

pub async fn tells_silence_from_absence<R: Rig>() {
    let bench = Bench::<R>::new();
    for (trouble, kind) in [
        (Trouble::TimeoutBeforeCommit, VendorErrorKind::Timeout),
        (Trouble::TimeoutAfterCommit, VendorErrorKind::Timeout),
        (Trouble::BreakOff, VendorErrorKind::Timeout),
        (Trouble::Unreachable, VendorErrorKind::Unreachable),
        (
            refusal::<R>(503),
            VendorErrorKind::Unavailable { status: 503 },
        ),
        (refusal::<R>(401), VendorErrorKind::Unauthorized),
    ] {
        for call in Call::ALL {
            let error = bench.fail(call, &trouble).await.expect_err("no answer");
            assert_eq!(error.kind, kind, "{call:?}");
            assert!(!error.is_permanent());
        }
    }
}

pub async fn takes_garbage_for_no_answer<R: Rig>() {
    let bench = Bench::<R>::new();
    for body in [HTML, "", "null", r#"{"something":"else"}"#] {
        for call in Call::ALL {
            match bench.fail(call, &Trouble::Garble(body)).await {
                Err(error) => {
                    assert_eq!(error.kind, VendorErrorKind::Garbage, "{call:?}: {body}");
                    assert!(!error.is_permanent());
                }
                // It had read the record anew, which is better than to believe an answer.
                Ok(Some(record)) if call == Call::Write => {
                    assert_eq!(record, bench.read(&record.id).await, "{body}");
                }
                other => panic!("{call:?} took {body:?} for {other:?}"),
            }
        }
    }
    for (status, kind) in [
        (502, VendorErrorKind::Unavailable { status: 502 }),
        (302, VendorErrorKind::Redirected { status: 302 }),
    ] {
        let trouble = Trouble::Refuse {
            status,
            headers: vec![("location", "https://login.example/".to_owned())],
            body: HTML.to_owned(),
        };
        for call in Call::ALL {
            let error = bench.fail(call, &trouble).await.expect_err("no answer");
            assert_eq!(error.kind, kind, "{call:?}");
        }
    }
}

pub async fn sends_nothing_without_a_login<R: Rig>() {
    let mut bench = Bench::<R>::new();
    let id = bench.record();
    let record = bench.read(&id).await;
    bench.credentials.0.remove(R::LOGIN).expect("the login");
    bench.wire.take_sent();
    for call in Call::ALL {
        let error = call.make(&bench, &record, &bench.next_incident()).await;
        let error = error.expect_err("nobody to log in as");
        assert!(
            matches!(error.kind, VendorErrorKind::Unsendable { .. }),
            "{error}"
        );
        assert!(error.is_permanent());
    }
    assert_eq!(bench.wire.take_sent().len(), 0);
    // A line break would end the header.
    let secret = im_model::Secret::new("half a secret\r\nand the rest");
    bench.credentials = Credentials([(R::LOGIN.to_owned(), secret)].into());
    let error = bench.api.read(bench.connection(), &id).await;
    let text = error.expect_err("nobody to log in as").to_string();
    assert!(!text.contains("the rest"), "{text}");
}
