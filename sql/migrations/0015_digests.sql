-- Whoever had an address before digests came was never given the hour of the first one.

SET LOCAL tracktwo.caller = '00000000-0000-0000-0000-000000000000';

UPDATE store.principal p SET digest_due = store.digest_next(p) WHERE digest_due IS NULL AND store.digest_next(p) IS NOT NULL;
