-- Finding engagements by what was written of them; and the order in which members joined a dialogue.
--
-- A key row holds a record's own texts, folded and joined; names of people and titles of dialogues keep their keys to
-- themselves and are joined when a search runs, so that a new name costs one row and not one for each meeting. Private
-- notes have no key. As with contact_key there is no policy here: only the owner reads, and joins the protected tables.

SET LOCAL tracktwo.caller = '00000000-0000-0000-0000-000000000000';

-- store.fold() without its cut: texts are not indexed by themselves.
CREATE FUNCTION store.fold_whole(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN btrim(regexp_replace(lower(normalize(p_text, NFKC)), '\s+', ' ', 'g'));
END $$;

-- The same pairs as before, in a time that grows with the text and not with its square; one that comes twice stands twice,
-- since indexes sort them anyway. Dear all the same: no plan should make them anew for each row that it passes.
CREATE OR REPLACE FUNCTION store.bigrams(p_key text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 20000
AS $$
DECLARE
	v_letters text[] := string_to_array(p_key, NULL);
BEGIN
	RETURN ARRAY(SELECT one || two FROM unnest(v_letters, v_letters[2:]) AS pairs(one, two) WHERE two IS NOT NULL);
END $$;

-- What is searched of an engagement's row. Between two texts stands a character that folding keeps and no phrase holds.
CREATE FUNCTION store.engagement_text(p store.engagement) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN store.fold_whole(concat_ws(E'\x1f', p.title, p.location, p.readout, array_to_string(p.outcomes, E'\x1f'),
		array_to_string(p.topics, E'\x1f'),
		CASE WHEN p.agenda <> '[]' THEN (SELECT string_agg(item->>'text', E'\x1f') FROM jsonb_array_elements(p.agenda) AS item)
		END));
END $$;

-- Every log writes one: it has no foreign key, since only the trigger makes rows and no engagement is ever deleted.
CREATE TABLE store.engagement_key (
	engagement_id uuid PRIMARY KEY,
	key text COLLATE "C" NOT NULL
);
CREATE TABLE store.dialogue_key (
	dialogue_id uuid PRIMARY KEY REFERENCES store.dialogue,
	key text COLLATE "C" NOT NULL
);
INSERT INTO store.engagement_key (engagement_id, key) SELECT e.id, store.engagement_text(e) FROM store.engagement e;
INSERT INTO store.dialogue_key (dialogue_id, key) SELECT id, store.fold_whole(title) FROM store.dialogue;
CREATE INDEX engagement_key_bigrams ON store.engagement_key USING gin (store.bigrams(key));
CREATE INDEX dialogue_key_bigrams ON store.dialogue_key USING gin (store.bigrams(key));

CREATE FUNCTION store.engagement_key_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO store.engagement_key (engagement_id, key) VALUES (NEW.id, store.engagement_text(NEW));
	ELSE
		UPDATE store.engagement_key k SET key = changed.key FROM (SELECT store.engagement_text(NEW) AS key) AS changed
			WHERE k.engagement_id = NEW.id AND k.key <> changed.key;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER key_follow AFTER INSERT OR UPDATE OF title, location, readout, outcomes, topics, agenda ON store.engagement
	FOR EACH ROW EXECUTE FUNCTION store.engagement_key_follow();

CREATE FUNCTION store.dialogue_key_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO store.dialogue_key (dialogue_id, key) VALUES (NEW.id, store.fold_whole(NEW.title));
	ELSE
		UPDATE store.dialogue_key SET key = store.fold_whole(NEW.title) WHERE dialogue_id = NEW.id;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER key_follow AFTER INSERT OR UPDATE OF title ON store.dialogue
	FOR EACH ROW EXECUTE FUNCTION store.dialogue_key_follow();

CREATE TRIGGER direct BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON store.engagement_key
	FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_direct();
CREATE TRIGGER direct BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON store.dialogue_key
	FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_direct();

-- Members stand in the order in which they were added. Ids tell it of those added in different milliseconds; of those
-- added together, where their rows lie does.
ALTER TABLE store.dialogue_member ADD COLUMN place bigint;
UPDATE store.dialogue_member m SET place = ordered.place
	FROM (SELECT id, row_number() OVER (ORDER BY left(id::text, 13), ctid) AS place FROM store.dialogue_member) AS ordered
	WHERE ordered.id = m.id;
ALTER TABLE store.dialogue_member ALTER COLUMN place SET NOT NULL;
ALTER TABLE store.dialogue_member ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('store.dialogue_member', 'place'), coalesce(max(place), 0) + 1, false)
	FROM store.dialogue_member;
