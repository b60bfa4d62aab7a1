//! HMAC-SHA256, with which the vendors sign.

use hmac::{Hmac, Mac};
use sha2::Sha256;

pub(crate) fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length: the default never stands in.
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
    mac.update(data);
    mac.finalize().into_bytes().into()
}
