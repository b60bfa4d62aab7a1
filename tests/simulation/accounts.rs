//! The accounts at the vendors, and the secrets that nobody may tell.

use std::{collections::BTreeMap, sync::Mutex};

use im_model::{IntegrationType, Secret};
use im_tests::World;
use im_vendors::Credentials;

type Named = BTreeMap<&'static str, String>;

/// Which credentials are good at which vendor.
pub struct Accounts {
    good: Mutex<BTreeMap<IntegrationType, Named>>,
    rotations: Mutex<u32>,
}

impl Accounts {
    /// As [`World::connect`] has them.
    pub fn of(vendors: &[IntegrationType]) -> Self {
        let named = |vendor: &IntegrationType| {
            let named = match vendor {
                IntegrationType::PagerDuty => vec![
                    ("token", "a-token"),
                    ("from_email", "oncall@example.com"),
                    ("webhook_secret", "a-secret"),
                ],
                IntegrationType::Jira => vec![
                    ("email", "im@example.com"),
                    ("api_key", "a-jira-token"),
                    ("client_key", "a-client"),
                    ("webhook_secret", "a-jira-secret"),
                ],
                IntegrationType::ServiceNow => vec![
                    ("username", "im.sync"),
                    ("password", "a-password"),
                    ("webhook_secret", "a-snow-secret"),
                ],
            };
            let named = named
                .into_iter()
                .map(|(name, text)| (name, text.to_owned()));
            (*vendor, named.collect())
        };
        Self {
            good: Mutex::new(vendors.iter().map(named).collect()),
            rotations: Mutex::default(),
        }
    }

    /// Those that are connected.
    pub fn vendors(&self) -> Vec<IntegrationType> {
        self.good
            .lock()
            .expect("not poisoned")
            .keys()
            .copied()
            .collect()
    }

    /// What is good at a vendor now.
    pub fn credentials(&self, vendor: IntegrationType) -> Credentials {
        let good = self.good.lock().expect("not poisoned");
        let named = good[&vendor].iter();
        Credentials(
            named
                .map(|(name, text)| ((*name).to_owned(), Secret::new(text.clone())))
                .collect(),
        )
    }

    /// What nobody may tell.
    pub fn secrets(&self) -> Vec<String> {
        let good = self.good.lock().expect("not poisoned");
        let named = good.values().flatten();
        let secret = |(name, _): &(&&str, &String)| is_secret(name);
        named.filter(secret).map(|(_, text)| text.clone()).collect()
    }

    /// New ones for an account.
    pub fn rotated(&self, vendor: IntegrationType) -> Named {
        let mut rotations = self.rotations.lock().expect("not poisoned");
        *rotations += 1;
        let fresh = |name: &str| format!("fresh-{name}-{rotations}-of-{vendor}");
        match vendor {
            IntegrationType::PagerDuty => Named::from([
                ("token", fresh("token")),
                ("webhook_secret", fresh("webhook")),
            ]),
            IntegrationType::Jira => Named::from([("api_key", fresh("key"))]),
            IntegrationType::ServiceNow => Named::from([
                ("password", fresh("password")),
                ("webhook_secret", fresh("webhook")),
            ]),
        }
    }

    /// Those that the vendor takes now, of those that can be changed.
    pub fn good(&self, vendor: IntegrationType) -> Named {
        let names: &[_] = match vendor {
            IntegrationType::PagerDuty => &["token", "webhook_secret"],
            IntegrationType::Jira => &["api_key"],
            IntegrationType::ServiceNow => &["password", "webhook_secret"],
        };
        let mut good = self.good.lock().expect("not poisoned")[&vendor].clone();
        good.retain(|name, _| names.contains(name));
        good
    }

    /// From here on the vendor takes these.
    pub fn rotate_at_vendor(&self, world: &World, vendor: IntegrationType, new: &Named) {
        match vendor {
            IntegrationType::PagerDuty => {
                let secrets = vec![new["webhook_secret"].clone()];
                world.pagerduty.rotate(new["token"].clone(), secrets);
            }
            IntegrationType::Jira => world.jira.change_api_key(new["api_key"].clone()),
            IntegrationType::ServiceNow => {
                world
                    .servicenow
                    .change_password("im.sync", &new["password"]);
                world
                    .servicenow
                    .change_webhook_secret(new["webhook_secret"].clone());
            }
        }
        world
            .io
            .note(format_args!("{vendor} takes the new credentials"));
        let mut good = self.good.lock().expect("not poisoned");
        let named = good.get_mut(&vendor).expect("it is connected");
        named.extend(new.iter().map(|(name, text)| (*name, text.clone())));
    }
}

fn is_secret(name: &str) -> bool {
    !matches!(name, "from_email" | "email" | "client_key" | "username")
}

/// Invariant 9: secrets stay in.
#[derive(Default)]
pub struct Secrets(Mutex<Vec<String>>);

impl Secrets {
    /// These, too.
    pub fn add<'a>(&self, secrets: impl IntoIterator<Item = &'a String>) {
        self.0
            .lock()
            .expect("not poisoned")
            .extend(secrets.into_iter().cloned());
    }

    /// Panics if one of them is in a text.
    pub fn look_at(&self, place: &str, text: &str) {
        for secret in self.0.lock().expect("not poisoned").iter() {
            assert!(
                !text.contains(secret.as_str()),
                "invariant 9: {secret} is in {place}: {text}"
            );
        }
    }
}
