//! Settings from the environment; each error names the variable.

use std::path::PathBuf;

use im_engine::{DeliveryRate, RetryLadder};
use im_store::Tables;
use im_vendors::Reach;
use jiff::SignedDuration;

/// A variable that is not set, or not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name}: {problem}")]
pub struct MissingSetting {
    name: &'static str,
    problem: String,
}

impl MissingSetting {
    pub(crate) fn new(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { name, problem }
    }
}

/// Reads settings from variables, as the template sets them.
pub struct Settings {
    read: fn(&str) -> Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            read: |name| std::env::var(name).ok().filter(|value| !value.is_empty()),
        }
    }
}

impl Settings {
    pub(crate) fn required(&self, name: &'static str) -> Result<String, MissingSetting> {
        (self.read)(name).ok_or_else(|| MissingSetting {
            name,
            problem: "must be set".to_owned(),
        })
    }

    /// An optional variable.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.read)(name)
    }

    /// `DELIVERIES_TABLE` and `SYNC_TABLE`. A function that needs only one of them is given only one.
    pub fn tables(&self) -> Result<Tables, MissingSetting> {
        Ok(Tables {
            deliveries: self.optional("DELIVERIES_TABLE").unwrap_or_default(),
            sync: self.required("SYNC_TABLE")?,
        })
    }

    /// `RETRY_QUEUE_URL` and `DEAD_LETTER_QUEUE_URL`.
    pub fn queues(&self) -> Result<(String, String), MissingSetting> {
        Ok((self.retry_queue()?, self.required("DEAD_LETTER_QUEUE_URL")?))
    }

    /// `RETRY_QUEUE_URL`: the function's own, or the one it hands retries to.
    pub fn retry_queue(&self) -> Result<String, MissingSetting> {
        self.required("RETRY_QUEUE_URL")
    }

    /// `RECONCILE_QUEUE_URL`: what wakes the reconciler for its runs.
    pub fn reconcile_queue(&self) -> Result<String, MissingSetting> {
        self.required("RECONCILE_QUEUE_URL")
    }

    /// `SECRET_PREFIX`: what the ids of integrations' secrets start with.
    pub fn secret_prefix(&self) -> Result<String, MissingSetting> {
        self.required("SECRET_PREFIX")
    }

    /// `IM_ALLOW_LOOPBACK`: how far requests may reach. It is set where a vendor's stand-in runs beside the functions,
    /// never by the template's default.
    pub fn reach(&self) -> Reach {
        match self.optional("IM_ALLOW_LOOPBACK").as_deref() {
            Some("true") => Reach::PublicAndThisMachine,
            _ => Reach::Public,
        }
    }

    /// `SSL_CERT_FILE`: a file in PEM of whom to trust at the vendors, in place of the built-in roots.
    #[cfg(feature = "vendors")]
    pub(crate) fn vendor_roots(&self) -> Result<rustls::RootCertStore, MissingSetting> {
        const NAME: &str = "SSL_CERT_FILE";
        match self.optional(NAME) {
            Some(path) => crate::roots::in_file(NAME, &path),
            None => Ok(crate::roots::built_in()),
        }
    }

    /// `SECRET_KMS_KEY_ID`: what integrations' secrets are encrypted with, if not with AWS's own key.
    pub fn secret_key(&self) -> Option<String> {
        self.optional("SECRET_KMS_KEY_ID")
    }

    /// `API_JWT_SECRET_ID`: where the shared key is kept that signs tokens of the management API, if one may.
    pub fn api_key_secret(&self) -> Option<String> {
        self.optional("API_JWT_SECRET_ID")
    }

    /// `IM_POLICY_DIR`: a policy in place of the built-in one.
    pub fn policy_folder(&self) -> Option<PathBuf> {
        self.optional("IM_POLICY_DIR").map(PathBuf::from)
    }

    /// `WEBHOOK_RATE_PER_SECOND`: how many deliveries of an integration one process of a function takes in the long run.
    pub fn webhook_rate(&self) -> Result<DeliveryRate, MissingSetting> {
        const NAME: &str = "WEBHOOK_RATE_PER_SECOND";
        let Some(text) = self.optional(NAME) else {
            return Ok(DeliveryRate::default());
        };
        let number = text.trim().parse().ok().filter(|number| *number > 0);
        number
            .map(DeliveryRate::per_second)
            .ok_or_else(|| MissingSetting {
                name: NAME,
                problem: "must be a whole number from 1, e.g. 50".to_owned(),
            })
    }

    /// `RETRY_DELAYS`: seconds between attempts, comma-separated; the default ladder if unset.
    pub fn retry_ladder(&self) -> Result<RetryLadder, MissingSetting> {
        let Some(text) = self.optional("RETRY_DELAYS") else {
            return Ok(RetryLadder::default());
        };
        let seconds = text.split(',').map(|part| {
            part.trim()
                .parse::<u32>()
                .map(|s| SignedDuration::from_secs(i64::from(s)))
        });
        seconds
            .collect::<Result<Vec<_>, _>>()
            .map(RetryLadder)
            .map_err(|_| MissingSetting {
                name: "RETRY_DELAYS",
                problem: "must be seconds, comma-separated, e.g. 30,120,480,1800".to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_variable() {
        let settings = Settings { read: |_| None };
        let error = settings.queues().expect_err("nothing is set");
        assert_eq!(
            error.to_string(),
            "environment variable RETRY_QUEUE_URL: must be set"
        );
    }

    #[test]
    fn only_true_lets_requests_reach_this_machine() {
        let reach = |read| Settings { read }.reach();
        assert_eq!(reach(|_| None), Reach::Public);
        assert_eq!(reach(|_| Some("1".to_owned())), Reach::Public);
        let allowed = reach(|name| (name == "IM_ALLOW_LOOPBACK").then(|| "true".to_owned()));
        assert_eq!(allowed, Reach::PublicAndThisMachine);
    }

    #[test]
    fn the_rate_of_webhooks_is_a_number_from_1() {
        let rate = |read| Settings { read }.webhook_rate();
        assert_eq!(rate(|_| None), Ok(DeliveryRate::per_second(50)));
        let given = rate(|_| Some(" 7 ".to_owned()));
        assert_eq!(
            given.map(|rate| (rate.per_second, rate.at_once)),
            Ok((7, 28))
        );
        let bad: [fn(&str) -> Option<String>; 2] =
            [|_| Some("0".to_owned()), |_| Some("-1".to_owned())];
        for bad in bad {
            let error = rate(bad).expect_err("no rate").to_string();
            assert!(
                error.contains("WEBHOOK_RATE_PER_SECOND: must be"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_ladder_can_be_shortened() {
        let settings = Settings {
            read: |_| Some("1, 2,3".to_owned()),
        };
        let ladder = settings.retry_ladder().expect("three numbers");
        assert_eq!(ladder.0, [1, 2, 3].map(SignedDuration::from_secs));
        assert!(
            Settings {
                read: |_| Some("soon".to_owned())
            }
            .retry_ladder()
            .is_err()
        );
    }
}
