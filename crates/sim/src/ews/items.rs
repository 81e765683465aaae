//! Items one by one: read, move, copy, delete.

use super::answer::{Fault, Outcome, Part, Refusal};
use super::shape::Shape;
use super::xml::Node;
use super::{Call, Place, show};
use crate::exchange::mailbox::{Begin, DELETED, Damage, RECOVERABLE};

/// GetItem. There is no limit to how many items may be asked for together: ten is what Microsoft advises so as not to be throttled.
pub(crate) fn get(call: &Call<'_>) -> Outcome {
    let shape = Shape::read(call.needed("ItemShape")?, false);
    let ids = call.batch("ItemIds")?;
    if let Ok(shape) = &shape
        && shape.reads_content()
        && ids.len() > 1
        && ids.iter().any(|id| is_poison(call, id))
    {
        return Err(Fault::new("ErrorContentConversionFailed", "Content conversion failed."));
    }
    let one = |id: &Node| -> Part {
        let shape = shape.as_ref().map_err(Clone::clone)?;
        let (mailbox, id) = call.item(id)?;
        let store = mailbox.store();
        let key = store.ews_key(id).ok_or_else(Refusal::no_item)?;
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        Ok(format!("<m:Items>{}</m:Items>", show::message(&store, message, shape)?))
    };
    Ok(ids.iter().map(one).collect())
}

/// Whether an item is one that fails a whole batch.
fn is_poison(call: &Call<'_>, id: &Node) -> bool {
    let Ok((mailbox, id)) = call.item(id) else { return false };
    let store = mailbox.store();
    store
        .ews_key(id)
        .and_then(|key| store.messages.get(&key))
        .is_some_and(|message| message.damage == Damage::Batch)
}

/// MoveItem and CopyItem. What arrives has a new id, in another mailbox one that is not told.
pub(crate) fn relocate(call: &Call<'_>, copies: bool) -> Outcome {
    // That it is the folder which is not there has a code of its own.
    let to = call.target(call.needed("ToFolderId")?).map_err(|refusal| match refusal.code.as_str() {
        "ErrorFolderNotFound" => {
            Refusal::new("ErrorToFolderNotFound", "The destination folder could not be found.")
        }
        _ => refusal,
    });
    let tells = call.node.flag("ReturnNewItemIds").unwrap_or(true);
    let one = |id: &Node| -> Part {
        let (to_mailbox, to) = to.as_ref().map_err(Clone::clone)?;
        let Place { folder, .. } = *to;
        if folder == 0 {
            return Err(Refusal::new("ErrorMoveCopyFailed", "The move or copy operation failed."));
        }
        let (mailbox, id) = call.item(id)?;
        if mailbox.number != to_mailbox.number {
            let (raw, begin) = {
                let store = mailbox.store();
                let key = store.ews_key(id).ok_or_else(Refusal::no_item)?;
                let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
                let begin = Begin {
                    is_read: message.is_read,
                    is_draft: message.is_draft,
                    extended: message.extended.clone(),
                    categories: message.categories.clone(),
                    ..Begin::arrived(folder, message.received)
                };
                (message.content.raw.clone(), begin)
            };
            call.exchange.store(to_mailbox, raw, begin);
            if !copies {
                let mut store = mailbox.store();
                if let Some(key) = store.ews_key(id) {
                    store.remove(key);
                }
            }
            return Ok("<m:Items/>".to_owned());
        }
        let mut store = mailbox.store();
        let key = store.ews_key(id).ok_or_else(Refusal::no_item)?;
        let key = if copies {
            store.copy(key, folder, call.now).ok_or_else(Refusal::no_item)?
        } else {
            store.relocate(key, folder, call.now);
            key
        };
        let message = store.messages.get(&key).filter(|_| tells);
        let shown = message.map(|message| show::bare(&store, message)).unwrap_or_default();
        Ok(format!("<m:Items>{shown}</m:Items>"))
    };
    Ok(call.batch("ItemIds")?.iter().map(one).collect())
}

/// DeleteItem.
pub(crate) fn delete(call: &Call<'_>) -> Outcome {
    let kind = call.node.attribute("DeleteType").unwrap_or_default();
    let one = |id: &Node| -> Part {
        let (mailbox, id) = call.item(id)?;
        let mut store = mailbox.store();
        let key = store.ews_key(id).ok_or_else(Refusal::no_item)?;
        match kind {
            "HardDelete" => store.remove(key),
            "SoftDelete" => store.relocate(key, RECOVERABLE, call.now),
            _ => store.relocate(key, DELETED, call.now),
        }
        Ok(String::new())
    };
    Ok(call.batch("ItemIds")?.iter().map(one).collect())
}
