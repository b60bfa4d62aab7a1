//! What was found, put into chunks that fit an item of the store.

use std::collections::BTreeSet;

use im_model::{DriftItem, ExternalId, IncidentId, Run};

use super::slice::Slice;
use crate::StoreError;

/// So many characters of a chunk: an item of the store may have 400 KB.
const MOST_CHARACTERS: usize = 100_000;

/// So many links of a chunk, so that one is applied within an invocation.
const MOST_LINKS: usize = 10;

/// Whose items belong together: they are healed by one sync.
pub(super) type LinkKey = (Option<IncidentId>, Option<ExternalId>);

pub(super) fn key(item: &DriftItem) -> LinkKey {
    match &item.incident {
        Some(incident) => (Some(incident.clone()), None),
        None => (None, item.external_id.clone()),
    }
}

impl Slice<'_> {
    /// Stores what a step has found; it is counted with the run. The items of one link are next to each other.
    pub(super) async fn keep(
        &self,
        run: &mut Run,
        items: Vec<DriftItem>,
    ) -> Result<(), StoreError> {
        let healable = items.iter().filter(|item| item.is_healable()).map(key);
        run.counts.to_heal += healable.collect::<BTreeSet<_>>().len() as u64;
        for item in &items {
            *run.counts.found.entry(item.kind).or_default() += 1;
        }
        run.uncounted += items.len() as u64;
        for chunk in chunks(items.into_iter().map(shortened).collect()) {
            let number = run.counts.chunks;
            let runs = &self.reconciler.starter.runs;
            runs.put_items(&run.id, number, &chunk).await?;
            run.counts.chunks += 1;
        }
        Ok(())
    }
}

/// Of a long value its beginning is kept: the report is to be read, and nothing of it is ever written anywhere.
fn shortened(mut item: DriftItem) -> DriftItem {
    const MOST: usize = 1000;
    let shorten = |value: &mut Option<String>| {
        let Some(text) = value else { return };
        if let Some((end, _)) = text.char_indices().nth(MOST) {
            text.truncate(end);
            text.push('…');
        }
    };
    shorten(&mut item.platform);
    shorten(&mut item.external);
    if let Some(base) = &mut item.base {
        shorten(&mut base.platform);
        shorten(&mut base.external);
    }
    item
}

fn chunks(items: Vec<DriftItem>) -> Vec<Vec<DriftItem>> {
    let (mut chunks, mut chunk): (Vec<_>, Vec<DriftItem>) = (Vec::new(), Vec::new());
    let (mut characters, mut links) = (0, 0);
    for item in items {
        let is_next = chunk.last().is_none_or(|last| key(last) != key(&item));
        let size = size(&item);
        // One link's are parted, too, where they are too many: it is then synced twice.
        let is_full = characters + size > MOST_CHARACTERS || is_next && links >= MOST_LINKS;
        if is_full && !chunk.is_empty() {
            chunks.push(std::mem::take(&mut chunk));
            (characters, links) = (0, 0);
        }
        links += usize::from(is_next);
        characters += size;
        chunk.push(item);
    }
    if !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}

/// About so many characters it takes.
fn size(item: &DriftItem) -> usize {
    const THE_REST: usize = 400;
    let base = item
        .base
        .iter()
        .flat_map(|base| [&base.platform, &base.external]);
    let values = [&item.platform, &item.external].into_iter().chain(base);
    THE_REST + item.why.len() + values.flatten().map(String::len).sum::<usize>()
}
