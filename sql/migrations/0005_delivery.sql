-- A reminder that is armed again for the same time is sent again, under a new delivery: only one that is still out stands in
-- the way of another.
ALTER TABLE store.delivery DROP CONSTRAINT delivery_reminder_id_channel_due_at_key;
CREATE UNIQUE INDEX delivery_out ON store.delivery (reminder_id, channel, due_at) WHERE ended_at IS NULL;
CREATE INDEX delivery_reminder ON store.delivery (reminder_id, due_at);
