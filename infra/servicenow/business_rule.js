/**
 * Business Rule on the table whose records are synced. The same script is used twice:
 *
 *   "im: announce changes"    when: async, insert and update
 *   "im: announce deletions"  when: after, delete
 *
 * No condition: im's own writes are announced, too, and recognised by what they say, not by who made them.
 */
(function executeRule(current, previous /* null when async */) {
    var webhook = new ImWebhook();
    if (current.operation() === 'delete') {
        // Somebody waits for this one.
        webhook.attempts = 1;
    }
    webhook.send(
        String(current.getTableName()),
        String(current.getUniqueValue()),
        String(current.getValue('sys_updated_on'))
    );
})(current, previous);
