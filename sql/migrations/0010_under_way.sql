-- A message that is under way has a claimer, and no other message has: so it can be seen whose are held up when a daemon is
-- gone. Who claimed it at each attempt stands in the ledger.

SET LOCAL tracktwo.caller = '00000000-0000-0000-0000-000000000000';

UPDATE store.delivery d SET claimed_by = NULL WHERE channel <> 'push' AND claimed_by IS NOT NULL AND NOT EXISTS (
	SELECT FROM store.delivery_attempt a WHERE a.delivery_id = d.id AND a.number = d.attempts AND a.ended_at IS NULL);
CREATE INDEX delivery_under_way ON store.delivery (claimed_by)
	WHERE ended_at IS NULL AND channel <> 'push' AND claimed_by IS NOT NULL;
