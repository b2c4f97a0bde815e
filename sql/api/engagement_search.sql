-- Searching engagements by text: which words a text means, where to look for them, and how a page of history asks.
--
-- A piece, a word or a quoted phrase, stands in an engagement's own texts, in a name of a contact who took part, or in the
-- title of its dialogue; all pieces must stand somewhere. The keys tell where; what they lead to is joined from the
-- protected tables, so that nobody finds by a name that he may not see. The rarest piece is looked up by the indexes when
-- few engagements hold it; the others, and one that many hold, are tested on the rows that a page passes.

-- The pieces of a text, the longest first.
CREATE FUNCTION search_pieces(p_text text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN ARRAY(SELECT piece FROM (SELECT DISTINCT btrim(coalesce(hit[1], hit[2])) AS piece
			FROM regexp_matches(store.fold_whole(translate(p_text, E'“”„\x1f', '""" ')), '"([^"]*)"|([^"\s]+)', 'g') AS hit)
			AS pieces
		WHERE piece <> '' ORDER BY length(piece) DESC, piece);
END $$;

-- How a key is asked for the piece in $1; one letter has no pairs, and all keys are read for it.
CREATE FUNCTION search_key(p_piece text, p_bigrams text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE WHEN length(p_piece) > 1 THEN p_bigrams || ' @> store.bigrams($1) AND ' ELSE '' END || 'strpos(k.key, $1) > 0';
END $$;

-- `candidates`: the engagements that hold the first piece of which few do, NULL when each is held by many; `pieces`: those that
-- remain to be tested, NULL when the text has none at all. Plans hold an index for no better than the table here, since either might make pairs
-- anew, and start helpers for what takes a millisecond: both are told not to.
CREATE FUNCTION search_begin(p_text text, OUT pieces text[], OUT candidates uuid[]) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	c_few CONSTANT int := 5000;
	v_piece text;
BEGIN
	pieces := nullif(search_pieces(p_text), '{}');
	FOREACH v_piece IN ARRAY coalesce(pieces, '{}') LOOP
		EXECUTE 'SELECT coalesce(array_agg(id), ''{}'') FROM (
				(SELECT k.engagement_id AS id FROM store.engagement_key k
					WHERE ' || search_key(v_piece, 'store.bigrams(k.key)') || ')
				UNION ALL (SELECT p.engagement_id FROM store.contact_key k JOIN store.contact c ON c.id = k.contact_id
					JOIN store.engagement_participant p ON p.contact_id = c.id
					WHERE ' || search_key(v_piece, 'k.bigrams') || ')
				UNION ALL (SELECT e.id FROM store.dialogue_key k JOIN store.dialogue d ON d.id = k.dialogue_id
					JOIN store.engagement e ON e.dialogue_id = d.id
					WHERE ' || search_key(v_piece, 'store.bigrams(k.key)') || ')
				LIMIT $2) AS hits'
			INTO candidates USING v_piece, c_few + 1;
		IF cardinality(candidates) <= c_few THEN
			pieces := array_remove(pieces, v_piece);
			RETURN;
		END IF;
		candidates := NULL;
	END LOOP;
END $$;

-- The condition on engagement e for so many pieces, of which the array in parameter `p_parameter` holds the texts. No
-- EXISTS: a plan could make a table of all that it might find.
CREATE FUNCTION search_tests(p_count int, p_parameter text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN coalesce((SELECT string_agg(format(' AND (
		strpos((SELECT k.key FROM store.engagement_key k WHERE k.engagement_id = e.id), %1$s) > 0
		OR (SELECT bool_or(strpos(k.key, %1$s) > 0) FROM store.engagement_participant p
			JOIN store.contact c ON c.id = p.contact_id JOIN store.contact_key k ON k.contact_id = c.id
			WHERE p.engagement_id = e.id)
		OR strpos((SELECT k.key FROM store.dialogue d JOIN store.dialogue_key k ON k.dialogue_id = d.id
			WHERE d.id = e.dialogue_id), %1$s) > 0)', format('%s[%s]', p_parameter, place)), '')
		FROM generate_series(1, p_count) AS place), '');
END $$;
