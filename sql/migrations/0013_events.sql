-- The trail as a stream of events: which transaction wrote a row stands on it, so that a reader can tell what it has seen.
--
-- Numbers are drawn before transactions commit, so that a row may appear behind one of a higher number. A reader
-- therefore remembers a snapshot, not a number: what that snapshot saw has been read, and all else has not.
--
-- Transaction numbers mean something in their own cluster only. Data that came from another one, by a backup or a move,
-- counts as written before anything: settle(), which runs whenever migrations were looked at, sees to that.

ALTER TABLE store.change ADD COLUMN xact xid8 NOT NULL DEFAULT '0';
ALTER TABLE store.change ALTER COLUMN xact SET DEFAULT pg_current_xact_id();
CREATE INDEX change_order ON store.change (xact, id);

-- The cluster that the transaction numbers are of.
CREATE TABLE store.change_origin (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	cluster bigint NOT NULL
);
INSERT INTO store.change_origin (cluster) SELECT system_identifier FROM pg_control_system();

CREATE FUNCTION store.settle() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	v_cluster bigint := (SELECT system_identifier FROM pg_control_system());
BEGIN
	IF v_cluster = (SELECT cluster FROM store.change_origin) THEN
		RETURN false;
	END IF;
	-- Past the triggers that keep the trail as it was: what happened is not touched.
	ALTER TABLE store.change ALTER COLUMN xact DROP DEFAULT, ALTER COLUMN xact TYPE xid8 USING '0'::xid8;
	ALTER TABLE store.change ALTER COLUMN xact SET DEFAULT pg_current_xact_id();
	UPDATE store.change_origin SET cluster = v_cluster;
	RETURN true;
END $$;
