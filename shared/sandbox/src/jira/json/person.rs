//! People.

use serde_json::{Value, json};

use super::super::site::User;
use super::Json;

impl Json<'_> {
    /// The e-mail is left out where people hide it.
    pub(crate) fn user(self, user: &User) -> Value {
        let mut shown = json!({
            "self": self.link(&format!("user?accountId={}", encoded(&user.account_id))),
            "accountId": user.account_id,
            "accountType": user.account_type,
            "avatarUrls": self.avatars(&format!("secure/useravatar?ownerId={}", encoded(&user.account_id))),
            "displayName": user.display_name,
            "active": user.active,
            "timeZone": "Etc/UTC",
        });
        match &user.email {
            Some(email) if !self.config.hides_emails => shown["emailAddress"] = json!(email),
            _ => {}
        }
        shown
    }

    /// Null for nobody.
    pub(super) fn account(self, account_id: Option<&str>) -> Value {
        let user = account_id.and_then(|id| self.config.site.user(id));
        user.map_or(Value::Null, |user| self.user(user))
    }

    pub(super) fn avatars(self, path: &str) -> Value {
        let avatar = |size: &str| self.page(&format!("{path}&size={size}"));
        json!({
            "48x48": avatar("large"),
            "24x24": avatar("small"),
            "16x16": avatar("xsmall"),
            "32x32": avatar("medium"),
        })
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
