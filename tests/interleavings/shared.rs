//! Values that many states share, with a digest that is made once.

use std::{
    cell::OnceCell,
    fmt::{self, Debug, Write as _},
    hash::{Hash, Hasher},
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// 128 bits: two states of some million that differ are not taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(u64, u64);

/// Makes a [`Mark`] of whatever is written or hashed into it. Two lanes of multiplications: this is most of the model's
/// work, and nobody chooses values to deceive it.
pub struct Marker(u64, u64);

impl Marker {
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F)
    }

    pub fn mark(&self) -> Mark {
        let mix = |word: u64| (word ^ (word >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Mark(mix(self.0) ^ (self.0 >> 29), mix(self.1) ^ (self.1 >> 31))
    }

    pub fn of(value: &impl Hash) -> Mark {
        let mut marker = Self::new();
        value.hash(&mut marker);
        marker.mark()
    }
}

impl Hasher for Marker {
    fn finish(&self) -> u64 {
        self.mark().0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word) ^ (chunk.len() as u64) << 56);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0xFF51_AFD7_ED55_8CCD)
            .rotate_left(29);
        self.1 = (self.1.rotate_left(31) ^ word).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

impl fmt::Write for Marker {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

/// A value that is never changed. Two with the same words (`Debug`) are the same.
#[derive(Debug)]
pub struct Shared<T> {
    value: Arc<T>,
    mark: Mark,
}

impl<T: Debug> Shared<T> {
    pub fn new(value: T) -> Self {
        let mut marker = Marker::new();
        write!(marker, "{value:?}").expect("hashing never fails");
        Self {
            mark: marker.mark(),
            value: Arc::new(value),
        }
    }
}

/// A part of a state: many states have the same, and who changes it gets a copy.
#[derive(Debug)]
pub struct Part<T> {
    value: Arc<T>,
    mark: OnceCell<Mark>,
}

impl<T> Part<T> {
    pub fn new(value: T) -> Self {
        Self {
            value: Arc::new(value),
            mark: OnceCell::new(),
        }
    }
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            mark: self.mark.clone(),
        }
    }
}

impl<T> Deref for Part<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Clone> DerefMut for Part<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.mark.take();
        Arc::make_mut(&mut self.value)
    }
}

impl<T: Hash> Hash for Part<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mark = self.mark.get_or_init(|| Marker::of(&*self.value));
        mark.hash(state);
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            mark: self.mark,
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.mark.hash(state);
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.mark == other.mark
    }
}

impl<T> Eq for Shared<T> {}

impl<T> PartialOrd for Shared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Shared<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.mark.cmp(&other.mark)
    }
}
