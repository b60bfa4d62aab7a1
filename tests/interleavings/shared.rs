//! Values that many states share, with a digest that is made once.

use std::{
    collections::hash_map::DefaultHasher,
    fmt::{self, Debug, Write as _},
    hash::{Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

/// 128 bits: two states of some million that differ are not taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(u64, u64);

/// Makes a [`Mark`] of whatever is written or hashed into it.
pub struct Marker(DefaultHasher, DefaultHasher);

impl Marker {
    pub fn new() -> Self {
        let mut second = DefaultHasher::new();
        second.write_u8(1);
        Self(DefaultHasher::new(), second)
    }

    pub fn mark(&self) -> Mark {
        Mark(self.0.finish(), self.1.finish())
    }

    pub fn of(value: &impl Hash) -> Mark {
        let mut marker = Self::new();
        value.hash(&mut marker);
        marker.mark()
    }
}

impl Hasher for Marker {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
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
