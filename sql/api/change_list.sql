-- Changes listed: what was written, by whom, to what, for whoever may see what it was written to.
--
-- Oldest first, they are a stream that can be resumed: a mark holds the snapshot up to which all has been read, and while
-- a stretch is read page by page, the snapshot that it ends at and the place within. What a snapshot did not see is read
-- later, whatever its number, and what it saw is never read again. So a transaction that is held open holds back its own
-- rows only.

-- A snapshot with at most `p_most` transactions under way; those from the next one on count as not seen, which makes it an
-- earlier one. Marks stay short however many write at once.
CREATE FUNCTION change_snapshot(p_snapshot pg_snapshot, p_most int) RETURNS pg_snapshot LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_open xid8[] := ARRAY(SELECT pg_snapshot_xip(p_snapshot) ORDER BY 1);
BEGIN
	IF cardinality(v_open) <= p_most THEN
		RETURN p_snapshot;
	END IF;
	RETURN format('%s:%s:%s', pg_snapshot_xmin(p_snapshot), v_open[p_most + 1], array_to_string(v_open[1:p_most], ','));
END $$;

-- A mark is opaque to clients, in URL-safe letters: {order, cluster, snapshot read, snapshot being read, xact, id}.
CREATE FUNCTION change_mark(VARIADIC p_parts text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN translate(encode(convert_to(array_to_string(p_parts, ';', ''), 'UTF8'), 'base64'), E'+/=\n', '-_');
END $$;

-- Its parts; `way` NULL when it is none of ours, or none. Newest first, only the id counts.
CREATE FUNCTION change_mark_read(p_mark text, OUT way text, OUT cluster bigint, OUT seen pg_snapshot, OUT upto pg_snapshot,
	OUT xact xid8, OUT id bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_base64 text := translate(p_mark, '-_', '+/');
	v_parts text[];
BEGIN
	v_parts := string_to_array(convert_from(decode(rpad(v_base64, ((length(v_base64) + 3) / 4) * 4, '='), 'base64'), 'UTF8'),
		';', '');
	cluster := v_parts[2]; seen := v_parts[3]; upto := v_parts[4]; xact := v_parts[5]; id := v_parts[6];
	IF cardinality(v_parts) = 6 AND (v_parts[1] = 'newest' AND id IS NOT NULL OR v_parts[1] = 'oldest' AND cluster IS NOT NULL
		AND xact IS NOT NULL AND id IS NOT NULL AND num_nonnulls(seen, upto) > 0) THEN
		way := v_parts[1];
	END IF;
EXCEPTION WHEN data_exception THEN
	way := NULL;
END $$;

-- A number such that what was written since then, by the clock, has it or a higher one, or nearly: the clock and the
-- numbers go together but for minutes.
CREATE FUNCTION change_number(p_since timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_low bigint := 0;
	v_high bigint := (SELECT coalesce(max(id), 0) + 1 FROM store.change);
	v_middle bigint; v_id bigint; v_at timestamptz;
BEGIN
	WHILE p_since IS NOT NULL AND v_low < v_high LOOP
		v_middle := (v_low + v_high) / 2;
		SELECT c.id, c.at INTO v_id, v_at FROM store.change c WHERE c.id >= v_middle ORDER BY c.id LIMIT 1;
		IF v_at >= p_since - interval '5 minutes' OR NOT FOUND THEN
			v_high := v_middle;
		ELSE
			v_low := v_id + 1;
		END IF;
	END LOOP;
	RETURN v_low;
END $$;

-- The countries of what something hangs on; NULL when that is void, or not to be seen.
CREATE FUNCTION countries_of(p_engagement uuid, p_dialogue uuid, p_contact uuid, p_organization uuid) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN p_engagement IS NOT NULL
			THEN (SELECT countries FROM store.engagement WHERE id = p_engagement AND voided_at IS NULL)
		WHEN p_dialogue IS NOT NULL THEN (SELECT countries FROM store.dialogue WHERE id = p_dialogue)
		WHEN p_contact IS NOT NULL THEN (SELECT ARRAY[country] FROM store.contact WHERE id = p_contact)
		WHEN p_organization IS NOT NULL
			THEN (SELECT array_remove(ARRAY[country], NULL) FROM store.organization WHERE id = p_organization)
		ELSE '{}' END;
END $$;

-- The countries that a record concerns, as the caller sees it now; NULL when not at all. The tables' own policies decide.
CREATE FUNCTION record_countries(p_noun text, p_id uuid) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE p_noun
		WHEN 'engagement' THEN (SELECT countries FROM store.engagement WHERE id = p_id)
		WHEN 'dialogue' THEN countries_of(NULL, p_id, NULL, NULL)
		WHEN 'contact' THEN countries_of(NULL, NULL, p_id, NULL)
		WHEN 'organization' THEN countries_of(NULL, NULL, NULL, p_id)
		WHEN 'commitment' THEN (SELECT countries_of(m.engagement_id, NULL, NULL, NULL) || array_remove(ARRAY[m.by_country,
				m.to_country, (SELECT country FROM store.contact WHERE id = m.by_contact_id),
				(SELECT country FROM store.contact WHERE id = m.to_contact_id)], NULL)
			FROM store.commitment m WHERE m.id = p_id AND countries_of(m.engagement_id, NULL, NULL, NULL) IS NOT NULL)
		WHEN 'concern' THEN (SELECT ARRAY[coalesce(n.country, (SELECT country FROM store.contact WHERE id = n.contact_id))]
			FROM store.concern n WHERE n.id = p_id)
		WHEN 'reminder' THEN (SELECT countries_of(coalesce(r.engagement_id, m.engagement_id), r.dialogue_id, r.contact_id, NULL)
			FROM store.reminder r LEFT JOIN store.commitment m ON m.id = r.commitment_id WHERE r.id = p_id)
		WHEN 'note' THEN (SELECT countries_of(n.engagement_id, n.dialogue_id, n.contact_id, n.organization_id)
			FROM store.note n WHERE n.id = p_id)
		WHEN 'indicator' THEN (SELECT '{}'::text[] FROM store.indicator_value WHERE id = p_id)
		WHEN 'principal' THEN (SELECT '{}'::text[] FROM store.principal WHERE id = p_id)
		WHEN 'roadmap' THEN '{}' WHEN 'holiday' THEN '{}' END;
END $$;

CREATE FUNCTION record_title(p_noun text, p_id uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE p_noun
		WHEN 'engagement' THEN (SELECT title FROM store.engagement WHERE id = p_id)
		WHEN 'contact' THEN (SELECT name FROM store.contact WHERE id = p_id)
		WHEN 'organization' THEN (SELECT name FROM store.organization WHERE id = p_id)
		WHEN 'dialogue' THEN (SELECT title FROM store.dialogue WHERE id = p_id)
		WHEN 'commitment' THEN (SELECT body FROM store.commitment WHERE id = p_id)
		WHEN 'reminder' THEN (SELECT note FROM store.reminder WHERE id = p_id)
		WHEN 'concern' THEN (SELECT body FROM store.concern WHERE id = p_id)
		WHEN 'indicator' THEN (SELECT indicator FROM store.indicator_value WHERE id = p_id)
		WHEN 'principal' THEN (SELECT name FROM store.principal WHERE id = p_id) END;
END $$;

-- A change as the caller sees it; NULL when not at all. One's own changes always show. Of others', what is one person's own,
-- such as tokens, shows to administrators only; of a void engagement nothing but that it is void; of reminders not their text.
CREATE FUNCTION change_json(p_change store.change, p_caller uuid, p_role text, p_country text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_own boolean := p_change.principal_id = p_caller;
	v_noun text := split_part(p_change.method, '.', 1);
	v_countries text[];
	v_images jsonb;
BEGIN
	IF v_noun = 'change' THEN
		v_noun := (SELECT noun FROM store.answer WHERE change_id = p_change.id);
	END IF;
	v_countries := coalesce(record_countries(v_noun, p_change.record_id),
		CASE WHEN v_own OR v_noun IN ('token', 'calendar', 'webhook') AND p_role = 'administrator' THEN '{}'::text[] END);
	IF v_countries IS NULL OR p_country IS NOT NULL AND NOT p_country = ANY (v_countries)
		OR NOT v_own AND v_noun = 'engagement' AND EXISTS (
		SELECT FROM store.engagement WHERE id = p_change.record_id AND voided_at IS NOT NULL
			AND version <> p_change.record_version) THEN
		RETURN NULL;
	END IF;
	v_images := change_images(p_change);
	RETURN jsonb_build_object('id', p_change.request_id, 'at', instant(p_change.at), 'by', p_change.principal_id,
		'name', (SELECT name FROM store.principal WHERE id = p_change.principal_id), 'method', p_change.method,
		'noun', v_noun, 'record_id', p_change.record_id, 'version', p_change.record_version,
		'title', CASE WHEN v_own OR v_noun <> 'reminder' THEN record_title(v_noun, p_change.record_id) END,
		'countries', to_jsonb(ARRAY(SELECT DISTINCT c FROM unnest(v_countries) AS c ORDER BY c)),
		'fields', CASE WHEN v_images->>'before' IS NULL THEN '[]' ELSE to_jsonb(change_fields(
			change_view(v_noun, v_images->'before'), change_view(v_noun, v_images->'after'))) END,
		'undoable', v_own AND change_way(v_images) IS NOT NULL,
		'undid', (SELECT request_id FROM store.change WHERE id = p_change.undoes),
		'undone_by', (SELECT request_id FROM store.change WHERE undoes = p_change.id ORDER BY id DESC LIMIT 1));
END $$;

-- What a listing passes over, as the end of a condition on store.change c.
CREATE FUNCTION change_condition(p_caller uuid, p_mine boolean, p_about_id uuid, p_nouns text[], p_since timestamptz,
	p_first bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN p_mine THEN format(' AND c.principal_id = %L', p_caller) ELSE '' END
		|| CASE WHEN p_about_id IS NULL THEN '' ELSE format(' AND c.record_id = %L', p_about_id) END
		|| CASE WHEN p_nouns IS NULL THEN '' ELSE format(' AND split_part(c.method, ''.'', 1) = ANY (%L::text[])', p_nouns) END
		|| CASE WHEN p_since IS NULL THEN '' ELSE format(' AND c.at >= %L AND c.id >= %s', p_since, p_first) END;
END $$;

-- At most `p_limit`, and no more than 5,000 looked at; the mark holds the number of the last one.
CREATE FUNCTION changes_newest(p_caller uuid, p_role text, p_country text, p_condition text, p_before bigint, p_limit int,
	OUT items jsonb[], OUT next text) LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_change store.change; v_item jsonb;
	v_read int := 0;
BEGIN
	items := '{}';
	FOR v_change IN EXECUTE 'SELECT c.* FROM store.change c WHERE c.id < $1' || p_condition || ' ORDER BY c.id DESC LIMIT 5000'
		USING coalesce(p_before, 9223372036854775807) LOOP
		v_read := v_read + 1;
		IF cardinality(items) = p_limit OR v_read = 5000 THEN
			next := change_mark('newest', NULL, NULL, NULL, NULL, (v_change.id + 1)::text);
			RETURN;
		END IF;
		v_item := change_json(v_change, p_caller, p_role, p_country);
		IF v_item IS NOT NULL THEN
			items := items || v_item;
		END IF;
	END LOOP;
END $$;

-- From the mark on, until what is there now; a stretch that began earlier is read to its end first. `after` is where it ends,
-- `more` whether that is before what is there now.
CREATE FUNCTION changes_oldest(p_caller uuid, p_role text, p_country text, p_condition text, p_cluster bigint, p_seen pg_snapshot,
	p_upto pg_snapshot, p_xact xid8, p_id bigint, p_now pg_snapshot, p_limit int, OUT items jsonb[], OUT after text, OUT more boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_seen pg_snapshot := p_seen; v_upto pg_snapshot := p_upto; v_xact xid8 := p_xact; v_id bigint := p_id;
	v_change store.change; v_item jsonb; v_one text;
	v_read int := 0;
BEGIN
	items := '{}';
	more := false;
	LOOP
		IF v_upto IS NULL THEN
			v_upto := p_now; v_xact := pg_snapshot_xmin(v_seen); v_id := 0;
		END IF;
		-- What a snapshot did not see: those under way then, and all that began later. One that is held open for days does
		-- not have all that was written meanwhile read again.
		v_one := 'SELECT c.* FROM store.change c WHERE (c.xact, c.id) > ($1, $2) AND pg_visible_in_snapshot(c.xact, $3)'
			|| replace(p_condition, '%', '%%') || ' AND c.xact %s ORDER BY c.xact, c.id LIMIT 5000';
		FOR v_change IN EXECUTE format('(%s) UNION ALL (%s) ORDER BY xact, id LIMIT 5000',
				format(v_one, '= ANY ($4)'), format(v_one, '>= $5'))
				USING v_xact, v_id, v_upto, ARRAY(SELECT pg_snapshot_xip(v_seen)), coalesce(pg_snapshot_xmax(v_seen), '0') LOOP
			v_read := v_read + 1;
			IF cardinality(items) = p_limit OR v_read >= 5000 THEN
				more := true;
				EXIT;
			END IF;
			v_xact := v_change.xact; v_id := v_change.id;
			after := change_mark('oldest', p_cluster::text, v_seen::text, v_upto::text, v_xact::text, v_id::text);
			v_item := change_json(v_change, p_caller, p_role, p_country) || jsonb_build_object('cursor', after);
			IF v_item IS NOT NULL THEN
				items := items || v_item;
			END IF;
		END LOOP;
		EXIT WHEN more OR v_upto::text = p_now::text OR pg_snapshot_xmax(p_now) < pg_snapshot_xmax(v_upto);
		v_seen := v_upto; v_upto := NULL;
	END LOOP;
	IF more THEN
		after := change_mark('oldest', p_cluster::text, v_seen::text, v_upto::text, v_xact::text, v_id::text);
		RETURN;
	END IF;
	after := change_mark('oldest', p_cluster::text, v_upto::text, NULL, '0', '0');
	IF cardinality(items) > 0 THEN
		items[cardinality(items)] := items[cardinality(items)] || jsonb_build_object('cursor', after);
	END IF;
END $$;

-- Where a listing of the oldest begins without a cursor: behind the first row, in the order of transactions, that has such a
-- number.
CREATE FUNCTION change_mark_first(p_cluster bigint, p_since timestamptz, p_first bigint, p_now pg_snapshot, OUT way text,
	OUT cluster bigint, OUT seen pg_snapshot, OUT upto pg_snapshot, OUT xact xid8, OUT id bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
	cluster := p_cluster; upto := p_now; id := p_first - 1;
	IF p_since IS NOT NULL THEN
		SELECT c.xact INTO xact FROM (SELECT l.xact FROM store.change l WHERE l.id >= p_first OFFSET 0) AS c ORDER BY c.xact LIMIT 1;
	END IF;
	xact := coalesce(xact, '0');
END $$;

CREATE FUNCTION change_list(p_caller uuid, p_order text, p_mine boolean, p_about_id uuid, p_country text, p_nouns text[],
	p_since text, p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_cluster bigint := (SELECT system_identifier FROM pg_control_system());
	v_now pg_snapshot := change_snapshot(pg_current_snapshot(), 32);
	v_since timestamptz := moment(p_since);
	v_mark record; v_role text; v_first bigint; v_condition text; v_items jsonb[]; v_next text; v_after text; v_more boolean;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT role INTO v_role FROM store.principal WHERE id = p_caller AND status = 'active';
	IF NOT FOUND THEN
		RETURN refused(401, 'unauthenticated', 'the caller is no longer one of us');
	ELSIF v_cluster IS DISTINCT FROM (SELECT cluster FROM store.change_origin) THEN
		RETURN rule('changes_unsettled', 'the data came from another cluster; run tracktwod --migrate once');
	END IF;
	SELECT * INTO v_mark FROM change_mark_read(p_cursor);
	IF p_cursor IS NOT NULL AND (v_mark.way IS NULL OR v_mark.way <> p_order) THEN
		RETURN cursor_refused();
	ELSIF v_mark.cluster <> v_cluster OR (NOT pg_is_in_recovery()
		AND pg_snapshot_xmax(coalesce(v_mark.upto, v_mark.seen)) > pg_snapshot_xmax(pg_current_snapshot())) THEN
		RETURN rule('cursor_lost', 'the data was restored or moved since this cursor was given; begin anew, with since',
			'cursor');
	END IF;
	v_first := change_number(v_since);
	v_condition := change_condition(p_caller, p_mine, p_about_id, p_nouns, v_since, v_first);
	IF coalesce(v_mark.way, p_order, 'newest') = 'newest' THEN
		SELECT * INTO v_items, v_next FROM changes_newest(p_caller, v_role, p_country, v_condition, v_mark.id, v_limit);
		v_after := change_mark('oldest', v_cluster::text, v_now::text, NULL, '0', '0');
	ELSE
		IF v_mark.way IS NULL THEN
			SELECT * INTO v_mark FROM change_mark_first(v_cluster, v_since, v_first, v_now);
		END IF;
		SELECT * INTO v_items, v_after, v_more
			FROM changes_oldest(p_caller, v_role, p_country, v_condition, v_cluster, v_mark.seen, v_mark.upto, v_mark.xact,
				v_mark.id, v_now, v_limit);
		v_next := CASE WHEN v_more THEN v_after END;
	END IF;
	RETURN jsonb_build_object('items', to_jsonb(v_items), 'next_cursor', v_next, 'after', v_after);
END $$;

-- Tells the daemons of this database something: that this one has written, or that it wants to hear of writes.
CREATE FUNCTION change_tell(p_caller uuid, p_word text, p_daemon uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_caller(p_caller);
	PERFORM pg_notify('tracktwo', format('%s %s', p_word, p_daemon));
	RETURN 'true';
END $$;
